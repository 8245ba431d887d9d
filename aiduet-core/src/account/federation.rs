//! Signing in by an account elsewhere, and which of them belong to an account here.

use std::fmt;
use std::sync::Arc;

use super::sign_in::{Opening, Way, is_closed};
use super::{Account, AccountError, AccountState, Reception, ReceptionError, Role, SignIn, SignedIn, Visit};
use super::{Entered, Locale};
use crate::auth::{
    Assertion, AuthStoreError, AuthorizationRequest, EndSessions, Flow, FlowPurpose, Grant, Identity,
    IdentityProvider, IdentityProviderError, PendingLink, SecurityEventKind, Which,
};
use crate::class::Classify;
use crate::id::{AccountId, IdentityId, SessionId};
use crate::limit::{Guard, Subject};
use crate::notify::{Notice, NoticeChoices};
use crate::secret::Secret;

/// What a browser comes back with from the identity provider.
#[derive(Clone, Copy)]
pub struct Return<'a> {
    /// The way that it left on, if its cookie still knows one.
    pub flow: Option<&'a Flow>,
    /// The state that it was sent with.
    pub state: Option<&'a str>,
    /// Worth what the provider says of the person.
    pub code: Option<&'a str>,
    /// Why there is no code, in the words of RFC 6749, section 4.1.2.1.
    pub error: Option<&'a str>,
    /// Who sends the browser back (RFC 9207).
    pub issuer: Option<&'a str>,
}

/// State and code are worth a sign-in.
impl fmt::Debug for Return<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Return").field("error", &self.error).finish_non_exhaustive()
    }
}

/// What comes of a return.
#[derive(Debug)]
pub enum Arrival {
    /// The person is in.
    Entered(Box<Entered>),
    /// The password is needed once, to link: the cookie that says so.
    Link(Secret<String>),
}

/// Why nobody has come in. The browser is told this much and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlowRefusal {
    /// The person went back.
    #[error("cancelled")]
    Cancelled,
    /// Another browser began, or too long ago, or this was answered before.
    #[error("expired")]
    Expired,
    /// The provider vouches for nobody.
    #[error("refused")]
    Refused,
    /// The provider has not verified the address.
    #[error("unverified")]
    Unverified,
    /// There is no account yet, and the policies are not accepted.
    #[error("policies")]
    Policies,
    /// The identity belongs to an account already.
    #[error("taken")]
    Taken,
    /// Too many attempts, or somebody else was at the same account.
    #[error("busy")]
    Busy,
    /// The provider, or we, cannot be asked.
    #[error("unavailable")]
    Unavailable,
}

impl FlowRefusal {
    /// The code in the address that the browser is sent to.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::Unverified => "unverified",
            Self::Policies => "policies",
            Self::Taken => "taken",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
        }
    }
}

impl From<ReceptionError> for FlowRefusal {
    fn from(error: ReceptionError) -> Self {
        match error {
            ReceptionError::Throttled { .. } | ReceptionError::Account(AccountError::Changed { .. }) => {
                Self::Busy
            }
            ReceptionError::IdentityTaken => Self::Taken,
            ReceptionError::IdentityProvider(
                error @ (IdentityProviderError::Refused | IdentityProviderError::InvalidToken(_)),
            ) => {
                tracing::warn!(target: "aiduet::security", %error, "nobody was let in from elsewhere");
                Self::Refused
            }
            other => {
                let cause = std::error::Error::source(&other).map(ToString::to_string);
                tracing::warn!(error = %other, cause, class = ?other.class(), "a sign-in from elsewhere failed");
                Self::Unavailable
            }
        }
    }
}

impl Reception {
    /// Whether people may sign in elsewhere.
    pub fn has_identity_provider(&self) -> bool {
        self.parts.identity_provider.is_some()
    }

