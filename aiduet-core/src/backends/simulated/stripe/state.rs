//! What the card company knows.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use super::api::{FakeAnswer, Fault};
use super::charges::CardManner;

/// Everything, by name.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) last: u64,
    /// Whether payers of another life of the card company are known too.
    pub(super) knows_everybody: bool,
    /// Who pays: the name, and what the gateway noted.
    pub(super) customers: BTreeMap<String, Customer>,
    pub(super) sessions: BTreeMap<String, Session>,
    pub(super) intents: BTreeMap<String, Intent>,
    pub(super) refunds: BTreeMap<String, Refund>,
    pub(super) disputes: BTreeMap<String, Dispute>,
    pub(super) invoices: BTreeMap<String, Invoice>,
    pub(super) movements: Vec<Movement>,
    pub(super) events: Vec<Value>,
    pub(super) commands: BTreeMap<String, Command>,
    pub(super) faults: VecDeque<Fault>,
    /// What kept cards do when they are charged.
    pub(super) manner: CardManner,
    /// How often a kept card was charged.
    pub(super) charges: usize,
    /// Seconds since 1970.
    pub(super) now: i64,
    /// Whether no call is answered.
    pub(super) is_silent: bool,
    /// Commands until no call is answered.
    pub(super) silent_after: Option<usize>,
    /// Whether no refund is made.
    pub(super) refuses_refunds: bool,
    /// Messages that were handed over already.
    pub(super) delivered: usize,
}

/// A command under its identifier, and what was answered.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) path: String,
    pub(super) form: Vec<(String, String)>,
    pub(super) answer: FakeAnswer,
}

impl State {
    /// A new name.
    pub(super) fn name(&mut self, prefix: &str) -> String {
        self.last = self.last.saturating_add(1);
        format!("{prefix}_{:016}", self.last)
    }

    /// What it owes to the gateway, in cents.
    pub(super) fn balance(&self) -> i64 {
        self.movements.iter().map(|moved| moved.amount.saturating_sub(moved.fee)).sum()
    }

    /// Moves money; returns the name of the movement.
    pub(super) fn move_money(&mut self, source: &str, amount: i64, fee: i64) -> Movement {
        let id = self.name("txn");
        let moved = Movement { id, source: source.to_owned(), amount, fee, at: self.now };
        self.movements.push(moved.clone());
        moved
    }
}

/// A payer.
#[derive(Clone, Debug, Default)]
pub(super) struct Customer {
    pub(super) id: String,
    /// The cards that are kept, the oldest first.
    pub(super) cards: Vec<String>,
    /// Whether only the name is known any more.
    pub(super) is_deleted: bool,
}

impl Customer {
    pub(super) fn json(&self) -> Value {
        if self.is_deleted {
            return json!({ "id": self.id, "object": "customer", "deleted": true });
        }
        json!({ "id": self.id, "object": "customer", "livemode": false })
    }
}

/// A page to pay on.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) url: String,
    pub(super) status: &'static str,
    pub(super) payment_status: &'static str,
    pub(super) net: i64,
    pub(super) tax: i64,
    pub(super) currency: String,
    pub(super) reference: Option<String>,
    pub(super) customer: Option<String>,
    /// Whether the card is kept for later.
    pub(super) keeps_card: bool,
    pub(super) intent: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) success_url: String,
    pub(super) cancel_url: String,
}

impl Session {
    pub(super) fn json(&self) -> Value {
        let total = self.net.saturating_add(self.tax);
        json!({
            "id": self.id, "object": "checkout.session", "mode": "payment", "livemode": false,
            "url": (self.status == "open").then_some(&self.url),
            "status": self.status, "payment_status": self.payment_status,
            "currency": self.currency, "amount_subtotal": self.net, "amount_total": total,
            "total_details": { "amount_tax": self.tax, "amount_discount": 0, "amount_shipping": 0 },
            "client_reference_id": self.reference, "customer": self.customer,
            "payment_intent": self.intent,
        })
    }
}

