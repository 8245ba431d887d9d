//! Versions of policies that were published, and how far people have been told of changes.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::Policy;
use crate::account::Locale;
use crate::audit::AuditActor;
use crate::class::{Classify, ErrorClass, Retry, Source};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::notify::PolicyKind;

/// How long ahead people are told of a change that takes something from them.
pub const NOTICE_PERIOD: Duration = Duration::from_hours(30 * 24);

/// What was published, and how far people have been told.
///
/// # Contract
/// Each method is one atomic, durable operation. What was published is never changed.
#[async_trait]
pub trait PublicationStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps a version as it is published, and returns it as it is kept: the same text again is the
    /// same publication.
    ///
    /// # Errors
    /// [`PublicationError::Conflict`] when the version was published with another text or date,
    /// [`PublicationError::Unavailable`].
    async fn publish(&self, publication: Publication) -> Result<Publication, PublicationError>;

    /// At most `limit` publications, the latest to come into force first.
    ///
    /// # Errors
    /// [`PublicationError::Unavailable`].
    async fn list(&self, limit: u32) -> Result<Vec<Publication>, PublicationError>;

    /// How far people have been told of something; from the beginning when nobody has.
    ///
    /// # Errors
    /// [`PublicationError::Unavailable`].
    async fn progress(&self, news: &str) -> Result<Progress, PublicationError>;

    /// Notes that everybody up to an account has been told. Progress never goes back: another node
    /// may have been faster.
    ///
    /// # Errors
    /// [`PublicationError::Unavailable`].
    async fn advance(&self, news: &str, to: Progress) -> Result<(), PublicationError>;
}

/// A version of a policy as it was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Which policy.
    pub kind: PolicyKind,
    /// The version, such as `2026-12-26`.
    pub version: String,
    /// From when it is in force.
    pub effective_from: Timestamp,
    /// What it says, in English, Chinese and Japanese.
    pub texts: [String; 3],
    /// By whom.
    pub published_by: AuditActor,
    /// When.
    pub published_at: Timestamp,
}

impl Publication {
    /// A version of the library, as somebody publishes it now.
    pub fn of(policy: &Policy, published_by: AuditActor, published_at: Timestamp) -> Self {
        let text = |locale| policy.text(locale).source.to_owned();
        Self {
            kind: policy.kind,
            version: policy.version.to_owned(),
            effective_from: policy.effective_from,
            texts: [text(Locale::En), text(Locale::ZhCn), text(Locale::Ja)],
            published_by,
            published_at,
        }
    }

    /// Whether the other says the same.
    pub fn is_same(&self, other: &Self) -> bool {
        let Self { kind, version, effective_from, texts, published_by: _, published_at: _ } = self;
        *kind == other.kind
            && *version == other.version
            && *effective_from == other.effective_from
            && *texts == other.texts
    }
}

/// How far people have been told of something. Accounts are told in the order in which they were made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Everybody up to this account has been told.
    pub through: Option<AccountId>,
    /// How many that are.
    pub told: u64,
}

/// Failure to publish, or to note who was told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublicationError {
    /// What was published is never changed.
    #[error("the version was published with another text or date")]
    Conflict,
    /// People hear of it too late.
    #[error("the version comes into force in less than 30 days: people must be told earlier")]
    TooSoon,
    /// The library has no such version.
    #[error("there is no such version of a policy")]
    NotFound,
    /// The store cannot be reached or failed.
    #[error("the store of publications is not available")]
    Unavailable {
        /// What the backend said.
        source: Source,
    },
}

impl Classify for PublicationError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Conflict | Self::TooSoon => ErrorClass::Conflict,
            Self::NotFound => ErrorClass::NotFound,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Conflict | Self::TooSoon | Self::NotFound => Retry::Never,
            Self::Unavailable { .. } => Retry::Safe,
        }
    }
}
