//! Reads what was used: sums over rollups, and pages of the log.

use async_trait::async_trait;
use sea_orm::{DbBackend, QueryResult};
use uuid::Uuid;

use super::SeaOrmLedger;
use super::record::{REQUEST_COLUMNS, read_request};
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::sql::{Columns, Sql};
use crate::dialect::Endpoint;
use crate::id::{ApiKeyId, RequestId};
use crate::ledger::books::Rollup;
use crate::ledger::{
    GroupBy, LedgerError, ListLog, LogPage, StatusClass, SumUsage, Totals, UsageFilter, UsageGroup,
    UsageReader, UsageStep,
};
use crate::money::Money;
use crate::price::ModelId;
use crate::provider::Vendor;

/// Records that one page looks at when not every one is wanted.
const WINDOW: i64 = 20_000;

const SUMS: [&str; 11] = [
    "requests",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "cost",
    "first_bytes",
    "first_byte_us",
    "duration_us",
    "CASE WHEN status <> 'success' THEN requests ELSE 0 END",
    "CASE WHEN status = 'rate_limited' THEN requests ELSE 0 END",
];

#[async_trait]
impl UsageReader for SeaOrmLedger {
    async fn sum(&self, request: SumUsage) -> Result<Vec<UsageStep>, LedgerError> {
        let group = request.group;
        let rows = sum_statement(self.database.backend(), &request).all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read_step(row, group)?)).collect()
    }

    async fn page(&self, request: ListLog) -> Result<LogPage, LedgerError> {
        let (low, high) = request.id_bounds();
        let floor = if is_selective(&request) {
            let row = self.floor_statement(&request, (low, high)).one(self.database.reader()).await?;
            let Some(row) = row else { return Ok(LogPage::default()) };
            RequestId::from_uuid(Columns::of(&row).next::<Uuid>()?)
        } else {
            low
        };
        let rows = self.page_statement(&request, (floor, high)).all(self.database.reader()).await?;
        let wanted = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let mut records = Vec::with_capacity(rows.len());
        for row in rows.iter().take(wanted) {
            records.push(read_request(Columns::of(row))?.record);
        }
        let next = if rows.len() > wanted {
            records.last().map(|record| record.id)
        } else {
            is_selective(&request).then_some(floor).filter(|floor| *floor > low)
        };
        Ok(LogPage { records, next })
    }
}

/// Whether records may be passed over.
fn is_selective(request: &ListLog) -> bool {
    !request.filter.is_empty() || request.cost_min.is_some() || request.duration_min.is_some()
}

impl SeaOrmLedger {
    /// The oldest identifier of the window that a page looks at.
    pub(super) fn floor_statement(&self, request: &ListLog, (low, high): (RequestId, RequestId)) -> Sql {
        Sql::new(self.database.backend(), "SELECT id FROM (SELECT id FROM requests WHERE account = ")
            .value(request.account.as_uuid())
            .text(" AND id >= ")
            .value(low.as_uuid())
            .text(" AND id < ")
            .value(high.as_uuid())
            .text(" ORDER BY id DESC LIMIT ")
            .value(WINDOW)
            .text(") looked_at ORDER BY id LIMIT 1")
    }

    /// One record more than wanted, which tells whether there are further ones.
    pub(super) fn page_statement(&self, request: &ListLog, (low, high): (RequestId, RequestId)) -> Sql {
        let select = format!("SELECT {REQUEST_COLUMNS} FROM requests WHERE account = ");
        let mut sql = Sql::new(self.database.backend(), &select)
            .value(request.account.as_uuid())
            .text(" AND id >= ")
            .value(low.as_uuid())
            .text(" AND id < ")
            .value(high.as_uuid())
            .text(" AND started_at >= ")
            .value(request.from.millis())
            .text(" AND started_at < ")
            .value(request.to.millis());
        sql = filtered(sql, &request.filter);
        if let Some(class) = request.filter.status {
            sql = sql.text(match class {
                StatusClass::Success => " AND status < 400",
                StatusClass::ClientError => " AND status >= 400 AND status < 500 AND status <> 429",
                StatusClass::RateLimited => " AND status = 429",
                StatusClass::ServerError => " AND status >= 500",
            });
        }
        if let Some(cost) = request.cost_min {
            sql = sql.text(" AND cost >= ").value(cost.nanos());
        }
        if let Some(duration) = request.duration_min {
            let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
            sql = sql.text(" AND duration_us >= ").value(micros);
        }
        sql.text(" ORDER BY id DESC LIMIT ").value(i64::from(request.limit).saturating_add(1))
    }
}

