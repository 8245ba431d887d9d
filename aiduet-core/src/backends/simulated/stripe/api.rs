//! The calls that a processor makes.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use super::FakeStripe;
use super::payer::FakeError;
use super::state::{Command, Customer, Refund, Session, State};
use crate::clock::Timestamp;

/// A call.
#[derive(Clone, Debug)]
pub struct FakeCall {
    /// A command (`POST`), a question (`GET`), or an end (`DELETE`).
    pub method: Method,
    /// The path, for example `/v1/refunds`.
    pub path: String,
    /// The parameters.
    pub form: Vec<(String, String)>,
    /// The value of the header `Idempotency-Key`.
    pub key: Option<String>,
}

impl FakeCall {
    /// A call by its parts: the form, which is the body of a command and else the query, and the value
    /// of the header `Idempotency-Key`.
    pub fn of(method: &Method, path: &str, (form, key): (&[u8], Option<&str>)) -> Self {
        let form = form_urlencoded::parse(form).into_owned().collect();
        Self { method: method.clone(), path: path.to_owned(), form, key: key.map(str::to_owned) }
    }

    /// A parameter.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        self.form.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone())
    }

    /// A parameter that is a number.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.value(name).and_then(|text| text.parse().ok())
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct FakeAnswer {
    /// The HTTP status; 0: the connection breaks.
    pub status: u16,
    /// The body.
    pub body: Value,
}

/// What goes wrong with the next command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not carried out.
    Before(u16),
    /// It is carried out; the answer is lost.
    Lost,
    /// It is not carried out, and the same answer is given to every repeat.
    Stored(u16),
}

impl FakeAnswer {
    pub(super) const fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }

    pub(super) fn error(status: u16, kind: &str) -> Self {
        Self { status, body: json!({ "error": { "type": kind, "message": "refused" } }) }
    }
}

impl FakeStripe {
    /// Answers the next command with this status, without carrying it out.
    pub fn fail_next(&self, status: u16) {
        self.lock().faults.push_back(Fault::Before(status));
    }

    /// Carries the next command out and loses the answer.
    pub fn lose_next(&self) {
        self.lock().faults.push_back(Fault::Lost);
    }

    /// Answers the next command and all its repeats with this status, as the real one does after
    /// an error of its own.
    pub fn store_failure(&self, status: u16) {
        self.lock().faults.push_back(Fault::Stored(status));
    }

    /// Answers nothing from now on.
    pub fn go_silent(&self) {
        self.lock().is_silent = true;
    }

    /// Answers again.
    pub fn speak_again(&self) {
        let mut state = self.lock();
        (state.is_silent, state.silent_after) = (false, None);
    }

    /// Carries so many commands out, and answers nothing from the next one on.
    pub fn go_silent_after(&self, commands: usize) {
        self.lock().silent_after = Some(commands);
    }

    /// Forgets which commands it had, as the real one does after a day.
    pub fn forget_keys(&self) {
        self.lock().commands.clear();
    }

    /// Answers a call.
    pub fn call(&self, call: &FakeCall) -> FakeAnswer {
        let at = self.clock.now();
        let mut state = self.lock();
        if state.is_silent {
            return FakeAnswer { status: 0, body: Value::Null };
        }
        if call.method == Method::GET {
            return state.question(call);
        }
        if call.method == Method::DELETE {
            return state.end(call, at);
        }
        if let Some(left) = &mut state.silent_after {
            match left.checked_sub(1) {
                Some(fewer) => *left = fewer,
                None => {
                    state.is_silent = true;
                    return FakeAnswer { status: 0, body: Value::Null };
                }
            }
        }
        let Some(key) = &call.key else { return FakeAnswer::error(400, "invalid_request_error") };
        if let Some(Command { path, form, answer }) = state.commands.get(key) {
            let is_same = *path == call.path && *form == call.form;
            return if is_same { answer.clone() } else { FakeAnswer::error(400, "idempotency_error") };
        }
        let fault = state.faults.pop_front();
        let answer = match fault {
            Some(Fault::Before(status)) => return FakeAnswer::error(status, "api_error"),
            Some(Fault::Stored(status)) => FakeAnswer::error(status, "api_error"),
            Some(Fault::Lost) | None => state.command(call, at),
        };
        let stored = Command { path: call.path.clone(), form: call.form.clone(), answer: answer.clone() };
        state.commands.insert(key.clone(), stored);
        if fault == Some(Fault::Lost) { FakeAnswer { status: 0, body: Value::Null } } else { answer }
    }
}

