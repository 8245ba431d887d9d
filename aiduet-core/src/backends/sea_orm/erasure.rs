//! What becomes of each table when an account is erased: the one place that says so.

use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use super::Database;
use super::balances::accounts_of;
use super::bulk::{for_update, one_of};
use super::departed::depart;
use super::error::DatabaseError;
use super::sql::{Columns, Sql, now_millis};
use crate::id::{AccountId, Entropy, SystemEntropy};

/// Rows that one transaction deletes of a table of which a person may have very many.
const BATCH: i64 = 5_000;
/// Postings that one statement changes.
const POSTINGS: usize = 256;

/// What becomes of a table.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// Its rows go whose `account` it is.
    Delete,
    /// The same, in batches, by `id`.
    DeleteInBatches,
    /// Its rows go for which a condition holds, which ends with the account and this.
    DeleteWhere(&'static str, &'static str),
    /// Its rows stay. Their `account` becomes a random identifier, and this is set as well; `{now}`
    /// is the time of the database.
    Detach(&'static str),
    /// Its rows go, and with them the account; the names of payers are kept until the card company has
    /// forgotten them.
    Depart,
    /// The books: all postings of a person, in one transaction with [`Rule::WithBooks`].
    Books,
    /// It goes with the books; the column names the person.
    WithBooks(&'static str),
    /// The deletion itself, which forgets the account at its end.
    OwnEnd,
    /// It holds nothing about a person, or nothing but an identifier that leads nowhere once the account
    /// is gone.
    Nothing,
}

/// Every table, in the order in which an erasure goes over them. Links and sessions end first; records
/// go before the keys that they name; the account goes last, so that who it was is known until then.
pub(super) const RULES: &[(&str, Rule)] = &[
    ("tickets", Rule::Delete),
    ("sessions", Rule::Delete),
    ("sign_in_failures", Rule::Delete),
    ("requests", Rule::DeleteInBatches),
    ("usage_quarters", Rule::Delete),
    ("usage_rollups", Rule::Delete),
    ("key_spend", Rule::DeleteWhere("api_key IN (SELECT id FROM api_keys WHERE account = ", ")")),
    ("key_creations", Rule::Delete),
    ("api_keys", Rule::Delete),
    ("alerts", Rule::Delete),
    ("spend_alerts", Rule::Delete),
    ("recharges", Rule::Delete),
    ("approvals", Rule::Delete),
    ("declines", Rule::Delete),
    ("payers", Rule::Depart),
    ("account", Rule::Books),
    ("transfer", Rule::WithBooks("")),
    ("lot", Rule::WithBooks("account")),
    ("top_ups", Rule::WithBooks("account")),
    ("refunds", Rule::WithBooks("account")),
    ("consents", Rule::Detach("detached_at = {now}")),
    ("exports", Rule::Detach("session = NULL")),
    (
        "security_events",
        Rule::Detach("network = NULL, request = NULL, api_key = NULL, session = NULL, changed = NULL"),
    ),
    ("notices", Rule::Delete),
    ("identities", Rule::Delete),
    ("accounts", Rule::DeleteWhere("id = ", "")),
    ("deletions", Rule::OwnEnd),
    ("erased_rows", Rule::Nothing),
    ("departed_payers", Rule::Nothing),
    ("pseudonyms", Rule::Nothing),
    ("hold", Rule::Nothing),
    ("disputes", Rule::Nothing),
    ("reconciliations", Rule::Nothing),
    ("cost_comparisons", Rule::Nothing),
    ("token_comparisons", Rule::Nothing),
    ("status_hours", Rule::Nothing),
    ("audit_log", Rule::Nothing),
    ("publications", Rule::Nothing),
    ("news_progress", Rule::Nothing),
    ("price_editions", Rule::Nothing),
    ("nodes", Rule::Nothing),
    ("jobs", Rule::Nothing),
    ("migration", Rule::Nothing),
];

/// The rule of a table that is erased by itself.
pub(super) fn rule(table: &str) -> Option<Rule> {
    let (_name, rule) = *RULES.iter().find(|(name, _rule)| *name == table)?;
    is_step(rule).then_some(rule)
}

/// The tables that are erased by themselves, in order.
pub(super) fn steps() -> Vec<&'static str> {
    RULES.iter().filter(|(_name, rule)| is_step(*rule)).map(|(name, _rule)| *name).collect()
}

