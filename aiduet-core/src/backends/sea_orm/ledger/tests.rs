//! What the conformance suite cannot ask of every ledger: what is in the tables, what survives,
//! and what happens when several processes share one database.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use sea_orm::ConnectionTrait;

use super::audit::violations;
use super::{LedgerConfig, SeaOrmLedger};
use crate::backends::sea_orm::Database;
use crate::backends::sea_orm::fixture::{self, Fixture, on_each_database};
use crate::clock::{Clock, SystemClock};
use crate::id::AccountId;
use crate::keys::SpendLimits;
use crate::ledger::{
    Audit, Custody, EntryKind, Ledger, LedgerError, RequestLog, ReserveRequest, Reserving, SettlementState,
    SweepRequest,
};
use crate::money::Money;
use crate::testing::{Factory, cents, extension};

on_each_database! {
    the_journal_can_only_grow
    what_was_acknowledged_is_there_after_a_restart
    two_processes_on_one_database_do_not_overspend
    closing_waits_for_what_is_queued
    what_another_process_wrote_is_seen
    what_another_store_wrote_is_seen
    an_extension_after_a_restart_is_settled_with_the_rest
    a_stalled_database_sheds_reserves_and_keeps_settlements
    each_invariant_finds_its_corruption
}

fn start(fixture: &Fixture) -> SeaOrmLedger {
    SeaOrmLedger::start(fixture.database.clone(), LedgerConfig::default())
}

async fn funded(ledger: &dyn Ledger, factory: &Factory, amount: Money) -> AccountId {
    let account = factory.account_id();
    ledger.post(vec![factory.top_up(account, amount)]).await.unwrap();
    account
}

async fn the_journal_can_only_grow(fixture: Fixture) {
    let ledger = start(&fixture);
    funded(&ledger, &Factory::new(1), cents(500)).await;
    for change in ["UPDATE transfer SET amount = 1", "DELETE FROM transfer"] {
        let refused = fixture.database.writer().execute_unprepared(change).await;
        assert!(refused.is_err(), "{change}");
    }
}

async fn what_was_acknowledged_is_there_after_a_restart(fixture: Fixture) {
    let factory = Factory::new(2);
    let first = start(&fixture);
    let account = funded(&first, &factory, cents(500)).await;
    first.post(vec![factory.grant(account, cents(1))]).await.unwrap();
    let open = factory.reserve(account, cents(3));
    let _open = first.reserve(open.clone()).await.unwrap();
    let done = factory.reserve(account, cents(2));
    let _done = first.reserve(done.clone()).await.unwrap();
    let settle = factory.settle(&done, cents(1));
    let settlement = first.settle(settle.clone()).await.unwrap();
    // Neither closed nor dropped in order: as after a crash.
    std::mem::forget(first);

    let second =
        SeaOrmLedger::start(Database::connect(&fixture.config).await.unwrap(), LedgerConfig::default());
    assert_eq!(second.balance(account).await.unwrap(), settlement.balance);
    let again = second.settle(settle.clone()).await.unwrap();
    assert_eq!((again.state, again.charged), (SettlementState::Replayed, cents(1)));
    assert_eq!(second.reserve(open.clone()).await.unwrap().amount, cents(3));
    assert_eq!(second.find(account, done.request).await.unwrap(), Some(settle.record));
    let swept = SweepRequest { dead_after: Duration::from_secs(30), limit: 10 };
    assert_eq!(second.sweep(swept).await.unwrap().lost, 1);
    assert_eq!(second.balance(account).await.unwrap().held, Money::ZERO);
}

async fn two_processes_on_one_database_do_not_overspend(fixture: Fixture) {
    let factory = Factory::new(3);
    let mut processes = Vec::new();
    for _process in 0..2 {
        let database = Database::connect(&fixture.config).await.unwrap();
        processes.push(SeaOrmLedger::start(database, LedgerConfig::default()));
    }
    let mut accounts = Vec::new();
    for _account in 0..4 {
        accounts.push(funded(&processes[0], &factory, cents(100)).await);
    }
    let key = factory.key_id();
    let wishes: Vec<ReserveRequest> = (0..400)
        .map(|index| ReserveRequest { key, ..factory.reserve(accounts[index % 4], cents(3)) })
        .collect();
    let spend = wishes.iter().enumerate().map(|(index, wish)| {
        let ledger = &processes[index % 2];
        let settle = factory.settle(wish, cents(2));
        async move {
            match ledger.reserve(wish.clone()).await {
                Ok(_hold) => ledger.settle(settle).await.unwrap().charged,
                Err(LedgerError::Insufficient(_) | LedgerError::Overloaded { .. }) => Money::ZERO,
                Err(error) => panic!("{error:?}"),
            }
        }
    });
    let charged: i64 = join_all(spend).await.iter().map(|charged| charged.nanos()).sum();
    assert!(charged > 0, "work was accepted");
    let mut used = 0;
    for account in accounts {
        let balance = processes[1].balance(account).await.unwrap();
        assert!(!balance.available.is_negative() && balance.held == Money::ZERO, "{balance:?}");
        used += balance.used.nanos();
    }
    assert_eq!(used, charged);
    assert_eq!(processes[0].key_spend(key, factory.now()).await.unwrap().total.nanos(), charged);
}

