//! Loads the rows that a batch needs, and locks what must not change meanwhile.
//!
//! The accounts of people are locked first, in order; everything else of a person is only changed
//! by whoever has locked them. Accounts of the house are not loaded: they have no limit, so the
//! books count from zero and what comes out is added (see `save`).

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::{ConnectionTrait, DbBackend, QueryResult};
use uuid::Uuid;

use super::operation::Named;
use super::record::{REQUEST_COLUMNS, read_request};
use super::rows::{
    ACCOUNT_COLUMNS, ACCOUNT_INSERT, HOLD_COLUMNS, KEY_COLUMNS, KEY_INSERT, LOT_COLUMNS, TRANSFER_COLUMNS,
    account_id, pending_ids, read_account, read_holds, read_key, read_lot, read_transfer, resolution_from,
    write_account, write_key,
};
use crate::backends::sea_orm::bulk::{for_update, or_ignore, select_in};
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::sql::{Columns, Sql, insert_rows};
use crate::id::{AccountId, ApiKeyId, HoldId, RequestId, TransferId};
use crate::ledger::LedgerAccount;
use crate::ledger::books::{AccountRow, Books, KeyRow, Resolution, Transfer};
use crate::money::Money;

/// The books of a batch.
pub(super) async fn load(
    on: &impl ConnectionTrait,
    named: &Named,
    shard: u16,
) -> Result<Books, DatabaseError> {
    let mut books = Books::new(shard);
    let granted = load_people(on, named, &mut books).await?;
    load_lots(on, &granted, &mut books).await?;
    let mut keys = named.keys.clone();
    load_holds(on, named, (&mut books, &mut keys)).await?;
    load_requests(on, &named.requests, (&mut books, &mut keys)).await?;
    load_keys(on, &keys, &mut books).await?;
    load_transfers(on, named, &mut books).await?;
    Ok(books)
}

/// Loads and locks the accounts of people; returns who has ever had a grant.
async fn load_people(
    on: &impl ConnectionTrait,
    named: &Named,
    books: &mut Books,
) -> Result<Vec<AccountId>, DatabaseError> {
    let both = |person: &AccountId| [LedgerAccount::Paid(*person), LedgerAccount::Promo(*person)];
    let mut ids: Vec<Uuid> = named.people.iter().flat_map(both).map(account_id).collect();
    ids.sort_unstable();
    let mut found = select_accounts(on, &ids).await?;
    let is_missing = |account: &LedgerAccount| found.iter().all(|(id, _row)| id != account);
    let missing: Vec<LedgerAccount> = named.changed.iter().flat_map(both).filter(is_missing).collect();
    if !missing.is_empty() && on.get_database_backend() != DbBackend::Sqlite {
        make_accounts(on, missing).await?;
        found = select_accounts(on, &ids).await?;
    }
    let mut granted = Vec::new();
    for (account, row) in found {
        if let LedgerAccount::Promo(person) = account
            && row.credit_posted > row.debit_posted
        {
            granted.push(person);
        }
        books.put_account(account, row);
    }
    Ok(granted)
}

