//! Erases what is due.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::{
    BeginDeletion, Begun, Deletion, DeletionError, DeletionState, DeletionStore, ErasedPart, ErasureReceipt,
    Tombstone, TombstoneFile, UnusedCredit,
};
use crate::account::{Account, AccountError, AccountState, AccountStore};
use crate::class::{Classify, ErrorClass, Retry};
use crate::clock::{Clock, Timestamp};
use crate::id::{AccountId, Entropy, NoticeId};
use crate::ledger::{Ledger, LedgerError, Reserving};
use crate::money::Money;
use crate::notify::{DedupKey, Notice, NoticeKind, Outbox, OutboxError, Outgoing};
use crate::payment::{TopUp, TopUpError, TopUpPage, TopUpStore};

/// So long an erasure that is due waits for a payment that is under way, or a refund that is owed.
pub const WAIT_MAX: Duration = Duration::from_hours(14 * 24);
/// Less cannot be paid back: cards know whole cents.
const CENT: Money = Money::from_nanos(10_000_000);
/// So long a purchase without a page may still be charged to a card.
const CHARGE_MAX: Duration = Duration::from_hours(24);
/// Purchases that are looked at together.
const PAGE: u32 = 100;

/// What an [`Erasure`] works with.
#[derive(Clone, Debug)]
pub struct ErasureParts {
    /// Deletions, and what erases.
    pub deletions: Arc<dyn DeletionStore>,
    /// Accounts.
    pub accounts: Arc<dyn AccountStore>,
    /// Money.
    pub ledger: Arc<dyn Ledger>,
    /// Purchases.
    pub top_ups: Arc<dyn TopUpStore>,
    /// The last message to the person.
    pub outbox: Arc<dyn Outbox>,
    /// Where tombstones go besides the database.
    pub tombstones: Option<TombstoneFile>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// Erases accounts whose deletion is due, step by step: what a crash interrupts goes on where it was.
#[derive(Clone, Debug)]
pub struct Erasure {
    parts: ErasureParts,
}

/// How far an erasure is after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErasureProgress {
    /// It has not begun: it is not due, or was cancelled.
    NotDue,
    /// It is due, and has to wait.
    Waits(Obstacle),
    /// There is more to erase.
    More,
    /// It is done.
    Done(ErasureReceipt),
}

/// Why an erasure that is due has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A request runs that will be charged.
    RunningRequest,
    /// A purchase is under way; at most for [`WAIT_MAX`].
    OpenPayment,
    /// The person wants paid credit back; at most for [`WAIT_MAX`].
    RefundOwed,
}

impl Obstacle {
    /// The code in what commands print.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RunningRequest => "running_request",
            Self::OpenPayment => "open_payment",
            Self::RefundOwed => "refund_owed",
        }
    }
}

/// Why nothing, or not everything, was erased.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErasureError {
    /// The store of deletions failed.
    #[error(transparent)]
    Deletions(#[from] DeletionError),
    /// The store of accounts failed.
    #[error(transparent)]
    Accounts(#[from] AccountError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The store of purchases failed.
    #[error(transparent)]
    TopUps(#[from] TopUpError),
    /// The outbox failed.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The tombstone could not be written, so nothing was erased.
    #[error("the file of tombstones cannot be written")]
    Tombstone(#[source] std::io::Error),
}

impl Classify for ErasureError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Deletions(error) => error.class(),
            Self::Accounts(error) => error.class(),
            Self::Ledger(error) => error.class(),
            Self::TopUps(error) => error.class(),
            Self::Outbox(error) => error.class(),
            Self::Tombstone(_) => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Deletions(error) => error.retry(),
            Self::Accounts(error) => error.retry(),
            Self::Ledger(error) => error.retry(),
            Self::TopUps(error) => error.retry(),
            Self::Outbox(error) => error.retry(),
            Self::Tombstone(_) => Retry::Safe,
        }
    }
}

impl Erasure {
    /// An erasure with these parts.
    pub const fn new(parts: ErasureParts) -> Self {
        Self { parts }
    }

    /// Its parts.
    pub const fn parts(&self) -> &ErasureParts {
        &self.parts
    }

