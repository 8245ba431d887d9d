//! What one operator asks for and another one decides.

use super::credit::Grant;
use super::matter::GrantTerms;
use super::office::{Deed, open};
use super::{Act, Approval, ApprovalPage, ApprovalState, Decision, Matter, Office, OfficeError, Verdict};
use crate::audit::AuditAction;
use crate::id::{ApprovalId, AuditEntryId, derive};
use crate::policy::Policies;

/// Who must agree to what an operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// A second operator, where two are needed.
    Usual,
    /// Nobody: somebody at the host breaks the glass, and the audit log says so.
    BrokenGlass,
}

impl Office {
    /// What waits for a second operator and what came of it, newest first.
    ///
    /// # Errors
    /// What a store says.
    pub async fn approvals(&self, act: &Act, page: ApprovalPage) -> Result<Vec<Approval>, OfficeError> {
        self.note(act, AuditAction::ApprovalsListed, Deed::default()).await?;
        Ok(self.parts.approvals.list(page).await?)
    }

    /// Grants what another operator asked for, and does it. When it was granted and the process died,
    /// the same operator does it again.
    ///
    /// # Errors
    /// [`OfficeError::Approval`], [`OfficeError::OwnAccount`]; [`OfficeError::Closed`],
    /// [`OfficeError::Publication`], [`OfficeError::Edition`], [`OfficeError::Prices`] when it cannot be done
    /// any more; or what a store says.
    pub async fn approve(
        &self,
        act: &Act,
        policies: &Policies,
        id: ApprovalId,
    ) -> Result<Approval, OfficeError> {
        let asked = self.asked(id).await?;
        self.check(act, policies, &asked.matter).await?;
        let decision = self.decision(act, id, Verdict::Granted);
        asked.clone().decided(&decision)?;
        let [_asked, approved, _refused] = asked.matter.actions();
        self.note(act, approved, deed_of(act, &asked, "granted")).await?;
        let granted = self.parts.approvals.decide(decision).await?;
        self.carry_out(act, policies, &granted).await?;
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
        let [_asked, _approved, refused] = asked.matter.actions();
        self.note(act, refused, deed_of(act, &asked, "refused")).await?;
        Ok(self.parts.approvals.decide(decision).await?)
    }

    /// Asks a second operator.
    pub(super) async fn ask(
        &self,
        act: &Act,
        name: uuid::Uuid,
        matter: Matter,
    ) -> Result<Approval, OfficeError> {
        let (clock, entropy) = (self.parts.clock.as_ref(), self.parts.entropy.as_ref());
        let asked = Approval {
            id: ApprovalId::generate(clock, entropy),
            name,
            matter,
            reason: act.with_reason()?.clone(),
            asked_by: act.actor.clone(),
            asked_at: clock.now(),
            state: ApprovalState::Waiting,
        };
        let [action, _approved, _refused] = asked.matter.actions();
        let label = match asked.matter.amount() {
            Some(amount) => format!("asked:{amount}"),
            None => "asked".to_owned(),
        };
        self.note(act, action, deed_of(act, &asked, &label)).await?;
        Ok(self.parts.approvals.ask(asked).await?)
    }

    async fn asked(&self, id: ApprovalId) -> Result<Approval, OfficeError> {
        let found = self.parts.approvals.find(id).await?;
        Ok(found.ok_or(super::ApprovalError::NotFound { id })?)
    }

    fn decision(&self, act: &Act, id: ApprovalId, verdict: Verdict) -> Decision {
        Decision { id, verdict, by: act.actor.clone(), at: self.parts.clock.now() }
    }

    /// Whether it can still be done, and by this operator.
    async fn check(&self, act: &Act, policies: &Policies, matter: &Matter) -> Result<(), OfficeError> {
        match matter {
            Matter::Credit(GrantTerms { account, .. }) => {
                act.for_another(*account)?;
                open(&*self.account(*account).await?)
            }
            Matter::Publication(edition) => self.check_edition(policies, edition).await.map(drop),
            Matter::Prices(decision) => self.check_prices(decision).await.map(drop),
            Matter::Erasure { account } => self.check_erasure(act, *account).await,
        }
    }

    async fn carry_out(&self, act: &Act, policies: &Policies, granted: &Approval) -> Result<(), OfficeError> {
        match &granted.matter {
            Matter::Credit(GrantTerms { transfer, account, amount, expires_at }) => {
                let external = format!("approval:{}", granted.id.as_uuid().simple());
                let (transfer, account) = (*transfer, *account);
                let (amount, expires_at) = (*amount, *expires_at);
                self.post(Grant { transfer, account, amount, expires_at, external }).await
            }
            Matter::Publication(edition) => self.bring_out(act, policies, edition).await.map(drop),
            Matter::Prices(decision) => self.change_prices(act, decision).await.map(drop),
            Matter::Erasure { account } => self.order_erasure(*account).await.map(drop),
        }
    }
}

/// What is written about something that two decide, once for each step and operator.
fn deed_of(act: &Act, asked: &Approval, label: &str) -> Deed {
    let Approval { id, name, matter, .. } = asked;
    // Asked again under one name it is one request, which has the identifier of the first time.
    let cause = if label.starts_with("asked") { *name } else { id.as_uuid() };
    let (subject, reference, amount) = (matter.subject(), matter.reference(), matter.amount());
    Deed { id: Some(entry_of(act, cause, label)), subject, reference, amount }
}

/// The entry of what somebody does about a cause: done again it is the same.
pub(super) fn entry_of(act: &Act, cause: uuid::Uuid, label: &str) -> AuditEntryId {
    AuditEntryId::from_uuid(derive(cause, &format!("audit:{label}:{}", act.actor)))
}