/// Nothing that a writer keeps from one batch to the next may outlive a change by others.
async fn what_another_process_wrote_is_seen(fixture: Fixture) {
    let factory = Factory::new(8);
    let ours = start(&fixture);
    let theirs =
        SeaOrmLedger::start(Database::connect(&fixture.config).await.unwrap(), LedgerConfig::default());
    let account = funded(&ours, &factory, cents(10)).await;
    let first = ReserveRequest { key: factory.key_id(), ..factory.reserve(account, cents(6)) };
    let _first = ours.reserve(first.clone()).await.unwrap();
    let extension = extension(&first, 1, cents(3));
    let _extension = theirs.reserve(extension.clone()).await.unwrap();
    let refused = ours.reserve(factory.reserve(account, cents(2))).await;
    assert!(matches!(refused, Err(LedgerError::Insufficient(_))), "{refused:?}");
    // The extension is among the open holds of the request, whoever made it.
    let settled = ours.settle(factory.settle(&first, cents(8))).await.unwrap();
    assert_eq!((settled.charged, settled.overage), (cents(8), Money::ZERO));
    assert_eq!(theirs.balance(account).await.unwrap().held, Money::ZERO);
    theirs.set_reserving(account, Reserving::Frozen).await.unwrap();
    let frozen = ours.reserve(factory.reserve(account, cents(1))).await;
    assert!(matches!(frozen, Err(LedgerError::Frozen)), "{frozen:?}");
    theirs.set_reserving(account, Reserving::Allowed).await.unwrap();
    let limits = SpendLimits { total: Some(cents(9)), ..SpendLimits::default() };
    let limited = ReserveRequest { key: first.key, limits, ..factory.reserve(account, cents(1)) };
    let _limited = theirs.reserve(limited.clone()).await.unwrap();
    let refused =
        ours.reserve(ReserveRequest { limits, key: first.key, ..factory.reserve(account, cents(1)) }).await;
    assert!(matches!(refused, Err(LedgerError::Insufficient(_))), "{refused:?}");
    theirs.void(factory.void(&limited)).await.unwrap();
    theirs.post(vec![factory.grant(account, cents(4))]).await.unwrap();
    let rich = factory.reserve(account, cents(6));
    let _rich = ours.reserve(rich.clone()).await.unwrap();
    ours.settle(factory.settle(&rich, cents(6))).await.unwrap();
    assert_eq!(ours.balance(account).await.unwrap().available, Money::ZERO);
    assert_eq!(ours.verify().await.unwrap(), []);
}

async fn what_another_store_wrote_is_seen(fixture: Fixture) {
    let factory = Factory::new(9);
    let ledger = start(&fixture);
    let account = funded(&ledger, &factory, cents(10)).await;
    let _hold = ledger.reserve(factory.reserve(account, cents(1))).await.unwrap();
    let freeze = "UPDATE account SET frozen = 1 WHERE kind = 'paid'";
    fixture.database.writer().execute_unprepared(freeze).await.unwrap();
    let frozen = ledger.reserve(factory.reserve(account, cents(1))).await;
    assert!(matches!(frozen, Err(LedgerError::Frozen)), "{frozen:?}");
}

async fn an_extension_after_a_restart_is_settled_with_the_rest(fixture: Fixture) {
    let factory = Factory::new(10);
    let first = start(&fixture);
    let account = funded(&first, &factory, cents(10)).await;
    let reserve = factory.reserve(account, cents(4));
    let _hold = first.reserve(reserve.clone()).await.unwrap();
    first.close().await;
    let second = start(&fixture);
    let _hold = second.reserve(extension(&reserve, 1, cents(3))).await.unwrap();
    let settled = second.settle(factory.settle(&reserve, cents(6))).await.unwrap();
    assert_eq!((settled.charged, settled.overage), (cents(6), Money::ZERO));
    assert_eq!(second.balance(account).await.unwrap().held, Money::ZERO);
    let late = second.reserve(extension(&reserve, 2, cents(1))).await;
    assert!(matches!(late, Err(LedgerError::Conflict)), "{late:?}");
}