/// The conditions that are the same on the log and the rollups.
fn filtered(mut sql: Sql, filter: &UsageFilter) -> Sql {
    let UsageFilter { model, key, vendor, endpoint, status: _, stream } = filter;
    if let Some(model) = model {
        sql = sql.text(" AND model = ").value(model.as_str());
    }
    if let Some(key) = key {
        sql = sql.text(" AND api_key = ").value(key.as_uuid());
    }
    if let Some(vendor) = vendor {
        sql = sql.text(" AND vendor = ").value(vendor.as_str());
    }
    if let Some(endpoint) = endpoint {
        sql = sql.text(" AND endpoint = ").value(endpoint.as_str());
    }
    if let Some(stream) = stream {
        sql = sql.text(" AND stream = ").value(i64::from(*stream));
    }
    sql
}

const fn group_column(group: GroupBy) -> &'static str {
    match group {
        GroupBy::Model => "model",
        GroupBy::Key => "api_key",
        GroupBy::Provider => "vendor",
        GroupBy::Endpoint => "endpoint",
        GroupBy::Status => "status",
    }
}

/// `SELECT step, group, sums`; sums of whole numbers are decimals on PostgreSQL and MySQL, so they
/// are cast.
pub(super) fn sum_statement(backend: DbBackend, request: &SumUsage) -> Sql {
    let SumUsage { account, from, step, steps, group, filter } = request;
    let (division, whole) = match backend {
        DbBackend::MySql => (" DIV ", "SIGNED"),
        DbBackend::Postgres => (" / ", "BIGINT"),
        _ => (" / ", "INTEGER"),
    };
    let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
    let to = from.millis().saturating_add(step.saturating_mul(i64::from(*steps)));
    let mut sql = Sql::new(backend, "SELECT (bucket - ").value(from.millis()).text(")").text(division);
    sql = sql.value(step);
    if let Some(group) = group {
        sql = sql.text(", ").text(group_column(*group));
    }
    for column in SUMS {
        sql = sql.text(&format!(", CAST(SUM({column}) AS {whole})"));
    }
    sql = sql
        .text(" FROM usage_quarters WHERE account = ")
        .value(account.as_uuid())
        .text(" AND bucket >= ")
        .value(from.millis())
        .text(" AND bucket < ")
        .value(to);
    sql = filtered(sql, filter);
    if let Some(status) = filter.status {
        sql = sql.text(" AND status = ").value(status.as_str());
    }
    sql.text(if group.is_some() { " GROUP BY 1, 2" } else { " GROUP BY 1" }).text(" HAVING SUM(requests) > 0")
}

fn read_step(row: &QueryResult, group: Option<GroupBy>) -> Result<UsageStep, DatabaseError> {
    let mut columns = Columns::of(row);
    let step = columns.next_as("usage_quarters.bucket", |step: i64| u32::try_from(step).ok())?;
    let group = match group {
        None => UsageGroup::All,
        Some(GroupBy::Key) => UsageGroup::Key(ApiKeyId::from_uuid(columns.next()?)),
        Some(by) => columns.next_as("a group of usage_quarters", |code: String| group_of(by, &code))?,
    };
    let all = Rollup {
        requests: columns.next()?,
        input: columns.next()?,
        cache_read: columns.next()?,
        cache_write: columns.next()?,
        output: columns.next()?,
        cost: Money::from_nanos(columns.next()?),
        first_bytes: columns.next()?,
        first_byte_us: columns.next()?,
        duration_us: columns.next()?,
    };
    let totals = Totals { all, errors: columns.next()?, rate_limited: columns.next()? };
    Ok(UsageStep { step, group, totals })
}

