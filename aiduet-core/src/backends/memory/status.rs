//! How everything was, in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::deletions::number;
use crate::clock::Timestamp;
use crate::status::{StatusError, StatusHour, StatusLog, StatusSubject};

type Hours = BTreeMap<(Timestamp, StatusSubject), StatusHour>;

/// How everything was, in memory.
#[derive(Debug, Default)]
pub struct MemoryStatusLog(Mutex<Hours>);

impl MemoryStatusLog {
    fn lock(&self) -> MutexGuard<'_, Hours> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl StatusLog for MemoryStatusLog {
    async fn note(&self, hours: &[StatusHour]) -> Result<(), StatusError> {
        let mut known = self.lock();
        for hour in hours {
            known
                .entry((hour.hour, hour.subject))
                .and_modify(|there| *there = there.with(hour))
                .or_insert(*hour);
        }
        Ok(())
    }

    async fn since(&self, hour: Timestamp) -> Result<Vec<StatusHour>, StatusError> {
        Ok(self.lock().range((hour, StatusSubject::Gateway)..).map(|(_key, found)| *found).collect())
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, StatusError> {
        let mut known = self.lock();
        let old = known.range(..(before, StatusSubject::Gateway)).map(|(key, _hour)| *key);
        let old: Vec<_> = old.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
        for key in &old {
            known.remove(key);
        }
        Ok(number(old.len()))
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    async fn log() -> Option<super::MemoryStatusLog> {
        Some(super::MemoryStatusLog::default())
    }
    crate::status_log_conformance!(log);
}
