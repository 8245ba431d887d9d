//! Agreeing to the policies, when signing up and when they change.

use super::{Consent, Locale, Reception, ReceptionError, SignedIn, Visit};
use crate::auth::SecurityEventKind;
use crate::id::AccountId;
use crate::notify::PolicyKind;
use crate::policy::Policy;

impl Reception {
    /// What somebody agrees to who signs up now: the version in force of every policy.
    pub(super) fn consents(&self, account: AccountId, locale: Locale) -> Vec<Consent> {
        let now = self.now();
        let in_force = PolicyKind::ALL.into_iter().filter_map(|kind| self.parts.policies.in_force(kind, now));
        in_force.map(|policy| Consent::to(policy, (account, locale), now)).collect()
    }

    /// The versions in force that somebody who agreed to these has not agreed to.
    pub fn outstanding(&self, agreed: &[Consent]) -> Vec<&Policy> {
        let now = self.now();
        let is_agreed = |policy: &Policy| {
            agreed.iter().any(|own| own.kind == policy.kind && own.version == policy.version)
        };
        let in_force = PolicyKind::ALL.into_iter().filter_map(|kind| self.parts.policies.in_force(kind, now));
        in_force.filter(|policy| !is_agreed(policy)).collect()
    }

    /// A person agrees to a version of a policy: the one in force, or one that will be.
    ///
    /// # Errors
    /// [`ReceptionError::OutdatedPolicy`] for every other version, or what a store says.
    pub async fn agree(
        &self,
        person: &SignedIn,
        (kind, version, locale): (PolicyKind, &str, Locale),
        visit: &Visit,
    ) -> Result<Consent, ReceptionError> {
        let now = self.now();
        let policies = &self.parts.policies;
        let in_force = policies.in_force(kind, now).ok_or(ReceptionError::OutdatedPolicy)?;
        let policy = policies
            .find(kind, version)
            .filter(|policy| policy.effective_from >= in_force.effective_from)
            .ok_or(ReceptionError::OutdatedPolicy)?;
        let account = person.account.id;
        let consent = Consent::to(policy, (account, locale), now);
        let kept = self.parts.consents.agree(consent.clone()).await?;
        if kept == consent {
            self.record(account, SecurityEventKind::PolicyAccepted, visit).await?;
        }
        Ok(kept)
    }
}
