//! How everything was: noted by every node, told to anyone, forgotten after 90 days.

use std::time::Duration;

use aiduet_core::clock::Timestamp;
use aiduet_core::jobs::{JobOutcome, RunCause};
use aiduet_core::status::{Slots, StatusHour, StatusSubject};
use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::site::{Browser, Reply, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    anyone_reads_how_everything_was
    the_page_of_states_says_it_in_words_too
    what_was_is_forgotten_after_ninety_days
}

const DAY: Duration = Duration::from_hours(24);

async fn history(site: &Site) -> Value {
    let mut anyone = Browser::at("192.0.2.1");
    site.ask(&mut anyone, (Method::GET, "/status/history"), None).await.expect(200).json()
}

async fn page(site: &Site, language: &str) -> Reply {
    let request = Request::get(format!("/{language}/status")).body(Body::empty()).unwrap();
    site.send("192.0.2.1".parse().unwrap(), request).await.expect(200)
}

/// Goes to the beginning of the next day (UTC) and returns it.
fn next_day(site: &Site) -> Timestamp {
    let past = site.factory.now().millis().rem_euclid(86_400_000);
    site.later(DAY - Duration::from_millis(past.unsigned_abs()));
    site.factory.now()
}

async fn anyone_reads_how_everything_was(store: Store) {
    let site = Site::open(store).await;
    assert_eq!(history(&site).await, json!({"subjects": [], "incidents": []}));
    let begin = next_day(&site);
    for _ in 0..4 {
        site.app.note_status().await;
        site.later(Duration::from_mins(1));
    }
    // For 20 minutes nobody looks.
    site.later(Duration::from_mins(21));
    site.app.note_status().await;
    let told = history(&site).await;
    let subjects = told["subjects"].as_array().unwrap();
    let names: Vec<_> = subjects.iter().map(|subject| subject["subject"].as_str().unwrap()).collect();
    assert_eq!(names, ["gateway", "openai"], "there is an upstream of one vendor only");
    let today = |place: usize| subjects[place]["days"].as_array().unwrap().last().unwrap().clone();
    let day = begin.to_string().split('T').next().unwrap().to_owned();
    let own = json!({
        "day": day, "status": "down", "available_bp": 3_333, "degraded_minutes": 0, "down_minutes": 20,
    });
    assert_eq!(today(0), own);
    let theirs = json!({
        "day": day, "status": "up", "available_bp": 10_000, "degraded_minutes": 0, "down_minutes": 0,
    });
    assert_eq!(today(1), theirs, "what it was meanwhile is not known");
    let incident = json!({
        "subject": "gateway", "status": "down",
        "began_at": begin.plus(Duration::from_mins(5)).to_string(),
        "ended_at": begin.plus(Duration::from_mins(25)).to_string(),
    });
    assert_eq!(told["incidents"], json!([incident]));
    assert_eq!(subjects[0]["days"].as_array().unwrap().len(), 90);
    // It is read once a minute, however many ask.
    let kept = site.app.stores().status.purge(site.factory.now(), 100).await.unwrap();
    assert!(kept > 0);
    assert_eq!(history(&site).await, told);
    site.later(Duration::from_mins(1));
    assert_eq!(history(&site).await["subjects"], json!([]));
}

async fn the_page_of_states_says_it_in_words_too(store: Store) {
    let site = Site::open(store).await;
    let begin = next_day(&site);
    let slots = Slots::from_bits;
    let own = StatusHour {
        subject: StatusSubject::Gateway,
        hour: begin,
        seen: slots(0xfff),
        degraded: slots(0),
        down: slots(0),
    };
    let subject = StatusSubject::from_code("openai").unwrap();
    let theirs = StatusHour { subject, degraded: slots(0b1), down: slots(0b1110), ..own };
    site.app.stores().status.note(&[own, theirs]).await.unwrap();
    site.later(Duration::from_hours(2) - Duration::from_secs(1));
    let day = begin.to_string().split('T').next().unwrap().to_owned();
    for (language, down, share, ended) in [
        ("en", "Down", "available", "Last disturbances"),
        ("zh", "中断", "可用", "最近的故障"),
        ("ja", "停止", "稼働", "最近の障害"),
    ] {
        let text = page(&site, language).await.text;
        assert_eq!(text.matches("<rect ").count(), 2 * 90, "{language}");
        let bar = format!("<title>{day}: {down}, 75.00 % {share}</title>");
        assert!(text.contains(&bar), "{language}: {bar}");
        let row = format!("<th scope=\"row\">{day}</th><td>75.00 %</td><td>5</td><td>15</td>");
        assert!(text.contains(&row), "{language}: the same as text");
        assert!(text.contains(ended), "{language}");
        assert!(!text.contains("style=") && !text.contains("<script"), "{language}");
    }
}

async fn what_was_is_forgotten_after_ninety_days(store: Store) {
    let site = Site::open(store).await;
    let begin = next_day(&site);
    let purge = async || {
        let jobs = site.app.jobs();
        let job = jobs.find("retention").unwrap();
        let run = jobs.run(job.as_ref(), RunCause::Request, &CancellationToken::new()).await.unwrap();
        assert_eq!(run.unwrap().outcome, JobOutcome::Done);
        site.app.stores().status.since(begin).await.unwrap().len()
    };
    site.app.note_status().await;
    site.later(DAY * 90);
    assert_eq!(purge().await, 2);
    site.later(Duration::from_mins(1));
    assert_eq!(purge().await, 0);
}
