//! A person who wants the account to be deleted, and one who has changed the mind.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Account, AccountState, Reception, ReceptionError, SignedIn, Visit};
use crate::auth::{EndSessions, SecurityEventKind, TicketPurpose, Which};
use crate::id::{AccountId, DeletionId};
use crate::keys::stop_keys;
use crate::ledger::{Ledger, Reserving};
use crate::notify::Notice;
use crate::payment::{DisputeStage, RechargeChange, RechargeStore, TopUpPage, TopUpStore};
use crate::privacy::{Deletion, DeletionState, DeletionStore, UnusedCredit};

/// Purchases that are looked at together.
const PAGE: u32 = 100;

/// What the reception needs when people leave.
#[derive(Clone)]
pub struct DepartureParts {
    /// Deletions.
    pub deletions: Arc<dyn DeletionStore>,
    /// Money.
    pub ledger: Arc<dyn Ledger>,
    /// Purchases, of which some may be disputed.
    pub top_ups: Arc<dyn TopUpStore>,
    /// Automatic purchases.
    pub recharges: Arc<dyn RechargeStore>,
    /// How long a person may change the mind.
    pub window: Duration,
}

impl fmt::Debug for DepartureParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DepartureParts").field("window", &self.window).finish_non_exhaustive()
    }
}

impl Reception {
    /// Stops everything that an account does, and has it deleted when the time to change the mind is over.
    /// Keys stop, sessions end, and a link that takes it back goes to the address. Asked again, it
    /// does what is not done yet.
    ///
    /// # Errors
    /// What a store says.
    pub async fn ask_deletion(
        &self,
        person: &SignedIn,
        unused_credit: UnusedCredit,
        visit: &Visit,
    ) -> Result<Deletion, ReceptionError> {
        let departure = &self.parts.departure;
        let now = self.now();
        let account = &person.account;
        let asked = Deletion {
            id: DeletionId::generate(self.parts.clock.as_ref(), self.parts.entropy.as_ref()),
            account: account.id,
            unused_credit,
            frozen_at: account.state.frozen_at(),
            asked_at: now,
            erase_at: now.plus(departure.window),
            state: DeletionState::Waiting,
        };
        let deletion = departure.deletions.ask(asked).await?;
        departure.ledger.set_reserving(account.id, Reserving::Frozen).await?;
        departure.recharges.change(account.id, RechargeChange::SwitchOff).await?;
        stop_keys(self.parts.keys.as_ref(), account.id, now).await?;
        let at = deletion.asked_at;
        let leaving = self
            .change(account.id, |account| match account.state {
                AccountState::Active | AccountState::Frozen { .. } => {
                    Account { state: AccountState::Deleting { at }, ..account.clone() }
                }
                AccountState::Deleting { .. } | AccountState::Closed { .. } => account.clone(),
            })
            .await?;
        self.parts.sessions.end(EndSessions { account: account.id, which: Which::All }).await?;
        self.record(account.id, SecurityEventKind::DeletionAsked, visit).await?;
        self.tell_deletion(&leaving, &deletion).await?;
        Ok(deletion)
    }

    /// The deletion of a person's account, if there is one.
    ///
    /// # Errors
    /// What a store says.
    pub async fn deletion(&self, person: &SignedIn) -> Result<Option<Deletion>, ReceptionError> {
        Ok(self.parts.departure.deletions.find(person.account.id).await?)
    }

    /// Keeps the account of a person who is signed in. Its keys stay off. `false` when there is nothing
    /// to take back.
    ///
    /// # Errors
    /// What a store says.
    pub async fn cancel_deletion(&self, person: &SignedIn, visit: &Visit) -> Result<bool, ReceptionError> {
        self.keep_account(person.account.id, visit).await
    }

    /// Keeps an account, with the token of the mail.
    ///
    /// # Errors
    /// [`ReceptionError::InvalidTicket`], also when the erasure has begun;
    /// [`ReceptionError::Throttled`], or what a store says.
    pub async fn cancel_deletion_by_link(&self, token: &str, visit: &Visit) -> Result<(), ReceptionError> {
        let ticket = self.redeem(token, TicketPurpose::CancelDeletion, visit).await?;
        let kept = self.keep_account(ticket.account, visit).await?;
        if kept { Ok(()) } else { Err(ReceptionError::InvalidTicket) }
    }

    /// Also after a crash that left the account marked and its deletion cancelled.
    async fn keep_account(&self, id: AccountId, visit: &Visit) -> Result<bool, ReceptionError> {
        let departure = &self.parts.departure;
        let deletion = departure.deletions.find(id).await?;
        if deletion.is_some() && !departure.deletions.cancel(id).await? {
            return Ok(false);
        }
        let Some(account) = self.parts.accounts.find(id).await? else { return Ok(false) };
        if !matches!(account.state, AccountState::Deleting { .. }) {
            return Ok(false);
        }
        let frozen_at = deletion.and_then(|deletion| deletion.frozen_at);
        let state = frozen_at.map_or(AccountState::Active, |at| AccountState::Frozen { at });
        let kept = self
            .change(id, |account| match account.state {
                AccountState::Deleting { .. } => Account { state, ..account.clone() },
                AccountState::Active | AccountState::Frozen { .. } | AccountState::Closed { .. } => {
                    account.clone()
                }
            })
            .await?;
        // A dispute stops spending by itself, and allows it again when it is won.
        if frozen_at.is_none() && !self.is_disputed(id).await? {
            departure.ledger.set_reserving(id, Reserving::Allowed).await?;
        }
        self.parts.tickets.revoke(id, Some(TicketPurpose::CancelDeletion)).await?;
        self.record(id, SecurityEventKind::DeletionCancelled, visit).await?;
        let now = self.now();
        let cause = [id.to_string(), now.to_string()];
        let notice = Notice::DeletionCancelled { at: now };
        self.tell(&kept, notice, &cause.each_ref().map(String::as_str)).await?;
        Ok(true)
    }

    async fn is_disputed(&self, account: AccountId) -> Result<bool, ReceptionError> {
        let mut before = None;
        loop {
            let page = self.parts.departure.top_ups.list(TopUpPage { account, before, limit: PAGE }).await?;
            if page.iter().any(|top_up| top_up.dispute.is_some_and(DisputeStage::stops_spending)) {
                return Ok(true);
            }
            match page.last() {
                Some(last) => before = Some(last.id),
                None => return Ok(false),
            }
        }
    }

    /// One mail for each deletion; its link works until the erasure begins.
    async fn tell_deletion(&self, account: &Account, deletion: &Deletion) -> Result<(), ReceptionError> {
        let (token, _expires_at) =
            self.issue(account.id, TicketPurpose::CancelDeletion, account.email.clone()).await?;
        let token = token.to_link().ok_or(ReceptionError::InvalidTicket)?;
        let notice = Notice::DeletionStarted { token, erase_at: deletion.erase_at };
        self.tell(account, notice, &[&deletion.id.to_string()]).await
    }
}
