//! Loads the rows that a batch needs, and locks what must not change meanwhile.
//!
//! The accounts of people are locked first, in order; everything else of a person is only changed
//! by whoever has locked them. Accounts of the house are not loaded: they have no limit, so the
//! books count from zero and what comes out is added (see `save`).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sea_orm::{ConnectionTrait, DbBackend, QueryResult};
use uuid::Uuid;

use super::operation::Named;
use super::record::{REQUEST_COLUMNS, read_request};
use super::rows::{
    ACCOUNT_COLUMNS, HOLD_COLUMNS, KEY_COLUMNS, LOT_COLUMNS, NEW_ACCOUNTS, NEW_KEYS, TRANSFER_COLUMNS,
    account_id, pending_ids, read_account, read_holds, read_key, read_lot, read_transfer, resolution_from,
    write_account, write_key,
};
use crate::backends::sea_orm::bulk::{for_update, one_of};
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::script::{Queries, Script};
use crate::backends::sea_orm::sql::{Columns, Sql};
use crate::id::{AccountId, ApiKeyId, HoldId, TransferId};
use crate::ledger::LedgerAccount;
use crate::ledger::books::{AccountRow, Books, HoldRow, KeyRow, Resolution, Transfer};
use crate::money::Money;

/// The books of a batch.
///
/// On SQLite, where nobody else can write meanwhile, what most batches need is one round trip.
/// The others look at a person's rows only once the accounts of the person are locked.
pub(super) async fn load(
    on: &impl ConnectionTrait,
    named: &Named,
    shard: u16,
) -> Result<Books, DatabaseError> {
    let backend = on.get_database_backend();
    let mut books = Books::new(shard);
    let mut queries = Queries::new(backend);
    let names = names(named.people.iter().copied());
    let mut grantees = named.people.clone();
    if backend == DbBackend::Sqlite {
        select_accounts(&mut queries, &names);
    } else {
        grantees = lock_people(on, named, &names, &mut books).await?;
    }
    let pending: HashMap<Uuid, HoldId> = by_pending(&named.new_holds);
    select_details(&mut queries, named, (&grantees, &pending));
    let mut found = queries.run(on).await?;
    if backend == DbBackend::Sqlite {
        put_accounts(&mut books, &names, &found.next())?;
    }
    for row in found.next() {
        books.put_lot(read_lot(&row)?);
    }
    let known = put_keys(&mut books, &found.next())?;
    if known.len() < named.keys.len() && backend != DbBackend::Sqlite {
        make_keys(on, named.keys.difference(&known).copied().collect(), &mut books).await?;
    }
    let mut holds = read_holds(&found.next())?;
    holds.extend(read_holds(&found.next())?);
    let mut keys: BTreeSet<ApiKeyId> = BTreeSet::new();
    for row in found.next() {
        let request = read_request(&row)?;
        keys.insert(request.record.key);
        books.put_request(request);
    }
    let mut unknown: BTreeSet<HoldId> = BTreeSet::new();
    for row in found.next() {
        unknown.extend(pending.get(&Columns::of(&row).next::<Uuid>()?));
    }
    let open: HashSet<HoldId> = holds.iter().map(|hold| hold.id).collect();
    unknown.extend(named.holds.iter().filter(|id| !open.contains(id)));
    if !unknown.is_empty() {
        holds.extend(load_unknown(on, &unknown, &mut books).await?);
    }
    keys.extend(put_holds(&mut books, holds));
    make_keys(on, keys.difference(&named.keys).copied().collect(), &mut books).await?;
    load_transfers(on, named, &mut books).await?;
    Ok(books)
}

/// The accounts of people by their identifiers in the table.
fn names(people: impl Iterator<Item = AccountId>) -> BTreeMap<Uuid, LedgerAccount> {
    let both = |person| [LedgerAccount::Paid(person), LedgerAccount::Promo(person)];
    people.flat_map(both).map(|account| (account_id(account), account)).collect()
}

fn select_accounts(queries: &mut Queries, names: &BTreeMap<Uuid, LedgerAccount>) {
    let ids: Vec<Uuid> = names.keys().copied().collect();
    let rest = |sql: Sql| {
        let sql = one_of(sql.text("FROM account WHERE "), "id", &ids).text(" ORDER BY id");
        let lock = for_update(sql.backend());
        sql.text(lock)
    };
    queries.select(ACCOUNT_COLUMNS, (!ids.is_empty()).then_some(rest));
}

/// Puts accounts; returns who has ever had a grant.
fn put_accounts(
    books: &mut Books,
    names: &BTreeMap<Uuid, LedgerAccount>,
    rows: &[QueryResult],
) -> Result<BTreeSet<AccountId>, DatabaseError> {
    let mut granted = BTreeSet::new();
    for row in rows {
        let (id, row) = read_account(row)?;
        let account = *names.get(&id).ok_or(DatabaseError::Unreadable { column: "account.id" })?;
        if let LedgerAccount::Promo(person) = account
            && row.credit_posted > row.debit_posted
        {
            granted.insert(person);
        }
        books.put_account(account, row);
    }
    Ok(granted)
}

