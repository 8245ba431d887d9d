//! Kept cards that are charged while the payer is absent, and banks that ask.

use serde_json::{Value, json};

use super::FakeStripe;
use super::api::{FakeAnswer, FakeCall};
use super::events::page;
use super::payer::FakeError;
use super::state::{Intent, State};
use crate::clock::Timestamp;

/// What kept cards do when they are charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CardManner {
    /// They pay.
    #[default]
    Pays,
    /// The bank refuses, for now.
    Refuses,
    /// The bank refuses for good.
    RefusesForGood,
    /// The bank wants the payer to confirm.
    AsksPayer,
}

impl FakeStripe {
    /// From now on, kept cards do this.
    pub fn let_cards(&self, manner: CardManner) {
        self.lock().manner = manner;
    }

    /// How often a kept card was charged, with or without success.
    pub fn charges(&self) -> usize {
        self.lock().charges
    }

    /// A payer takes back the card that is kept; whether one was.
    pub fn detach_card(&self, customer: &str) -> bool {
        let at = self.clock.now();
        let mut state = self.lock();
        let card = state.customers.get(customer).and_then(|known| known.cards.last().cloned());
        card.is_some_and(|card| state.detach(&card, at).is_some())
    }

    /// Somebody deletes a payer on the card company's own site; whether there was one.
    pub fn delete_customer(&self, customer: &str) -> bool {
        let at = self.clock.now();
        self.lock().delete_customer(customer, at).is_some()
    }

    /// The payments of which a bank wants to hear from the payer.
    pub fn asked_for(&self) -> Vec<String> {
        let state = self.lock();
        let asked = state.intents.values().filter(|intent| intent.status == "requires_action");
        asked.map(|intent| intent.id.clone()).collect()
    }

    /// Money goes to the gateway's bank.
    pub fn pay_out(&self, cents: i64) {
        let mut state = self.lock();
        let payout = state.name("po");
        state.move_money(&payout, cents.saturating_neg(), 0);
    }

    /// It takes a fee that belongs to no payment.
    pub fn take_fee(&self, cents: i64) {
        self.lock().move_money("", cents.saturating_neg(), 0);
    }

    /// Somebody pays for something that the gateway does not sell; returns the name of the movement.
    pub fn pay_for_something_else(&self, cents: i64) -> String {
        let at = self.clock.now();
        let mut state = self.lock();
        let (id, currency) = (state.name("pi"), "usd".to_owned());
        state.succeed(Intent { id: id.clone(), amount: cents, currency, ..Intent::default() }, at);
        let moved = state.intents.get(&id).and_then(|intent| intent.moved.as_ref());
        moved.map(|moved| moved.id.clone()).unwrap_or_default()
    }

    /// The payer confirms a payment at the bank.
    ///
    /// # Errors
    /// [`FakeError`] when the bank has not asked.
    pub fn confirm_charge(&self, payment: &str) -> Result<(), FakeError> {
        let at = self.clock.now();
        let mut state = self.lock();
        let intent = state.asked(payment)?;
        state.succeed(intent, at);
        Ok(())
    }

    /// The payer does not.
    ///
    /// # Errors
    /// [`FakeError`] when the bank has not asked.
    pub fn refuse_charge(&self, payment: &str) -> Result<(), FakeError> {
        let at = self.clock.now();
        let mut state = self.lock();
        let mut intent = state.asked(payment)?;
        intent.status = "requires_payment_method";
        state.happened("payment_intent.payment_failed", intent.json(), at);
        state.intents.insert(intent.id.clone(), intent);
        Ok(())
    }
}

/// A card as it is shown; every one is a Visa that ends with the digits of its name.
fn face(id: &str, customer: Option<&str>) -> Value {
    let last4: String = id.chars().skip(id.len().saturating_sub(4)).collect();
    json!({
        "id": id, "object": "payment_method", "type": "card", "customer": customer,
        "card": { "brand": "visa", "last4": last4, "exp_month": 12, "exp_year": 2_030 },
    })
}

impl State {
    fn asked(&self, payment: &str) -> Result<Intent, FakeError> {
        let intent = self.intents.get(payment).filter(|intent| intent.status == "requires_action");
        intent.cloned().ok_or(FakeError)
    }

    /// A card, and who keeps it there.
    pub(super) fn card(&self, id: &str) -> Option<Value> {
        let owner = self.customers.values().find(|customer| customer.cards.iter().any(|card| card == id));
        id.starts_with("pm_").then(|| face(id, owner.map(|owner| owner.id.as_str())))
    }

