//! Where messages wait until they are delivered.

use std::fmt;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::retry::{UNRECORDED_MAX, retry_at};
use crate::account::{EmailAddress, Locale};
use crate::clock::Timestamp;
use crate::id::{AccountId, NoticeId};
use crate::notify::{DeliveryError, Notice, NoticeKind, OutboxError};

/// Where messages wait until they are delivered.
///
/// # Contract
/// - Each method is one atomic, durable operation.
/// - Of the messages with one [`DedupKey`] only the first is kept, for as long as its record is.
/// - [`lease`](Self::lease) gives a message to one caller at a time and counts the attempt before
///   the caller has it. A caller that does not [`report`](Self::report) in time loses the lease;
///   a message that was taken [`UNRECORDED_MAX`] times without a report is not given out again
///   and ends as [`NoticeState::Uncertain`].
/// - When a message ends (delivered, bounced, given up, uncertain), its address, text fields and
///   tokens are wiped in the same operation. The record of when and what kind stays.
#[async_trait]
pub trait Outbox: fmt::Debug + Send + Sync + 'static {
    /// Keeps a message until it is delivered.
    ///
    /// # Errors
    /// [`OutboxError::Unavailable`].
    async fn put(&self, message: Outgoing) -> Result<Put, OutboxError>;

    /// Takes messages that are due, the longest due first.
    ///
    /// # Errors
    /// [`OutboxError::Unavailable`].
    async fn lease(&self, request: LeaseRequest) -> Result<Vec<Due>, OutboxError>;

    /// Says what became of a leased message. Without effect when the lease was lost.
    ///
    /// # Errors
    /// [`OutboxError::Unavailable`].
    async fn report(&self, report: Report) -> Result<(), OutboxError>;

    /// Records of messages, newest first.
    ///
    /// # Errors
    /// [`OutboxError::Unavailable`].
    async fn list(&self, filter: NoticeFilter) -> Result<Vec<NoticeRecord>, OutboxError>;

    /// How much waits.
    ///
    /// # Errors
    /// [`OutboxError::Unavailable`].
    async fn backlog(&self) -> Result<Backlog, OutboxError>;

    /// Deletes records that ended long ago; says how many.
    ///
    /// # Errors
    /// [`OutboxError::Unavailable`].
    async fn purge(&self, request: PurgeNotices) -> Result<u64, OutboxError>;
}

/// A message to be kept until it is delivered.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Its identifier, which becomes the `Message-ID`.
    pub id: NoticeId,
    /// Whose; `None` when the account is gone or not there yet.
    pub account: Option<AccountId>,
    /// To whom.
    pub to: EmailAddress,
    /// In which language.
    pub locale: Locale,
    /// What it says.
    pub notice: Notice,
    /// What it may be said only once about.
    pub dedup: DedupKey,
    /// When its cause happened.
    pub at: Timestamp,
}

/// Whether a message was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It was.
    Kept,
    /// One with the same [`DedupKey`] had been kept already.
    Duplicate,
}

/// The cause of a message: one cause, one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DedupKey([u8; 32]);

