//! Holds: reserve, settle, void.

use crate::clock::Timestamp;
use crate::dialect::Endpoint;
use crate::id::{AccountId, ApiKeyId, HoldId, NodeId, RequestId};
use crate::keys::SpendLimits;
use crate::ledger::{Balance, RequestRecord};
use crate::money::Money;
use crate::price::ModelId;
use crate::provider::Vendor;

/// A wish to set funds aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReserveRequest {
    /// The hold to make; see [`HoldId::of_request`]. An extension is a hold of its own.
    pub id: HoldId,
    /// The request it is for.
    pub request: RequestId,
    /// Who pays.
    pub account: AccountId,
    /// How much; above zero.
    pub amount: Money,
    /// What is charged of this hold if its owner dies before it notes more: the price of the
    /// prompt for the first hold, zero for an extension. At most `amount`.
    pub floor: Money,
    /// The process that will settle it.
    pub owner: NodeId,
    /// The key that spends.
    pub key: ApiKeyId,
    /// Its spend limits.
    pub limits: SpendLimits,
    /// What the record of a request says whose process died.
    pub origin: HoldOrigin,
    /// When.
    pub at: Timestamp,
}

/// What is known of a request before it is forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldOrigin {
    /// The endpoint called.
    pub endpoint: Endpoint,
    /// The model it is routed to.
    pub model: ModelId,
    /// Its vendor.
    pub vendor: Vendor,
    /// Whether the answer streams.
    pub stream: bool,
    /// When the request came.
    pub started_at: Timestamp,
}

/// Funds set aside. Spent by value: a hold is settled or voided once; one that is lost with its
/// process is swept.
#[must_use = "a hold that is neither settled nor voided keeps funds until it is swept"]
#[derive(Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its identifier.
    pub id: HoldId,
    /// The request it is for.
    pub request: RequestId,
    /// Who pays.
    pub account: AccountId,
    /// How much.
    pub amount: Money,
    /// The balance after the reserve.
    pub balance: Balance,
}

/// A charge for a request.
#[derive(Clone, Debug, PartialEq)]
pub struct SettleRequest {
    /// The holds of the request, in the order they were made.
    pub holds: Vec<HoldId>,
    /// The charge; zero releases everything and still counts as settled.
    /// Account, key and charge are those of the record.
    pub record: RequestRecord,
    /// When.
    pub at: Timestamp,
}

/// A release without a charge.
#[derive(Clone, Debug, PartialEq)]
pub struct VoidRequest {
    /// Who pays.
    pub account: AccountId,
    /// The request.
    pub request: RequestId,
    /// Its holds.
    pub holds: Vec<HoldId>,
    /// The record, with a cost of zero; `None` leaves no record (the request was never sent).
    pub record: Option<RequestRecord>,
    /// When.
    pub at: Timestamp,
}

/// What a settle or void did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The charge in all.
    pub charged: Money,
    /// The part of it that no hold covered.
    pub overage: Money,
    /// The balance afterwards.
    pub balance: Balance,
    /// Whether this call did it.
    pub state: SettlementState,
}

/// Whether a settle had an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettlementState {
    /// It was booked now.
    Booked,
    /// It had been booked before; nothing changed.
    Replayed,
    /// The hold had been swept; the difference was booked as late usage.
    Late,
}
