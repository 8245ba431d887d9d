//! Messages about what happened.

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::FakeStripe;
use super::api::FakeCall;
use super::state::State;
use crate::clock::Timestamp;

/// A message, signed.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The body.
    pub body: Vec<u8>,
    /// The value of the header `Stripe-Signature`.
    pub signature: String,
}

impl State {
    /// Notes what happened to an object.
    pub(super) fn happened(&mut self, kind: &str, object: Value, at: Timestamp) {
        let id = self.name("evt");
        self.events.push(json!({
            "id": id, "object": "event", "type": kind, "livemode": false,
            "api_version": API_VERSION, "created": at.seconds(), "data": { "object": object },
        }));
    }
}

/// A page of a list that begins after a named element; newest first.
pub(super) fn page(newest_first: Vec<Value>, call: &FakeCall) -> Value {
    let after = call.value("starting_after");
    let is_last_seen =
        |one: &Value| after.is_none() || one.get("id").and_then(Value::as_str) == after.as_deref();
    let skipped = if after.is_none() { 0 } else { 1 };
    let rest = newest_first.into_iter().skip_while(|one| !is_last_seen(one)).skip(skipped);
    let mut rest: Vec<Value> = rest.collect();
    let limit = call.number("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(10);
    let has_more = rest.len() > limit;
    rest.truncate(limit);
    json!({ "object": "list", "has_more": has_more, "data": rest })
}

impl State {
    /// The messages that nobody has taken.
    pub(super) fn undelivered(&self, call: &FakeCall) -> Value {
        let since = call.number("created[gte]").unwrap_or_default();
        let is_new =
            |event: &&Value| event.get("created").and_then(Value::as_i64).is_some_and(|at| at >= since);
        let waiting = self.events.iter().skip(self.delivered).filter(is_new);
        page(waiting.rev().cloned().collect(), call)
    }
}

/// The version that events have.
const API_VERSION: &str = "2026-07-29.dahlia";

impl FakeStripe {
    /// The messages since the last call, in the order in which things happened.
    pub fn deliveries(&self) -> Vec<Delivery> {
        let mut state = self.lock();
        let from = std::mem::replace(&mut state.delivered, usize::MAX).min(state.events.len());
        state.delivered = state.events.len();
        let bodies = state.events.iter().skip(from).map(|event| event.to_string().into_bytes());
        bodies.map(|body| self.sign(body)).collect()
    }

    /// Signs a message at this moment.
    pub fn sign(&self, body: Vec<u8>) -> Delivery {
        let time = self.clock.now().seconds();
        // A key of any length is one for HMAC.
        let mac = Hmac::<Sha256>::new_from_slice(self.webhook_secret.expose().as_bytes());
        let mac = mac.map(|mac| mac.chain_update(format!("{time}.")).chain_update(&body).finalize());
        let digits =
            mac.map(|mac| mac.into_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        Delivery { body, signature: format!("t={time},v1={}", digits.unwrap_or_default()) }
    }
}
