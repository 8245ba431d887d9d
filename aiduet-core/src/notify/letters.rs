//! Messages to the owners of accounts.

use std::sync::Arc;

use super::{DedupKey, Notice, Outbox, OutboxError, Outgoing};
use crate::account::{Account, AccountError, AccountState, AccountStore};
use crate::class::{Classify, ErrorClass, Retry};
use crate::clock::Clock;
use crate::id::{AccountId, Entropy, NoticeId};

/// Writes to the owners of accounts, in their language, once per cause.
#[derive(Clone, Debug)]
pub struct Letters {
    /// Who they are.
    pub accounts: Arc<dyn AccountStore>,
    /// Where messages wait.
    pub outbox: Arc<dyn Outbox>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for identifiers.
    pub entropy: Arc<dyn Entropy>,
}

/// Failure to write to the owner of an account.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LetterError {
    /// What the store of accounts said.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// What the outbox said.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

impl Classify for LetterError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Account(error) => error.class(),
            Self::Outbox(error) => error.class(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Account(error) => error.retry(),
            Self::Outbox(error) => error.retry(),
        }
    }
}

impl Letters {
    /// The owner of an account, unless it is gone.
    ///
    /// # Errors
    /// [`LetterError::Account`].
    pub async fn owner(&self, account: AccountId) -> Result<Option<Arc<Account>>, LetterError> {
        let found = self.accounts.find(account).await?;
        Ok(found.filter(|owner| !matches!(owner.state, AccountState::Closed { .. })))
    }

    /// Puts a message in the outbox, unless its cause was told before, the account is gone or does not
    /// want it.
    ///
    /// # Errors
    /// [`LetterError`]; a repeat is safe.
    pub async fn send(&self, account: AccountId, notice: Notice, cause: &[&str]) -> Result<(), LetterError> {
        let Some(owner) = self.owner(account).await? else { return Ok(()) };
        if !owner.choices.wants(notice.kind()) {
            return Ok(());
        }
        let message = Outgoing {
            id: NoticeId::generate(self.clock.as_ref(), self.entropy.as_ref()),
            account: Some(account),
            to: owner.email.clone(),
            locale: owner.locale,
            dedup: DedupKey::of(notice.kind(), cause),
            notice,
            at: self.clock.now(),
        };
        self.outbox.put(message).await?;
        Ok(())
    }
}
