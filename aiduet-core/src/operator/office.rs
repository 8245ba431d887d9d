//! Accounts in the hands of an operator.

use std::sync::Arc;
use std::time::Duration;

use super::{ApprovalStore, OfficeError};
use crate::account::{Account, AccountError, AccountState, AccountStore, EmailAddress, Role};
use crate::audit::{
    AuditAction, AuditActor, AuditCheck, AuditEntry, AuditHead, AuditLog, AuditReason, AuditSearch,
    AuditSubject, Audited, verify,
};
use crate::auth::{EndSessions, SessionStore, Which};
use crate::clock::{Clock, Timestamp};
use crate::duet::DuetConfig;
use crate::id::{AccountId, AuditEntryId, Entropy, RequestId};
use crate::keys::KeyStore;
use crate::ledger::{
    Audit, Balance, Ledger, LedgerError, Reserving, SumUsage, UsageFilter, UsageReader, Violation,
};
use crate::money::Money;
use crate::payment::RechargeStore;
use crate::policy::PublicationStore;
use crate::price::{PriceEditions, PriceSheet};
use crate::privacy::DeletionStore;

/// So often somebody else may change an account meanwhile.
const CHANGES_MAX: usize = 5;
/// For how long the page of an account sums what was spent.
const SPENDING: Duration = Duration::from_hours(30 * 24);
const QUARTER_MILLIS: i64 = 15 * 60 * 1_000;

/// What the office works with.
#[derive(Clone, Debug)]
pub struct OfficeParts {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness of identifiers.
    pub entropy: Arc<dyn Entropy>,
    /// Accounts.
    pub accounts: Arc<dyn AccountStore>,
    /// Sign-ins.
    pub sessions: Arc<dyn SessionStore>,
    /// API keys; in a process that serves calls, through what it remembers of them.
    pub keys: Arc<dyn KeyStore>,
    /// Automatic purchases.
    pub recharges: Arc<dyn RechargeStore>,
    /// Money.
    pub ledger: Arc<dyn Ledger>,
    /// What was used.
    pub usage: Arc<dyn UsageReader>,
    /// Proof that the books are right.
    pub books: Arc<dyn Audit>,
    /// What operators did.
    pub audit_log: Arc<dyn AuditLog>,
    /// What waits for a second operator.
    pub approvals: Arc<dyn ApprovalStore>,
    /// What was published.
    pub publications: Arc<dyn PublicationStore>,
    /// Sheets of prices.
    pub price_editions: Arc<dyn PriceEditions>,
    /// The sheet before them.
    pub first_prices: Arc<PriceSheet>,
    /// What the duet needs of every sheet.
    pub duet: DuetConfig,
    /// Deletions of accounts.
    pub deletions: Arc<dyn DeletionStore>,
}

/// Does what operators ask for. The entry of the audit log is written before: what has no entry was
/// not done, while what has one may have failed after it.
#[derive(Clone, Debug)]
pub struct Office {
    pub(super) parts: OfficeParts,
}

/// Who acts, and why.
#[derive(Clone, Debug)]
pub struct Act {
    /// Who.
    pub actor: AuditActor,
    /// Why.
    pub reason: Option<AuditReason>,
    /// By which request.
    pub request: Option<RequestId>,
}

/// The page of an account: no keys, no requests.
#[derive(Clone, Debug)]
pub struct AccountFile {
    /// The account.
    pub account: Arc<Account>,
    /// What it has.
    pub balance: Balance,
    /// What it spent in the last 30 days.
    pub spent: Money,
}

impl Act {
    pub(super) fn with_reason(&self) -> Result<&AuditReason, OfficeError> {
        self.reason.as_ref().ok_or(OfficeError::ReasonRequired)
    }

    /// Whether it is about the account of whoever acts.
    fn is_own(&self, account: AccountId) -> bool {
        self.actor == AuditActor::Operator(account)
    }

    pub(super) fn for_another(&self, account: AccountId) -> Result<(), OfficeError> {
        if self.is_own(account) { Err(OfficeError::OwnAccount) } else { Ok(()) }
    }
}

/// What is written about an act besides who and why.
#[derive(Clone, Debug, Default)]
pub(super) struct Deed {
    /// The same identifier is the same entry; `None`: a new one.
    pub(super) id: Option<AuditEntryId>,
    pub(super) subject: Option<AuditSubject>,
    pub(super) reference: Option<AuditSubject>,
    pub(super) amount: Option<Money>,
}

