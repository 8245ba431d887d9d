//! Databases for tests: a file of its own, or a schema or database of its own on a server.

use sea_orm::ConnectionTrait;

use super::{Database, DatabaseConfig};
use crate::clock::{Clock, SystemClock};
use crate::id::{Entropy, SystemEntropy};
use crate::secret::Secret;

/// Runs a check on every database that is at hand.
macro_rules! on_each_database {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name(crate::backends::sea_orm::fixture::sqlite().await).await; })*
        }
        mod postgres {
            $(#[tokio::test] async fn $name() {
                if let Some(fixture) = crate::backends::sea_orm::fixture::postgres().await { super::$name(fixture).await; }
            })*
        }
        mod mysql {
            $(#[tokio::test] async fn $name() {
                if let Some(fixture) = crate::backends::sea_orm::fixture::mysql().await { super::$name(fixture).await; }
            })*
        }
    };
}
pub(super) use on_each_database;

/// Schemas and databases of earlier runs are removed after this time.
const STALE_AFTER_MS: i64 = 15 * 60 * 1_000;

/// A migrated database and what must live as long.
#[derive(Debug)]
pub(super) struct Fixture {
    pub(super) database: Database,
    pub(super) config: DatabaseConfig,
    _directory: Option<tempfile::TempDir>,
}

#[cfg(feature = "testing")]
thread_local! {
    static KEPT: std::cell::RefCell<Vec<Fixture>> = const { std::cell::RefCell::new(Vec::new()) };
}

#[cfg(feature = "testing")]
impl Fixture {
    /// Where the files of an SQLite database are.
    pub(super) fn directory(&self) -> Option<&std::path::Path> {
        self._directory.as_ref().map(tempfile::TempDir::path)
    }

    /// The database; what it needs is kept until the thread of the test ends.
    pub(super) fn kept(self) -> Database {
        let database = self.database.clone();
        KEPT.with_borrow_mut(|kept| kept.push(self));
        database
    }
}

/// On SQLite.
pub(super) async fn sqlite() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("test.db").display());
    migrated(DatabaseConfig::new(Secret::new(url)), Some(directory)).await
}

/// On PostgreSQL; `None` when the environment names none.
pub(super) async fn postgres() -> Option<Fixture> {
    let url = server("AIDUET_TEST_POSTGRES_URL")?;
    let admin = sea_orm::Database::connect(url.as_str()).await.unwrap();
    let name = unique_name();
    let list = "SELECT CAST(nspname AS TEXT) FROM pg_namespace WHERE nspname LIKE 'aiduet\\_test\\_%'";
    for old in stale(&admin, list).await {
        admin.execute_unprepared(&format!("DROP SCHEMA IF EXISTS {old} CASCADE")).await.unwrap();
    }
    admin.execute_unprepared(&format!("CREATE SCHEMA {name}")).await.unwrap();
    admin.close().await.unwrap();
    let config = DatabaseConfig { schema: Some(name), ..DatabaseConfig::new(Secret::new(url)) };
    Some(migrated(config, None).await)
}

/// On MySQL or MariaDB; `None` when the environment names none.
pub(super) async fn mysql() -> Option<Fixture> {
    let url = server("AIDUET_TEST_MYSQL_URL")?;
    let admin = sea_orm::Database::connect(url.as_str()).await.unwrap();
    let name = unique_name();
    let list =
        "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'aiduet\\_test\\_%'";
    for old in stale(&admin, list).await {
        admin.execute_unprepared(&format!("DROP DATABASE IF EXISTS {old}")).await.unwrap();
    }
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    admin.close().await.unwrap();
    let (server, _database) = url.rsplit_once('/').unwrap();
    Some(migrated(DatabaseConfig::new(Secret::new(format!("{server}/{name}"))), None).await)
}

async fn migrated(config: DatabaseConfig, directory: Option<tempfile::TempDir>) -> Fixture {
    let database = Database::connect(&config).await.unwrap();
    database.migrate().await.unwrap();
    Fixture { database, config, _directory: directory }
}

#[expect(clippy::disallowed_methods, clippy::print_stdout, reason = "tests choose servers by environment")]
fn server(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok();
    if url.is_none() {
        println!("skipped: {variable} is not set");
    }
    url
}

fn unique_name() -> String {
    let mut random = [0_u8; 6];
    SystemEntropy.fill(&mut random);
    let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("aiduet_test_{}_{random}", SystemClock::new().now().millis())
}

async fn stale(admin: &sea_orm::DatabaseConnection, list: &str) -> Vec<String> {
    let oldest = SystemClock::new().now().millis() - STALE_AFTER_MS;
    let statement = sea_orm::Statement::from_string(admin.get_database_backend(), list);
    let names = admin.query_all_raw(statement).await.unwrap();
    let names = names.iter().map(|row| row.try_get_by_index::<String>(0).unwrap());
    let made_at = |name: &str| name.split('_').nth(2).and_then(|millis| millis.parse::<i64>().ok());
    names.filter(|name| made_at(name).is_some_and(|at| at < oldest)).collect()
}
