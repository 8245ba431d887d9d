//! Ledgers with one bug each: the property test must find it, or it proves nothing.

use super::*;
use crate::id::{RequestId, TransferId};
use crate::ledger::{
    AccountLimits, BillPage, BillReader, DatedBill, EntryKind, GrantLeft, Grants, LapseGrants, Lapsed,
    LedgerAccount, LimitChange, MonthSpend, Outcome, SettlementState, Statement, StatementRequest,
    Statements, SweepRequest,
};
use crate::ledger::{ListLog, LogPage, SumUsage, UsageReader, UsageStep};
use crate::testing::cents;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    /// Nothing is wrong.
    None,
    /// A reserve is not checked against the balance.
    NoGuard,
    /// A reserve is not checked against the limits of the key.
    NoKeyLimit,
    /// A reserve is not checked against the monthly limit of the account.
    NoAccountLimit,
    /// A frozen account may reserve.
    NoFreeze,
    /// A negative account may reserve out of promotional credit.
    NoBlock,
    /// A repeated reserve holds again.
    IdentifierReused,
    /// A repeated void releases again.
    ReleasedTwice,
    /// A repeated settle charges again.
    NoResolveGate,
    /// What the hold does not cover is not charged.
    OverageSkipped,
    /// The charge goes through a float with 24 bits.
    FloatCost,
    /// A settle after a sweep is taken for a repeat.
    LateUsageDropped,
    /// The holds of the living are swept, too.
    SweepsTheLiving,
    /// What was noted as used is not charged by a sweep.
    ProgressForgotten,
    /// A posting with a new identifier for the same cause is made again.
    CreditedTwice,
    /// A refund that is not covered is refused.
    RefundNotForced,
    /// Extensions are not released with their request.
    ExtensionsForgotten,
    /// Paid credit is used before promotional credit.
    PaidFirst,
    /// No record is kept.
    RecordLost,
}

const BUGS: [Bug; 18] = [
    Bug::NoGuard,
    Bug::NoKeyLimit,
    Bug::NoAccountLimit,
    Bug::NoFreeze,
    Bug::NoBlock,
    Bug::IdentifierReused,
    Bug::ReleasedTwice,
    Bug::NoResolveGate,
    Bug::OverageSkipped,
    Bug::FloatCost,
    Bug::LateUsageDropped,
    Bug::SweepsTheLiving,
    Bug::ProgressForgotten,
    Bug::CreditedTwice,
    Bug::RefundNotForced,
    Bug::ExtensionsForgotten,
    Bug::PaidFirst,
    Bug::RecordLost,
];

#[derive(Debug)]
struct BuggyLedger {
    inner: MemoryLedger,
    bug: Bug,
    factory: Factory,
}

impl BuggyLedger {
    /// Adds paid credit out of nothing.
    fn conjure(&self, account: AccountId, amount: Money) {
        let top_up = self.factory.top_up(account, amount);
        let kind = EntryKind::Correction;
        let entry = Entry { kind, debit: LedgerAccount::Rounding, external: None, ..top_up };
        drop(self.inner.lock().run(|books| books.post(&[entry])));
    }

    fn held(&self, hold: HoldId) -> Option<Money> {
        self.inner.lock().books.hold(hold).map(|hold| hold.legs.sum())
    }

    /// An identifier that was not used.
    fn other_hold(&self) -> HoldId {
        HoldId::of_request(self.factory.request_id(), 0)
    }
}

