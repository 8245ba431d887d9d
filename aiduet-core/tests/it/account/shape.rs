//! What every answer looks like, and what no request may hold.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};

use super::routes::operations;
use super::site::{Browser, EMAIL, OTHER_PASSWORD, PASSWORD, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    sec_t16_every_answer_has_the_headers_and_errors_are_problems
    sec_t18_no_other_site_is_let_in
    sec_t27_the_session_of_another_person_is_not_there
    sec_t29_members_that_are_not_named_are_refused
    bodies_are_taken_literally
    a_body_with_a_content_coding_is_taken_nowhere
    problems_speak_the_language_of_the_client
    anyone_reads_the_models_and_their_rates
}

/// Every route that takes a body, with one that is good but for the state of things.
fn posts() -> Vec<(Method, &'static str, Value)> {
    let token = "a".repeat(43);
    vec![
        (
            Method::POST,
            "/auth/register",
            json!({"email": "new@example.com", "password": OTHER_PASSWORD, "accept_policies": true}),
        ),
        (Method::POST, "/auth/verify-email", json!({"token": token})),
        (Method::POST, "/auth/verify-email/resend", json!({"email": EMAIL})),
        (Method::POST, "/auth/login", json!({"email": EMAIL, "password": PASSWORD})),
        (Method::POST, "/auth/reauth", json!({"password": PASSWORD})),
        (Method::POST, "/auth/password/forgot", json!({"email": EMAIL})),
        (Method::POST, "/auth/password/reset", json!({"token": token, "password": OTHER_PASSWORD})),
        (Method::POST, "/auth/email/confirm", json!({"token": token})),
        (Method::POST, "/auth/email/undo", json!({"token": token})),
        (Method::PATCH, "/me", json!({"name": "New"})),
        (Method::POST, "/me/password", json!({"password": OTHER_PASSWORD})),
        (Method::POST, "/me/email", json!({"email": "new@example.com"})),
    ]
}

async fn sec_t16_every_answer_has_the_headers_and_errors_are_problems(store: Store) {
    let site = Site::with_person(store).await;
    let mut asked: Vec<(Method, String)> =
        posts().into_iter().map(|(method, path, _)| (method, path.to_owned())).collect();
    let more = ["/me", "/me/sessions", "/me/security-log", "/status", "/models", "/nothing", "/me/x.css", ""];
    asked.extend(more.map(|path| (Method::GET, path.to_owned())));
    asked.push((Method::DELETE, "/me/sessions/sess_0".to_owned()));
    asked.push((Method::PUT, "/auth/login".to_owned()));
    asked.push((Method::POST, "/auth/refresh".to_owned()));
    for (method, path) in asked {
        let reply = site.ask(&mut Browser::at("192.0.2.1"), (method.clone(), &path), None).await;
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("strict-transport-security", "max-age=63072000; includeSubDomains"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!(reply.header(name), value, "{method} {path}");
        }
        assert!(reply.header("x-request-id").starts_with("req_"), "{method} {path}");
        assert!(reply.headers.get("server").is_none());
        if reply.status >= 400 {
            assert_eq!(reply.header("content-type"), "application/problem+json", "{method} {path}");
            let body = reply.json();
            assert_eq!(body["status"], reply.status);
            assert_eq!(body["request_id"], reply.header("x-request-id"));
            assert!(!body["title"].as_str().unwrap().is_empty());
        }
    }
    let outside = Request::get("/api/elsewhere").body(Body::empty()).unwrap();
    let reply = site.send("192.0.2.1".parse().unwrap(), outside).await;
    reply.refused(404, "not_found");
}

