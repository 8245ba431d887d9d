//! Bodies that are too large or do not come, and heads that try tricks.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Method, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tower::ServiceExt;

use super::House;
use super::call::{Api, Call, Reply, text};
use super::house::assert_refused;
use super::input::assert_untouched;
use crate::databases::Store;

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
    let (plan, provider) = House::scripted(Store::Memory);
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
    let (plan, provider) = House::scripted(Store::Memory);
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
    let (plan, provider) = House::scripted(Store::Memory);
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
    let (plan, provider) = House::scripted(Store::Memory);
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
