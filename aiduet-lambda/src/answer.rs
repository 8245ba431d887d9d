//! How an answer goes back: whole, as JSON, or as a stream with its head in front.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream;
use http::header::SET_COOKIE;
use http::response::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use serde::Serialize;
use tokio::sync::oneshot;

use crate::runtime::{ERROR_BODY, ERROR_TYPE, Payload};

/// What parts the head of a stream from its body.
const END_OF_HEAD: [u8; 8] = [0; 8];

/// What has to be done before an answer may end.
pub(crate) type Rest = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The head of an answer. The platform knows one value for each name, and cookies.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    status_code: u16,
    headers: BTreeMap<String, String>,
    cookies: Vec<String>,
}

impl Head {
    fn of(parts: &Parts) -> Self {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let cookies = parts.headers.get_all(SET_COOKIE).iter().map(text).collect();
        let mut headers = BTreeMap::<String, String>::new();
        for (name, value) in parts.headers.iter().filter(|(name, _)| **name != SET_COOKIE) {
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|all| *all = format!("{all}, {}", text(value)))
                .or_insert_with(|| text(value));
        }
        Self { status_code: parts.status.as_u16(), headers, cookies }
    }
}

/// A whole answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Whole {
    #[serde(flatten)]
    head: Head,
    body: String,
    is_base64_encoded: bool,
}

/// An answer of our own, for an event that never came to the router.
pub(crate) fn refusal(status: StatusCode, message: &'static str) -> Response {
    (status, message).into_response()
}

/// The answer as JSON, once all of it is there.
pub(crate) async fn whole(response: Response) -> Payload {
    let (mut parts, body) = response.into_parts();
    let bytes = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(_broken) => {
            // The error may show what was being sent.
            tracing::error!("an answer broke off");
            (parts, _) = StatusCode::BAD_GATEWAY.into_response().into_parts();
            Bytes::new()
        }
    };
    let head = Head::of(&parts);
    let whole = match String::from_utf8(bytes.into()) {
        Ok(body) => Whole { head, body, is_base64_encoded: false },
        Err(binary) => Whole { head, body: STANDARD.encode(binary.into_bytes()), is_base64_encoded: true },
    };
    Full::from(serde_json::to_vec(&whole).unwrap_or_default()).boxed_unsync()
}

/// What of a stream is still to come. When it is dropped, the body goes first: whoever waits for
/// the end of `alive` finds the work that the body has left behind already begun.
struct Running {
    next: Next,
    rest: Option<Rest>,
    _alive: oneshot::Sender<Infallible>,
}

enum Next {
    Head(Bytes, Body),
    Body(Body),
    End,
}

/// The answer as a stream, which ends only after `rest`; and what resolves when nobody reads it any
/// more, whether it ended or not.
pub(crate) fn stream(response: Response, rest: Rest) -> (Payload, impl Future<Output = ()>) {
    let (parts, body) = response.into_parts();
    let mut head = serde_json::to_vec(&Head::of(&parts)).unwrap_or_default();
    head.extend_from_slice(&END_OF_HEAD);
    let (alive, dropped) = oneshot::channel();
    let running = Running { next: Next::Head(head.into(), body), rest: Some(rest), _alive: alive };
    let frames = stream::unfold(running, |mut running| async move {
        let frame = running.frame().await?;
        Some((Ok(frame), running))
    });
    let gone = async move { drop(dropped.await) };
    (StreamBody::new(frames).boxed_unsync(), gone)
}

impl Running {
    async fn frame(&mut self) -> Option<Frame<Bytes>> {
        match std::mem::replace(&mut self.next, Next::End) {
            Next::Head(head, body) => {
                self.next = Next::Body(body);
                return Some(Frame::data(head));
            }
            Next::Body(mut body) => match data(&mut body).await {
                Some(Ok(chunk)) => {
                    self.next = Next::Body(body);
                    return Some(Frame::data(chunk));
                }
                Some(Err(_broken)) => {
                    tracing::error!("an answer broke off");
                    self.finish().await;
                    return Some(Frame::trailers(broken()));
                }
                None => {}
            },
            Next::End => {}
        }
        self.finish().await;
        None
    }

