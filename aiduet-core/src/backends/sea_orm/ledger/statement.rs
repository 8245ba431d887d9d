//! Statements from the journal and the rollups, on one state of the database.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Value};

use super::rows::kind_from;
use super::{SeaOrmLedger, read_balance};
use crate::backends::sea_orm::balances::accounts_of;
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::sql::{Columns, Sql};
use crate::clock::Timestamp;
use crate::id::TransferId;
use crate::ledger::{
    DayUsage, LedgerError, Statement, StatementParts, StatementPosition, StatementPosting, StatementRequest,
    Statements,
};
use crate::money::Money;
use crate::price::ModelId;

#[async_trait]
impl Statements for SeaOrmLedger {
    async fn statement(&self, request: StatementRequest) -> Result<Statement, LedgerError> {
        let snapshot = self.database.snapshot().await?;
        let parts = read_parts(&snapshot, &request).await?;
        snapshot.rollback().await.map_err(DatabaseError::from)?;
        parts.page(&request)
    }
}

async fn read_parts(
    on: &impl ConnectionTrait,
    request: &StatementRequest,
) -> Result<StatementParts, DatabaseError> {
    let balance = read_balance(on, request.account).await?;
    let newer = match request.before {
        Some(before) => sum_since(on, request, before).await?,
        None => Money::ZERO,
    };
    let backend = on.get_database_backend();
    let postings = postings(Sql::new(backend, ""), request, Side::Before(request.before))
        .text(" ORDER BY created_at DESC, id DESC LIMIT ")
        .value(i64::from(request.limit).saturating_add(1));
    let postings = postings.all(on).await?.iter().map(read_posting).collect::<Result<_, _>>()?;
    let days = format!(
        "SELECT model, bucket - bucket % 86400000, {} FROM usage_quarters WHERE account = ",
        integer(backend, "SUM(cost)")
    );
    let days = Sql::new(backend, &days).value(request.account.as_uuid()).text(" GROUP BY 1, 2");
    let usage = days.all(on).await?.iter().map(read_day).collect::<Result<_, _>>()?;
    Ok(StatementParts { posted: balance.posted, used: balance.used, newer, postings, usage })
}

/// Which part of the postings.
#[derive(Clone, Copy, Debug)]
enum Side {
    /// Those before a place; all where there is none.
    Before(Option<StatementPosition>),
    /// A place and those after it.
    Since(StatementPosition),
}

/// A sum as a number of 64 bits, which PostgreSQL and MySQL make wider.
fn integer(backend: DbBackend, sum: &str) -> String {
    let kind = if backend == DbBackend::MySql { "SIGNED" } else { "BIGINT" };
    format!("CAST({sum} AS {kind})")
}

async fn sum_since(
    on: &impl ConnectionTrait,
    request: &StatementRequest,
    since: StatementPosition,
) -> Result<Money, DatabaseError> {
    let backend = on.get_database_backend();
    let select = format!("SELECT {} FROM (", integer(backend, "COALESCE(SUM(gained), 0)"));
    let sql = postings(Sql::new(backend, &select), request, Side::Since(since)).text(") own");
    match sql.one(on).await? {
        Some(row) => Ok(Money::from_nanos(Columns::of(&row).next()?)),
        None => Ok(Money::ZERO),
    }
}

/// The postings of a person: transfers that no request made, debits and credits. The conditions are
/// those of the indexes.
fn postings(sql: Sql, request: &StatementRequest, side: Side) -> Sql {
    let own = || accounts_of(request.account).map(Value::from);
    let branch = |sql: Sql, gained: &str, (from, to): (&str, &str)| {
        let sql = sql
            .text(&format!(
                "SELECT id, code, ext, {gained} AS gained, created_at FROM transfer WHERE {from} IN "
            ))
            .tuple(own())
            .text(&format!(" AND request IS NULL AND {to} NOT IN "))
            .tuple(own());
        match side {
            Side::Before(None) => sql,
            Side::Before(Some(place)) => compared(sql, "<", place),
            Side::Since(place) => compared(sql, ">=", place),
        }
    };
    let sql = branch(sql, "-amount", ("dr", "cr")).text(" UNION ALL ");
    branch(sql, "amount", ("cr", "dr"))
}

/// Compares the place of a posting.
fn compared(sql: Sql, how: &str, place: StatementPosition) -> Sql {
    let strictly = how.trim_end_matches('=');
    sql.text(&format!(" AND (created_at {strictly} "))
        .value(place.at.millis())
        .text(" OR (created_at = ")
        .value(place.at.millis())
        .text(&format!(" AND id {how} "))
        .value(place.name)
        .text("))")
}

fn read_posting(row: &QueryResult) -> Result<StatementPosting, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(StatementPosting {
        id: TransferId::from_uuid(columns.next()?),
        kind: columns.next_as("transfer.code", |code: String| kind_from(&code))?,
        external: columns.next_as("transfer.ext", |text: Option<String>| match text {
            None => Some(None),
            Some(text) => text.parse().ok().map(Some),
        })?,
        amount: Money::from_nanos(columns.next()?),
        at: Timestamp::from_millis(columns.next()?),
    })
}

fn read_day(row: &QueryResult) -> Result<DayUsage, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(DayUsage {
        model: columns.next_as("usage_quarters.model", |text: String| ModelId::parse(&text).ok())?,
        day: Timestamp::from_millis(columns.next()?),
        cost: Money::from_nanos(columns.next()?),
    })
}
