//! What the server answers and what it does not put up with.

use std::io::{Read, Write};

use serde_json::{Value, json};

use crate::process::{Place, body, chat, connect, exchange, get, header};

#[test]
fn a_call_costs_what_its_receipt_says_and_the_books_are_right() {
    let place = Place::new();
    let (key, _id) = place.customer();
    let server = place.serve();
    let call = json!({"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "hello"}]});
    let answer = exchange(server.address, &chat(&key, &call));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let receipt =
        get(server.address, &format!("/v1/generation?id={}", header(&answer, "x-request-id")), &key);
    let receipt: Value = serde_json::from_str(body(&receipt)).unwrap();
    let cost = receipt["data"]["cost_nano"].as_i64().unwrap();
    let balance = place.balance();
    assert!(cost > 0);
    assert_eq!((balance.used, balance.held, balance.available), (cost, 0, 5_000_000_000 - cost));
    let (code, log) = server.stop();
    assert_eq!(code, Some(0));
    assert!(log.contains("\"event\":\"request\"") && !log.contains("hello"), "{log}");
    assert_eq!(place.ask(&["ledger", "verify"])["passed"], true);
}

#[test]
fn a_disabled_key_is_refused() {
    let place = Place::new();
    let (key, id) = place.customer();
    place.run(&["keys", "disable", &id, "--user", "a@example.com"]);
    let server = place.serve();
    let answer = get(server.address, "/v1/credits", &key);
    assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("key_revoked"), "{answer}");
}

#[test]
fn a_request_with_two_hosts_or_none_is_refused() {
    let place = Place::new();
    let server = place.serve();
    for hosts in ["host: a\r\nhost: b\r\n", "host: a\r\nhost: a\r\n", ""] {
        let answer =
            exchange(server.address, &format!("GET /health HTTP/1.1\r\n{hosts}connection: close\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 400"), "{hosts:?}: {answer}");
    }
}

#[test]
fn heads_that_are_too_large_are_refused() {
    let place = Place::new();
    let server = place.serve();
    let many = "x-a: 1\r\n".repeat(101);
    let long = "a".repeat(8 << 10);
    let big = format!("x-a: {}\r\n", "a".repeat(40 << 10));
    for (request, status) in [
        (format!("GET /health HTTP/1.1\r\nhost: h\r\n{many}\r\n"), "431"),
        (format!("GET /health HTTP/1.1\r\nhost: h\r\n{big}\r\n"), "431"),
        (format!("GET /{long} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"), "414"),
    ] {
        let answer = exchange(server.address, &request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{status}: {answer}");
    }
}

#[test]
fn a_websocket_is_refused() {
    let place = Place::new();
    let server = place.serve();
    let ask =
        "GET /v1/responses HTTP/1.1\r\nhost: h\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n\r\n";
    assert!(exchange(server.address, ask).starts_with("HTTP/1.1 426"));
}

#[test]
fn who_says_nothing_or_never_finishes_is_disconnected() {
    let place = Place::new()
        .with("AIDUET__SERVER__LIMITS__FIRST_BYTE_TIMEOUT", "200ms")
        .with("AIDUET__SERVER__LIMITS__HEADER_READ_TIMEOUT", "200ms");
    let server = place.serve();
    for beginning in ["", "GET /health HTTP/1.1\r\nhost: h\r\nx-slow: ", "PRI * HTTP/2.0\r\n"] {
        let mut stream = connect(server.address);
        stream.write_all(beginning.as_bytes()).unwrap();
        let mut rest = Vec::new();
        // Closed or reset: both mean that the server has let go.
        drop(stream.read_to_end(&mut rest));
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{beginning:?}");
    }
    assert!(get(server.address, "/health", "").starts_with("HTTP/1.1 200"), "others are served");
}

#[test]
fn probes_and_metrics_are_for_the_operator_only() {
    let place = Place::new();
    let server = place.serve();
    for path in ["/healthz", "/readyz", "/startupz", "/metrics"] {
        assert!(get(server.admin, path, "").starts_with("HTTP/1.1 200"), "{path}");
        assert!(get(server.address, path, "").starts_with("HTTP/1.1 404"), "{path}");
    }
    let metrics = get(server.admin, "/metrics", "");
    assert!(metrics.contains("aiduet_build_info"), "{metrics}");
    assert!(
        metrics.contains("route=\"other\"") && !metrics.contains("startupz\",method=\"GET\",status=\"404")
    );
}

#[test]
fn a_healthcheck_asks_the_operators_listener() {
    let place = Place::new();
    let server = place.serve();
    let url = format!("http://{}/readyz", server.admin);
    assert_eq!(place.ask(&["healthcheck", "--url", &url])["ready"], true);
    let missing = format!("http://{}/readyz", server.address);
    assert_eq!(place.exit_code(&["healthcheck", "--url", &missing]), 3);
    assert_eq!(place.exit_code(&["healthcheck", "--url", "ftp://x"]), 2);
    assert_eq!(server.stop().0, Some(0));
    assert_eq!(place.exit_code(&["healthcheck", "--url", &url]), 1);
}
