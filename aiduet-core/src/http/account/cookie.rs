//! The two cookies: the refresh token, and the mark of a known device.

use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::account::Entered;
use crate::auth::DEVICE_TOKEN_LIFE;
use crate::clock::Timestamp;

/// `__Host-` asks for the path `/`; this one is sent to nothing but the calls that need it.
pub(super) const REFRESH: &str = "__Secure-aiduet_refresh";
const REFRESH_PATH: &str = "/api/v1/auth";
const DEVICE: &str = "__Host-aiduet_device";

/// The refresh token that was sent.
pub(super) fn refresh_token(headers: &HeaderMap) -> Option<&str> {
    value(headers, REFRESH)
}

/// What the device showed that it is known by.
pub(super) fn device_token(headers: &HeaderMap) -> Option<&str> {
    value(headers, DEVICE)
}

/// Sets both, or the one that there is.
pub(super) fn set(headers: &mut HeaderMap, entered: &Entered, now: Timestamp) {
    let life = entered.person.session.ends_at.since(now);
    append(headers, REFRESH, &entered.refresh.expose(), REFRESH_PATH, life);
    if let Some(device) = &entered.device {
        append(headers, DEVICE, device.expose(), "/", DEVICE_TOKEN_LIFE);
    }
}

/// Takes the refresh token away.
pub(super) fn clear(headers: &mut HeaderMap) {
    append(headers, REFRESH, "", REFRESH_PATH, Duration::ZERO);
}

#[expect(clippy::too_many_arguments, reason = "the parts of a cookie")]
fn append(headers: &mut HeaderMap, name: &str, value: &str, path: &str, life: Duration) {
    let text =
        format!("{name}={value}; Max-Age={}; Path={path}; Secure; HttpOnly; SameSite=Strict", life.as_secs());
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
