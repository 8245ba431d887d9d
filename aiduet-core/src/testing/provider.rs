//! What every [`Provider`] that speaks HTTP must do.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};

use super::fake_upstream::{Act, FakeUpstream, SeenRequest, deserted_base_url};
use crate::clock::{Clock, ManualClock, Timestamp};
use crate::content::Content;
use crate::dialect::Endpoint;
use crate::id::{RequestId, SystemEntropy};
use crate::provider::{Provider, ProviderError, ReplyBody, Stage, UpstreamCall, UpstreamReply, Vendor};
use crate::secret::Secret;

/// The operator's credential in the suite.
pub const CREDENTIAL: &str = "operator-credential-0123456789";
/// The credential of a client, which must never go out.
const CLIENT_CREDENTIAL: &str = "client-credential-0123456789";
/// What the suite calls a short while: long enough for loopback, short enough to wait for.
const SHORT: Duration = Duration::from_millis(250);
/// A body that a serialiser would not write like this: spacing, order, repetition, big numbers.
const BODY: &[u8] = b"{ \"z\" : 1.0,\t\"a\":123456789012345678901234567890, \"z\":\"\\u00e9\xc3\xa9\" }\n";
/// Sun, 06 Nov 1994 08:49:37 GMT
const NOW_MILLIS: i64 = 784_111_777_000;

/// Where a provider under test goes, and its limits.
#[derive(Clone, Debug)]
pub struct ProviderTarget {
    /// The base URL, plain http on loopback.
    pub base_url: String,
    /// The operator's credential.
    pub credential: Secret<String>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Until the head of an answer must be there.
    pub first_byte: Duration,
    /// Between two chunks of an answer.
    pub idle: Duration,
    /// Largest answer that is not a stream of events.
    pub answer_bytes_max: u64,
}

/// Makes a new provider for a target.
pub type NewProvider<P> = fn(ProviderTarget) -> P;

impl ProviderTarget {
    /// A target with limits that no case meets by accident.
    pub fn new(base_url: String) -> Self {
        Self {
            base_url,
            credential: Secret::new(CREDENTIAL.to_owned()),
            clock: Arc::new(ManualClock::new(Timestamp::from_millis(NOW_MILLIS))),
            first_byte: Duration::from_mins(1),
            idle: Duration::from_mins(1),
            answer_bytes_max: 1 << 20,
        }
    }
}

/// A call with a body of its own and headers as a client sends them.
///
/// # Panics
/// Never: the headers are constant.
pub fn call(vendor: Vendor, body: &'static [u8]) -> UpstreamCall {
    let clock = ManualClock::new(Timestamp::from_millis(NOW_MILLIS));
    let headers = [
        ("authorization", "Bearer client-credential-0123456789"),
        ("x-api-key", CLIENT_CREDENTIAL),
        ("cookie", "client=1"),
        ("user-agent", "client/1"),
        ("x-forwarded-for", "192.0.2.1"),
        ("cf-connecting-ip", "192.0.2.1"),
        ("traceparent", "00-1-1-00"),
        ("openai-organization", "org-client"),
        ("anthropic-workspace-id", "wrkspc-client"),
        ("openai-beta", "assistants=v2"),
        ("anthropic-version", "2026-10-21"),
        ("anthropic-beta", "one, two"),
        ("anthropic-beta", "three"),
    ];
    let headers: HeaderMap = headers
        .into_iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
    UpstreamCall {
        endpoint: endpoint(vendor),
        request: RequestId::generate(&clock, &SystemEntropy),
        headers,
        body: Content::from_static(body),
        stream: false,
    }
}

const fn endpoint(vendor: Vendor) -> Endpoint {
    match vendor {
        Vendor::Anthropic => Endpoint::Messages,
        Vendor::OpenAi => Endpoint::ChatCompletions,
    }
}

/// Reads a body to its end, or to the error that ends it.
///
/// # Errors
/// What the body fails with.
pub async fn collect(mut body: ReplyBody) -> Result<Vec<u8>, ProviderError> {
    let mut whole = Vec::new();
    while let Some(chunk) = body.next().await {
        whole.extend_from_slice(&chunk?);
    }
    Ok(whole)
}

/// One exchange with an upstream that does these acts.
async fn exchange<P: Provider>(
    vendor: Vendor,
    new_provider: NewProvider<P>,
    acts: Vec<Act>,
) -> (FakeUpstream, Result<UpstreamReply, ProviderError>) {
    let upstream = FakeUpstream::always(acts).await;
    let provider = new_provider(ProviderTarget::new(upstream.base_url()));
    let reply = provider.send(call(vendor, BODY)).await;
    (upstream, reply)
}

