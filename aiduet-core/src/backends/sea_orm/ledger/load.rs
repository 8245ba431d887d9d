//! Loads the rows that a batch needs and that are not kept from earlier ones, and locks what must
//! not change meanwhile.
//!
//! The accounts of people are locked first, in order; everything else of a person is only changed
//! by whoever has locked them. Accounts of the house are not loaded: they have no limit, so the
//! books count from zero and what comes out is added (see `save`).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sea_orm::{ConnectionTrait, DbBackend, QueryResult};
use uuid::Uuid;

use super::kept::{Kept, STAMP, Stamp};
use super::operation::Named;
use super::record::{REQUEST_COLUMNS, read_request};
use super::rows::{
    ACCOUNT_COLUMNS, HOLD_COLUMNS, KEY_COLUMNS, LOT_COLUMNS, NEW_ACCOUNTS, NEW_KEYS, account_id, by_pending,
    pending_ids, read_account, read_holds, read_key, read_lot, write_account, write_key,
};
use super::seldom::{load_transfers, load_unknown};
use crate::backends::sea_orm::bulk::{for_update, one_of};
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::script::{Parts, Queries, Script};
use crate::backends::sea_orm::sql::{Columns, Sql};
use crate::id::{AccountId, ApiKeyId, HoldId, RequestId};
use crate::ledger::LedgerAccount;
use crate::ledger::books::{AccountRow, Books, KeyRow};

/// What a batch needs of the database.
#[derive(Debug, Default)]
struct Wanted {
    people: BTreeSet<AccountId>,
    keys: BTreeSet<ApiKeyId>,
    /// Requests whose open holds are needed.
    holds_of: BTreeSet<RequestId>,
    /// Requests whose record is needed.
    records_of: BTreeSet<RequestId>,
    /// Holds that are needed if they are open.
    running: BTreeSet<HoldId>,
    /// Holds that are to be made, by their pending transfers: were they made before?
    new: HashMap<Uuid, HoldId>,
}

impl Wanted {
    fn of(named: &Named, kept: &Kept, backend: DbBackend) -> Self {
        let is_strange = |hold: &&HoldId| kept.books.hold(**hold).is_none();
        let requests = |list: &BTreeSet<RequestId>| -> BTreeSet<RequestId> {
            list.iter().filter(|request| !kept.requests.contains(request)).copied().collect()
        };
        // Where rows are kept, all about a request is loaded when it first reserves.
        let holds_of = if backend == DbBackend::Sqlite { &named.requests } else { &named.closing };
        Self {
            people: named.people.iter().filter(|person| !kept.people.contains(person)).copied().collect(),
            keys: named.keys.iter().filter(|key| !kept.keys.contains(key)).copied().collect(),
            holds_of: requests(holds_of),
            records_of: requests(&named.requests),
            running: named.running.iter().filter(is_strange).copied().collect(),
            new: by_pending(named.new_holds.iter().filter(is_strange).copied()),
        }
    }
}

/// Completes the books for a batch.
///
/// On SQLite, where nobody else can write meanwhile, what most batches need is one round trip.
/// The others look at a person's rows only once the accounts of the person are locked.
pub(super) async fn load(
    on: &impl ConnectionTrait,
    named: &Named,
    kept: &mut Kept,
) -> Result<(), DatabaseError> {
    let backend = on.get_database_backend();
    let mut wanted = Wanted::of(named, kept, backend);
    if backend == DbBackend::Sqlite {
        let mut found = select_all(&wanted).run(on).await?;
        let stamp = Stamp::read(&found.next())?;
        if !kept.is_of(stamp) {
            kept.clear();
            wanted = Wanted::of(named, kept, backend);
            found = select_all(&wanted).run(on).await?;
            found.next();
        }
        put_accounts(&mut kept.books, &names(&wanted.people), &found.next())?;
        return put_details(on, named, (&wanted, kept), found).await;
    }
    let grantees = lock_people(on, named, &mut kept.books).await?;
    let mut queries = Queries::new(backend);
    select_details(&mut queries, &wanted, &grantees);
    let found = queries.run(on).await?;
    put_details(on, named, (&wanted, kept), found).await
}

/// The queries of a batch on SQLite, which end the way [`select_details`] says.
fn select_all(wanted: &Wanted) -> Queries {
    let mut queries = Queries::new(DbBackend::Sqlite);
    queries.select(STAMP, Some(|sql: Sql| sql.text("FROM pragma_data_version")));
    select_accounts(&mut queries, &names(&wanted.people));
    select_details(&mut queries, wanted, &wanted.people);
    queries
}