    /// Sends a browser to the identity provider: the address, and the cookie that it takes along.
    ///
    /// # Errors
    /// [`ReceptionError::NoIdentityProvider`], [`ReceptionError::IdentityProvider`].
    pub async fn begin_flow(&self, flow: &Flow) -> Result<(String, Secret<String>), ReceptionError> {
        let (state, nonce, challenge) = (flow.state(), flow.nonce(), flow.challenge());
        let request = AuthorizationRequest { state: &state, nonce: &nonce, challenge: &challenge };
        let url = self.provider()?.authorization_url(request).await?;
        let cookie = self.parts.tokens.issue_flow(flow, self.now());
        Ok((url, cookie.map_err(|_unwritable| ReceptionError::InvalidSession)?))
    }

    /// The way to the identity provider that a browser is on.
    pub fn flow(&self, cookie: Option<&str>) -> Option<Flow> {
        self.parts.tokens.verify_flow(cookie?, self.now()).ok()
    }

    /// Receives a browser that comes back from the identity provider.
    ///
    /// A person is known by issuer and subject, never by address. An account with the same
    /// address is not entered: its owner gives its password once, which [`link`](Self::link)
    /// takes. An address that nobody has confirmed is another matter: whoever the provider
    /// vouches for gets the account, and what a stranger had set up there is worth nothing.
    ///
    /// # Errors
    /// [`FlowRefusal`]; no account and no session is made then.
    pub async fn finish_flow(&self, answer: Return<'_>, visit: &Visit) -> Result<Arrival, FlowRefusal> {
        let flow = answer.flow;
        let flow = flow.filter(|flow| answer.state.is_some_and(|state| flow.is_answered_by(state)));
        let flow = flow.ok_or(FlowRefusal::Expired)?;
        let provider = self.provider()?;
        if answer.issuer.is_some_and(|issuer| issuer != provider.issuer()) {
            return Err(FlowRefusal::Refused);
        }
        let code = match (answer.code, answer.error) {
            (_, Some("access_denied")) => return Err(FlowRefusal::Cancelled),
            (Some(code), None) => code,
            (None, _) | (_, Some(_)) => return Err(FlowRefusal::Refused),
        };
        // There is nothing to guess, but each code that is tried asks the provider.
        self.count(Guard::Ticket, Subject::address(visit.address)).await?;
        let once = self.count(Guard::Flow, Subject::named(&[&flow.state()])).await;
        match once {
            Err(ReceptionError::Throttled { .. }) => return Err(FlowRefusal::Expired),
            other => other?,
        }
        let (verifier, nonce) = (flow.verifier(), flow.nonce());
        let grant = Grant { code, verifier: &verifier, nonce: &nonce };
        let assertion = provider.redeem(grant).await.map_err(ReceptionError::from)?;
        self.arrive(flow, assertion, visit).await
    }

    /// Adds the identity that a browser has come back with to the account of an address and
    /// password, and lets the person in. `address` is the one that the provider has verified,
    /// unless `attempt` names another.
    ///
    /// # Errors
    /// [`ReceptionError::NothingToLink`], [`ReceptionError::IdentityTaken`], those of
    /// [`sign_in`](Self::sign_in).
    pub async fn link(
        &self,
        link: PendingLink,
        attempt: SignIn<'_>,
        visit: &Visit,
    ) -> Result<Entered, ReceptionError> {
        self.provider()?;
        let (account, known) = self.prove(attempt, visit).await?;
        let PendingLink { issuer, subject, email: _ } = link;
        self.keep(account.id, &issuer, &subject).await?;
        self.record(account.id, SecurityEventKind::GoogleLinked, visit).await?;
        let at = self.now();
        let notice = Notice::GoogleLinked { at };
        self.tell(&account, notice, &[&account.id.to_string(), &at.to_string()]).await?;
        self.enter(account, Opening { life: attempt.life, known, by: Way::Password }, visit).await
    }

    /// What is left to link in a browser.
    ///
    /// # Errors
    /// [`ReceptionError::NothingToLink`].
    pub fn pending_link(&self, cookie: Option<&str>) -> Result<PendingLink, ReceptionError> {
        let link = cookie.and_then(|cookie| self.parts.tokens.verify_link(cookie, self.now()).ok());
        link.ok_or(ReceptionError::NothingToLink)
    }

