//! Tells people how much they spend.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Batch, Job, JobError, Left, Schedule};
use crate::clock::Timestamp;
use crate::ledger::UsageReader;
use crate::notify::{Letters, Notice};
use crate::payment::{AlertChannel, SpendAlertStore, spent_in};

/// Alerts that are looked at in one batch.
const BATCH: u32 = 100;

/// Tells people how much they spend, within a minute and half of the step, once per step and period.
///
/// The letter is written before the step is noted: whoever repeats this after a crash writes a letter of
/// the same cause, which is kept once.
#[derive(Debug)]
pub struct SpendAlerts {
    /// Whom to tell, at how much.
    pub alerts: Arc<dyn SpendAlertStore>,
    /// What was spent.
    pub usage: Arc<dyn UsageReader>,
    /// Who writes.
    pub letters: Letters,
}

#[async_trait]
impl Job for SpendAlerts {
    fn name(&self) -> &'static str {
        "spend_alerts"
    }

    fn schedule(&self) -> Schedule {
        Schedule { every: Duration::from_mins(1), lease: Duration::from_mins(5) }
    }

    async fn run(&self, now: Timestamp) -> Result<Batch, JobError> {
        let due = self.alerts.due(now, BATCH).await.map_err(JobError::of)?;
        let found = due.len();
        let mut done = 0_u64;
        for alert in due {
            let spent = spent_in(self.usage.as_ref(), alert.account, (alert.span, now)).await;
            let spent = spent.map_err(JobError::of)?;
            let Some(told) = alert.next(spent, now) else { continue };
            if alert.channel == AlertChannel::Mail {
                let (span, amount, step) = (alert.span, alert.amount, told.step);
                let notice = Notice::SpendAlert { span, step, spent, amount, at: now };
                self.letters
                    .send(alert.account, notice, &[&alert.cause(told)])
                    .await
                    .map_err(JobError::of)?;
            }
            let is_noted = self.alerts.advance(&alert, told).await.map_err(JobError::of)?;
            done = done.saturating_add(u64::from(is_noted));
        }
        // What did not change was no longer due when it was looked at, or another node was faster.
        let is_full = found == usize::try_from(BATCH).unwrap_or(usize::MAX);
        Ok(Batch { done, left: if is_full && done > 0 { Left::More } else { Left::Nothing } })
    }
}
