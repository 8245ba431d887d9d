//! The record of a request: numbers and names from our own lists, never text of a request.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::dialect::Endpoint;
use crate::duet::{Assignment, RuleKind};
use crate::id::{AccountId, ApiKeyId, RequestId};
use crate::money::Money;
use crate::price::{Bill, ModelId};
use crate::provider::{UpstreamRequestId, Vendor};
use crate::usage::{FinishReason, Usage, UsageFlags};

/// How a request ended, which decides what it cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done; the provider reported usage.
    Completed,
    /// Done; the provider reported no usage, so we counted.
    CompletedEstimated,
    /// The client left; usage was learnt by reading on.
    ClientDisconnected,
    /// The client left; usage was counted by us.
    ClientDisconnectedEstimated,
    /// The provider failed before any output.
    UpstreamError,
    /// The provider broke off in the middle.
    UpstreamInterrupted,
    /// Funds ran out in the middle and could not be extended.
    BalanceExhausted,
    /// Refused by us.
    Refused,
    /// The process died; charged with what was noted.
    Recovered,
    /// The process died; nothing was noted, nothing charged.
    Lost,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 10] = [
        Self::Completed,
        Self::CompletedEstimated,
        Self::ClientDisconnected,
        Self::ClientDisconnectedEstimated,
        Self::UpstreamError,
        Self::UpstreamInterrupted,
        Self::BalanceExhausted,
        Self::Refused,
        Self::Recovered,
        Self::Lost,
    ];

    /// The code on a receipt.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::CompletedEstimated => "completed_estimated",
            Self::ClientDisconnected => "client_disconnected",
            Self::ClientDisconnectedEstimated => "client_disconnected_estimated",
            Self::UpstreamError => "upstream_error",
            Self::UpstreamInterrupted => "upstream_interrupted",
            Self::BalanceExhausted => "balance_exhausted",
            Self::Refused => "refused",
            Self::Recovered => "recovered",
            Self::Lost => "lost",
        }
    }

    /// The outcome with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == code)
    }
}

/// How a request ended in the eyes of HTTP, coarsely: what usage is told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatusClass {
    /// Below 400.
    Success,
    /// 4xx other than 429.
    ClientError,
    /// 429.
    RateLimited,
    /// 5xx.
    ServerError,
}

impl StatusClass {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::Success, Self::ClientError, Self::RateLimited, Self::ServerError];

    /// The class of an HTTP status.
    pub const fn of(status: u16) -> Self {
        match status {
            429 => Self::RateLimited,
            0..400 => Self::Success,
            400..500 => Self::ClientError,
            500.. => Self::ServerError,
        }
    }

    /// The code in rollups and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ClientError => "client_error",
            Self::RateLimited => "rate_limited",
            Self::ServerError => "server_error",
        }
    }

    /// The class with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == code)
    }
}

/// The record of one request; the receipt is a view of it.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestRecord {
    /// The request.
    pub id: RequestId,
    /// Who paid.
    pub account: AccountId,
    /// With which key.
    pub key: ApiKeyId,
    /// The endpoint called.
    pub endpoint: Endpoint,
    /// Whether the answer streamed.
    pub stream: bool,
    /// The model that answered or would have.
    pub model: ModelId,
    /// Its vendor.
    pub vendor: Vendor,
    /// The provider's name for the exchange.
    pub upstream_request_id: Option<UpstreamRequestId>,
    /// When the request came.
    pub started_at: Timestamp,
    /// Until the first byte of the answer went out.
    pub first_byte: Option<Duration>,
    /// Until the end.
    pub duration: Duration,
    /// The HTTP status the client got, or would have got.
    pub status: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// Why generation ended.
    pub finish: Option<FinishReason>,
    /// The counts over all parts.
    pub usage: Usage,
    /// Doubts about them.
    pub flags: UsageFlags,
    /// The charge and how it came about.
    pub bill: Bill,
    /// Every attempt at an upstream, in order.
    pub attempts: Vec<Attempt>,
    /// What the duet decided, if the client named no model.
    pub duet: Option<Routing>,
}

impl RequestRecord {
    /// The charge.
    pub const fn cost(&self) -> Money {
        self.bill.charge
    }
}

/// What the duet decided about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Routing {
    /// The role, or that all of them have answered.
    pub role: Assignment,
    /// The rule that decided about it.
    pub rule: RuleKind,
}

/// One attempt at an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The upstream, as the operator named it.
    pub upstream: UpstreamName,
    /// What came of it.
    pub result: AttemptResult,
    /// How long it took to the head of the answer, in milliseconds.
    pub duration_ms: u64,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptResult {
    /// The provider answered with this status.
    Status(u16),
    /// No connection.
    Connect,
    /// No answer in time.
    Timeout,
    /// The connection broke, or what came was not an answer.
    Broken,
}

/// The operator's name of an upstream: 1 to 40 characters `a-z 0-9 - _`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UpstreamName(std::sync::Arc<str>);

impl UpstreamName {
    /// Reads a name; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        ((1..=40).contains(&text.len()) && text.bytes().all(plain)).then(|| Self(text.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