    /// By which accounts elsewhere a person signs in, oldest first.
    ///
    /// # Errors
    /// What a store says.
    pub async fn identities(&self, person: &SignedIn) -> Result<Vec<Identity>, ReceptionError> {
        Ok(self.parts.identities.list(person.account.id).await?)
    }

    /// Takes an identity away, and ends the other sessions: who has the account elsewhere may
    /// have opened them.
    ///
    /// # Errors
    /// [`ReceptionError::UnknownIdentity`]; [`ReceptionError::LastWayIn`] when the account has no
    /// password; or what a store says.
    pub async fn unlink(
        &self,
        person: &SignedIn,
        id: IdentityId,
        visit: &Visit,
    ) -> Result<(), ReceptionError> {
        let SignedIn { account, session } = person;
        let own = self.parts.identities.list(account.id).await?;
        if !own.iter().any(|identity| identity.id == id) {
            return Err(ReceptionError::UnknownIdentity);
        }
        // A password is never taken away again, so this stays true.
        if account.password.is_none() {
            return Err(ReceptionError::LastWayIn);
        }
        if !self.parts.identities.unlink(account.id, id).await? {
            return Err(ReceptionError::UnknownIdentity);
        }
        self.end_sessions(person, Which::Others(session.id)).await?;
        self.record(account.id, SecurityEventKind::GoogleUnlinked, visit).await?;
        let notice = Notice::GoogleUnlinked { at: self.now() };
        self.tell(account, notice, &[&id.to_string()]).await
    }

    fn provider(&self) -> Result<&dyn IdentityProvider, ReceptionError> {
        self.parts.identity_provider.as_deref().ok_or(ReceptionError::NoIdentityProvider)
    }

    async fn arrive(&self, flow: &Flow, assertion: Assertion, visit: &Visit) -> Result<Arrival, FlowRefusal> {
        let Assertion { subject, verified_email } = assertion;
        let email = verified_email.ok_or(FlowRefusal::Unverified)?;
        let issuer = self.provider()?.issuer().to_owned();
        let link = PendingLink { issuer, subject, email };
        let known = self.parts.identities.find(&link.issuer, link.subject.expose()).await;
        let known = known.map_err(ReceptionError::from)?;
        let account = match (known, flow.purpose) {
            (Some(_), FlowPurpose::Link) => return Err(FlowRefusal::Taken),
            (Some(identity), FlowPurpose::SignIn | FlowPurpose::SignUp) => identity.account,
            (None, FlowPurpose::Link) => return self.ask_password(&link),
            (None, FlowPurpose::SignIn | FlowPurpose::SignUp) => {
                let found = self.parts.accounts.find_by_email(&link.email).await;
                let found = found.map_err(ReceptionError::from)?;
                if found.as_ref().is_some_and(|account| account.email_verified_at.is_some()) {
                    return self.ask_password(&link);
                }
                if found.as_deref().is_some_and(is_closed) {
                    return Err(FlowRefusal::Refused);
                }
                if flow.purpose == FlowPurpose::SignIn {
                    return Err(FlowRefusal::Policies);
                }
                self.settle_in(found.as_deref(), &link, (flow.locale, visit)).await?
            }
        };
        let account = self.confirmed(account, &link, (flow.locale, visit)).await?;
        let known = flow.device.filter(|device| device.account == account.id);
        let known: Option<SessionId> = known.map(|device| device.session);
        let opening = Opening { life: flow.life, known, by: Way::Elsewhere };
        Ok(Arrival::Entered(Box::new(self.enter(account, opening, visit).await?)))
    }

    fn ask_password(&self, link: &PendingLink) -> Result<Arrival, FlowRefusal> {
        let cookie = self.parts.tokens.issue_link(link, self.now());
        Ok(Arrival::Link(cookie.map_err(|_unwritable| FlowRefusal::Unavailable)?))
    }

