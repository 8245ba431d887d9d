//! What one operator asks for and another one grants.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::{ApprovalError, Matter};
use crate::audit::{AuditActor, AuditReason};
use crate::clock::Timestamp;
use crate::id::ApprovalId;

/// After this time nobody can grant any more what was asked for.
pub const LIFE: Duration = Duration::from_hours(7 * 24);

/// What waits for a second operator, and what came of it.
///
/// # Contract
/// Each method is one atomic, durable operation. A decision is made once, and never by whoever asked.
#[async_trait]
pub trait ApprovalStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps what is asked for, and returns it as it is kept: the same name is the same request.
    ///
    /// # Errors
    /// [`ApprovalError::Conflict`] when something else was asked for under the name,
    /// [`ApprovalError::Unavailable`].
    async fn ask(&self, approval: Approval) -> Result<Approval, ApprovalError>;

    /// Finds what was asked for.
    ///
    /// # Errors
    /// [`ApprovalError::Unavailable`].
    async fn find(&self, id: ApprovalId) -> Result<Option<Approval>, ApprovalError>;

    /// What was asked for, newest first, decided or not.
    ///
    /// # Errors
    /// [`ApprovalError::Unavailable`].
    async fn list(&self, page: ApprovalPage) -> Result<Vec<Approval>, ApprovalError>;

    /// Decides. The same decision by the same operator again is no error.
    ///
    /// # Errors
    /// [`ApprovalError::NotFound`], [`ApprovalError::SamePerson`], [`ApprovalError::Lapsed`],
    /// [`ApprovalError::Decided`] when it was decided otherwise or by somebody else,
    /// [`ApprovalError::Unavailable`].
    async fn decide(&self, decision: Decision) -> Result<Approval, ApprovalError>;
}

/// What one operator asks for, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Its identifier; ordered by time.
    pub id: ApprovalId,
    /// The name that who asks has given it: of credit the posting that grants it.
    pub name: uuid::Uuid,
    /// What is asked for.
    pub matter: Matter,
    /// Why.
    pub reason: AuditReason,
    /// Who asks.
    pub asked_by: AuditActor,
    /// When.
    pub asked_at: Timestamp,
    /// What came of it.
    pub state: ApprovalState,
}

impl Approval {
    /// Whether the other asks for the same.
    pub fn is_same(&self, other: &Self) -> bool {
        let Self { id: _, name, matter, reason, asked_by, asked_at: _, state: _ } = self;
        *name == other.name
            && *matter == other.matter
            && *reason == other.reason
            && *asked_by == other.asked_by
    }

    /// What becomes of it by a decision.
    ///
    /// # Errors
    /// Those of [`ApprovalStore::decide`].
    pub fn decided(self, decision: &Decision) -> Result<Self, ApprovalError> {
        let Decision { id, verdict, by, at } = decision;
        let decided = match &self.state {
            ApprovalState::Waiting => None,
            ApprovalState::Granted { by, at: _ } => Some((Verdict::Granted, by)),
            ApprovalState::Refused { by, at: _ } => Some((Verdict::Refused, by)),
        };
        if let Some(before) = decided {
            return if before == (*verdict, by) { Ok(self) } else { Err(ApprovalError::Decided { id: *id }) };
        }
        // Whoever asked may still take it back.
        if self.asked_by == *by && *verdict == Verdict::Granted {
            return Err(ApprovalError::SamePerson);
        }
        if self.is_lapsed(*at) {
            return Err(ApprovalError::Lapsed { id: *id });
        }
        let state = match verdict {
            Verdict::Granted => ApprovalState::Granted { by: by.clone(), at: *at },
            Verdict::Refused => ApprovalState::Refused { by: by.clone(), at: *at },
        };
        Ok(Self { state, ..self })
    }

    /// Whether nobody decided in time.
    pub fn is_lapsed(&self, now: Timestamp) -> bool {
        self.state == ApprovalState::Waiting && now.since(self.asked_at) >= LIFE
    }
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovalState {
    /// Nobody has decided.
    Waiting,
    /// It was granted.
    Granted {
        /// By whom.
        by: AuditActor,
        /// When.
        at: Timestamp,
    },
    /// It was refused, or taken back.
    Refused {
        /// By whom.
        by: AuditActor,
        /// When.
        at: Timestamp,
    },
}

/// What an operator decides.
#[derive(Clone, Debug)]
pub struct Decision {
    /// About what.
    pub id: ApprovalId,
    /// What.
    pub verdict: Verdict,
    /// Who.
    pub by: AuditActor,
    /// When.
    pub at: Timestamp,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Granted,
    /// No.
    Refused,
}

/// Which requests [`ApprovalStore::list`] returns.
#[derive(Clone, Copy, Debug)]
pub struct ApprovalPage {
    /// Only those with a smaller identifier.
    pub before: Option<ApprovalId>,
    /// At most so many.
    pub limit: u32,
}