fn group_of(by: GroupBy, code: &str) -> Option<UsageGroup> {
    match by {
        GroupBy::Model => ModelId::parse(code).ok().map(UsageGroup::Model),
        GroupBy::Provider => Vendor::from_name(code).map(UsageGroup::Provider),
        GroupBy::Endpoint => Endpoint::from_name(code).map(UsageGroup::Endpoint),
        GroupBy::Status => StatusClass::from_code(code).map(UsageGroup::Status),
        GroupBy::Key => None,
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use std::time::Duration;

    use sea_orm::ConnectionTrait;

    use super::*;
    use crate::backends::sea_orm::fixture;
    use crate::backends::sea_orm::ledger::LedgerConfig;
    use crate::testing::{Factory, model};

    async fn plan(ledger: &SeaOrmLedger, statement: Sql) -> String {
        let mut statement = statement.build();
        statement.sql.insert_str(0, "EXPLAIN QUERY PLAN ");
        let rows = ledger.database.reader().query_all_raw(statement).await.unwrap();
        let steps = rows.iter().map(|row| row.try_get_by_index::<String>(3).unwrap());
        steps.collect::<Vec<_>>().join("\n")
    }

    /// However many records there are: a page begins in the index and ends with its limit, and a sum
    /// reads the rows of the account and the range.
    #[tokio::test]
    async fn pages_and_sums_are_searched_in_an_index() {
        let fixture = fixture::sqlite().await;
        let ledger = SeaOrmLedger::start(fixture.database.clone(), LedgerConfig::default());
        let factory = Factory::new(1);
        let filter = UsageFilter { model: Some(model("gpt-5.2")), ..UsageFilter::default() };
        let request = ListLog {
            account: factory.account_id(),
            from: factory.now().minus(Duration::from_hours(24 * 90)),
            to: factory.now(),
            filter: filter.clone(),
            cost_min: Some(Money::from_nanos(1)),
            duration_min: None,
            before: None,
            limit: 50,
        };
        let bounds = request.id_bounds();
        let page = plan(&ledger, ledger.page_statement(&request, bounds)).await;
        assert!(page.contains("USING INDEX requests_account (account=? AND id>? AND id<?)"), "{page}");
        assert!(!page.contains("TEMP B-TREE"), "{page}");
        let floor = plan(&ledger, ledger.floor_statement(&request, bounds)).await;
        assert!(floor.contains("COVERING INDEX requests_account (account=? AND id>? AND id<?)"), "{floor}");
        let sum = SumUsage {
            account: request.account,
            from: request.from,
            step: Duration::from_hours(24),
            steps: 90,
            group: Some(GroupBy::Model),
            filter,
        };
        let sum = plan(&ledger, sum_statement(DbBackend::Sqlite, &sum)).await;
        assert!(sum.contains("USING PRIMARY KEY (account=? AND bucket>? AND bucket<?)"), "{sum}");
        ledger.close().await;
    }

    /// What was recorded before there were quarters is summed when they are made.
    #[tokio::test]
    async fn the_migration_sums_what_is_there() {
        let fixture = fixture::sqlite().await;
        migration_sums(fixture).await;
        if let Some(fixture) = fixture::postgres().await {
            migration_sums(fixture).await;
        }
        if let Some(fixture) = fixture::mysql().await {
            migration_sums(fixture).await;
        }
    }

    async fn migration_sums(fixture: fixture::Fixture) {
        use crate::ledger::{Ledger, SettleRequest};
        use sea_orm::ConnectionTrait;
        let ledger = SeaOrmLedger::start(fixture.database.clone(), LedgerConfig::default());
        let factory = Factory::new(1);
        let account = factory.account_id();
        for (index, status) in [200, 429, 404, 500, 200].into_iter().enumerate() {
            factory.clock().advance(Duration::from_mins(10));
            let reserve = factory.reserve(account, Money::ZERO);
            let mut record = factory.record(&reserve, Money::from_nanos(7));
            record.status = status;
            if index == 1 {
                record.first_byte = None;
            }
            let settle = SettleRequest { holds: vec![], record, at: factory.now() };
            ledger.settle(settle).await.unwrap();
        }
        let sum = SumUsage {
            account,
            from: crate::clock::Timestamp::from_millis(1_795_608_000_000),
            step: Duration::from_mins(15),
            steps: 8,
            group: Some(GroupBy::Status),
            filter: UsageFilter::default(),
        };
        let sorted = async || {
            let mut steps = ledger.sum(sum.clone()).await.unwrap();
            steps.sort_by(|a, b| (a.step, &a.group).cmp(&(b.step, &b.group)));
            steps
        };
        let written = sorted().await;
        assert_eq!(written.len(), 5);
        let writer = fixture.database.writer();
        writer.execute_unprepared("DROP TABLE usage_quarters").await.unwrap();
        writer.execute_unprepared("DELETE FROM migration WHERE name = '0040_usage_quarters'").await.unwrap();
        fixture.database.migrate().await.unwrap();
        assert_eq!(sorted().await, written);
        ledger.close().await;
    }
}
