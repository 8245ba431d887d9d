//! What only this backend has: files, migrations, processes.

use sea_orm::ConnectionTrait;

use super::fixture::{self, Fixture, on_each_database};
use super::{Database, DatabaseConfig, DatabaseError};
use crate::secret::Secret;
use crate::settings::SessionSettings;

on_each_database! {
    migrating_again_changes_nothing
    a_database_of_a_later_version_is_refused
    settings_that_a_role_should_have_are_looked_for
    processes_that_migrate_at_once_do_not_disturb_each_other
}

async fn migrating_again_changes_nothing(fixture: Fixture) {
    fixture.database.migrate().await.unwrap();
    assert!(fixture.database.status().await.unwrap().iter().all(|migration| migration.applied));
    fixture.database.check().await.unwrap();
}

async fn a_database_of_a_later_version_is_refused(fixture: Fixture) {
    let later = "INSERT INTO migration (name, applied_at) VALUES ('9999_later', 0)";
    fixture.database.writer().execute_unprepared(later).await.unwrap();
    let refused = fixture.database.migrate().await;
    assert!(matches!(refused, Err(DatabaseError::TooNew { name }) if name == "9999_later"));
}

/// What a role would have comes by the URL here.
async fn settings_that_a_role_should_have_are_looked_for(fixture: Fixture) {
    if fixture.database.system() != "postgres" {
        return;
    }
    let with = |settings: &str| DatabaseConfig {
        url: Secret::new(format!("{}?{settings}", fixture.config.url.expose())),
        session: SessionSettings::Role,
        ..fixture.config.clone()
    };
    let isolation = "options[default_transaction_isolation]=repeatable%20read";
    for (settings, missing) in [
        ("", "lock_timeout"),
        ("options[lock_timeout]=7s", "idle_in_transaction_session_timeout"),
        ("options[lock_timeout]=7s&options[idle_in_transaction_session_timeout]=30000", "enable_seqscan"),
        (isolation, "default_transaction_isolation"),
    ] {
        let refused = Database::connect(&with(settings)).await;
        assert!(
            matches!(&refused, Err(DatabaseError::Session { name, .. }) if *name == missing),
            "{settings}: {refused:?}"
        );
    }
    let all = "options[lock_timeout]=7s&options[idle_in_transaction_session_timeout]=1min&options[enable_seqscan]=off";
    let database = Database::connect(&with(all)).await.unwrap();
    database.check().await.unwrap();
}

async fn processes_that_migrate_at_once_do_not_disturb_each_other(fixture: Fixture) {
    let tables = [
        "migration",
        "accounts",
        "consents",
        "api_keys",
        "account",
        "transfer",
        "hold",
        "lot",
        "nodes",
        "requests",
        "usage_rollups",
        "usage_quarters",
        "jobs",
        "key_spend",
        "notices",
        "top_ups",
        "payers",
        "alerts",
        "recharges",
        "refunds",
        "declines",
        "disputes",
        "departed_payers",
        "spend_alerts",
        "reconciliations",
        "cost_comparisons",
        "token_comparisons",
        "status_hours",
        "sessions",
        "tickets",
        "sign_in_failures",
        "security_events",
        "identities",
        "key_creations",
        "exports",
        "deletions",
        "erased_rows",
        "pseudonyms",
        "audit_log",
        "approvals",
        "publications",
        "news_progress",
        "price_editions",
    ];
    for table in tables {
        let drop = format!("DROP TABLE {table}");
        fixture.database.writer().execute_unprepared(&drop).await.unwrap();
    }
    let mut processes = Vec::new();
    for _process in 0..4 {
        processes.push(Database::connect(&fixture.config).await.unwrap());
    }
    let results = futures_util::future::join_all(processes.iter().map(Database::migrate)).await;
    for result in results {
        result.unwrap();
    }
    fixture.database.check().await.unwrap();
}

#[tokio::test]
async fn an_sqlite_file_and_its_side_files_are_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new").join("aiduet.db");
    let config = DatabaseConfig::new(Secret::new(format!("sqlite:{}", path.display())));
    let database = Database::connect(&config).await.unwrap();
    database.migrate().await.unwrap();
    let files: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().map(Result::unwrap).collect();
    assert!(files.len() >= 3, "database, log and shared memory");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
    }
}

#[tokio::test]
async fn sqlite_writes_ahead_and_waits_for_the_disk() {
    let fixture = fixture::sqlite().await;
    for (pragma, expected) in
        [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1"), ("secure_delete", "1")]
    {
        let statement =
            sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, format!("PRAGMA {pragma}"));
        let row = fixture.database.writer().query_one_raw(statement).await.unwrap().unwrap();
        let found = row
            .try_get_by_index::<String>(0)
            .or_else(|_number| row.try_get_by_index::<i64>(0).map(|number| number.to_string()))
            .unwrap();
        assert_eq!(found, expected, "{pragma}");
    }
}

#[tokio::test]
async fn a_url_of_another_kind_is_refused_without_quoting_it() {
    let config = DatabaseConfig::new(Secret::new("redis://user:hunter2@host".to_owned()));
    let error = Database::connect(&config).await.unwrap_err();
    assert!(matches!(error, DatabaseError::InvalidUrl));
    assert!(!format!("{error} {error:?} {config:?}").contains("hunter2"));
}
