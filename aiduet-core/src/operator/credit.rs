//! Credit that operators grant: alone up to a sum, together above it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::office::{Deed, open};
use super::{Act, Approval, ApprovalPage, ApprovalState, Decision, Office, OfficeError, Verdict};
use crate::audit::{AuditAction, AuditSearch, Audited};
use crate::clock::Timestamp;
use crate::id::{AccountId, ApprovalId, AuditEntryId, TransferId, derive};
use crate::ledger::{Entry, Promotion};
use crate::money::Money;

/// What an account is granted above this sum within a day needs two operators: 100 USD.
pub const TWO_PERSONS_ABOVE: Money = Money::from_nanos(100_000_000_000);

const DAY: Duration = Duration::from_hours(24);
/// So many grants of a day are counted; with more of them two operators are needed in any case.
const GRANTS_MAX: u32 = 100;

/// Credit that an operator wants to grant.
#[derive(Clone, Debug)]
pub struct CreditWish {
    /// Who is to get it.
    pub account: AccountId,
    /// How much; above zero.
    pub amount: Money,
    /// When the rest lapses.
    pub expires_at: Option<Timestamp>,
    /// A name of the grant, chosen by who asks: the same name grants once only.
    pub name: String,
    /// Who must agree.
    pub consent: Consent,
}

/// Who must agree to a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// A second operator, when it is a large one.
    Usual,
    /// Nobody: somebody at the host breaks the glass, and the audit log says so.
    BrokenGlass,
}

/// What came of a wish.
#[derive(Clone, Debug)]
pub enum Credited {
    /// The credit is there.
    Granted {
        /// The posting.
        transfer: TransferId,
    },
    /// A second operator must agree.
    Asked(Box<Approval>),
}

impl Office {
    /// Grants credit, or asks a second operator for it.
    ///
    /// # Errors
    /// [`OfficeError::ReasonRequired`], [`OfficeError::Amount`], [`OfficeError::NotFound`],
    /// [`OfficeError::OwnAccount`], [`OfficeError::Closed`]; [`OfficeError::Ledger`] and
    /// [`OfficeError::Approval`] with a conflict when the name stands for another grant; or what a
    /// store says.
    pub async fn credit(&self, act: &Act, wish: CreditWish) -> Result<Credited, OfficeError> {
        let reason = act.with_reason()?.clone();
        act.for_another(wish.account)?;
        if wish.amount <= Money::ZERO {
            return Err(OfficeError::Amount);
        }
        open(&*self.account(wish.account).await?)?;
        let CreditWish { account, amount, expires_at, name, consent } = wish;
        let transfer = TransferId::from_uuid(derive(account.as_uuid(), &format!("credit:{name}")));
        let grant = Grant { transfer, account, amount, expires_at, external: format!("operator:{name}") };
        match consent {
            Consent::BrokenGlass => self.grant(act, AuditAction::CreditForced, grant).await,
            Consent::Usual if self.needs_two(&grant).await? => {
                let (clock, entropy) = (self.parts.clock.as_ref(), self.parts.entropy.as_ref());
                let asked = Approval {
                    id: ApprovalId::generate(clock, entropy),
                    transfer,
                    account,
                    amount,
                    expires_at,
                    reason,
                    asked_by: act.actor.clone(),
                    asked_at: clock.now(),
                    state: ApprovalState::Waiting,
                };
                self.ask(act, asked).await
            }
            Consent::Usual => self.grant(act, AuditAction::CreditGranted, grant).await,
        }
    }

    /// Writes that credit is about to be given back to the cards that paid for it.
    ///
    /// # Errors
    /// [`OfficeError::ReasonRequired`], [`OfficeError::NotFound`], [`OfficeError::OwnAccount`], or
    /// [`OfficeError::Audit`]: then it must not be given back.
    pub async fn note_refund(&self, act: &Act, id: AccountId, amount: Money) -> Result<(), OfficeError> {
        act.with_reason()?;
        act.for_another(id)?;
        self.account(id).await?;
        let deed = Deed { subject: Some(id.into()), amount: Some(amount), ..Deed::default() };
        self.note(act, AuditAction::CreditRefunded, deed).await.map(drop)
    }

    /// What waits for a second operator and what came of it, newest first.
    ///
    /// # Errors
    /// What a store says.
    pub async fn approvals(&self, act: &Act, page: ApprovalPage) -> Result<Vec<Approval>, OfficeError> {
        self.note(act, AuditAction::ApprovalsListed, Deed::default()).await?;
        Ok(self.parts.approvals.list(page).await?)
    }

    /// Grants what another operator asked for. When it was granted and the process died, the same
    /// operator does it again.
    ///
    /// # Errors
    /// [`OfficeError::Approval`], [`OfficeError::OwnAccount`], or what a store says.
    pub async fn approve(&self, act: &Act, id: ApprovalId) -> Result<Approval, OfficeError> {
        let asked = self.asked(id).await?;
        act.for_another(asked.account)?;
        open(&*self.account(asked.account).await?)?;
        let decision = self.decision(act, id, Verdict::Granted);
        asked.clone().decided(&decision)?;
        self.note(act, AuditAction::CreditApproved, decided(act, &asked, "granted")).await?;
        let granted = self.parts.approvals.decide(decision).await?;
        self.post(Grant {
            transfer: granted.transfer,
            account: granted.account,
            amount: granted.amount,
            expires_at: granted.expires_at,
            external: format!("approval:{}", id.as_uuid().simple()),
        })
        .await?;
        Ok(granted)
    }

