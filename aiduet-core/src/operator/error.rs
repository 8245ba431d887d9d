//! What can keep an operator from doing something.

use crate::account::AccountError;
use crate::audit::AuditError;
use crate::auth::AuthStoreError;
use crate::class::{Classify, ErrorClass, Retry, Source};
use crate::id::{AccountId, ApprovalId};
use crate::keys::KeyError;
use crate::ledger::LedgerError;
use crate::payment::RechargeError;
use crate::policy::PublicationError;
use crate::price::{EditionError, PriceError, PriceVersion};
use crate::privacy::DeletionError;

/// Failure of what needs two operators.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApprovalError {
    /// Nothing of this name was asked for.
    #[error("nothing of this name was asked for: {id}")]
    NotFound {
        /// The name.
        id: ApprovalId,
    },
    /// The name stands for another request.
    #[error("another request had the same name")]
    Conflict,
    /// Who asked cannot grant.
    #[error("who asks for something does not grant it: another operator must")]
    SamePerson,
    /// It was decided.
    #[error("{id} was decided already")]
    Decided {
        /// Which.
        id: ApprovalId,
    },
    /// Nobody decided in time.
    #[error("{id} was asked for more than seven days ago: ask again")]
    Lapsed {
        /// Which.
        id: ApprovalId,
    },
    /// The store cannot be reached or failed.
    #[error("the store of approvals is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

impl Classify for ApprovalError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::NotFound { .. } => ErrorClass::NotFound,
            Self::Conflict | Self::Decided { .. } | Self::Lapsed { .. } => ErrorClass::Conflict,
            Self::SamePerson => ErrorClass::Forbidden,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::NotFound { .. }
            | Self::Conflict
            | Self::Decided { .. }
            | Self::Lapsed { .. }
            | Self::SamePerson => Retry::Never,
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}

/// Why a sheet of prices cannot come into force.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PriceFault {
    /// The text is no sheet.
    #[error(transparent)]
    Sheet(PriceError),
    /// Its day is over.
    #[error("effective_from: the day of the sheet is over")]
    Past,
    /// It does not come behind the others.
    #[error("effective_from: version {} exists, a sheet must have a later day", last.0)]
    NotLater {
        /// The last one.
        last: PriceVersion,
    },
    /// People hear of it too late.
    #[error("effective_from: less than 30 days ahead, but a price rises, or a model or price goes: {models}")]
    TooSoon {
        /// The names of models of which something is taken.
        models: String,
    },
    /// The duet of this gateway could not choose all of its models.
    #[error("models: the duet needs {models}; name other models in the section [duet] first")]
    Needed {
        /// The names of the models that are missing.
        models: String,
    },
}

impl Classify for PriceFault {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Sheet(_) => ErrorClass::Invalid,
            Self::Past | Self::NotLater { .. } | Self::TooSoon { .. } | Self::Needed { .. } => {
                ErrorClass::Conflict
            }
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Sheet(_)
            | Self::Past
            | Self::NotLater { .. }
            | Self::TooSoon { .. }
            | Self::Needed { .. } => Retry::Never,
        }
    }
}

/// Why an act of an operator was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OfficeError {
    /// It needs a reason.
    #[error("say why: this is kept in the audit log")]
    ReasonRequired,
    /// There is no such account.
    #[error("account {id} does not exist")]
    NotFound {
        /// The account.
        id: AccountId,
    },
    /// Nobody does this for the own account.
    #[error("an operator does not do this for the own account")]
    OwnAccount,
    /// The owner has closed the account.
    #[error("the account was closed by its owner")]
    Closed,
    /// An amount is not above zero.
    #[error("the amount must be above zero")]
    Amount,
    /// Two operators.
    #[error(transparent)]
    Approval(#[from] ApprovalError),
    /// The audit log. Nothing is done that it does not tell of.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Accounts.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// Sessions.
    #[error(transparent)]
    Auth(#[from] AuthStoreError),
    /// Money.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Policies.
    #[error(transparent)]
    Publication(#[from] PublicationError),
    /// Sheets of prices.
    #[error(transparent)]
    Edition(#[from] EditionError),
    /// What a sheet of prices says.
    #[error(transparent)]
    Prices(#[from] PriceFault),
    /// Deletions.
    #[error(transparent)]
    Deletion(#[from] DeletionError),
    /// Keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Automatic purchases.
    #[error(transparent)]
    Recharge(#[from] RechargeError),
}

impl Classify for OfficeError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::ReasonRequired | Self::Amount => ErrorClass::Invalid,
            Self::NotFound { .. } => ErrorClass::NotFound,
            Self::OwnAccount => ErrorClass::Forbidden,
            Self::Closed => ErrorClass::Conflict,
            Self::Approval(error) => error.class(),
            Self::Audit(error) => error.class(),
            Self::Account(error) => error.class(),
            Self::Auth(error) => error.class(),
            Self::Ledger(error) => error.class(),
            Self::Publication(error) => error.class(),
            Self::Edition(error) => error.class(),
            Self::Prices(fault) => fault.class(),
            Self::Deletion(error) => error.class(),
            Self::Key(error) => error.class(),
            Self::Recharge(error) => error.class(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::ReasonRequired | Self::Amount | Self::NotFound { .. } | Self::OwnAccount | Self::Closed => {
                Retry::Never
            }
            Self::Approval(error) => error.retry(),
            Self::Audit(error) => error.retry(),
            Self::Account(error) => error.retry(),
            Self::Auth(error) => error.retry(),
            Self::Ledger(error) => error.retry(),
            Self::Publication(error) => error.retry(),
            Self::Edition(error) => error.retry(),
            Self::Prices(fault) => fault.retry(),
            Self::Deletion(error) => error.retry(),
            Self::Key(error) => error.retry(),
            Self::Recharge(error) => error.retry(),
        }
    }
}
