//! What Stripe answers, as far as it is looked at. What is not named here is ignored.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A number of the smallest unit of a currency.
pub(super) type Minor = i64;

#[derive(Debug, Deserialize)]
pub(super) struct ErrorBody {
    pub(super) error: ErrorDetail,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorDetail {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) code: Option<String>,
    pub(super) decline_code: Option<String>,
    pub(super) advice_code: Option<String>,
    pub(super) payment_intent: Option<Reference>,
}

/// A reference: the identifier, or the object where it was expanded.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Reference {
    Id(String),
    Object { id: String },
}

impl Reference {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Id(id) | Self::Object { id } => id,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) url: Option<String>,
    pub(super) mode: String,
    pub(super) livemode: bool,
    pub(super) status: Option<String>,
    pub(super) payment_status: String,
    pub(super) currency: Option<String>,
    pub(super) amount_subtotal: Option<Minor>,
    pub(super) amount_total: Option<Minor>,
    pub(super) client_reference_id: Option<String>,
    pub(super) customer: Option<Reference>,
    pub(super) payment_intent: Option<Reference>,
}

/// An object of which the name is enough.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) id: String,
}

/// A card, and whose it is while it is kept.
#[derive(Debug, Deserialize)]
pub(super) struct PaymentMethod {
    pub(super) customer: Option<Reference>,
}

/// A card that is kept.
#[derive(Debug, Deserialize)]
pub(super) struct KeptCard {
    pub(super) id: String,
    pub(super) card: CardFace,
}

/// What stands on a card and may be shown.
#[derive(Debug, Deserialize)]
pub(super) struct CardFace {
    pub(super) brand: String,
    pub(super) last4: String,
    pub(super) exp_month: u8,
    pub(super) exp_year: u16,
}

/// An invoice.
#[derive(Debug, Deserialize)]
pub(super) struct Invoice {
    pub(super) id: String,
    pub(super) number: Option<String>,
    /// Seconds since 1970.
    pub(super) created: i64,
    pub(super) total: Minor,
    pub(super) status: Option<String>,
    pub(super) invoice_pdf: Option<String>,
    pub(super) hosted_invoice_url: Option<String>,
}

/// A payer; of one that was deleted little else is told.
#[derive(Debug, Deserialize)]
pub(super) struct Customer {
    #[serde(default)]
    pub(super) deleted: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Portal {
    pub(super) url: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Intent {
    pub(super) id: String,
    pub(super) livemode: bool,
    pub(super) status: String,
    pub(super) currency: String,
    pub(super) amount_received: Option<Minor>,
    pub(super) customer: Option<Reference>,
    pub(super) next_action: Option<NextAction>,
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) latest_charge: Option<Charge>,
}

/// What the payer has to do.
#[derive(Debug, Deserialize)]
pub(super) struct NextAction {
    pub(super) redirect_to_url: Option<Redirect>,
}

/// Where the payer has to go.
#[derive(Debug, Deserialize)]
pub(super) struct Redirect {
    pub(super) url: String,
}

/// A charge: its name, or what was asked for of it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Charge {
    Whole(WholeCharge),
    Name(serde::de::IgnoredAny),
}

/// A charge as it was asked for.
#[derive(Debug, Deserialize)]
pub(super) struct WholeCharge {
    pub(super) balance_transaction: Option<BalanceTransaction>,
    #[serde(default)]
    pub(super) amount: Minor,
    #[serde(default)]
    pub(super) amount_refunded: Minor,
    #[serde(default)]
    pub(super) disputed: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    pub(super) id: String,
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) status: Option<String>,
    pub(super) amount: Minor,
    pub(super) payment_intent: Option<Reference>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Dispute {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) payment_intent: Option<Reference>,
    #[serde(default)]
    pub(super) balance_transactions: Vec<BalanceTransaction>,
}

#[derive(Debug, Deserialize)]
pub(super) struct BalanceTransaction {
    pub(super) id: String,
    pub(super) amount: Minor,
    pub(super) fee: Minor,
}

#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) object: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) livemode: bool,
    /// Seconds since 1970.
    #[serde(default)]
    pub(super) created: i64,
    pub(super) data: EventData,
}

#[derive(Debug, Deserialize)]
pub(super) struct EventData {
    pub(super) object: EventObject,
}

#[derive(Debug, Deserialize)]
pub(super) struct EventObject {
    #[serde(default)]
    pub(super) id: String,
}

/// A page of a list, newest first.
#[derive(Debug, Deserialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    pub(super) has_more: bool,
}

/// A line of our account at Stripe.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) amount: Minor,
    pub(super) fee: Minor,
    /// Seconds since 1970.
    pub(super) created: i64,
    pub(super) source: Option<Source>,
}

/// What a line came from.
#[derive(Debug, Deserialize)]
pub(super) struct Source {
    pub(super) id: String,
    pub(super) object: String,
    pub(super) payment_intent: Option<Reference>,
}

/// Our account at Stripe.
#[derive(Debug, Deserialize)]
pub(super) struct Balance {
    pub(super) available: Vec<Part>,
    pub(super) pending: Vec<Part>,
}

/// The part of an account that is in one currency.
#[derive(Debug, Deserialize)]
pub(super) struct Part {
    pub(super) amount: Minor,
    pub(super) currency: String,
}
