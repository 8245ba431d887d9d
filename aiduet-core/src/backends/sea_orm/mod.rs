//! SQLite, PostgreSQL and MySQL (or MariaDB), chosen by URL.
//!
//! One [`Database`] per process gives every store:
//!
//! - [`SeaOrmLedger`]: holds, settlements, postings, custody, audit, and the records of requests;
//! - [`SeaOrmKeyStore`] and [`SeaOrmAccountStore`];
//! - [`SeaOrmOutbox`]: messages to people;
//! - [`SeaOrmTopUpStore`], [`SeaOrmPayerStore`], [`SeaOrmDepartedPayers`],
//!   [`SeaOrmRefundStore`] and [`SeaOrmDeclines`]: prepaid purchases, who pays, who has left, what goes
//!   back, and what was refused;
//! - [`SeaOrmAlertStore`] and [`SeaOrmRechargeStore`]: what follows from a low balance;
//! - [`SeaOrmSpendAlerts`]: what follows from spending.
//!
//! SQL is written by hand: each statement is short, fixed, prepared once, and the same on all
//! three databases but for a few clauses.

mod account;
mod alerts;
mod approvals;
mod audit_log;
mod balances;
mod bulk;
mod connect;
mod consents;
mod cost_comparisons;
mod declines;
mod deletions;
mod departed;
mod erasure;
mod error;
mod exports;
mod failures;
mod identities;
mod inventory;
mod jobs;
mod key_creations;
mod keys;
mod ledger;
mod migration;
mod outbox;
mod payers;
mod price_editions;
mod publications;
mod recharges;
mod reconciliations;
mod refunds;
mod script;
mod security_log;
mod sessions;
mod spend_alerts;
mod sql;
mod status;
mod tickets;
mod top_ups;
mod turn;

use std::fmt;
use std::sync::Arc;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, IsolationLevel,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

pub use account::SeaOrmAccountStore;
pub use alerts::SeaOrmAlertStore;
pub use approvals::SeaOrmApprovals;
pub use audit_log::SeaOrmAuditLog;
pub use cost_comparisons::SeaOrmCostComparisons;
pub use declines::SeaOrmDeclines;
pub use deletions::SeaOrmDeletions;
pub use departed::SeaOrmDepartedPayers;
pub use error::{DatabaseError, FailureKind};
pub use exports::SeaOrmExports;
pub use failures::SeaOrmFailureCounter;
pub use identities::SeaOrmIdentityStore;
pub use inventory::SeaOrmInventory;
pub use jobs::SeaOrmJobs;
pub use key_creations::SeaOrmKeyCreations;
pub use keys::SeaOrmKeyStore;
pub use ledger::{LedgerConfig, SeaOrmLedger};
pub use migration::MigrationStatus;
pub use outbox::SeaOrmOutbox;
pub use payers::SeaOrmPayerStore;
pub use price_editions::SeaOrmPriceEditions;
pub use publications::SeaOrmPublications;
pub use recharges::SeaOrmRechargeStore;
pub use reconciliations::SeaOrmReconciliations;
pub use refunds::SeaOrmRefundStore;
pub use security_log::SeaOrmSecurityLog;
pub use sessions::SeaOrmSessionStore;
pub use spend_alerts::SeaOrmSpendAlerts;
pub use status::SeaOrmStatusLog;
pub use tickets::SeaOrmTicketStore;
pub use top_ups::SeaOrmTopUpStore;

use self::turn::{SqliteFile, Writing};
use crate::secret::Secret;
use crate::settings::SessionSettings;

/// Which database, and how many connections.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// `sqlite:path/to/file`, `postgres://user:password@host:port/name` or
    /// `mysql://user:password@host:port/name`. The file of an SQLite database is made with mode
    /// 0600 when it does not exist.
    pub url: Secret<String>,
    /// Connections for reading (SQLite), or for everything (PostgreSQL, MySQL).
    pub connections: u32,
    /// PostgreSQL: the schema that holds the tables; it must exist. `None`: that of the role.
    pub schema: Option<String>,
    /// PostgreSQL: where sessions have their settings from.
    pub session: SessionSettings,
}

