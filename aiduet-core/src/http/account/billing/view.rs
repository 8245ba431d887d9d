//! What answers about money look like.

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::ledger::{Balance, EntryKind, GrantLeft, StatementLine, StatementSubject};
use crate::money::Money;
use crate::payment::{TopUp, TopUpState};

/// A balance, in USD and in nano-USD. `posted` is on the account, `held` is set aside by running
/// requests, `available` is the rest; it may be negative after a refund or a dispute.
#[derive(Serialize, ToSchema)]
#[schema(as = Balance)]
pub(in super::super) struct BalanceView {
    available: String,
    available_nano: i64,
    held: String,
    held_nano: i64,
    posted: String,
    posted_nano: i64,
    /// The part of `posted` that was paid.
    paid: String,
    paid_nano: i64,
    /// The part of `posted` that was granted.
    promotional: String,
    promotional_nano: i64,
    /// Everything that was ever credited.
    credited: String,
    credited_nano: i64,
    /// Everything that was ever used.
    used: String,
    used_nano: i64,
}

impl From<Balance> for BalanceView {
    fn from(balance: Balance) -> Self {
        let Balance { credited, used, posted, held, available, paid, promotional, reserving: _ } = balance;
        Self {
            available: available.to_string(),
            available_nano: available.nanos(),
            held: held.to_string(),
            held_nano: held.nanos(),
            posted: posted.to_string(),
            posted_nano: posted.nanos(),
            paid: paid.to_string(),
            paid_nano: paid.nanos(),
            promotional: promotional.to_string(),
            promotional_nano: promotional.nanos(),
            credited: credited.to_string(),
            credited_nano: credited.nanos(),
            used: used.to_string(),
            used_nano: used.nanos(),
        }
    }
}

/// The balance, and of what it consists.
#[derive(Serialize, ToSchema)]
#[schema(as = BalanceReport)]
pub(in super::super) struct BalanceReportView {
    #[serde(flatten)]
    balance: BalanceView,
    /// What `posted` consists of, in the order in which it is used: grants, the one that lapses next
    /// first, then what was paid. What running requests have set aside is still in it.
    lots: Vec<LotView>,
}

/// A part of the balance.
#[derive(Serialize, ToSchema)]
#[schema(as = BalanceLot)]
struct LotView {
    kind: LotKind,
    amount: String,
    amount_nano: i64,
    /// When the rest of it lapses; `null`: never, as all that was paid.
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = BalanceLotKind)]
#[serde(rename_all = "snake_case")]
enum LotKind {
    Promotional,
    Paid,
}

impl BalanceReportView {
    pub(super) fn new(balance: Balance, grants: &[GrantLeft]) -> Self {
        let lot = |kind, amount: Money, expires_at: Option<Timestamp>| LotView {
            kind,
            amount: amount.to_string(),
            amount_nano: amount.nanos(),
            expires_at: expires_at.map(|at| at.to_string()),
        };
        let mut lots: Vec<LotView> =
            grants.iter().map(|grant| lot(LotKind::Promotional, grant.remaining, grant.expires_at)).collect();
        if balance.paid != Money::ZERO {
            lots.push(lot(LotKind::Paid, balance.paid, None));
        }
        Self { balance: BalanceView::from(balance), lots }
    }
}

/// A line of the statement.
#[derive(Serialize, ToSchema)]
#[schema(as = Transaction)]
pub(in super::super) struct TransactionView {
    pub(super) id: String,
    pub(super) kind: TransactionKind,
    #[schema(format = DateTime)]
    pub(super) at: String,
    /// The day in UTC.
    #[schema(format = Date)]
    pub(super) day: String,
    /// For usage: which model.
    #[schema(required)]
    pub(super) model: Option<String>,
    /// The name of the cause at the card company or in a campaign.
    #[schema(required)]
    pub(super) reference: Option<String>,
    /// What it added; negative where it took.
    pub(super) amount: String,
    pub(super) amount_nano: i64,
    /// The posted balance after it.
    pub(super) balance: String,
    pub(super) balance_nano: i64,
}

/// What a line is for; `usage_earlier` sums all usage from before the last 90 days.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum TransactionKind {
    #[serde(rename = "topup")]
    TopUp,
    Usage,
    UsageEarlier,
    Refund,
    RefundFailed,
    Dispute,
    DisputeWon,
    PromoGrant,
    PromoExpiry,
    Correction,
}

impl TransactionKind {
    const fn of(kind: EntryKind) -> Self {
        match kind {
            EntryKind::TopUp => Self::TopUp,
            EntryKind::Refund => Self::Refund,
            EntryKind::RefundFailed => Self::RefundFailed,
            EntryKind::Dispute => Self::Dispute,
            EntryKind::DisputeWon => Self::DisputeWon,
            EntryKind::PromoGrant => Self::PromoGrant,
            EntryKind::PromoExpiry => Self::PromoExpiry,
            EntryKind::Usage | EntryKind::Overage | EntryKind::LateUsage => Self::Usage,
            // The house's own; none of them has a person's account but as a correction.
            EntryKind::Correction
            | EntryKind::Tax
            | EntryKind::StripeFee
            | EntryKind::Payout
            | EntryKind::ProviderCost
            | EntryKind::DisputeFee => Self::Correction,
        }
    }

