//! The style sheet and the icon.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

const SHEET: &str = include_str!("../../../templates/pages/style.css");
const ICON: &str = include_str!("../../../templates/pages/icon.svg");

/// Where the style sheet is. It is small and asked for again after an hour, so that its address
/// needs no digest.
pub(super) const PATH: &str = "/style.css";

const FOR_AN_HOUR: &str = "public, max-age=3600";

pub(super) async fn sheet() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, FOR_AN_HOUR)], SHEET).into_response()
}

pub(super) async fn icon() -> Response {
    ([(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, FOR_AN_HOUR)], ICON).into_response()
}
