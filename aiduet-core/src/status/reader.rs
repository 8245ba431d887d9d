//! How everything was, read at most once a minute.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::{HOUR_MS, STATUS_DAYS, StatusError, StatusHistory, StatusLog};
use crate::clock::Timestamp;

/// So long what was read is told again: the page is for anyone.
const FRESH: Duration = Duration::from_mins(1);

/// Tells how everything was, and reads it at most once a minute, however many ask.
#[derive(Debug)]
pub struct StatusReader {
    log: Arc<dyn StatusLog>,
    known: Mutex<Option<(Timestamp, Arc<StatusHistory>)>>,
}

impl StatusReader {
    /// Has read nothing yet.
    pub fn new(log: Arc<dyn StatusLog>) -> Self {
        Self { log, known: Mutex::default() }
    }

    /// How everything was until now.
    ///
    /// # Errors
    /// [`StatusError::Unavailable`].
    pub async fn history(&self, now: Timestamp) -> Result<Arc<StatusHistory>, StatusError> {
        // Whoever comes meanwhile waits for the one who reads.
        let mut known = self.known.lock().await;
        if let Some((at, history)) = known.as_ref()
            && now.since(*at) < FRESH
            && now >= *at
        {
            return Ok(Arc::clone(history));
        }
        let kept = Duration::from_hours(24) * u32::from(STATUS_DAYS);
        let from = now.minus(kept).millis().div_euclid(HOUR_MS).saturating_mul(HOUR_MS);
        let hours = self.log.since(Timestamp::from_millis(from)).await?;
        let history = Arc::new(StatusHistory::of(&hours, now));
        *known = Some((now, Arc::clone(&history)));
        Ok(history)
    }
}