async fn sec_t18_no_other_site_is_let_in(store: Store) {
    let site = Site::with_person(store).await;
    let from = "192.0.2.1".parse().unwrap();
    let ask = |method: Method, path: &str| {
        Request::builder().method(method).uri(path).header("origin", "https://evil.example")
    };
    for path in ["/api/v1/me", "/api/v1/auth/login"] {
        for method in [Method::OPTIONS, Method::GET, Method::POST] {
            let reply = site.send(from, ask(method, path).body(Body::empty()).unwrap()).await;
            assert_eq!(reply.header("access-control-allow-origin"), "", "{path}");
        }
    }
    let preflight = ask(Method::OPTIONS, "/v1/chat/completions")
        .header("access-control-request-method", "POST")
        .body(Body::empty());
    let reply = site.send(from, preflight.unwrap()).await;
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    assert_eq!(reply.header("access-control-allow-credentials"), "");
    // A form or script of another site that makes the browser send the cookie.
    let browser = site.signed_in("192.0.2.1").await;
    let cookie = format!("__Secure-aiduet_refresh={}", browser.cookie("refresh").unwrap());
    for (site_of_origin, status) in [("cross-site", 403), ("same-site", 403), ("same-origin", 200)] {
        let request = Request::post("/api/v1/auth/refresh")
            .header("sec-fetch-site", site_of_origin)
            .header("cookie", &cookie)
            .body(Body::empty());
        assert_eq!(site.send(from, request.unwrap()).await.status, status, "{site_of_origin}");
    }
}

async fn sec_t27_the_session_of_another_person_is_not_there(store: Store) {
    let site = Site::with_person(store).await;
    let mut person = site.signed_in("192.0.2.1").await;
    let own = site.get(&mut person, "/me/sessions").await.expect(200).json();
    let id = own["data"][0]["id"].as_str().unwrap().to_owned();
    site.mails().await;
    site.register("other@example.com").await;
    let mut other = Browser::at("192.0.2.2");
    let body = json!({"email": "other@example.com", "password": PASSWORD});
    site.post(&mut other, "/auth/login", &body).await.expect(200);
    let foreign = site.ask(&mut other, (Method::DELETE, &format!("/me/sessions/{id}")), None).await;
    foreign.refused(404, "not_found");
    let missing = format!("/me/sessions/sess_{}", "0".repeat(32));
    site.ask(&mut other, (Method::DELETE, &missing), None).await.refused(404, "not_found");
    site.refresh(&mut person).await.expect(200);
}

async fn sec_t29_members_that_are_not_named_are_refused(store: Store) {
    let site = Site::with_person(store).await;
    let mut person = site.signed_in("192.0.2.1").await;
    for (method, path, body) in posts() {
        for extra in ["id", "role", "state", "email_verified_at", "created_at", "balance", "account"] {
            let mut body = body.clone();
            body[extra] = json!("operator");
            let reply = site.ask(&mut person, (method.clone(), path), Some(&body)).await;
            reply.refused(400, "malformed_body");
        }
    }
    let me = site.get(&mut person, "/me").await.expect(200).json();
    assert_eq!((&me["role"], &me["name"]), (&json!("user"), &json!(null)));
}

