//! What only a database has: every table has a rule, bytes are gone, and the journal is guarded.

use std::collections::BTreeSet;
use std::sync::Arc;

use sea_orm::ConnectionTrait;

use super::*;
use crate::backends::sea_orm::erasure::Rule;
use crate::backends::sea_orm::fixture::{self, Fixture, on_each_database};
use crate::backends::sea_orm::{
    LedgerConfig, SeaOrmAccountStore, SeaOrmAlertStore, SeaOrmApprovals, SeaOrmDeclines,
    SeaOrmDepartedPayers, SeaOrmExports, SeaOrmFailureCounter, SeaOrmIdentityStore, SeaOrmKeyCreations,
    SeaOrmKeyStore, SeaOrmLedger, SeaOrmOutbox, SeaOrmPayerStore, SeaOrmRechargeStore, SeaOrmSecurityLog,
    SeaOrmSessionStore, SeaOrmSpendAlerts, SeaOrmTicketStore, SeaOrmTopUpStore,
};
use crate::clock::{Clock, SystemClock};
use crate::notify::{Attempted, LeaseRequest, Report};
use crate::privacy::ErasureProgress;
use crate::testing::deletion::{SECRETS, World};
use crate::testing::{Factory, cents};

fn world(database: Database) -> World {
    // The audit asks the clock of the database.
    let factory = Arc::new(Factory::at(3, SystemClock::new().now()));
    let ledger = Arc::new(SeaOrmLedger::start(database.clone(), LedgerConfig::default()));
    World {
        deletions: Arc::new(SeaOrmDeletions::new(database.clone())),
        exports: Arc::new(SeaOrmExports::new(database.clone())),
        accounts: Arc::new(SeaOrmAccountStore::new(database.clone())),
        keys: Arc::new(SeaOrmKeyStore::new(database.clone())),
        creations: Arc::new(SeaOrmKeyCreations::new(database.clone())),
        identities: Arc::new(SeaOrmIdentityStore::new(database.clone())),
        sessions: Arc::new(SeaOrmSessionStore::new(database.clone())),
        tickets: Arc::new(SeaOrmTicketStore::new(database.clone())),
        failures: Arc::new(SeaOrmFailureCounter::new(database.clone())),
        security_log: Arc::new(SeaOrmSecurityLog::new(database.clone())),
        ledger: Arc::<SeaOrmLedger>::clone(&ledger),
        audit: Arc::<SeaOrmLedger>::clone(&ledger),
        account_limits: Arc::<SeaOrmLedger>::clone(&ledger),
        requests: ledger,
        top_ups: Arc::new(SeaOrmTopUpStore::new(database.clone())),
        payers: Arc::new(SeaOrmPayerStore::new(database.clone())),
        departed: Arc::new(SeaOrmDepartedPayers::new(database.clone())),
        alerts: Arc::new(SeaOrmAlertStore::new(database.clone())),
        spend_alerts: Arc::new(SeaOrmSpendAlerts::new(database.clone())),
        recharges: Arc::new(SeaOrmRechargeStore::new(database.clone())),
        declines: Arc::new(SeaOrmDeclines::new(database.clone())),
        approvals: Arc::new(SeaOrmApprovals::new(database.clone())),
        outbox: Arc::new(SeaOrmOutbox::new(database)),
        factory,
    }
}

mod sqlite {
    async fn world() -> Option<super::World> {
        Some(super::world(super::fixture::sqlite().await.kept()))
    }
    crate::deletion_conformance!(world);
}
mod postgres {
    async fn world() -> Option<super::World> {
        super::fixture::postgres().await.map(|fixture| super::world(fixture.kept()))
    }
    crate::deletion_conformance!(world);
}
mod mysql {
    async fn world() -> Option<super::World> {
        super::fixture::mysql().await.map(|fixture| super::world(fixture.kept()))
    }
    crate::deletion_conformance!(world);
}

mod each {
    use super::*;

    on_each_database! {
        every_table_has_a_rule
        the_journal_forgets_a_name_and_nothing_else
        sec_t54_a_search_finds_no_personal_value
    }

    /// Whoever adds a table says in `RULES` what becomes of it when an account is erased.
    async fn every_table_has_a_rule(fixture: Fixture) {
        let known: BTreeSet<&str> = RULES.iter().map(|(table, _rule)| *table).collect();
        assert_eq!(known.len(), RULES.len());
        let found = names(&fixture, TABLES).await;
        let found: BTreeSet<&str> = found.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(found, known);
        // What tells of a person names the account, or something of theirs.
        let telling = ["account", "person", "email", "recipient", "network", "session"];
        for row in names(&fixture, COLUMNS_OF).await {
            let [table, column] = row.as_slice() else { panic!("{row:?}") };
            let rule = RULES.iter().find(|(name, _rule)| name == table).map(|(_name, rule)| *rule);
            let says_nothing = matches!(rule, Some(Rule::Nothing)) && table != "hold";
            assert!(!says_nothing || !telling.contains(&column.as_str()), "{table}.{column}");
        }
    }

