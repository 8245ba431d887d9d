//! Immutable postings.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{AccountId, LotId, TransferId};
use crate::money::Money;
use crate::provider::Vendor;

/// An account of the double-entry ledger; all are in US dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LedgerAccount {
    /// Paid credit of a person: a refundable liability.
    Paid(AccountId),
    /// Granted credit of a person: a liability that is not refunded.
    Promo(AccountId),
    /// Usage that was charged; one shard per writer.
    UsageRevenue(u16),
    /// Money at the card company.
    StripeClearing,
    /// Money paid out to the bank.
    Bank,
    /// Taxes collected at top-up.
    TaxPayable,
    /// Fees of the card company.
    StripeFees,
    /// What providers cost.
    ProviderCost,
    /// What is owed to a provider.
    ProviderPayable(Vendor),
    /// What grants cost.
    PromoExpense,
    /// Fees of disputes.
    DisputeFees,
    /// Withdrawn in a dispute, undecided.
    DisputeSuspense,
    /// Sub-cent rests of closed accounts; cents of what went back in parts that are neither credit nor tax.
    Rounding,
    /// Usage that nobody paid; above zero is an alarm.
    UsageLoss,
    /// Expired grants.
    Breakage,
}

impl LedgerAccount {
    /// Both accounts of a person: paid, promotional.
    pub const fn of_person(person: AccountId) -> [Self; 2] {
        [Self::Paid(person), Self::Promo(person)]
    }

    /// Whether it belongs to a person; its debits are limited then.
    pub const fn is_personal(self) -> bool {
        matches!(self, Self::Paid(_) | Self::Promo(_))
    }
}

/// What a posting is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A paid top-up.
    TopUp,
    /// The tax of a top-up.
    Tax,
    /// A fee of the card company.
    StripeFee,
    /// A payout to the bank.
    Payout,
    /// A grant.
    PromoGrant,
    /// A grant that ran out.
    PromoExpiry,
    /// Usage within the hold.
    Usage,
    /// Usage above the hold.
    Overage,
    /// Usage that was learnt after the hold had been swept.
    LateUsage,
    /// What a provider charges us.
    ProviderCost,
    /// A refund.
    Refund,
    /// A refund that the card company could not deliver.
    RefundFailed,
    /// Funds withdrawn in a dispute.
    Dispute,
    /// The fee of a dispute.
    DisputeFee,
    /// Funds given back after a dispute.
    DisputeWon,
    /// The reverse of a named posting, by an operator.
    Correction,
}

impl EntryKind {
    /// The code in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TopUp => "topup",
            Self::Tax => "tax",
            Self::StripeFee => "stripe_fee",
            Self::Payout => "payout",
            Self::PromoGrant => "promo_grant",
            Self::PromoExpiry => "promo_expiry",
            Self::Usage => "usage",
            Self::Overage => "overage",
            Self::LateUsage => "late_usage",
            Self::ProviderCost => "provider_cost",
            Self::Refund => "refund",
            Self::RefundFailed => "refund_failed",
            Self::Dispute => "dispute",
            Self::DisputeFee => "dispute_fee",
            Self::DisputeWon => "dispute_won",
            Self::Correction => "correction",
        }
    }

    /// Whether its external name may be one that an operator has chosen.
    pub const fn has_memo(self) -> bool {
        matches!(self, Self::PromoGrant | Self::PromoExpiry | Self::Correction)
    }

    /// Whether a debit of this kind may be made even if it is not covered; see [`Entry::is_forced`].
    pub const fn is_forced(self) -> bool {
        matches!(self, Self::Overage | Self::LateUsage | Self::Refund | Self::Dispute)
    }
}

/// A posting that is not usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its identifier.
    pub id: TransferId,
    /// What it is for.
    pub kind: EntryKind,
    /// The account that is debited.
    pub debit: LedgerAccount,
    /// The account that is credited.
    pub credit: LedgerAccount,
    /// How much; above zero.
    pub amount: Money,
    /// The name of the cause at the card company or in a campaign; unique per kind.
    pub external: Option<ExternalId>,
    /// The posting that this one reverses.
    pub reverses: Option<TransferId>,
    /// For a grant or its expiry: the lot.
    pub lot: Option<LotTerms>,
    /// When.
    pub at: Timestamp,
}

/// The terms of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LotTerms {
    /// The lot.
    pub id: LotId,
    /// Lots with a smaller number are used first.
    pub priority: i32,
    /// When the rest lapses.
    pub expires_at: Option<Timestamp>,
}

/// A grant to an account, from which [`Entry::grant`] makes the posting.
#[derive(Clone, Debug)]
pub struct Promotion {
    /// The posting to make.
    pub id: TransferId,
    /// Who gets it.
    pub account: AccountId,
    /// How much.
    pub amount: Money,
    /// Campaign and account, so that nobody gets it twice.
    pub external: Option<ExternalId>,
    /// When the rest lapses.
    pub expires_at: Option<Timestamp>,
    /// When.
    pub at: Timestamp,
}

impl Entry {
    /// Whether a debit is made even if it is not covered. A refund that the card company has made, and
    /// therefore named, is a fact; one that is about to be ordered is a wish.
    pub const fn is_forced(&self) -> bool {
        match self.kind {
            EntryKind::Refund => self.external.is_some(),
            kind => kind.is_forced(),
        }
    }

    /// The posting of a grant; its lot has the identifier of the posting.
    pub fn grant(promotion: Promotion) -> Self {
        let Promotion { id, account, amount, external, expires_at, at } = promotion;
        Self {
            id,
            kind: EntryKind::PromoGrant,
            debit: LedgerAccount::PromoExpense,
            credit: LedgerAccount::Promo(account),
            amount,
            external,
            reverses: None,
            lot: Some(LotTerms { id: LotId::from_uuid(id.as_uuid()), priority: 0, expires_at }),
            at,
        }
    }
}

/// A name given outside the ledger: 1 to 255 printable ASCII characters without spaces.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExternalId(String);

/// The text is not an external identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an external identifier has 1 to 255 printable ASCII characters without spaces")]
pub struct InvalidExternalId;

impl FromStr for ExternalId {
    type Err = InvalidExternalId;

    fn from_str(text: &str) -> Result<Self, InvalidExternalId> {
        let valid = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidExternalId) }
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
