//! How the gateway and the providers are and were, as a page.

use askama::Template;
use axum::response::Response;
use http::header::{CACHE_CONTROL, HeaderValue};

use super::frame::{self, Frame};
use super::words::{Status, words};
use super::{Page, title};
use crate::account::Locale;
use crate::app::App;
use crate::clock::Timestamp;
use crate::routing::ProviderHealth;
use crate::status::{Incident, StatusDay, StatusHistory, StatusSubject, SubjectHistory};

#[derive(Template)]
#[template(path = "pages/status.html")]
struct StatusPage {
    frame: Frame,
    words: &'static Status,
    /// Name, how it is in words, and as a class of the style.
    providers: Vec<(&'static str, &'static str, &'static str)>,
    checked_at: String,
    /// The same, for people.
    checked: String,
    /// Unless it cannot be read.
    past: Option<Past>,
}

/// How everything was.
struct Past {
    subjects: Vec<Subject>,
    incidents: Vec<Row>,
}

/// How the gateway or a provider was.
struct Subject {
    name: &'static str,
    bars: Vec<Bar>,
    /// Of the time that it was looked at, how much it was not down, such as `99.98 %`.
    available: Option<String>,
    /// The days on which something was wrong, the latest first.
    troubled: Vec<Day>,
}

/// A day as a bar.
struct Bar {
    /// From the left.
    x: usize,
    class: &'static str,
    title: String,
}

/// A day as a row.
struct Day {
    day: String,
    degraded: u32,
    down: u32,
    available: String,
}

/// A disturbance as a row.
struct Row {
    name: &'static str,
    state: &'static str,
    class: &'static str,
    began_at: String,
    began: String,
    /// `None`: it is still there.
    ended: Option<(String, String)>,
}

/// Width of a bar with what is between it and the next one.
const STEP: usize = 4;

pub(super) async fn show(app: &App, locale: Locale) -> Response {
    let words = &words(locale).status;
    let now = app.clock().now();
    let gateway = app.gateway();
    let state = |vendor| {
        let (name, class) = described(gateway.provider_health(vendor), words);
        (title(vendor), name, class)
    };
    let past = match app.status().history(now).await {
        Ok(history) => Some(Past::of(&history, words)),
        Err(error) => {
            tracing::warn!(%error, "how everything was cannot be shown");
            None
        }
    };
    let (checked_at, checked) = moment(now);
    let page = StatusPage {
        frame: Frame::of(app, Page::Status.path(), (locale, words.title)),
        words,
        providers: gateway.vendors().map(state).collect(),
        checked_at,
        checked,
        past,
    };
    let mut response = frame::show(&page);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

const fn described(health: ProviderHealth, words: &Status) -> (&'static str, &'static str) {
    match health {
        ProviderHealth::Up => (words.up, "good"),
        ProviderHealth::Degraded => (words.degraded, "warn"),
        ProviderHealth::Down => (words.down, "bad"),
    }
}

/// For programs, and for people.
fn moment(at: Timestamp) -> (String, String) {
    let text = at.to_string();
    let shown = text.get(..16).unwrap_or(&text).replace('T', " ");
    (text, shown)
}

fn date(at: Timestamp) -> String {
    at.to_string().split('T').next().unwrap_or_default().to_owned()
}

const fn name(subject: StatusSubject, words: &Status) -> &'static str {
    match subject {
        StatusSubject::Gateway => words.gateway,
        StatusSubject::Provider(vendor) => title(vendor),
    }
}

/// Parts of 10,000, such as `99.98 %`.
fn percent(parts: u32) -> String {
    format!("{}.{:02} %", parts / 100, parts % 100)
}

impl Past {
    fn of(history: &StatusHistory, words: &Status) -> Self {
        let StatusHistory { subjects, incidents } = history;
        Self {
            subjects: subjects.iter().map(|subject| Subject::of(subject, words)).collect(),
            incidents: incidents.iter().map(|incident| Row::of(incident, words)).collect(),
        }
    }
}

impl Subject {
    fn of(history: &SubjectHistory, words: &Status) -> Self {
        let SubjectHistory { subject, days } = history;
        let known = || days.iter().filter(|day| day.health.is_some());
        let sum: u32 = known().map(|day| day.available_bp).sum();
        let count = u32::try_from(known().count()).unwrap_or(u32::MAX);
        let troubled = known().rev().filter(|day| day.health != Some(ProviderHealth::Up));
        Self {
            name: name(*subject, words),
            bars: days.iter().enumerate().map(|(place, day)| Bar::of(place, (day, words))).collect(),
            available: sum.checked_div(count).map(percent),
            troubled: troubled.map(Day::of).collect(),
        }
    }
}

impl Bar {
    fn of(place: usize, (of, words): (&StatusDay, &Status)) -> Self {
        let day = date(of.day);
        let (class, title) = match of.health {
            None => ("none", format!("{day}: {}", words.unknown)),
            Some(health) => {
                let (state, class) = described(health, words);
                (class, format!("{day}: {state}, {} {}", percent(of.available_bp), words.available))
            }
        };
        Self { x: place.saturating_mul(STEP), class, title }
    }
}

impl Day {
    fn of(of: &StatusDay) -> Self {
        let StatusDay { day, available_bp, degraded_minutes, down_minutes, health: _ } = *of;
        let available = percent(available_bp);
        Self { day: date(day), degraded: degraded_minutes, down: down_minutes, available }
    }
}

impl Row {
    fn of(of: &Incident, words: &Status) -> Self {
        let Incident { subject, health, began_at, ended_at } = *of;
        let (state, class) = described(health, words);
        let (began_at, began) = moment(began_at);
        Self { name: name(subject, words), state, class, began_at, began, ended: ended_at.map(moment) }
    }
}