impl DedupKey {
    /// The key of a kind and the identifiers of its cause, such as the ticket of a reset.
    pub fn of(kind: NoticeKind, cause: &[&str]) -> Self {
        let mut digest = Sha256::new().chain_update(kind.as_str());
        for part in cause {
            // The length keeps ("ab", "c") apart from ("a", "bc").
            digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }

    /// What was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// As it is stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Which messages [`Outbox::lease`] takes.
#[derive(Clone, Copy, Debug)]
pub struct LeaseRequest {
    /// Due by then.
    pub now: Timestamp,
    /// When the lease is lost.
    pub until: Timestamp,
    /// At most so many.
    pub limit: u32,
}

/// A message that was taken to be delivered.
#[derive(Clone, Debug)]
pub struct Due {
    /// The message.
    pub message: Outgoing,
    /// How often it was taken, this time included.
    pub attempt: u32,
    /// How often it was taken and reported as failed.
    pub failures: u32,
}

/// What became of a leased message.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Which.
    pub id: NoticeId,
    /// Of which attempt.
    pub attempt: u32,
    /// What became of it.
    pub attempted: Attempted,
    /// When.
    pub at: Timestamp,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempted {
    /// The next hop has it.
    Delivered,
    /// It failed, and is due again then.
    Retry {
        /// When.
        at: Timestamp,
        /// Why.
        code: FailureCode,
    },
    /// The receiver refused it for good.
    Bounced {
        /// Why.
        code: FailureCode,
    },
    /// It failed too often.
    GivenUp {
        /// Why, the last time.
        code: FailureCode,
    },
    /// Nobody knows; it is due again then, unless that was the case before.
    Unknown {
        /// When.
        retry_at: Timestamp,
    },
}

impl Attempted {
    /// What a result of a [`Notifier`](super::Notifier) means for a message that had failed
    /// `failures` times before.
    pub fn of(result: Result<(), DeliveryError>, now: Timestamp, failures: u32) -> Self {
        let failures = failures.saturating_add(1);
        let later = |code| match retry_at(now, failures) {
            Some(at) => Self::Retry { at, code },
            None => Self::GivenUp { code },
        };
        match result {
            Ok(()) => Self::Delivered,
            Err(DeliveryError::NotNow { code }) => later(code),
            Err(DeliveryError::Bounced { code }) => Self::Bounced { code },
            Err(DeliveryError::Misconfigured { .. }) => later(FailureCode::Misconfigured),
            Err(DeliveryError::Unknown) => Self::Unknown { retry_at: retry_at(now, 1).unwrap_or(now) },
        }
    }
}

/// Why a message was not taken: never the words of the server, which quote addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureCode {
    /// A reply of the server (RFC 5321, section 4.2), such as 451.
    Reply(u16),
    /// No connection.
    Connect,
    /// No answer in time.
    Timeout,
    /// The connection broke.
    Broken,
    /// Encryption could not be agreed upon.
    Tls,
    /// The sender is not set up right.
    Misconfigured,
    /// The message could not be written down.
    Unwritable,
}

impl FailureCode {
    /// As it is stored: the reply, or a negative number of ours.
    pub fn as_i64(self) -> i64 {
        match self {
            Self::Reply(code) => i64::from(code),
            Self::Connect => -1,
            Self::Timeout => -2,
            Self::Broken => -3,
            Self::Tls => -4,
            Self::Misconfigured => -5,
            Self::Unwritable => -6,
        }
    }

    /// What was stored.
    pub fn from_i64(code: i64) -> Option<Self> {
        match code {
            -1 => Some(Self::Connect),
            -2 => Some(Self::Timeout),
            -3 => Some(Self::Broken),
            -4 => Some(Self::Tls),
            -5 => Some(Self::Misconfigured),
            -6 => Some(Self::Unwritable),
            reply => u16::try_from(reply).ok().filter(|code| (200..600).contains(code)).map(Self::Reply),
        }
    }
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply(code) => write!(f, "reply {code}"),
            Self::Connect => f.write_str("no connection"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Broken => f.write_str("connection broken"),
            Self::Tls => f.write_str("no encryption"),
            Self::Misconfigured => f.write_str("misconfigured"),
            Self::Unwritable => f.write_str("message cannot be written"),
        }
    }
}

/// What is known of a message after its text is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeRecord {
    /// Which.
    pub id: NoticeId,
    /// Whose.
    pub account: Option<AccountId>,
    /// What kind.
    pub kind: NoticeKind,
    /// In which language.
    pub locale: Locale,
    /// How it stands.
    pub state: NoticeState,
    /// How often it was taken to be delivered.
    pub attempts: u32,
    /// Why it failed last.
    pub last_failure: Option<FailureCode>,
    /// When its cause happened.
    pub at: Timestamp,
}