    async fn the_journal_forgets_a_name_and_nothing_else(fixture: Fixture) {
        let world = super::world(fixture.database.clone());
        let account = world.factory.account_id();
        world.ledger.post(vec![world.factory.top_up(account, cents(100))]).await.unwrap();
        let writer = fixture.database.writer();
        let [old, _promo] = crate::backends::sea_orm::balances::accounts_of(account);
        let other = uuid::Uuid::from_u128(7);
        let sql = |text: &str| Sql::new(fixture.database.backend(), text);
        let rename =
            || sql("UPDATE transfer SET request = NULL, cr = ").value(other).text(" WHERE cr = ").value(old);
        assert!(rename().run(writer).await.is_err(), "no pseudonym was given");
        let pseudonym =
            sql("INSERT INTO pseudonyms (old_id, new_id) VALUES ").tuple([old.into(), other.into()]);
        pseudonym.run(writer).await.unwrap();
        for change in
            ["amount = amount + 1, cr = ", "created_at = 0, cr = ", "ext = NULL, cr = ", "dr = cr, cr = "]
        {
            let update = sql(&format!("UPDATE transfer SET {change}")).value(other);
            let update = update.text(" WHERE cr = ").value(old);
            // MySQL and PostgreSQL may refuse a column before the guard does.
            assert!(update.run(writer).await.is_err(), "{change}");
        }
        assert!(writer.execute_unprepared("DELETE FROM transfer").await.is_err());
        assert_eq!(rename().run(writer).await.unwrap(), 1);
    }

    /// Everything that is stored, as text and as bytes; on SQLite in its files as well.
    async fn sec_t54_a_search_finds_no_personal_value(fixture: Fixture) {
        let world = super::world(fixture.database.clone());
        let account = world.person(SECRETS[0]).await;
        let key =
            world.keys.list(crate::keys::ListKeys { account: account.id, before: None, limit: 1 }).await;
        let prefix = key.unwrap()[0].prefix.clone();
        let id = account.id.as_uuid();
        let values: Vec<Vec<u8>> = SECRETS
            .iter()
            .map(|text| text.as_bytes().to_vec())
            .chain([prefix.into_bytes(), id.as_bytes().to_vec(), account.id.to_string().into_bytes()])
            .collect();
        let found = found(&everything(&fixture).await, &values);
        assert_eq!(found.len(), values.len(), "the search works: {found:?}");
        let deletion = world.wish(account.id, UnusedCredit::Forfeit).await;
        assert!(matches!(world.erasure().run(&deletion).await.unwrap(), ErasureProgress::Done(_)));
        deliver(&world).await;
        world.deletions.scrub().await.unwrap();
        // The receipt names the payer, so that the operator deletes them at the card company too.
        let payer = b"cus_rosalind".to_vec();
        assert_eq!(super::found(&everything(&fixture).await, &values), [payer]);
        assert_eq!(world.audit.verify().await.unwrap(), []);
        assert_eq!(rows(&fixture, "pseudonyms").await.len(), 0);
    }
}

/// The last message leaves.
async fn deliver(world: &World) {
    let now = world.factory.now();
    let lease = LeaseRequest { now, until: now.plus(std::time::Duration::from_secs(60)), limit: 10 };
    for due in world.outbox.lease(lease).await.unwrap() {
        let (id, attempt) = (due.message.id, due.attempt);
        world.outbox.report(Report { id, attempt, attempted: Attempted::Delivered, at: now }).await.unwrap();
    }
}

fn found(places: &[Vec<u8>], values: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let is_there = |value: &&Vec<u8>| places.iter().any(|place| memchr::memmem::find(place, value).is_some());
    values.iter().filter(is_there).cloned().collect()
}

async fn everything(fixture: &Fixture) -> Vec<Vec<u8>> {
    let mut places = Vec::new();
    for table in names(fixture, TABLES).await {
        places.extend(rows(fixture, &table[0]).await);
    }
    if let Some(directory) = fixture.directory() {
        for file in std::fs::read_dir(directory).unwrap() {
            places.push(std::fs::read(file.unwrap().path()).unwrap());
        }
    }
    places
}

/// The values of each row, one after the other.
async fn rows(fixture: &Fixture, table: &str) -> Vec<Vec<u8>> {
    let select = Sql::new(fixture.database.backend(), &format!("SELECT * FROM {table}"));
    let mut rows = Vec::new();
    for row in select.all(fixture.database.writer()).await.unwrap() {
        let mut bytes = Vec::new();
        for column in row.column_names() {
            if let Ok(text) = row.try_get::<String>("", &column) {
                bytes.extend(text.into_bytes());
            } else if let Ok(number) = row.try_get::<i64>("", &column) {
                bytes.extend(number.to_string().into_bytes());
            } else if let Ok(id) = row.try_get::<uuid::Uuid>("", &column) {
                bytes.extend(id.as_bytes());
            } else if let Ok(blob) = row.try_get::<Vec<u8>>("", &column) {
                bytes.extend(blob);
            }
            bytes.push(0);
        }
        rows.push(bytes);
    }
    rows
}

/// For SQLite, PostgreSQL and MySQL.
const TABLES: [&str; 3] = [
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = current_schema()",
    "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
];
const COLUMNS_OF: [&str; 3] = [
    "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'",
    "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns \
     WHERE table_schema = current_schema()",
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE()",
];

async fn names(fixture: &Fixture, selects: [&str; 3]) -> Vec<Vec<String>> {
    let [sqlite, postgres, mysql] = selects;
    let select = match fixture.database.system() {
        "sqlite" => sqlite,
        "postgres" => postgres,
        _ => mysql,
    };
    let rows = Sql::new(fixture.database.backend(), select).all(fixture.database.reader()).await.unwrap();
    let read = |row: &QueryResult| {
        let mut columns = Columns::of(row);
        row.column_names().iter().map(|_name| columns.next().unwrap()).collect()
    };
    rows.iter().map(read).collect()
}
