//! The end of an account that two operators decide, for example for somebody who cannot sign in.

use super::decide::Consent;
use super::{Act, Approval, Matter, Office, OfficeError, OfficeParts};
use crate::account::{Account, AccountState};
use crate::audit::AuditAction;
use crate::auth::{EndSessions, Which};
use crate::id::{AccountId, DeletionId, derive};
use crate::keys::stop_keys;
use crate::ledger::Reserving;
use crate::payment::RechargeChange;
use crate::privacy::{Deletion, DeletionState, UnusedCredit};

/// An account that an operator wants to be erased.
#[derive(Clone, Debug)]
pub struct EraseWish {
    /// Which.
    pub account: AccountId,
    /// A name of the wish, chosen by who asks: the same name asks once only.
    pub name: String,
    /// Who must agree.
    pub consent: Consent,
}

/// What came of a wish.
#[derive(Clone, Debug)]
pub enum Erased {
    /// The account is stopped, and its deletion is due.
    Ordered(Deletion),
    /// A second operator must agree.
    Asked(Box<Approval>),
}

impl Office {
    /// Asks a second operator to have an account erased. Nothing happens to it before that.
    ///
    /// # Errors
    /// [`OfficeError::ReasonRequired`], [`OfficeError::NotFound`], [`OfficeError::OwnAccount`],
    /// [`OfficeError::Closed`] when it is being erased; [`OfficeError::Approval`] with a conflict when
    /// the name stands for another wish; or what a store says.
    pub async fn erase(&self, act: &Act, wish: EraseWish) -> Result<Erased, OfficeError> {
        act.with_reason()?;
        let EraseWish { account, name, consent } = wish;
        self.check_erasure(act, account).await?;
        match consent {
            Consent::Usual => {
                let name = derive(account.as_uuid(), &format!("erase:{name}"));
                let asked = self.ask(act, name, Matter::Erasure { account }).await?;
                Ok(Erased::Asked(Box::new(asked)))
            }
            Consent::BrokenGlass => {
                self.about(act, AuditAction::ErasureForced, account).await?;
                Ok(Erased::Ordered(self.order_erasure(account).await?))
            }
        }
    }

    /// Whether this operator may have an account erased.
    pub(super) async fn check_erasure(&self, act: &Act, id: AccountId) -> Result<(), OfficeError> {
        act.for_another(id)?;
        match self.account(id).await?.state {
            // Of what its owner wants deleted the time to change the mind ends.
            AccountState::Active | AccountState::Frozen { .. } | AccountState::Deleting { .. } => Ok(()),
            AccountState::Closed { .. } => Err(OfficeError::Closed),
        }
    }

    /// Stops an account at once and makes its deletion due; the job `deletion` does the rest. What its
    /// owner has said about credit holds. Done again it does what is not done yet.
    pub(super) async fn order_erasure(&self, id: AccountId) -> Result<Deletion, OfficeError> {
        let OfficeParts { clock, entropy, deletions, .. } = &self.parts;
        let (account, now) = (self.account(id).await?, clock.now());
        self.parts.ledger.set_reserving(id, Reserving::Frozen).await?;
        self.parts.recharges.change(id, RechargeChange::SwitchOff).await?;
        stop_keys(self.parts.keys.as_ref(), id, now).await?;
        let due = match deletions.find(id).await? {
            Some(known) if known.erase_at > now && deletions.cancel(id).await? => {
                Deletion { erase_at: now, ..known }
            }
            Some(known) => known,
            None => Deletion {
                id: DeletionId::generate(clock.as_ref(), entropy.as_ref()),
                account: id,
                unused_credit: UnusedCredit::Forfeit,
                frozen_at: account.state.frozen_at(),
                asked_at: now,
                erase_at: now,
                state: DeletionState::Waiting,
            },
        };
        let deletion = deletions.ask(due).await?;
        if matches!(account.state, AccountState::Active | AccountState::Frozen { .. }) {
            let leaving =
                |account: &Account| Account { state: AccountState::Deleting { at: now }, ..account.clone() };
            self.change(id, leaving).await?;
        }
        self.parts.sessions.end(EndSessions { account: id, which: Which::All }).await?;
        Ok(deletion)
    }
}
