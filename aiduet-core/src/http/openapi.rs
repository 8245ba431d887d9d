//! `GET /openapi.json`: the account API, described for programs.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};

use super::account;

static DOCUMENT: LazyLock<String> = LazyLock::new(openapi);

/// The OpenAPI 3.1 document of the account API, as indented JSON with sorted members;
/// `docs/openapi.json` is this text.
pub fn openapi() -> String {
    let document = serde_json::to_value(account::document()).unwrap_or_default();
    format!("{document:#}\n")
}

pub(super) async fn document() -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "public, max-age=300"),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, DOCUMENT.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    /// `aiduet openapi > docs/openapi.json` brings it up to date.
    #[test]
    fn the_committed_document_is_that_of_the_handlers() {
        let committed = include_str!("../../../docs/openapi.json");
        assert!(
            committed == super::openapi(),
            "docs/openapi.json is old: `aiduet openapi` prints the new one"
        );
    }
}