/// Locks the accounts of people, made of zeros where there is nothing to lock; returns who has
/// ever had a grant.
async fn lock_people(
    on: &impl ConnectionTrait,
    named: &Named,
    names: &BTreeMap<Uuid, LedgerAccount>,
    books: &mut Books,
) -> Result<BTreeSet<AccountId>, DatabaseError> {
    let mut queries = Queries::new(on.get_database_backend());
    select_accounts(&mut queries, names);
    let rows = queries.run(on).await?.next();
    let granted = put_accounts(books, names, &rows)?;
    let found: HashSet<Uuid> = rows.iter().map(|row| Columns::of(row).next()).collect::<Result<_, _>>()?;
    let changed = self::names(named.changed.iter().copied());
    let missing = changed.into_iter().filter(|(id, _account)| !found.contains(id));
    let zeros = missing.map(|(_id, account)| write_account(account, &AccountRow::default()));
    let zeros: Vec<_> = zeros.collect();
    if zeros.is_empty() {
        return Ok(granted);
    }
    let mut script = Script::new(on);
    script.insert(&NEW_ACCOUNTS, zeros).await?;
    script.run().await?;
    let mut queries = Queries::new(on.get_database_backend());
    select_accounts(&mut queries, names);
    let rows = queries.run(on).await?.next();
    put_accounts(books, names, &rows)
}

/// Selects, in this order: lots, keys, holds of requests, holds, records, transfers.
fn select_details(
    queries: &mut Queries,
    named: &Named,
    (grantees, pending): (&BTreeSet<AccountId>, &HashMap<Uuid, HoldId>),
) {
    let lots: Vec<Uuid> = grantees.iter().map(|person| person.as_uuid()).collect();
    let from = "FROM lot WHERE remaining > 0 AND ";
    queries.select(
        LOT_COLUMNS,
        (!lots.is_empty()).then_some(|sql: Sql| one_of(sql.text(from), "account", &lots)),
    );
    select_keys(queries, &named.keys);
    let order = " ORDER BY created_at, hold_id";
    let closing: Vec<Uuid> = named.closing.iter().map(|request| request.as_uuid()).collect();
    let rest = |sql: Sql| one_of(sql.text("FROM hold WHERE "), "request", &closing).text(order);
    queries.select(HOLD_COLUMNS, (!closing.is_empty()).then_some(rest));
    let running: Vec<Uuid> = named.running.iter().flat_map(|hold| pending_ids(*hold)).collect();
    let rest = |sql: Sql| one_of(sql.text("FROM hold WHERE "), "pending_id", &running).text(order);
    queries.select(HOLD_COLUMNS, (!running.is_empty()).then_some(rest));
    let requests: Vec<Uuid> = named.requests.iter().map(|request| request.as_uuid()).collect();
    let rest = |sql: Sql| one_of(sql.text("FROM requests WHERE "), "id", &requests);
    queries.select(REQUEST_COLUMNS, (!requests.is_empty()).then_some(rest));
    let mut ids: Vec<Uuid> = pending.keys().copied().collect();
    ids.sort_unstable();
    let rest = |sql: Sql| one_of(sql.text("FROM transfer WHERE "), "id", &ids);
    queries.select("id", (!ids.is_empty()).then_some(rest));
}

fn select_keys(queries: &mut Queries, keys: &BTreeSet<ApiKeyId>) {
    let ids: Vec<Uuid> = keys.iter().map(|key| key.as_uuid()).collect();
    let rest = |sql: Sql| {
        let sql = one_of(sql.text("FROM key_spend WHERE "), "api_key", &ids).text(" ORDER BY api_key");
        let lock = for_update(sql.backend());
        sql.text(lock)
    };
    queries.select(KEY_COLUMNS, (!ids.is_empty()).then_some(rest));
}

/// Puts keys; returns which.
fn put_keys(books: &mut Books, rows: &[QueryResult]) -> Result<BTreeSet<ApiKeyId>, DatabaseError> {
    let mut known = BTreeSet::new();
    for row in rows {
        let (key, row) = read_key(row)?;
        known.insert(key);
        books.put_key(key, row);
    }
    Ok(known)
}

/// Loads keys that were not found or not named; where others can write at the same time, makes
/// those that are missing, so that there is something to lock.
async fn make_keys(
    on: &impl ConnectionTrait,
    keys: BTreeSet<ApiKeyId>,
    books: &mut Books,
) -> Result<(), DatabaseError> {
    if keys.is_empty() {
        return Ok(());
    }
    let backend = on.get_database_backend();
    if backend != DbBackend::Sqlite {
        let mut script = Script::new(on);
        let zeros = keys.iter().map(|key| write_key(*key, &KeyRow::default())).collect();
        script.insert(&NEW_KEYS, zeros).await?;
        script.run().await?;
    }
    let mut queries = Queries::new(backend);
    select_keys(&mut queries, &keys);
    put_keys(books, &queries.run(on).await?.next()).map(drop)
}

