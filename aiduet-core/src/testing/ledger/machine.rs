//! Random operations on a ledger and on the model, step by step.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use tokio::runtime::Runtime;

use super::limits::limited;
use super::model::{Model, Reply, State, Wish};
use super::scene::{DEAD_AFTER, FreshLedger, WholeLedger};
use crate::id::{AccountId, ApiKeyId, HoldId, NodeId};
use crate::keys::SpendLimits;
use crate::ledger::{
    Entry, EntryKind, LedgerAccount, LedgerError, LimitChange, LotTerms, ReserveRequest, Reserving,
    SettleRequest, Settlement, SettlementState, SpendPeriod, SweepRequest, VoidRequest,
};
use crate::money::Money;
use crate::testing::{Factory, cents, extension};

/// How much a property test does.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Sequences of operations.
    pub cases: u32,
    /// Operations of the longest sequence.
    pub operations: usize,
    /// Where randomness begins; the same seed tries the same sequences.
    pub seed: u64,
}

/// Runs random sequences of operations on fresh ledgers and on a model; replies, balances, key
/// spending and records must be the same, and the audit must find nothing.
///
/// `new_ledger` returns `None` to skip, after it has printed why.
///
/// # Errors
/// What differed, after the shortest sequence of operations that shows it.
pub fn ledger_equals_model<L: WholeLedger>(
    runtime: &Runtime,
    effort: Effort,
    new_ledger: impl AsyncFn() -> Option<FreshLedger<L>>,
) -> Result<(), String> {
    let Effort { cases, operations, seed } = effort;
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let mut bytes = [0; 32];
    crate::id::Entropy::fill(&crate::testing::SeededEntropy::new(seed), &mut bytes);
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let sequences = vec(any::<(u8, u8, u8, u8)>(), 1..=operations);
    let outcome = runner.run(&sequences, |raw| {
        let operations: Vec<Operation> = raw.into_iter().map(Operation::from_bytes).collect();
        runtime.block_on(async {
            let Some(fresh) = new_ledger().await else { return Ok(()) };
            let run = Machine::new(&fresh).run(&operations).await;
            run.map_err(|difference| TestCaseError::fail(format!("{difference}\n{operations:#?}")))
        })
    });
    outcome.map_err(|failure| format!("seed {seed}: {failure}"))
}

/// One step. Numbers that name something are taken modulo how many there are.
#[derive(Clone, Copy, Debug)]
enum Operation {
    TopUp { person: usize, cents: i64 },
    Grant { person: usize, cents: i64, priority: i32 },
    Reserve { person: usize, key: usize, node: usize, nanos: i64, floor: i64 },
    Extend { request: usize, nanos: i64 },
    ReserveAgain { request: usize },
    Settle { request: usize, nanos: i64 },
    Void { request: usize },
    Progress { request: usize, nanos: i64 },
    Alive { node: usize },
    Retire { node: usize },
    Sweep,
    Refund { top_up: usize, cents: i64 },
    Debit { person: usize, cents: i64 },
    Lapse { grant: usize, cents: i64 },
    PostAgain { entry: usize },
    Freeze { person: usize },
    Thaw { person: usize },
}

impl Operation {
    fn from_bytes((kind, a, b, c): (u8, u8, u8, u8)) -> Self {
        let (two, index) = (usize::from(a % 2), usize::from(a));
        let cents = i64::from(b % 32);
        // Small amounts with odd rests, so that limits are met exactly and missed by one.
        let nanos = cents * 10_000_000 + i64::from(c % 3);
        match kind % 32 {
            0..=3 => Self::TopUp { person: two, cents },
            4..=5 => Self::Grant { person: two, cents, priority: 1 + i32::from(c % 3) },
            6..=11 => {
                let (key, node) = (usize::from(a / 2 % 2), usize::from(a / 4 % 2));
                Self::Reserve { person: two, key, node, nanos: nanos + 1, floor: i64::from(c) * 1_000_000 }
            }
            12..=13 => Self::Extend { request: index, nanos: nanos + 1 },
            14 => Self::ReserveAgain { request: index },
            15..=20 => Self::Settle { request: index, nanos },
            21 => Self::Void { request: index },
            22 => Self::Progress { request: index, nanos },
            23 => Self::Alive { node: two },
            24 => Self::Retire { node: two },
            25 => Self::Sweep,
            26 => Self::Refund { top_up: index, cents },
            27 => Self::Debit { person: two, cents },
            28 => Self::Lapse { grant: index, cents },
            29 => Self::PostAgain { entry: index },
            30 => Self::Freeze { person: two },
            _ => Self::Thaw { person: two },
        }
    }
}

