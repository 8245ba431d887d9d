//! Signing in, going on with a session, and giving the password again.

use std::sync::Arc;

use super::{Account, AccountState, EmailAddress, Reception, ReceptionError, Visit};
use crate::auth::{
    AccessClaims, DeviceClaims, EndSessions, FAILURES_MAX, NewSession, PlainPassword, RefreshToken, Rotated,
    Rotation, SecurityEventKind, Session, SessionLife, Verdict, Which,
};
use crate::id::SessionId;
use crate::limit::{Guard, Subject};
use crate::notify::Notice;
use crate::secret::Secret;

/// After so many wrong passwords in a row the owner hears of a right one.
const SUSPICIOUS_FAILURES: u32 = 5;

/// What a person signs in with.
#[derive(Clone, Copy, Debug)]
pub struct SignIn<'a> {
    /// The address of the account.
    pub email: &'a EmailAddress,
    /// The password as it was typed.
    pub password: &'a Secret<String>,
    /// What the device shows, if it has signed in before.
    pub device_token: Option<&'a str>,
    /// How long the session lasts.
    pub life: SessionLife,
}

/// How a session is opened.
#[derive(Clone, Copy)]
pub(super) struct Opening {
    pub(super) life: SessionLife,
    /// The session in which the device became known.
    pub(super) known: Option<SessionId>,
    pub(super) by: Way,
}

/// By what somebody comes in.
#[derive(Clone, Copy)]
pub(super) enum Way {
    Password,
    /// Says nothing about who has guessed at the password: a lock of that stays.
    Elsewhere,
}

/// A person who is in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub account: Arc<Account>,
    /// In which session.
    pub session: Session,
}

/// A session that was opened or went on, with what its device needs.
#[derive(Debug)]
pub struct Entered {
    /// Who, and in which session.
    pub person: SignedIn,
    /// The access token.
    pub access: Secret<String>,
    /// For its cookie.
    pub refresh: RefreshToken,
    /// By which the device is known from now on, when it has just signed in.
    pub device: Option<Secret<String>>,
}

impl Reception {
    /// Lets a person in who knows the password.
    ///
    /// # Errors
    /// [`ReceptionError::WrongCredentials`]; after the right password
    /// [`ReceptionError::EmailUnverified`]; [`ReceptionError::Throttled`],
    /// [`ReceptionError::Hash`], or what a store says.
    pub async fn sign_in(&self, attempt: SignIn<'_>, visit: &Visit) -> Result<Entered, ReceptionError> {
        let (account, known) = self.prove(attempt, visit).await?;
        self.enter(account, Opening { life: attempt.life, known, by: Way::Password }, visit).await
    }

    /// Whose address and password they are, and the session in which the device became known.
    pub(super) async fn prove(
        &self,
        attempt: SignIn<'_>,
        visit: &Visit,
    ) -> Result<(Arc<Account>, Option<SessionId>), ReceptionError> {
        let started = self.parts.clock.monotonic();
        self.count(Guard::SignIn, Subject::address(visit.address)).await?;
        let account = self.parts.accounts.find_by_email(attempt.email).await?;
        let known = self.known_device(attempt, account.as_deref());
        let guards = guards(attempt.email, known, visit);
        for (guard, subject) in &guards {
            self.ask(*guard, *subject).await?;
        }
        let password = PlainPassword::new(attempt.password.expose());
        let verdict = self.compare(account.as_deref(), &password).await?;
        let account = match (account, verdict) {
            (Some(account), Verdict::Right | Verdict::RightButOutdated) => account,
            (account, _) => {
                for (guard, subject) in guards {
                    // A refused claim is fine: the limit is reached then.
                    drop(self.count(guard, subject).await);
                }
                if let Some(account) = account {
                    self.note_failure(&account, visit).await?;
                }
                self.even_out(started).await;
                return Err(ReceptionError::WrongCredentials);
            }
        };
        if account.email_verified_at.is_none() {
            return Err(ReceptionError::EmailUnverified);
        }
        if verdict == Verdict::RightButOutdated {
            self.renew_hash(&account, &password).await;
        }
        Ok((account, known))
    }

