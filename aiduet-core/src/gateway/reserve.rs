//! Asking for funds when nobody knows whether they were given: a connection that breaks between the
//! commit and its answer must cost neither the client a call nor the account a second hold.

use std::time::Duration;

use tokio::time::Instant;

use crate::class::{Classify, ErrorClass};
use crate::ledger::{Hold, Ledger, LedgerError, ReserveRequest};

/// First pause before the same hold is asked for again.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
/// Longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// After this time a failure is no broken connection but a ledger that nobody reaches, and whoever waits
/// for the first byte has waited enough.
const BRIEF: Duration = Duration::from_secs(5);

/// Why nobody knows of a hold that is asked for again.
const BUSY: &str = "the ledger was busy when it was asked again";

/// Why a hold that is asked for again cannot be given.
const RESOLVED: &str = "the hold was resolved before its answer came";

/// How long the answer of the ledger may be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Insistence {
    /// A client waits for the first byte: asked once more, and only where the outcome is unknown.
    Brief,
    /// A stream runs meanwhile on what it holds: asked eight times, also when the ledger is busy.
    Long,
}

impl Insistence {
    const fn tries(self) -> u32 {
        match self {
            Self::Brief => 2,
            Self::Long => 8,
        }
    }

    fn asks_again(self, error: &LedgerError, waited: Duration) -> bool {
        match self {
            Self::Brief => matches!(error, LedgerError::Unavailable { .. }) && waited < BRIEF,
            Self::Long => error.class() == ErrorClass::Unavailable,
        }
    }
}

/// Reserves. The same hold is asked for again while its fate is unknown: the identifier makes it
/// one hold, however often it is asked for.
///
/// # Errors
/// Those of [`Ledger::reserve`]. [`LedgerError::Unavailable`] leaves it open whether there is a hold;
/// so it is also said of one that was made and resolved by somebody else before its answer came.
pub(super) async fn reserve(
    ledger: &dyn Ledger,
    request: &ReserveRequest,
    insistence: Insistence,
) -> Result<Hold, LedgerError> {
    let begun = Instant::now();
    let mut pause = PAUSE_FIRST;
    let mut tries = 1_u32;
    let mut in_doubt = false;
    loop {
        let result = ledger.reserve(request.clone()).await;
        in_doubt |= matches!(result, Err(LedgerError::Unavailable { .. }));
        match result {
            Err(error) if tries < insistence.tries() && insistence.asks_again(&error, begun.elapsed()) => {
                tracing::debug!(hold = %request.id, tries, %error, "a hold is asked for again");
            }
            Err(LedgerError::Conflict) if tries > 1 => {
                return Err(LedgerError::Unavailable { source: RESOLVED.into() });
            }
            // Nobody looked whether it was made before.
            Err(LedgerError::Overloaded { .. }) if in_doubt => {
                return Err(LedgerError::Unavailable { source: BUSY.into() });
            }
            result => return result,
        }
        tries = tries.saturating_add(1);
        tokio::time::sleep(pause).await;
        pause = pause.saturating_mul(2).min(PAUSE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_the_first_byte_does_not_wait_twice_for_a_ledger_that_nobody_reaches() {
        let lost = LedgerError::Unavailable { source: "reset".into() };
        let soon = Duration::from_millis(3);
        assert!(Insistence::Brief.asks_again(&lost, soon));
        assert!(!Insistence::Brief.asks_again(&lost, BRIEF));
        assert!(!Insistence::Brief.asks_again(&LedgerError::Frozen, soon));
        assert!(Insistence::Long.asks_again(&lost, BRIEF));
        assert!(!Insistence::Long.asks_again(&LedgerError::Frozen, soon));
    }

    #[cfg(feature = "testing")]
    mod in_doubt {
        use std::collections::VecDeque;
        use std::sync::Mutex;

        use async_trait::async_trait;

        use super::super::*;
        use crate::id::{AccountId, HoldId};
        use crate::ledger::{Balance, Entry, Reserving, SettleRequest, Settlement, VoidRequest};
        use crate::money::Money;
        use crate::testing::{Factory, cents};

        const UNASKED: LedgerError = LedgerError::Broken("not asked for");

        /// Refuses reserves in this order, and nothing else is asked of it.
        #[derive(Debug)]
        struct Refusing(Mutex<VecDeque<LedgerError>>);

        #[async_trait]
        impl Ledger for Refusing {
            async fn reserve(&self, _request: ReserveRequest) -> Result<Hold, LedgerError> {
                Err(self.0.lock().unwrap().pop_front().unwrap_or(UNASKED))
            }

            async fn settle(&self, _request: SettleRequest) -> Result<Settlement, LedgerError> {
                Err(UNASKED)
            }

            async fn void(&self, _request: VoidRequest) -> Result<Settlement, LedgerError> {
                Err(UNASKED)
            }

            async fn progress(&self, _hold: HoldId, _used: Money) -> Result<(), LedgerError> {
                Err(UNASKED)
            }

            async fn post(&self, _entries: Vec<Entry>) -> Result<(), LedgerError> {
                Err(UNASKED)
            }

            async fn balance(&self, _account: AccountId) -> Result<Balance, LedgerError> {
                Err(UNASKED)
            }

            async fn set_reserving(
                &self,
                _account: AccountId,
                _reserving: Reserving,
            ) -> Result<(), LedgerError> {
                Err(UNASKED)
            }
        }

        async fn refusal(answers: impl IntoIterator<Item = LedgerError>) -> LedgerError {
            let ledger = Refusing(Mutex::new(answers.into_iter().collect()));
            let factory = Factory::new(1);
            let request = factory.reserve(factory.account_id(), cents(1));
            reserve(&ledger, &request, Insistence::Brief).await.unwrap_err()
        }

        fn lost() -> LedgerError {
            LedgerError::Unavailable { source: "reset".into() }
        }

        const fn busy() -> LedgerError {
            LedgerError::Overloaded { retry_after: Duration::from_secs(1) }
        }

        /// It may have been made, so it has to be released.
        #[tokio::test(start_paused = true)]
        async fn a_hold_that_may_exist_is_not_called_refused_because_the_ledger_was_busy_later() {
            assert!(matches!(refusal([lost(), busy()]).await, LedgerError::Unavailable { .. }));
            assert!(matches!(refusal([busy()]).await, LedgerError::Overloaded { .. }));
            // Who looked has seen that there is none.
            assert!(matches!(refusal([lost(), LedgerError::Frozen]).await, LedgerError::Frozen));
        }
    }
}
