//! The card company over HTTP: its API, and the page on which a payer pays.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{any, get};
use http::request::Parts;
use http::{Method, StatusCode};

use super::FakeStripe;
use super::api::FakeCall;

/// What the routes share.
#[derive(Clone)]
struct Site {
    stripe: FakeStripe,
    /// Where the pages are.
    base: Arc<str>,
}

impl FakeStripe {
    /// The API below `/v1`, and pages to pay on below `/pay`; `base` is where they are reached, for
    /// example `http://127.0.0.1:8080`.
    pub fn router(&self, base: &str) -> Router {
        let site = Site { stripe: self.clone(), base: base.trim_end_matches('/').into() };
        Router::new()
            .route("/v1/{*rest}", any(api))
            .route("/pay/{session}", get(page).post(pay))
            .route("/pay/{session}/cancel", axum::routing::post(cancel))
            .route("/bank/{payment}", get(bank))
            .route("/bank/{payment}/{answer}", axum::routing::post(answer_bank))
            .with_state(site)
    }
}

async fn api(State(site): State<Site>, head: Parts, body: Bytes) -> Response {
    let Parts { method, uri, headers, .. } = head;
    if headers.get("stripe-version").is_none() || headers.get(http::header::AUTHORIZATION).is_none() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let form = if method == Method::GET { uri.query().unwrap_or_default().as_bytes() } else { &body };
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
    let mut answer = site.stripe.call(&FakeCall::of(&method, uri.path(), (form, key)));
    for place in ["/url", "/next_action/redirect_to_url/url"] {
        if let Some(url) = answer.body.pointer_mut(place).filter(|url| url.is_string()) {
            let path = url.as_str().unwrap_or_default();
            *url = format!("{}{path}", site.base).into();
        }
    }
    // A server cannot break a connection from a handler; a gateway in between that lost the answer
    // is as good.
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::GATEWAY_TIMEOUT);
    (status, axum::Json(answer.body)).into_response()
}

async fn page(State(site): State<Site>, Path(session): Path<String>) -> Response {
    let Some(found) = site.stripe.lock().sessions.get(&session).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let cents = found.net.saturating_add(found.tax);
    let amount = format!("{}.{:02} USD", cents.div_euclid(100), cents.rem_euclid(100));
    if found.status != "open" {
        return Html(document(&format!("<h1>{amount}</h1><p>This page is closed.</p>"))).into_response();
    }
    Html(document(&format!(
        "<h1>Pay {amount}</h1><p>A simulated checkout page: no card, no money.</p>\
         <form method=post action=\"/pay/{session}\"><button>Pay</button></form>\
         <form method=post action=\"/pay/{session}/cancel\"><button>Go back</button></form>"
    )))
    .into_response()
}

async fn pay(State(site): State<Site>, Path(session): Path<String>) -> Response {
    if site.stripe.pay(&session).is_err() {
        return StatusCode::CONFLICT.into_response();
    }
    let url = site.stripe.lock().sessions.get(&session).map(|found| found.success_url.clone());
    let url = url.unwrap_or_default().replace("{CHECKOUT_SESSION_ID}", &session);
    Redirect::to(&url).into_response()
}

async fn cancel(State(site): State<Site>, Path(session): Path<String>) -> Response {
    let url = site.stripe.lock().sessions.get(&session).map(|found| found.cancel_url.clone());
    url.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |url| Redirect::to(&url).into_response())
}

async fn bank(Path(payment): Path<String>) -> Html<String> {
    Html(document(&format!(
        "<h1>Your bank</h1><p>A simulated page of a bank: no card, no money.</p>\
         <form method=post action=\"/bank/{payment}/confirm\"><button>Confirm</button></form>\
         <form method=post action=\"/bank/{payment}/refuse\"><button>Refuse</button></form>"
    )))
}

async fn answer_bank(State(site): State<Site>, Path((payment, answer)): Path<(String, String)>) -> Response {
    let answered = match answer.as_str() {
        "confirm" => site.stripe.confirm_charge(&payment),
        "refuse" => site.stripe.refuse_charge(&payment),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    if answered.is_err() {
        return StatusCode::CONFLICT.into_response();
    }
    let url = site.stripe.lock().intents.get(&payment).and_then(|payment| payment.return_url.clone());
    Redirect::to(&url.unwrap_or_default()).into_response()
}

fn document(body: &str) -> String {
    format!("<!doctype html><html lang=en><meta charset=utf-8><title>Simulated checkout</title>{body}")
}