/// How a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeState {
    /// It is to be delivered.
    Waiting {
        /// When it is due.
        due_at: Timestamp,
    },
    /// The next hop has it.
    Delivered {
        /// Since when.
        at: Timestamp,
    },
    /// It was refused for good.
    Bounced {
        /// When.
        at: Timestamp,
    },
    /// It failed too often.
    GivenUp {
        /// When.
        at: Timestamp,
    },
    /// It was sent, but nobody knows whether it was taken; it is not sent again.
    Uncertain {
        /// When it was given up.
        at: Timestamp,
    },
}

/// How a message stands and how it came to that: the rules that every backend of
/// an outbox follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How it stands.
    pub state: NoticeState,
    /// How often it was taken to be delivered.
    pub attempts: u32,
    /// Attempts that were reported as failed.
    pub failures: u32,
    /// Why it failed last.
    pub last_failure: Option<FailureCode>,
}

impl Standing {
    /// A message that is due at once.
    pub const fn new(at: Timestamp) -> Self {
        Self { state: NoticeState::Waiting { due_at: at }, attempts: 0, failures: 0, last_failure: None }
    }

    /// Whether nothing more happens to it.
    pub const fn has_ended(&self) -> bool {
        !matches!(self.state, NoticeState::Waiting { .. })
    }

    /// Takes it to be delivered, or gives it up because nobody wrote down what became of it.
    /// `None` when it is not due.
    pub fn leased(self, request: LeaseRequest) -> Option<Self> {
        let LeaseRequest { now, until, limit: _ } = request;
        match self.state {
            NoticeState::Waiting { due_at } if due_at <= now => Some(if self.is_used_up() {
                Self { state: NoticeState::Uncertain { at: now }, ..self }
            } else {
                let attempts = self.attempts.saturating_add(1);
                Self { state: NoticeState::Waiting { due_at: until }, attempts, ..self }
            }),
            _ => None,
        }
    }

    /// What a report makes of it; `None` when the lease was lost.
    pub fn reported(self, report: &Report) -> Option<Self> {
        let Report { id: _, attempt, attempted, at } = *report;
        if self.has_ended() || attempt != self.attempts {
            return None;
        }
        let failures = self.failures.saturating_add(1);
        Some(match attempted {
            Attempted::Delivered => Self { state: NoticeState::Delivered { at }, ..self },
            Attempted::Retry { at: due_at, code } => {
                Self { state: NoticeState::Waiting { due_at }, failures, last_failure: Some(code), ..self }
            }
            Attempted::Bounced { code } => {
                Self { state: NoticeState::Bounced { at }, failures, last_failure: Some(code), ..self }
            }
            Attempted::GivenUp { code } => {
                Self { state: NoticeState::GivenUp { at }, failures, last_failure: Some(code), ..self }
            }
            Attempted::Unknown { .. } if self.is_used_up() => {
                Self { state: NoticeState::Uncertain { at }, ..self }
            }
            Attempted::Unknown { retry_at } => {
                Self { state: NoticeState::Waiting { due_at: retry_at }, ..self }
            }
        })
    }

    /// Whether it may have been received as often as may be.
    const fn is_used_up(&self) -> bool {
        self.attempts.saturating_sub(self.failures) >= UNRECORDED_MAX
    }
}

/// Which records [`Outbox::list`] returns.
#[derive(Clone, Copy, Debug)]
pub struct NoticeFilter {
    /// Only those of this account.
    pub account: Option<AccountId>,
    /// Only those of this kind.
    pub kind: Option<NoticeKind>,
    /// Only those with a smaller identifier.
    pub before: Option<NoticeId>,
    /// At most so many.
    pub limit: u32,
}

/// How much waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Messages that are not delivered yet.
    pub waiting: u64,
    /// When the longest waiting one was kept.
    pub oldest: Option<Timestamp>,
}

/// Which records [`Outbox::purge`] deletes. Those of [`Notice::PolicyChange`] stay, so that no
/// person is told twice.
#[derive(Clone, Copy, Debug)]
pub struct PurgeNotices {
    /// Kept and ended before then.
    pub before: Timestamp,
    /// At most so many.
    pub limit: u32,
}
