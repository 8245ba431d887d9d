//! What the ledger needs of a database, however it is reached.

use uuid::Uuid;

use super::operation::{Answers, Operation};
use crate::backends::sea_orm::bulk::{Cell, Insert, Select};
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::sql::Columns;
use crate::id::HoldId;
use crate::ledger::ExternalId;
use crate::ledger::books::Transfer;

/// Does batches of operations.
pub(super) trait Store {
    /// Does a batch in one transaction: either everything that it changes is durable, or nothing is changed.
    async fn transact(&mut self, operations: &[&Operation]) -> Result<Answers, DatabaseError>;
}

/// The tables, inside of a transaction.
pub(super) trait Tables {
    /// Nobody else can write while the transaction lasts, so that nothing needs to be locked.
    const IS_ALONE: bool;

    /// The rows that have one of these identifiers.
    async fn select<T>(
        &self,
        select: &Select,
        ids: &[Uuid],
        read: fn(Columns<'_>) -> Result<T, DatabaseError>,
    ) -> Result<Vec<T>, DatabaseError>;

    /// The transfer of this kind with this name of its cause.
    async fn select_external(
        &self,
        code: &str,
        external: &ExternalId,
    ) -> Result<Option<Transfer>, DatabaseError>;

    /// Makes rows.
    async fn make<const N: usize>(
        &self,
        insert: &Insert<N>,
        rows: Vec<[Cell<'_>; N]>,
    ) -> Result<(), DatabaseError>;
}

/// Takes the changes of a batch, in the order in which they are to be made.
pub(super) trait Sink {
    /// Writes rows.
    async fn insert<const N: usize>(
        &mut self,
        insert: &Insert<N>,
        rows: Vec<[Cell<'_>; N]>,
    ) -> Result<(), DatabaseError>;

    /// Writes rows most of which are there and change.
    async fn update<const N: usize>(
        &mut self,
        insert: &Insert<N>,
        rows: Vec<[Cell<'_>; N]>,
    ) -> Result<(), DatabaseError>;

    /// Deletes rows of holds by their pending transfers.
    async fn delete_holds(&mut self, pending: &[Uuid]) -> Result<(), DatabaseError>;

    /// Raises the least cost of holds that have less.
    async fn raise_floors(&mut self, floors: &[(HoldId, i64)]) -> Result<(), DatabaseError>;
}
