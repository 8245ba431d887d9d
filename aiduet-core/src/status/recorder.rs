//! Notes how everything is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{HOUR_MS, Slots, StatusError, StatusHour, StatusLog, StatusSubject};
use crate::clock::Timestamp;
use crate::routing::ProviderHealth;

/// Notes how everything is, as this node sees it. It is told once a minute, and writes only what it has
/// not written yet: once in five minutes while nothing changes.
#[derive(Debug)]
pub struct StatusRecorder {
    log: Arc<dyn StatusLog>,
    /// What this node has written of the present hour.
    written: Mutex<Vec<StatusHour>>,
}

impl StatusRecorder {
    /// Has written nothing yet.
    pub fn new(log: Arc<dyn StatusLog>) -> Self {
        Self { log, written: Mutex::default() }
    }

    /// Notes how these are now.
    ///
    /// # Errors
    /// [`StatusError::Unavailable`]; then nobody knows how it was, unless another node does.
    pub async fn record(
        &self,
        seen: &[(StatusSubject, ProviderHealth)],
        now: Timestamp,
    ) -> Result<(), StatusError> {
        let hours: Vec<StatusHour> = seen.iter().map(|seen| hour(*seen, now)).collect();
        let fresh: Vec<StatusHour> = {
            let written = self.lock();
            let is_same = |known: &StatusHour, hour: &StatusHour| {
                known.subject == hour.subject && known.hour == hour.hour && known.with(hour) == *known
            };
            let knows = |hour: &&StatusHour| written.iter().any(|known| is_same(known, hour));
            hours.iter().filter(|hour| !knows(hour)).copied().collect()
        };
        if fresh.is_empty() {
            return Ok(());
        }
        self.log.note(&fresh).await?;
        self.remember(&fresh);
        Ok(())
    }

    fn remember(&self, fresh: &[StatusHour]) {
        let mut written = self.lock();
        for hour in fresh {
            let same = written.iter_mut().find(|known| known.subject == hour.subject);
            match same {
                Some(known) if known.hour == hour.hour => *known = known.with(hour),
                Some(known) => *known = *hour,
                None => written.push(*hour),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<StatusHour>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hour((subject, health): (StatusSubject, ProviderHealth), now: Timestamp) -> StatusHour {
    let slot = Slots::of(now);
    let (degraded, down) = match health {
        ProviderHealth::Up => (Slots::default(), Slots::default()),
        ProviderHealth::Degraded => (slot, Slots::default()),
        ProviderHealth::Down => (Slots::default(), slot),
    };
    let begin = now.millis().div_euclid(HOUR_MS).saturating_mul(HOUR_MS);
    StatusHour { subject, hour: Timestamp::from_millis(begin), seen: slot, degraded, down }
}