    /// Goes on with a session: exchanges its refresh token.
    ///
    /// # Errors
    /// [`ReceptionError::InvalidSession`] when the session is over, and when the token was used
    /// before, which ends the session; or what a store says.
    pub async fn refresh(&self, token: &str, visit: &Visit) -> Result<Entered, ReceptionError> {
        let presented = RefreshToken::parse(token).ok_or(ReceptionError::InvalidSession)?;
        let next = RefreshToken::generate(presented.session(), self.parts.entropy.as_ref());
        let rotation = Rotation {
            session: presented.session(),
            presented: presented.digest(),
            next: next.digest(),
            network: visit.network(),
            at: self.now(),
        };
        match self.parts.sessions.rotate(rotation).await? {
            Rotated::Renewed(session) => {
                let account = self.parts.accounts.find(session.account).await?;
                let account = account.filter(|account| !is_closed(account));
                let account = account.ok_or(ReceptionError::InvalidSession)?;
                let person = SignedIn { account, session };
                Ok(Entered { access: self.access(&person)?, person, refresh: next, device: None })
            }
            Rotated::Reused(session) => {
                self.record(session.account, SecurityEventKind::TokenReused, visit).await?;
                if let Some(account) = self.parts.accounts.find(session.account).await? {
                    let notice = Notice::SessionsRevoked { at: self.now() };
                    self.tell(&account, notice, &[&session.id.to_string()]).await?;
                }
                Err(ReceptionError::InvalidSession)
            }
            Rotated::Unknown => Err(ReceptionError::InvalidSession),
        }
    }

    /// Who an access token belongs to, as long as the session goes on.
    ///
    /// # Errors
    /// [`ReceptionError::InvalidSession`], [`ReceptionError::Throttled`],
    /// What a store says.
    pub async fn recognise(&self, access: &str) -> Result<SignedIn, ReceptionError> {
        let now = self.now();
        let invalid = |_invalid| ReceptionError::InvalidSession;
        let claims = self.parts.tokens.verify(access, now).map_err(invalid)?;
        self.count(Guard::Session, Subject::named(&[&claims.session.to_string()])).await?;
        let session = self.parts.sessions.find(claims.session).await?;
        let session = session.filter(|session| session.account == claims.account && session.is_alive(now));
        let session = session.ok_or(ReceptionError::InvalidSession)?;
        let account = self.parts.accounts.find(claims.account).await?;
        let account = account.filter(|account| !is_closed(account)).ok_or(ReceptionError::InvalidSession)?;
        // What the token says: a session that was confirmed elsewhere does not lend its confirmation.
        let session = Session { authenticated_at: claims.authenticated_at, ..session };
        Ok(SignedIn { account, session })
    }

    /// Ends the session of a person.
    ///
    /// # Errors
    /// What a store says.
    pub async fn sign_out(&self, person: &SignedIn, visit: &Visit) -> Result<(), ReceptionError> {
        self.end_sessions(person, Which::One(person.session.id)).await?;
        self.record(person.account.id, SecurityEventKind::SignedOut, visit).await
    }

    /// Takes the password again, for what must not be done by whoever finds the device open.
    ///
    /// # Errors
    /// [`ReceptionError::WrongCredentials`], [`ReceptionError::Throttled`],
    /// [`ReceptionError::Hash`], or what a store says.
    pub async fn reauthenticate(
        &self,
        person: &SignedIn,
        password: &Secret<String>,
        visit: &Visit,
    ) -> Result<Secret<String>, ReceptionError> {
        let id = person.session.id;
        let subject = Subject::named(&[&id.to_string()]);
        self.ask(Guard::DeviceFailures, subject).await?;
        let password = PlainPassword::new(password.expose());
        if self.compare(Some(&person.account), &password).await? == Verdict::Wrong {
            // A refused claim is fine: the limit is reached then.
            drop(self.count(Guard::DeviceFailures, subject).await);
            self.note_failure(&person.account, visit).await?;
            return Err(ReceptionError::WrongCredentials);
        }
        let now = self.now();
        if !self.parts.sessions.confirm(id, now).await? {
            return Err(ReceptionError::InvalidSession);
        }
        self.record(person.account.id, SecurityEventKind::Reauthenticated, visit).await?;
        let session = Session { authenticated_at: now, ..person.session.clone() };
        self.access(&SignedIn { session, ..person.clone() })
    }

    /// Ends sessions of a person; says how many.
    ///
    /// # Errors
    /// What a store says.
    pub async fn end_sessions(&self, person: &SignedIn, which: Which) -> Result<u64, ReceptionError> {
        Ok(self.parts.sessions.end(EndSessions { account: person.account.id, which }).await?)
    }

    fn access(&self, person: &SignedIn) -> Result<Secret<String>, ReceptionError> {
        let SignedIn { account, session } = person;
        let claims = AccessClaims {
            account: account.id,
            session: session.id,
            authenticated_at: session.authenticated_at,
        };
        self.parts.tokens.issue(claims, self.now()).map_err(|_unwritable| ReceptionError::InvalidSession)
    }