async fn closing_waits_for_what_is_queued(fixture: Fixture) {
    let factory = Factory::new(5);
    let ledger = start(&fixture);
    let account = funded(&ledger, &factory, cents(500)).await;
    let posts = (0..50).map(|_index| ledger.post(vec![factory.top_up(account, cents(1))]));
    let closing = async {
        tokio::task::yield_now().await;
        ledger.close().await;
    };
    let (posted, ()) = tokio::join!(join_all(posts), closing);
    let acknowledged = i64::try_from(posted.iter().filter(|result| result.is_ok()).count()).unwrap();
    assert!(acknowledged > 0);
    let balance = ledger.balance(account).await.unwrap();
    assert_eq!(balance.posted, cents(500 + acknowledged));
    let refused = ledger.post(vec![factory.top_up(account, cents(1))]).await;
    assert!(matches!(refused, Err(LedgerError::Unavailable { .. })), "{refused:?}");
}

/// PostgreSQL says so when a transaction cannot be put behind the others; databases that are spread over many
/// machines say it often.
#[tokio::test]
async fn a_batch_is_not_given_up_while_others_are_in_its_way() {
    let Some(fixture) = fixture::postgres().await else { return };
    let factory = Factory::new(12);
    let ledger = start(&fixture);
    let account = funded(&ledger, &factory, cents(10)).await;
    // Values of a sequence are not given back, so it counts the attempts.
    let refuse = "CREATE SEQUENCE attempts;
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('attempts') <= 5 THEN RAISE EXCEPTION USING ERRCODE = '40001'; END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER refuse AFTER INSERT ON hold FOR EACH STATEMENT EXECUTE FUNCTION refuse()";
    fixture.database.writer().execute_unprepared(refuse).await.unwrap();
    let _hold = ledger.reserve(factory.reserve(account, cents(4))).await.unwrap();
    assert_eq!(ledger.balance(account).await.unwrap().held, cents(4));
}

