//! Rows of an archive that no answer of the account API has.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::packer::ManifestView;
use super::{ArchiveError, Component};
use crate::auth::Identity;
use crate::clock::Timestamp;
use crate::http::account::billing::alerts::AlertsView;
use crate::http::account::billing::limits::LimitsView;
use crate::http::account::billing::recharge::RechargeView;
use crate::http::account::billing::{BalanceView, TopUpView};
use crate::http::account::identities::IdentityView;
use crate::http::account::usage::{SpendView, spending};
use crate::http::account::usage_view::TotalsView;
use crate::http::account::view::KeyView;
use crate::id::AccountId;
use crate::keys::ApiKey;
use crate::ledger::{GroupBy, KeySpend, SumUsage, UsageFilter, UsageGroup, UsageReader, start_of_day};
use crate::notify::{NoticeRecord, NoticeState};
use crate::payment::{CardUse, DisputeStage, RefundOrder, RefundState, TopUp, TopUpState};
use crate::privacy::USAGE_DAYS_MAX;

const DAY: Duration = Duration::from_hours(24);

/// The components of the document that only archives need.
pub(in super::super) fn schemas() -> Vec<Component> {
    fn add<T: ToSchema>(all: &mut Vec<Component>) {
        all.push((T::name().into_owned(), T::schema()));
        T::schemas(all);
    }
    let mut all = Vec::new();
    add::<ManifestView>(&mut all);
    add::<ExportedIdentity>(&mut all);
    add::<ExportedKey>(&mut all);
    add::<UsageDay>(&mut all);
    add::<BillingView>(&mut all);
    add::<PurchaseView>(&mut all);
    add::<RefundView>(&mut all);
    add::<MessageView>(&mut all);
    all
}

/// An account elsewhere by which you sign in.
#[derive(Serialize, ToSchema)]
pub(super) struct ExportedIdentity {
    #[serde(flatten)]
    identity: IdentityView,
    /// What the issuer calls you.
    subject: String,
}

impl From<&Identity> for ExportedIdentity {
    fn from(identity: &Identity) -> Self {
        Self { identity: IdentityView::from(identity), subject: identity.subject.clone() }
    }
}

/// An API key, and what it has spent.
#[derive(Serialize, ToSchema)]
pub(super) struct ExportedKey {
    #[serde(flatten)]
    key: KeyView,
    spend: Vec<SpendView>,
}

impl ExportedKey {
    pub(super) fn of(key: &ApiKey, spend: &KeySpend, now: Timestamp) -> Self {
        Self { key: KeyView::from(key), spend: spending(spend, key.limits.spend, now) }
    }
}

/// The requests of a day (UTC) to a model.
#[derive(Serialize, ToSchema)]
pub(super) struct UsageDay {
    #[schema(format = Date)]
    day: String,
    model: String,
    #[serde(flatten)]
    totals: TotalsView,
}

/// The columns of a table of [`UsageDay`].
pub(super) const DAY_COLUMNS: [&str; 13] = [
    "day",
    "model",
    "requests",
    "errors",
    "rate_limited",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "cost",
    "cost_nano",
    "first_byte_ms",
    "duration_ms",
];

