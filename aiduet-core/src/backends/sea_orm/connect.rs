//! Opens connections with the settings that the books depend on.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use rusqlite::OpenFlags;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use super::DatabaseConfig;
use super::error::{DatabaseError, FailureKind};
use super::turn::{SqliteFile, Writing};
use crate::settings::SessionSettings;

/// How long SQLite waits for the write lock of another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// What sessions of PostgreSQL need.
const SESSION: [(&str, &str); 4] = [
    ("default_transaction_isolation", "read committed"),
    // How long a lock of another process is waited for; the batch is then run again.
    ("lock_timeout", "5s"),
    // After this time the transaction of a process that has gone silent is ended.
    ("idle_in_transaction_session_timeout", "30s"),
    // Plans are made while tables are small, and kept. The rows of running requests stay few while
    // thousands of dead ones lie between them, so an index is always the better way to them.
    ("enable_seqscan", "off"),
];
/// Prepared statements that a connection keeps: every one that the writer uses.
const STATEMENTS: usize = 256;
/// A connection that was idle for so long is tried before it is used.
const STALE_AFTER: Duration = Duration::from_secs(15);
/// Settings of every connection to SQLite. The journal that undoes a single statement goes to memory, not to a
/// file.
const PRAGMAS: [(&str, &str); 4] =
    [("synchronous", "FULL"), ("foreign_keys", "ON"), ("mmap_size", "0"), ("temp_store", "MEMORY")];
/// Those of connections that write. What is deleted is overwritten.
const WRITER_PRAGMAS: [(&str, &str); 2] = [("wal_autocheckpoint", "4000"), ("secure_delete", "ON")];
/// Pages that the ledger keeps, in KiB (negative: SQLite's way to say so): the rows of all who are active. The
/// default of 2 MiB reads them again from the file for every batch.
const LEDGER_CACHE: (&str, &str) = ("cache_size", "-65536");
/// Prepared statements that the ledger keeps on SQLite: more than there are.
const LEDGER_STATEMENTS: usize = 64;
/// Rows that a connection hands over before it waits for whoever reads them; most batches fit.
const ROWS_BUFFERED: usize = 1_024;
/// The first version without the defect that could corrupt a write-ahead log with two writers.
const SQLITE_OLDEST: [u32; 3] = [3, 51, 3];
/// Several processes that open a new SQLite file at once disturb each other until one has
/// switched it to the write-ahead log.
const OPEN_ATTEMPTS: u32 = 50;

/// The connections for writing and for reading.
pub(super) async fn open(
    config: &DatabaseConfig,
) -> Result<(Writing<DatabaseConnection>, DatabaseConnection), DatabaseError> {
    let url = config.url.expose();
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => open_sqlite(config).await,
        Some("postgres" | "postgresql") => open_server(config, url.clone()).await,
        Some("mysql") => open_server(config, url.clone()).await,
        Some("mariadb") => open_server(config, url.replacen("mariadb", "mysql", 1)).await,
        _ => Err(DatabaseError::InvalidUrl),
    }
}

fn base(url: String, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections.max(1))
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .test_before_acquire(false);
    options
}

async fn open_server(
    config: &DatabaseConfig,
    url: String,
) -> Result<(Writing<DatabaseConnection>, DatabaseConnection), DatabaseError> {
    let mut options = base(url, config.connections.max(4));
    options.test_before_acquire_if_idle_for(STALE_AFTER);
    if let Some(schema) = &config.schema {
        options.set_schema_search_path(schema.clone());
    }
    let session = config.session;
    options.map_sqlx_postgres_opts(move |postgres| {
        let postgres = postgres.application_name("aiduet").statement_cache_capacity(STATEMENTS);
        match session {
            SessionSettings::Connection => postgres.options(SESSION),
            SessionSettings::Role => postgres,
        }
    });
    options.map_sqlx_mysql_opts(|mysql| mysql.statement_cache_capacity(STATEMENTS));
    let pool = sea_orm::Database::connect(options).await?;
    if session == SessionSettings::Role && pool.get_database_backend() == DbBackend::Postgres {
        check_session(&pool).await?;
    }
    Ok((Writing::statements(pool.clone(), None), pool))
}

