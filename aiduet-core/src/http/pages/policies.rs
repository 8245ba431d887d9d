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
use crate::policy::{Block, Policies, Policy, Span, changes};

/// How long what `security.txt` says holds (RFC 9116 recommends less than a year).
const CONTACT_LIFE: std::time::Duration = std::time::Duration::from_hours(180 * 24);

#[derive(Template)]
#[template(path = "pages/policy.html")]
struct PolicyPage {
    frame: Frame,
    words: &'static PolicyWords,
    version: &'static str,
    /// What its day is: the one since which it is in force, or from which it will be.
    in_force: &'static str,
    summary: String,
    /// Where it is compared with the version before.
    changes: Option<String>,
    blocks: Vec<Block>,
}

/// Two versions in one text.
#[derive(Template)]
#[template(path = "pages/changes.html")]
struct ChangesPage {
    frame: Frame,
    words: &'static PolicyWords,
    /// Where the newer version is.
    address: String,
    version: &'static str,
    former: &'static str,
    former_address: String,
    summary: String,
    blocks: Vec<Block<Vec<Span>>>,
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
    in_force: &'static str,
    summary: String,
    changes: Option<String>,
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
    Path(place): Path<(String, String)>,
    head: Parts,
    locale: Locale,
) -> Response {
    match find(app.policies(), &place) {
        Some(policy) => page(&app, (policy, &address(policy)), locale),
        None => not_found(&app, &head.headers),
    }
}

/// One version beside the one before it.
pub(super) async fn version_changes(
    State(app): State<App>,
    Path(place): Path<(String, String)>,
    head: Parts,
    locale: Locale,
) -> Response {
    let found = find(app.policies(), &place);
    match found.and_then(|policy| app.policies().before(policy).map(|former| (former, policy))) {
        Some(versions) => changes_page(&app, versions, locale),
        None => not_found(&app, &head.headers),
    }
}

fn find<'p>(policies: &'p Policies, (kind, version): &(String, String)) -> Option<&'p Policy> {
    let kind = PolicyKind::ALL.into_iter().find(|known| known.as_str() == kind)?;
    policies.find(kind, version)
}

/// Behind the language.
fn address(policy: &Policy) -> String {
    format!("{}/{}/{}", Page::Versions.path(), policy.kind.as_str(), policy.version)
}

/// Behind the language; nowhere for a first version.
fn changes_address(policies: &Policies, policy: &Policy) -> Option<String> {
    policies.before(policy).map(|_former| format!("{}/changes", address(policy)))
}

/// What to say of the day of a version.
fn in_force_words(app: &App, policy: &Policy, words: &PolicyWords) -> &'static str {
    if policy.effective_from <= app.clock().now() { words.in_force_since } else { words.in_force_from }
}

/// What a version says, with the operator and whom to write to.
fn filled(app: &App, policy: &Policy, locale: Locale) -> Vec<Block> {
    let words = &words(locale).policy;
    let imprint = app.imprint();
    let operator = imprint.operator.as_deref().unwrap_or(words.operator_unknown);
    let contact = imprint.contact.as_deref().unwrap_or(words.contact_unknown);
    let fill = |text: &String| put(&put(text, "{operator}", operator), "{contact}", contact);
    let blocks = policy.text(locale).blocks.iter().map(|block| match block {
        Block::Heading(text) => Block::Heading(fill(text)),
        Block::Paragraph(text) => Block::Paragraph(fill(text)),
        Block::List(items) => Block::List(items.iter().map(fill).collect()),
    });
    blocks.collect()
}

/// Puts a name into its place. The spaces around the place are for Latin letters: Chinese and Japanese
/// have none beside their own.
fn put(text: &str, place: &str, name: &str) -> String {
    let is_wide = |text: &str| text.chars().any(|letter| letter >= '\u{3000}');
    if is_wide(text) && is_wide(name) {
        let text = text.replace(&format!(" {place}"), place).replace(&format!("{place} "), place);
        return text.replace(place, name);
    }
    text.replace(place, name)
}

