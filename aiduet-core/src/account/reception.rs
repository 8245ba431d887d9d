//! Where people are received: what registering, signing in and recovering have in common.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{
    Account, AccountError, AccountStore, ConsentStore, DepartureParts, EmailAddress, ReceptionError,
};
use crate::auth::{
    AccessTokens, Device, FailureCounter, IdentityProvider, IdentityStore, Network, OpaqueToken,
    PasswordHasher, PasswordRules, SecurityEvent, SecurityEventKind, SecurityLog, SessionStore, Ticket,
    TicketPurpose, TicketStore,
};
use crate::clock::{Clock, Timestamp};
use crate::id::{AccountId, Entropy, NoticeId, RequestId, SecurityEventId};
use crate::keys::{KeyCreations, KeyStore};
use crate::limit::{Claim, Guard, LimitError, LimitKey, RateLimiter, Subject};
use crate::notify::{DedupKey, Notice, Outbox, Outgoing};
use crate::policy::Policies;
use crate::privacy::ExportStore;

/// So often a change is tried again when somebody else has changed the account meanwhile.
const CHANGES_MAX: usize = 5;

/// What a [`Reception`] works with.
#[derive(Clone, Debug)]
pub struct ReceptionParts {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Accounts.
    pub accounts: Arc<dyn AccountStore>,
    /// What people agreed to.
    pub consents: Arc<dyn ConsentStore>,
    /// Accounts elsewhere by which people sign in.
    pub identities: Arc<dyn IdentityStore>,
    /// Who says that they do, if anybody.
    pub identity_provider: Option<Arc<dyn IdentityProvider>>,
    /// Who was given everything that is kept.
    pub exports: Arc<dyn ExportStore>,
    /// Sessions.
    pub sessions: Arc<dyn SessionStore>,
    /// Tickets.
    pub tickets: Arc<dyn TicketStore>,
    /// Wrong passwords.
    pub failures: Arc<dyn FailureCounter>,
    /// API keys, through what the gateway remembers of them.
    pub keys: Arc<dyn KeyStore>,
    /// Which request made which key.
    pub creations: Arc<dyn KeyCreations>,
    /// What it takes to leave.
    pub departure: DepartureParts,
    /// What happened.
    pub security_log: Arc<dyn SecurityLog>,
    /// Mail.
    pub outbox: Arc<dyn Outbox>,
    /// Attempts per time.
    pub limiter: Arc<dyn RateLimiter>,
    /// Password hashes.
    pub hasher: Arc<PasswordHasher>,
    /// What people agree to.
    pub policies: Arc<Policies>,
    /// Which passwords are taken.
    pub rules: Arc<PasswordRules>,
    /// Access tokens.
    pub tokens: Arc<AccessTokens>,
    /// Answers that must not tell whether there is an account are given after this time, since the
    /// work behind them differs.
    pub even_time: Duration,
}

/// Receives people: registers them, lets them in, helps those who forgot.
///
/// Nothing that it answers to a stranger tells whether an address has an account: the answers are
/// equal, and given after the same time.
#[derive(Debug)]
pub struct Reception {
    pub(super) parts: ReceptionParts,
}

/// A message, and to which address.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) to: EmailAddress,
    pub(super) notice: Notice,
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct Visit {
    /// The address of the client.
    pub address: IpAddr,
    /// What it says it is.
    pub device: Device,
    /// The request.
    pub request: RequestId,
}

impl Visit {
    /// What is kept of the address.
    pub fn network(&self) -> Option<Network> {
        Network::of(self.address)
    }
}

impl Reception {
    /// A reception with these parts.
    pub const fn new(parts: ReceptionParts) -> Self {
        Self { parts }
    }

    /// Its parts.
    pub const fn parts(&self) -> &ReceptionParts {
        &self.parts
    }

    pub(super) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Waits until the even time since `started` is over.
    pub(super) async fn even_out(&self, started: Duration) {
        let passed = self.parts.clock.monotonic().saturating_sub(started);
        tokio::time::sleep(self.parts.even_time.saturating_sub(passed)).await;
    }

