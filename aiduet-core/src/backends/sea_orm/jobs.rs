//! The leases of jobs in a table.

use async_trait::async_trait;
use sea_orm::{DbBackend, QueryResult};
use uuid::Uuid;

use super::Database;
use super::error::DatabaseError;
use super::sql::{Columns, Sql};
use crate::clock::Timestamp;
use crate::id::NodeId;
use crate::jobs::{FinishJob, JobError, JobOutcome, JobState, JobStore, TakeJob};

const COLUMNS: &str = "name, owner, lease_until, started_at, finished_at, succeeded_at, outcome, done";

/// [`JobStore`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmJobs {
    database: Database,
}

impl SeaOrmJobs {
    /// The jobs of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.database.backend(), text)
    }
}

#[async_trait]
impl JobStore for SeaOrmJobs {
    async fn take(&self, request: TakeJob) -> Result<bool, JobError> {
        let TakeJob { job, owner, now, until, begun_before } = request;
        let update = self
            .sql("UPDATE jobs SET owner = ")
            .value(owner.as_uuid())
            .text(", lease_until = ")
            .value(until.millis())
            .text(", started_at = ")
            .value(now.millis())
            .text(" WHERE name = ")
            .value(job)
            .text(" AND (owner IS NULL OR lease_until <= ")
            .value(now.millis())
            .text(" OR lease_until > ")
            .value(request.end_max().millis())
            .text(") AND (started_at <= ")
            .value(begun_before.millis())
            .text(" OR started_at > ")
            .value(until.millis())
            .text(")");
        if update.run(self.database.writer()).await? > 0 {
            return Ok(true);
        }
        // It is not due, or it never ran.
        let (insert, or_nothing) = match self.database.backend() {
            DbBackend::MySql => ("INSERT IGNORE INTO", ""),
            _ => ("INSERT INTO", " ON CONFLICT DO NOTHING"),
        };
        let values =
            [job.into(), owner.as_uuid().into(), until.millis().into(), now.millis().into(), 0_i64.into()];
        let insert = self
            .sql(&format!("{insert} jobs (name, owner, lease_until, started_at, done) VALUES "))
            .tuple(values)
            .text(or_nothing);
        Ok(insert.run(self.database.writer()).await? > 0)
    }

    async fn renew(&self, job: &'static str, owner: NodeId, until: Timestamp) -> Result<bool, JobError> {
        let update = self
            .sql("UPDATE jobs SET lease_until = ")
            .value(until.millis())
            .text(" WHERE name = ")
            .value(job)
            .text(" AND owner = ")
            .value(owner.as_uuid());
        Ok(update.run(self.database.writer()).await? > 0)
    }

    async fn finish(&self, request: FinishJob) -> Result<(), JobError> {
        let FinishJob { job, owner, at, outcome, done } = request;
        let mut update = self
            .sql("UPDATE jobs SET owner = NULL, lease_until = 0, finished_at = ")
            .value(at.millis())
            .text(", outcome = ")
            .value(outcome.as_str())
            .text(", done = ")
            .value(i64::try_from(done).unwrap_or(i64::MAX));
        if outcome == JobOutcome::Done {
            update = update.text(", succeeded_at = ").value(at.millis());
        }
        let update = update.text(" WHERE name = ").value(job).text(" AND owner = ").value(owner.as_uuid());
        update.run(self.database.writer()).await?;
        Ok(())
    }

    async fn list(&self) -> Result<Vec<JobState>, JobError> {
        let select = self.sql(&format!("SELECT {COLUMNS} FROM jobs ORDER BY name"));
        let rows = select.all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }
}

fn read(row: &QueryResult) -> Result<JobState, DatabaseError> {
    let mut columns = Columns::of(row);
    let job = columns.next()?;
    let owner = columns.next::<Option<Uuid>>()?.map(NodeId::from_uuid);
    let until = Timestamp::from_millis(columns.next()?);
    let moment = |millis: Option<i64>| millis.map(Timestamp::from_millis);
    Ok(JobState {
        job,
        leased: owner.map(|owner| (owner, until)),
        started_at: Timestamp::from_millis(columns.next()?),
        finished_at: moment(columns.next()?),
        succeeded_at: moment(columns.next()?),
        outcome: columns.next::<Option<String>>()?.and_then(|code| JobOutcome::from_code(&code)),
        done: columns.next_count("jobs.done")?,
    })
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmJobs;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmJobs {
        SeaOrmJobs::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmJobs> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::jobs_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmJobs> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::jobs_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmJobs> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::jobs_conformance!(store);
    }
}