/// Succeeds if sessions have what they need without being sent it; a timeout may be another one.
async fn check_session(pool: &DatabaseConnection) -> Result<(), DatabaseError> {
    for (name, value) in SESSION {
        let select = "SELECT current_setting($1)";
        let select = Statement::from_sql_and_values(DbBackend::Postgres, select, [name.into()]);
        let found = match pool.query_one_raw(select).await? {
            Some(row) => row.try_get_by_index(0)?,
            None => String::new(),
        };
        if found != value && (!name.ends_with("_timeout") || found == "0") {
            return Err(DatabaseError::Session { name, value });
        }
    }
    Ok(())
}

async fn open_sqlite(
    config: &DatabaseConfig,
) -> Result<(Writing<DatabaseConnection>, DatabaseConnection), DatabaseError> {
    let url = config.url.expose();
    let parsed = SqliteConnectOptions::from_str(url).map_err(|_invalid| DatabaseError::InvalidUrl)?;
    protect(parsed.get_filename()).map_err(DatabaseError::File)?;
    let mut writer = base(url.clone(), 1);
    writer.min_connections(1).idle_timeout(None).max_lifetime(None).map_sqlx_sqlite_opts(|sqlite| {
        let sqlite = with_settings(sqlite).journal_mode(SqliteJournalMode::Wal);
        WRITER_PRAGMAS.iter().fold(sqlite, |sqlite, (name, value)| sqlite.pragma(*name, *value))
    });
    let write = connect_patiently(writer).await?;
    refuse_old_library(&write).await?;
    let mut reader = base(url.clone(), config.connections);
    reader.map_sqlx_sqlite_opts(|sqlite| with_settings(sqlite).pragma("query_only", "1"));
    let file = SqliteFile::new(parsed.get_filename().to_owned());
    Ok((Writing::statements(write, Some(file)), connect_patiently(reader).await?))
}

fn with_settings(options: SqliteConnectOptions) -> SqliteConnectOptions {
    let options = options
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS)
        .row_buffer_size(ROWS_BUFFERED);
    PRAGMAS.iter().fold(options, |options, (name, value)| options.pragma(*name, *value))
}

/// The connection over which the ledger writes to a file that [`open`] has opened.
pub(super) fn open_for_ledger(file: &SqliteFile) -> Result<rusqlite::Connection, DatabaseError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = rusqlite::Connection::open_with_flags(file.path(), flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(LEDGER_STATEMENTS);
    for (name, value) in PRAGMAS.into_iter().chain(WRITER_PRAGMAS).chain([LEDGER_CACHE]) {
        connection.pragma_update(None, name, value)?;
    }
    Ok(connection)
}

async fn connect_patiently(options: ConnectOptions) -> Result<DatabaseConnection, DatabaseError> {
    let mut attempt = 0_u32;
    loop {
        match sea_orm::Database::connect(options.clone()).await.map_err(DatabaseError::from) {
            Err(error) if error.kind() == FailureKind::Contention && attempt < OPEN_ATTEMPTS => {
                attempt = attempt.saturating_add(1);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            result => return result,
        }
    }
}

async fn refuse_old_library(connection: &DatabaseConnection) -> Result<(), DatabaseError> {
    let statement = Statement::from_string(DbBackend::Sqlite, "SELECT sqlite_version()");
    let row = connection.query_one_raw(statement).await?;
    let found: String = match row {
        Some(row) => row.try_get_by_index(0)?,
        None => String::new(),
    };
    let parts: Vec<u32> = found.split('.').map_while(|part| part.parse().ok()).collect();
    if parts.as_slice() < SQLITE_OLDEST.as_slice() {
        return Err(DatabaseError::SqliteTooOld { found });
    }
    Ok(())
}

/// Makes the file with mode 0600, or takes the rights of others away. SQLite gives its side
/// files the mode of the database.
fn protect(path: &Path) -> std::io::Result<()> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        std::fs::create_dir_all(directory)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}
