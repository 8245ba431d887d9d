//! Tells people that their balance is low.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Batch, Job, JobError, Left, Schedule};
use crate::clock::Timestamp;
use crate::ledger::Ledger;
use crate::notify::{Letters, Notice};
use crate::payment::{AlertChannel, AlertState, AlertStore};

/// Alerts that are looked at in one batch.
const BATCH: u32 = 100;

/// Tells people that their balance is low, within a minute and half of the fall.
///
/// The letter is written before the fall is noted: whoever repeats this after a crash writes a letter
/// of the same cause, which is kept once.
#[derive(Debug)]
pub struct LowBalance {
    /// Whom to tell, below which amount.
    pub alerts: Arc<dyn AlertStore>,
    /// The balances.
    pub ledger: Arc<dyn Ledger>,
    /// Who writes.
    pub letters: Letters,
}

#[async_trait]
impl Job for LowBalance {
    fn name(&self) -> &'static str {
        "low_balance"
    }

    fn schedule(&self) -> Schedule {
        Schedule { every: Duration::from_mins(1), lease: Duration::from_mins(5) }
    }

    async fn run(&self, _now: Timestamp) -> Result<Batch, JobError> {
        let due = self.alerts.due(BATCH).await.map_err(JobError::of)?;
        let found = due.len();
        let mut done = 0_u64;
        for alert in due {
            let balance = self.ledger.balance(alert.account).await.map_err(JobError::of)?;
            let Some(state) = alert.next(&balance) else { continue };
            let is_fall = alert.state == AlertState::Ready && matches!(state, AlertState::Told { .. });
            if is_fall && alert.channel == AlertChannel::Mail {
                let (available, threshold) = (balance.available, alert.threshold);
                let notice = Notice::LowBalance { available, threshold };
                self.letters.send(alert.account, notice, &[&alert.fall()]).await.map_err(JobError::of)?;
            }
            let is_noted = self.alerts.advance(&alert, state).await.map_err(JobError::of)?;
            done = done.saturating_add(u64::from(is_noted));
        }
        // What did not change was no longer due when it was looked at, or another node was faster.
        let is_full = found == usize::try_from(BATCH).unwrap_or(usize::MAX);
        Ok(Batch { done, left: if is_full && done > 0 { Left::More } else { Left::Nothing } })
    }
}