impl State {
    fn question(&self, call: &FakeCall) -> FakeAnswer {
        let parts: Vec<&str> = call.path.trim_start_matches('/').split('/').collect();
        let found = match parts.as_slice() {
            ["v1", "checkout", "sessions", id] => self.sessions.get(*id).map(Session::json),
            ["v1", "refunds"] => Some(self.refunds_of(call)),
            ["v1", "payment_intents"] => Some(self.payments_of(call)),
            ["v1", "customers", id] => self.customers.get(*id).map(Customer::json),
            ["v1", "customers", id, "payment_methods"] => self.cards_of(id),
            ["v1", "payment_methods", id] => self.card(id),
            ["v1", "invoices"] => self.invoices_of(call),
            ["v1", "payment_intents", id] => self.intents.get(*id).map(super::state::Intent::json),
            ["v1", "refunds", id] => self.refunds.get(*id).map(Refund::json),
            ["v1", "disputes", id] => self.disputes.get(*id).map(super::state::Dispute::json),
            ["v1", "events"] => Some(self.undelivered(call)),
            ["v1", "balance_transactions"] => Some(self.lines(call)),
            ["v1", "balance"] => Some(json!({
                "object": "balance", "pending": [],
                "available": [{ "amount": self.balance(), "currency": "usd" }],
            })),
            _ => None,
        };
        found.map_or_else(|| FakeAnswer::error(404, "invalid_request_error"), FakeAnswer::ok)
    }

    fn command(&mut self, call: &FakeCall, at: Timestamp) -> FakeAnswer {
        let value = |name: &str| call.value(name);
        let number = |name: &str| call.number(name);
        if let Some(rest) = call.path.strip_prefix("/v1/payment_intents") {
            return self.charge(rest, call, at);
        }
        if let Some(card) = call.path.strip_prefix("/v1/payment_methods/") {
            let detached = card.strip_suffix("/detach").and_then(|card| self.detach(card, at));
            return detached.map_or_else(|| FakeAnswer::error(400, "invalid_request_error"), FakeAnswer::ok);
        }
        if let Some(page) = call.path.strip_prefix("/v1/checkout/sessions/") {
            let closed = page.strip_suffix("/expire").and_then(|page| self.expire(page, at).ok());
            return closed.map_or_else(|| FakeAnswer::error(400, "invalid_request_error"), FakeAnswer::ok);
        }
        let answer = match call.path.as_str() {
            "/v1/checkout/sessions" => self.open(&value, &number),
            "/v1/customers" => Some(self.customer().json()),
            "/v1/billing_portal/sessions" => self.portal(&value),
            "/v1/refunds" => value("payment_intent").zip(number("amount")).and_then(|(intent, amount)| {
                let order = value("metadata[refund_id]");
                Some(self.refund((&intent, order), amount, at).ok()?.json())
            }),
            _ => return FakeAnswer::error(404, "invalid_request_error"),
        };
        answer.map_or_else(|| FakeAnswer::error(400, "invalid_request_error"), FakeAnswer::ok)
    }

    fn end(&mut self, call: &FakeCall, at: Timestamp) -> FakeAnswer {
        let customer = call.path.strip_prefix("/v1/customers/");
        match customer.and_then(|customer| self.delete_customer(customer, at)) {
            Some(deleted) => FakeAnswer::ok(deleted.json()),
            None => FakeAnswer::error(404, "invalid_request_error"),
        }
    }