const JSON: (&str, &str) = ("content-type", "application/json");
const EVENTS: (&str, &str) = ("content-type", "text/event-stream; charset=utf-8");

/// Expands to one test per case of the suite.
///
/// The arguments are the vendor, and an `fn(ProviderTarget) -> impl Provider` that makes a new
/// provider for the target. The tests run on `tokio::test`.
#[macro_export]
macro_rules! provider_conformance {
    ($vendor:expr, $new_provider:path) => {
        $crate::provider_conformance! {
            @cases $vendor, $new_provider:
            bytes_pass_untouched_both_ways
            only_the_operators_credential_and_feature_headers_go_out
            an_error_status_is_a_reply
            a_stream_of_events_is_told_from_a_document
            a_redirect_is_not_followed
            nobody_listening_is_no_connection
            a_late_head_is_a_timeout
            a_late_chunk_is_a_timeout
            what_breaks_before_the_head_is_broken_there_and_not_repeated
            what_breaks_in_the_body_is_broken_there
            trailers_are_no_part_of_the_body
            dropping_the_body_ends_the_exchange
            dropping_the_call_ends_the_exchange
            an_answer_above_the_limit_is_refused
            a_long_stream_of_events_is_not_refused
            a_compressed_answer_is_not_taken_for_text
            the_providers_name_of_the_exchange_is_checked
            a_wish_to_wait_is_read
            connections_are_used_again
        }
    };
    (@cases $vendor:expr, $new_provider:path: $($case:ident)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::testing::provider::$case($vendor, $new_provider).await;
            }
        )+
    };
}

/// The body goes out as it is, with its length, and the answer comes back as it is, however it
/// was cut.
pub async fn bytes_pass_untouched_both_ways<P: Provider>(vendor: Vendor, new_provider: NewProvider<P>) {
    let answer = b"data: {\"a\" : 1.0 }\r\n\r\n\xff\xfe\0 data: \xe6\x97\xa5";
    let mut acts = vec![Act::chunked_head(200, &[EVENTS])];
    acts.extend(answer.iter().map(|byte| Act::chunk(&[*byte])));
    acts.push(Act::chunk(b""));
    let (upstream, reply) = exchange(vendor, new_provider, acts).await;
    let body = collect(reply.expect("there is an answer").body).await;
    assert_eq!(body.as_deref(), Ok(answer.as_slice()));
    let seen = one(&upstream);
    assert_eq!(seen.body, BODY);
    assert_eq!(seen.target, endpoint(vendor).path());
    assert_eq!(
        seen.headers.get("content-length"),
        HeaderValue::try_from(BODY.len().to_string()).ok().as_ref()
    );
    assert!(!seen.headers.contains_key("transfer-encoding"));
}

/// Nothing else of the client's headers leaves, and no other header is made up.
pub async fn only_the_operators_credential_and_feature_headers_go_out<P: Provider>(
    vendor: Vendor,
    new_provider: NewProvider<P>,
) {
    let (upstream, reply) = exchange(vendor, new_provider, vec![Act::answer(200, &[JSON], b"{}")]).await;
    assert!(reply.is_ok());
    let seen = one(&upstream);
    let mut names: Vec<&str> = seen.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    let (credential, features): (&str, &[&str]) = match vendor {
        Vendor::Anthropic => ("x-api-key", &["anthropic-version", "anthropic-beta"]),
        Vendor::OpenAi => ("authorization", &["openai-beta"]),
    };
    let mut expected =
        vec!["accept", "accept-encoding", "content-length", "content-type", "host", "user-agent"];
    expected.push(credential);
    expected.extend(features);
    expected.sort_unstable();
    assert_eq!(names, expected);
    let values: Vec<&[u8]> = seen.headers.values().map(HeaderValue::as_bytes).collect();
    assert!(
        !values.iter().any(|value| String::from_utf8_lossy(value).contains("client")),
        "a client's value left"
    );
    let sent = seen.headers.get(credential).map(HeaderValue::as_bytes).unwrap_or_default();
    assert_eq!(String::from_utf8_lossy(sent).trim_start_matches("Bearer "), CREDENTIAL);
    let betas: Vec<&[u8]> =
        seen.headers.get_all("anthropic-beta").iter().map(HeaderValue::as_bytes).collect();
    let as_sent: &[&[u8]] = if vendor == Vendor::Anthropic { &[b"one, two", b"three"] } else { &[] };
    assert_eq!(betas, as_sent);
}