    /// As in JSON.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::TopUp => "topup",
            Self::Usage => "usage",
            Self::UsageEarlier => "usage_earlier",
            Self::Refund => "refund",
            Self::RefundFailed => "refund_failed",
            Self::Dispute => "dispute",
            Self::DisputeWon => "dispute_won",
            Self::PromoGrant => "promo_grant",
            Self::PromoExpiry => "promo_expiry",
            Self::Correction => "correction",
        }
    }
}

impl From<&StatementLine> for TransactionView {
    fn from(line: &StatementLine) -> Self {
        let StatementLine { position, subject, amount, balance } = line;
        let name = position.name.simple();
        let (id, kind, model, reference) = match subject {
            StatementSubject::Posting { id, kind, external } => {
                (id.to_string(), TransactionKind::of(*kind), None, external.as_ref().map(ToString::to_string))
            }
            StatementSubject::Usage { model } => {
                (format!("usage_{name}"), TransactionKind::Usage, Some(model.to_string()), None)
            }
            StatementSubject::EarlierUsage => {
                (format!("usage_{name}"), TransactionKind::UsageEarlier, None, None)
            }
        };
        let at = position.at.to_string();
        let day = at.split('T').next().unwrap_or_default().to_owned();
        Self {
            id,
            kind,
            at,
            day,
            model,
            reference,
            amount: amount.to_string(),
            amount_nano: amount.nanos(),
            balance: balance.to_string(),
            balance_nano: balance.nanos(),
        }
    }
}

/// A purchase of credit.
#[derive(Serialize, ToSchema)]
#[schema(as = TopUp)]
pub(in super::super) struct TopUpView {
    id: String,
    state: TopUpStateView,
    /// The credit, without tax.
    amount: String,
    amount_nano: i64,
    /// What was paid besides.
    #[schema(required)]
    tax: Option<String>,
    #[schema(required)]
    tax_nano: Option<i64>,
    /// Where it can be paid, while it can.
    #[schema(required)]
    checkout_url: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required, format = DateTime)]
    paid_at: Option<String>,
}

/// `processing`: paid by a method that takes days. `closed`: not paid, and never will be. `review`:
/// paid otherwise than asked; a person has to look at it.
#[derive(Serialize, ToSchema)]
#[schema(as = TopUpState)]
#[serde(rename_all = "snake_case")]
enum TopUpStateView {
    Open,
    Processing,
    Paid,
    Closed,
    Review,
}

impl From<&TopUp> for TopUpView {
    fn from(top_up: &TopUp) -> Self {
        let TopUp { id, account: _, amount, state, request: _, card: _, checkout, dispute: _, created_at } =
            top_up;
        let (view, receipt) = match state {
            TopUpState::Open => (TopUpStateView::Open, None),
            TopUpState::Processing => (TopUpStateView::Processing, None),
            TopUpState::Paid(receipt) => (TopUpStateView::Paid, Some(receipt)),
            TopUpState::Closed => (TopUpStateView::Closed, None),
            TopUpState::Suspended => (TopUpStateView::Review, None),
        };
        let page = checkout.as_ref().filter(|_page| *state == TopUpState::Open);
        Self {
            id: id.to_string(),
            state: view,
            amount: amount.to_string(),
            amount_nano: amount.nanos(),
            tax: receipt.map(|receipt| receipt.tax.to_string()),
            tax_nano: receipt.map(|receipt| Money::nanos(receipt.tax)),
            checkout_url: page.map(|page| page.url.clone()),
            created_at: created_at.to_string(),
            paid_at: receipt.map(|receipt| receipt.at.to_string()),
        }
    }
}

/// A purchase that has begun.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenedTopUp)]
pub(in super::super) struct OpenedTopUpView {
    id: String,
    /// The page of the card company on which it is paid.
    #[schema(required, format = "uri")]
    checkout_url: Option<String>,
    amount: String,
    amount_nano: i64,
}

impl From<&TopUp> for OpenedTopUpView {
    fn from(top_up: &TopUp) -> Self {
        Self {
            id: top_up.id.to_string(),
            checkout_url: top_up.checkout.as_ref().map(|page| page.url.clone()),
            amount: top_up.amount.to_string(),
            amount_nano: top_up.amount.nanos(),
        }
    }
}

/// The pages of the card company.
#[derive(Serialize, ToSchema)]
#[schema(as = Portal)]
pub(in super::super) struct PortalView {
    #[schema(format = "uri")]
    pub(super) url: String,
}