    /// Does the next step of a deletion.
    ///
    /// # Errors
    /// [`ErasureError`]; the next call goes on.
    pub async fn advance(
        &self,
        deletion: &Deletion,
        now: Timestamp,
    ) -> Result<ErasureProgress, ErasureError> {
        // As it is now: it may be cancelled, begun or done.
        let kept = self.parts.deletions.find(deletion.account).await?;
        let Some(deletion) = kept.filter(|kept| kept.id == deletion.id) else {
            return Ok(ErasureProgress::NotDue);
        };
        if deletion.state == DeletionState::Waiting {
            if now < deletion.erase_at {
                return Ok(ErasureProgress::NotDue);
            }
            if let Some(obstacle) = self.obstacle(&deletion, now).await? {
                return Ok(ErasureProgress::Waits(obstacle));
            }
        }
        let Some(begun) = self.begin(&deletion, now).await? else {
            return Ok(ErasureProgress::Waits(Obstacle::RunningRequest));
        };
        let erased = self.parts.deletions.erased(deletion.id).await?;
        let done = |table: &&str| erased.iter().any(|known| known.table == **table);
        // A table whose last part is not erased is not in the list.
        let Some(table) = self.parts.deletions.tables().into_iter().find(|table| !done(table)) else {
            return self.finish(&begun).await;
        };
        if table == ACCOUNTS {
            self.say_farewell(&begun.deletion).await?;
        }
        let _part: ErasedPart = self.parts.deletions.erase(&begun.deletion, table).await?;
        Ok(ErasureProgress::More)
    }

    /// Does all steps of a deletion, as far as nothing is in the way.
    ///
    /// # Errors
    /// [`ErasureError`]; the next call goes on.
    pub async fn run(&self, deletion: &Deletion) -> Result<ErasureProgress, ErasureError> {
        loop {
            match self.advance(deletion, self.parts.clock.now()).await? {
                ErasureProgress::More => {}
                other => return Ok(other),
            }
        }
    }

    /// What a deletion that is due has to wait for, apart from requests that run.
    ///
    /// # Errors
    /// [`ErasureError::TopUps`], [`ErasureError::Ledger`].
    pub async fn obstacle(
        &self,
        deletion: &Deletion,
        now: Timestamp,
    ) -> Result<Option<Obstacle>, ErasureError> {
        if now >= deletion.erase_at.plus(WAIT_MAX) {
            return Ok(None);
        }
        if self.any_top_up(deletion.account, |top_up| is_under_way(top_up, now)).await? {
            return Ok(Some(Obstacle::OpenPayment));
        }
        let paid = self.parts.ledger.balance(deletion.account).await?.paid;
        let is_owed = deletion.unused_credit == UnusedCredit::Refund && paid >= CENT;
        Ok(is_owed.then_some(Obstacle::RefundOwed))
    }

    /// The accounts that a restored database has brought back, by the tombstones of the erased.
    ///
    /// # Errors
    /// [`ErasureError::Accounts`].
    pub async fn raised(&self, tombstones: &[Tombstone]) -> Result<Vec<AccountId>, ErasureError> {
        let keys: HashSet<[u8; 32]> = tombstones.iter().map(|tombstone| tombstone.key).collect();
        let known: HashSet<&Tombstone> = tombstones.iter().collect();
        let mut raised = Vec::new();
        let mut before = None;
        loop {
            let page = self.parts.accounts.list(before, PAGE).await?;
            let Some(last) = page.last() else { return Ok(raised) };
            before = Some(last.id);
            let is_known = |id: AccountId| keys.iter().any(|key| known.contains(&Tombstone::of(id, *key)));
            raised.extend(page.iter().map(|account| account.id).filter(|id| is_known(*id)));
        }
    }

    async fn any_top_up(
        &self,
        account: AccountId,
        is_meant: impl Fn(&TopUp) -> bool + Send,
    ) -> Result<bool, TopUpError> {
        let mut before = None;
        loop {
            let page = self.parts.top_ups.list(TopUpPage { account, before, limit: PAGE }).await?;
            if page.iter().any(&is_meant) {
                return Ok(true);
            }
            match page.last() {
                Some(last) => before = Some(last.id),
                None => return Ok(false),
            }
        }
    }

