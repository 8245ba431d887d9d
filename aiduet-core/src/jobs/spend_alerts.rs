//! Tells people how much they spend.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Batch, Job, JobError, Left, Schedule};
use crate::clock::Timestamp;
use crate::ledger::{SpendPeriod, UsageReader};
use crate::notify::{Letters, Notice};
use crate::payment::{AlertChannel, SpendAlertStore, spent_in};

/// Alerts that are looked at in one batch.
const BATCH: u32 = 100;
/// For so long a period that is over is looked at too: its last minute may have reached a step. Whoever
/// spent in it had a process that ran, so nothing is waited for that was down for longer.
const LOOKED_BACK: Duration = Duration::from_hours(1);

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
        let day = SpendPeriod::Day.start(now);
        let is_new = now.since(day) < LOOKED_BACK;
        // What was told of a later period is not told of an earlier one any more.
        let before =
            if is_new { self.look(day.minus(Duration::from_millis(1))).await? } else { Batch::last(0) };
        if before.left == Left::More {
            return Ok(before);
        }
        let Batch { done, left } = self.look(now).await?;
        Ok(Batch { done: done.saturating_add(before.done), left })
    }
}

impl SpendAlerts {
    /// Tells what there is to tell of the periods of a moment, those who are due first.
    async fn look(&self, now: Timestamp) -> Result<Batch, JobError> {
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
