//! Payments that were refused: who has too many of them begins no other one for a while.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::{Cashier, CashierError, PaymentError, PaymentEvent, TopUpError, TopUpPage, TopUpState};
use crate::clock::Timestamp;
use crate::id::{AccountId, TopUpId};
use crate::ledger::ExternalId;

/// How far back refused payments count.
pub const DECLINES_COUNT: Duration = Duration::from_hours(1);

/// A payment that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decline {
    /// The message that told of it: a page may be tried with many cards, and each refusal has one.
    pub id: ExternalId,
    /// Who wanted to pay.
    pub account: AccountId,
    /// When.
    pub at: Timestamp,
}

/// Keeps refused payments for as long as they count.
///
/// # Contract
/// - Each method is one atomic operation.
/// - The same refusal again has no effect, however often it is told.
#[async_trait]
pub trait DeclineStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps a refusal.
    ///
    /// # Errors
    /// [`TopUpError::Unavailable`].
    async fn note(&self, decline: Decline) -> Result<(), TopUpError>;

    /// The moments of refusals, newest first.
    ///
    /// # Errors
    /// [`TopUpError::Unavailable`].
    async fn moments(&self, request: CountDeclines) -> Result<Vec<Timestamp>, TopUpError>;

    /// Deletes at most `limit` that are older than `before`; returns how many it deleted.
    ///
    /// # Errors
    /// [`TopUpError::Unavailable`].
    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, TopUpError>;
}

/// Closes pages on which nobody is to pay any more.
///
/// # Contract
/// As [`PaymentProcessor`](super::PaymentProcessor): a repeat has no second effect.
#[async_trait]
pub trait CheckoutCloser: fmt::Debug + Send + Sync + 'static {
    /// Closes a page.
    ///
    /// # Errors
    /// [`PaymentError`]; [`PaymentError::Declined`] or [`PaymentError::NotFound`] for one that is not
    /// open.
    async fn close_checkout(&self, checkout: &ExternalId) -> Result<(), PaymentError>;
}

/// Which refusals [`DeclineStore::moments`] returns.
#[derive(Clone, Copy, Debug)]
pub struct CountDeclines {
    /// Whose.
    pub account: AccountId,
    /// Those after this moment.
    pub after: Timestamp,
    /// At most so many.
    pub limit: u32,
}

impl Cashier {
    /// Whether an account may go on to the card company after what was refused.
    ///
    /// # Errors
    /// [`CashierError::TooManyDeclines`], or what the store says.
    pub(super) async fn check_declines(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<(), CashierError> {
        let rules = self.rules();
        let limit = u32::try_from(rules.declines_max).unwrap_or(u32::MAX);
        let count = CountDeclines { account, after: now.minus(DECLINES_COUNT), limit };
        rules.check_declines(&self.parts.declines.moments(count).await?, now)
    }

    /// Keeps that a payment of a purchase was refused, as long as that counts. After the last one that
    /// may be, no page of the account stays open: each could be tried with any number of cards.
    pub(super) async fn note_decline(&self, id: TopUpId, event: &PaymentEvent) -> Result<(), CashierError> {
        let now = self.parts.clock.now();
        // A message may be repeated for days.
        if now.since(event.at) >= DECLINES_COUNT {
            return Ok(());
        }
        let Some(top_up) = self.parts.top_ups.find(id).await? else { return Ok(()) };
        let decline = Decline { id: event.id.clone(), account: top_up.account, at: event.at.min(now) };
        self.parts.declines.note(decline).await?;
        match self.check_declines(top_up.account, now).await {
            Err(CashierError::TooManyDeclines { .. }) => self.close_pages(top_up.account).await,
            result => result,
        }
    }

    async fn close_pages(&self, account: AccountId) -> Result<(), CashierError> {
        let limit = u32::try_from(self.rules().daily_max).unwrap_or(u32::MAX);
        for top_up in self.parts.top_ups.list(TopUpPage { account, before: None, limit }).await? {
            let (TopUpState::Open, Some(page)) = (&top_up.state, &top_up.checkout) else { continue };
            match self.parts.closer.close_checkout(&page.external).await {
                // It was paid or closed meanwhile; whoever asks about it next learns that.
                Ok(()) | Err(PaymentError::Declined | PaymentError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