#[async_trait]
impl Ledger for BuggyLedger {
    async fn reserve(&self, mut request: ReserveRequest) -> Result<Hold, LedgerError> {
        let account = request.account;
        let balance = self.inner.lock().books.balance(account);
        match self.bug {
            Bug::NoGuard if balance.available < request.amount => self.conjure(account, request.amount),
            Bug::NoKeyLimit => request.limits = crate::keys::SpendLimits::default(),
            Bug::NoAccountLimit => {
                let was = self.inner.lock().books.month_spend(account, request.at).limit;
                self.inner
                    .lock()
                    .run(|books| books.change_limit(LimitChange { account, was, limit: None }))?;
            }
            Bug::NoFreeze => self.inner.lock().books.set_reserving(account, Reserving::Allowed),
            Bug::NoBlock if balance.available >= request.amount && balance.paid < Money::ZERO => {
                self.conjure(account, Money::ZERO.checked_sub(balance.paid)?);
            }
            Bug::IdentifierReused if self.held(request.id).is_some() => request.id = self.other_hold(),
            Bug::PaidFirst if balance.promotional > Money::ZERO && balance.paid >= request.amount => {
                let first = Entry {
                    kind: EntryKind::Correction,
                    debit: LedgerAccount::Paid(account),
                    credit: LedgerAccount::Rounding,
                    external: None,
                    ..self.factory.top_up(account, cents(1))
                };
                drop(self.inner.post(vec![first, self.factory.grant(account, cents(1))]).await);
            }
            _ => {}
        }
        self.inner.reserve(request).await
    }

    async fn settle(&self, mut request: SettleRequest) -> Result<Settlement, LedgerError> {
        let charge = request.record.cost();
        let held: Option<Vec<Money>> = request.holds.iter().map(|hold| self.held(*hold)).collect();
        let held = held.unwrap_or_default().into_iter().try_fold(Money::ZERO, Money::checked_add)?;
        let account = request.record.account;
        match self.bug {
            Bug::OverageSkipped if held > Money::ZERO => request.record.bill.charge = charge.min(held),
            Bug::FloatCost => {
                let nanos = charge.nanos();
                let lost = nanos.unsigned_abs().checked_ilog2().unwrap_or(0).saturating_sub(23);
                request.record.bill.charge = Money::from_nanos(nanos >> lost << lost);
            }
            Bug::LateUsageDropped => {
                let kept = self.inner.find(account, request.record.id).await?;
                if kept.is_some_and(|kept| matches!(kept.outcome, Outcome::Recovered | Outcome::Lost)) {
                    let balance = self.inner.balance(account).await?;
                    let (overage, state) = (charge, SettlementState::Late);
                    return Ok(Settlement { charged: charge, overage, balance, state });
                }
            }
            Bug::ExtensionsForgotten if request.holds.len() > 1 => {
                let forgotten = self.inner.lock().books.hold(request.holds[1]).cloned();
                let settlement = self.inner.settle(request).await;
                if let Some(row) = forgotten {
                    let id = self.other_hold();
                    self.inner.lock().books.put_hold(crate::ledger::books::HoldRow { id, ..row });
                }
                return settlement;
            }
            _ => {}
        }
        let settlement = self.inner.settle(request.clone()).await?;
        if self.bug == Bug::NoResolveGate && settlement.state == SettlementState::Replayed {
            request.record.id = self.factory.request_id();
            request.holds.clear();
            drop(self.inner.settle(request).await);
        }
        Ok(settlement)
    }

    async fn void(&self, request: VoidRequest) -> Result<Settlement, LedgerError> {
        let account = request.account;
        let settlement = self.inner.void(request).await?;
        if self.bug == Bug::ReleasedTwice && settlement.state == SettlementState::Replayed {
            self.conjure(account, cents(1));
        }
        Ok(settlement)
    }

    async fn progress(&self, hold: HoldId, used: Money) -> Result<(), LedgerError> {
        if self.bug == Bug::ProgressForgotten { Ok(()) } else { self.inner.progress(hold, used).await }
    }

    async fn post(&self, mut entries: Vec<Entry>) -> Result<(), LedgerError> {
        for entry in &mut entries {
            match self.bug {
                Bug::CreditedTwice if entry.kind == EntryKind::TopUp => {
                    let known = self.inner.lock().books.transfer(entry.id).is_some();
                    if known {
                        entry.id = TransferId::from_uuid(self.factory.transfer_id().as_uuid());
                        entry.external = Some(self.factory.external("pi_"));
                    }
                }
                Bug::RefundNotForced if entry.kind == EntryKind::Refund => {
                    let LedgerAccount::Paid(account) = entry.debit else { continue };
                    let balance = self.inner.balance(account).await?;
                    if balance.available < entry.amount {
                        return Err(LedgerError::Conflict);
                    }
                }
                _ => {}
            }
        }
        self.inner.post(entries).await
    }

