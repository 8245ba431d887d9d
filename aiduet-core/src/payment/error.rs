//! What can go wrong with payments.

use std::time::Duration;

use super::{PlanFault, RefundFault};
use crate::class::{Classify, ErrorClass, Retry, Source, unavailable_only};
use crate::id::{RefundId, TopUpId};
use crate::ledger::LedgerError;
use crate::money::Money;
use crate::notify::LetterError;

/// Failure of a [`PaymentProcessor`](super::PaymentProcessor).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PaymentError {
    /// The message is forged, stale or damaged; no more is said.
    #[error("the signature is not valid")]
    BadSignature,
    /// The processor knows no such payment.
    #[error("no such payment")]
    NotFound,
    /// The processor refuses for good.
    #[error("the payment was declined")]
    Declined,
    /// The identifier was used with other parameters.
    #[error("the identifier is in use for a different operation")]
    Conflict,
    /// The processor cannot be reached; a repeat with the same identifier is safe.
    #[error("the payment processor is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

impl Classify for PaymentError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::BadSignature | Self::Declined => ErrorClass::Invalid,
            Self::NotFound => ErrorClass::NotFound,
            Self::Conflict => ErrorClass::Conflict,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::BadSignature | Self::Declined | Self::NotFound | Self::Conflict => Retry::Never,
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}

/// Failure of a [`TopUpStore`](super::TopUpStore).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TopUpError {
    /// There is no such purchase.
    #[error("purchase {id} does not exist")]
    NotFound {
        /// The purchase that was asked for.
        id: TopUpId,
    },
    /// The identifier, page or payment belongs to something else.
    #[error("the purchase is not the one that is kept")]
    Conflict,
    /// The store cannot be reached or failed.
    #[error("the store of purchases is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

impl Classify for TopUpError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::NotFound { .. } => ErrorClass::NotFound,
            Self::Conflict => ErrorClass::Conflict,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::NotFound { .. } | Self::Conflict => Retry::Never,
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}

/// Failure of an [`AlertStore`](super::AlertStore).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AlertError {
    /// The store, or the ledger beside it, cannot be reached or failed.
    #[error("the store of alerts is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

unavailable_only!(AlertError);

/// Failure of a [`RechargeStore`](super::RechargeStore).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RechargeError {
    /// The store cannot be reached or failed.
    #[error("the store of automatic purchases is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

unavailable_only!(RechargeError);

/// Failure of a [`RefundStore`](super::RefundStore).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefundError {
    /// There is no such order.
    #[error("order {id} does not exist")]
    NotFound {
        /// The order that was asked for.
        id: RefundId,
    },
    /// The store cannot be reached or failed.
    #[error("the store of refunds is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

impl Classify for RefundError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::NotFound { .. } => ErrorClass::NotFound,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::NotFound { .. } => Retry::Never,
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}

/// Failure of a [`ReconciliationStore`](super::ReconciliationStore).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReconciliationError {
    /// The store cannot be reached or failed.
    #[error("the store of reconciliations is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

unavailable_only!(ReconciliationError);

/// Failure of a [`Cashier`](super::Cashier), [`Recharger`](super::Recharger) or
/// [`Reconciler`](super::Reconciler).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CashierError {
    /// Less or more than may be bought at once, or not whole cents.
    #[error("the amount must be a whole number of cents from {min} to {max} USD")]
    Amount {
        /// The least.
        min: Money,
        /// The most.
        max: Money,
    },
    /// More than a new account may buy in its first day.
    #[error("an account may buy at most {max} USD in its first day")]
    NewcomerMaximum {
        /// The most.
        max: Money,
    },
    /// Another purchase was asked for by a request of the same name.
    #[error("another purchase was asked for by a request of the same name")]
    RequestReused,
    /// More purchases were begun than is plausible.
    #[error("too many purchases were begun")]
    TooMany {
        /// When another one may be begun.
        retry_after: Duration,
    },
    /// More payments were refused than happens to somebody who pays.
    #[error("too many payments were refused")]
    TooManyDeclines {
        /// When another one may be begun.
        retry_after: Duration,
    },
    /// There is no such purchase.
    #[error("no such purchase")]
    NotFound,
    /// An amount of a plan of automatic purchases may not be.
    #[error("an amount of the plan is out of range: {0:?}")]
    Plan(PlanFault),
    /// The card company keeps no card of the person.
    #[error("no card is kept")]
    NoCard,
    /// The message follows another one that has not come yet: more would go back of a payment than there is.
    /// Nothing is booked; told again after the other one, it is.
    #[error("the message came before one that it follows")]
    Early,
    /// What the card company said.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// What the store said.
    #[error(transparent)]
    TopUp(#[from] TopUpError),
    /// What the books said.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A letter could not be put in the outbox.
    #[error(transparent)]
    Letter(#[from] LetterError),
    /// So much cannot be given back now.
    #[error("{}", .0.told())]
    Refund(RefundFault),
    /// What the store of refunds said.
    #[error(transparent)]
    RefundStore(#[from] RefundError),
    /// What the store of reconciliations said.
    #[error(transparent)]
    Reconciliation(#[from] ReconciliationError),
    /// What the store of automatic purchases said.
    #[error(transparent)]
    Recharge(#[from] RechargeError),
}

impl Classify for CashierError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Amount { .. } | Self::NewcomerMaximum { .. } | Self::RequestReused | Self::Plan(_) => {
                ErrorClass::Invalid
            }
            Self::NoCard | Self::Refund(_) => ErrorClass::Conflict,
            Self::TooMany { .. } | Self::TooManyDeclines { .. } => ErrorClass::RateLimited,
            Self::NotFound => ErrorClass::NotFound,
            Self::Early => ErrorClass::Unavailable,
            Self::Payment(error) => error.class(),
            Self::TopUp(error) => error.class(),
            Self::Ledger(error) => error.class(),
            Self::Letter(error) => error.class(),
            Self::Recharge(error) => error.class(),
            Self::RefundStore(error) => error.class(),
            Self::Reconciliation(error) => error.class(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Amount { .. }
            | Self::NewcomerMaximum { .. }
            | Self::RequestReused
            | Self::Plan(_)
            | Self::NoCard
            | Self::Refund(_)
            | Self::NotFound => Retry::Never,
            Self::TooMany { retry_after } | Self::TooManyDeclines { retry_after } => {
                Retry::After(*retry_after)
            }
            Self::Early => Retry::Safe,
            Self::Payment(error) => error.retry(),
            Self::TopUp(error) => error.retry(),
            Self::Ledger(error) => error.retry(),
            Self::Letter(error) => error.retry(),
            Self::Recharge(error) => error.retry(),
            Self::RefundStore(error) => error.retry(),
            Self::Reconciliation(error) => error.retry(),
        }
    }
}