/// Puts open holds; returns the keys that made them.
fn put_holds(books: &mut Books, holds: Vec<HoldRow>) -> BTreeSet<ApiKeyId> {
    let mut keys = BTreeSet::new();
    let mut put = HashSet::new();
    for hold in holds {
        keys.insert(hold.key);
        if put.insert(hold.id) {
            books.put_hold(hold);
        }
    }
    keys
}

fn by_pending(holds: &BTreeSet<HoldId>) -> HashMap<Uuid, HoldId> {
    holds.iter().flat_map(|hold| pending_ids(*hold).map(|pending| (pending, *hold))).collect()
}

/// Loads holds that are named but are not among the open holds of their requests, and how they
/// were resolved; returns those that are open.
async fn load_unknown(
    on: &impl ConnectionTrait,
    holds: &BTreeSet<HoldId>,
    books: &mut Books,
) -> Result<Vec<HoldRow>, DatabaseError> {
    let by_pending = by_pending(holds);
    let ids: Vec<Uuid> = by_pending.keys().copied().collect();
    let mut queries = Queries::new(on.get_database_backend());
    queries.select(
        HOLD_COLUMNS,
        Some(|sql: Sql| {
            one_of(sql.text("FROM hold WHERE "), "pending_id", &ids).text(" ORDER BY created_at, hold_id")
        }),
    );
    queries.select(
        "pending_id, phase",
        Some(|sql: Sql| one_of(sql.text("FROM transfer WHERE "), "pending_id", &ids)),
    );
    let mut found = queries.run(on).await?;
    let open = read_holds(&found.next())?;
    let mut resolved: HashMap<HoldId, (i64, Resolution)> = HashMap::new();
    for row in &found.next() {
        let mut columns = Columns::of(row);
        let pending: Uuid = columns.next()?;
        let code: i64 = columns.next()?;
        let resolution =
            resolution_from(code).ok_or(DatabaseError::Unreadable { column: "transfer.phase" })?;
        if let Some(hold) = by_pending.get(&pending) {
            let known = resolved.entry(*hold).or_insert((code, resolution));
            if code < known.0 {
                *known = (code, resolution);
            }
        }
    }
    for (hold, (_code, resolution)) in resolved {
        books.put_resolution(hold, resolution);
    }
    Ok(open)
}

/// Loads what postings repeat or reverse, and how much of each is reversed already.
async fn load_transfers(
    on: &impl ConnectionTrait,
    named: &Named,
    books: &mut Books,
) -> Result<(), DatabaseError> {
    if named.transfers.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = named.transfers.iter().map(|id| id.as_uuid()).collect();
    let mut transfers = select_transfers(on, &ids).await?;
    let next: Vec<Uuid> =
        transfers.iter().filter_map(|transfer| transfer.reverses).map(TransferId::as_uuid).collect();
    transfers.extend(select_transfers(on, &next).await?);
    for (code, external) in &named.externals {
        let select = format!("{} WHERE t.code = ", select_transfer());
        let sql = Sql::new(on.get_database_backend(), &select)
            .value(*code)
            .text(" AND t.ext = ")
            .value(external.to_string());
        transfers.extend(sql.one(on).await?.as_ref().map(read_transfer).transpose()?);
    }
    for transfer in transfers {
        let reversed = reversed(on, transfer.id).await?;
        books.put_transfer(transfer, reversed);
    }
    Ok(())
}

fn select_transfer() -> String {
    format!(
        "SELECT {TRANSFER_COLUMNS} FROM transfer t JOIN account d ON d.id = t.dr JOIN account c ON c.id = t.cr"
    )
}

async fn select_transfers(on: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Transfer>, DatabaseError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let select = Sql::new(on.get_database_backend(), &select_transfer()).text(" WHERE ");
    one_of(select, "t.id", ids).all(on).await?.iter().map(read_transfer).collect()
}

/// The sum of the reversals of a transfer less the sum of theirs.
async fn reversed(on: &impl ConnectionTrait, id: TransferId) -> Result<Money, DatabaseError> {
    let direct = reversals(on, &[id.as_uuid()]).await?;
    let ids: Vec<Uuid> = direct.iter().map(|(id, _amount)| *id).collect();
    let undone = reversals(on, &ids).await?;
    let sum =
        |list: &[(Uuid, i64)]| list.iter().fold(0_i64, |sum, (_id, amount)| sum.saturating_add(*amount));
    Ok(Money::from_nanos(sum(&direct).saturating_sub(sum(&undone))))
}

async fn reversals(on: &impl ConnectionTrait, of: &[Uuid]) -> Result<Vec<(Uuid, i64)>, DatabaseError> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    let select = Sql::new(on.get_database_backend(), "SELECT id, amount FROM transfer WHERE ");
    let rows = one_of(select, "reverses", of).all(on).await?;
    rows.iter()
        .map(|row| {
            let mut columns = Columns::of(row);
            Ok((columns.next()?, columns.next()?))
        })
        .collect()
}