    /// Forgets a payer but for the name.
    pub(super) fn delete_customer(&mut self, id: &str, at: Timestamp) -> Option<Customer> {
        let known = self.customers.get_mut(id).filter(|customer| !customer.is_deleted)?;
        let was = known.clone();
        *known = Customer { id: was.id.clone(), cards: Vec::new(), is_deleted: true };
        let deleted = known.clone();
        self.happened("customer.deleted", was.json(), at);
        Some(deleted)
    }

    fn customer(&mut self) -> Customer {
        let customer = Customer { id: self.name("cus"), ..Customer::default() };
        self.customers.insert(customer.id.clone(), customer.clone());
        customer
    }

    fn is_known(&self, customer: &str) -> bool {
        self.customers.get(customer).map_or(self.knows_everybody, |known| !known.is_deleted)
    }

    fn portal(&mut self, value: &dyn Fn(&str) -> Option<String>) -> Option<Value> {
        let customer = value("customer").filter(|name| self.is_known(name))?;
        let back = value("return_url")?;
        let id = self.name("bps");
        Some(json!({
            "id": id, "object": "billing_portal.session", "customer": customer, "return_url": back,
            "url": format!("/portal/{id}"),
        }))
    }

    fn open(
        &mut self,
        value: &dyn Fn(&str) -> Option<String>,
        number: &dyn Fn(&str) -> Option<i64>,
    ) -> Option<Value> {
        let net = number("line_items[0][price_data][unit_amount]").filter(|cents| *cents >= 50)?;
        let tax_on = value("automatic_tax[enabled]").as_deref() == Some("true");
        let customer = value("customer");
        if customer.as_ref().is_some_and(|name| !self.is_known(name)) {
            return None;
        }
        let id = self.name("cs_test");
        let top_up = value("payment_intent_data[metadata][topup_id]");
        let session = Session {
            url: format!("/pay/{id}"),
            status: "open",
            payment_status: "unpaid",
            net,
            // A tenth, in whole cents.
            tax: if tax_on { net.div_euclid(10) } else { 0 },
            currency: value("line_items[0][price_data][currency]")?,
            reference: value("client_reference_id"),
            customer,
            keeps_card: value("payment_intent_data[setup_future_usage]").as_deref() == Some("off_session"),
            intent: None,
            metadata: top_up.map(|id| ("topup_id".to_owned(), id)).into_iter().collect::<BTreeMap<_, _>>(),
            success_url: value("success_url")?,
            cancel_url: value("cancel_url")?,
            id: id.clone(),
        };
        let body = session.json();
        self.sessions.insert(id, session);
        Some(body)
    }

    /// Whether there is a complaint about a payment that did not end well.
    pub(super) fn is_complained_of(&self, intent: &str) -> bool {
        let stands = |status: &str| !matches!(status, "won" | "prevented" | "warning_closed");
        let mut disputes = self.disputes.values().filter(|dispute| dispute.intent == intent);
        disputes.any(|dispute| stands(dispute.status))
    }

    /// Gives money back, at most what is left of a payment.
    pub(super) fn refund(
        &mut self,
        (intent, order): (&str, Option<String>),
        amount: i64,
        at: Timestamp,
    ) -> Result<Refund, FakeError> {
        if self.refuses_refunds {
            return Err(FakeError);
        }
        let is_disputed = self.is_complained_of(intent);
        let paid = self.intents.get_mut(intent).filter(|intent| intent.status == "succeeded");
        let paid = paid.filter(|_paid| !is_disputed).ok_or(FakeError)?;
        if amount <= 0 || amount > paid.amount.saturating_sub(paid.refunded) {
            return Err(FakeError);
        }
        paid.refunded = paid.refunded.saturating_add(amount);
        let refund =
            Refund { id: self.name("re"), intent: intent.to_owned(), amount, status: "succeeded", order };
        self.move_money(&refund.id, amount.saturating_neg(), 0);
        self.happened("refund.created", refund.json(), at);
        self.refunds.insert(refund.id.clone(), refund.clone());
        Ok(refund)
    }
}
