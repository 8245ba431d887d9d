//! What a database can say, reduced to what may be told: codes and names of our own, never values.

use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::account::AccountError;
use crate::audit::AuditError;
use crate::auth::AuthStoreError;
use crate::cost::CostStoreError;
use crate::jobs::JobError;
use crate::keys::KeyError;
use crate::ledger::LedgerError;
use crate::notify::OutboxError;
use crate::operator::ApprovalError;
use crate::payment::{AlertError, RechargeError, ReconciliationError, RefundError, TopUpError};
use crate::policy::PublicationError;
use crate::price::EditionError;
use crate::privacy::{DeletionError, ExportError, InventoryError};
use crate::status::StatusError;

/// Failure of the database under the stores of this backend.
///
/// Its text names codes and our own tables, never a value of a row.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The URL is not one of `sqlite:`, `postgres:` or `mysql:`, or cannot be read.
    #[error("the database URL must begin with sqlite:, postgres: or mysql:")]
    InvalidUrl,
    /// The file of an SQLite database cannot be made or protected.
    #[error("the database file cannot be opened with mode 0600")]
    File(#[source] std::io::Error),
    /// The SQLite library is older than the oldest one without the defect in its write-ahead log.
    #[error("SQLite {found} is too old; 3.51.3 or later is needed")]
    SqliteTooOld {
        /// The version found.
        found: String,
    },
    /// The role lacks a setting of PostgreSQL that its sessions need and are not sent.
    #[error("the role of the database needs ALTER ROLE … SET {name} = '{value}'")]
    Session {
        /// The setting.
        name: &'static str,
        /// What it should be.
        value: &'static str,
    },
    /// The database was migrated by a later version of this program.
    #[error("the database has the migration {name}, which this version does not know")]
    TooNew {
        /// The migration.
        name: String,
    },
    /// The database has not been migrated.
    #[error("the database lacks the migration {name}")]
    NotMigrated {
        /// The first missing migration.
        name: &'static str,
    },
    /// A stored value is not one that this version wrote.
    #[error("the stored value of {column} cannot be read")]
    Unreadable {
        /// Where.
        column: &'static str,
    },
    /// The database refused or did not answer.
    #[error("the database failed ({kind:?}, code {code}): {detail}")]
    Failed {
        /// What it means.
        kind: FailureKind,
        /// Its code.
        code: String,
        /// Its message, where that cannot contain a value.
        detail: String,
    },
}

/// What a failure means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// A unique value exists already.
    Unique,
    /// Another transaction was in the way; the same transaction may succeed now.
    Contention,
    /// The connection failed: the outcome of a commit is unknown.
    Connection,
    /// Something else.
    Other,
}

impl DatabaseError {
    /// What the failure means.
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Failed { kind, .. } => *kind,
            Self::InvalidUrl
            | Self::File(_)
            | Self::SqliteTooOld { .. }
            | Self::Session { .. }
            | Self::TooNew { .. }
            | Self::NotMigrated { .. }
            | Self::Unreadable { .. } => FailureKind::Other,
        }
    }
}

impl DatabaseError {
    /// The same failure again, for another caller.
    pub(super) fn repeat(&self) -> Self {
        match self {
            Self::Failed { kind, code, detail } => {
                Self::Failed { kind: *kind, code: code.clone(), detail: detail.clone() }
            }
            Self::InvalidUrl
            | Self::File(_)
            | Self::SqliteTooOld { .. }
            | Self::Session { .. }
            | Self::TooNew { .. }
            | Self::NotMigrated { .. }
            | Self::Unreadable { .. } => {
                Self::Failed { kind: self.kind(), code: "none".to_owned(), detail: self.to_string() }
            }
        }
    }
}

impl From<DbErr> for DatabaseError {
    fn from(error: DbErr) -> Self {
        let (DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause))) = &error
        else {
            return Self::Failed {
                kind: if matches!(error, DbErr::ConnectionAcquire(_)) {
                    FailureKind::Connection
                } else {
                    FailureKind::Other
                },
                code: "none".to_owned(),
                detail: without_values(&error).to_owned(),
            };
        };
        match cause.as_ref() {
            sqlx::Error::Database(database) => from_database(database.as_ref()),
            other => Self::Failed {
                kind: connection_kind(other),
                code: "none".to_owned(),
                detail: "no answer from the database".to_owned(),
            },
        }
    }
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(cause, message) = error else {
            // The others may quote what they could not read.
            let detail = "a column has an unexpected type".to_owned();
            return Self::Failed { kind: FailureKind::Other, code: "none".to_owned(), detail };
        };
        let code = cause.extended_code.to_string();
        let is_unique =
            [SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE].contains(&cause.extended_code);
        let kind = if is_unique { FailureKind::Unique } else { kind_of(&code) };
        Self::Failed { kind, code, detail: message.unwrap_or_else(|| cause.to_string()) }
    }
}

const fn without_values(error: &DbErr) -> &'static str {
    match error {
        DbErr::ConnectionAcquire(_) => "no connection is free",
        DbErr::Type(_) | DbErr::TryIntoErr { .. } => "a column has an unexpected type",
        _ => "the statement was not run",
    }
}

const fn connection_kind(error: &sqlx::Error) -> FailureKind {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => FailureKind::Connection,
        _ => FailureKind::Other,
    }
}

fn from_database(error: &dyn sqlx::error::DatabaseError) -> DatabaseError {
    let mysql = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>();
    let code = match mysql {
        Some(mysql) => mysql.number().to_string(),
        None => error.code().map(std::borrow::Cow::into_owned).unwrap_or_default(),
    };
    let kind = if error.is_unique_violation() { FailureKind::Unique } else { kind_of(&code) };
    let may_quote = mysql.is_some() || code.starts_with("22") || code.starts_with("23");
    let detail = match (error.constraint(), may_quote) {
        (Some(constraint), _) => constraint.to_owned(),
        (None, true) => "message withheld".to_owned(),
        (None, false) => error.message().to_owned(),
    };
    DatabaseError::Failed { kind, code, detail }
}

/// PostgreSQL: serialisation failure, deadlock, lock not available, and what a server says that shuts down or starts.
/// MySQL: deadlock, lock wait timeout. SQLite: busy, locked, busy recovery, busy snapshot.
fn kind_of(code: &str) -> FailureKind {
    match code {
        "40001" | "40P01" | "55P03" | "1213" | "1205" | "5" | "6" | "261" | "517" | "773" => {
            FailureKind::Contention
        }
        "57P01" | "57P02" | "57P03" | "1053" | "1927" | "2006" | "2013" => FailureKind::Connection,
        _ => FailureKind::Other,
    }
}

impl From<DatabaseError> for LedgerError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for JobError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for KeyError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for AccountError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for OutboxError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for TopUpError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for AlertError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for StatusError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for RechargeError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for RefundError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for CostStoreError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for ReconciliationError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for AuthStoreError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for AuditError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for ApprovalError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for EditionError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for PublicationError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for DeletionError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for InventoryError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}

impl From<DatabaseError> for ExportError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}
