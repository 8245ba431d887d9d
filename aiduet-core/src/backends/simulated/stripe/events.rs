//! Messages about what happened.

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::FakeStripe;
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
