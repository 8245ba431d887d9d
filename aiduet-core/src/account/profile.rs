//! What a person changes of the own account.

use super::reception::Letter;
use super::{Account, AccountError, EmailAddress, Locale, Reception, ReceptionError, SignedIn, Visit};
use crate::auth::{EndSessions, PasswordContext, SecurityEventKind, TicketPurpose, Which};
use crate::limit::{Guard, Subject};
use crate::notify::{MaskedAddress, Notice, NoticeChoices};
use crate::secret::Secret;

/// What is to be different; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// The display name, or none.
    pub name: Option<Option<String>>,
    /// The language.
    pub locale: Option<Locale>,
    /// Which mails are wanted.
    pub choices: Option<NoticeChoices>,
}

impl Reception {
    /// Changes name, language and which mails are wanted.
    ///
    /// # Errors
    /// What a store says.
    pub async fn change_profile(
        &self,
        person: &SignedIn,
        change: ProfileChange,
        visit: &Visit,
    ) -> Result<Account, ReceptionError> {
        let ProfileChange { name, locale, choices } = change;
        let account = self
            .change(person.account.id, |account| Account {
                name: name.clone().unwrap_or_else(|| account.name.clone()),
                locale: locale.unwrap_or(account.locale),
                choices: choices.unwrap_or(account.choices),
                ..account.clone()
            })
            .await?;
        self.record(account.id, SecurityEventKind::ProfileUpdated, visit).await?;
        Ok(account)
    }

    /// Sets a new password and ends the other sessions.
    ///
    /// # Errors
    /// [`ReceptionError::Password`], [`ReceptionError::Hash`], or what a store says.
    pub async fn change_password(
        &self,
        person: &SignedIn,
        password: &Secret<String>,
        visit: &Visit,
    ) -> Result<(), ReceptionError> {
        let SignedIn { account, session } = person;
        let context = PasswordContext { email: &account.email, name: account.name.as_deref() };
        let password = self.parts.rules.check(password.expose(), context)?;
        let hash = self.parts.hasher.hash(&password).await?;
        let changed =
            self.change(account.id, |account| Account { password: Some(hash.clone()), ..account.clone() });
        let changed = changed.await?;
        self.end_sessions(person, Which::Others(session.id)).await?;
        self.parts.tickets.revoke(account.id, Some(TicketPurpose::ResetPassword)).await?;
        self.parts.failures.clear(account.id).await?;
        self.record(account.id, SecurityEventKind::PasswordChanged, visit).await?;
        let now = self.now();
        let cause = [account.id.to_string(), now.to_string()];
        let notice = Notice::PasswordChanged { at: now };
        self.tell(&changed, notice, &cause.each_ref().map(String::as_str)).await
    }

    /// Sends a link to a new address, which becomes that of the account when the link is used. When
    /// it has an account already, its owner is told, and the answer is the same.
    ///
    /// # Errors
    /// What a store says.
    pub async fn change_email(&self, person: &SignedIn, email: EmailAddress) -> Result<(), ReceptionError> {
        let started = self.parts.clock.monotonic();
        let done = self.send_confirmation(&person.account, email).await;
        self.even_out(started).await;
        match done {
            Err(ReceptionError::Throttled { .. }) => Ok(()),
            done => done,
        }
    }

    /// Makes an address that of the account, with the token of a mail to it. A link that takes the
    /// change back goes to the address of before.
    ///
    /// # Errors
    /// [`ReceptionError::InvalidTicket`], also when somebody else has the address meanwhile;
    /// [`ReceptionError::Throttled`], or what a store says.
    pub async fn confirm_email(&self, token: &str, visit: &Visit) -> Result<(), ReceptionError> {
        let ticket = self.redeem(token, TicketPurpose::ConfirmEmail, visit).await?;
        let before = self.parts.accounts.find(ticket.account).await?.ok_or(ReceptionError::InvalidTicket)?;
        let account = self.move_to(&before, &ticket.email).await?;
        let old = before.email.clone();
        let (token, expires_at) = self.issue(account.id, TicketPurpose::UndoEmail, old.clone()).await?;
        let token_in_link = token.to_link().ok_or(ReceptionError::InvalidTicket)?;
        let new_address = MaskedAddress::of(&account.email);
        let at = self.now();
        let notice = Notice::EmailChanged { new_address, token: token_in_link, expires_at, at };
        self.send(&account, Letter { to: old, notice }, &[token.expose()]).await?;
        self.parts.tickets.revoke(account.id, Some(TicketPurpose::ResetPassword)).await?;
        self.record(account.id, SecurityEventKind::EmailChanged, visit).await
    }

    /// Takes a change of the address back, with the token of the mail to the address of before, and
    /// ends all sessions.
    ///
    /// # Errors
    /// Those of [`confirm_email`](Self::confirm_email).
    pub async fn undo_email(&self, token: &str, visit: &Visit) -> Result<(), ReceptionError> {
        let ticket = self.redeem(token, TicketPurpose::UndoEmail, visit).await?;
        let before = self.parts.accounts.find(ticket.account).await?.ok_or(ReceptionError::InvalidTicket)?;
        let account = self.move_to(&before, &ticket.email).await?;
        self.parts.sessions.end(EndSessions { account: account.id, which: Which::All }).await?;
        self.parts.tickets.revoke(account.id, None).await?;
        self.record(account.id, SecurityEventKind::EmailRestored, visit).await
    }

    async fn send_confirmation(&self, account: &Account, email: EmailAddress) -> Result<(), ReceptionError> {
        self.count(Guard::Verify, Subject::named(&[email.expose()])).await?;
        if let Some(owner) = self.parts.accounts.find_by_email(&email).await? {
            let at = self.now();
            let cause = [owner.id.to_string(), at.to_string()];
            let notice = Notice::AlreadyRegistered { at };
            return self.tell(&owner, notice, &cause.each_ref().map(String::as_str)).await;
        }
        let (token, expires_at) = self.issue(account.id, TicketPurpose::ConfirmEmail, email.clone()).await?;
        let token_in_link = token.to_link().ok_or(ReceptionError::InvalidTicket)?;
        let notice = Notice::ConfirmEmail { token: token_in_link, expires_at };
        self.send(account, Letter { to: email, notice }, &[token.expose()]).await
    }

    async fn move_to(&self, account: &Account, email: &EmailAddress) -> Result<Account, ReceptionError> {
        let now = self.now();
        let moved = self.change(account.id, |account| Account {
            email: email.clone(),
            email_verified_at: Some(now),
            ..account.clone()
        });
        match moved.await {
            Err(ReceptionError::Account(AccountError::EmailTaken)) => Err(ReceptionError::InvalidTicket),
            moved => moved,
        }
    }
}