    async fn balance(&self, account: AccountId) -> Result<Balance, LedgerError> {
        self.inner.balance(account).await
    }

    async fn set_reserving(&self, account: AccountId, reserving: Reserving) -> Result<(), LedgerError> {
        self.inner.set_reserving(account, reserving).await
    }
}

#[async_trait]
impl Custody for BuggyLedger {
    async fn beat(&self, node: NodeId) -> Result<(), LedgerError> {
        self.inner.beat(node).await
    }

    async fn retire(&self, node: NodeId) -> Result<(), LedgerError> {
        self.inner.retire(node).await
    }

    async fn sweep(&self, request: SweepRequest) -> Result<Swept, LedgerError> {
        let dead_after = if self.bug == Bug::SweepsTheLiving { Duration::ZERO } else { request.dead_after };
        self.inner.sweep(SweepRequest { dead_after, ..request }).await
    }
}

#[async_trait]
impl Grants for BuggyLedger {
    async fn lapse(&self, request: LapseGrants) -> Result<Lapsed, LedgerError> {
        self.inner.lapse(request).await
    }

    async fn left(&self, account: AccountId, limit: u32) -> Result<Vec<GrantLeft>, LedgerError> {
        self.inner.left(account, limit).await
    }
}

#[async_trait]
impl AccountLimits for BuggyLedger {
    async fn change(&self, change: LimitChange) -> Result<(), LedgerError> {
        self.inner.change(change).await
    }

    async fn month_spend(&self, account: AccountId, at: Timestamp) -> Result<MonthSpend, LedgerError> {
        self.inner.month_spend(account, at).await
    }
}

#[async_trait]
impl BillReader for BuggyLedger {
    async fn bills(&self, page: BillPage) -> Result<Vec<DatedBill>, LedgerError> {
        self.inner.bills(page).await
    }
}

#[async_trait]
impl Audit for BuggyLedger {
    async fn verify(&self) -> Result<Vec<Violation>, LedgerError> {
        self.inner.verify().await
    }
}

#[async_trait]
impl RequestLog for BuggyLedger {
    async fn find(&self, account: AccountId, id: RequestId) -> Result<Option<RequestRecord>, LedgerError> {
        if self.bug == Bug::RecordLost { Ok(None) } else { self.inner.find(account, id).await }
    }

    async fn list(&self, request: ListRequests) -> Result<Vec<RequestRecord>, LedgerError> {
        self.inner.list(request).await
    }

    async fn key_spend(&self, key: ApiKeyId, at: Timestamp) -> Result<KeySpend, LedgerError> {
        self.inner.key_spend(key, at).await
    }
}

#[async_trait]
impl Statements for BuggyLedger {
    async fn statement(&self, request: StatementRequest) -> Result<Statement, LedgerError> {
        self.inner.statement(request).await
    }
}

#[async_trait]
impl UsageReader for BuggyLedger {
    async fn sum(&self, request: SumUsage) -> Result<Vec<UsageStep>, LedgerError> {
        self.inner.sum(request).await
    }

    async fn page(&self, request: ListLog) -> Result<LogPage, LedgerError> {
        self.inner.page(request).await
    }
}

fn found(bug: Bug) -> Result<(), String> {
    let buggy = async || {
        let factory = Factory::new(0);
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(factory.clock());
        let now = factory.now();
        let ledger = BuggyLedger { inner: MemoryLedger::new(clock), bug, factory };
        Some(FreshLedger::new(ledger, now, |_time| async {}))
    };
    let effort = Effort { cases: 2_000, operations: 60, seed: 1 };
    ledger_equals_model(&runtime(), effort, buggy)
}

#[test]
fn each_planted_bug_is_found() {
    for bug in BUGS {
        assert!(found(bug).is_err(), "{bug:?} was not found");
    }
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    found(Bug::None).unwrap();
}