async fn bodies_are_taken_literally(store: Store) {
    let site = Site::with_person(store).await;
    let from = "192.0.2.1".parse().unwrap();
    let good = format!(r#"{{"email":"{EMAIL}"}}"#);
    let twice = format!(r#"{{"email":"{EMAIL}","email":"{EMAIL}"}}"#);
    let large = format!(r#"{{"email":"{}"}}"#, "a".repeat(64 << 10));
    let json_type = "application/json";
    for (kind, body, status, code) in [
        (json_type, twice.as_str(), 400, "malformed_body"),
        (json_type, "", 400, "malformed_body"),
        (json_type, "[]", 400, "malformed_body"),
        (json_type, r#"["a@example.com"]"#, 400, "malformed_body"),
        (json_type, r#"{"email":1}"#, 400, "malformed_body"),
        (json_type, r#"{"email":"a"} {}"#, 400, "malformed_body"),
        (json_type, r#"{"email":"no address"}"#, 400, "invalid_request"),
        (json_type, &large, 413, "request_too_large"),
        ("text/plain", &good, 415, "unsupported_media_type"),
        ("application/x-www-form-urlencoded", &good, 415, "unsupported_media_type"),
        ("", &good, 415, "unsupported_media_type"),
    ] {
        let request = Request::post("/api/v1/auth/password/forgot").header("content-type", kind);
        let reply = site.send(from, request.body(Body::from(body.to_owned())).unwrap()).await;
        reply.refused(status, code);
    }
    let request = Request::post("/api/v1/auth/password/forgot")
        .header("content-type", "application/json; charset=UTF-8")
        .body(Body::from(good));
    assert_eq!(site.send(from, request.unwrap()).await.status, 202);
}

async fn a_body_with_a_content_coding_is_taken_nowhere(store: Store) {
    let site = Site::with_person(store).await;
    let from = "192.0.2.1".parse().unwrap();
    let ask = async |method: &Method, path: &str, codings: &[&str]| {
        let mut request =
            Request::builder().method(method).uri(path).header("content-type", "application/json");
        for coding in codings {
            request = request.header("content-encoding", *coding);
        }
        site.send(from, request.body(Body::from("{}")).unwrap()).await
    };
    let mut asked = 0;
    for operation in operations().into_iter().filter(|operation| !operation.method.is_safe()) {
        let path = format!("/api/v1{}", operation.path_with("key_0"));
        for codings in [&["gzip"][..], &["br"], &["novel"], &["identity, zstd"], &["identity", "deflate"]] {
            let reply = ask(&operation.method, &path, codings).await;
            assert_eq!((reply.status, reply.header("accept-encoding")), (415, "identity"), "{path}");
            assert_eq!(reply.header("content-type"), "application/problem+json");
            let problem = reply.json();
            assert_eq!(problem["code"], "unsupported_media_type");
            assert_eq!(problem["errors"][0]["pointer"], "content-encoding");
            assert_eq!(problem["errors"][0]["code"], "unsupported_content_coding");
            asked += 1;
        }
        for codings in [&[""][..], &["identity"], &["IDENTITY, identity"]] {
            let reply = ask(&operation.method, &path, codings).await;
            assert_ne!(reply.status, 415, "{path} {codings:?}: {}", reply.text);
        }
    }
    assert!(asked > 100, "{asked}");
    let stripe = "/webhooks/stripe";
    let reply = ask(&Method::POST, stripe, &["gzip"]).await;
    reply.refused(415, "unsupported_media_type");
    assert_eq!(reply.header("accept-encoding"), "identity");
    ask(&Method::POST, stripe, &["identity"]).await.refused(400, "invalid_webhook");
}

async fn problems_speak_the_language_of_the_client(store: Store) {
    let site = Site::open(store).await;
    let from = "192.0.2.1".parse().unwrap();
    for (language, title) in
        [("en", "Sign in first."), ("zh-CN,zh;q=0.9", "请先登录。"), ("ja", "先にログインしてください。")]
    {
        let request = Request::get("/api/v1/me").header("accept-language", language).body(Body::empty());
        let body = site.send(from, request.unwrap()).await.expect(401).json();
        assert_eq!((&body["title"], &body["code"]), (&json!(title), &json!("unauthenticated")));
    }
}

async fn anyone_reads_the_models_and_their_rates(store: Store) {
    let site = Site::with_person(store).await;
    let reply = site.ask(&mut Browser::at("192.0.2.1"), (Method::GET, "/models"), None).await;
    assert_eq!(reply.status, 200);
    let body = reply.json();
    assert_eq!(body["unit"], "pico_usd_per_token");
    assert_eq!(body["margin_bp"], 10_000);
    let models = body["data"].as_array().unwrap();
    let mini = models.iter().find(|model| model["id"] == "gpt-5.4-mini").unwrap();
    assert_eq!(mini["provider"], "openai");
    assert_eq!(mini["rates"]["input"], 750_000);
    assert_eq!(mini["rates"]["output"], 4_500_000);
    assert_eq!((&mini["caches"], &mini["reasons"]), (&json!(true), &json!(true)));
    let find = |id: &str| models.iter().find(|model| model["id"] == id).unwrap();
    assert_eq!(find("gpt-5.4-pro")["caches"], false);
    assert_eq!(find("gpt-4o-mini")["reasons"], false);
    assert_eq!(find("text-embedding-3-small")["reasons"], false);
    assert_eq!(find("chat-latest")["reasons"], json!(null), "it is not known");
    // There is an upstream of one vendor only.
    assert!(models.iter().all(|model| model["provider"] == "openai"));
}