const fn is_step(rule: Rule) -> bool {
    match rule {
        Rule::Delete
        | Rule::DeleteInBatches
        | Rule::DeleteWhere(..)
        | Rule::Detach(_)
        | Rule::Depart
        | Rule::Books => true,
        Rule::WithBooks(_) | Rule::OwnEnd | Rule::Nothing => false,
    }
}

/// Rows by table, and whether none is left.
#[derive(Debug)]
pub(super) struct Erased {
    pub(super) rows: Vec<(&'static str, u64)>,
    pub(super) is_whole: bool,
}

impl Erased {
    fn whole(table: &'static str, rows: u64) -> Self {
        Self { rows: vec![(table, rows)], is_whole: true }
    }
}

/// Erases a person from a table, with everything in one transaction. `None`: the person has a request
/// that still runs, whose postings are not all there.
pub(super) async fn erase(
    on: &impl ConnectionTrait,
    (table, rule): (&'static str, Rule),
    account: AccountId,
) -> Result<Option<Erased>, DatabaseError> {
    let backend = on.get_database_backend();
    let id = account.as_uuid();
    let delete = |condition: &str| Sql::new(backend, &format!("DELETE FROM {table} WHERE {condition}"));
    let erased = match rule {
        Rule::Delete => Erased::whole(table, delete("account = ").value(id).run(on).await?),
        Rule::DeleteWhere(before, after) => {
            Erased::whole(table, delete(before).value(id).text(after).run(on).await?)
        }
        Rule::DeleteInBatches => {
            let select = Sql::new(backend, &format!("SELECT id FROM {table} WHERE account = ")).value(id);
            let rows = select.text(" ORDER BY id LIMIT ").value(BATCH).all(on).await?;
            let ids = rows.iter().map(|row| Columns::of(row).next()).collect::<Result<Vec<Uuid>, _>>()?;
            if ids.is_empty() {
                return Ok(Some(Erased::whole(table, 0)));
            }
            let rows = one_of(delete(""), "id", &ids).run(on).await?;
            Erased { rows: vec![(table, rows)], is_whole: false }
        }
        Rule::Detach(also) => {
            let update = Sql::new(backend, &format!("UPDATE {table} SET account = ")).value(random());
            let also = also.replace("{now}", now_millis(backend));
            let update = update.text(&format!(", {also} WHERE account = ")).value(id);
            Erased::whole(table, update.run(on).await?)
        }
        Rule::Depart => Erased::whole(table, depart(on, account).await?),
        Rule::Books => return books(on, account).await,
        Rule::WithBooks(_) | Rule::OwnEnd | Rule::Nothing => Erased::whole(table, 0),
    };
    Ok(Some(erased))
}

/// An identifier that stands nowhere else.
fn random() -> Uuid {
    let mut bytes = [0; 16];
    SystemEntropy.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// Puts a random subject in the place of the person. Who was who stands in `pseudonyms` until the
/// transaction ends, which is what the guard of the journal asks for.
async fn books(on: &impl ConnectionTrait, account: AccountId) -> Result<Option<Erased>, DatabaseError> {
    let backend = on.get_database_backend();
    let subject = AccountId::from_uuid(random());
    let legs = Legs { old: accounts_of(account), new: accounts_of(subject) };
    // Whoever writes postings of the person locks these first.
    let lock = one_of(Sql::new(backend, "SELECT id FROM account WHERE "), "id", &legs.old);
    lock.text(" ORDER BY id").text(for_update(backend)).all(on).await?;
    let hold = Sql::new(backend, "SELECT 1 FROM hold WHERE person = ").value(account.as_uuid());
    if hold.text(" LIMIT 1").one(on).await?.is_some() {
        return Ok(None);
    }
    for (old, new) in legs.old.iter().zip(legs.new) {
        let insert = Sql::new(backend, "INSERT INTO pseudonyms (old_id, new_id) VALUES ");
        insert.tuple([Value::from(*old), Value::from(new)]).run(on).await?;
    }
    let postings = legs.rename_postings(on).await?;
    let mut accounts = 0_u64;
    for (old, new) in legs.old.iter().zip(legs.new) {
        let update = Sql::new(backend, "UPDATE account SET frozen = 1, month_limit = NULL, id = ").value(new);
        let update = update.text(", owner = ").value(subject.as_uuid()).text(" WHERE id = ").value(*old);
        accounts = accounts.saturating_add(update.run(on).await?);
    }
    let rename = async |table: &str, also: &str| {
        let update = Sql::new(backend, &format!("UPDATE {table} SET {also}account = "));
        update.value(subject.as_uuid()).text(" WHERE account = ").value(account.as_uuid()).run(on).await
    };
    let lots = rename("lot", "").await?;
    let top_ups = rename("top_ups", "url = NULL, request = NULL, ").await?;
    let refunds = rename("refunds", "").await?;
    Sql::new(backend, "DELETE FROM pseudonyms").run(on).await?;
    let rows = vec![
        ("account", accounts),
        ("transfer", postings),
        ("lot", lots),
        ("top_ups", top_ups),
        ("refunds", refunds),
    ];
    Ok(Some(Erased { rows, is_whole: true }))
}

/// The accounts of a person in the ledger, and those that take their place.
struct Legs {
    old: [Uuid; 2],
    new: [Uuid; 2],
}

impl Legs {
    /// Page by page.
    async fn rename_postings(&self, on: &impl ConnectionTrait) -> Result<u64, DatabaseError> {
        let mut renamed = 0_u64;
        let mut last = Uuid::nil();
        loop {
            let own = || self.old.map(Value::from);
            let select = Sql::new(on.get_database_backend(), "SELECT id FROM transfer WHERE id > ")
                .value(last)
                .text(" AND (dr IN ")
                .tuple(own())
                .text(" OR cr IN ")
                .tuple(own())
                .text(") ORDER BY id LIMIT ")
                .value(BATCH);
            let rows = select.all(on).await?;
            let ids = rows.iter().map(|row| Columns::of(row).next()).collect::<Result<Vec<Uuid>, _>>()?;
            let Some(newest) = ids.last() else { return Ok(renamed) };
            last = *newest;
            for ids in ids.chunks(POSTINGS) {
                renamed = renamed.saturating_add(self.rename(on, ids).await?);
            }
        }
    }

    async fn rename(&self, on: &impl ConnectionTrait, ids: &[Uuid]) -> Result<u64, DatabaseError> {
        let leg = |mut sql: Sql, column: &str| {
            sql = sql.text(&format!("{column} = CASE {column}"));
            for (old, new) in self.old.iter().zip(self.new) {
                sql = sql.text(" WHEN ").value(*old).text(" THEN ").value(new);
            }
            sql.text(&format!(" ELSE {column} END"))
        };
        let update = leg(Sql::new(on.get_database_backend(), "UPDATE transfer SET "), "dr");
        leg(update.text(", "), "cr")
            .text(", request = NULL, ext = CASE WHEN code IN ('promo_grant', 'promo_expiry', 'correction') ")
            .text("THEN NULL ELSE ext END WHERE id IN ")
            .tuple(ids.iter().map(|id| Value::from(*id)))
            .run(on)
            .await
    }
}

/// How many rows of a table lead to a person; those of the journal are only counted where the books
/// know the person.
pub(super) async fn count(
    database: &Database,
    (table, rule): (&str, Rule),
    account: AccountId,
) -> Result<u64, DatabaseError> {
    let select = Sql::new(database.backend(), &format!("SELECT COUNT(*) FROM {table} WHERE "));
    let id = account.as_uuid();
    let select = match rule {
        Rule::Delete | Rule::DeleteInBatches | Rule::Detach(_) | Rule::Depart => {
            select.text("account = ").value(id)
        }
        Rule::DeleteWhere(before, after) => select.text(before).value(id).text(after),
        Rule::Books => select.text("owner = ").value(id),
        Rule::WithBooks("") => {
            let own = || accounts_of(account).map(Value::from);
            let known = "EXISTS (SELECT 1 FROM account WHERE owner = ";
            let select = select.text(known).value(id).text(") AND (dr IN ").tuple(own());
            select.text(" OR cr IN ").tuple(own()).text(")")
        }
        Rule::WithBooks(column) => select.text(&format!("{column} = ")).value(id),
        Rule::OwnEnd | Rule::Nothing => return Ok(0),
    };
    match select.one(database.reader()).await? {
        Some(row) => Columns::of(&row).next_count("count"),
        None => Ok(0),
    }
}
