//! Which node is alive, and what happens to the holds of the dead. Time is the database's, so
//! that nodes whose clocks differ agree.

use async_trait::async_trait;
use sea_orm::DbBackend;

use super::SeaOrmLedger;
use super::operation::{Answer, Operation};
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::sql::{Columns, Sql, now_millis};
use crate::clock::Timestamp;
use crate::id::{AccountId, NodeId, RequestId};
use crate::ledger::books::SweptRequest;
use crate::ledger::{Custody, LedgerError, SweepRequest, Swept};

impl SeaOrmLedger {
    async fn note(&self, node: NodeId, retired: i64) -> Result<(), DatabaseError> {
        let backend = self.database.backend();
        let merge = match backend {
            DbBackend::MySql => {
                " ON DUPLICATE KEY UPDATE beat_at = VALUES(beat_at), retired = VALUES(retired)"
            }
            _ => " ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at, retired = excluded.retired",
        };
        Sql::new(backend, "INSERT INTO nodes (id, beat_at, retired) VALUES (")
            .value(node.as_uuid())
            .text(", ")
            .text(now_millis(backend))
            .text(", ")
            .value(retired)
            .text(")")
            .text(merge)
            .run(self.database.writer())
            .await?;
        Ok(())
    }

    /// Requests all of whose open holds belong to dead nodes, oldest first, and the time of the
    /// database.
    async fn abandoned(
        &self,
        request: SweepRequest,
    ) -> Result<Vec<(RequestId, AccountId, Timestamp)>, DatabaseError> {
        let backend = self.database.backend();
        let now = now_millis(backend);
        let dead_after = i64::try_from(request.dead_after.as_millis()).unwrap_or(i64::MAX);
        let alive = "SELECT 1 FROM nodes n WHERE n.id = h.owner_node AND n.retired = 0";
        let select = format!(
            "SELECT h.request, h.person, {now}, MAX(h.created_at) FROM hold h GROUP BY h.request, h.person \
             HAVING SUM(CASE WHEN EXISTS ({alive} AND {now} - n.beat_at < "
        );
        let rows = Sql::new(backend, &select)
            .value(dead_after)
            .text(") THEN 1 ELSE 0 END) = 0 ORDER BY MIN(h.started_at), h.request LIMIT ")
            .value(i64::from(request.limit))
            .all(self.database.reader())
            .await?;
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                let (request, account) = (columns.next()?, columns.next()?);
                // A node's clock may be ahead; a hold does not end before it began.
                let at = columns.next::<i64>()?.max(columns.next()?);
                Ok((RequestId::from_uuid(request), AccountId::from_uuid(account), Timestamp::from_millis(at)))
            })
            .collect()
    }
}

#[async_trait]
impl Custody for SeaOrmLedger {
    async fn beat(&self, node: NodeId) -> Result<(), LedgerError> {
        Ok(self.note(node, 0).await?)
    }

    async fn retire(&self, node: NodeId) -> Result<(), LedgerError> {
        Ok(self.note(node, 1).await?)
    }

    async fn sweep(&self, request: SweepRequest) -> Result<Swept, LedgerError> {
        let abandoned = self.abandoned(request).await?;
        let sweeps = abandoned
            .into_iter()
            .map(|(request, account, at)| self.submit(Operation::Sweep { account, request, at }));
        let mut swept = Swept::default();
        for answer in futures_util::future::join_all(sweeps).await {
            match answer? {
                Answer::Swept(SweptRequest::Recovered) => swept.recovered = swept.recovered.saturating_add(1),
                Answer::Swept(SweptRequest::Lost) => swept.lost = swept.lost.saturating_add(1),
                Answer::Swept(SweptRequest::Nothing)
                | Answer::Reserved(_)
                | Answer::Settled(_)
                | Answer::Lapsed(_)
                | Answer::Done => {}
            }
        }
        Ok(swept)
    }
}
