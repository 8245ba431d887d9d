//! What answers to operators look like.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::billing::BalanceView;
use super::super::view::AccountView;
use crate::audit::{AuditCheck, Audited};
use crate::clock::Timestamp;
use crate::gateway::UpstreamHealth;
use crate::ledger::Violation;
use crate::operator::{
    AccountFile, Approval, ApprovalState, Credited, Edition, Matter, PriceDecision, PriceStep,
};
use crate::routing::{CircuitState, ProviderHealth};

/// The page of an account.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountFile)]
pub(in super::super) struct AccountFileView {
    account: AccountView,
    balance: BalanceView,
    /// What its requests of the last 30 days cost.
    spent_30d: String,
    spent_30d_nano: i64,
}

impl AccountFileView {
    pub(super) fn of(file: &AccountFile) -> Self {
        let AccountFile { account, balance, spent } = file;
        Self {
            account: AccountView::from(&**account),
            balance: BalanceView::from(*balance),
            spent_30d: spent.to_string(),
            spent_30d_nano: spent.nanos(),
        }
    }
}

/// What an operator asked another one for.
#[derive(Serialize, ToSchema)]
#[schema(as = Approval)]
pub(in super::super) struct ApprovalView {
    id: String,
    kind: MatterView,
    state: ApprovalStateView,
    /// Who is to get the credit, or whose account is to be erased.
    #[schema(required)]
    account_id: Option<String>,
    /// Of credit.
    #[schema(required)]
    amount: Option<String>,
    #[schema(required)]
    amount_nano: Option<i64>,
    /// When what is left of the credit lapses.
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
    /// Of a publication, for example `privacy/2026-12-26`.
    #[schema(required)]
    policy: Option<String>,
    /// Of a publication: `adverse` or `harmless`.
    #[schema(required)]
    effect: Option<&'static str>,
    /// Of a sheet of prices.
    #[schema(required)]
    price_version: Option<u32>,
    /// Of a sheet of prices: SHA-256 of its text.
    #[schema(required)]
    sha256: Option<String>,
    reason: String,
    asked_by: String,
    #[schema(format = DateTime)]
    asked_at: String,
    #[schema(required)]
    decided_by: Option<String>,
    #[schema(required, format = DateTime)]
    decided_at: Option<String>,
}

/// What is asked for: `credit`, the `publication` of a policy, the `erasure` of an account, that a sheet of
/// prices is published or withdrawn.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[schema(as = ApprovalKind)]
#[serde(rename_all = "snake_case")]
enum MatterView {
    Credit,
    Publication,
    Erasure,
    PricePublication,
    PriceWithdrawal,
}

impl From<&Matter> for MatterView {
    fn from(matter: &Matter) -> Self {
        match matter {
            Matter::Credit(_) => Self::Credit,
            Matter::Publication(_) => Self::Publication,
            Matter::Erasure { .. } => Self::Erasure,
            Matter::Prices(PriceDecision { step: PriceStep::Publish, .. }) => Self::PricePublication,
            Matter::Prices(PriceDecision { step: PriceStep::Withdraw, .. }) => Self::PriceWithdrawal,
        }
    }
}

/// `lapsed`: nobody decided within seven days.
#[derive(Serialize, ToSchema)]
#[schema(as = ApprovalState)]
#[serde(rename_all = "snake_case")]
enum ApprovalStateView {
    Waiting,
    Granted,
    Refused,
    Lapsed,
}

impl ApprovalView {
    pub(super) fn of(approval: &Approval, now: Timestamp) -> Self {
        let Approval { id, name: _, matter, reason, asked_by, asked_at, state } = approval;
        let (view, decision) = match state {
            ApprovalState::Waiting if approval.is_lapsed(now) => (ApprovalStateView::Lapsed, None),
            ApprovalState::Waiting => (ApprovalStateView::Waiting, None),
            ApprovalState::Granted { by, at } => (ApprovalStateView::Granted, Some((by, at))),
            ApprovalState::Refused { by, at } => (ApprovalStateView::Refused, Some((by, at))),
        };
        let (terms, edition, sheet) = match matter {
            Matter::Credit(terms) => (Some(terms), None, None),
            Matter::Publication(edition) => (None, Some(edition), None),
            Matter::Prices(sheet) => (None, None, Some(sheet)),
            Matter::Erasure { account: _ } => (None, None, None),
        };
        Self {
            id: id.to_string(),
            kind: MatterView::from(matter),
            state: view,
            account_id: matter.account().map(|account| account.to_string()),
            amount: terms.map(|terms| terms.amount.to_string()),
            amount_nano: terms.map(|terms| terms.amount.nanos()),
            expires_at: terms.and_then(|terms| terms.expires_at).map(|at| at.to_string()),
            policy: edition.map(Edition::name),
            effect: edition.map(|edition| edition.effect.as_str()),
            price_version: sheet.map(|sheet| sheet.version.0),
            sha256: sheet.map(|sheet| sheet.digest.to_string()),
            reason: reason.as_str().to_owned(),
            asked_by: asked_by.to_string(),
            asked_at: asked_at.to_string(),
            decided_by: decision.map(|(by, _at)| by.to_string()),
            decided_at: decision.map(|(_by, at)| at.to_string()),
        }
    }
}

/// What came of a grant: the posting, or what a second operator must agree to.
#[derive(Serialize, ToSchema)]
#[schema(as = Credited)]
pub(in super::super) struct CreditedView {
    #[schema(required)]
    transfer_id: Option<String>,
    #[schema(required)]
    approval: Option<ApprovalView>,
}

