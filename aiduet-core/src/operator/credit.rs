//! Credit that operators grant: alone up to a sum, together above it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::decide::{Consent, entry_of};
use super::matter::GrantTerms;
use super::office::{Deed, open};
use super::{Act, Approval, Matter, Office, OfficeError};
use crate::audit::{AuditAction, AuditSearch, Audited};
use crate::clock::Timestamp;
use crate::id::{AccountId, TransferId, derive};
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
        act.with_reason()?;
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
                let terms = GrantTerms { transfer, account, amount, expires_at };
                let asked = self.ask(act, transfer.as_uuid(), Matter::Credit(terms)).await?;
                Ok(Credited::Asked(Box::new(asked)))
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

    /// Books a grant; the ledger does so once.
    pub(super) async fn post(&self, grant: Grant) -> Result<(), OfficeError> {
        let Grant { transfer, account, amount, expires_at, external } = grant;
        let external = Some(external.parse().map_err(|_invalid| crate::ledger::LedgerError::Conflict)?);
        let at = self.parts.clock.now();
        let promotion = Promotion { id: transfer, account, amount, external, expires_at, at };
        Ok(self.parts.ledger.post(vec![Entry::grant(promotion)]).await?)
    }
}

/// A grant that is to be booked.
pub(super) struct Grant {
    pub(super) transfer: TransferId,
    pub(super) account: AccountId,
    pub(super) amount: Money,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) external: String,
}
