//! Ends grants that have run out.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Batch, Job, JobError, Left, Schedule};
use crate::clock::Timestamp;
use crate::ledger::{Grants, LapseGrants, Lapsed};

/// Accounts that one batch looks at.
const BATCH: u32 = 500;

/// Ends grants that have run out, every 20 minutes.
#[derive(Debug)]
pub struct Lapse {
    grants: Arc<dyn Grants>,
}

impl Lapse {
    /// The job's name.
    pub const NAME: &'static str = "grants";

    /// Ends the grants of a ledger.
    pub fn new(grants: Arc<dyn Grants>) -> Self {
        Self { grants }
    }
}

#[async_trait]
impl Job for Lapse {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn schedule(&self) -> Schedule {
        // An audit allows an hour (I19 of docs/ledger.md).
        Schedule { every: Duration::from_mins(20), lease: Duration::from_mins(5) }
    }

    async fn run(&self, now: Timestamp) -> Result<Batch, JobError> {
        let Lapsed { accounts, amount } =
            self.grants.lapse(LapseGrants { at: now, limit: BATCH }).await.map_err(JobError::of)?;
        if accounts > 0 {
            tracing::info!(accounts, nano_usd = amount.nanos(), "grants have lapsed");
        }
        let left = if accounts >= BATCH { Left::More } else { Left::Nothing };
        Ok(Batch { done: accounts.into(), left })
    }
}
