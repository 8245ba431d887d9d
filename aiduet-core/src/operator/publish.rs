//! Policies as operators publish them.

use super::office::Deed;
use super::{Act, Office, OfficeError};
use crate::audit::{AuditAction, AuditSubject};
use crate::notify::PolicyKind;
use crate::policy::{NOTICE_PERIOD, Policies, Policy, Publication, PublicationError};

/// So many publications are looked at.
const PUBLICATIONS: u32 = 1_000;

/// A version that an operator wants to publish.
#[derive(Clone, Debug)]
pub struct PublishWish {
    /// Which policy.
    pub kind: PolicyKind,
    /// The version, such as `2026-12-26`.
    pub version: String,
    /// What it does to people.
    pub effect: Effect,
}

/// What a version does to people, compared with the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// It may take something from them: they are told 30 days ahead.
    #[default]
    Adverse,
    /// It takes nothing from anybody.
    Harmless,
}

/// A version of the library, and what became of it here.
#[derive(Clone, Debug)]
pub struct PolicyFile {
    /// The version.
    pub policy: Policy,
    /// Its publication, if it was published.
    pub publication: Option<Publication>,
    /// How many people have been told of it.
    pub told: u64,
}

impl Office {
    /// Publishes a version of the library: from then on people are told of it until it is in force.
    ///
    /// # Errors
    /// [`OfficeError::ReasonRequired`]; [`OfficeError::Publication`] when there is no such version,
    /// when it was published with another text, and when it comes into force too soon; or what a store
    /// says.
    pub async fn publish(
        &self,
        act: &Act,
        policies: &Policies,
        wish: PublishWish,
    ) -> Result<Publication, OfficeError> {
        act.with_reason()?;
        let PublishWish { kind, version, effect } = wish;
        let policy = policies.find(kind, &version).ok_or(PublicationError::NotFound)?;
        let now = self.parts.clock.now();
        let publication = Publication::of(policy, act.actor.clone(), now);
        let published = self.parts.publications.list(PUBLICATIONS).await?;
        let is_known = published.iter().any(|known| known.is_same(&publication));
        let takes_something = effect == Effect::Adverse && policies.before(policy).is_some();
        if takes_something && !is_known && policy.effective_from < now.plus(NOTICE_PERIOD) {
            return Err(PublicationError::TooSoon.into());
        }
        let subject = AuditSubject::policy(kind, policy.version).ok();
        self.note(act, AuditAction::PolicyPublished, Deed { subject, ..Deed::default() }).await?;
        Ok(self.parts.publications.publish(publication).await?)
    }

    /// Every version of the library, of each kind the newest first, and what became of it here.
    ///
    /// # Errors
    /// What a store says.
    pub async fn policies(&self, act: &Act, policies: &Policies) -> Result<Vec<PolicyFile>, OfficeError> {
        self.note(act, AuditAction::PoliciesListed, Deed::default()).await?;
        let published = self.parts.publications.list(PUBLICATIONS).await?;
        let mut files = Vec::new();
        for policy in PolicyKind::ALL.into_iter().flat_map(|kind| policies.versions(kind)) {
            let is_it = |known: &&Publication| known.kind == policy.kind && known.version == policy.version;
            let told = self.parts.publications.progress(&policy.name()).await?.told;
            let publication = published.iter().find(is_it).cloned();
            files.push(PolicyFile { policy: policy.clone(), publication, told });
        }
        Ok(files)
    }
}
