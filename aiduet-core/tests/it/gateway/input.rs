//! What is malformed, contradictory or too large is refused at once: nothing held, nothing
//! forwarded, nothing recorded.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use aiduet_core::dialect::{Dialect, Endpoint};
use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Method, Request};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tower::ServiceExt;

use super::call::{Api, Call, Reply, text};
use super::doubles::ScriptedProvider;
use super::house::assert_refused;
use super::{House, Plan, Store};

/// A house whose provider must not be called.
fn forbidden() -> (Plan, Arc<ScriptedProvider>) {
    let provider = Arc::new(ScriptedProvider::default());
    (House::plan(Store::Memory).provider(Arc::<ScriptedProvider>::clone(&provider)), provider)
}

async fn assert_untouched(house: House, provider: &ScriptedProvider) {
    assert_eq!((provider.calls(), house.ledger.asked()), (0, vec![]), "nothing was forwarded or held");
    assert_eq!(house.close().await, [], "and nothing recorded");
}

/// The body of a good request without its last brace, to put something behind.
fn open_body(api: Api) -> String {
    let mut body = api.body("Hello?").to_string();
    body.pop();
    body
}

#[tokio::test]
async fn what_is_not_one_json_object_is_refused() {
    let (plan, provider) = forbidden();
    let house = plan.open().await;
    for api in Api::ALL {
        let good = api.body("Hello?").to_string();
        let mut bodies: Vec<Vec<u8>> = [
            "",
            " ",
            "null",
            "true",
            "1",
            "\"x\"",
            "[]",
            "[{}]",
            "{",
            "}",
            "{}}",
            "{]",
            "<html>",
            "{\"model\"}",
            "{\"model\":}",
            "{'model':'gpt-5.6'}",
            "{model:1}",
            "{\"a\":1,}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":01}",
            "{\"a\":+1}",
            "{\"a\":.5}",
            "{\"a\":1.}",
            "{\"a\":NaN}",
            "{\"a\":Infinity}",
            "{\"a\":0x1}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\\udc00\\ud800\"}",
            "{\"a\":\"",
            "{\"a\":tru}",
            "/* c */ {}",
            "{} // c",
            "{}{}",
            "\u{feff}{}",
            "{\"a\":1}\0",
        ]
        .iter()
        .map(|body| body.as_bytes().to_vec())
        .collect();
        bodies.push(format!("{good} x").into_bytes());
        bodies.push(format!("{good}{good}").into_bytes());
        bodies.push(good.replace("Hello?", "\u{1}").into_bytes());
        bodies.push([b"\xff\xfe".as_slice(), good.as_bytes()].concat());
        bodies.push(good.replace("Hello?", "?").replace('?', "\u{fffd}").into_bytes().repeat(2));
        bodies.push(good.encode_utf16().flat_map(u16::to_le_bytes).collect());
        // Bytes that are no UTF-8: a lone continuation, an overlong slash, a surrogate, a cut character.
        for bytes in [b"\x80".as_slice(), b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"] {
            let (before, after) = good.split_once("Hello?").unwrap();
            bodies.push([before.as_bytes(), bytes, after.as_bytes()].concat());
        }
        for body in bodies {
            let reply = house.send(Call::bytes(api.endpoint(), body)).await;
            assert_refused(api.endpoint().dialect(), &reply, 400, "invalid_request");
        }
    }
    assert_untouched(house, &provider).await;
}

