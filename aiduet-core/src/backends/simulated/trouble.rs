//! Errors as the vendors word them.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use crate::dialect::Dialect;

/// An error that is an answer.
pub(super) struct Trouble {
    pub(super) status: StatusCode,
    pub(super) message: String,
    pub(super) param: Option<&'static str>,
    pub(super) code: Option<&'static str>,
    /// Overrides the type that follows from the status.
    pub(super) kind: Option<&'static str>,
    pub(super) retry_after: Option<Duration>,
}

impl Trouble {
    pub(super) fn of(status: StatusCode, message: &str) -> Self {
        let retry_after = (status == StatusCode::TOO_MANY_REQUESTS).then_some(Duration::from_secs(1));
        let message = message.to_owned();
        Self { status, message, param: None, code: None, kind: None, retry_after }
    }

    pub(super) fn invalid(message: &str) -> Self {
        Self::of(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn missing(field: &'static str) -> Self {
        let code = Some("missing_required_parameter");
        Self { param: Some(field), code, ..Self::invalid(&format!("{field}: field required")) }
    }

    pub(super) fn wrong(field: &'static str) -> Self {
        let code = Some("invalid_value");
        Self { param: Some(field), code, ..Self::invalid(&format!("{field}: invalid value")) }
    }

    /// The operator's account is empty.
    pub(super) fn quota(dialect: Dialect) -> Self {
        match dialect {
            Dialect::OpenAi => Self {
                kind: Some("insufficient_quota"),
                code: Some("credit_balance_exhausted"),
                retry_after: None,
                ..Self::of(StatusCode::TOO_MANY_REQUESTS, "You exceeded your current quota (simulated).")
            },
            Dialect::Anthropic => {
                Self::invalid("Your credit balance is too low to access the Anthropic API (simulated).")
            }
        }
    }

    /// The prompt does not fit the model.
    pub(super) fn too_long(dialect: Dialect) -> Self {
        match dialect {
            Dialect::OpenAi => Self {
                code: Some("context_length_exceeded"),
                ..Self::invalid("Your input exceeds the context window of this model (simulated).")
            },
            Dialect::Anthropic => Self::invalid("prompt is too long: 200001 tokens > 200000 maximum"),
        }
    }

    /// The body in the dialect's shape.
    pub(super) fn body(&self, dialect: Dialect, request_id: &str) -> Bytes {
        let error = match dialect {
            Dialect::OpenAi => json!({"error": self.openai()}),
            Dialect::Anthropic => {
                json!({"type": "error", "error": self.anthropic(), "request_id": request_id})
            }
        };
        Bytes::from(error.to_string())
    }

    pub(super) fn openai(&self) -> serde_json::Value {
        let kind = self.kind.unwrap_or(match self.status.as_u16() {
            429 => "rate_limit_error",
            401 => "authentication_error",
            503 | 529 => "service_unavailable_error",
            500.. => "server_error",
            _ => "invalid_request_error",
        });
        let code = self.code.or(match self.status.as_u16() {
            401 => Some("invalid_api_key"),
            404 => Some("model_not_found"),
            429 => Some("rate_limit_exceeded"),
            503 | 529 => Some("server_is_overloaded"),
            _ => None,
        });
        json!({"message": self.message, "type": kind, "param": self.param, "code": code})
    }

    pub(super) fn anthropic(&self) -> serde_json::Value {
        let kind = self.kind.unwrap_or(match self.status.as_u16() {
            401 => "authentication_error",
            402 => "billing_error",
            403 => "permission_error",
            404 => "not_found_error",
            409 => "conflict_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            504 => "timeout_error",
            503 | 529 => "overloaded_error",
            500.. => "api_error",
            _ => "invalid_request_error",
        });
        json!({"type": kind, "message": self.message})
    }
}