/// The monthly limit of each person, in cents.
const MONTH_LIMITS: [Option<i64>; 2] = [None, Some(90)];

struct Machine<'a, L> {
    fresh: &'a FreshLedger<L>,
    factory: Factory,
    model: Model,
    people: [AccountId; 2],
    keys: [(ApiKeyId, SpendLimits); 2],
    nodes: [NodeId; 2],
    requests: Vec<ReserveRequest>,
    top_ups: Vec<Entry>,
    grants: Vec<(usize, Entry)>,
    posted: Vec<Entry>,
}

impl<'a, L: WholeLedger> Machine<'a, L> {
    fn new(fresh: &'a FreshLedger<L>) -> Self {
        let factory = Factory::at(7, fresh.now());
        let limit = cents(60);
        let month_limits = MONTH_LIMITS.map(|limit| limit.map(|count| i128::from(cents(count).nanos())));
        let unlimited = (factory.key_id(), SpendLimits::default());
        let keys = [unlimited, (factory.key_id(), limited(SpendPeriod::Day, limit))];
        Self {
            fresh,
            model: Model::new([None, Some(limit.nanos().into())], month_limits),
            people: [factory.account_id(), factory.account_id()],
            keys,
            nodes: [factory.node_id(), factory.node_id()],
            factory,
            requests: Vec::new(),
            top_ups: Vec::new(),
            grants: Vec::new(),
            posted: Vec::new(),
        }
    }

    async fn run(mut self, operations: &[Operation]) -> Result<(), String> {
        for (account, limit) in self.people.into_iter().zip(MONTH_LIMITS) {
            let change = LimitChange { account, was: None, limit: limit.map(cents) };
            self.fresh.ledger().change(change).await.map_err(|error| error.to_string())?;
        }
        for (index, operation) in operations.iter().enumerate() {
            if let Some((ledger, model)) = self.step(*operation).await {
                same(&format!("reply to operation {index}"), &ledger, &model)?;
                self.compare()
                    .await
                    .map_err(|difference| format!("after operation {index}: {difference}"))?;
            }
        }
        self.compare_records().await?;
        let violations = self.fresh.ledger().verify().await.map_err(|error| error.to_string())?;
        same("violations", &violations, &Vec::new())
    }

    /// Does an operation on both; `None` if there is nothing to do it to.
    async fn step(&mut self, operation: Operation) -> Option<(Reply, Reply)> {
        let ledger = self.fresh.ledger();
        Some(match operation {
            Operation::Reserve { .. } | Operation::Extend { .. } | Operation::ReserveAgain { .. } => {
                return self.reserve(operation).await;
            }
            Operation::TopUp { .. }
            | Operation::Grant { .. }
            | Operation::Refund { .. }
            | Operation::Debit { .. }
            | Operation::Lapse { .. }
            | Operation::PostAgain { .. } => return self.post(operation).await,
            Operation::Settle { request, nanos } => {
                let request = pick(request, self.requests.len())?;
                let settle = self.settle(request, nanos);
                (reply(ledger.settle(settle).await), self.model.settle(request, nanos.into()))
            }
            Operation::Void { request } => {
                let request = pick(request, self.requests.len())?;
                let wish = &self.requests[request];
                let holds = self.holds(request);
                let void = VoidRequest { holds, ..self.factory.void(wish) };
                (reply(ledger.void(void).await), self.model.void(request))
            }
            Operation::Progress { request, nanos } => {
                let request = pick(request, self.requests.len())?;
                let hold = self.requests[request].id;
                let noted = ledger.progress(hold, Money::from_nanos(nanos)).await;
                (done(noted), self.model.progress(request, nanos.into()))
            }
            Operation::Alive { node } => (done(ledger.beat(self.nodes[node]).await), self.model.beat(node)),
            Operation::Retire { node } => {
                (done(ledger.retire(self.nodes[node]).await), self.model.retire(node))
            }
            Operation::Sweep => {
                let swept = ledger.sweep(SweepRequest { dead_after: DEAD_AFTER, limit: 1_000 }).await;
                let swept = swept.map(|swept| Reply::Swept { recovered: swept.recovered, lost: swept.lost });
                (swept.unwrap_or_else(refusal), self.model.sweep())
            }
            Operation::Freeze { person } => {
                let frozen = ledger.set_reserving(self.people[person], Reserving::Frozen).await;
                (done(frozen), self.model.set_reserving(person, Reserving::Frozen))
            }
            Operation::Thaw { person } => {
                let thawed = ledger.set_reserving(self.people[person], Reserving::Allowed).await;
                (done(thawed), self.model.set_reserving(person, Reserving::Allowed))
            }
        })
    }

