//! What needs two operators.

use super::prices::PriceDecision;
use super::publish::Edition;
use crate::audit::{AuditAction, AuditSubject};
use crate::clock::Timestamp;
use crate::id::{AccountId, TransferId};
use crate::money::Money;

/// What one operator asks for and another one grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matter {
    /// Credit.
    Credit(GrantTerms),
    /// A version of a policy comes out.
    Publication(Edition),
    /// A sheet of prices is published, or withdrawn.
    Prices(PriceDecision),
    /// Everything that is kept about somebody ends.
    Erasure {
        /// Whose account it is.
        account: AccountId,
    },
}

/// The terms of credit that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantTerms {
    /// The posting that grants it.
    pub transfer: TransferId,
    /// Who is to get it.
    pub account: AccountId,
    /// How much.
    pub amount: Money,
    /// When the rest of the credit lapses.
    pub expires_at: Option<Timestamp>,
}

impl Matter {
    /// The account that it is about, if it is about one.
    pub const fn account(&self) -> Option<AccountId> {
        match self {
            Self::Credit(GrantTerms { account, .. }) | Self::Erasure { account } => Some(*account),
            Self::Publication(_) | Self::Prices(_) => None,
        }
    }

    /// What it is about, for the audit log.
    pub(super) fn subject(&self) -> Option<AuditSubject> {
        match self {
            Self::Credit(GrantTerms { account, .. }) | Self::Erasure { account } => Some((*account).into()),
            Self::Publication(edition) => edition.subject(),
            Self::Prices(decision) => Some(decision.version.into()),
        }
    }

    /// What else it has to do with, for the audit log.
    pub(super) fn reference(&self) -> Option<AuditSubject> {
        match self {
            Self::Credit(terms) => Some(terms.transfer.into()),
            Self::Prices(decision) => Some(decision.digest.into()),
            Self::Publication(_) | Self::Erasure { .. } => None,
        }
    }

    /// About how much.
    pub(super) const fn amount(&self) -> Option<Money> {
        match self {
            Self::Credit(terms) => Some(terms.amount),
            Self::Publication(_) | Self::Prices(_) | Self::Erasure { .. } => None,
        }
    }

    /// What the audit log calls it to ask for this, to grant it, and to refuse it.
    pub(super) const fn actions(&self) -> [AuditAction; 3] {
        match self {
            Self::Credit(_) => {
                [AuditAction::CreditRequested, AuditAction::CreditApproved, AuditAction::CreditRefused]
            }
            Self::Publication(_) => {
                [AuditAction::PolicyRequested, AuditAction::PolicyPublished, AuditAction::PolicyRefused]
            }
            Self::Prices(decision) => decision.actions(),
            Self::Erasure { .. } => {
                [AuditAction::ErasureRequested, AuditAction::ErasureApproved, AuditAction::ErasureRefused]
            }
        }
    }
}