/// All sums that are kept, oldest first.
pub(super) async fn usage_days(
    reader: &dyn UsageReader,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<UsageDay>, ArchiveError> {
    // A sum goes an hour after it is too old, and one of today may begin a little after now.
    let kept = u32::from(USAGE_DAYS_MAX).saturating_add(1);
    let from = start_of_day(now.minus(DAY * kept));
    let request = SumUsage {
        account,
        from,
        step: DAY,
        steps: kept.saturating_add(2),
        group: Some(GroupBy::Model),
        filter: UsageFilter::default(),
    };
    let mut steps = reader.sum(request).await.map_err(ArchiveError::store)?;
    steps.sort_by(|one, other| (one.step, &one.group).cmp(&(other.step, &other.group)));
    let days = steps.into_iter().filter_map(|step| match step.group {
        UsageGroup::Model(model) => Some(UsageDay {
            day: day(from.plus(DAY * step.step)),
            model: model.to_string(),
            totals: TotalsView::from(&step.totals),
        }),
        _ => None,
    });
    Ok(days.collect())
}

fn day(at: Timestamp) -> String {
    at.to_string().split('T').next().unwrap_or_default().to_owned()
}

/// The balance, and what belongs to it.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportedBilling)]
pub(super) struct BillingView {
    pub(super) balance: BalanceView,
    /// The card company's name for you.
    #[schema(required)]
    pub(super) payer: Option<String>,
    pub(super) alerts: AlertsView,
    pub(super) limits: LimitsView,
    pub(super) auto_recharge: RechargeView,
}

/// A purchase of credit.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportedPurchase)]
pub(super) struct PurchaseView {
    #[serde(flatten)]
    top_up: TopUpView,
    /// The payment at the card company.
    #[schema(required)]
    payment: Option<String>,
    /// Whether the card was to be kept for later purchases.
    card_kept: bool,
    /// `inquiry`, `open`, `won` or `lost`.
    #[schema(required)]
    dispute: Option<&'static str>,
}

impl From<&TopUp> for PurchaseView {
    fn from(top_up: &TopUp) -> Self {
        Self {
            top_up: TopUpView::from(top_up),
            payment: match &top_up.state {
                TopUpState::Paid(receipt) => Some(receipt.payment.to_string()),
                TopUpState::Open | TopUpState::Processing | TopUpState::Closed | TopUpState::Suspended => {
                    None
                }
            },
            card_kept: top_up.card == CardUse::Kept,
            dispute: top_up.dispute.map(|stage| match stage {
                DisputeStage::Inquiry => "inquiry",
                DisputeStage::Open => "open",
                DisputeStage::Won => "won",
                DisputeStage::Lost => "lost",
            }),
        }
    }
}

/// What was paid back.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportedRefund)]
pub(in super::super) struct RefundView {
    id: String,
    /// Of which purchase.
    topup_id: String,
    /// Of which payment at the card company.
    payment: String,
    /// `begun`, `accepted` or `failed`.
    state: &'static str,
    /// The card company's name for it.
    #[schema(required)]
    reference: Option<String>,
    /// What left the balance, in USD.
    amount: String,
    amount_nano: i64,
    /// What went back, with tax.
    total: String,
    total_nano: i64,
    #[schema(format = DateTime)]
    at: String,
}

impl From<&RefundOrder> for RefundView {
    fn from(order: &RefundOrder) -> Self {
        let RefundOrder {
            id,
            account: _,
            top_up,
            payment,
            net,
            gross,
            state,
            request: _,
            begun_at,
            due_at: _,
        } = order;
        let (state, reference) = match state {
            RefundState::Begun => ("begun", None),
            RefundState::Accepted(reference) => ("accepted", Some(reference.to_string())),
            RefundState::Failed => ("failed", None),
        };
        Self {
            id: id.to_string(),
            topup_id: top_up.to_string(),
            payment: payment.to_string(),
            state,
            reference,
            amount: net.to_string(),
            amount_nano: net.nanos(),
            total: gross.to_string(),
            total_nano: gross.nanos(),
            at: begun_at.to_string(),
        }
    }
}

/// That a message was sent.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportedMessage)]
pub(super) struct MessageView {
    id: String,
    /// What kind, for example `verify_email`.
    kind: &'static str,
    locale: &'static str,
    /// `waiting`, `delivered`, `bounced`, `given_up` or `uncertain`.
    state: &'static str,
    /// How often it was tried.
    attempts: u32,
    #[schema(format = DateTime)]
    at: String,
    /// When it came to that state; while it waits: when it is due.
    #[schema(format = DateTime)]
    state_at: String,
}

impl From<&NoticeRecord> for MessageView {
    fn from(record: &NoticeRecord) -> Self {
        let NoticeRecord { id, account: _, kind, locale, state, attempts, last_failure: _, at } = record;
        let (state, state_at) = match state {
            NoticeState::Waiting { due_at } => ("waiting", due_at),
            NoticeState::Delivered { at } => ("delivered", at),
            NoticeState::Bounced { at } => ("bounced", at),
            NoticeState::GivenUp { at } => ("given_up", at),
            NoticeState::Uncertain { at } => ("uncertain", at),
        };
        Self {
            id: id.to_string(),
            kind: kind.as_str(),
            locale: locale.as_str(),
            state,
            attempts: *attempts,
            at: at.to_string(),
            state_at: state_at.to_string(),
        }
    }
}
