//! Payers whose accounts were erased: the card company is to forget them too.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::{Cashier, CashierError, TopUpError};
use crate::clock::Timestamp;
use crate::ledger::ExternalId;

/// How long to wait after the first failure; twice as long after each further one.
const PAUSE: Duration = Duration::from_mins(5);
/// The longest wait.
const PAUSE_MAX: Duration = Duration::from_hours(24);

/// A payer whose account was erased. Nothing here says whose it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepartedPayer {
    /// The card company's name.
    pub payer: ExternalId,
    /// How often it could not be told, in a row.
    pub failures: u32,
}

impl DepartedPayer {
    /// How long to wait after another failure.
    fn pause(&self) -> Duration {
        let times = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        PAUSE.saturating_mul(times).min(PAUSE_MAX)
    }
}

/// Keeps the payers whom the card company has not forgotten yet.
///
/// # Contract
/// - Whoever erases the payer of an account adds it in the same transaction, due at once, so that none
///   is lost between the two.
/// - Each method is one atomic operation; the same again has no effect but for another failure.
#[async_trait]
pub trait DepartedPayers: fmt::Debug + Send + Sync + 'static {
    /// At most `limit` that are due; those first that are due for the longest time.
    ///
    /// # Errors
    /// [`TopUpError::Unavailable`].
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<DepartedPayer>, TopUpError>;

    /// Ends one: the card company has forgotten it.
    ///
    /// # Errors
    /// [`TopUpError::Unavailable`].
    async fn forget(&self, payer: &ExternalId) -> Result<(), TopUpError>;

    /// Counts a failure, and lets one wait.
    ///
    /// # Errors
    /// [`TopUpError::Unavailable`].
    async fn postpone(&self, payer: &ExternalId, until: Timestamp) -> Result<(), TopUpError>;
}

/// What a round of [`Cashier::forget_departed`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Payers whom the card company has forgotten.
    pub done: usize,
    /// Payers that are tried again later.
    pub failed: usize,
}

impl Cashier {
    /// Lets the card company forget at most `limit` payers whose accounts were erased.
    ///
    /// # Errors
    /// [`CashierError::TopUp`] when the list fails; a payer whom the card company does not forget is
    /// counted, and tried again after a while.
    pub async fn forget_departed(&self, limit: u32) -> Result<Forgotten, CashierError> {
        let departed = &self.parts.departed;
        let mut forgotten = Forgotten::default();
        for one in departed.due(self.parts.clock.now(), limit).await? {
            match self.parts.payer_processor.close_payer(&one.payer).await {
                Ok(()) => {
                    departed.forget(&one.payer).await?;
                    forgotten.done = forgotten.done.saturating_add(1);
                }
                Err(error) => {
                    tracing::warn!(failures = one.failures, %error, "a payer who has left is still at the card company");
                    departed.postpone(&one.payer, self.parts.clock.now().plus(one.pause())).await?;
                    forgotten.failed = forgotten.failed.saturating_add(1);
                }
            }
        }
        Ok(forgotten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_a_day() {
        let pause =
            |failures| DepartedPayer { payer: "cus_1".parse().unwrap(), failures }.pause().as_secs() / 60;
        assert_eq!(
            [0, 1, 2, 8, 9, 31, 32, u32::MAX].map(pause),
            [5, 10, 20, 1_280, 1_440, 1_440, 1_440, 1_440]
        );
    }
}
