//! Bodies, taken literally: what is not understood is refused.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error};
use serde_json::value::RawValue;

use super::problem::Problem;
use crate::app::App;

const BYTES_MAX: usize = 64 << 10;
/// What a body may have that holds a sheet of prices.
pub(super) const SHEET_BYTES_MAX: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(10);

/// A JSON object of at most so many bytes, 64 KiB for most, without unknown or repeated members.
pub(super) struct Strict<T, const MAX: usize = BYTES_MAX>(pub(super) T);

impl<T: DeserializeOwned, const MAX: usize> FromRequest<App> for Strict<T, MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _app: &App) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::MEDIA_TYPE);
        }
        let body = axum::body::to_bytes(request.into_body(), MAX);
        let body = tokio::time::timeout(PATIENCE, body).await.map_err(|_late| Problem::TIMEOUT)?;
        let body = body.map_err(|_over| Problem::TOO_LARGE)?;
        // The error would quote what was sent.
        let mut reader = serde_json::Deserializer::from_slice(&body);
        let read = object(&mut reader).and_then(|body| reader.end().map(|()| body));
        read.map(Self).map_err(|_refused| Problem::MALFORMED)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = kind.split(';').map(str::trim);
    let names_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.all(|part| part.eq_ignore_ascii_case("charset=utf-8"));
    names_json && is_utf8
}

/// `#[serde(deserialize_with)]` for a structure: serde would also take an array of its members.
pub(super) fn object<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let text = Box::<RawValue>::deserialize(deserializer)?;
    if text.get().starts_with('[') {
        return Err(D::Error::custom("an array is no object"));
    }
    serde_json::from_str(text.get()).map_err(D::Error::custom)
}

/// As [`given`], for a structure.
pub(super) fn given_object<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    object::<Option<T>, D>(deserializer).map(Some)
}

/// `#[serde(default, deserialize_with)]` for a member that may be left out or be `null`, which are
/// two things.
pub(super) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
