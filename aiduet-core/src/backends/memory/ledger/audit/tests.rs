use std::sync::Arc;

use super::*;
use crate::backends::memory::MemoryLedger;
use crate::clock::{ManualClock, Timestamp};
use crate::ledger::books::{KeyRow, Lot};
use crate::ledger::{Audit, Entry, Ledger, Reserving};
use crate::testing::{Factory, cents};

/// A ledger with a top-up, a grant, a refund, a charge and an open hold of one account.
async fn sound() -> (MemoryLedger, Factory, AccountId) {
    let factory = Factory::new(1);
    let ledger = MemoryLedger::new(Arc::<ManualClock>::clone(factory.clock()));
    let account = factory.account_id();
    let top_up = factory.top_up(account, cents(100));
    let refund = factory.reversal(&top_up, EntryKind::Refund, cents(10));
    ledger.post(vec![top_up, factory.grant(account, cents(20)), refund]).await.unwrap();
    let settled = factory.reserve(account, cents(30));
    drop(ledger.reserve(settled.clone()).await.unwrap());
    ledger.settle(factory.settle(&settled, cents(25))).await.unwrap();
    drop(ledger.reserve(factory.reserve(account, cents(5))).await.unwrap());
    ledger.set_reserving(account, Reserving::Allowed).await.unwrap();
    assert_eq!(ledger.verify().await.unwrap(), []);
    (ledger, factory, account)
}

/// Which invariants an audit finds broken after the state was tampered with.
async fn broken_by(tamper: impl FnOnce(&mut State, &Factory, AccountId)) -> Vec<&'static str> {
    let (ledger, factory, account) = sound().await;
    tamper(&mut ledger.lock(), &factory, account);
    ledger.verify().await.unwrap().iter().map(|violation| violation.invariant).collect()
}

fn one_more(amount: Money) -> Money {
    Money::from_nanos(amount.nanos() + 1)
}

fn edit_paid(state: &mut State, account: AccountId, edit: impl FnOnce(&mut AccountRow)) {
    let mut row = state.books.account(LedgerAccount::Paid(account));
    edit(&mut row);
    state.books.put_account(LedgerAccount::Paid(account), row);
}

/// Files a transfer behind the back of the rules.
fn forge(state: &mut State, entry: &Entry, edit: impl FnOnce(&mut Transfer)) {
    let mut transfer = Transfer {
        id: entry.id,
        phase: Phase::Single,
        kind: entry.kind,
        debit: entry.debit,
        credit: entry.credit,
        amount: entry.amount,
        pending: None,
        reverses: entry.reverses,
        external: entry.external.clone(),
        request: None,
        at: entry.at,
    };
    edit(&mut transfer);
    state.journal.push(transfer.id);
    state.books.put_transfer(transfer, Money::ZERO);
}

#[tokio::test]
async fn each_tampered_column_is_found() {
    let posted = |state: &mut State, _: &Factory, account| {
        edit_paid(state, account, |row| row.credit_posted = one_more(row.credit_posted));
    };
    assert_eq!(broken_by(posted).await, ["I01", "I02"]);
    let pending = |state: &mut State, _: &Factory, account| {
        edit_paid(state, account, |row| row.debit_pending = one_more(row.debit_pending));
    };
    assert_eq!(broken_by(pending).await, ["I01", "I03"]);
    let overdrawn = |state: &mut State, _: &Factory, account| {
        edit_paid(state, account, |row| row.debit_posted = cents(200));
    };
    assert_eq!(broken_by(overdrawn).await, ["I01", "I02", "I04"]);
    let allowed = |state: &mut State, _: &Factory, account| {
        edit_paid(state, account, |row| row.allowed_negative = cents(11));
    };
    assert_eq!(broken_by(allowed).await, ["I14"]);
    for edit in [
        (|row: &mut AccountRow| row.used = one_more(row.used)) as fn(&mut AccountRow),
        |row| row.month.spent = one_more(row.month.spent),
        |row| row.month.spent = Money::ZERO,
    ] {
        let used = |state: &mut State, _: &Factory, account| edit_paid(state, account, edit);
        assert_eq!(broken_by(used).await, ["I20"]);
    }
    let lot = |state: &mut State, _: &Factory, account| {
        let lot = Lot { remaining: cents(1), ..lot_of(account) };
        state.books.put_lot(lot);
    };
    assert_eq!(broken_by(lot).await, ["I19"]);
    let key = |state: &mut State, factory: &Factory, _| {
        state.books.put_key(factory.key_id(), KeyRow { held: cents(1), ..KeyRow::default() });
    };
    assert_eq!(broken_by(key).await, ["I08"]);
}

fn lot_of(account: AccountId) -> Lot {
    let id = crate::id::LotId::from_uuid(uuid::Uuid::nil());
    Lot { id, account, priority: 0, expires_at: None, remaining: Money::ZERO }
}

#[tokio::test]
async fn each_tampered_row_is_found() {
    let hold = |state: &mut State, factory: &Factory, _| {
        let row = state.books.holds().next().unwrap().clone();
        let id = crate::id::HoldId::of_request(factory.request_id(), 0);
        state.books.put_hold(HoldRow { id, ..row });
    };
    assert_eq!(broken_by(hold).await, ["I08"]);
    let record = |state: &mut State, _: &Factory, _| {
        let mut row = state.books.requests().next().unwrap().clone();
        row.record.bill.charge = one_more(row.record.bill.charge);
        state.books.put_request(row);
    };
    assert_eq!(broken_by(record).await, ["I16"]);
    let old = |_: &mut State, factory: &Factory, _| factory.clock().advance(GRACE + Duration::from_secs(1));
    assert_eq!(broken_by(old).await, ["I09"]);
    let resolver = |state: &mut State, _: &Factory, _| {
        let pending = state.journal.iter().filter_map(|id| state.books.transfer(*id));
        let mut again = pending.rev().find(|transfer| transfer.pending.is_some()).unwrap().clone();
        again.id = TransferId::from_uuid(uuid::Uuid::nil());
        again.amount = cents(1_000);
        again.at = Timestamp::from_millis(again.at.millis() - 1);
        state.journal.push(again.id);
        state.books.put_transfer(again, Money::ZERO);
    };
    let found = broken_by(resolver).await;
    for invariant in ["I02", "I05", "I06", "I07", "I16"] {
        assert!(found.contains(&invariant), "{invariant} of {found:?}");
    }
}

#[tokio::test]
async fn each_forged_posting_is_found() {
    let twice = |state: &mut State, factory: &Factory, account| {
        let entry = factory.top_up(account, cents(1));
        forge(state, &entry, |transfer| transfer.external = None);
    };
    assert_eq!(broken_by(twice).await, ["I02", "I12"]);
    let odd = |state: &mut State, factory: &Factory, account| {
        let entry = factory.top_up(account, one_more(cents(1)));
        forge(state, &entry, |transfer| transfer.external = Some(factory.external("re_")));
    };
    assert_eq!(broken_by(odd).await, ["I02", "I15", "I18"]);
    let over = |state: &mut State, factory: &Factory, account| {
        let top_up = factory.top_up(account, cents(1));
        forge(state, &top_up, |_transfer| {});
        let refund = factory.reversal(&top_up, EntryKind::Refund, cents(2));
        forge(state, &refund, |_transfer| {});
    };
    assert_eq!(broken_by(over).await, ["I02", "I11", "I13"]);
}
