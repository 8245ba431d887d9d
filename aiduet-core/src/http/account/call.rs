//! What every answer of the account API has in common.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::problem::Problem;
use crate::account::{Locale, Visit};
use crate::app::App;
use crate::auth::Device;
use crate::dialect::Dialect;
use crate::http::edge::ClientAddress;
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
            locale: text(ACCEPT_LANGUAGE).map_or(Locale::En, preferred),
            address: ClientAddress::of(request.extensions()),
            device: text(USER_AGENT).map_or(Device::UNKNOWN, Device::of),
        }
    }

    pub(super) const fn visit(&self) -> Visit {
        Visit { address: self.address, device: self.device, request: self.id }
    }
}

/// Names the request, refuses what another site has sent, and gives every answer its headers. A
/// [`Problem`] is written here, in the language of the client.
pub(super) async fn frame(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let call = Call::of(&app, &request);
    request.extensions_mut().insert(call);
    let mut response = if is_from_elsewhere(&request) {
        axum::response::IntoResponse::into_response(Problem::CROSS_SITE)
    } else {
        next.run(request).await
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let (body, kind) = problem.body(call.locale, call.id);
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

/// Whether a browser says that another site made it send something that changes state.
fn is_from_elsewhere(request: &Request) -> bool {
    let is_own = |value: &HeaderValue| matches!(value.as_bytes(), b"same-origin" | b"none");
    !request.method().is_safe() && !all(request.headers(), is_own)
}

fn all(headers: &HeaderMap, is_own: impl Fn(&HeaderValue) -> bool) -> bool {
    headers.get_all(FETCH_SITE).iter().all(is_own)
}

/// The language that is wanted most of those that are spoken here (RFC 9110, section 12.5.4).
fn preferred(header: &str) -> Locale {
    let mut best = (Locale::En, 0);
    for range in header.split(',') {
        let (tag, quality) = range.split_once(';').unwrap_or((range, "q=1"));
        let language = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
        let locale = match language.as_str() {
            "zh" => Locale::ZhCn,
            "ja" => Locale::Ja,
            "en" => Locale::En,
            _ => continue,
        };
        let quality = thousandths(quality.trim().strip_prefix("q=").unwrap_or("1"));
        if quality > best.1 {
            best = (locale, quality);
        }
    }
    best.0
}

/// `0.8` is 800; what is not a quality is nothing.
fn thousandths(text: &str) -> u32 {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = rest.chars().chain("000".chars()).take(3).collect();
    let whole = whole.parse::<u32>().unwrap_or(0).saturating_mul(1_000);
    whole.saturating_add(digits.parse::<u32>().unwrap_or(0)).min(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_wanted_most_is_spoken() {
        for (header, locale) in [
            ("", Locale::En),
            ("fr, de;q=0.9", Locale::En),
            ("zh-CN,zh;q=0.9,en;q=0.8", Locale::ZhCn),
            ("fr-CH, ja;q=0.9, en;q=0.8", Locale::Ja),
            ("en;q=0.5, zh-Hant-TW;q=0.7", Locale::ZhCn),
            ("ja;q=0, en", Locale::En),
            ("ja;q=nonsense", Locale::En),
        ] {
            assert_eq!(preferred(header), locale, "{header}");
        }
    }
}