/// The accounts of people by their identifiers in the table.
fn names(people: &BTreeSet<AccountId>) -> BTreeMap<Uuid, LedgerAccount> {
    let accounts = people.iter().flat_map(|person| LedgerAccount::of_person(*person));
    accounts.map(|account| (account_id(account), account)).collect()
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

/// Puts accounts; returns who has a grant that is not used up.
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

/// Locks the accounts of people, made of zeros where there is nothing to lock; returns who has a
/// grant that is not used up.
async fn lock_people(
    on: &impl ConnectionTrait,
    named: &Named,
    books: &mut Books,
) -> Result<BTreeSet<AccountId>, DatabaseError> {
    let names = names(&named.people);
    let select = async || {
        let mut queries = Queries::new(on.get_database_backend());
        select_accounts(&mut queries, &names);
        queries.run(on).await.map(|mut found| found.next())
    };
    let rows = select().await?;
    let found: HashSet<Uuid> = rows.iter().map(|row| Columns::of(row).next()).collect::<Result<_, _>>()?;
    let missing = self::names(&named.changed).into_iter().filter(|(id, _account)| !found.contains(id));
    let zeros: Vec<_> =
        missing.map(|(_id, account)| write_account(account, &AccountRow::default())).collect();
    if zeros.is_empty() {
        return put_accounts(books, &names, &rows);
    }
    let mut script = Script::new(on);
    script.insert(&NEW_ACCOUNTS, zeros).await?;
    script.run().await?;
    put_accounts(books, &names, &select().await?)
}

/// Selects, in this order: lots, keys, holds of requests, running holds, records, transfers.
fn select_details(queries: &mut Queries, wanted: &Wanted, grantees: &BTreeSet<AccountId>) {
    let ids: Vec<Uuid> = grantees.iter().map(|person| person.as_uuid()).collect();
    select_some(queries, LOT_COLUMNS, ("FROM lot WHERE remaining > 0 AND ", "account", &ids, ""));
    select_keys(queries, &wanted.keys);
    let order = " ORDER BY created_at, hold_id";
    let ids: Vec<Uuid> = wanted.holds_of.iter().map(|request| request.as_uuid()).collect();
    select_some(queries, HOLD_COLUMNS, ("FROM hold WHERE ", "request", &ids, order));
    let ids: Vec<Uuid> = wanted.running.iter().flat_map(|hold| pending_ids(*hold)).collect();
    select_some(queries, HOLD_COLUMNS, ("FROM hold WHERE ", "pending_id", &ids, order));
    let ids: Vec<Uuid> = wanted.records_of.iter().map(|request| request.as_uuid()).collect();
    select_some(queries, REQUEST_COLUMNS, ("FROM requests WHERE ", "id", &ids, ""));
    let mut ids: Vec<Uuid> = wanted.new.keys().copied().collect();
    ids.sort_unstable();
    select_some(queries, "id", ("FROM transfer WHERE ", "id", &ids, ""));
}

/// Selects what has one of these identifiers, unless there are none.
fn select_some(
    queries: &mut Queries,
    columns: &str,
    (from, column, ids, after): (&str, &str, &[Uuid], &str),
) {
    let rest = |sql: Sql| one_of(sql.text(from), column, ids).text(after);
    queries.select(columns, (!ids.is_empty()).then_some(rest));
}

fn select_keys(queries: &mut Queries, keys: &BTreeSet<ApiKeyId>) {
    let ids: Vec<Uuid> = keys.iter().map(|key| key.as_uuid()).collect();
    let after = format!(" ORDER BY api_key{}", for_update(queries.backend()));
    select_some(queries, KEY_COLUMNS, ("FROM key_spend WHERE ", "api_key", &ids, &after));
}

/// Puts what [`select_details`] found, and looks for what that shows to be missing.
async fn put_details(
    on: &impl ConnectionTrait,
    named: &Named,
    (wanted, kept): (&Wanted, &mut Kept),
    mut found: Parts,
) -> Result<(), DatabaseError> {
    for row in found.next() {
        kept.books.put_lot(read_lot(&row)?);
    }
    let known = put_keys(&mut kept.books, &found.next())?;
    if known.len() < wanted.keys.len() && on.get_database_backend() != DbBackend::Sqlite {
        make_keys(on, wanted.keys.difference(&known).copied().collect(), &mut kept.books).await?;
    }
    let mut holds = read_holds(&found.next())?;
    holds.extend(read_holds(&found.next())?);
    let mut keys: BTreeSet<ApiKeyId> = holds.iter().map(|hold| hold.key).collect();
    for row in found.next() {
        let request = read_request(&row)?;
        keys.insert(request.record.key);
        kept.books.put_request(request);
    }
    let mut unknown: BTreeSet<HoldId> = BTreeSet::new();
    for row in found.next() {
        unknown.extend(wanted.new.get(&Columns::of(&row).next::<Uuid>()?));
    }
    kept.put_holds(holds);
    unknown.extend(named.holds.iter().filter(|id| kept.books.hold(**id).is_none()));
    if !unknown.is_empty() {
        let holds = load_unknown(on, &unknown, &mut kept.books).await?;
        keys.extend(holds.iter().map(|hold| hold.key));
        kept.put_holds(holds);
    }
    kept.add((&wanted.people, &wanted.keys, &wanted.holds_of));
    // Others may have changed what is kept of a key that is not locked.
    let is_sure = |key: &ApiKeyId| match on.get_database_backend() {
        DbBackend::Sqlite => kept.keys.contains(key),
        _ => wanted.keys.contains(key),
    };
    let missing: BTreeSet<ApiKeyId> = keys.into_iter().filter(|key| !is_sure(key)).collect();
    make_keys(on, missing, &mut kept.books).await?;
    load_transfers(on, named, &mut kept.books).await
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
