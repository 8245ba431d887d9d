//! The dashboard: one page for every path below `/dashboard`, which its own program reads, and the
//! files that the page loads.

use axum::Router;
use axum::extract::Path;
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::page_headers;

/// What a build of the dashboard consists of.
#[derive(Clone, Copy, Debug)]
pub struct Bundle {
    /// The page, as HTML.
    pub shell: &'static str,
    /// What the page loads.
    pub files: &'static [File],
}

/// A file that never changes: its name contains a digest of what is in it.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// The name below `/dashboard/assets/`.
    pub name: &'static str,
    /// The value of `content-type`.
    pub media_type: &'static str,
    /// The file as it is.
    pub plain: &'static [u8],
    /// The file in gzip.
    pub gzip: &'static [u8],
    /// The file in Brotli.
    pub brotli: &'static [u8],
}

/// What the page needs and nothing else: no other origin, no script or style within a page, no
/// text that becomes a script.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
     base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// What is shown where the server was built without the dashboard.
const MISSING: &str = include_str!("dashboard_missing.html");

/// The routes of the dashboard; of a page that says how to get it when there is none.
pub fn routes(bundle: Option<Bundle>) -> Router {
    let page = move || async move { page(bundle) };
    let file =
        move |Path(name): Path<String>, headers: HeaderMap| async move { file(bundle, &name, &headers) };
    Router::new()
        .route("/dashboard", get(page))
        .route("/dashboard/", get(page))
        .route("/dashboard/{*page}", get(page))
        .route("/dashboard/assets/{name}", get(file))
        .layer(map_response(with_headers))
}

fn page(bundle: Option<Bundle>) -> Response {
    let status = if bundle.is_some() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let text = bundle.map_or(MISSING, |bundle| bundle.shell);
    (status, [(CACHE_CONTROL, "no-store")], Html(text)).into_response()
}

fn file(bundle: Option<Bundle>, name: &str, headers: &HeaderMap) -> Response {
    let found = bundle.and_then(|bundle| bundle.files.iter().find(|file| file.name == name));
    let Some(file) = found else {
        return (StatusCode::NOT_FOUND, [(CACHE_CONTROL, "no-store")]).into_response();
    };
    let (coding, bytes) = if accepts(headers, "br") {
        (Some("br"), file.brotli)
    } else if accepts(headers, "gzip") {
        (Some("gzip"), file.gzip)
    } else {
        (None, file.plain)
    };
    let mut response = Bytes::from_static(bytes).into_response();
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static(IMMUTABLE));
    fields.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(coding) = coding {
        fields.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}

/// Whether a client names a coding and does not refuse it (RFC 9110, section 12.5.3).
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let ranges = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    ranges.flat_map(|ranges| ranges.split(',')).any(|range| {
        let (name, quality) = range.split_once(';').unwrap_or((range, "q=1"));
        let quality = quality.trim().strip_prefix("q=").unwrap_or("1");
        let refused = quality.chars().all(|c| matches!(c, '0' | '.'));
        name.trim().eq_ignore_ascii_case(coding) && !refused
    })
}

async fn with_headers(mut response: Response) -> Response {
    page_headers::add(&mut response, CONTENT_SECURITY_POLICY);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use http::{Method, Request};
    use tower::ServiceExt;

    const FILES: &[File] = &[File {
        name: "main-0123.js",
        media_type: "text/javascript; charset=utf-8",
        plain: b"plain",
        gzip: b"gzip",
        brotli: b"brotli",
    }];
    const BUNDLE: Bundle = Bundle { shell: "<!doctype html><title>shell</title>", files: FILES };

    async fn ask(bundle: Option<Bundle>, (method, path): (Method, &str), accept: &str) -> Response {
        let request = Request::builder().method(method).uri(path).header(ACCEPT_ENCODING, accept);
        routes(bundle).oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    async fn text(response: Response) -> String {
        String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn every_path_below_is_the_page_and_nothing_may_keep_it() {
        for path in ["/dashboard", "/dashboard/", "/dashboard/keys", "/dashboard/requests/a/b"] {
            let response = ask(Some(BUNDLE), (Method::GET, path), "").await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
            assert_eq!(text(response).await, BUNDLE.shell);
        }
    }

    #[tokio::test]
    async fn a_file_comes_in_the_smallest_coding_that_is_accepted() {
        let path = "/dashboard/assets/main-0123.js";
        for (accept, coding, body) in [
            ("gzip, deflate, br, zstd", Some("br"), "brotli"),
            ("gzip;q=1.0, br;q=0", Some("gzip"), "gzip"),
            ("br;q=0.000", None, "plain"),
            ("", None, "plain"),
        ] {
            let response = ask(Some(BUNDLE), (Method::GET, path), accept).await;
            let sent =
                response.headers().get(CONTENT_ENCODING).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(sent.as_deref(), coding, "{accept}");
            assert_eq!(response.headers()[CACHE_CONTROL], IMMUTABLE);
            assert_eq!(response.headers()[VARY], "accept-encoding");
            assert_eq!(response.headers()[CONTENT_TYPE], FILES[0].media_type);
            assert_eq!(text(response).await, body);
        }
    }

    #[tokio::test]
    async fn a_file_of_another_build_is_not_found_and_the_answer_is_not_kept() {
        let response = ask(Some(BUNDLE), (Method::GET, "/dashboard/assets/main-4567.js"), "br").await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    }

    #[tokio::test]
    async fn every_answer_has_the_headers_errors_too() {
        let asked = [
            (Method::GET, "/dashboard"),
            (Method::GET, "/dashboard/assets/main-0123.js"),
            (Method::GET, "/dashboard/assets/none.js"),
            (Method::POST, "/dashboard/keys"),
        ];
        for ask_for in asked {
            let name = format!("{ask_for:?}");
            let response = ask(Some(BUNDLE), ask_for, "gzip").await;
            for (header, value) in page_headers::HEADERS {
                assert_eq!(response.headers()[header], value, "{name} {header}");
            }
            assert_eq!(response.headers()["content-security-policy"], CONTENT_SECURITY_POLICY, "{name}");
        }
    }

    #[tokio::test]
    async fn without_a_build_the_page_says_how_to_get_one() {
        let response = ask(None, (Method::GET, "/dashboard/keys"), "").await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let text = text(response).await;
        assert!(text.contains("Node.js") && !text.contains("<script") && !text.contains("style"), "{text}");
    }
}
