//! For those who forgot the password.

use super::{Account, EmailAddress, Reception, ReceptionError, Visit};
use crate::auth::{EndSessions, PasswordContext, SecurityEventKind, TicketPurpose, Which};
use crate::limit::{Guard, Subject};
use crate::notify::Notice;
use crate::secret::Secret;

impl Reception {
    /// Sends a link that sets a new password, if the address has an account. The answer is the
    /// same if not.
    ///
    /// # Errors
    /// What a store says.
    pub async fn forgot_password(&self, email: &EmailAddress, visit: &Visit) -> Result<(), ReceptionError> {
        let started = self.parts.clock.monotonic();
        let done = self.send_reset(email, visit).await;
        self.even_out(started).await;
        match done {
            Err(ReceptionError::Throttled { .. }) => Ok(()),
            done => done,
        }
    }

    /// Sets a new password with the token of a mail, and ends all sessions. The person signs in
    /// afterwards.
    ///
    /// # Errors
    /// [`ReceptionError::InvalidTicket`], [`ReceptionError::Password`] (the token stays valid),
    /// [`ReceptionError::Throttled`], [`ReceptionError::Hash`], or what a store says.
    pub async fn reset_password(
        &self,
        token: &str,
        password: &Secret<String>,
        visit: &Visit,
    ) -> Result<(), ReceptionError> {
        let ticket = self.redeem(token, TicketPurpose::ResetPassword, visit).await?;
        let account = self.parts.accounts.find(ticket.account).await?.ok_or(ReceptionError::InvalidTicket)?;
        if account.email != ticket.email {
            return Err(ReceptionError::InvalidTicket);
        }
        let context = PasswordContext { email: &account.email, name: account.name.as_deref() };
        let hash = match self.parts.rules.check(password.expose(), context) {
            Ok(password) => self.parts.hasher.hash(&password).await.map_err(ReceptionError::from),
            Err(fault) => Err(fault.into()),
        };
        let hash = match hash {
            Ok(hash) => hash,
            Err(error) => {
                // The person tries another password with the same link.
                self.parts.tickets.issue(ticket).await?;
                return Err(error);
            }
        };
        self.set_password(&account, hash, visit).await
    }

    async fn send_reset(&self, email: &EmailAddress, visit: &Visit) -> Result<(), ReceptionError> {
        self.count(Guard::Forgot, Subject::address(visit.address)).await?;
        self.count(Guard::ForgotRecipient, Subject::named(&[email.expose()])).await?;
        let Some(account) = self.parts.accounts.find_by_email(email).await? else { return Ok(()) };
        let purpose = TicketPurpose::ResetPassword;
        let (token, expires_at) = self.issue(account.id, purpose, account.email.clone()).await?;
        let token_in_link = token.to_link().ok_or(ReceptionError::InvalidTicket)?;
        let notice = Notice::ResetPassword { token: token_in_link, expires_at };
        self.tell(&account, notice, &[token.expose()]).await?;
        self.record(account.id, SecurityEventKind::PasswordResetAsked, visit).await
    }

    async fn set_password(
        &self,
        account: &Account,
        hash: Secret<String>,
        visit: &Visit,
    ) -> Result<(), ReceptionError> {
        let now = self.now();
        let id = account.id;
        let account = self
            .change(id, |account| Account {
                password: Some(hash.clone()),
                // The link came by mail: whoever used it owns the address.
                email_verified_at: account.email_verified_at.or(Some(now)),
                ..account.clone()
            })
            .await?;
        self.parts.sessions.end(EndSessions { account: id, which: Which::All }).await?;
        self.parts.tickets.revoke(id, Some(TicketPurpose::VerifyEmail)).await?;
        self.parts.tickets.revoke(id, Some(TicketPurpose::ConfirmEmail)).await?;
        self.parts.failures.clear(id).await?;
        self.record(id, SecurityEventKind::PasswordReset, visit).await?;
        let cause = [id.to_string(), now.to_string()];
        let notice = Notice::PasswordChanged { at: now };
        self.tell(&account, notice, &cause.each_ref().map(String::as_str)).await
    }
}
