//! Telling people that their calls are refused for lack of funds.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{AlertError, AlertState, AlertStore};
use crate::class::{Classify, ErrorClass, Retry};
use crate::clock::Timestamp;
use crate::gateway::UnfundedCall;
use crate::id::AccountId;
use crate::ledger::{Balance, Ledger, LedgerError};
use crate::notify::{LetterError, Letters, Notice, NoticeFilter, NoticeKind, NoticeRecord};

/// An account is told at most once in this time.
const SILENCE: Duration = Duration::from_hours(24);
/// Who was told that the balance is low may act on that first.
const HEAD_START: Duration = Duration::from_mins(10);
/// Accounts that are remembered at most.
const ACCOUNTS_MAX: usize = 20_000;

/// Tells people that their calls are refused for lack of funds: at most once in 24 hours and account,
/// whatever number of nodes refuse them.
///
/// The cause of a letter is the letter before it, so of several nodes that write at the same time one
/// does. What a node remembers only saves it questions: it may be lost at any time.
#[derive(Debug)]
pub struct UnfundedTeller {
    /// The balances.
    ledger: Arc<dyn Ledger>,
    /// Who wants to be told that the balance is low.
    alerts: Arc<dyn AlertStore>,
    /// Who writes.
    letters: Letters,
    known: Mutex<HashMap<AccountId, Known>>,
}

/// What a node remembers of an account whose calls were refused.
#[derive(Clone, Copy, Debug)]
enum Known {
    /// Its owner is to be told.
    Waiting(UnfundedCall),
    /// There is nothing to tell before then.
    Silent(Timestamp),
}

/// What comes of a refused call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    /// There is nothing to tell: its owner is gone or does not want it, or there are funds again.
    Nothing,
    /// It is looked at again at the next step.
    Later,
    /// There is nothing to tell before then.
    Silent(Timestamp),
}

/// Failure to tell people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnfundedError {
    /// What the ledger said.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What the store of alerts said.
    #[error(transparent)]
    Alert(#[from] AlertError),
    /// Why nothing could be written.
    #[error(transparent)]
    Letter(#[from] LetterError),
}

impl Classify for UnfundedError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Ledger(error) => error.class(),
            Self::Alert(error) => error.class(),
            Self::Letter(error) => error.class(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Ledger(error) => error.retry(),
            Self::Alert(error) => error.retry(),
            Self::Letter(error) => error.retry(),
        }
    }
}

impl UnfundedTeller {
    /// Tells nobody yet.
    pub fn new(ledger: Arc<dyn Ledger>, alerts: Arc<dyn AlertStore>, letters: Letters) -> Self {
        Self { ledger, alerts, letters, known: Mutex::default() }
    }

    /// Tells the owners of these accounts, and of those that had to wait, what there is to tell.
    ///
    /// # Errors
    /// [`UnfundedError`]: whoever was not told is told at the next step.
    pub async fn tell(&self, calls: Vec<UnfundedCall>, now: Timestamp) -> Result<(), UnfundedError> {
        for call in self.waiting(calls, now) {
            let decision = self.decide(&call, now).await?;
            self.remember(call.account, decision);
        }
        Ok(())
    }

    /// Adds what is new, forgets what is over, and returns what is to be looked at.
    fn waiting(&self, calls: Vec<UnfundedCall>, now: Timestamp) -> Vec<UnfundedCall> {
        let mut known = self.lock();
        known.retain(|_account, known| !matches!(known, Known::Silent(until) if *until <= now));
        for call in calls {
            let is_full = known.len() >= ACCOUNTS_MAX;
            if let Entry::Vacant(place) = known.entry(call.account)
                && !is_full
            {
                place.insert(Known::Waiting(call));
            }
        }
        let waiting = known.values().filter_map(|known| match known {
            Known::Waiting(call) => Some(*call),
            Known::Silent(_) => None,
        });
        waiting.collect()
    }

    fn remember(&self, account: AccountId, decision: Decision) {
        let mut known = self.lock();
        match decision {
            Decision::Nothing => drop(known.remove(&account)),
            Decision::Later => {}
            Decision::Silent(until) => drop(known.insert(account, Known::Silent(until))),
        }
    }

    async fn decide(&self, call: &UnfundedCall, now: Timestamp) -> Result<Decision, UnfundedError> {
        let account = call.account;
        let owner = self.letters.owner(account).await?;
        if !owner.is_some_and(|owner| owner.choices.wants(NoticeKind::BalanceEmpty)) {
            return Ok(Decision::Nothing);
        }
        let balance = self.ledger.balance(account).await?;
        if balance.available >= call.needed {
            return Ok(Decision::Nothing);
        }
        let before = self.last(account, NoticeKind::BalanceEmpty).await?;
        if let Some(until) = before.map(|before| before.at.plus(SILENCE)).filter(|until| *until > now) {
            return Ok(Decision::Silent(until));
        }
        let low = self.last(account, NoticeKind::LowBalance).await?;
        if low.is_some_and(|low| low.at.plus(HEAD_START) > now) {
            return Ok(Decision::Later);
        }
        let notice = Notice::BalanceEmpty { available: balance.available, needed: call.needed, at: call.at };
        let before = before.map(|before| before.id.to_string()).unwrap_or_default();
        self.letters.send(account, notice, &[&account.to_string(), &before]).await?;
        self.note_fall(account, &balance).await?;
        Ok(Decision::Silent(now.plus(SILENCE)))
    }

    /// A fall of the balance that has just been told as the lack of it is not told once more.
    async fn note_fall(&self, account: AccountId, balance: &Balance) -> Result<(), UnfundedError> {
        if let Some(alert) = self.alerts.find(account).await?
            && let Some(told @ AlertState::Told { .. }) = alert.next(balance)
        {
            // When another node was faster, it is noted.
            let _is_ours = self.alerts.advance(&alert, told).await?;
        }
        Ok(())
    }

    /// The last letter of a kind.
    async fn last(
        &self,
        account: AccountId,
        kind: NoticeKind,
    ) -> Result<Option<NoticeRecord>, UnfundedError> {
        let filter = NoticeFilter { account: Some(account), kind: Some(kind), before: None, limit: 1 };
        let found = self.letters.outbox.list(filter).await.map_err(LetterError::from)?;
        Ok(found.into_iter().next())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