    /// Nobody keeps a card any more; `None`: nobody did.
    pub(super) fn detach(&mut self, card: &str, at: Timestamp) -> Option<Value> {
        let mut owners = self.customers.values_mut();
        let owner = owners.find(|customer| customer.cards.iter().any(|kept| kept == card))?;
        owner.cards.retain(|kept| kept != card);
        let detached = self.card(card)?;
        self.happened("payment_method.detached", detached.clone(), at);
        Some(detached)
    }

    /// The cards that a payer left.
    pub(super) fn cards_of(&self, customer: &str) -> Option<Value> {
        let cards = &self.customers.get(customer)?.cards;
        let data: Vec<Value> = cards.iter().rev().map(|card| face(card, Some(customer))).collect();
        Some(json!({ "object": "list", "has_more": false, "data": data }))
    }

    /// What moved money in a period, newest first.
    pub(super) fn lines(&self, call: &FakeCall) -> Value {
        let from = call.number("created[gte]").unwrap_or(i64::MIN);
        let to = call.number("created[lt]").unwrap_or(i64::MAX);
        let own = self.movements.iter().rev().filter(|moved| (from..to).contains(&moved.at));
        page(own.map(super::state::Movement::expanded).collect(), call)
    }

    /// The invoices of a payer, newest first; `None` when there is none to begin after.
    pub(super) fn invoices_of(&self, call: &FakeCall) -> Option<Value> {
        let customer = call.value("customer")?;
        let own = self.invoices.values().rev().filter(|invoice| invoice.customer == customer);
        let own: Vec<Value> = own.map(super::state::Invoice::json).collect();
        let is_known = |id: &String| self.invoices.get(id).is_some_and(|known| known.customer == customer);
        call.value("starting_after").iter().all(is_known).then(|| page(own, call))
    }

    /// The refunds of a payment, newest first.
    pub(super) fn refunds_of(&self, call: &FakeCall) -> Value {
        let payment = call.value("payment_intent");
        let own = self.refunds.values().rev().filter(|refund| Some(&refund.intent) == payment.as_ref());
        page(own.map(super::state::Refund::json).collect(), call)
    }

    /// The payments of a payer, newest first.
    pub(super) fn payments_of(&self, call: &FakeCall) -> Value {
        let customer = call.value("customer");
        let own = self.intents.values().rev().filter(|intent| intent.customer == customer);
        page(own.map(Intent::json).collect(), call)
    }

    /// `POST /v1/payment_intents` and `/{id}/confirm`.
    pub(super) fn charge(&mut self, rest: &str, call: &FakeCall, at: Timestamp) -> FakeAnswer {
        let invalid = || FakeAnswer::error(400, "invalid_request_error");
        if let Some(payment) = rest.strip_prefix('/').and_then(|rest| rest.strip_suffix("/confirm")) {
            let Some(intent) = self.intents.get_mut(payment) else { return invalid() };
            if intent.status != "requires_payment_method" {
                return invalid();
            }
            intent.status = "requires_action";
            intent.return_url = call.value("return_url");
            return FakeAnswer::ok(intent.json());
        }
        let customer = call.value("customer");
        let cards = customer.as_ref().and_then(|name| Some(&self.customers.get(name)?.cards));
        let card = call.value("payment_method");
        let is_kept = cards.is_some_and(|cards| cards.iter().any(|kept| Some(kept) == card.as_ref()));
        let (Some(amount), Some(currency)) = (call.number("amount"), call.value("currency")) else {
            return invalid();
        };
        if !is_kept || amount < 50 {
            return invalid();
        }
        self.charges = self.charges.saturating_add(1);
        let top_up = call.value("metadata[topup_id]").map(|id| ("topup_id".to_owned(), id));
        let metadata = top_up.into_iter().collect();
        let status = "requires_payment_method";
        let id = self.name("pi");
        let intent = Intent { id, status, amount, currency, metadata, customer, ..Intent::default() };
        let (code, advice) = match self.manner {
            CardManner::Pays => {
                let id = intent.id.clone();
                self.succeed(intent, at);
                return self.intents.get(&id).map_or_else(invalid, |paid| FakeAnswer::ok(paid.json()));
            }
            CardManner::Refuses => ("card_declined", "try_again_later"),
            CardManner::RefusesForGood => ("card_declined", "do_not_try_again"),
            CardManner::AsksPayer => ("authentication_required", "confirm_card_data"),
        };
        self.happened("payment_intent.payment_failed", intent.json(), at);
        let error = json!({
            "type": "card_error", "code": code, "decline_code": "generic_decline", "advice_code": advice,
            "payment_intent": intent.json(), "message": "refused",
        });
        self.intents.insert(intent.id.clone(), intent);
        FakeAnswer { status: 402, body: json!({ "error": error }) }
    }
}