async fn select_accounts(
    on: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<Vec<(LedgerAccount, AccountRow)>, DatabaseError> {
    let select = format!("SELECT {ACCOUNT_COLUMNS} FROM account WHERE id IN");
    let after = format!(" ORDER BY id{}", for_update(on.get_database_backend()));
    select_in(on, (&select, &after), ids).await?.iter().map(read_account).collect()
}

/// Makes accounts of zeros, so that there is something to lock.
async fn make_accounts(
    on: &impl ConnectionTrait,
    mut accounts: Vec<LedgerAccount>,
) -> Result<(), DatabaseError> {
    accounts.sort_unstable_by_key(|account| account_id(*account));
    let rows = accounts.iter().map(|account| write_account(*account, &AccountRow::default())).collect();
    insert_rows(on, (ACCOUNT_INSERT, &or_ignore(on.get_database_backend(), "id")), rows).await
}

async fn load_lots(
    on: &impl ConnectionTrait,
    people: &[AccountId],
    books: &mut Books,
) -> Result<(), DatabaseError> {
    let ids: Vec<Uuid> = people.iter().map(|person| person.as_uuid()).collect();
    let select = format!("SELECT {LOT_COLUMNS} FROM lot WHERE remaining > 0 AND account IN");
    for row in select_in(on, (&select, ""), &ids).await? {
        books.put_lot(read_lot(&row)?);
    }
    Ok(())
}

/// Loads the open holds, and how the others were resolved; adds the keys that made them.
async fn load_holds(
    on: &impl ConnectionTrait,
    named: &Named,
    (books, keys): (&mut Books, &mut BTreeSet<ApiKeyId>),
) -> Result<(), DatabaseError> {
    let closing: Vec<Uuid> = named.closing.iter().map(|request| request.as_uuid()).collect();
    let order = " ORDER BY created_at, hold_id";
    let select = format!("SELECT {HOLD_COLUMNS} FROM hold WHERE request IN");
    let mut open = read_holds(&select_in(on, (&select, order), &closing).await?)?;
    let found: HashSet<HoldId> = open.iter().map(|hold| hold.id).collect();
    let mut unknown = repeated(on, &named.new_holds).await?;
    unknown.extend(named.holds.iter().filter(|id| !found.contains(id)));
    if !unknown.is_empty() {
        let ids: Vec<Uuid> = unknown.iter().flat_map(|id| pending_ids(*id)).collect();
        let select = format!("SELECT {HOLD_COLUMNS} FROM hold WHERE pending_id IN");
        open.extend(read_holds(&select_in(on, (&select, order), &ids).await?)?);
        load_resolutions(on, &unknown, books).await?;
    }
    let mut put = HashSet::new();
    for hold in open {
        keys.insert(hold.key);
        if put.insert(hold.id) {
            books.put_hold(hold);
        }
    }
    Ok(())
}

/// Which of the holds to be made were made before.
async fn repeated(
    on: &impl ConnectionTrait,
    holds: &BTreeSet<HoldId>,
) -> Result<BTreeSet<HoldId>, DatabaseError> {
    let by_pending: HashMap<Uuid, HoldId> =
        holds.iter().flat_map(|hold| pending_ids(*hold).map(|pending| (pending, *hold))).collect();
    let mut ids: Vec<Uuid> = by_pending.keys().copied().collect();
    ids.sort_unstable();
    let rows = select_in(on, ("SELECT id FROM transfer WHERE id IN", ""), &ids).await?;
    let mut found = BTreeSet::new();
    for row in &rows {
        found.extend(by_pending.get(&Columns::of(row).next::<Uuid>()?));
    }
    Ok(found)
}

async fn load_resolutions(
    on: &impl ConnectionTrait,
    holds: &BTreeSet<HoldId>,
    books: &mut Books,
) -> Result<(), DatabaseError> {
    let by_pending: HashMap<Uuid, HoldId> =
        holds.iter().flat_map(|hold| pending_ids(*hold).map(|pending| (pending, *hold))).collect();
    let ids: Vec<Uuid> = by_pending.keys().copied().collect();
    let select = "SELECT pending_id, phase FROM transfer WHERE pending_id IN";
    let mut resolved: HashMap<HoldId, (i64, Resolution)> = HashMap::new();
    for row in &select_in(on, (select, ""), &ids).await? {
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
    Ok(())
}

async fn load_keys(
    on: &impl ConnectionTrait,
    keys: &BTreeSet<ApiKeyId>,
    books: &mut Books,
) -> Result<(), DatabaseError> {
    let mut found = select_keys(on, keys).await?;
    if found.len() < keys.len() && on.get_database_backend() != DbBackend::Sqlite {
        let missing = keys.iter().filter(|key| found.iter().all(|(id, _row)| id != *key));
        let rows = missing.map(|key| write_key(*key, &KeyRow::default())).collect();
        let ignore = or_ignore(on.get_database_backend(), "api_key");
        insert_rows(on, (KEY_INSERT, &ignore), rows).await?;
        found = select_keys(on, keys).await?;
    }
    for (key, row) in found {
        books.put_key(key, row);
    }
    Ok(())
}

async fn select_keys(
    on: &impl ConnectionTrait,
    keys: &BTreeSet<ApiKeyId>,
) -> Result<Vec<(ApiKeyId, KeyRow)>, DatabaseError> {
    let ids: Vec<Uuid> = keys.iter().map(|key| key.as_uuid()).collect();
    let select = format!("SELECT {KEY_COLUMNS} FROM key_spend WHERE api_key IN");
    let after = format!(" ORDER BY api_key{}", for_update(on.get_database_backend()));
    select_in(on, (&select, &after), &ids).await?.iter().map(read_key).collect()
}

/// Loads the records that are there; adds their keys, to which a late release gives back.
async fn load_requests(
    on: &impl ConnectionTrait,
    requests: &BTreeSet<RequestId>,
    (books, keys): (&mut Books, &mut BTreeSet<ApiKeyId>),
) -> Result<(), DatabaseError> {
    let ids: Vec<Uuid> = requests.iter().map(|request| request.as_uuid()).collect();
    let select = format!("SELECT {REQUEST_COLUMNS} FROM requests WHERE id IN");
    for row in select_in(on, (&select, ""), &ids).await? {
        let request = read_request(&row)?;
        keys.insert(request.record.key);
        books.put_request(request);
    }
    Ok(())
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
    let select = format!("{} WHERE t.id IN", select_transfer());
    select_in(on, (&select, ""), ids).await?.iter().map(read_transfer).collect()
}

/// The sum of the reversals of a transfer less the sum of theirs.
async fn reversed(on: &impl ConnectionTrait, id: TransferId) -> Result<Money, DatabaseError> {
    let amounts = |rows: &[QueryResult]| -> Result<Vec<(Uuid, i64)>, DatabaseError> {
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                Ok((columns.next()?, columns.next()?))
            })
            .collect()
    };
    let select = "SELECT id, amount FROM transfer WHERE reverses IN";
    let direct = amounts(&select_in(on, (select, ""), &[id.as_uuid()]).await?)?;
    let ids: Vec<Uuid> = direct.iter().map(|(id, _amount)| *id).collect();
    let undone = amounts(&select_in(on, (select, ""), &ids).await?)?;
    let sum =
        |list: &[(Uuid, i64)]| list.iter().fold(0_i64, |sum, (_id, amount)| sum.saturating_add(*amount));
    Ok(Money::from_nanos(sum(&direct).saturating_sub(sum(&undone))))
}