impl CreditedView {
    pub(super) fn of(credited: &Credited, now: Timestamp) -> Self {
        match credited {
            Credited::Granted { transfer } => {
                Self { transfer_id: Some(transfer.to_string()), approval: None }
            }
            Credited::Asked(approval) => {
                Self { transfer_id: None, approval: Some(ApprovalView::of(approval, now)) }
            }
        }
    }
}

/// How an upstream is doing.
#[derive(Serialize, ToSchema)]
#[schema(as = Upstream)]
pub(in super::super) struct UpstreamView {
    name: String,
    provider: &'static str,
    circuit: CircuitView,
    /// How all upstreams of the provider are doing together.
    provider_status: ProviderHealthView,
}

/// `closed`: it is called. `open`: it is not. `half_open`: one call at a time tries it again.
#[derive(Serialize, ToSchema)]
#[schema(as = Circuit)]
#[serde(rename_all = "snake_case")]
enum CircuitView {
    Closed,
    Open,
    HalfOpen,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ProviderHealth)]
#[serde(rename_all = "snake_case")]
enum ProviderHealthView {
    Up,
    Degraded,
    Down,
}

impl From<&UpstreamHealth> for UpstreamView {
    fn from(health: &UpstreamHealth) -> Self {
        let UpstreamHealth { upstream, vendor, circuit, provider } = health;
        Self {
            name: upstream.as_str().to_owned(),
            provider: vendor.as_str(),
            circuit: match circuit {
                CircuitState::Closed => CircuitView::Closed,
                CircuitState::Open => CircuitView::Open,
                CircuitState::HalfOpen => CircuitView::HalfOpen,
            },
            provider_status: match provider {
                ProviderHealth::Up => ProviderHealthView::Up,
                ProviderHealth::Degraded => ProviderHealthView::Degraded,
                ProviderHealth::Down => ProviderHealthView::Down,
            },
        }
    }
}

/// Whether the books are right.
#[derive(Serialize, ToSchema)]
#[schema(as = LedgerCheck)]
pub(in super::super) struct LedgerCheckView {
    passed: bool,
    violations: Vec<ViolationView>,
}

/// A rule of the books that does not hold.
#[derive(Serialize, ToSchema)]
#[schema(as = Violation)]
struct ViolationView {
    /// For example `I04`.
    invariant: &'static str,
    /// What it says.
    statement: &'static str,
    /// The identifiers of the rows that break it; at most 20.
    rows: Vec<String>,
}

impl LedgerCheckView {
    pub(super) fn of(violations: &[Violation]) -> Self {
        let view = |violation: &Violation| {
            let Violation { invariant, statement, rows } = violation.clone();
            ViolationView { invariant, statement, rows }
        };
        Self { passed: violations.is_empty(), violations: violations.iter().map(view).collect() }
    }
}

/// Something that an operator did.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(in super::super) struct AuditedView {
    sequence: u64,
    id: String,
    #[schema(format = DateTime)]
    at: String,
    /// An account, `host:` and a user of the operating system, or `system`.
    actor: String,
    /// What, for example `account_viewed`.
    action: &'static str,
    /// The identifier of what it was done to.
    #[schema(required)]
    subject: Option<String>,
    /// The identifier of what else has to do with it.
    #[schema(required)]
    reference: Option<String>,
    #[schema(required)]
    amount: Option<String>,
    #[schema(required)]
    amount_nano: Option<i64>,
    #[schema(required)]
    reason: Option<String>,
    #[schema(required)]
    request_id: Option<String>,
    /// SHA-256 over the entry and the seal of the one before, in hexadecimal.
    seal: String,
}

impl From<&Audited> for AuditedView {
    fn from(audited: &Audited) -> Self {
        let Audited { sequence, digest, entry } = audited;
        Self {
            sequence: *sequence,
            id: entry.id.to_string(),
            at: entry.at.to_string(),
            actor: entry.actor.to_string(),
            action: entry.action.as_str(),
            subject: entry.subject.as_ref().map(ToString::to_string),
            reference: entry.reference.as_ref().map(ToString::to_string),
            amount: entry.amount.map(|amount| amount.to_string()),
            amount_nano: entry.amount.map(crate::money::Money::nanos),
            reason: entry.reason.as_ref().map(|reason| reason.as_str().to_owned()),
            request_id: entry.request.map(|request| request.to_string()),
            seal: digest.to_string(),
        }
    }
}

/// Whether the audit log is what was written.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditCheck)]
pub(in super::super) struct AuditCheckView {
    passed: bool,
    entries: u64,
    /// The newest entry; keep it elsewhere, and a later check shows whether the end was cut off.
    #[schema(required)]
    head: Option<String>,
    faults: Vec<AuditFaultView>,
}

/// An entry that is not what was written.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditFault)]
struct AuditFaultView {
    sequence: u64,
    /// `missing` or `changed`.
    fault: &'static str,
}

impl AuditCheckView {
    pub(super) fn of(check: &AuditCheck) -> Self {
        let AuditCheck { entries, head, faults } = check;
        let faults = faults.iter();
        Self {
            passed: faults.len() == 0,
            entries: *entries,
            head: head.map(|head| head.to_string()),
            faults: faults
                .map(|fault| AuditFaultView { sequence: fault.sequence, fault: fault.kind.as_str() })
                .collect(),
        }
    }
}