    /// Nothing can be cancelled, spent or signed in to from here on.
    async fn begin(&self, deletion: &Deletion, now: Timestamp) -> Result<Option<Begun>, ErasureError> {
        let account = deletion.account;
        if deletion.state == DeletionState::Waiting {
            self.parts.ledger.set_reserving(account, Reserving::Frozen).await?;
        }
        let request = BeginDeletion {
            id: deletion.id,
            tombstone: Tombstone::of(account, self.key().await?),
            paid_left: self.parts.ledger.balance(account).await?.paid,
            now,
        };
        let Some(begun) = self.parts.deletions.begin(request).await? else { return Ok(None) };
        if let Some(file) = &self.parts.tombstones {
            file.add(&begun.tombstone).map_err(ErasureError::Tombstone)?;
        }
        self.close_account(account, now).await?;
        Ok(Some(begun))
    }

    /// The key of the tombstones so far, or a new one.
    async fn key(&self) -> Result<[u8; 32], DeletionError> {
        let known = self.parts.deletions.tombstones(1).await?;
        Ok(known
            .first()
            .map_or_else(|| Tombstone::new_key(self.parts.entropy.as_ref()), |tombstone| tombstone.key))
    }

    async fn close_account(&self, id: AccountId, at: Timestamp) -> Result<(), AccountError> {
        while let Some(account) = self.parts.accounts.find(id).await? {
            if let AccountState::Closed { .. } = account.state {
                break;
            }
            let closed = Account { state: AccountState::Closed { at }, ..Account::clone(&account) };
            match self.parts.accounts.update(&account, closed).await {
                Err(AccountError::Changed { .. }) => {}
                Err(AccountError::NotFound { .. }) | Ok(()) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The last message, which names no account. It goes when it has left, like every message.
    async fn say_farewell(&self, deletion: &Deletion) -> Result<(), ErasureError> {
        let Some(account) = self.parts.accounts.find(deletion.account).await? else { return Ok(()) };
        let receipt = deletion.id.to_string();
        let at = self.parts.clock.now();
        let message = Outgoing {
            id: NoticeId::generate(self.parts.clock.as_ref(), self.parts.entropy.as_ref()),
            account: None,
            to: account.email.clone(),
            locale: account.locale,
            dedup: DedupKey::of(NoticeKind::DeletionDone, &[&receipt]),
            notice: Notice::DeletionDone { at, receipt },
            at,
        };
        self.parts.outbox.put(message).await?;
        Ok(())
    }

    /// Looks once more: what came to a table after it was erased is erased as well.
    async fn finish(&self, begun: &Begun) -> Result<ErasureProgress, ErasureError> {
        let Begun { deletion, tombstone: _, paid_left, payer } = begun;
        let left = self.parts.deletions.plan(deletion.account).await?;
        for table in self.parts.deletions.tables() {
            if left.iter().any(|rows| rows.table == table) {
                while self.parts.deletions.erase(deletion, table).await? == ErasedPart::Some {}
            }
        }
        let receipt = ErasureReceipt {
            id: deletion.id,
            asked_at: deletion.asked_at,
            erased_at: self.parts.clock.now(),
            tables: self.parts.deletions.erased(deletion.id).await?,
            unused_credit: deletion.unused_credit,
            paid_left: *paid_left,
            payer: payer.as_ref().map(ToString::to_string),
        };
        self.parts.deletions.finish(receipt.clone()).await?;
        tracing::info!(target: "aiduet::security", receipt = %receipt.id, digest = receipt.digest(), "an account was erased");
        Ok(ErasureProgress::Done(receipt))
    }
}

/// The table of the accounts themselves.
const ACCOUNTS: &str = "accounts";

/// Whether money may still come of it: it has a page, or is so young that a card may be charged.
fn is_under_way(top_up: &TopUp, now: Timestamp) -> bool {
    let is_young = now.since(top_up.created_at) < CHARGE_MAX;
    top_up.state.is_pending() && (top_up.checkout.is_some() || is_young)
}