/// Whatever the status, the answer is passed on with its body.
pub async fn an_error_status_is_a_reply<P: Provider>(vendor: Vendor, new_provider: NewProvider<P>) {
    for status in [400, 401, 402, 403, 404, 408, 413, 429, 500, 502, 503, 504, 529] {
        let acts = vec![Act::answer(status, &[("content-type", "text/html")], b"<html>")];
        let (_upstream, reply) = exchange(vendor, new_provider, acts).await;
        let reply = reply.expect("an error status is an answer");
        assert_eq!((reply.status.as_u16(), reply.is_event_stream), (status, false));
        assert_eq!(collect(reply.body).await.as_deref(), Ok(b"<html>".as_slice()));
    }
}

/// By the content type, whatever its case and parameters.
pub async fn a_stream_of_events_is_told_from_a_document<P: Provider>(
    vendor: Vendor,
    new_provider: NewProvider<P>,
) {
    for (kind, expected) in [
        ("text/event-stream", true),
        ("Text/Event-Stream;charset=utf-8", true),
        ("application/json", false),
        ("text/event-stream-not", false),
        ("", false),
    ] {
        let (_upstream, reply) =
            exchange(vendor, new_provider, vec![Act::answer(200, &[("content-type", kind)], b"")]).await;
        assert_eq!(reply.map(|reply| reply.is_event_stream).ok(), Some(expected), "{kind}");
    }
}

/// A redirect could lead anywhere with the operator's credential.
pub async fn a_redirect_is_not_followed<P: Provider>(vendor: Vendor, new_provider: NewProvider<P>) {
    let elsewhere = FakeUpstream::always(vec![Act::answer(200, &[JSON], b"{}")]).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/v1/messages", elsewhere.base_url());
        let acts = vec![Act::answer(status, &[("location", &location)], b"")];
        let (upstream, reply) = exchange(vendor, new_provider, acts).await;
        assert_eq!(reply.map(|reply| reply.status.as_u16()).ok(), Some(status));
        one(&upstream);
    }
    assert!(elsewhere.seen().is_empty());
}

/// No connection had no effect, so the call may be made again.
pub async fn nobody_listening_is_no_connection<P: Provider>(vendor: Vendor, new_provider: NewProvider<P>) {
    let provider = new_provider(ProviderTarget::new(deserted_base_url().await));
    assert_eq!(provider.send(call(vendor, BODY)).await.err(), Some(ProviderError::Connect));
}

/// The call was sent and nothing comes.
pub async fn a_late_head_is_a_timeout<P: Provider>(vendor: Vendor, new_provider: NewProvider<P>) {
    for acts in [vec![Act::Hang], vec![Act::send("HTTP/1.1 200 OK\r\ncontent-ty"), Act::Hang]] {
        let upstream = FakeUpstream::always(acts).await;
        let target = ProviderTarget { first_byte: SHORT, ..ProviderTarget::new(upstream.base_url()) };
        let error = new_provider(target).send(call(vendor, BODY)).await.err();
        assert_eq!(error, Some(ProviderError::Timeout { stage: Stage::Head }));
        upstream.peers_left(1).await;
    }
}

/// The answer has begun and nothing more comes.
pub async fn a_late_chunk_is_a_timeout<P: Provider>(vendor: Vendor, new_provider: NewProvider<P>) {
    let acts = vec![Act::chunked_head(200, &[EVENTS]), Act::chunk(b"data: 1\n\n"), Act::Hang];
    let upstream = FakeUpstream::always(acts).await;
    let target = ProviderTarget { idle: SHORT, ..ProviderTarget::new(upstream.base_url()) };
    let reply = new_provider(target).send(call(vendor, BODY)).await.expect("the head came");
    let items: Vec<_> = reply.body.collect().await;
    let late = Err(ProviderError::Timeout { stage: Stage::Body });
    assert_eq!(items, [Ok(Bytes::from_static(b"data: 1\n\n")), late]);
    upstream.peers_left(1).await;
}

/// The provider may have worked and billed, so nothing is sent twice.
pub async fn what_breaks_before_the_head_is_broken_there_and_not_repeated<P: Provider>(
    vendor: Vendor,
    new_provider: NewProvider<P>,
) {
    for acts in [
        vec![Act::Reset],
        vec![Act::Close],
        vec![Act::send("\x16\x03\x01 this is not HTTP\r\n\r\n"), Act::Close],
        vec![Act::send("HTTP/1.1 200 OK\r\ncontent-le"), Act::Close],
        vec![Act::send("HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"), Act::Close],
    ] {
        let (upstream, reply) = exchange(vendor, new_provider, acts.clone()).await;
        assert_eq!(reply.err(), Some(ProviderError::Broken { stage: Stage::Head }), "{acts:?}");
        one(&upstream);
    }
}