    fn known_device(&self, attempt: SignIn<'_>, account: Option<&Account>) -> Option<SessionId> {
        let claims = self.parts.tokens.verify_device(attempt.device_token?, self.now()).ok()?;
        account.filter(|account| account.id == claims.account).map(|_account| claims.session)
    }

    /// The same work whether or not there is an account, and whether or not it has a password.
    async fn compare(
        &self,
        account: Option<&Account>,
        password: &PlainPassword,
    ) -> Result<Verdict, ReceptionError> {
        let id = account.map(|account| account.id);
        let failures = match id {
            Some(id) => self.parts.failures.failures(id).await?,
            None => 0,
        };
        let usable = account.filter(|account| failures < FAILURES_MAX && !is_closed(account));
        let stored = usable.and_then(|account| account.password.as_ref());
        Ok(self.parts.hasher.verify(password, stored).await?)
    }

    async fn note_failure(&self, account: &Account, visit: &Visit) -> Result<(), ReceptionError> {
        let now = self.now();
        self.record(account.id, SecurityEventKind::SignInFailed, visit).await?;
        if self.parts.failures.count(account.id, now).await? == FAILURES_MAX {
            self.record(account.id, SecurityEventKind::PasswordLocked, visit).await?;
            let cause = [account.id.to_string(), now.to_string()];
            let notice = Notice::PasswordLocked { at: now };
            self.tell(account, notice, &cause.each_ref().map(String::as_str)).await?;
        }
        Ok(())
    }

    /// A password that was changed meanwhile stays; a failure does not keep anybody out.
    async fn renew_hash(&self, account: &Account, password: &PlainPassword) {
        let renewed = async {
            let hash = self.parts.hasher.rehash(password).await?;
            let changed = Account { password: Some(hash), ..account.clone() };
            Ok::<_, ReceptionError>(self.parts.accounts.update(account, changed).await?)
        };
        if let Err(error) = renewed.await {
            tracing::warn!(%error, account_id = %account.id, "the password hash was not renewed");
        }
    }

    pub(super) async fn enter(
        &self,
        account: Arc<Account>,
        opening: Opening,
        visit: &Visit,
    ) -> Result<Entered, ReceptionError> {
        let Opening { life, known, by } = opening;
        let now = self.now();
        let failures = match by {
            Way::Password => self.parts.failures.clear(account.id).await?,
            Way::Elsewhere => 0,
        };
        let id = SessionId::generate(self.parts.clock.as_ref(), self.parts.entropy.as_ref());
        let refresh = RefreshToken::generate(id, self.parts.entropy.as_ref());
        let session = Session {
            device: visit.device,
            network: visit.network(),
            ..Session::begin(NewSession { id, account: account.id, life, token: refresh.digest() }, now)
        };
        let is_first = self.parts.sessions.list(account.id).await?.is_empty();
        self.parts.sessions.open(session.clone()).await?;
        self.record(account.id, SecurityEventKind::SignedIn, visit).await?;
        if (known.is_none() && !is_first) || failures >= SUSPICIOUS_FAILURES {
            let network = visit.network().map(|network| network.to_string());
            let notice = Notice::NewSignIn { at: now, device: visit.device.to_string(), network };
            self.tell(&account, notice, &[&id.to_string()]).await?;
        }
        let claims = DeviceClaims { account: account.id, session: known.unwrap_or(id) };
        let device = self.parts.tokens.issue_device(claims, now);
        let device = device.map_err(|_unwritable| ReceptionError::InvalidSession)?;
        let person = SignedIn { account, session };
        Ok(Entered { access: self.access(&person)?, person, refresh, device: Some(device) })
    }
}

pub(super) const fn is_closed(account: &Account) -> bool {
    matches!(account.state, AccountState::Closed { .. })
}

/// A device that has signed in before is counted by itself: strangers who guess do not lock it out.
fn guards(email: &EmailAddress, known: Option<SessionId>, visit: &Visit) -> Vec<(Guard, Subject)> {
    let email = email.expose();
    let block = Subject::address(visit.address).as_u128().to_string();
    match known {
        Some(device) => vec![(Guard::DeviceFailures, Subject::named(&[&device.to_string()]))],
        None => vec![
            (Guard::AccountFailures, Subject::named(&[email])),
            (Guard::PairFailures, Subject::named(&[email, &block])),
        ],
    }
}
