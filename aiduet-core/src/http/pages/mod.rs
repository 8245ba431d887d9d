//! The public pages: readable without an account, without JavaScript, without a cookie.
//!
//! Each page has an address in each language (`/en/pricing`); the short address (`/pricing`) leads to
//! the one that the client asks for.

mod frame;
mod policies;
mod price_list;
mod status;
mod style;
mod words;

use askama::Template;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use http::header::{ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;

use self::frame::{Frame, show};
use self::price_list::{PriceList, Row, price_list};
use self::words::{Home, Lost, Proof, words};
use super::language::preferred_language;
use crate::account::Locale;
use crate::app::App;
use crate::id::RequestId;
use crate::notify::PolicyKind;
use crate::provider::Vendor;

/// The languages by their part of an address.
const LANGUAGES: [(Locale, &str, &str); 3] =
    [(Locale::En, "en", "English"), (Locale::ZhCn, "zh", "中文"), (Locale::Ja, "ja", "日本語")];

/// The part of an address that stands for a language.
const fn segment(locale: Locale) -> &'static str {
    match locale {
        Locale::En => "en",
        Locale::ZhCn => "zh",
        Locale::Ja => "ja",
    }
}

/// A page that has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Home,
    Docs,
    Pricing,
    Status,
    Proof,
    Policy(PolicyKind),
    Versions,
}

impl Page {
    const ALL: [Self; 8] = [
        Self::Home,
        Self::Docs,
        Self::Pricing,
        Self::Status,
        Self::Proof,
        Self::Policy(PolicyKind::Privacy),
        Self::Policy(PolicyKind::Terms),
        Self::Versions,
    ];

    /// Behind the language.
    const fn path(self) -> &'static str {
        match self {
            Self::Home => "/",
            Self::Docs => "/docs",
            Self::Pricing => "/pricing",
            Self::Status => "/status",
            Self::Proof => "/privacy/proof",
            Self::Policy(PolicyKind::Privacy) => "/privacy",
            Self::Policy(PolicyKind::Terms) => "/terms",
            Self::Versions => "/policies",
        }
    }

    fn handler(self, locale: Locale) -> MethodRouter<App> {
        match self {
            Self::Home => get(move |State(app): State<App>| async move { home(&app, locale).await }),
            Self::Docs => get(move |State(app): State<App>| async move { docs(&app, locale) }),
            Self::Pricing => {
                get(move |State(app): State<App>, query| async move { pricing(&app, locale, query).await })
            }
            Self::Status => {
                get(move |State(app): State<App>| async move { status::show(&app, locale).await })
            }
            Self::Proof => get(move |State(app): State<App>| async move { proof(&app, locale) }),
            Self::Policy(kind) => {
                get(move |State(app): State<App>| async move { policies::in_force(&app, kind, locale) })
            }
            Self::Versions => {
                get(move |State(app): State<App>| async move { policies::versions(&app, locale) })
            }
        }
    }
}

/// Every page, in every language.
pub(super) fn routes() -> Router<App> {
    let mut router = Router::new().route(style::PATH, get(style::sheet)).route("/icon.svg", get(style::icon));
    for page in Page::ALL {
        if page != Page::Home {
            let path = page.path();
            router =
                router.route(path, get(move |headers: HeaderMap| async move { to_language(&headers, path) }));
        }
        for (locale, segment, _name) in LANGUAGES {
            router = router.route(&format!("/{segment}{}", page.path()), page.handler(locale));
        }
    }
    for (locale, segment, _name) in LANGUAGES {
        let to_home = get(move || async move { Redirect::permanent(&format!("/{segment}/")) });
        let version = format!("/{segment}/policies/{{kind}}/{{version}}");
        router = router
            .route(&format!("/{segment}"), to_home)
            .route(&version, get(move |state, path, head| policies::version(state, path, head, locale)))
            .route(
                &format!("{version}/changes"),
                get(move |state, path, head| policies::version_changes(state, path, head, locale)),
            );
    }
    router
        .route("/pricing.csv", get(prices_as_csv))
        .route("/robots.txt", get(robots))
        .route("/.well-known/security.txt", get(policies::security_contact))
        .layer(map_response(frame::with_headers))
}

/// `GET /`: people get the first page, programs a sign of life.
pub(super) async fn root(headers: HeaderMap) -> Response {
    if wants_page(&headers) { to_language(&headers, "/") } else { "ok".into_response() }
}

/// Whether a client prefers a page for people.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split(',').any(|range| range.trim().starts_with("text/html"))
}

fn language_of(headers: &HeaderMap) -> Locale {
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    accepted.map_or(Locale::En, preferred_language)
}

