//! How everything was, in a table.

use async_trait::async_trait;
use sea_orm::{DbBackend, QueryResult};

use super::Database;
use super::error::DatabaseError;
use super::sql::{Columns, Sql};
use crate::clock::Timestamp;
use crate::status::{Slots, StatusError, StatusHour, StatusLog, StatusSubject};

/// [`StatusLog`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmStatusLog {
    database: Database,
}

impl SeaOrmStatusLog {
    /// The states of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.database.backend(), text)
    }

    async fn add(&self, hour: &StatusHour) -> Result<(), DatabaseError> {
        let StatusHour { subject, hour, seen, degraded, down } = hour;
        let add = match self.database.backend() {
            DbBackend::MySql => {
                " ON DUPLICATE KEY UPDATE seen = seen | VALUES(seen), \
                 degraded = degraded | VALUES(degraded), down = down | VALUES(down)"
            }
            _ => {
                " ON CONFLICT (began_at, subject) DO UPDATE SET seen = status_hours.seen | excluded.seen, \
                 degraded = status_hours.degraded | excluded.degraded, down = status_hours.down | excluded.down"
            }
        };
        let bits = |slots: &Slots| i64::from(slots.bits()).into();
        self.sql("INSERT INTO status_hours (began_at, subject, seen, degraded, down) VALUES ")
            .tuple([hour.millis().into(), subject.as_str().into(), bits(seen), bits(degraded), bits(down)])
            .text(add)
            .run(self.database.writer())
            .await
            .map(drop)
    }
}

#[async_trait]
impl StatusLog for SeaOrmStatusLog {
    async fn note(&self, hours: &[StatusHour]) -> Result<(), StatusError> {
        for hour in hours {
            self.add(hour).await?;
        }
        Ok(())
    }

    async fn since(&self, hour: Timestamp) -> Result<Vec<StatusHour>, StatusError> {
        let rows = self
            .sql("SELECT began_at, subject, seen, degraded, down FROM status_hours WHERE began_at >= ")
            .value(hour.millis())
            .text(" ORDER BY began_at, subject")
            .all(self.database.reader())
            .await?;
        let found = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        // A later version may know of more.
        let mut known: Vec<StatusHour> = found.into_iter().flatten().collect();
        known.sort_by_key(|hour| (hour.hour, hour.subject));
        Ok(known)
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, StatusError> {
        let rows = self
            .sql("SELECT began_at, subject FROM status_hours WHERE began_at < ")
            .value(before.millis())
            .text(" ORDER BY began_at LIMIT ")
            .value(i64::from(limit))
            .all(self.database.reader())
            .await?;
        let mut purged = 0_u64;
        for row in &rows {
            let (began_at, subject): (i64, String) = {
                let mut columns = Columns::of(row);
                (columns.next()?, columns.next()?)
            };
            let delete = self.sql("DELETE FROM status_hours WHERE began_at = ").value(began_at);
            let delete = delete.text(" AND subject = ").value(subject);
            purged = purged.saturating_add(delete.run(self.database.writer()).await?);
        }
        Ok(purged)
    }
}

/// `None`: of a subject that this version does not know.
fn read(row: &QueryResult) -> Result<Option<StatusHour>, DatabaseError> {
    let mut columns = Columns::of(row);
    let hour = Timestamp::from_millis(columns.next()?);
    let subject = StatusSubject::from_code(&columns.next::<String>()?);
    let mut slots = |name| columns.next_as(name, |bits: i64| u16::try_from(bits).ok().map(Slots::from_bits));
    let (seen, degraded) = (slots("status_hours.seen")?, slots("status_hours.degraded")?);
    let down = slots("status_hours.down")?;
    Ok(subject.map(|subject| StatusHour { subject, hour, seen, degraded, down }))
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmStatusLog;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn log(fixture: Fixture) -> SeaOrmStatusLog {
        SeaOrmStatusLog::new(fixture.kept())
    }

    mod sqlite {
        async fn log() -> Option<super::SeaOrmStatusLog> {
            Some(super::log(super::fixture::sqlite().await))
        }
        crate::status_log_conformance!(log);
    }
    mod postgres {
        async fn log() -> Option<super::SeaOrmStatusLog> {
            super::fixture::postgres().await.map(super::log)
        }
        crate::status_log_conformance!(log);
    }
    mod mysql {
        async fn log() -> Option<super::SeaOrmStatusLog> {
            super::fixture::mysql().await.map(super::log)
        }
        crate::status_log_conformance!(log);
    }
}
