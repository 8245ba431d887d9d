//! What the trouble of a provider means: for the caller, for another try, and for the upstream.

use std::time::Duration;

use http::StatusCode;

use super::UpstreamFailure;
use crate::dialect::{StreamFault, is_credit_trouble};
use crate::ledger::AttemptResult;
use crate::provider::{ProviderError, Stage};
use crate::routing::Verdict;

/// A failed attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    /// What it means for the caller.
    pub(super) kind: UpstreamFailure,
    /// What it says about the upstream.
    pub(super) verdict: Verdict,
    /// What the record says of the attempt.
    pub(super) result: AttemptResult,
}

impl Failure {
    /// No answer, or not the rest of it.
    pub(super) const fn of_error(error: ProviderError) -> Self {
        let (kind, result) = match error {
            ProviderError::Connect => (UpstreamFailure::Unreachable, AttemptResult::Connect),
            ProviderError::Timeout { stage: Stage::Connect } => {
                (UpstreamFailure::Unreachable, AttemptResult::Timeout)
            }
            ProviderError::Timeout { .. } => (UpstreamFailure::Timeout, AttemptResult::Timeout),
            ProviderError::Broken { .. } | ProviderError::TooLarge => {
                (UpstreamFailure::Error, AttemptResult::Broken)
            }
        };
        // An answer that is too large says nothing about the next one.
        let verdict =
            if matches!(error, ProviderError::TooLarge) { Verdict::Nothing } else { Verdict::Failed };
        Self { kind, verdict, result }
    }

    /// It took too long.
    pub(super) const fn late() -> Self {
        Self::of_error(ProviderError::Timeout { stage: Stage::Head })
    }

    /// What came is not an answer.
    pub(super) const fn nonsense() -> Self {
        Self::of_error(ProviderError::Broken { stage: Stage::Body })
    }

    /// It began to answer only to say that it fails.
    pub(super) const fn of_fault(fault: StreamFault) -> Self {
        let kind = match fault {
            StreamFault::Upstream | StreamFault::Request => UpstreamFailure::Error,
            StreamFault::Timeout => UpstreamFailure::Timeout,
            StreamFault::Overloaded => UpstreamFailure::Overloaded,
            StreamFault::Unavailable => UpstreamFailure::Operator,
        };
        let verdict =
            if matches!(fault, StreamFault::Unavailable) { Verdict::Nothing } else { Verdict::Failed };
        Self { kind, verdict, result: AttemptResult::Broken }
    }

    /// Nothing of a vendor may be called now.
    pub(super) const fn resting(kind: UpstreamFailure) -> Self {
        Self { kind, verdict: Verdict::Nothing, result: AttemptResult::Connect }
    }

    /// Whether another upstream, or another model, may do better. What is wrong with the request
    /// itself is wrong everywhere.
    pub(super) const fn moves_on(self) -> bool {
        !matches!(self.kind, UpstreamFailure::TooLarge)
    }

    /// Whether the same upstream may do better in a moment, and how long it asks to wait.
    pub(super) const fn repeats(self) -> Option<Option<Duration>> {
        match self.kind {
            UpstreamFailure::Error
            | UpstreamFailure::Unreachable
            | UpstreamFailure::Timeout
            | UpstreamFailure::Overloaded => Some(None),
            UpstreamFailure::RateLimited { retry_after } => Some(retry_after),
            UpstreamFailure::Operator
            | UpstreamFailure::Resting { .. }
            | UpstreamFailure::TooLarge
            | UpstreamFailure::UnknownModel => None,
        }
    }
}

