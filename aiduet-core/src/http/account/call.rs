//! What every answer of the account API has in common.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::problem::{Detail, Problem};
use crate::account::{Locale, Visit};
use crate::app::App;
use crate::auth::Device;
use crate::dialect::Dialect;
use crate::http::coding::is_identity;
use crate::http::edge::ClientAddress;
use crate::http::language::preferred_language;
use crate::http::reply::name_request;
use crate::id::RequestId;

/// Sent with every answer: nothing here is a page, and nothing may be kept.
const HEADERS: [(&str, &str); 9] = [
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("strict-transport-security", "max-age=63072000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("vary", "accept-language, authorization, cookie"),
];

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What is known of a request before a handler sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) id: RequestId,
    pub(super) locale: Locale,
    address: IpAddr,
    device: Device,
}

impl Call {
    fn of(app: &App, request: &Request) -> Self {
        let text = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
        Self {
            id: app.gateway().new_request_id(),
            locale: text(ACCEPT_LANGUAGE).map_or(Locale::En, preferred_language),
            address: ClientAddress::of(request.extensions()),
            device: text(USER_AGENT).map_or(Device::UNKNOWN, Device::of),
        }
    }

    pub(super) const fn visit(&self) -> Visit {
        Visit { address: self.address, device: self.device, request: self.id }
    }
}

/// Names the request, refuses what another site has sent and what is compressed, and gives every
/// answer its headers. A [`Problem`] is written here, in the language of the client.
pub(super) async fn frame(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let call = Call::of(&app, &request);
    request.extensions_mut().insert(call);
    let mut response = match refusal(&request) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let detail = response.extensions_mut().remove::<Detail>();
        let (body, kind) = problem.body((call.locale, call.id), detail);
        *response.body_mut() = Body::from(body);
        response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    name_request(headers, Dialect::OpenAi, call.id);
    response
}

/// Why no handler sees a request.
fn refusal(request: &Request) -> Option<Problem> {
    if is_from_elsewhere(request) {
        return Some(Problem::CROSS_SITE);
    }
    let is_coded = !request.method().is_safe() && !is_identity(request.headers());
    is_coded.then_some(Problem::CONTENT_CODING)
}

/// Whether a browser says that another site made it send something that changes state.
fn is_from_elsewhere(request: &Request) -> bool {
    !request.method().is_safe() && is_sent_by_others(request.headers())
}

/// Whether a browser says that another site made it send this.
pub(super) fn is_sent_by_others(headers: &HeaderMap) -> bool {
    let is_own = |value: &HeaderValue| matches!(value.as_bytes(), b"same-origin" | b"none");
    !headers.get_all(FETCH_SITE).iter().all(is_own)
}
