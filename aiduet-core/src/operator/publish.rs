//! Policies as operators publish them.

use super::decide::Consent;
use super::office::Deed;
use super::{Act, Approval, Matter, Office, OfficeError};
use crate::audit::{AuditAction, AuditActor, AuditSubject};
use crate::id::derive;
use crate::notify::PolicyKind;
use crate::policy::{NOTICE_PERIOD, Policies, Policy, Publication, PublicationError};

/// So many publications are looked at.
const PUBLICATIONS: u32 = 1_000;

/// A version of a policy that is to come out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition {
    /// Which policy.
    pub kind: PolicyKind,
    /// The version, such as `2026-12-26`.
    pub version: String,
    /// What it does to people.
    pub effect: Effect,
}

impl Edition {
    /// For example `privacy/2026-12-26`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.kind.as_str(), self.version)
    }

    /// How the audit log calls it.
    pub(super) fn subject(&self) -> Option<AuditSubject> {
        AuditSubject::policy(self.kind, &self.version).ok()
    }
}

/// A version that an operator wants to publish.
#[derive(Clone, Debug)]
pub struct PublishWish {
    /// Which.
    pub edition: Edition,
    /// A name of the wish, chosen by who asks: the same name asks once only.
    pub name: String,
    /// Who must agree.
    pub consent: Consent,
}

/// What came of a wish.
#[derive(Clone, Debug)]
pub enum Published {
    /// The version is published, or was before.
    Out(Publication),
    /// A second operator must agree.
    Asked(Box<Approval>),
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

impl Effect {
    /// The code in tables and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Adverse => "adverse",
            Self::Harmless => "harmless",
        }
    }

    /// The effect with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Adverse, Self::Harmless].into_iter().find(|effect| effect.as_str() == code)
    }
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
    /// Asks a second operator to publish a version of the library: from then on people are told of it
    /// until it is in force. What is published already is not asked for.
    ///
    /// # Errors
    /// [`OfficeError::ReasonRequired`]; [`OfficeError::Publication`] when there is no such version,
    /// when it was published with another text, and when it comes into force too soon;
    /// [`OfficeError::Approval`] with a conflict when the name stands for another wish; or what a store
    /// says.
    pub async fn publish(
        &self,
        act: &Act,
        policies: &Policies,
        wish: PublishWish,
    ) -> Result<Published, OfficeError> {
        act.with_reason()?;
        let PublishWish { edition, name, consent } = wish;
        let known = self.check_edition(policies, &edition).await?;
        match (known, consent) {
            (Some(known), _) => {
                let deed = Deed { subject: edition.subject(), ..Deed::default() };
                self.note(act, AuditAction::PolicyRequested, deed).await?;
                Ok(Published::Out(known))
            }
            (None, Consent::Usual) => {
                let name = derive(uuid::Uuid::nil(), &format!("publish:{}:{name}", edition.name()));
                let asked = self.ask(act, name, Matter::Publication(edition)).await?;
                Ok(Published::Asked(Box::new(asked)))
            }
            (None, Consent::BrokenGlass) => {
                let deed = Deed { subject: edition.subject(), ..Deed::default() };
                self.note(act, AuditAction::PolicyForced, deed).await?;
                Ok(Published::Out(self.bring_out(act, policies, &edition).await?))
            }
        }
    }

    /// Whether a version may come out now; its publication if it is out.
    pub(super) async fn check_edition(
        &self,
        policies: &Policies,
        edition: &Edition,
    ) -> Result<Option<Publication>, OfficeError> {
        let policy = policies.find(edition.kind, &edition.version).ok_or(PublicationError::NotFound)?;
        let now = self.parts.clock.now();
        let wanted = Publication::of(policy, AuditActor::System, now);
        let published = self.parts.publications.list(PUBLICATIONS).await?;
        let is_it = |known: &Publication| known.kind == wanted.kind && known.version == wanted.version;
        match published.into_iter().find(is_it) {
            Some(known) if known.is_same(&wanted) => return Ok(Some(known)),
            Some(_other_text) => return Err(PublicationError::Conflict.into()),
            None => {}
        }
        let takes_something = edition.effect == Effect::Adverse && policies.before(policy).is_some();
        if takes_something && policy.effective_from < now.plus(NOTICE_PERIOD) {
            return Err(PublicationError::TooSoon.into());
        }
        Ok(None)
    }

    /// Publishes a version; again it is the same publication.
    pub(super) async fn bring_out(
        &self,
        act: &Act,
        policies: &Policies,
        edition: &Edition,
    ) -> Result<Publication, OfficeError> {
        let policy = policies.find(edition.kind, &edition.version).ok_or(PublicationError::NotFound)?;
        let publication = Publication::of(policy, act.actor.clone(), self.parts.clock.now());
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
