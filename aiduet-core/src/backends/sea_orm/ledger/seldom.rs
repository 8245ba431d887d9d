//! Loads what few batches need: resolved holds, and what postings repeat or reverse.

use std::collections::{BTreeSet, HashMap};

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::operation::Named;
use super::rows::{HOLD_COLUMNS, TRANSFER_COLUMNS, by_pending, read_holds, read_transfer, resolution_from};
use crate::backends::sea_orm::bulk::one_of;
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::script::Queries;
use crate::backends::sea_orm::sql::{Columns, Sql};
use crate::id::{HoldId, TransferId};
use crate::ledger::books::{Books, HoldRow, Resolution, Transfer};
use crate::money::Money;

/// Loads holds that are named but are not among the open holds of their requests, and how they
/// were resolved; returns those that are open.
pub(super) async fn load_unknown(
    on: &impl ConnectionTrait,
    holds: &BTreeSet<HoldId>,
    books: &mut Books,
) -> Result<Vec<HoldRow>, DatabaseError> {
    let by_pending = by_pending(holds.iter().copied());
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
pub(super) async fn load_transfers(
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
