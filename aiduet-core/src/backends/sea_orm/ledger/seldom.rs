//! Loads what few batches need: resolved holds, and what postings repeat or reverse.
#![expect(clippy::future_not_send, reason = "SQLite is visited on one thread; on servers they are sent")]

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::operation::Named;
use super::rows::{
    HOLDS_BY_PENDING, RESOLUTIONS_OF, REVERSALS_OF, TRANSFERS_BY_ID, by_pending, join_legs, read_hold,
    read_resolution, read_reversal, read_transfer,
};
use super::store::Tables;
use crate::backends::sea_orm::error::DatabaseError;
use crate::id::{HoldId, TransferId};
use crate::ledger::books::{Books, HoldRow, Resolution};
use crate::money::Money;

/// Loads holds that are named but are not among the open holds of their requests, and how they
/// were resolved; returns those that are open.
pub(super) async fn load_unknown(
    on: &impl Tables,
    holds: &BTreeSet<HoldId>,
    books: &mut Books,
) -> Result<Vec<HoldRow>, DatabaseError> {
    let by_pending = by_pending(holds.iter().copied());
    let ids: Vec<Uuid> = by_pending.keys().copied().collect();
    let open = join_legs(on.select(&HOLDS_BY_PENDING, &ids, read_hold).await?);
    let mut resolved: HashMap<HoldId, (i64, Resolution)> = HashMap::new();
    for (pending, code, resolution) in on.select(&RESOLUTIONS_OF, &ids, read_resolution).await? {
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
    on: &impl Tables,
    named: &Named,
    books: &mut Books,
) -> Result<(), DatabaseError> {
    if named.transfers.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = named.transfers.iter().map(|id| id.as_uuid()).collect();
    let mut transfers = on.select(&TRANSFERS_BY_ID, &ids, read_transfer).await?;
    let next: Vec<Uuid> =
        transfers.iter().filter_map(|transfer| transfer.reverses).map(TransferId::as_uuid).collect();
    transfers.extend(on.select(&TRANSFERS_BY_ID, &next, read_transfer).await?);
    for (code, external) in &named.externals {
        transfers.extend(on.select_external(code, external).await?);
    }
    for transfer in transfers {
        let reversed = reversed(on, transfer.id).await?;
        books.put_transfer(transfer, reversed);
    }
    Ok(())
}

/// The sum of the reversals of a transfer less the sum of theirs.
async fn reversed(on: &impl Tables, id: TransferId) -> Result<Money, DatabaseError> {
    let direct = on.select(&REVERSALS_OF, &[id.as_uuid()], read_reversal).await?;
    let ids: Vec<Uuid> = direct.iter().map(|(id, _amount)| *id).collect();
    let undone = on.select(&REVERSALS_OF, &ids, read_reversal).await?;
    let sum =
        |list: &[(Uuid, i64)]| list.iter().fold(0_i64, |sum, (_id, amount)| sum.saturating_add(*amount));
    Ok(Money::from_nanos(sum(&direct).saturating_sub(sum(&undone))))
}