/// A payment.
#[derive(Clone, Debug, Default)]
pub(super) struct Intent {
    pub(super) id: String,
    pub(super) status: &'static str,
    pub(super) amount: i64,
    pub(super) refunded: i64,
    pub(super) is_disputed: bool,
    pub(super) currency: String,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) customer: Option<String>,
    /// Where the payer returns to from the bank.
    pub(super) return_url: Option<String>,
    /// What its payment moved.
    pub(super) moved: Option<Movement>,
}

impl Intent {
    pub(super) fn json(&self) -> Value {
        let charge = self.moved.as_ref().map(|moved| {
            json!({
                "balance_transaction": moved.json(), "amount": self.amount,
                "amount_refunded": self.refunded, "disputed": self.is_disputed,
            })
        });
        let received = if self.status == "succeeded" { self.amount } else { 0 };
        json!({
            "id": self.id, "object": "payment_intent", "livemode": false, "status": self.status,
            "currency": self.currency, "amount": self.amount, "amount_received": received,
            "metadata": self.metadata, "customer": self.customer, "latest_charge": charge,
            "next_action": (self.status == "requires_action").then(|| json!({
                "type": "redirect_to_url", "redirect_to_url": { "url": format!("/bank/{}", self.id) },
            })),
        })
    }
}

/// An invoice for a payment on a page.
#[derive(Clone, Debug)]
pub(super) struct Invoice {
    pub(super) id: String,
    pub(super) customer: String,
    pub(super) total: i64,
    pub(super) currency: String,
    /// Seconds since 1970.
    pub(super) created: i64,
}

impl Invoice {
    pub(super) fn json(&self) -> Value {
        let Self { id, customer, total, currency, created } = self;
        json!({
            "id": id, "object": "invoice", "livemode": false, "customer": customer, "status": "paid",
            "number": format!("DUET-{}", id.trim_start_matches(['i', 'n', '_', '0'])),
            "total": total, "currency": currency, "created": created,
            "invoice_pdf": format!("https://pay.example.com/{id}/pdf"),
            "hosted_invoice_url": format!("https://pay.example.com/{id}"),
        })
    }
}

/// Money on its way back.
#[derive(Clone, Debug)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) intent: String,
    pub(super) amount: i64,
    pub(super) status: &'static str,
    /// What the gateway noted: its order.
    pub(super) order: Option<String>,
}

impl Refund {
    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id, "object": "refund", "amount": self.amount, "currency": "usd",
            "payment_intent": self.intent, "status": self.status,
            "metadata": { "refund_id": self.order.clone().unwrap_or_default() },
        })
    }
}

/// A complaint.
#[derive(Clone, Debug)]
pub(super) struct Dispute {
    pub(super) id: String,
    pub(super) intent: String,
    pub(super) amount: i64,
    pub(super) status: &'static str,
    pub(super) movements: Vec<Movement>,
}

impl Dispute {
    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id, "object": "dispute", "livemode": false, "amount": self.amount,
            "currency": "usd", "payment_intent": self.intent, "status": self.status,
            "balance_transactions": self.movements.iter().map(Movement::json).collect::<Vec<_>>(),
        })
    }
}

/// A line of the card company's own account.
#[derive(Clone, Debug)]
pub(super) struct Movement {
    pub(super) id: String,
    pub(super) source: String,
    pub(super) amount: i64,
    pub(super) fee: i64,
    /// Seconds since 1970.
    pub(super) at: i64,
}

impl Movement {
    /// With its source in full.
    pub(super) fn expanded(&self) -> Value {
        let source = self.source.as_str();
        let source = match source.split('_').next() {
            Some("pi") => {
                json!({ "id": format!("ch_{source}"), "object": "charge", "payment_intent": source })
            }
            Some("re") => json!({ "id": source, "object": "refund" }),
            Some("du") => json!({ "id": source, "object": "dispute" }),
            Some("po") => json!({ "id": source, "object": "payout" }),
            _ => Value::Null,
        };
        let mut line = self.json();
        if let Some(place) = line.get_mut("source") {
            *place = source;
        }
        line
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id, "object": "balance_transaction", "source": self.source, "currency": "usd",
            "created": self.at, "type": if self.source.is_empty() { "stripe_fee" } else { "adjustment" },
            "amount": self.amount, "fee": self.fee, "net": self.amount.saturating_sub(self.fee),
        })
    }
}