/// A body that stops before its end is never taken for a whole one.
pub async fn what_breaks_in_the_body_is_broken_there<P: Provider>(
    vendor: Vendor,
    new_provider: NewProvider<P>,
) {
    let head = || Act::chunked_head(200, &[EVENTS]);
    for acts in [
        vec![head(), Act::chunk(b"data"), Act::Close],
        vec![head(), Act::chunk(b"data"), Act::Reset],
        vec![head(), Act::chunk(b"data"), Act::send("not a length\r\n"), Act::Close],
        vec![Act::send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ndata"), Act::Close],
    ] {
        let (_upstream, reply) = exchange(vendor, new_provider, acts.clone()).await;
        let items: Vec<_> = reply.expect("the head came").body.collect().await;
        assert_eq!(items.last(), Some(&Err(ProviderError::Broken { stage: Stage::Body })), "{acts:?}");
        assert_eq!(items.iter().filter(|item| item.is_err()).count(), 1, "{acts:?}");
    }
}

/// HTTP trailers are skipped.
pub async fn trailers_are_no_part_of_the_body<P: Provider>(vendor: Vendor, new_provider: NewProvider<P>) {
    let acts = vec![
        Act::chunked_head(200, &[JSON, ("trailer", "x-sum")]),
        Act::chunk(b"{}"),
        Act::send("0\r\nx-sum: 1\r\n\r\n"),
    ];
    let (_upstream, reply) = exchange(vendor, new_provider, acts).await;
    assert_eq!(collect(reply.expect("there is an answer").body).await.as_deref(), Ok(b"{}".as_slice()));
}

/// So the provider stops working for nobody.
pub async fn dropping_the_body_ends_the_exchange<P: Provider>(vendor: Vendor, new_provider: NewProvider<P>) {
    let acts = vec![Act::chunked_head(200, &[EVENTS]), Act::chunk(b"data: 1\n\n"), Act::Hang];
    let (upstream, reply) = exchange(vendor, new_provider, acts).await;
    let mut reply = reply.expect("the head came");
    assert!(matches!(reply.body.next().await, Some(Ok(_))));
    drop(reply);
    upstream.peers_left(1).await;
}

/// Before there is an answer, too.
pub async fn dropping_the_call_ends_the_exchange<P: Provider>(vendor: Vendor, new_provider: NewProvider<P>) {
    let upstream = FakeUpstream::always(vec![Act::Hang]).await;
    let provider = new_provider(ProviderTarget::new(upstream.base_url()));
    let has_arrived = async {
        while upstream.seen().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        reply = provider.send(call(vendor, BODY)) => panic_on(reply),
        () = has_arrived => {}
    }
    upstream.peers_left(1).await;
}

/// Whether its length is announced or not.
pub async fn an_answer_above_the_limit_is_refused<P: Provider>(vendor: Vendor, new_provider: NewProvider<P>) {
    let big = vec![b' '; 1_001];
    let announced = vec![Act::answer(200, &[JSON], &big)];
    let unannounced = vec![Act::chunked_head(200, &[JSON]), Act::chunk(&big), Act::chunk(b"")];
    for acts in [announced, unannounced] {
        for (answer_bytes_max, fits) in [(1_000, false), (1_001, true)] {
            let upstream = FakeUpstream::always(acts.clone()).await;
            let target = ProviderTarget { answer_bytes_max, ..ProviderTarget::new(upstream.base_url()) };
            let result = match new_provider(target).send(call(vendor, BODY)).await {
                Ok(reply) => collect(reply.body).await.map(|body| body.len()),
                Err(error) => Err(error),
            };
            assert_eq!(result, if fits { Ok(1_001) } else { Err(ProviderError::TooLarge) });
        }
    }
}

/// A stream passes in pieces and takes no memory, so time alone bounds it.
pub async fn a_long_stream_of_events_is_not_refused<P: Provider>(
    vendor: Vendor,
    new_provider: NewProvider<P>,
) {
    let big = vec![b' '; 1_001];
    let acts = vec![Act::chunked_head(200, &[EVENTS]), Act::chunk(&big), Act::chunk(b"")];
    let upstream = FakeUpstream::always(acts).await;
    let target = ProviderTarget { answer_bytes_max: 1_000, ..ProviderTarget::new(upstream.base_url()) };
    let reply = new_provider(target).send(call(vendor, BODY)).await.expect("there is an answer");
    assert_eq!(collect(reply.body).await.map(|body| body.len()), Ok(1_001));
}

/// Compressed bytes cannot be metered: an answer is decompressed or refused, and the status of an
/// error stays known.
pub async fn a_compressed_answer_is_not_taken_for_text<P: Provider>(
    vendor: Vendor,
    new_provider: NewProvider<P>,
) {
    // `{}` compressed.
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00";
    let headers = [JSON, ("content-encoding", "gzip")];
    let (_upstream, reply) = exchange(vendor, new_provider, vec![Act::answer(200, &headers, gzip)]).await;
    match reply {
        Ok(reply) => assert_eq!(collect(reply.body).await.as_deref(), Ok(b"{}".as_slice())),
        Err(error) => assert_eq!(error, ProviderError::Broken { stage: Stage::Head }),
    }
    let (_upstream, reply) = exchange(vendor, new_provider, vec![Act::answer(502, &headers, gzip)]).await;
    let reply = reply.expect("an error status is an answer");
    assert_eq!(reply.status, StatusCode::BAD_GATEWAY);
    let body = collect(reply.body).await.expect("the body of an error does not break");
    assert!(body.is_empty() || body == b"{}");
    let headers = [JSON, ("content-encoding", "identity")];
    let (_upstream, reply) = exchange(vendor, new_provider, vec![Act::answer(200, &headers, b"{}")]).await;
    assert!(reply.is_ok());
}

/// Only what is nothing but an identifier is kept.
pub async fn the_providers_name_of_the_exchange_is_checked<P: Provider>(
    vendor: Vendor,
    new_provider: NewProvider<P>,
) {
    let header = match vendor {
        Vendor::Anthropic => "request-id",
        Vendor::OpenAi => "x-request-id",
    };
    let long = "x".repeat(81);
    for (value, expected) in [
        ("req_011CSabc-1", Some("req_011CSabc-1")),
        ("<script>", None),
        ("a b", None),
        ("", None),
        (&long, None),
    ] {
        let acts = vec![Act::answer(200, &[JSON, (header, value)], b"{}")];
        let (_upstream, reply) = exchange(vendor, new_provider, acts).await;
        let id = reply.expect("there is an answer").upstream_request_id;
        assert_eq!(id.as_ref().map(|id| id.as_str()), expected, "{value}");
    }
}

/// In seconds, in milliseconds, as a date.
pub async fn a_wish_to_wait_is_read<P: Provider>(vendor: Vendor, new_provider: NewProvider<P>) {
    let seconds = Duration::from_secs;
    for (headers, expected) in [
        (vec![], None),
        (vec![("retry-after", "7")], Some(seconds(7))),
        (vec![("retry-after-ms", "250"), ("retry-after", "7")], Some(Duration::from_millis(250))),
        (vec![("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")], Some(seconds(60))),
        (vec![("retry-after", "soon")], None),
    ] {
        let headers: Vec<_> = [JSON].into_iter().chain(headers).collect();
        let (_upstream, reply) =
            exchange(vendor, new_provider, vec![Act::answer(429, &headers, b"{}")]).await;
        assert_eq!(reply.expect("there is an answer").retry_after, expected, "{headers:?}");
    }
}

/// A new connection per call would cost more than the call.
pub async fn connections_are_used_again<P: Provider>(vendor: Vendor, new_provider: NewProvider<P>) {
    let upstream = FakeUpstream::always(vec![Act::answer(200, &[JSON], b"{}")]).await;
    let provider = new_provider(ProviderTarget::new(upstream.base_url()));
    for _ in 0..3 {
        let reply = provider.send(call(vendor, BODY)).await.expect("there is an answer");
        assert_eq!(collect(reply.body).await.as_deref(), Ok(b"{}".as_slice()));
    }
    assert_eq!((upstream.seen().len(), upstream.connections()), (3, 1));
}

fn panic_on(reply: Result<UpstreamReply, ProviderError>) {
    assert!(reply.is_ok() && reply.is_err(), "the upstream hangs, so there is no answer");
}

/// The only request that came.
fn one(upstream: &FakeUpstream) -> SeenRequest {
    let mut seen = upstream.seen();
    assert_eq!(seen.len(), 1, "one call is one request");
    seen.pop().expect("there is one")
}
