//! The policies, and whom to write to.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use super::frame::{Frame, show};
use super::words::{PolicyWords, words};
use super::{Page, not_found};
use crate::account::Locale;
use crate::app::App;
use crate::clock::Timestamp;
use crate::notify::PolicyKind;
use crate::policy::{Block, Policy};

/// How long what `security.txt` says holds (RFC 9116 recommends less than a year).
const CONTACT_LIFE: std::time::Duration = std::time::Duration::from_hours(180 * 24);

#[derive(Template)]
#[template(path = "pages/policy.html")]
struct PolicyPage {
    frame: Frame,
    words: &'static PolicyWords,
    version: &'static str,
    summary: String,
    blocks: Vec<Block>,
}

#[derive(Template)]
#[template(path = "pages/versions.html")]
struct VersionsPage {
    frame: Frame,
    words: &'static PolicyWords,
    policies: Vec<VersionRow>,
}

/// A version in the list of all.
struct VersionRow {
    address: String,
    title: String,
    version: &'static str,
    summary: String,
}

/// The version of a policy that is in force.
pub(super) fn in_force(app: &App, kind: PolicyKind, locale: Locale) -> Response {
    match app.policies().in_force(kind, app.clock().now()) {
        Some(policy) => page(app, (policy, Page::Policy(kind).path()), locale),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// One version of a policy.
pub(super) async fn version(
    State(app): State<App>,
    Path((kind, version)): Path<(String, String)>,
    head: Parts,
    locale: Locale,
) -> Response {
    let kind = PolicyKind::ALL.into_iter().find(|known| known.as_str() == kind);
    match kind.and_then(|kind| app.policies().find(kind, &version)) {
        Some(policy) => page(&app, (policy, &address(policy)), locale),
        None => not_found(&app, &head.headers),
    }
}

/// Behind the language.
fn address(policy: &Policy) -> String {
    format!("{}/{}/{}", Page::Versions.path(), policy.kind.as_str(), policy.version)
}

fn page(app: &App, (policy, path): (&Policy, &str), locale: Locale) -> Response {
    let words = &words(locale).policy;
    let text = policy.text(locale);
    let imprint = app.imprint();
    let operator = imprint.operator.as_deref().unwrap_or(words.operator_unknown);
    let contact = imprint.contact.as_deref().unwrap_or(words.contact_unknown);
    let fill = |text: &String| text.replace("{operator}", operator).replace("{contact}", contact);
    let blocks = text.blocks.iter().map(|block| match block {
        Block::Heading(text) => Block::Heading(fill(text)),
        Block::Paragraph(text) => Block::Paragraph(fill(text)),
        Block::List(items) => Block::List(items.iter().map(fill).collect()),
    });
    let frame = Frame::of(app, path, (locale, &text.title));
    show(&PolicyPage {
        frame,
        words,
        version: policy.version,
        summary: text.summary.clone(),
        blocks: blocks.collect(),
    })
}

/// Every version of every policy.
pub(super) fn versions(app: &App, locale: Locale) -> Response {
    let words = &words(locale).policy;
    let rows = PolicyKind::ALL.into_iter().flat_map(|kind| app.policies().versions(kind));
    let policies = rows.map(|policy| VersionRow {
        address: address(policy),
        title: policy.text(locale).title.clone(),
        version: policy.version,
        summary: policy.text(locale).summary.clone(),
    });
    let policies = policies.collect();
    show(&VersionsPage {
        frame: Frame::of(app, Page::Versions.path(), (locale, words.versions)),
        words,
        policies,
    })
}

/// `/.well-known/security.txt` (RFC 9116); not there where nobody says whom to write to.
pub(super) async fn security_contact(State(app): State<App>) -> Response {
    let Some(contact) = &app.imprint().contact else { return StatusCode::NOT_FOUND.into_response() };
    let contact = if contact.contains("://") { contact.clone() } else { format!("mailto:{contact}") };
    // The whole day, so that the text stays the same for a while.
    let day = app.clock().now().millis() / 86_400_000 * 86_400_000;
    let expires = Timestamp::from_millis(day).plus(CONTACT_LIFE);
    format!("Contact: {contact}\nExpires: {expires}\nPreferred-Languages: en, zh, ja\n").into_response()
}