    async fn reserve(&mut self, operation: Operation) -> Option<(Reply, Reply)> {
        let (index, wish, again) = match operation {
            Operation::Reserve { person, key, node, nanos, floor } => {
                let (key_id, limits) = self.keys[key];
                let wish = ReserveRequest {
                    amount: Money::from_nanos(nanos),
                    floor: Money::from_nanos(floor.min(nanos)),
                    key: key_id,
                    limits,
                    owner: self.nodes[node],
                    ..self.factory.reserve(self.people[person], cents(1))
                };
                self.model.open_request(person, key, node);
                self.requests.push(wish.clone());
                (self.requests.len() - 1, wish, false)
            }
            Operation::Extend { request, nanos } => {
                let index = pick(request, self.requests.len())?;
                let step = self.model.holds_made(index);
                if step == 0 || self.model.is_voided(index) {
                    return None;
                }
                let step = u32::try_from(step).unwrap_or(u32::MAX);
                (index, extension(&self.requests[index], step, Money::from_nanos(nanos)), false)
            }
            Operation::ReserveAgain { request } => {
                let index = pick(request, self.requests.len())?;
                (index, self.requests[index].clone(), true)
            }
            _ => return None,
        };
        let wanted =
            Wish { request: index, amount: wish.amount.nanos().into(), floor: wish.floor.nanos().into() };
        let held = self.fresh.ledger().reserve(wish).await.map(drop);
        let expected = if again { self.model.reserve_again(wanted) } else { self.model.reserve(wanted) };
        Some((done(held), expected))
    }

    async fn post(&mut self, operation: Operation) -> Option<(Reply, Reply)> {
        let nanos = |count: i64| i128::from(cents(count).nanos());
        let (entry, expected) = match operation {
            Operation::TopUp { person, cents: count } => {
                let entry = self.factory.top_up(self.people[person], cents(count));
                let expected = self.model.top_up(person, nanos(count));
                if expected == Reply::Done {
                    self.top_ups.push(entry.clone());
                }
                (entry, expected)
            }
            Operation::Grant { person, cents: count, priority } => {
                let mut entry = self.factory.grant(self.people[person], cents(count));
                let lot = entry.lot.map(|lot| LotTerms { priority, ..lot })?;
                entry.lot = Some(lot);
                let expected = self.model.grant(person, (priority, lot.id), nanos(count));
                if expected == Reply::Done {
                    self.grants.push((person, entry.clone()));
                }
                (entry, expected)
            }
            Operation::Refund { top_up, cents: count } => {
                let index = pick(top_up, self.top_ups.len())?;
                let entry = self.factory.reversal(&self.top_ups[index], EntryKind::Refund, cents(count));
                (entry, self.model.refund(index, nanos(count)))
            }
            Operation::Debit { person, cents: count } => {
                let kind = EntryKind::Correction;
                let top_up = self.factory.top_up(self.people[person], cents(count));
                let (debit, credit) = (top_up.credit, LedgerAccount::Rounding);
                let entry = Entry { kind, debit, credit, external: None, ..top_up };
                (entry, self.model.debit(person, nanos(count)))
            }
            Operation::Lapse { grant, cents: count } => {
                let index = pick(grant, self.grants.len())?;
                let (person, grant) = &self.grants[index];
                let (id, kind) = (self.factory.transfer_id(), EntryKind::PromoExpiry);
                let (debit, credit) = (grant.credit, LedgerAccount::Breakage);
                let entry =
                    Entry { id, kind, debit, credit, external: None, amount: cents(count), ..grant.clone() };
                (entry, self.model.lapse(*person, grant.lot?.id, nanos(count)))
            }
            Operation::PostAgain { entry } => {
                (self.posted[pick(entry, self.posted.len())?].clone(), Reply::Done)
            }
            _ => return None,
        };
        if expected == Reply::Done {
            self.posted.push(entry.clone());
        }
        Some((done(self.fresh.ledger().post(vec![entry]).await), expected))
    }

