//! Counts what the tables hold about a person.

use async_trait::async_trait;
use sea_orm::Value;

use super::Database;
use super::balances::accounts_of;
use super::error::DatabaseError;
use super::sql::{Columns, Sql};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::privacy::{DataInventory, Holding, InventoryError};

/// [`DataInventory`] of a database.
#[derive(Clone, Debug)]
pub struct SeaOrmInventory {
    database: Database,
}

/// How the rows of a person are found in a table.
#[derive(Clone, Copy, Debug)]
enum Own {
    /// By this column.
    Column(&'static str),
    /// By a condition that begins with this and ends with the account and a bracket.
    Condition(&'static str),
    /// By one of the ledger's accounts of the person, in one of these columns.
    Ledger([&'static str; 2]),
}

/// Table, when a row was made, and whose it is. Every condition is that of an index, but for `hold`,
/// which has as many rows as requests are running.
const TABLES: &[(&str, Option<&str>, Own)] = &[
    ("accounts", Some("created_at"), Own::Column("id")),
    ("consents", Some("agreed_at"), Own::Column("account")),
    ("identities", Some("created_at"), Own::Column("account")),
    ("sessions", Some("created_at"), Own::Column("account")),
    ("tickets", Some("issued_at"), Own::Column("account")),
    ("sign_in_failures", Some("failed_at"), Own::Column("account")),
    ("api_keys", Some("created_at"), Own::Column("account")),
    ("key_spend", None, Own::Condition("api_key IN (SELECT id FROM api_keys WHERE account = ")),
    ("key_creations", Some("created_at"), Own::Column("account")),
    ("usage_quarters", Some("bucket"), Own::Column("account")),
    ("usage_rollups", Some("bucket"), Own::Column("account")),
    ("hold", Some("created_at"), Own::Column("person")),
    ("account", None, Own::Column("owner")),
    ("lot", None, Own::Column("account")),
    ("transfer", Some("created_at"), Own::Ledger(["dr", "cr"])),
    ("top_ups", Some("created_at"), Own::Column("account")),
    ("disputes", None, Own::Condition("top_up IN (SELECT id FROM top_ups WHERE account = ")),
    ("payers", Some("created_at"), Own::Column("account")),
    ("exports", Some("created_at"), Own::Column("account")),
    ("security_events", Some("created_at"), Own::Column("account")),
    ("notices", Some("created_at"), Own::Column("account")),
    ("deletions", Some("asked_at"), Own::Column("account")),
    ("alerts", None, Own::Column("account")),
    ("spend_alerts", None, Own::Column("account")),
    ("recharges", Some("agreed_at"), Own::Column("account")),
    ("approvals", Some("asked_at"), Own::Column("account")),
    ("refunds", Some("begun_at"), Own::Column("account")),
    ("declines", Some("declined_at"), Own::Column("account")),
];

impl SeaOrmInventory {
    /// The inventory of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.database.backend(), text)
    }

    async fn count(&self, table: &'static str, select: Sql) -> Result<Holding, DatabaseError> {
        let row = select.one(self.database.reader()).await?;
        let Some(row) = row else { return Ok(Holding { table, rows: 0, oldest: None }) };
        let mut columns = Columns::of(&row);
        let rows = columns.next_count(table)?;
        let oldest: Option<i64> = columns.next()?;
        Ok(Holding { table, rows, oldest: oldest.map(Timestamp::from_millis) })
    }

    fn select(&self, (table, time, own): (&str, Option<&str>, Own), account: AccountId) -> Sql {
        // A null that has a type on every database.
        let oldest =
            time.map_or_else(|| "MIN(CASE WHEN 1 = 0 THEN 1 END)".to_owned(), |time| format!("MIN({time})"));
        match own {
            Own::Column(column) => self
                .sql(&format!("SELECT COUNT(*), {oldest} FROM {table} WHERE {column} = "))
                .value(account.as_uuid()),
            Own::Condition(condition) => self
                .sql(&format!("SELECT COUNT(*), {oldest} FROM {table} WHERE {condition}"))
                .value(account.as_uuid())
                .text(")"),
            // What no request made: those postings have an index, and the others are as many as requests.
            Own::Ledger([debit, credit]) => {
                let accounts = || accounts_of(account).map(Value::from);
                let side = |sql: Sql, column: &str| {
                    let select =
                        format!("SELECT id, created_at FROM {table} WHERE request IS NULL AND {column} IN ");
                    sql.text(&select).tuple(accounts())
                };
                let both =
                    side(self.sql(&format!("SELECT COUNT(*), {oldest} FROM (")), debit).text(" UNION ");
                side(both, credit).text(") own")
            }
        }
    }

    /// By the index, in which the oldest request is the first one.
    async fn requests(&self, account: AccountId) -> Result<Holding, DatabaseError> {
        let select = self
            .sql("SELECT COUNT(*), (SELECT started_at FROM requests WHERE account = ")
            .value(account.as_uuid())
            .text(" ORDER BY id LIMIT 1) FROM requests WHERE account = ")
            .value(account.as_uuid());
        self.count("requests", select).await
    }
}

#[async_trait]
impl DataInventory for SeaOrmInventory {
    async fn holdings(&self, account: AccountId) -> Result<Vec<Holding>, InventoryError> {
        let mut holdings = vec![self.requests(account).await?];
        for table in TABLES {
            holdings.push(self.count(table.0, self.select(*table, account)).await?);
        }
        Ok(holdings)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::backends::sea_orm::fixture::{Fixture, on_each_database};
    use crate::id::SystemEntropy;
    use crate::privacy::{CATEGORIES, WITHOUT_PERSONAL_DATA};

    on_each_database! {
        every_table_is_accounted_for
        every_table_with_personal_data_is_counted
    }

    async fn tables(fixture: &Fixture) -> BTreeSet<String> {
        let select = match fixture.database.system() {
            "sqlite" => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            }
            "postgres" => {
                "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = current_schema()"
            }
            _ => "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
        };
        let rows = Sql::new(fixture.database.backend(), select).all(fixture.database.reader()).await.unwrap();
        rows.iter().map(|row| Columns::of(row).next().unwrap()).collect()
    }

    /// Whoever adds a table says here whether it holds anything about people: in the inventory, for
    /// how long and where it is in an archive, or in the list of those that do not.
    async fn every_table_is_accounted_for(fixture: Fixture) {
        let known = CATEGORIES.iter().flat_map(|category| category.tables).chain(WITHOUT_PERSONAL_DATA);
        let known: BTreeSet<String> = known.map(|table| (*table).to_owned()).collect();
        assert_eq!(tables(&fixture).await, known);
    }

    async fn every_table_with_personal_data_is_counted(fixture: Fixture) {
        let account = AccountId::generate(&crate::clock::SystemClock::new(), &SystemEntropy);
        let holdings = SeaOrmInventory::new(fixture.database.clone()).holdings(account).await.unwrap();
        assert!(holdings.iter().all(|holding| (holding.rows, holding.oldest) == (0, None)));
        let counted: BTreeSet<&str> = holdings.iter().map(|holding| holding.table).collect();
        let known: BTreeSet<&str> = CATEGORIES.iter().flat_map(|category| category.tables).copied().collect();
        assert_eq!(counted, known);
        assert_eq!(counted.len(), holdings.len());
    }
}
