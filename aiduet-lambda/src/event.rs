//! What an event asks for. An event holds what people say, so nothing here has `Debug`, and what a
//! parser says of one is never passed on.
//!
//! # Source
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html> and
//! <https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-scheduled.html>, read 2026-11-26.

use std::borrow::Cow;
use std::collections::BTreeMap;

use aiduet_core::http::edge::PeerAddress;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::COOKIE;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// What no address may hold as it is. A path that is encoded already stays as it was sent.
const NOT_IN_A_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What an event asks for.
pub(crate) enum Event {
    /// An answer to a client.
    Http(Box<Request<Body>>),
    /// The work that a server does by its clock.
    Upkeep,
    /// An answer to a client, but the event does not say what it wants.
    Malformed,
    /// An answer to a client, in a format that has no streaming and no cookies.
    FormatOne,
    /// Something else.
    Foreign,
}

/// By what an event is told apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outline<'a> {
    #[serde(borrow)]
    version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    source: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "detail-type")]
    detail_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    aiduet: Option<Cow<'a, str>>,
    http_method: Option<IgnoredAny>,
}

/// An event of payload format 2.0.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HttpEvent {
    raw_path: String,
    raw_query_string: Option<String>,
    cookies: Option<Vec<String>>,
    headers: Option<BTreeMap<String, String>>,
    request_context: RequestContext,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

