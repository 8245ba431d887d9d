//! The cookies: the refresh token, the mark of a known device, and what a browser takes along to an
//! identity provider and back.

use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::account::Entered;
use crate::auth::{DEVICE_TOKEN_LIFE, FLOW_LIFE};
use crate::clock::Timestamp;
use crate::secret::Secret;

/// `__Host-` asks for the path `/`; this one is sent to nothing but the calls that need it.
pub(super) const REFRESH: &str = "__Secure-aiduet_refresh";
const REFRESH_PATH: &str = "/api/v1/auth";
const DEVICE: &str = "__Host-aiduet_device";
const FLOW: &str = "__Host-aiduet_flow";
const LINK: &str = "__Host-aiduet_link";

/// A cookie, as far as they differ.
struct Cookie<'a> {
    name: &'a str,
    value: &'a str,
    path: &'a str,
    life: Duration,
    /// `Lax` comes along when another site sends the browser back; `Strict` does not.
    same_site: &'a str,
}

/// The refresh token that was sent.
pub(super) fn refresh_token(headers: &HeaderMap) -> Option<&str> {
    value(headers, REFRESH)
}

/// What the device showed that it is known by.
pub(super) fn device_token(headers: &HeaderMap) -> Option<&str> {
    value(headers, DEVICE)
}

/// The way to an identity provider that the browser is on.
pub(super) fn flow(headers: &HeaderMap) -> Option<&str> {
    value(headers, FLOW)
}

/// What is left to link.
pub(super) fn link(headers: &HeaderMap) -> Option<&str> {
    value(headers, LINK)
}

/// Sets both of a sign-in, or the one that there is.
pub(super) fn set(headers: &mut HeaderMap, entered: &Entered, now: Timestamp) {
    let life = entered.person.session.ends_at.since(now);
    let value = entered.refresh.expose();
    append(headers, &Cookie { name: REFRESH, value: &value, path: REFRESH_PATH, life, same_site: "Strict" });
    if let Some(device) = &entered.device {
        append(headers, &Cookie { life: DEVICE_TOKEN_LIFE, ..of_host(DEVICE, device.expose()) });
    }
}

/// Takes the refresh token away.
pub(super) fn clear(headers: &mut HeaderMap) {
    let life = Duration::ZERO;
    append(headers, &Cookie { name: REFRESH, value: "", path: REFRESH_PATH, life, same_site: "Strict" });
}

/// Sets the way to an identity provider; it has to be there when that sends the browser back.
pub(super) fn set_flow(headers: &mut HeaderMap, flow: &Secret<String>) {
    append(headers, &Cookie { life: FLOW_LIFE, same_site: "Lax", ..of_host(FLOW, flow.expose()) });
}

/// Takes the way to an identity provider away.
pub(super) fn clear_flow(headers: &mut HeaderMap) {
    append(headers, &Cookie { same_site: "Lax", ..of_host(FLOW, "") });
}

/// Sets what is left to link.
pub(super) fn set_link(headers: &mut HeaderMap, link: &Secret<String>) {
    append(headers, &Cookie { life: FLOW_LIFE, ..of_host(LINK, link.expose()) });
}

/// Takes what is left to link away.
pub(super) fn clear_link(headers: &mut HeaderMap) {
    append(headers, &of_host(LINK, ""));
}

/// One that no other host can set; it is over at once unless it gets a life.
const fn of_host<'a>(name: &'a str, value: &'a str) -> Cookie<'a> {
    Cookie { name, value, path: "/", life: Duration::ZERO, same_site: "Strict" }
}

fn append(headers: &mut HeaderMap, cookie: &Cookie<'_>) {
    let Cookie { name, value, path, life, same_site } = cookie;
    let life = life.as_secs();
    let text = format!("{name}={value}; Max-Age={life}; Path={path}; Secure; HttpOnly; SameSite={same_site}");
    if let Ok(mut value) = HeaderValue::from_str(&text) {
        value.set_sensitive(true);
        headers.append(http::header::SET_COOKIE, value);
    }
}

/// The value of a cookie that was sent exactly once.
fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut found = pairs
        .flat_map(|pairs| pairs.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(own, _value)| *own == name)
        .map(|(_own, value)| value);
    let first = found.next()?;
    Some(first).filter(|_first| found.next().is_none())
}
