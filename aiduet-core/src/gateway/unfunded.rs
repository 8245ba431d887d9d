//! Calls that were refused for lack of funds: remembered until their owners are told.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::GatewayError;
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::money::Money;

/// Accounts that are remembered at most, so that a flood of refused calls stays small.
const ACCOUNTS_MAX: usize = 10_000;

/// A call that was refused since the balance does not cover it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnfundedCall {
    /// Whose balance.
    pub account: AccountId,
    /// What the call would have needed.
    pub needed: Money,
    /// When it was refused.
    pub at: Timestamp,
}

/// The first refused call of each account since they were last taken. A refused call costs a look into
/// memory and no write.
#[derive(Debug, Default)]
pub(super) struct UnfundedCalls(Mutex<HashMap<AccountId, UnfundedCall>>);

impl UnfundedCalls {
    /// Remembers a call if it was refused for lack of funds, and is the first one of its account.
    pub(super) fn note(&self, account: AccountId, (error, at): (&GatewayError, Timestamp)) {
        let GatewayError::InsufficientBalance { needed, .. } = *error else { return };
        let mut calls = self.lock();
        let is_full = calls.len() >= ACCOUNTS_MAX;
        if let Entry::Vacant(place) = calls.entry(account)
            && !is_full
        {
            place.insert(UnfundedCall { account, needed, at });
        }
    }

    pub(super) fn take(&self) -> Vec<UnfundedCall> {
        std::mem::take(&mut *self.lock()).into_values().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, UnfundedCall>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_000);

    fn short(nanos: i64) -> GatewayError {
        GatewayError::InsufficientBalance { needed: Money::from_nanos(nanos), available: Money::ZERO }
    }

    fn account(number: u128) -> AccountId {
        AccountId::from_uuid(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn of_the_refused_calls_of_an_account_the_first_is_kept() {
        let calls = UnfundedCalls::default();
        calls.note(account(1), (&short(7), AT));
        calls.note(account(1), (&short(8), AT));
        calls.note(account(2), (&GatewayError::KeyExpired, AT));
        calls.note(account(3), (&GatewayError::BalanceHeld { retry_after: Duration::ZERO }, AT));
        let first = UnfundedCall { account: account(1), needed: Money::from_nanos(7), at: AT };
        assert_eq!(calls.take(), [first]);
        assert_eq!(calls.take(), []);
    }

    #[test]
    fn a_flood_stays_small() {
        let calls = UnfundedCalls::default();
        for number in 0..=u128::try_from(ACCOUNTS_MAX).unwrap() {
            calls.note(account(number), (&short(7), AT));
        }
        assert_eq!(calls.take().len(), ACCOUNTS_MAX);
    }
}