#[derive(Deserialize)]
struct RequestContext {
    http: HttpContext,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HttpContext {
    method: String,
    source_ip: Option<String>,
}

/// Reads an event.
pub(crate) fn read(event: &[u8]) -> Event {
    let Ok(outline) = serde_json::from_slice::<Outline<'_>>(event) else { return Event::Foreign };
    let Outline { version, source, detail_type, aiduet, http_method } = outline;
    if aiduet.as_deref() == Some("jobs") {
        return Event::Upkeep;
    }
    if source.as_deref() == Some("aws.events") && detail_type.as_deref() == Some("Scheduled Event") {
        return Event::Upkeep;
    }
    match version.as_deref() {
        Some("2.0") => http(event).map_or(Event::Malformed, |request| Event::Http(Box::new(request))),
        _ if http_method.is_some() => Event::FormatOne,
        _ => Event::Foreign,
    }
}

fn http(event: &[u8]) -> Option<Request<Body>> {
    let event: HttpEvent = serde_json::from_slice(event).ok()?;
    let HttpEvent { raw_path, raw_query_string, cookies, headers, request_context, body, is_base64_encoded } =
        event;
    let HttpContext { method, source_ip } = request_context.http;
    let mut request = Request::new(payload(body, is_base64_encoded)?);
    *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *request.uri_mut() = address(&raw_path, raw_query_string.as_deref())?;
    for (name, value) in headers.unwrap_or_default() {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        request.headers_mut().append(name, HeaderValue::from_str(&value).ok()?);
    }
    let cookies = cookies.unwrap_or_default();
    if !cookies.is_empty() {
        request.headers_mut().insert(COOKIE, HeaderValue::from_str(&cookies.join("; ")).ok()?);
    }
    // Who called, as the platform saw it.
    if let Some(peer) = source_ip.and_then(|address| address.parse().ok()) {
        request.extensions_mut().insert(PeerAddress(peer));
    }
    Some(request)
}

fn address(path: &str, query: Option<&str>) -> Option<Uri> {
    let path = utf8_percent_encode(path, NOT_IN_A_PATH);
    let address = match query.filter(|query| !query.is_empty()) {
        Some(query) => format!("{path}?{query}"),
        None => path.to_string(),
    };
    // Without a slash in front it would be another form of address.
    address.starts_with('/').then_some(address)?.parse().ok()
}

fn payload(body: Option<String>, coded: Option<bool>) -> Option<Body> {
    let Some(text) = body else { return Some(Body::empty()) };
    match coded {
        Some(true) => STANDARD.decode(text).ok().map(Body::from),
        Some(false) | None => Some(Body::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::{Value, json};

    use super::*;

    /// An event as a function URL sends it.
    fn event(change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let mut event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/v1/messages",
            "rawQueryString": "beta=true&beta=%2F&x=a+b",
            "cookies": ["a=1", "b=2"],
            "headers": {"host": "api.example.com", "x-list": "1,2", "accept": "text/plain"},
            "requestContext": {
                "accountId": "anonymous", "apiId": "a", "authentication": null,
                "http": {"method": "POST", "path": "/v1/messages", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7", "userAgent": "u"},
                "requestId": "r", "routeKey": "$default", "stage": "$default",
                "time": "25/Nov/2026:19:00:00 +0000", "timeEpoch": 1_795_633_200_000_u64,
            },
            "body": "{\"a\":\"ä\"}",
            "isBase64Encoded": false,
        });
        change(&mut event);
        event.to_string().into_bytes()
    }

    fn request(event: &[u8]) -> Request<Body> {
        match read(event) {
            Event::Http(request) => *request,
            _ => panic!("not an HTTP event"),
        }
    }

    async fn body(request: Request<Body>) -> Vec<u8> {
        request.into_body().collect().await.unwrap().to_bytes().to_vec()
    }

    #[tokio::test]
    async fn a_request_comes_out_as_it_went_in() {
        let request = self::request(&event(|_| {}));
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.uri(), "/v1/messages?beta=true&beta=%2F&x=a+b");
        assert_eq!(request.headers()["x-list"], "1,2");
        assert_eq!(request.headers()["cookie"], "a=1; b=2");
        assert_eq!(request.extensions().get(), Some(&PeerAddress("192.0.2.7".parse().unwrap())));
        assert_eq!(body(request).await, "{\"a\":\"ä\"}".as_bytes());
    }

    #[tokio::test]
    async fn a_binary_body_is_decoded() {
        let coded = STANDARD.encode([0, 159, 146, 150]);
        let request = self::request(&event(|event| {
            event["body"] = coded.into();
            event["isBase64Encoded"] = true.into();
        }));
        assert_eq!(body(request).await, [0, 159, 146, 150]);
        let nothing = self::request(&event(|event| event["body"] = Value::Null));
        assert!(body(nothing).await.is_empty());
    }

    #[test]
    fn a_path_is_an_address() {
        let at = |path: &str| request(&event(|event| event["rawPath"] = path.into())).uri().path().to_owned();
        assert_eq!(at("/v1/models/a%2Fb"), "/v1/models/a%2Fb");
        assert_eq!(at("/a b/ä?"), "/a%20b/%C3%A4%3F");
    }

    #[test]
    fn what_does_not_say_what_it_wants_is_malformed() {
        let changes: [fn(&mut Value); 7] = [
            |event| event["rawPath"] = "https://other.example/".into(),
            |event| event["requestContext"] = 7.into(),
            |event| event["requestContext"]["http"]["method"] = "G T".into(),
            |event| event["headers"]["a"] = "a\r\nb: c".into(),
            |event| event["cookies"] = json!(["a\n"]),
            |event| event["rawQueryString"] = "a b".into(),
            |event| {
                event["body"] = "not base64!".into();
                event["isBase64Encoded"] = true.into();
            },
        ];
        for (number, change) in changes.into_iter().enumerate() {
            assert!(matches!(read(&event(change)), Event::Malformed), "{number}");
        }
    }

    #[test]
    fn events_are_told_apart() {
        let upkeep = [
            json!({"version": "0", "id": "1", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}),
            json!({"aiduet": "jobs"}),
        ];
        for event in upkeep {
            assert!(matches!(read(event.to_string().as_bytes()), Event::Upkeep), "{event}");
        }
        let one = [
            json!({"version": "1.0", "resource": "/", "path": "/", "httpMethod": "GET"}),
            json!({"resource": "/", "path": "/", "httpMethod": "GET", "requestContext": {"elb": {}}}),
        ];
        for event in one {
            assert!(matches!(read(event.to_string().as_bytes()), Event::FormatOne), "{event}");
        }
        let foreign =
            ["{}", "[]", "", "nonsense", r#"{"Records":[]}"#, r#"{"source":"aws.s3"}"#, r#"{"version":2}"#];
        for event in foreign {
            assert!(matches!(read(event.as_bytes()), Event::Foreign), "{event}");
        }
    }
}