/// What an error of the provider means; `None`: it is about the request and passes.
pub(super) fn judge(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Option<Failure> {
    let result = AttemptResult::Status(status.as_u16());
    if is_credit_trouble(body) {
        return Some(Failure { kind: UpstreamFailure::Operator, verdict: Verdict::Refused, result });
    }
    let (kind, verdict) = match status.as_u16() {
        401 | 402 => (UpstreamFailure::Operator, Verdict::Refused),
        // A region, an organisation; or a feature that this one request asks for.
        403 => (UpstreamFailure::Operator, Verdict::Doubtful),
        404 => (UpstreamFailure::UnknownModel, Verdict::Works),
        408 | 504 => (UpstreamFailure::Timeout, Verdict::Failed),
        413 => (UpstreamFailure::TooLarge, Verdict::Works),
        429 => (UpstreamFailure::RateLimited { retry_after }, Verdict::Nothing),
        503 | 529 => (UpstreamFailure::Overloaded, Verdict::Failed),
        400..=499 if is_json_object(body) => return None,
        _ => (UpstreamFailure::Error, Verdict::Failed),
    };
    Some(Failure { kind, verdict, result })
}

/// The status that a failure is recorded with; what the client gets is decided by its dialect.
pub(super) const fn status_of(failure: UpstreamFailure) -> u16 {
    match failure {
        UpstreamFailure::Error => 502,
        UpstreamFailure::Unreachable
        | UpstreamFailure::Resting { .. }
        | UpstreamFailure::Operator
        | UpstreamFailure::Overloaded => 503,
        UpstreamFailure::Timeout => 504,
        UpstreamFailure::RateLimited { .. } => 429,
        UpstreamFailure::TooLarge => 413,
        UpstreamFailure::UnknownModel => 404,
    }
}

fn is_json_object(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Option<Duration> = Some(Duration::from_secs(7));

    #[test]
    fn a_status_says_something_of_the_upstream_and_of_another_try() {
        for (status, verdict, repeats) in [
            (401, Verdict::Refused, None),
            (402, Verdict::Refused, None),
            (403, Verdict::Doubtful, None),
            // The model is unknown, the upstream does its work.
            (404, Verdict::Works, None),
            (408, Verdict::Failed, Some(None)),
            (413, Verdict::Works, None),
            (429, Verdict::Nothing, Some(WAIT)),
            (500, Verdict::Failed, Some(None)),
            (502, Verdict::Failed, Some(None)),
            (503, Verdict::Failed, Some(None)),
            (504, Verdict::Failed, Some(None)),
            (529, Verdict::Failed, Some(None)),
        ] {
            let failure = judge(StatusCode::from_u16(status).unwrap(), WAIT, b"{}").unwrap();
            assert_eq!((failure.verdict, failure.repeats()), (verdict, repeats), "{status}");
            assert_eq!(failure.result, AttemptResult::Status(status));
            assert_eq!(failure.moves_on(), status != 413, "{status}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_request_passes_unless_it_is_about_credit_or_no_answer() {
        assert!(judge(StatusCode::BAD_REQUEST, None, br#"{"error":{}}"#).is_none());
        let credit = br#"{"error":{"code":"insufficient_quota"}}"#;
        let failure = judge(StatusCode::BAD_REQUEST, None, credit).unwrap();
        assert_eq!((failure.verdict, failure.repeats()), (Verdict::Refused, None));
        let failure = judge(StatusCode::BAD_REQUEST, None, b"<html>").unwrap();
        assert_eq!(failure.verdict, Verdict::Failed);
    }

    #[test]
    fn an_answer_that_is_too_large_is_not_held_against_the_upstream() {
        assert_eq!(Failure::of_error(ProviderError::TooLarge).verdict, Verdict::Nothing);
        for error in [ProviderError::Connect, ProviderError::Broken { stage: Stage::Body }] {
            assert_eq!(Failure::of_error(error).verdict, Verdict::Failed);
        }
        assert_eq!(Failure::late().verdict, Verdict::Failed);
    }

    #[test]
    fn a_fault_in_a_stream_is_held_against_the_upstream_unless_the_operator_is_to_blame() {
        for (fault, verdict, repeats) in [
            (StreamFault::Upstream, Verdict::Failed, Some(None)),
            (StreamFault::Timeout, Verdict::Failed, Some(None)),
            (StreamFault::Overloaded, Verdict::Failed, Some(None)),
            (StreamFault::Unavailable, Verdict::Nothing, None),
        ] {
            let failure = Failure::of_fault(fault);
            assert_eq!((failure.verdict, failure.repeats()), (verdict, repeats), "{fault:?}");
        }
    }
}
