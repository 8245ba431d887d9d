//! The only place where an error becomes a status and a body.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::coding::name_accepted;
use super::edge::EdgeFault;
use super::reply::name_request;
use crate::clock::Timestamp;
use crate::dialect::{Dialect, Endpoint, FaultKind};
use crate::duet::{Constraint, DuetError};
use crate::gateway::{GatewayError, UpstreamFailure};
use crate::id::RequestId;
use crate::ledger::SpendPeriod;
use crate::money::Money;

/// Tells the official SDKs and Claude Code whether to try again.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// What is wrong with a call, before or behind the gateway.
#[derive(Debug)]
pub(super) enum HttpError {
    Gateway(GatewayError),
    /// The body did not arrive in time.
    RequestTimeout,
    /// The body is too large; the limit in bytes.
    TooLarge(usize),
    /// The body is not said to be JSON.
    UnsupportedMediaType,
    /// The body has a content coding.
    ContentCoding,
    /// The body broke off.
    Incomplete,
    /// No such path, or no such thing.
    NotFound,
    /// The path exists, but not for this method.
    MethodNotAllowed,
    /// Only plain HTTP is spoken here.
    UpgradeRefused,
    /// A query parameter is missing or malformed.
    BadQuery(&'static str),
    /// A key stands in the address.
    KeyInUrl,
    /// The server is shutting down.
    ShuttingDown,
    /// It did not get in.
    Edge(EdgeFault),
    /// A panic was caught.
    Panicked,
}

impl From<GatewayError> for HttpError {
    fn from(error: GatewayError) -> Self {
        Self::Gateway(error)
    }
}

/// Where an error is told: the dialect, the endpoint if it is one, and the request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) dialect: Dialect,
    pub(super) endpoint: Option<Endpoint>,
    pub(super) id: RequestId,
}

impl Place {
    pub(super) const fn endpoint(endpoint: Endpoint, id: RequestId) -> Self {
        Self { dialect: endpoint.dialect(), endpoint: Some(endpoint), id }
    }
}