impl DatabaseConfig {
    /// The configuration for a URL, with ten connections.
    pub const fn new(url: Secret<String>) -> Self {
        Self { url, connections: 10, schema: None, session: SessionSettings::Connection }
    }
}

/// An open database, shared by the stores.
///
/// SQLite has one connection that writes, which all stores of the process but the ledger take in turn,
/// one of the ledger, and others that read; PostgreSQL and MySQL have one pool for everything.
#[derive(Clone)]
pub struct Database {
    write: Arc<Writing<DatabaseConnection>>,
    read: DatabaseConnection,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("backend", &self.backend()).finish_non_exhaustive()
    }
}

impl Database {
    /// Opens the database; does not migrate it.
    ///
    /// # Errors
    /// [`DatabaseError`] when the URL is wrong or the database does not answer.
    pub async fn connect(config: &DatabaseConfig) -> Result<Self, DatabaseError> {
        let (write, read) = connect::open(config).await?;
        Ok(Self { write: Arc::new(write), read })
    }

    /// Applies the migrations that are missing. Safe when several processes do it at once: one
    /// does the work, the others wait.
    ///
    /// # Errors
    /// [`DatabaseError::TooNew`] when a later version has migrated it, else what the database says.
    pub async fn migrate(&self) -> Result<(), DatabaseError> {
        migration::run(self).await
    }

    /// Which migrations are applied.
    ///
    /// # Errors
    /// What the database says.
    pub async fn status(&self) -> Result<Vec<MigrationStatus>, DatabaseError> {
        migration::status(self).await
    }

    /// Succeeds if the database answers and is migrated.
    ///
    /// # Errors
    /// [`DatabaseError::NotMigrated`], or what the database says.
    pub async fn check(&self) -> Result<(), DatabaseError> {
        match self.status().await?.into_iter().find(|migration| !migration.applied) {
            Some(missing) => Err(DatabaseError::NotMigrated { name: missing.name }),
            None => Ok(()),
        }
    }

    /// Closes all connections. Close the ledger first: it waits for what is queued.
    ///
    /// # Errors
    /// What the database says.
    pub async fn close(&self) -> Result<(), DatabaseError> {
        self.read.close_by_ref().await?;
        self.write.connection().close_by_ref().await?;
        Ok(())
    }

    /// The name of the database system.
    pub fn system(&self) -> &'static str {
        match self.backend() {
            DbBackend::MySql => "mysql",
            DbBackend::Postgres => "postgres",
            _ => "sqlite",
        }
    }

    fn backend(&self) -> DbBackend {
        self.write.get_database_backend()
    }

    fn is_sqlite(&self) -> bool {
        self.file().is_some()
    }

    /// The file of an SQLite database.
    fn file(&self) -> Option<&SqliteFile> {
        self.write.file()
    }

    /// The connection for single statements that read.
    const fn reader(&self) -> &DatabaseConnection {
        &self.read
    }

    /// The connection for single statements that write.
    fn writer(&self) -> &Writing<DatabaseConnection> {
        &self.write
    }

    /// A transaction that writes. SQLite takes the write lock at once, since a transaction that
    /// reads first and then writes fails at once when another has written in between.
    async fn begin(&self) -> Result<Writing<DatabaseTransaction>, DatabaseError> {
        let options = match self.backend() {
            DbBackend::MySql => TransactionOptions {
                isolation_level: Some(IsolationLevel::ReadCommitted),
                ..TransactionOptions::default()
            },
            DbBackend::Sqlite => TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            },
            // Set for every connection when it is made, which saves a round trip here.
            _ => TransactionOptions::default(),
        };
        let turn = self.write.turn().await;
        let transaction = self.write.connection().begin_with_options(options).await?;
        Ok(Writing::transaction(transaction, turn))
    }

    /// A transaction that sees one state of the database throughout.
    async fn snapshot(&self) -> Result<DatabaseTransaction, DatabaseError> {
        let isolation_level = match self.backend() {
            DbBackend::Sqlite => None,
            _ => Some(IsolationLevel::RepeatableRead),
        };
        let options = TransactionOptions { isolation_level, ..TransactionOptions::default() };
        Ok(self.read.begin_with_options(options).await?)
    }
}

#[cfg(test)]
#[cfg(all(feature = "http", feature = "simulated", feature = "stripe", feature = "testing"))]
mod drills;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