    async fn finish(&mut self) {
        if let Some(rest) = self.rest.take() {
            rest.await;
        }
    }
}

/// The next bytes of a body; other frames mean nothing here.
async fn data(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
    loop {
        match body.frame().await? {
            Ok(frame) => match frame.into_data() {
                Ok(chunk) if chunk.is_empty() => {}
                Ok(chunk) => return Some(Ok(chunk)),
                Err(_trailers) => {}
            },
            Err(error) => return Some(Err(error)),
        }
    }
}

/// Says that an answer is not whole.
fn broken() -> HeaderMap {
    let told = STANDARD.encode(r#"{"errorType":"Aiduet.Answer","errorMessage":"the answer broke off"}"#);
    let mut trailers = HeaderMap::new();
    trailers.insert(ERROR_TYPE, HeaderValue::from_static("Aiduet.Answer"));
    if let Ok(told) = HeaderValue::try_from(told) {
        trailers.insert(ERROR_BODY, told);
    }
    trailers
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use serde_json::{Value, json};

    use super::*;

    fn response(body: Body) -> Response {
        let mut response = Response::new(body);
        for (name, value) in
            [("vary", "accept"), ("vary", "origin"), ("set-cookie", "a=1; Path=/"), ("set-cookie", "b=2")]
        {
            response.headers_mut().append(name, HeaderValue::from_static(value));
        }
        response
    }

    async fn told(response: Response) -> Value {
        let bytes = whole(response).await.collect().await.unwrap().to_bytes();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn a_whole_answer_has_one_value_for_each_name_and_its_cookies() {
        let expected = json!({
            "statusCode": 200,
            "headers": {"vary": "accept, origin"},
            "cookies": ["a=1; Path=/", "b=2"],
            "body": "ä",
            "isBase64Encoded": false,
        });
        assert_eq!(told(response(Body::from("ä"))).await, expected);
    }

    #[tokio::test]
    async fn a_binary_answer_is_coded() {
        let told = told(response(Body::from(vec![0, 159, 146, 150]))).await;
        assert_eq!(told["isBase64Encoded"], true);
        assert_eq!(STANDARD.decode(told["body"].as_str().unwrap()).unwrap(), [0, 159, 146, 150]);
    }

    #[tokio::test]
    async fn a_stream_has_its_head_in_front_and_ends_after_the_rest() {
        let done = Arc::new(AtomicBool::new(false));
        let rest = Arc::clone(&done);
        let rest = Box::pin(async move { rest.store(true, Ordering::SeqCst) });
        let (mut body, gone) = stream(response(Body::from("hello")), rest);
        let head = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let (json, end) = head.split_at(head.len() - 8);
        assert_eq!(end, [0; 8]);
        let expected = json!({
            "statusCode": 200,
            "headers": {"vary": "accept, origin"},
            "cookies": ["a=1; Path=/", "b=2"],
        });
        assert_eq!(serde_json::from_slice::<Value>(json).unwrap(), expected);
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hello");
        assert!(!done.load(Ordering::SeqCst));
        assert!(body.frame().await.is_none());
        assert!(done.load(Ordering::SeqCst));
        drop(body);
        gone.await;
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_says_so_in_its_trailers() {
        let chunks = [Ok("begun"), Err(std::io::Error::other("secret"))];
        let (body, _gone) = stream(response(Body::from_stream(stream::iter(chunks))), Box::pin(async {}));
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().unwrap();
        assert_eq!(trailers[ERROR_TYPE], "Aiduet.Answer");
        let told = STANDARD.decode(&trailers[ERROR_BODY]).unwrap();
        assert!(!String::from_utf8(told).unwrap().contains("secret"));
        let broken = told_whole().await;
        assert_eq!(broken["statusCode"], 502);
    }

    async fn told_whole() -> Value {
        let chunks = [Ok("begun"), Err(std::io::Error::other("secret"))];
        told(response(Body::from_stream(stream::iter(chunks)))).await
    }
}
