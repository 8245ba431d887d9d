//! Signing up, and confirming the address.

use super::{
    Account, AccountError, AccountState, EmailAddress, Locale, Reception, ReceptionError, Role, Visit,
};
use crate::auth::{PasswordContext, SecurityEventKind, TicketPurpose};
use crate::id::AccountId;
use crate::limit::{Guard, Subject};
use crate::notify::{Notice, NoticeChoices};
use crate::secret::Secret;

/// What a person signs up with, who agrees to the policies in force.
#[derive(Clone, Copy, Debug)]
pub struct Registration<'a> {
    /// Where mails go.
    pub email: &'a EmailAddress,
    /// The password as it was typed.
    pub password: &'a Secret<String>,
    /// A display name.
    pub name: Option<&'a str>,
    /// The language of mails.
    pub locale: Locale,
}

impl Reception {
    /// Signs a person up: the rest is in the mail. When the address has an account already, its
    /// owner is told, and the answer is the same.
    ///
    /// # Errors
    /// [`ReceptionError::Password`], [`ReceptionError::Throttled`], [`ReceptionError::Hash`],
    /// What a store says.
    pub async fn register(&self, person: Registration<'_>, visit: &Visit) -> Result<(), ReceptionError> {
        let started = self.parts.clock.monotonic();
        self.count(Guard::Register, Subject::address(visit.address)).await?;
        self.count(Guard::RegisterNetwork, Subject::network(visit.address)).await?;
        let context = PasswordContext { email: person.email, name: person.name };
        let password = self.parts.rules.check(person.password.expose(), context)?;
        let hash = self.parts.hasher.hash(&password).await?;
        let done = match self.parts.accounts.find_by_email(person.email).await? {
            Some(account) if account.email_verified_at.is_some() => self.already_registered(&account).await,
            // Nobody has proved to own the address, so the last who asks gets it if the mail is answered.
            Some(account) => self.register_again(account.id, person, hash).await,
            None => self.register_anew(person, hash, visit).await,
        };
        self.even_out(started).await;
        done
    }

    /// Confirms an address with the token of a mail.
    ///
    /// # Errors
    /// [`ReceptionError::InvalidTicket`], [`ReceptionError::Throttled`],
    /// What a store says.
    pub async fn verify_email(&self, token: &str, visit: &Visit) -> Result<(), ReceptionError> {
        let ticket = self.redeem(token, TicketPurpose::VerifyEmail, visit).await?;
        let now = self.now();
        let account = self
            .change(ticket.account, |account| {
                let proves = account.email == ticket.email;
                let verified = account.email_verified_at.or(Some(now).filter(|_now| proves));
                Account { email_verified_at: verified, ..account.clone() }
            })
            .await?;
        if account.email != ticket.email {
            return Err(ReceptionError::InvalidTicket);
        }
        self.record(account.id, SecurityEventKind::EmailVerified, visit).await
    }

    /// Sends the mail once more; without effect, and with the same answer, when there is nothing to
    /// confirm.
    ///
    /// # Errors
    /// [`ReceptionError::Throttled`], or what a store says.
    pub async fn resend_verification(
        &self,
        email: &EmailAddress,
        visit: &Visit,
    ) -> Result<(), ReceptionError> {
        let started = self.parts.clock.monotonic();
        self.count(Guard::Ticket, Subject::address(visit.address)).await?;
        let done = match self.parts.accounts.find_by_email(email).await? {
            Some(account) if account.email_verified_at.is_none() => self.send_verification(&account).await,
            Some(_) | None => Ok(()),
        };
        self.even_out(started).await;
        done
    }

    async fn register_anew(
        &self,
        person: Registration<'_>,
        hash: Secret<String>,
        visit: &Visit,
    ) -> Result<(), ReceptionError> {
        let account = Account {
            id: AccountId::generate(self.parts.clock.as_ref(), self.parts.entropy.as_ref()),
            email: person.email.clone(),
            email_verified_at: None,
            password: Some(hash),
            name: person.name.map(str::to_owned),
            locale: person.locale,
            choices: NoticeChoices::default(),
            role: Role::User,
            state: AccountState::Active,
            created_at: self.now(),
        };
        let consents = self.consents(account.id, account.locale);
        match self.parts.accounts.insert(account.clone(), &consents).await {
            Ok(()) => {}
            // Somebody registered the same address at the same moment: one mail is enough.
            Err(AccountError::EmailTaken) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        self.record(account.id, SecurityEventKind::AccountCreated, visit).await?;
        self.send_verification(&account).await
    }

    async fn register_again(
        &self,
        id: AccountId,
        person: Registration<'_>,
        hash: Secret<String>,
    ) -> Result<(), ReceptionError> {
        for consent in self.consents(id, person.locale) {
            self.parts.consents.agree(consent).await?;
        }
        let name = person.name.map(str::to_owned);
        let account = self
            .change(id, |account| match account.email_verified_at {
                Some(_) => account.clone(),
                None => Account {
                    password: Some(hash.clone()),
                    name: name.clone(),
                    locale: person.locale,
                    ..account.clone()
                },
            })
            .await?;
        self.send_verification(&account).await
    }

    async fn send_verification(&self, account: &Account) -> Result<(), ReceptionError> {
        if self.is_mailed_enough(&account.email).await? {
            return Ok(());
        }
        let email = account.email.clone();
        let (token, expires_at) = self.issue(account.id, TicketPurpose::VerifyEmail, email).await?;
        let token_in_link = token.to_link().ok_or(ReceptionError::InvalidTicket)?;
        let notice = Notice::VerifyEmail { token: token_in_link, expires_at };
        self.tell(account, notice, &[token.expose()]).await
    }

    async fn already_registered(&self, account: &Account) -> Result<(), ReceptionError> {
        if self.is_mailed_enough(&account.email).await? {
            return Ok(());
        }
        let at = self.now();
        self.tell(account, Notice::AlreadyRegistered { at }, &[&account.id.to_string(), &at.to_string()])
            .await
    }

    /// Strangers cannot make us fill a mailbox.
    async fn is_mailed_enough(&self, email: &EmailAddress) -> Result<bool, ReceptionError> {
        match self.count(Guard::Verify, Subject::named(&[email.expose()])).await {
            Ok(()) => Ok(false),
            Err(ReceptionError::Throttled { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }
}