    /// Links the identity to an account whose address nobody has confirmed: a new one, or that of
    /// somebody who registered with the address. It stays unconfirmed until
    /// [`confirmed`](Self::confirmed), so that a process that ends in between does no harm.
    async fn settle_in(
        &self,
        found: Option<&Account>,
        link: &PendingLink,
        (locale, visit): (Locale, &Visit),
    ) -> Result<AccountId, ReceptionError> {
        self.count(Guard::Register, Subject::address(visit.address)).await?;
        self.count(Guard::RegisterNetwork, Subject::network(visit.address)).await?;
        let id = match found {
            Some(account) => {
                for consent in self.consents(account.id, locale) {
                    self.parts.consents.agree(consent).await?;
                }
                // The link in the mail to the address would confirm the password of a stranger.
                self.parts.tickets.revoke(account.id, None).await?;
                account.id
            }
            None => self.open_account(link, locale).await?,
        };
        self.keep(id, &link.issuer, &link.subject).await?;
        if found.is_none() {
            self.record(id, SecurityEventKind::AccountCreated, visit).await?;
        }
        self.record(id, SecurityEventKind::GoogleLinked, visit).await?;
        Ok(id)
    }

    async fn open_account(&self, link: &PendingLink, locale: Locale) -> Result<AccountId, ReceptionError> {
        let id = AccountId::generate(self.parts.clock.as_ref(), self.parts.entropy.as_ref());
        let account = Account {
            id,
            email: link.email.clone(),
            email_verified_at: None,
            password: None,
            name: None,
            locale,
            choices: NoticeChoices::default(),
            role: Role::User,
            state: AccountState::Active,
            created_at: self.now(),
        };
        // Without agreeing nobody comes this far.
        let consents = self.consents(id, locale);
        match self.parts.accounts.insert(account, &consents).await {
            Ok(()) => Ok(id),
            // Somebody has registered the address at the same moment.
            Err(AccountError::EmailTaken) => Err(AccountError::Changed { id }.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// The account of an identity. When nobody has confirmed its address and the provider does,
    /// what was set up there before ends: password, name, sessions, links of mails.
    async fn confirmed(
        &self,
        id: AccountId,
        link: &PendingLink,
        (locale, visit): (Locale, &Visit),
    ) -> Result<Arc<Account>, FlowRefusal> {
        let account = self.parts.accounts.find(id).await.map_err(ReceptionError::from)?;
        let account = account.filter(|account| !is_closed(account)).ok_or(FlowRefusal::Refused)?;
        if account.email_verified_at.is_some() {
            return Ok(account);
        }
        if account.email != link.email {
            return Err(FlowRefusal::Unverified);
        }
        let now = self.now();
        let owned = Account {
            email_verified_at: Some(now),
            password: None,
            name: None,
            locale,
            ..Account::clone(&account)
        };
        // Whoever confirms the address by mail at this moment has a password: then both try again.
        let update = self.parts.accounts.update(&account, owned.clone()).await;
        update.map_err(ReceptionError::from)?;
        let ended = self.parts.sessions.end(EndSessions { account: id, which: Which::All }).await;
        ended.map_err(ReceptionError::from)?;
        self.parts.tickets.revoke(id, None).await.map_err(ReceptionError::from)?;
        self.parts.failures.clear(id).await.map_err(ReceptionError::from)?;
        self.record(id, SecurityEventKind::EmailVerified, visit).await?;
        Ok(Arc::new(owned))
    }

    async fn keep(
        &self,
        account: AccountId,
        issuer: &str,
        subject: &Secret<String>,
    ) -> Result<(), ReceptionError> {
        let identity = Identity {
            id: IdentityId::generate(self.parts.clock.as_ref(), self.parts.entropy.as_ref()),
            account,
            issuer: issuer.to_owned(),
            subject: subject.expose().clone(),
            created_at: self.now(),
        };
        match self.parts.identities.link(identity).await {
            Err(AuthStoreError::AlreadyExists) => Err(ReceptionError::IdentityTaken),
            other => Ok(other?),
        }
    }
}