#[tokio::test]
async fn what_two_readers_could_read_differently_is_refused_by_name() {
    let (plan, provider) = forbidden();
    let house = plan.open().await;
    for api in Api::ALL {
        let limit = api.limit();
        let cases = [
            (r#""model":"gpt-4.1""#.to_owned(), "model"),
            (r#""mod\u0065l":"gpt-4.1""#.to_owned(), "model"),
            (format!(r#""{limit}":1"#), limit),
            (r#""stream":true,"stream":false"#.to_owned(), "stream"),
            (r#""stream":"true""#.to_owned(), "stream"),
            (r#""stream":1"#.to_owned(), "stream"),
            (r#""service_tier":"auto","service_tier":"auto""#.to_owned(), "service_tier"),
        ];
        for (members, field) in cases {
            let call = Call::bytes(api.endpoint(), format!("{},{members}}}", open_body(api)));
            let reply = house.send(call).await;
            assert_refused(api.endpoint().dialect(), &reply, 400, "invalid_request");
            let error = reply.json()["error"].clone();
            assert!(error["message"].as_str().unwrap().starts_with(field), "{error}");
            if api != Api::Messages {
                assert_eq!(error["param"], field);
            }
        }
        for number in ["-1", "-0", "1.5", "1e3", "1.0", "\"100\"", "true", "[]", "{}", "18446744073709551616"]
        {
            let body = api.body("Hello?").to_string().replace(":1000", &format!(":{number}"));
            assert!(body.contains(number));
            let reply = house.send(Call::bytes(api.endpoint(), body)).await;
            assert_refused(api.endpoint().dialect(), &reply, 400, "invalid_request");
            assert!(reply.json()["error"]["message"].as_str().unwrap().starts_with(limit), "{number}");
        }
    }
    assert_untouched(house, &provider).await;
}

#[tokio::test]
async fn what_nests_deeply_is_refused_at_once() {
    let (plan, provider) = forbidden();
    let house = plan.open().await;
    for api in Api::ALL {
        for depth in [65, 1_000, 1_000_000] {
            for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
                let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
                let body = format!("{},\"later\":{nested}}}", open_body(api));
                let reply = house.send(Call::bytes(api.endpoint(), body)).await;
                assert_refused(api.endpoint().dialect(), &reply, 400, "invalid_request");
                let unclosed = format!("{},\"later\":{}", open_body(api), open.repeat(depth));
                let reply = house.send(Call::bytes(api.endpoint(), unclosed)).await;
                assert_refused(api.endpoint().dialect(), &reply, 400, "invalid_request");
            }
        }
    }
    assert_untouched(house, &provider).await;
}

#[tokio::test]
async fn what_needs_state_or_has_no_price_is_refused_by_name() {
    use Api::{Chat, Messages, Responses};
    let (plan, provider) = forbidden();
    let house = plan.open().await;
    let file = json!([{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]);
    let cases = [
        (Responses, "previous_response_id", json!("resp_1"), "unsupported_parameter"),
        (Responses, "conversation", json!("conv_1"), "unsupported_parameter"),
        (Responses, "conversation", json!({"id": "conv_1"}), "unsupported_parameter"),
        (Responses, "background", json!(true), "unsupported_parameter"),
        (Responses, "prompt", json!({"id": "pmpt_1"}), "unsupported_parameter"),
        (Responses, "input", json!([{"type": "item_reference", "id": "msg_1"}]), "unsupported_parameter"),
        (
            Responses,
            "tools",
            json!([{"type": "file_search", "vector_store_ids": ["vs_1"]}]),
            "unsupported_parameter",
        ),
        (
            Responses,
            "tools",
            json!([{"type": "code_interpreter", "container": "cntr_1"}]),
            "unsupported_parameter",
        ),
        (Responses, "service_tier", json!("novel"), "unsupported_parameter"),
        (Responses, "reasoning", json!({"mode": "pro"}), "unsupported_parameter"),
        (Chat, "messages", file, "unsupported_parameter"),
        (Chat, "web_search_options", json!({}), "unsupported_parameter"),
        (Chat, "modalities", json!(["text", "audio"]), "unsupported_parameter"),
        (Messages, "container", json!("container_1"), "unsupported_parameter"),
        (Messages, "mcp_servers", json!([{"type": "url", "url": "https://a"}]), "unsupported_parameter"),
        (Messages, "fallbacks", json!("default"), "unsupported_parameter"),
        (Messages, "inference_geo", json!("mars"), "unsupported_parameter"),
        (Messages, "thread", json!({"type": "create"}), "thread_unsupported_request"),
    ];
    for (api, field, value, code) in cases {
        let mut body = api.body("Hello?");
        body[field] = value;
        let reply = house.send(Call::post(api.endpoint(), &body)).await;
        assert_refused(api.endpoint().dialect(), &reply, 400, code);
    }
    // They may be there as long as they say nothing.
    for (api, field) in
        [(Responses, "previous_response_id"), (Responses, "background"), (Messages, "container")]
    {
        let mut body = api.body("Hello?");
        body[field] = Value::Null;
        let feed = provider.begun(super::doubles::Head::WHOLE);
        feed.send(api.whole("Hello!", (9, 2)));
        feed.end();
        assert_eq!(house.send(Call::post(api.endpoint(), &body)).await.status, 200, "{field}");
    }
    assert_eq!(house.close().await.len(), 3);
}

#[tokio::test]
async fn what_a_request_must_have_is_asked_for_by_name() {
    let (plan, provider) = forbidden();
    let house = plan.open().await;
    for (endpoint, body, field) in [
        (Endpoint::ChatCompletions, json!({"messages": [], "n": 0}), "n"),
        (Endpoint::ChatCompletions, json!({"model": "gpt-5.6"}), "messages"),
        (Endpoint::Messages, json!({"model": "claude-haiku-4-5", "max_tokens": 9}), "messages"),
        (Endpoint::Messages, json!({"model": "claude-haiku-4-5", "messages": []}), "max_tokens"),
        (Endpoint::CountTokens, json!({"model": "claude-haiku-4-5"}), "messages"),
        (Endpoint::ChatCompletions, json!({"model": 5, "messages": []}), "model"),
        (Endpoint::ChatCompletions, json!({"model": "m".repeat(300), "messages": []}), "model"),
    ] {
        let reply = house.send(Call::post(endpoint, &body)).await;
        assert_refused(endpoint.dialect(), &reply, 400, "invalid_request");
        assert!(reply.json()["error"]["message"].as_str().unwrap().starts_with(field), "{field}");
    }
    let mut call = Api::Messages.ask("Hello?");
    call.headers.remove("anthropic-version");
    let reply = house.send(call).await;
    assert_refused(Dialect::Anthropic, &reply, 400, "invalid_request");
    assert!(reply.json()["error"]["message"].as_str().unwrap().starts_with("anthropic-version"));
    assert_untouched(house, &provider).await;
}

#[tokio::test]
async fn a_body_that_is_not_plain_json_is_not_read() {
    let (plan, provider) = forbidden();
    let house = plan.open().await;
    for api in Api::ALL {
        let dialect = api.endpoint().dialect();
        for (name, value) in [
            ("content-encoding", "gzip"),
            ("content-encoding", "br"),
            ("content-encoding", "zstd"),
            ("content-encoding", "identity, gzip"),
            ("content-encoding", "novel"),
            ("content-encoding", ""),
            ("content-type", "text/plain"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("content-type", "multipart/form-data; boundary=a"),
            ("content-type", "application/jsonp"),
            ("content-type", ""),
        ] {
            let mut call = api.ask("Hello?");
            call.headers.insert(name, HeaderValue::from_static(value));
            assert_refused(dialect, &house.send(call).await, 415, "unsupported_media_type");
        }
        // A second header must not hide behind the first one.
        for (name, value) in [("content-encoding", "gzip"), ("content-type", "text/plain")] {
            let call = api.ask("Hello?").header("content-encoding", "identity");
            let call = call.header(name, value);
            assert_refused(dialect, &house.send(call).await, 415, "unsupported_media_type");
        }
    }
    assert_untouched(house, &provider).await;
}

/// A request whose body comes as a stream.
async fn send_body(house: &House, api: Api, length: Option<&str>, body: Body) -> Reply {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = api.endpoint().path().parse().unwrap();
    *request.headers_mut() = api.ask("Hello?").headers;
    let key = format!("Bearer {}", house.customer().plain);
    request.headers_mut().insert("authorization", HeaderValue::from_str(&key).unwrap());
    if let Some(length) = length {
        request.headers_mut().insert("content-length", HeaderValue::from_str(length).unwrap());
    }
    let (head, body) = house.router.clone().oneshot(request).await.unwrap().into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    Reply { status: head.status.as_u16(), headers: head.headers, body }
}

/// A body that says nothing until it is dropped.
fn silent() -> Body {
    Body::from_stream(stream::pending::<Result<Bytes, Infallible>>())
}

#[tokio::test]
async fn a_body_of_33_mebibytes_is_refused() {
    let (plan, provider) = forbidden();
    let house = plan.open().await;
    let mebibyte = Bytes::from(vec![b' '; 1 << 20]);
    for api in Api::ALL {
        let dialect = api.endpoint().dialect();
        // What says its length is refused before a byte of it is read.
        let reply = send_body(&house, api, Some("34603008"), silent()).await;
        assert_refused(dialect, &reply, 413, "request_too_large");
        // What does not is read to the limit, and not beyond.
        let endless = stream::repeat(mebibyte.clone()).map(Ok::<_, Infallible>);
        let reply = send_body(&house, api, None, Body::from_stream(endless)).await;
        assert_refused(dialect, &reply, 413, "request_too_large");
    }
    assert_untouched(house, &provider).await;
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_limit() {
    for api in Api::ALL {
        let mut body = api.ask("Hello?").body.to_vec();
        let mut plan = House::plan(Store::Memory);
        plan.settings.server.limits.body_bytes_max = 4_096;
        let house = plan.open().await;
        body.resize(4_096, b' ');
        assert_eq!(house.send(Call::bytes(api.endpoint(), body.clone())).await.status, 200, "{api:?}");
        body.push(b' ');
        let reply = house.send(Call::bytes(api.endpoint(), body)).await;
        assert_refused(api.endpoint().dialect(), &reply, 413, "request_too_large");
        assert_eq!(house.close().await.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let (plan, provider) = forbidden();
    let house = plan.open().await;
    for api in Api::ALL {
        let begun = Instant::now();
        let reply = send_body(&house, api, None, silent()).await;
        assert_refused(api.endpoint().dialect(), &reply, 408, "request_timeout");
        assert_eq!(begun.elapsed(), Duration::from_mins(5));
        let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("broken"))]);
        let reply = send_body(&house, api, None, Body::from_stream(broken)).await;
        assert_refused(api.endpoint().dialect(), &reply, 400, "invalid_request");
    }
    assert_untouched(house, &provider).await;
}

#[tokio::test(start_paused = true)]
async fn a_stranger_is_turned_away_before_the_body_is_read() {
    let (plan, provider) = forbidden();
    let mut house = plan.open().await;
    house.customers[0].plain = "sk-duet-wrong".to_owned();
    let begun = Instant::now();
    for api in Api::ALL {
        let reply = send_body(&house, api, None, silent()).await;
        assert_refused(api.endpoint().dialect(), &reply, 401, "invalid_api_key");
    }
    assert!(begun.elapsed().is_zero());
    assert_untouched(house, &provider).await;
}

/// Sends bytes over a socket and returns what comes back until the server closes.
async fn raw(house: &House, request: &str) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = house.router.clone();
    let mut servers = tokio::task::JoinSet::new();
    servers.spawn(async move { axum::serve(listener, router).await });
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset is an answer, too.
    socket.read_to_end(&mut answer).await.ok();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn tricks_with_the_head_are_refused_on_the_wire() {
    let (plan, provider) = forbidden();
    let house = plan.open().await;
    for api in Api::ALL {
        let body = api.body("Hello?").to_string();
        let length = body.len();
        let key = &house.customer().plain;
        for trick in [
            format!("content-length: {length}\r\ncontent-length: {}\r\n", length - 1),
            format!("content-length: {length}, {}\r\n", length + 1),
            format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n"),
            format!("content-length: +{length}\r\n"),
            "content-length: -1\r\n".to_owned(),
            "content-length: 99999999999999999999\r\n".to_owned(),
            "transfer-encoding: xchunked\r\n".to_owned(),
            "transfer-encoding: chunked, identity\r\n".to_owned(),
            format!("content-length: {length}\r\nhost: second.example\r\n"),
            format!("content-length: {length}\r\nx-folded: a\r\n b\r\n"),
            format!("content-length: {length}\r\nx-space : a\r\n"),
            format!("content-length: {length}\r\nx-nul: \0\r\n"),
            format!("content-length: {length}\r\nx-long: {}\r\n", "a".repeat(40 << 10)),
        ] {
            let request = format!(
                "POST {} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\
                 anthropic-version: 2023-06-01\r\n{trick}\r\n{body}",
                api.endpoint().path()
            );
            let answer = raw(&house, &request).await;
            let status = answer.split(' ').nth(1).unwrap_or("closed");
            assert!(["400", "413", "431", "closed"].contains(&status), "{trick:?}: {answer}");
        }
    }
    assert_untouched(house, &provider).await;
}

#[tokio::test]
async fn an_answer_comes_over_a_socket_as_over_the_router() {
    let house = House::open(Store::Memory).await;
    for api in Api::ALL {
        let call = api.stream("Hello?");
        let request = format!(
            "POST {} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\nconnection: close\r\n\
             anthropic-version: 2023-06-01\r\ncontent-length: {}\r\n\r\n{}",
            api.endpoint().path(),
            house.customer().plain,
            call.body.len(),
            String::from_utf8_lossy(&call.body)
        );
        let answer = raw(&house, &request).await;
        let reply = house.send(call).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        for name in ["content-type", "cache-control", "x-accel-buffering", "x-aiduet-model"] {
            let line = format!("\r\n{name}: {}\r\n", text(&reply.headers, name));
            assert!(answer.contains(&line), "{line:?} {answer}");
        }
        assert!(answer.ends_with("0\r\n\r\n"), "{answer}");
    }
    assert_eq!(house.close().await.len(), 6);
}