    /// The holds that a request has made.
    fn holds(&self, request: usize) -> Vec<HoldId> {
        let wish = &self.requests[request];
        let made = u32::try_from(self.model.holds_made(request)).unwrap_or(u32::MAX);
        (0..made).map(|step| HoldId::of_request(wish.request, step)).collect()
    }

    fn settle(&self, request: usize, nanos: i64) -> SettleRequest {
        let holds = self.holds(request);
        SettleRequest { holds, ..self.factory.settle(&self.requests[request], Money::from_nanos(nanos)) }
    }

    async fn compare(&self) -> Result<(), String> {
        for (person, account) in self.people.into_iter().enumerate() {
            let balance = self.fresh.ledger().balance(account).await.map_err(|error| error.to_string())?;
            let (expected, held) = (&self.model.people[person], self.model.held_sum(person));
            let posted = expected.paid + expected.promo;
            same("posted", &wide(balance.posted), &posted)?;
            same("held", &wide(balance.held), &held)?;
            same("available", &wide(balance.available), &(posted - held))?;
            same("paid", &wide(balance.paid), &expected.paid)?;
            same("promotional", &wide(balance.promotional), &expected.promo)?;
            same("used", &wide(balance.used), &expected.used)?;
            same("credited", &wide(balance.credited), &(posted + expected.used))?;
            let month = self.fresh.ledger().month_spend(account, self.factory.now()).await;
            let month = month.map_err(|error| error.to_string())?;
            same("spent this month", &wide(month.spent), &expected.used)?;
            same("held this month", &wide(month.held), &held)?;
            same("frozen", &(balance.reserving == Reserving::Frozen), &expected.frozen)?;
        }
        for (index, (key, _limits)) in self.keys.into_iter().enumerate() {
            let spend = self.fresh.ledger().key_spend(key, self.factory.now()).await;
            let spend = spend.map_err(|error| error.to_string())?;
            let expected = self.model.spent[index];
            same("spent in all", &wide(spend.total), &expected)?;
            same("spent today", &wide(spend.day), &expected)?;
            same("held by key", &wide(spend.held), &self.model.held_by_key(index))?;
        }
        Ok(())
    }

    async fn compare_records(&self) -> Result<(), String> {
        for (index, wish) in self.requests.iter().enumerate() {
            let record = self.fresh.ledger().find(wish.account, wish.request).await;
            let record = record.map_err(|error| error.to_string())?;
            same("record", &record.map(|record| wide(record.cost())), &self.model.recorded(index))?;
        }
        Ok(())
    }
}

fn pick(index: usize, count: usize) -> Option<usize> {
    index.checked_rem(count)
}

const fn wide(amount: Money) -> i128 {
    amount.nanos() as i128
}

fn same<T: PartialEq + fmt::Debug>(name: &str, ledger: &T, model: &T) -> Result<(), String> {
    if ledger == model {
        Ok(())
    } else {
        Err(format!("{name}: the ledger says {ledger:?}, the model {model:?}"))
    }
}

fn done(result: Result<(), LedgerError>) -> Reply {
    result.map_or_else(refusal, |()| Reply::Done)
}

fn reply(result: Result<Settlement, LedgerError>) -> Reply {
    let settled = |settlement: Settlement| Reply::Settled {
        charged: wide(settlement.charged),
        overage: wide(settlement.overage),
        state: match settlement.state {
            SettlementState::Booked => State::Booked,
            SettlementState::Replayed => State::Replayed,
            SettlementState::Late => State::Late,
        },
    };
    result.map_or_else(refusal, settled)
}

fn refusal(error: LedgerError) -> Reply {
    match error {
        LedgerError::Insufficient(_) => Reply::Short,
        LedgerError::Frozen => Reply::Frozen,
        LedgerError::Conflict => Reply::Conflict,
        LedgerError::InvalidAmount
        | LedgerError::Overreversed
        | LedgerError::Broken(_)
        | LedgerError::Overloaded { .. }
        | LedgerError::Unavailable { .. } => Reply::Refused,
    }
}
