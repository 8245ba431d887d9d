//! Loads the rows that a batch needs and that are not kept from earlier ones, and locks what must
//! not change meanwhile.
//!
//! The accounts of people are locked first, in order; everything else of a person is only changed
//! by whoever has locked them. Accounts of the house are not loaded: they have no limit, so the
//! books count from zero and what comes out is added (see `save`).
#![expect(clippy::future_not_send, reason = "SQLite is visited on one thread; on servers they are sent")]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use super::kept::Kept;
use super::operation::Named;
use super::record::{REQUESTS_BY_ID, read_request};
use super::rows::{
    ACCOUNTS_BY_ID, GRANTS_OF, HOLDS_BY_PENDING, HOLDS_OF, KEYS_BY_ID, NEW_ACCOUNTS, NEW_KEYS,
    TRANSFERS_MADE, account_id, by_pending, join_legs, pending_ids, read_account, read_hold, read_id,
    read_key, read_lot, write_account, write_key,
};
use super::seldom::{load_transfers, load_unknown};
use super::store::Tables;
use crate::backends::sea_orm::error::DatabaseError;
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
    fn of<T: Tables>(named: &Named, kept: &Kept) -> Self {
        let is_strange = |hold: &&HoldId| kept.books.hold(**hold).is_none();
        let requests = |list: &BTreeSet<RequestId>| -> BTreeSet<RequestId> {
            list.iter().filter(|request| !kept.requests.contains(request)).copied().collect()
        };
        // Where rows are kept, all about a request is loaded when it first reserves.
        let holds_of = if T::IS_ALONE { &named.requests } else { &named.closing };
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
pub(super) async fn load<T: Tables>(on: &T, named: &Named, kept: &mut Kept) -> Result<(), DatabaseError> {
    let wanted = Wanted::of::<T>(named, kept);
    let grantees = load_people(on, (&wanted.people, &named.changed), &mut kept.books).await?;
    for lot in on.select(&GRANTS_OF, &uuids(&grantees, |person| person.as_uuid()), read_lot).await? {
        kept.books.put_lot(lot);
    }
    let known = load_keys(on, &wanted.keys, &mut kept.books).await?;
    if !T::IS_ALONE {
        make_keys(on, wanted.keys.difference(&known).copied().collect(), &mut kept.books).await?;
    }
    let mut legs =
        on.select(&HOLDS_OF, &uuids(&wanted.holds_of, |request| request.as_uuid()), read_hold).await?;
    let running: Vec<Uuid> = wanted.running.iter().flat_map(|hold| pending_ids(*hold)).collect();
    legs.extend(on.select(&HOLDS_BY_PENDING, &running, read_hold).await?);
    let mut keys: BTreeSet<ApiKeyId> = legs.iter().map(|hold| hold.key).collect();
    let records = uuids(&wanted.records_of, |request| request.as_uuid());
    for request in on.select(&REQUESTS_BY_ID, &records, read_request).await? {
        keys.insert(request.record.key);
        kept.books.put_request(request);
    }
    kept.put_holds(join_legs(legs));
    let mut new: Vec<Uuid> = wanted.new.keys().copied().collect();
    new.sort_unstable();
    let made = on.select(&TRANSFERS_MADE, &new, read_id).await?;
    let made = made.iter().filter_map(|pending| wanted.new.get(pending).copied());
    let strange = named.holds.iter().copied().filter(|id| kept.books.hold(*id).is_none());
    let unknown: BTreeSet<HoldId> = made.chain(strange).collect();
    if !unknown.is_empty() {
        let holds = load_unknown(on, &unknown, &mut kept.books).await?;
        keys.extend(holds.iter().map(|hold| hold.key));
        kept.put_holds(holds);
    }
    kept.add((&wanted.people, &wanted.keys, &wanted.holds_of));
    // Others may have changed what is kept of a key that is not locked.
    let is_sure =
        |key: &ApiKeyId| if T::IS_ALONE { kept.keys.contains(key) } else { wanted.keys.contains(key) };
    let missing: BTreeSet<ApiKeyId> = keys.into_iter().filter(|key| !is_sure(key)).collect();
    make_keys(on, missing, &mut kept.books).await?;
    load_transfers(on, named, &mut kept.books).await
}

fn uuids<T: Copy>(ids: &BTreeSet<T>, uuid: fn(T) -> Uuid) -> Vec<Uuid> {
    ids.iter().map(|id| uuid(*id)).collect()
}

/// Locks the accounts of people. Where others can write at the same time, those that are to be changed and are
/// missing are made of zeros, so that there is something to lock. Returns who has a grant that is not used up.
async fn load_people<T: Tables>(
    on: &T,
    (people, changed): (&BTreeSet<AccountId>, &BTreeSet<AccountId>),
    books: &mut Books,
) -> Result<BTreeSet<AccountId>, DatabaseError> {
    let names = names(people);
    let ids: Vec<Uuid> = names.keys().copied().collect();
    let rows = on.select(&ACCOUNTS_BY_ID.locking(), &ids, read_account).await?;
    if T::IS_ALONE {
        return put_accounts(books, &names, rows);
    }
    let found: HashSet<Uuid> = rows.iter().map(|(id, _row)| *id).collect();
    let missing = self::names(changed).into_iter().filter(|(id, _account)| !found.contains(id));
    let zeros: Vec<_> =
        missing.map(|(_id, account)| write_account(account, &AccountRow::default())).collect();
    if zeros.is_empty() {
        return put_accounts(books, &names, rows);
    }
    on.make(&NEW_ACCOUNTS, zeros).await?;
    put_accounts(books, &names, on.select(&ACCOUNTS_BY_ID.locking(), &ids, read_account).await?)
}

/// The accounts of people by their identifiers in the table.
fn names(people: &BTreeSet<AccountId>) -> BTreeMap<Uuid, LedgerAccount> {
    let accounts = people.iter().flat_map(|person| LedgerAccount::of_person(*person));
    accounts.map(|account| (account_id(account), account)).collect()
}

/// Puts accounts; returns who has a grant that is not used up.
fn put_accounts(
    books: &mut Books,
    names: &BTreeMap<Uuid, LedgerAccount>,
    rows: Vec<(Uuid, AccountRow)>,
) -> Result<BTreeSet<AccountId>, DatabaseError> {
    let mut granted = BTreeSet::new();
    for (id, row) in rows {
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

/// Loads keys; returns which there are.
async fn load_keys(
    on: &impl Tables,
    keys: &BTreeSet<ApiKeyId>,
    books: &mut Books,
) -> Result<BTreeSet<ApiKeyId>, DatabaseError> {
    let mut known = BTreeSet::new();
    for (key, row) in on.select(&KEYS_BY_ID.locking(), &uuids(keys, |key| key.as_uuid()), read_key).await? {
        known.insert(key);
        books.put_key(key, row);
    }
    Ok(known)
}

/// Loads keys that were not found or not named; where others can write at the same time, makes
/// those that are missing, so that there is something to lock.
async fn make_keys<T: Tables>(
    on: &T,
    keys: BTreeSet<ApiKeyId>,
    books: &mut Books,
) -> Result<(), DatabaseError> {
    if keys.is_empty() {
        return Ok(());
    }
    if !T::IS_ALONE {
        let zeros = keys.iter().map(|key| write_key(*key, &KeyRow::default())).collect();
        on.make(&NEW_KEYS, zeros).await?;
    }
    load_keys(on, &keys, books).await.map(drop)
}