    /// Refuses what another operator asked for, or takes back what the same one did.
    ///
    /// # Errors
    /// [`OfficeError::Approval`], or what a store says.
    pub async fn refuse(&self, act: &Act, id: ApprovalId) -> Result<Approval, OfficeError> {
        let asked = self.asked(id).await?;
        let decision = self.decision(act, id, Verdict::Refused);
        asked.clone().decided(&decision)?;
        self.note(act, AuditAction::CreditRefused, decided(act, &asked, "refused")).await?;
        Ok(self.parts.approvals.decide(decision).await?)
    }

    async fn asked(&self, id: ApprovalId) -> Result<Approval, OfficeError> {
        let found = self.parts.approvals.find(id).await?;
        Ok(found.ok_or(super::ApprovalError::NotFound { id })?)
    }

    fn decision(&self, act: &Act, id: ApprovalId, verdict: Verdict) -> Decision {
        Decision { id, verdict, by: act.actor.clone(), at: self.parts.clock.now() }
    }

    /// Whether this account was granted so much within a day, by whomever, that one operator is not
    /// enough: a large grant is not cut into small ones.
    async fn needs_two(&self, grant: &Grant) -> Result<bool, OfficeError> {
        let search = AuditSearch {
            action: Some(AuditAction::CreditGranted),
            subject: Some(grant.account.into()),
            since: Some(self.parts.clock.now().minus(DAY)),
            limit: GRANTS_MAX,
            ..AuditSearch::default()
        };
        let granted = self.parts.audit_log.search(search).await?;
        let itself = Some(grant.transfer.into());
        let is_repeated = granted
            .iter()
            .any(|Audited { entry, .. }| entry.reference == itself && entry.amount == Some(grant.amount));
        // One posting counts once, whatever else was asked for in its name and refused.
        let mut others = BTreeMap::<String, i64>::new();
        for Audited { entry, .. } in &granted {
            let name = entry.reference.as_ref().map(ToString::to_string).unwrap_or_default();
            let most = others.entry(name).or_default();
            *most = entry.amount.map_or(0, Money::nanos).max(*most);
        }
        let sum = others.into_values().fold(grant.amount.nanos(), i64::saturating_add);
        let is_large = sum > TWO_PERSONS_ABOVE.nanos() || granted.len() >= GRANTS_MAX as usize;
        Ok(is_large && !is_repeated)
    }

    async fn grant(&self, act: &Act, action: AuditAction, grant: Grant) -> Result<Credited, OfficeError> {
        let transfer = grant.transfer;
        let deed = Deed {
            id: Some(entry_of(act, transfer.as_uuid(), &format!("{}:{}", action.as_str(), grant.amount))),
            subject: Some(grant.account.into()),
            reference: Some(transfer.into()),
            amount: Some(grant.amount),
        };
        self.note(act, action, deed).await?;
        self.post(grant).await?;
        Ok(Credited::Granted { transfer })
    }

    async fn ask(&self, act: &Act, asked: Approval) -> Result<Credited, OfficeError> {
        let deed = Deed {
            id: Some(entry_of(act, asked.transfer.as_uuid(), &format!("asked:{}", asked.amount))),
            subject: Some(asked.account.into()),
            reference: Some(asked.transfer.into()),
            amount: Some(asked.amount),
        };
        self.note(act, AuditAction::CreditRequested, deed).await?;
        Ok(Credited::Asked(Box::new(self.parts.approvals.ask(asked).await?)))
    }

    /// Books a grant; the ledger does so once.
    async fn post(&self, grant: Grant) -> Result<(), OfficeError> {
        let Grant { transfer, account, amount, expires_at, external } = grant;
        let external = Some(external.parse().map_err(|_invalid| crate::ledger::LedgerError::Conflict)?);
        let at = self.parts.clock.now();
        let promotion = Promotion { id: transfer, account, amount, external, expires_at, at };
        Ok(self.parts.ledger.post(vec![Entry::grant(promotion)]).await?)
    }
}

/// A grant that is to be booked.
struct Grant {
    transfer: TransferId,
    account: AccountId,
    amount: Money,
    expires_at: Option<Timestamp>,
    external: String,
}

/// What is written of a decision, once.
fn decided(act: &Act, asked: &Approval, label: &str) -> Deed {
    Deed {
        id: Some(entry_of(act, asked.id.as_uuid(), label)),
        subject: Some(asked.account.into()),
        reference: Some(asked.transfer.into()),
        amount: Some(asked.amount),
    }
}

/// The entry of what somebody does about a cause: done again it is the same.
fn entry_of(act: &Act, cause: uuid::Uuid, label: &str) -> AuditEntryId {
    AuditEntryId::from_uuid(derive(cause, &format!("audit:{label}:{}", act.actor)))
}