fn to_language(headers: &HeaderMap, path: &str) -> Response {
    let place = format!("/{}{path}", segment(language_of(headers)));
    let mut response = Redirect::to(&place).into_response();
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept, accept-language"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[derive(Template)]
#[template(path = "pages/home.html")]
struct HomePage {
    frame: Frame,
    words: &'static Home,
    columns: &'static words::Pricing,
    /// Where the API is.
    api: String,
    /// Some models of each provider; none where prices cannot be read.
    models: Vec<Row>,
}

async fn home(app: &App, locale: Locale) -> Response {
    let all = words(locale);
    let words = &all.home;
    let models = price_list(app).await.map(PriceList::excerpt).unwrap_or_default();
    show(&HomePage {
        frame: Frame::of(app, Page::Home.path(), (locale, words.title)),
        words,
        columns: &all.pricing,
        api: app.imprint().api_url.clone(),
        models,
    })
}

#[derive(Template)]
#[template(path = "pages/docs.html")]
struct DocsPage {
    frame: Frame,
    words: &'static words::Docs,
    /// Where the API is.
    api: String,
}

fn docs(app: &App, locale: Locale) -> Response {
    let words = &words(locale).docs;
    let frame = Frame::of(app, Page::Docs.path(), (locale, words.title));
    show(&DocsPage { frame, words, api: app.imprint().api_url.clone() })
}

#[derive(Template)]
#[template(path = "pages/pricing.html")]
struct PricingPage {
    frame: Frame,
    words: &'static words::Pricing,
    list: PriceList,
    /// Part of a name that is looked for.
    wanted: String,
}

/// Which models of the price list.
#[derive(Deserialize)]
struct PricesQuery {
    q: Option<String>,
}

async fn pricing(app: &App, locale: Locale, query: Result<Query<PricesQuery>, QueryRejection>) -> Response {
    let words = &words(locale).pricing;
    let wanted = query.ok().and_then(|Query(query)| query.q).unwrap_or_default();
    match price_list(app).await {
        Ok(list) => show(&PricingPage {
            frame: Frame::of(app, Page::Pricing.path(), (locale, words.title)),
            words,
            list: list.named(&wanted),
            wanted,
        }),
        Err(error) => {
            tracing::warn!(%error, "the prices cannot be shown");
            unavailable(app, locale)
        }
    }
}

/// The prices as a table for programs.
async fn prices_as_csv(State(app): State<App>) -> Response {
    match price_list(&app).await {
        Ok(list) => {
            let head = [
                (CONTENT_TYPE, "text/csv; charset=utf-8"),
                (CACHE_CONTROL, "public, max-age=300"),
                (CONTENT_DISPOSITION, "attachment; filename=\"aiduet-prices.csv\""),
            ];
            (head, list.csv()).into_response()
        }
        Err(error) => {
            tracing::warn!(%error, "the prices cannot be shown");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// A vendor as it writes itself.
const fn title(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Anthropic => "Anthropic",
        Vendor::OpenAi => "OpenAI",
    }
}

#[derive(Template)]
#[template(path = "pages/proof.html")]
struct ProofPage {
    frame: Frame,
    words: &'static Proof,
}

fn proof(app: &App, locale: Locale) -> Response {
    let words = &words(locale).proof;
    show(&ProofPage { frame: Frame::of(app, Page::Proof.path(), (locale, words.title)), words })
}

#[derive(Template)]
#[template(path = "pages/lost.html")]
struct LostPage {
    frame: Frame,
    words: &'static Lost,
    said: (&'static str, &'static str),
    request: RequestId,
}

/// In the place of a page that cannot be written for now.
fn unavailable(app: &App, locale: Locale) -> Response {
    let words = &words(locale).lost;
    let request = app.gateway().new_request_id();
    let (title, _text) = words.unavailable;
    let frame = Frame::of(app, "/", (locale, title));
    let mut response =
        (StatusCode::SERVICE_UNAVAILABLE, show(&LostPage { frame, words, said: words.unavailable, request }))
            .into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// For people who look for a page that is not there.
pub(super) fn not_found(app: &App, headers: &HeaderMap) -> Response {
    let locale = language_of(headers);
    let words = &words(locale).lost;
    let request = app.gateway().new_request_id();
    let said = (words.title, words.text);
    let page = LostPage { frame: Frame::of(app, "/", (locale, words.title)), words, said, request };
    let mut response = (StatusCode::NOT_FOUND, show(&page)).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    frame::add_headers(&mut response);
    response
}

/// Everything here may be found by search engines, but for what is not made for people.
async fn robots() -> &'static str {
    "User-agent: *\nDisallow: /api/\nDisallow: /dashboard\nDisallow: /v1/\nDisallow: /webhooks/\n"
}
