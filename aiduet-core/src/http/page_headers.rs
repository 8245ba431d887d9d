//! Headers of everything that a browser shows.

use axum::response::Response;
use http::{HeaderName, HeaderValue};

pub(super) const HEADERS: [(&str, &str); 7] = [
    ("strict-transport-security", "max-age=63072000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    // Not `no-referrer`, which can turn `Origin` into `null`.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "accelerometer=(), autoplay=(), camera=(), clipboard-write=(self), display-capture=(), \
         encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), magnetometer=(), \
         microphone=(), midi=(), payment=(), publickey-credentials-get=(self), \
         screen-wake-lock=(), usb=(), xr-spatial-tracking=()",
    ),
];

/// Adds them, with a content security policy.
pub(super) fn add(response: &mut Response, content_security_policy: &'static str) {
    let headers = response.headers_mut();
    for (name, value) in HEADERS.into_iter().chain([("content-security-policy", content_security_policy)]) {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}