async fn a_stalled_database_sheds_reserves_and_keeps_settlements(fixture: Fixture) {
    let factory = Factory::new(6);
    let config = LedgerConfig { writers: Some(1), ..LedgerConfig::default() };
    let ledger = SeaOrmLedger::start(fixture.database.clone(), config);
    let account = funded(&ledger, &factory, cents(500)).await;
    let held = factory.reserve(account, cents(2));
    let _held = ledger.reserve(held.clone()).await.unwrap();

    let other = Database::connect(&fixture.config).await.unwrap();
    let stall = other.begin().await.unwrap();
    stall.execute_unprepared("UPDATE account SET frozen = frozen WHERE kind = 'paid'").await.unwrap();
    let settle = ledger.settle(factory.settle(&held, cents(1)));
    let reserves = join_all((0..20).map(|_index| ledger.reserve(factory.reserve(account, cents(1)))));
    let released = async {
        // The writer takes the settlement and is stalled with it before the reserves come. That of SQLite, a thread
        // of its own, is not ahead of this one by itself: it has the turn then.
        for _turn in 0..20 {
            tokio::task::yield_now().await;
        }
        while fixture.database.file().is_some_and(|file| file.turn().now_or_never().is_some()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let refused = reserves.await;
        stall.rollback().await.unwrap();
        refused
    };
    let (settled, refused) = tokio::join!(settle, released);
    assert_eq!(settled.unwrap().charged, cents(1));
    let shed = refused.iter().filter(|result| matches!(result, Err(LedgerError::Overloaded { .. }))).count();
    assert_eq!(shed, 20, "{refused:?}");
    assert_eq!(ledger.balance(account).await.unwrap().held, Money::ZERO);
}

/// A sound ledger in which every kind of row exists.
async fn books_of_every_kind(ledger: &SeaOrmLedger, factory: &Factory) {
    let account = factory.account_id();
    let top_up = factory.top_up(account, cents(500));
    ledger.post(vec![top_up.clone(), factory.grant(account, cents(3))]).await.unwrap();
    ledger.post(vec![factory.reversal(&top_up, EntryKind::Refund, cents(100))]).await.unwrap();
    let settled = factory.reserve(account, cents(5));
    let _settled = ledger.reserve(settled.clone()).await.unwrap();
    ledger.settle(factory.settle(&settled, cents(4))).await.unwrap();
    let open = factory.reserve(account, cents(7));
    ledger.beat(open.owner).await.unwrap();
    let _open = ledger.reserve(open).await.unwrap();
    let poor = factory.account_id();
    ledger.post(vec![factory.top_up(poor, cents(1)), factory.grant(poor, cents(2))]).await.unwrap();
    let above = factory.reserve(poor, cents(1));
    let _above = ledger.reserve(above.clone()).await.unwrap();
    ledger.settle(factory.settle(&above, cents(9))).await.unwrap();
}

/// Takes away what keeps the tables sound.
async fn disarm(database: &Database) {
    let statements: &[&str] = match database.system() {
        "postgres" => &[
            "DROP TRIGGER transfer_append_only ON transfer",
            "DROP INDEX transfer_pending_id",
            "DROP INDEX transfer_code_ext",
            "ALTER TABLE account DROP CONSTRAINT account_limit",
        ],
        "mysql" => &[
            "DROP TRIGGER transfer_no_update",
            "DROP TRIGGER transfer_no_delete",
            "ALTER TABLE transfer DROP INDEX transfer_pending_id, DROP INDEX transfer_code_ext",
            "ALTER TABLE account DROP CONSTRAINT account_limit",
        ],
        _ => &[
            "DROP TRIGGER transfer_no_update",
            "DROP TRIGGER transfer_no_delete",
            "DROP INDEX transfer_pending_id",
            "DROP INDEX transfer_code_ext",
            "PRAGMA ignore_check_constraints = 1",
        ],
    };
    for statement in statements {
        database.writer().execute_unprepared(statement).await.unwrap();
    }
}

const CORRUPTIONS: [(&str, &str); 30] = [
    ("I01", "UPDATE account SET cr_posted = cr_posted + 1 WHERE kind = 'stripe_clearing'"),
    ("I01", "UPDATE account SET cr_pending = cr_pending + 1 WHERE kind = 'bank' OR kind = 'promo_expense'"),
    ("I02", "UPDATE account SET dr_posted = dr_posted + 1 WHERE kind = 'promo_expense'"),
    ("I02", "UPDATE transfer SET amount = amount + 10000000 WHERE code = 'topup'"),
    ("I03", "UPDATE account SET dr_pending = dr_pending + 1 WHERE kind = 'paid'"),
    ("I04", "UPDATE account SET cr_posted = 0 WHERE kind = 'paid'"),
    ("I05", "UPDATE transfer SET pending_id = request WHERE phase = 3"),
    ("I06", "UPDATE transfer SET amount = amount + 100000000 WHERE phase = 3"),
    ("I06", "UPDATE transfer SET pending_id = id WHERE phase = 3"),
    ("I07", "UPDATE transfer SET created_at = 0 WHERE phase = 3"),
    ("I08", "UPDATE hold SET amount = amount + 1"),
    ("I08", "DELETE FROM hold"),
    ("I08", "UPDATE key_spend SET held = held + 1"),
    ("I09", "UPDATE hold SET created_at = 1, owner_node = request"),
    ("I10", "UPDATE account SET currency = 'EUR' WHERE kind = 'promo_expense'"),
    ("I11", "UPDATE transfer SET reverses = id WHERE code = 'refund'"),
    ("I11", "UPDATE transfer SET amount = 50000000000 WHERE code = 'refund'"),
    ("I12", "UPDATE transfer SET ext = NULL WHERE code = 'topup'"),
    ("I12", "UPDATE transfer SET ext = 'pi_same' WHERE code = 'topup'"),
    ("I13", "UPDATE transfer SET amount = 50000000000 WHERE code = 'refund'"),
    ("I14", "UPDATE account SET allowed_neg = allowed_neg + 5000000000000"),
    ("I15", "UPDATE transfer SET amount = amount + 1 WHERE code = 'refund'"),
    ("I16", "UPDATE requests SET cost = cost + 1"),
    ("I17", "UPDATE requests SET started_at = 1"),
    ("I18", "UPDATE transfer SET ext = 'xx_1' WHERE code = 'refund'"),
    ("I19", "UPDATE lot SET remaining = remaining + 1"),
    ("I20", "UPDATE account SET used = used + 1 WHERE kind = 'paid'"),
    ("I20", "UPDATE account SET used = used - 1 WHERE kind = 'promo'"),
    ("I20", "UPDATE account SET month_spent = month_spent + 1 WHERE kind = 'paid'"),
    ("I20", "UPDATE account SET month_spent = month_spent - 1 WHERE kind = 'promo'"),
];

async fn each_invariant_finds_its_corruption(fixture: Fixture) {
    let now = SystemClock::new().now();
    let factory = Factory::at(7, now);
    let ledger = start(&fixture);
    books_of_every_kind(&ledger, &factory).await;
    assert_eq!(ledger.verify().await.unwrap(), []);
    disarm(&fixture.database).await;
    for (invariant, corruption) in CORRUPTIONS {
        let transaction = fixture.database.begin().await.unwrap();
        transaction.execute_unprepared(corruption).await.unwrap();
        let found = violations(&transaction).await.unwrap();
        assert!(found.iter().any(|violation| violation.invariant == invariant), "{corruption}: {found:?}");
        transaction.rollback().await.unwrap();
    }
    assert_eq!(ledger.verify().await.unwrap(), []);
}