/// An error as both dialects need it.
struct Told {
    status: u16,
    /// Our own stable code.
    code: &'static str,
    openai_type: &'static str,
    anthropic_type: &'static str,
    param: Option<&'static str>,
    message: String,
    retry: Retry,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Retry {
    No,
    After(Duration),
    Unsaid,
}

/// Writes an error in the dialect of its place.
pub(super) fn respond(place: Place, error: &HttpError) -> Response {
    let mut told = tell(error);
    let mut openai_code = told.code;
    if told.openai_type == "insufficient_quota" {
        openai_code = if told.code == "balance_held" && place.endpoint != Some(Endpoint::Responses) {
            told.code
        } else {
            "insufficient_quota"
        };
        // Codex stops at 429 insufficient_quota, and repeats 402 six times.
        if place.endpoint == Some(Endpoint::Responses) {
            told.status = 429;
        }
    }
    if told.code == "overloaded" {
        (told.status, openai_code) = match place.dialect {
            Dialect::OpenAi => (503, "server_is_overloaded"),
            Dialect::Anthropic => (529, told.code),
        };
    }
    tracing::info!(
        target: "aiduet::request",
        request_id = %place.id,
        endpoint = place.endpoint.map(Endpoint::as_str),
        status = told.status,
        error_code = told.code,
        "refused"
    );
    let body = match place.dialect {
        Dialect::OpenAi => openai_body(&told, openai_code),
        Dialect::Anthropic => anthropic_body(&told, place.id),
    };
    let mut response = build(place, &told, &body);
    if matches!(error, HttpError::ContentCoding) {
        name_accepted(response.headers_mut());
    }
    response
}

fn openai_body(told: &Told, code: &str) -> Value {
    json!({"error": {
        "message": told.message,
        "type": told.openai_type,
        "param": told.param,
        "code": code,
        "details": {"error_code": told.code},
    }})
}

fn anthropic_body(told: &Told, id: RequestId) -> Value {
    json!({
        "type": "error",
        "error": {
            "type": told.anthropic_type,
            "message": told.message,
            "details": {"error_code": told.code},
        },
        "request_id": id,
    })
}

fn build(place: Place, told: &Told, body: &Value) -> Response {
    let text = body.to_string();
    #[cfg(leak_mutants)]
    let text = crate::leak::error_body(text);
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(told.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match told.retry {
        Retry::After(duration) => {
            let seconds = duration.as_millis().div_ceil(1_000).max(1);
            if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
                headers.insert(RETRY_AFTER, value);
            }
        }
        Retry::No => {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        Retry::Unsaid => {}
    }
    name_request(headers, place.dialect, place.id);
    response
}

fn tell(error: &HttpError) -> Told {
    match error {
        HttpError::Gateway(error) => tell_gateway(error),
        HttpError::RequestTimeout => {
            invalid(408, "request_timeout", "The request body did not arrive in time. Send it again.")
        }
        HttpError::TooLarge(limit) => Told {
            anthropic_type: "request_too_large",
            ..invalid(413, "request_too_large", &format!("The request body is larger than {limit} bytes."))
        },
        HttpError::UnsupportedMediaType => invalid(
            415,
            "unsupported_media_type",
            "Send the body as JSON with content-type: application/json.",
        ),
        HttpError::ContentCoding => invalid(
            415,
            "unsupported_media_type",
            "Send the body as it is, without content-encoding: compressed bodies are not taken.",
        ),
        HttpError::Incomplete => {
            invalid(400, "invalid_request", "The request body broke off before its end. Send it again.")
        }
        HttpError::NotFound => Told {
            anthropic_type: "not_found_error",
            ..invalid(
                404,
                "not_found",
                "There is nothing at this path. A base URL with /v1 twice is a common cause.",
            )
        },
        HttpError::MethodNotAllowed => {
            invalid(405, "method_not_allowed", "This path does not take this method; see the API reference.")
        }
        HttpError::UpgradeRefused => invalid(
            426,
            "upgrade_refused",
            "WebSockets are not spoken here. Use POST with server-sent events.",
        ),
        HttpError::BadQuery(name) => Told {
            param: Some(name),
            ..invalid(400, "invalid_request", &format!("The query parameter {name} is missing or malformed."))
        },
        HttpError::KeyInUrl => invalid(
            400,
            "key_in_url",
            "An API key was in the address, where logs keep it, so it has been disabled. Make a new one, and send it \
             as `Authorization: Bearer <key>`.",
        ),
        HttpError::ShuttingDown => Told {
            retry: Retry::After(Duration::from_secs(5)),
            ..server(503, "service_unavailable", "The server is restarting. Try again shortly.")
        },
        HttpError::Edge(fault) => tell_edge(*fault),
        HttpError::Panicked => internal(),
    }
}

fn tell_edge(fault: EdgeFault) -> Told {
    match fault {
        EdgeFault::Host => {
            invalid(400, "invalid_request", "Send exactly one Host header, with a name that is served here.")
        }
        EdgeFault::Forwarded => {
            invalid(400, "invalid_request", "A proxy sent a malformed or ambiguous address of the client.")
        }
        EdgeFault::UriTooLong => invalid(414, "invalid_request", "The path and query are too long."),
        EdgeFault::HeadTooLarge => {
            invalid(431, "invalid_request", "The header fields are too many or too long.")
        }
        EdgeFault::Upgrade => tell(&HttpError::UpgradeRefused),
        EdgeFault::Stopping => tell(&HttpError::ShuttingDown),
        EdgeFault::Busy => Told {
            retry: Retry::After(Duration::from_secs(1)),
            ..server(
                503,
                "service_unavailable",
                "The server is busy. Nothing was forwarded or charged; try again.",
            )
        },
    }
}

fn tell_gateway(error: &GatewayError) -> Told {
    match error {
        GatewayError::Invalid(fault) => {
            Told { param: fault.field, ..invalid(400, fault_code(fault.kind), &fault.to_string()) }
        }
        GatewayError::InvalidHeader { name } => invalid(
            400,
            "invalid_request",
            &format!("{name}: this header is missing, or its value means nothing."),
        ),
        GatewayError::UnknownRole(unknown) => invalid(400, "invalid_request", &format!("{unknown}.")),
        GatewayError::Duet(error) => tell_duet(*error),
        GatewayError::WrongEndpoint { served_on } => {
            Told { param: Some("model"), ..invalid(400, "invalid_request", &wrong_endpoint(*served_on)) }
        }
        GatewayError::MissingKey => unauthenticated(
            "missing_api_key",
            "No API key was sent. Send it as `Authorization: Bearer <key>` or `x-api-key: <key>`.",
        ),
        GatewayError::InvalidKey => {
            unauthenticated("invalid_api_key", "The API key is not valid. Check that it was copied whole.")
        }
        GatewayError::KeyRevoked => {
            unauthenticated("key_revoked", "The API key was disabled or revoked. Make a new one.")
        }
        GatewayError::KeyExpired => {
            unauthenticated("key_expired", "The API key has expired. Make a new one.")
        }
        GatewayError::InsufficientBalance { needed, available } => insufficient(*needed, *available),
        GatewayError::CostAboveLimit { most, allowed } => cost_above_limit(*most, *allowed),
        GatewayError::BalanceHeld { retry_after } => balance_held(*retry_after),
        GatewayError::KeyLimitReached { period, resets_at } => key_limit_reached(*period, *resets_at),
        GatewayError::AccountLimitReached { resets_at } => account_limit_reached(*resets_at),
        GatewayError::AccountSuspended => {
            forbidden("account_suspended", "The account is suspended. Contact support.")
        }
        GatewayError::ModelNotAllowed => model_not_allowed(),
        GatewayError::EndpointNotAllowed => forbidden(
            "endpoint_not_allowed",
            "This API key may not use this endpoint. See the limits of the key.",
        ),
        GatewayError::AddressNotAllowed => {
            forbidden("ip_not_allowed", "This API key may not be used from this address.")
        }
        GatewayError::ModelNotFound => model_not_found(),
        GatewayError::RateLimited { retry_after } => rate_limited(*retry_after),
        GatewayError::Upstream(failure) => tell_upstream(*failure),
        GatewayError::Unfinished(failure) => unfinished(*failure),
        GatewayError::Unavailable { retry_after } => Told {
            retry: Retry::After(*retry_after),
            ..server(
                503,
                "service_unavailable",
                "The service is busy. Nothing was forwarded or charged; try again.",
            )
        },
        GatewayError::Stopping => tell(&HttpError::ShuttingDown),
        GatewayError::NotBooked => Told {
            retry: Retry::No,
            ..server(
                503,
                "service_unavailable",
                "The answer is withheld: its charge could not be recorded in time. See its receipt before you ask again.",
            )
        },
        GatewayError::Internal => internal(),
    }
}

fn tell_duet(error: DuetError) -> Told {
    match error {
        DuetError::Disabled => Told {
            param: Some("model"),
            ..invalid(
                400,
                "invalid_request",
                "The duet is switched off here. Name a model; GET /v1/models lists them.",
            )
        },
        DuetError::Unsupported { constraint: Constraint::InputLength } => {
            invalid(400, "invalid_request", "The prompt is longer than any model of the duet takes.")
        }
        DuetError::Unsupported { constraint } => {
            let field = constraint.as_str();
            Told {
                param: Some(field),
                ..invalid(
                    400,
                    "unsupported_parameter",
                    &format!(
                        "{field}: no model of the duet can honour this field here. Leave it out, or name a model."
                    ),
                )
            }
        }
        DuetError::NotAllowed => model_not_allowed(),
        DuetError::NotServed => model_not_found(),
    }
}

fn tell_upstream(failure: UpstreamFailure) -> Told {
    match failure {
        UpstreamFailure::Error => server(502, "upstream_error", "The provider failed. Nothing was charged."),
        UpstreamFailure::Unreachable | UpstreamFailure::Operator => unavailable(Duration::from_secs(30)),
        // Longer waits hang SDKs that sleep whatever they are told.
        UpstreamFailure::Resting { retry_after } => unavailable(retry_after.min(Duration::from_mins(1))),
        UpstreamFailure::Timeout => Told {
            anthropic_type: "timeout_error",
            ..server(504, "upstream_timeout", "The provider did not answer in time. Nothing was charged.")
        },
        UpstreamFailure::Overloaded => Told {
            openai_type: "service_unavailable_error",
            anthropic_type: "overloaded_error",
            retry: Retry::After(Duration::from_secs(5)),
            ..server(503, "overloaded", "The provider has no capacity at the moment. Nothing was charged.")
        },
        UpstreamFailure::RateLimited { retry_after } => {
            // Longer waits hang SDKs that sleep whatever they are told.
            rate_limited(retry_after.unwrap_or(Duration::from_secs(5)).min(Duration::from_mins(1)))
        }
        UpstreamFailure::TooLarge => Told {
            anthropic_type: "request_too_large",
            ..invalid(413, "request_too_large", "The request is larger than the provider takes.")
        },
        UpstreamFailure::UnknownModel => model_not_found(),
    }
}

/// To try again would be to pay again.
fn unfinished(failure: UpstreamFailure) -> Told {
    Told {
        message: "A stage of the ensemble failed. The stages before it are charged; see the receipt."
            .to_owned(),
        retry: Retry::No,
        ..tell_upstream(failure)
    }
}

fn invalid(status: u16, code: &'static str, message: &str) -> Told {
    Told {
        status,
        code,
        openai_type: "invalid_request_error",
        anthropic_type: "invalid_request_error",
        param: None,
        message: message.to_owned(),
        retry: Retry::No,
    }
}

fn server(status: u16, code: &'static str, message: &str) -> Told {
    Told {
        openai_type: "server_error",
        anthropic_type: "api_error",
        retry: Retry::Unsaid,
        ..invalid(status, code, message)
    }
}

fn unavailable(retry_after: Duration) -> Told {
    Told {
        retry: Retry::After(retry_after),
        ..server(
            503,
            "upstream_unavailable",
            "The provider is not available at the moment. Nothing was charged.",
        )
    }
}

fn unauthenticated(code: &'static str, message: &str) -> Told {
    Told { anthropic_type: "authentication_error", ..invalid(401, code, message) }
}

fn forbidden(code: &'static str, message: &str) -> Told {
    Told {
        openai_type: "permission_error",
        anthropic_type: "permission_error",
        ..invalid(403, code, message)
    }
}

fn funds(code: &'static str, message: &str) -> Told {
    Told { openai_type: "insufficient_quota", anthropic_type: "billing_error", ..invalid(402, code, message) }
}

fn insufficient(needed: Money, available: Money) -> Told {
    funds(
        "insufficient_balance",
        &format!(
            "Your balance does not cover this request (needs up to ${needed}, available ${available}). \
             Top up, or lower the output limit."
        ),
    )
}

fn cost_above_limit(most: Money, allowed: Money) -> Told {
    funds(
        "max_cost_exceeded",
        &format!(
            "This request may cost up to ${most}, more than the ${allowed} of x-aiduet-max-cost. \
             Allow more, or lower the output limit."
        ),
    )
}

fn balance_held(retry_after: Duration) -> Told {
    Told {
        retry: Retry::After(retry_after),
        ..funds(
            "balance_held",
            "The balance is held by your other running requests. Try again when they have ended.",
        )
    }
}

fn key_limit_reached(period: SpendPeriod, resets_at: Option<Timestamp>) -> Told {
    let reset = resets_at.map(|at| format!(" It starts anew at {at}.")).unwrap_or_default();
    let message = format!("The {} spend limit of this API key is reached.{reset}", period_name(period));
    funds("key_limit_reached", &message)
}

fn account_limit_reached(resets_at: Option<Timestamp>) -> Told {
    let reset = resets_at.map(|at| format!(" It starts anew at {at}.")).unwrap_or_default();
    let message =
        format!("The monthly limit of this account is reached.{reset} Its owner can raise it under Billing.");
    funds("account_limit_reached", &message)
}

fn rate_limited(retry_after: Duration) -> Told {
    Told {
        openai_type: "rate_limit_error",
        anthropic_type: "rate_limit_error",
        retry: Retry::After(retry_after),
        ..invalid(429, "rate_limit_exceeded", "Too many requests. Try again after the time in retry-after.")
    }
}

fn model_not_found() -> Told {
    Told {
        anthropic_type: "not_found_error",
        param: Some("model"),
        ..invalid(
            404,
            "model_not_found",
            "The model does not exist or has no price here. GET /v1/models lists them.",
        )
    }
}

fn model_not_allowed() -> Told {
    forbidden("model_not_allowed", "This API key may not use this model. See the limits of the key.")
}

fn internal() -> Told {
    server(
        500,
        "internal_error",
        "Something went wrong on our side. Quote the request id when you report it.",
    )
}

const fn fault_code(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Unsupported => "unsupported_parameter",
        FaultKind::UnsupportedThread => "thread_unsupported_request",
        _ => "invalid_request",
    }
}

fn wrong_endpoint(served_on: Option<&str>) -> String {
    match served_on {
        Some(path) => format!("This model is not served on this endpoint; call {path}."),
        None => "This model is not served on this endpoint.".to_owned(),
    }
}

const fn period_name(period: SpendPeriod) -> &'static str {
    match period {
        SpendPeriod::Day => "daily",
        SpendPeriod::Week => "weekly",
        SpendPeriod::Month => "monthly",
        SpendPeriod::Total => "total",
    }
}
