//! What every page has around it.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};

use super::words::{Nav, words};
use super::{LANGUAGES, segment, style};
use crate::account::Locale;
use crate::app::App;
use crate::http::page_headers;

/// Pages have no script at all.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// For pages that are the same for everybody, in seconds a cache may keep them.
const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// Title, language and links.
pub(super) struct Frame {
    pub(super) title: String,
    /// What the installation is called, and who runs it.
    pub(super) name: String,
    pub(super) operator: Option<String>,
    /// For `lang`.
    pub(super) tag: &'static str,
    /// For addresses.
    pub(super) segment: &'static str,
    pub(super) nav: &'static Nav,
    pub(super) style: &'static str,
    /// The page in each language: address, tag, name of the language.
    pub(super) languages: Vec<(String, &'static str, &'static str)>,
}

impl Frame {
    /// The frame of the page at a path behind the language.
    pub(super) fn of(app: &App, path: &str, (locale, title): (Locale, &str)) -> Self {
        let languages = LANGUAGES
            .iter()
            .map(|(other, segment, name)| (format!("/{segment}{path}"), other.as_str(), *name))
            .collect();
        Self {
            title: title.to_owned(),
            name: app.imprint().name.clone(),
            operator: app.imprint().operator.clone(),
            tag: locale.as_str(),
            segment: segment(locale),
            nav: &words(locale).nav,
            style: style::PATH,
            languages,
        }
    }
}

/// Writes a page.
pub(super) fn show(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => ([(CACHE_CONTROL, PUBLIC)], Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Gives an answer the headers of a page.
pub(super) fn add_headers(response: &mut Response) {
    page_headers::add(response, CONTENT_SECURITY_POLICY);
}

pub(super) async fn with_headers(mut response: Response) -> Response {
    add_headers(&mut response);
    response
}