fn page(app: &App, (policy, path): (&Policy, &str), locale: Locale) -> Response {
    let words = &words(locale).policy;
    let text = policy.text(locale);
    show(&PolicyPage {
        frame: Frame::of(app, path, (locale, &text.title)),
        words,
        version: policy.version,
        in_force: in_force_words(app, policy, words),
        summary: text.summary.clone(),
        changes: changes_address(app.policies(), policy),
        blocks: filled(app, policy, locale),
    })
}

fn changes_page(app: &App, (former, newer): (&Policy, &Policy), locale: Locale) -> Response {
    let path = format!("{}/changes", address(newer));
    let text = newer.text(locale);
    show(&ChangesPage {
        frame: Frame::of(app, &path, (locale, &text.title)),
        words: &words(locale).policy,
        address: address(newer),
        version: newer.version,
        former: former.version,
        former_address: address(former),
        summary: text.summary.clone(),
        blocks: changes(&filled(app, former, locale), &filled(app, newer, locale)),
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
        in_force: in_force_words(app, policy, words),
        summary: policy.text(locale).summary.clone(),
        changes: changes_address(app.policies(), policy),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::pages::style;

    const FORMER: &str = "# Terms\n> The first version.\n## Price\nYou pay 5 % on top.\n";
    const NEWER: &str = "# Terms\n> It is cheaper.\n## Price\nYou pay 4 % on top. <b>No</b> fee.\n";

    fn invented() -> Policies {
        let version = |day, text| (PolicyKind::Terms, day, [text; 3]);
        Policies::read(&[version("2026-01-01", FORMER), version("2026-06-01", NEWER)]).unwrap()
    }

    #[test]
    fn every_version_but_the_first_is_compared_with_the_one_before() {
        let policies = invented();
        let found = |version: &str| find(&policies, &("terms".to_owned(), version.to_owned()));
        let changes = |version| changes_address(&policies, found(version).unwrap());
        assert_eq!(changes("2026-06-01").as_deref(), Some("/policies/terms/2026-06-01/changes"));
        assert_eq!(changes("2026-01-01"), None);
        assert!(found("2026-02-01").is_none());
        assert!(find(&policies, &("privacy".to_owned(), "2026-06-01".to_owned())).is_none());
    }

    #[test]
    fn a_name_has_spaces_beside_it_where_its_letters_have_them() {
        assert_eq!(put("由 {x} 运营", "{x}", "Example Ltd."), "由 Example Ltd. 运营");
        assert_eq!(put("由 {x} 运营", "{x}", "本站的运营方"), "由本站的运营方运营");
        assert_eq!(put("由 {x} 运营", "{x}", "Müller"), "由 Müller 运营");
        assert_eq!(put("{x} runs it", "{x}", "运营方"), "运营方 runs it");
    }

    #[test]
    fn the_page_marks_what_went_and_what_came() {
        let policies = invented();
        let versions: Vec<_> = policies.versions(PolicyKind::Terms).collect();
        let [newer, former] = versions.as_slice() else { panic!("{versions:?}") };
        let blocks = |policy: &Policy| policy.text(Locale::Ja).blocks.clone();
        let page = ChangesPage {
            frame: Frame {
                title: "Terms".to_owned(),
                name: "AI Duet".to_owned(),
                operator: None,
                tag: "ja",
                segment: "ja",
                nav: &words(Locale::Ja).nav,
                style: style::PATH,
                languages: Vec::new(),
            },
            words: &words(Locale::Ja).policy,
            address: address(newer),
            version: newer.version,
            former: former.version,
            former_address: address(former),
            summary: newer.text(Locale::Ja).summary.clone(),
            blocks: changes(&blocks(former), &blocks(newer)),
        };
        let text = page.render().unwrap();
        assert!(text.contains("<h2>Price</h2>"), "{text}");
        let unseen = |word: &str| format!("<span class=\"unseen\">{word}</span>");
        let end = unseen(" 変更ここまで ");
        let removed = format!("<p>You pay <del>{}5 {end}</del>", unseen("削除： "));
        assert!(text.contains(&removed), "{text}");
        assert!(text.contains("&#60;b&#62;No&#60;/b&#62; fee."), "a text stays a text: {text}");
        assert!(text.contains("href=\"/ja/policies/terms/2026-01-01\""), "{text}");
    }
}