impl Office {
    /// An office with these parts.
    pub const fn new(parts: OfficeParts) -> Self {
        Self { parts }
    }

    /// Accounts, newest first.
    ///
    /// # Errors
    /// [`OfficeError::ReasonRequired`], or what a store says.
    pub async fn list(
        &self,
        act: &Act,
        before: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<Arc<Account>>, OfficeError> {
        act.with_reason()?;
        self.note(act, AuditAction::AccountsListed, Deed::default()).await?;
        Ok(self.parts.accounts.list(before, limit).await?)
    }

    /// The account with an address.
    ///
    /// # Errors
    /// [`OfficeError::ReasonRequired`], or what a store says.
    pub async fn search(&self, act: &Act, email: &EmailAddress) -> Result<Option<Arc<Account>>, OfficeError> {
        act.with_reason()?;
        let found = self.parts.accounts.find_by_email(email).await?;
        let subject = found.as_ref().map(|account| account.id.into());
        self.note(act, AuditAction::AccountSearched, Deed { subject, ..Deed::default() }).await?;
        Ok(found)
    }

    /// The page of an account.
    ///
    /// # Errors
    /// [`OfficeError::ReasonRequired`], [`OfficeError::NotFound`], or what a store says.
    pub async fn view(&self, act: &Act, id: AccountId) -> Result<AccountFile, OfficeError> {
        act.with_reason()?;
        self.about(act, AuditAction::AccountViewed, id).await?;
        let account = self.account(id).await?;
        let balance = self.parts.ledger.balance(id).await?;
        Ok(AccountFile { account, balance, spent: self.spent(id).await? })
    }

    /// Stops an account: from now on no request of its keys is paid for, and its sessions are over.
    /// The person can sign in again to read, to export and to delete.
    ///
    /// # Errors
    /// [`OfficeError::ReasonRequired`], [`OfficeError::NotFound`], [`OfficeError::OwnAccount`],
    /// [`OfficeError::Closed`], or what a store says.
    pub async fn suspend(&self, act: &Act, id: AccountId) -> Result<Arc<Account>, OfficeError> {
        act.with_reason()?;
        act.for_another(id)?;
        open(&*self.account(id).await?)?;
        self.about(act, AuditAction::AccountSuspended, id).await?;
        let at = self.parts.clock.now();
        let suspended = self.change(id, |account| {
            let state = match account.state {
                AccountState::Frozen { at } => AccountState::Frozen { at },
                AccountState::Active | AccountState::Deleting { .. } | AccountState::Closed { .. } => {
                    AccountState::Frozen { at }
                }
            };
            Account { state, ..account.clone() }
        });
        let account = suspended.await?;
        // What stops spending, on every node at once. After the state, by which a dispute that is won at
        // the same time learns that it allows nothing.
        self.parts.ledger.set_reserving(id, Reserving::Frozen).await?;
        self.parts.sessions.end(EndSessions { account: id, which: Which::All }).await?;
        Ok(account)
    }

    /// Lets a suspended account go on, also one that a dispute stopped.
    ///
    /// # Errors
    /// Those of [`suspend`](Self::suspend).
    pub async fn restore(&self, act: &Act, id: AccountId) -> Result<Arc<Account>, OfficeError> {
        act.with_reason()?;
        act.for_another(id)?;
        open(&*self.account(id).await?)?;
        self.about(act, AuditAction::AccountRestored, id).await?;
        let active = |account: &Account| Account { state: AccountState::Active, ..account.clone() };
        let account = self.change(id, active).await?;
        self.parts.ledger.set_reserving(id, Reserving::Allowed).await?;
        Ok(account)
    }

    /// Gives an account a role, or takes it back. Sessions end, so that the role holds for new ones only.
    ///
    /// # Errors
    /// [`OfficeError::NotFound`], [`OfficeError::Closed`], or what a store says.
    pub async fn appoint(&self, act: &Act, id: AccountId, role: Role) -> Result<Arc<Account>, OfficeError> {
        open(&*self.account(id).await?)?;
        let action = match role {
            Role::Operator => AuditAction::OperatorAppointed,
            Role::User => AuditAction::OperatorDismissed,
        };
        self.about(act, action, id).await?;
        let account = self.change(id, |account| Account { role, ..account.clone() }).await?;
        self.parts.sessions.end(EndSessions { account: id, which: Which::All }).await?;
        Ok(account)
    }

    /// Whether the books are right; what is not, if anything.
    ///
    /// # Errors
    /// What a store says.
    pub async fn verify_ledger(&self, act: &Act) -> Result<Vec<Violation>, OfficeError> {
        self.note(act, AuditAction::LedgerVerified, Deed::default()).await?;
        Ok(self.parts.books.verify().await?)
    }

    /// Entries of the audit log, newest first.
    ///
    /// # Errors
    /// What a store says.
    pub async fn search_audit(&self, act: &Act, search: AuditSearch) -> Result<Vec<Audited>, OfficeError> {
        let subject = search.subject.clone();
        self.note(act, AuditAction::AuditSearched, Deed { subject, ..Deed::default() }).await?;
        Ok(self.parts.audit_log.search(search).await?)
    }

    /// Whether the audit log is what was appended.
    ///
    /// # Errors
    /// What a store says.
    pub async fn verify_audit(&self, act: &Act, kept: Option<AuditHead>) -> Result<AuditCheck, OfficeError> {
        self.note(act, AuditAction::AuditVerified, Deed::default()).await?;
        Ok(verify(self.parts.audit_log.as_ref(), kept).await?)
    }

    /// Writes that an operator does something that is done elsewhere.
    ///
    /// # Errors
    /// [`OfficeError::Audit`]: then it must not be done.
    pub async fn record(
        &self,
        act: &Act,
        action: AuditAction,
        subject: Option<AuditSubject>,
    ) -> Result<Audited, OfficeError> {
        self.note(act, action, Deed { subject, ..Deed::default() }).await
    }

    /// Writes an entry, and tells its seal to the log of the process, where nobody who writes to the
    /// database can change it.
    pub(super) async fn note(
        &self,
        act: &Act,
        action: AuditAction,
        deed: Deed,
    ) -> Result<Audited, OfficeError> {
        let Deed { id, subject, reference, amount } = deed;
        let OfficeParts { clock, entropy, audit_log, .. } = &self.parts;
        let Act { actor, reason, request } = act.clone();
        let id = id.unwrap_or_else(|| AuditEntryId::generate(clock.as_ref(), entropy.as_ref()));
        let entry =
            AuditEntry { id, at: clock.now(), actor, action, subject, reference, amount, reason, request };
        let audited = audit_log.append(entry).await?;
        tracing::info!(
            target: "aiduet::audit",
            action = action.as_str(),
            sequence = audited.sequence,
            seal = %audited.digest,
            "authz_admin"
        );
        Ok(audited)
    }

    pub(super) async fn about(
        &self,
        act: &Act,
        action: AuditAction,
        id: AccountId,
    ) -> Result<(), OfficeError> {
        let deed = Deed { subject: Some(id.into()), ..Deed::default() };
        self.note(act, action, deed).await.map(drop)
    }

    pub(super) async fn account(&self, id: AccountId) -> Result<Arc<Account>, OfficeError> {
        self.parts.accounts.find(id).await?.ok_or(OfficeError::NotFound { id })
    }

    /// Changes an account, again if somebody else was faster.
    pub(super) async fn change(
        &self,
        id: AccountId,
        change: impl Fn(&Account) -> Account + Send + Sync,
    ) -> Result<Arc<Account>, OfficeError> {
        for _ in 0..CHANGES_MAX {
            let account = self.account(id).await?;
            open(&account)?;
            let changed = change(&account);
            match self.parts.accounts.update(&account, changed.clone()).await {
                Err(AccountError::Changed { .. }) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok(Arc::new(changed)),
            }
        }
        Err(AccountError::Changed { id }.into())
    }

    async fn spent(&self, account: AccountId) -> Result<Money, OfficeError> {
        let now = self.parts.clock.now();
        let from = now.minus(SPENDING).millis();
        let from = Timestamp::from_millis(from.saturating_sub(from.rem_euclid(QUARTER_MILLIS)));
        let step = SPENDING.saturating_add(Duration::from_mins(15));
        let filter = UsageFilter::default();
        let sums = self.parts.usage.sum(SumUsage { account, from, step, steps: 1, group: None, filter });
        let sums = sums.await?;
        let mut costs = sums.iter().map(|sum| sum.totals.all.cost);
        let spent = costs.try_fold(Money::ZERO, Money::checked_add);
        Ok(spent.map_err(LedgerError::from)?)
    }
}

/// What its owner has closed is not opened by anybody.
pub(super) const fn open(account: &Account) -> Result<(), OfficeError> {
    match account.state {
        AccountState::Active | AccountState::Frozen { .. } => Ok(()),
        AccountState::Deleting { .. } | AccountState::Closed { .. } => Err(OfficeError::Closed),
    }
}