    /// Counts an attempt.
    pub(super) async fn count(&self, guard: Guard, subject: Subject) -> Result<(), ReceptionError> {
        let claim = Claim { key: LimitKey::Guard(guard, subject), quota: guard.quota(), cost: 1 };
        match self.parts.limiter.take(&[claim]).await {
            Ok(_standing) => Ok(()),
            Err(LimitError::Exceeded { retry_after, .. }) => Err(ReceptionError::Throttled { retry_after }),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether an attempt may be made; counts nothing.
    pub(super) async fn ask(&self, guard: Guard, subject: Subject) -> Result<(), ReceptionError> {
        let quota = guard.quota();
        let claim = Claim { key: LimitKey::Guard(guard, subject), quota, cost: 0 };
        let standing = self.parts.limiter.take(&[claim]).await?;
        match standing.first() {
            Some(standing) if standing.remaining == 0 => {
                // One unit is back when all but one are still missing.
                let rest = quota.period.checked_div(u32::try_from(quota.units).unwrap_or(u32::MAX));
                let missing = quota.period.saturating_sub(rest.unwrap_or_default());
                Err(ReceptionError::Throttled { retry_after: standing.reset_after.saturating_sub(missing) })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Changes an account, again if somebody else was faster.
    pub(super) async fn change(
        &self,
        id: AccountId,
        change: impl Fn(&Account) -> Account + Send + Sync,
    ) -> Result<Account, ReceptionError> {
        for _ in 0..CHANGES_MAX {
            let account = self.parts.accounts.find(id).await?.ok_or(AccountError::NotFound { id })?;
            let changed = change(&account);
            match self.parts.accounts.update(&account, changed.clone()).await {
                Err(AccountError::Changed { .. }) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok(changed),
            }
        }
        Err(AccountError::Changed { id }.into())
    }

    /// Issues a ticket; the token goes into a mail and nowhere else.
    pub(super) async fn issue(
        &self,
        account: AccountId,
        purpose: TicketPurpose,
        email: EmailAddress,
    ) -> Result<(OpaqueToken, Timestamp), ReceptionError> {
        let now = self.now();
        let token = OpaqueToken::generate(self.parts.entropy.as_ref());
        let expires_at = now.plus(purpose.life());
        let ticket = Ticket { digest: token.digest(), account, purpose, email, issued_at: now, expires_at };
        self.parts.tickets.issue(ticket).await?;
        Ok((token, expires_at))
    }

    /// Takes a ticket.
    pub(super) async fn redeem(
        &self,
        token: &str,
        purpose: TicketPurpose,
        visit: &Visit,
    ) -> Result<Ticket, ReceptionError> {
        self.count(Guard::Ticket, Subject::address(visit.address)).await?;
        let token = OpaqueToken::parse(token).ok_or(ReceptionError::InvalidTicket)?;
        let ticket = self.parts.tickets.consume(&token.digest(), purpose, self.now()).await?;
        ticket.ok_or(ReceptionError::InvalidTicket)
    }

    /// Puts a message to the owner of an account in the outbox, once per cause.
    pub(super) async fn tell(
        &self,
        account: &Account,
        notice: Notice,
        cause: &[&str],
    ) -> Result<(), ReceptionError> {
        self.send(account, Letter { to: account.email.clone(), notice }, cause).await
    }

    /// Puts a message about an account in the outbox, once per cause, if it is wanted.
    pub(super) async fn send(
        &self,
        account: &Account,
        letter: Letter,
        cause: &[&str],
    ) -> Result<(), ReceptionError> {
        let Letter { to, notice } = letter;
        if !account.choices.wants(notice.kind()) {
            return Ok(());
        }
        let message = Outgoing {
            id: NoticeId::generate(self.parts.clock.as_ref(), self.parts.entropy.as_ref()),
            account: Some(account.id),
            to,
            locale: account.locale,
            dedup: DedupKey::of(notice.kind(), cause),
            notice,
            at: self.now(),
        };
        self.parts.outbox.put(message).await?;
        Ok(())
    }

    /// Records what happened, for the owner to read and for the operator's log.
    ///
    /// # Errors
    /// What a store says.
    pub async fn record(
        &self,
        account: AccountId,
        kind: SecurityEventKind,
        visit: &Visit,
    ) -> Result<(), ReceptionError> {
        self.log_event(self.visited(account, kind, visit)).await
    }

    /// An event of now, and from where it came.
    pub(super) fn visited(
        &self,
        account: AccountId,
        kind: SecurityEventKind,
        visit: &Visit,
    ) -> SecurityEvent {
        let (device, network, request) = (visit.device, visit.network(), Some(visit.request));
        SecurityEvent { device, network, request, ..self.event(account, kind) }
    }

    /// An event of now, of which nobody knows from where it came.
    pub(super) fn event(&self, account: AccountId, kind: SecurityEventKind) -> SecurityEvent {
        SecurityEvent {
            id: SecurityEventId::generate(self.parts.clock.as_ref(), self.parts.entropy.as_ref()),
            account,
            kind,
            device: Device::UNKNOWN,
            network: None,
            request: None,
            key: None,
            at: self.now(),
        }
    }

    /// Records an event.
    ///
    /// # Errors
    /// What a store says.
    pub(super) async fn log_event(&self, event: SecurityEvent) -> Result<(), ReceptionError> {
        tracing::info!(
            target: "aiduet::security",
            event = event.kind.as_str(),
            account_id = %event.account,
            request_id = event.request.map(tracing::field::display),
            "security event"
        );
        Ok(self.parts.security_log.record(event).await?)
    }
}
