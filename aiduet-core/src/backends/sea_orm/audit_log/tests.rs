//! The suite on every database, and what somebody can do who writes to the table.

use sea_orm::{ConnectionTrait, DbBackend};

use super::SeaOrmAuditLog;
use crate::audit::{AuditAction, AuditCheck, AuditFaultKind, AuditHead, AuditLog, verify};
use crate::backends::sea_orm::Database;
use crate::backends::sea_orm::fixture::{self, Fixture, on_each_database};
use crate::testing::Factory;
use crate::testing::audit::entry;

fn store(fixture: Fixture) -> SeaOrmAuditLog {
    SeaOrmAuditLog::new(fixture.kept())
}

mod suite {
    mod sqlite {
        async fn store() -> Option<super::super::SeaOrmAuditLog> {
            Some(super::super::store(super::super::fixture::sqlite().await))
        }
        crate::audit_log_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::super::SeaOrmAuditLog> {
            super::super::fixture::postgres().await.map(super::super::store)
        }
        crate::audit_log_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::super::SeaOrmAuditLog> {
            super::super::fixture::mysql().await.map(super::super::store)
        }
        crate::audit_log_conformance!(store);
    }
}

on_each_database! {
    sec_t52_the_database_refuses_to_change_the_log
    sec_t52_a_changed_entry_is_named
    sec_t52_a_removed_entry_is_named
    sec_t52_entries_in_another_order_are_named
    sec_t52_a_tail_that_was_cut_off_or_written_anew_shows_against_a_head
}

/// Five entries, and a database without the triggers, as for somebody who may change the schema.
async fn laid_open(fixture: &Fixture) -> (SeaOrmAuditLog, AuditHead) {
    let log = SeaOrmAuditLog::new(fixture.database.clone());
    let factory = Factory::new(1);
    for action in [
        AuditAction::AccountViewed,
        AuditAction::CreditRequested,
        AuditAction::CreditApproved,
        AuditAction::AccountSuspended,
        AuditAction::AccountRestored,
    ] {
        log.append(entry(&factory, action)).await.unwrap();
    }
    let drops: &[&str] = match fixture.database.backend() {
        DbBackend::Postgres => &["DROP FUNCTION audit_log_kept() CASCADE"],
        DbBackend::MySql => &[],
        _ => &["DROP TRIGGER audit_log_kept_update", "DROP TRIGGER audit_log_kept_delete"],
    };
    for drop in drops {
        run(&fixture.database, drop).await;
    }
    let check = verify(&log, None).await.unwrap();
    assert_eq!((check.entries, check.faults.len()), (5, 0));
    (log, check.head.unwrap())
}

async fn run(database: &Database, statement: &str) {
    database.writer().execute_unprepared(statement).await.unwrap();
}

fn faults(check: &AuditCheck) -> Vec<(u64, AuditFaultKind)> {
    check.faults.iter().map(|fault| (fault.sequence, fault.kind)).collect()
}

async fn sec_t52_the_database_refuses_to_change_the_log(fixture: Fixture) {
    if fixture.database.backend() == DbBackend::MySql {
        return;
    }
    let log = SeaOrmAuditLog::new(fixture.database.clone());
    log.append(entry(&Factory::new(1), AuditAction::AccountViewed)).await.unwrap();
    for statement in [
        "UPDATE audit_log SET reason = 'another reason'",
        "DELETE FROM audit_log",
        "UPDATE audit_log SET sequence = 2 WHERE sequence = 1",
    ] {
        let refused = fixture.database.writer().execute_unprepared(statement).await;
        assert!(refused.unwrap_err().to_string().contains("the audit log is append-only"), "{statement}");
    }
    if fixture.database.backend() == DbBackend::Postgres {
        fixture.database.writer().execute_unprepared("TRUNCATE audit_log").await.unwrap_err();
    }
    assert_eq!(verify(&log, None).await.unwrap().entries, 1);
}

async fn sec_t52_a_changed_entry_is_named(fixture: Fixture) {
    for (sequence, change) in [
        (1, "reason = 'another reason'"),
        (2, "amount = amount + 1"),
        (3, "created_at = created_at - 1"),
        (4, "action = 'no_such_action'"),
        (5, "actor = 'host:somebody'"),
    ] {
        let (log, _head) = laid_open(&fixture).await;
        run(&fixture.database, &format!("UPDATE audit_log SET {change} WHERE sequence = {sequence}")).await;
        let check = verify(&log, None).await.unwrap();
        assert_eq!(faults(&check), [(sequence, AuditFaultKind::Changed)], "{change}");
        run(&fixture.database, "DROP TABLE audit_log").await;
        run(&fixture.database, "DELETE FROM migration WHERE name = '0050_audit_log'").await;
        fixture.database.migrate().await.unwrap();
    }
}

async fn sec_t52_a_removed_entry_is_named(fixture: Fixture) {
    let (log, _head) = laid_open(&fixture).await;
    run(&fixture.database, "DELETE FROM audit_log WHERE sequence = 2").await;
    assert_eq!(faults(&verify(&log, None).await.unwrap()), [(2, AuditFaultKind::Missing)]);
    // Closing the gap moves the fault, and does not hide it.
    for sequence in [3, 4, 5] {
        let closer = sequence - 1;
        run(
            &fixture.database,
            &format!("UPDATE audit_log SET sequence = {closer} WHERE sequence = {sequence}"),
        )
        .await;
    }
    let found = faults(&verify(&log, None).await.unwrap());
    assert_eq!(found.first(), Some(&(2, AuditFaultKind::Changed)));
}

async fn sec_t52_entries_in_another_order_are_named(fixture: Fixture) {
    let (log, _head) = laid_open(&fixture).await;
    for (from, to) in [(2, 99), (3, 2), (99, 3)] {
        run(&fixture.database, &format!("UPDATE audit_log SET sequence = {to} WHERE sequence = {from}"))
            .await;
    }
    let found = faults(&verify(&log, None).await.unwrap());
    assert_eq!(found, [2, 3, 4].map(|sequence| (sequence, AuditFaultKind::Changed)));
}

async fn sec_t52_a_tail_that_was_cut_off_or_written_anew_shows_against_a_head(fixture: Fixture) {
    let (log, head) = laid_open(&fixture).await;
    assert_eq!(faults(&verify(&log, Some(head)).await.unwrap()), []);
    run(&fixture.database, "DELETE FROM audit_log WHERE sequence > 3").await;
    let cut = verify(&log, None).await.unwrap();
    assert_eq!((cut.entries, faults(&cut)), (3, vec![]), "what is left is whole in itself");
    assert_eq!(faults(&verify(&log, Some(head)).await.unwrap()), [(4, AuditFaultKind::Missing)]);
    let factory = Factory::new(2);
    for _anew in 0..2 {
        log.append(entry(&factory, AuditAction::AccountViewed)).await.unwrap();
    }
    assert_eq!(faults(&verify(&log, Some(head)).await.unwrap()), [(5, AuditFaultKind::Changed)]);
}
