//! What translation adds to the processor time of a request: the whole gateway behind its router, on
//! one thread and without sockets, asked once by a client of the model's own dialect and once by
//! one of the other. Books are in memory and the provider costs next to nothing, so the share of
//! the translation is the largest that it can be. The two take turns, round by round; the medians
//! are shown.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "prints its own timings"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use aiduet_core::app::{App, AppBuilder};
use aiduet_core::clock::{Clock, SystemClock};
use aiduet_core::dialect::Endpoint;
use aiduet_core::gateway::Upstream;
use aiduet_core::http::router;
use aiduet_core::ledger::UpstreamName;
use aiduet_core::provider::{Provider, ProviderError, UpstreamCall, UpstreamReply, Vendor};
use aiduet_core::settings::Settings;
use aiduet_core::testing::{Factory, cents};
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::BodyExt;
use tower::ServiceExt;

const ROUNDS: usize = 31;
const CALLS: u32 = 200;
const CHUNKS: usize = 200;
const TURNS: usize = 20;

/// A provider that costs next to nothing: recorded answers, an event at a time.
#[derive(Debug)]
struct Recorded {
    whole: Bytes,
    events: Vec<Bytes>,
}

#[async_trait]
impl Provider for Recorded {
    async fn send(&self, call: UpstreamCall) -> Result<UpstreamReply, ProviderError> {
        let chunks = if call.stream { self.events.clone() } else { vec![self.whole.clone()] };
        Ok(UpstreamReply {
            status: StatusCode::OK,
            is_event_stream: call.stream,
            upstream_request_id: None,
            retry_after: None,
            body: Box::pin(stream::iter(chunks.into_iter().map(Ok))),
        })
    }
}

fn claude() -> Recorded {
    let usage = r#""usage":{"input_tokens":900,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":200}"#;
    let words = "word ".repeat(CHUNKS);
    let whole = format!(
        r#"{{"id":"msg_01","type":"message","role":"assistant","model":"claude-sonnet-4-6","content":[{{"type":"text","text":"{words}"}}],"stop_reason":"end_turn","stop_sequence":null,{usage}}}"#
    );
    let event = |name: &str, data: &str| Bytes::from(format!("event: {name}\ndata: {data}\n\n"));
    let mut events = vec![
        event(
            "message_start",
            &format!(
                r#"{{"type":"message_start","message":{{"id":"msg_01","type":"message","role":"assistant","model":"claude-sonnet-4-6","content":[],"stop_reason":null,"stop_sequence":null,{usage}}}}}"#
            ),
        ),
        event(
            "content_block_start",
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        ),
    ];
    let delta = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word "}}"#;
    events.extend(std::iter::repeat_n(event("content_block_delta", delta), CHUNKS));
    events.push(event("content_block_stop", r#"{"type":"content_block_stop","index":0}"#));
    events.push(event(
        "message_delta",
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":200}}"#,
    ));
    events.push(event("message_stop", r#"{"type":"message_stop"}"#));
    Recorded { whole: whole.into(), events }
}

fn gpt() -> Recorded {
    let usage = r#""usage":{"input_tokens":900,"input_tokens_details":{"cached_tokens":0},"output_tokens":200,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":1100}"#;
    let words = "word ".repeat(CHUNKS);
    let item = format!(
        r#"{{"type":"message","id":"msg_01","status":"completed","role":"assistant","content":[{{"type":"output_text","annotations":[],"text":"{words}"}}]}}"#
    );
    let response = |status: &str, output: &str, usage: &str| {
        format!(
            r#"{{"id":"resp_01","object":"response","created_at":1790000000,"status":"{status}","error":null,"incomplete_details":null,"model":"gpt-5.4-mini","output":[{output}],"store":false,"tools":[],{usage}}}"#
        )
    };
    let whole = response("completed", &item, usage);
    let event = |name: &str, data: String| {
        Bytes::from(format!("event: response.{name}\ndata: {{\"type\":\"response.{name}\",{data}}}\n\n"))
    };
    let begun = response("in_progress", "", r#""usage":null"#);
    let mut events = vec![
        event("created", format!(r#""sequence_number":0,"response":{begun}"#)),
        event("in_progress", format!(r#""sequence_number":1,"response":{begun}"#)),
        event(
            "output_item.added",
            r#""sequence_number":2,"output_index":0,"item":{"type":"message","id":"msg_01","status":"in_progress","role":"assistant","content":[]}"#.to_owned(),
        ),
        event(
            "content_part.added",
            r#""sequence_number":3,"item_id":"msg_01","output_index":0,"content_index":0,"part":{"type":"output_text","annotations":[],"text":""}"#.to_owned(),
        ),
    ];
    events.extend((4..).take(CHUNKS).map(|number| {
        event(
            "output_text.delta",
            format!(r#""sequence_number":{number},"item_id":"msg_01","output_index":0,"content_index":0,"delta":"word ","logprobs":[]"#),
        )
    }));
    events
        .push(event("output_item.done", format!(r#""sequence_number":900,"output_index":0,"item":{item}"#)));
    events.push(event("completed", format!(r#""sequence_number":901,"response":{whole}"#)));
    Recorded { whole: whole.into(), events }
}

/// A conversation of a coding agent: a system text, tools, and turns that call them. About 16 KiB.
fn conversation(endpoint: Endpoint, model: &str, stream: &str) -> String {
    let text = "The quick brown fox jumps over the lazy dog, and the dog does not mind. ".repeat(4);
    let schema = r#"{"type":"object","properties":{"path":{"type":"string","description":"Where"},"count":{"type":"integer"}},"required":["path"]}"#;
    let mut turns = Vec::new();
    for turn in 0..TURNS {
        turns.push(match endpoint {
            Endpoint::Messages => format!(
                r#"{{"role":"user","content":"{text}"}},{{"role":"assistant","content":[{{"type":"text","text":"Looking."}},{{"type":"tool_use","id":"toolu_{turn}","name":"read_file","input":{{"path":"src/main.rs","count":{turn}}}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"toolu_{turn}","content":"{text}"}}]}}"#
            ),
            Endpoint::Responses => format!(
                r#"{{"role":"user","content":"{text}"}},{{"type":"message","role":"assistant","content":[{{"type":"output_text","text":"Looking."}}]}},{{"type":"function_call","call_id":"call_{turn}","name":"read_file","arguments":"{{\"path\":\"src/main.rs\"}}"}},{{"type":"function_call_output","call_id":"call_{turn}","output":"{text}"}}"#
            ),
            _ => format!(
                r#"{{"role":"user","content":"{text}"}},{{"role":"assistant","content":"Looking.","tool_calls":[{{"id":"call_{turn}","type":"function","function":{{"name":"read_file","arguments":"{{\"path\":\"src/main.rs\"}}"}}}}]}},{{"role":"tool","tool_call_id":"call_{turn}","content":"{text}"}}"#
            ),
        });
    }
    let turns = turns.join(",");
    match endpoint {
        Endpoint::Messages => format!(
            r#"{{"model":"{model}","max_tokens":2000,"stream":{stream},"system":"You are a coding agent.","tools":[{{"name":"read_file","description":"Reads a file","input_schema":{schema}}}],"messages":[{turns}]}}"#
        ),
        Endpoint::Responses => format!(
            r#"{{"model":"{model}","max_output_tokens":2000,"stream":{stream},"instructions":"You are a coding agent.","tools":[{{"type":"function","name":"read_file","description":"Reads a file","parameters":{schema},"strict":false}}],"input":[{turns}]}}"#
        ),
        _ => format!(
            r#"{{"model":"{model}","max_tokens":2000,"stream":{stream},"tools":[{{"type":"function","function":{{"name":"read_file","description":"Reads a file","parameters":{schema}}}}}],"messages":[{{"role":"system","content":"You are a coding agent."}},{turns}]}}"#
        ),
    }
}

fn question(endpoint: Endpoint, model: &str, stream: &str) -> String {
    match endpoint {
        Endpoint::Responses => {
            format!(r#"{{"model":"{model}","max_output_tokens":2000,"stream":{stream},"input":"Hello?"}}"#)
        }
        _ => format!(
            r#"{{"model":"{model}","max_tokens":2000,"stream":{stream},"messages":[{{"role":"user","content":"Hello?"}}]}}"#
        ),
    }
}

async fn gateway() -> (App, String) {
    let mut settings = Settings::default();
    settings.database.url = Some("memory:".to_owned().into());
    let upstream = |vendor: Vendor, recorded: Recorded| {
        let name = UpstreamName::parse(vendor.as_str()).expect("a name");
        Upstream::new(name, vendor, Arc::new(recorded))
    };
    let upstreams = vec![upstream(Vendor::Anthropic, claude()), upstream(Vendor::OpenAi, gpt())];
    let builder = AppBuilder::new(settings).upstreams(upstreams);
    let app = Box::pin(builder.build()).await.expect("an application");
    let factory = Factory::at(1, SystemClock::new().now());
    let account = factory.account();
    let (plain, key) = factory.api_key(account.id);
    app.stores().ledger.post(vec![factory.top_up(account.id, cents(100_000_000))]).await.expect("credit");
    app.stores().keys.insert(key).await.expect("a key");
    (app, plain.expose().to_owned())
}

/// Makes one call and reads its answer to the end.
async fn call(router: &Router, key: &str, (endpoint, body): (Endpoint, &Bytes)) {
    let request = Request::post(endpoint.path())
        .header("authorization", format!("Bearer {key}"))
        .header("anthropic-version", "2023-06-01")
        .header("content-type", "application/json")
        .body(Body::from(body.clone()))
        .expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    response.into_body().collect().await.expect("a body");
}

async fn round(router: &Router, key: &str, (endpoint, body): (Endpoint, &Bytes)) -> Duration {
    let begun = Instant::now();
    for _ in 0..CALLS {
        call(router, key, (endpoint, body)).await;
    }
    begun.elapsed().checked_div(CALLS).unwrap_or_default()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (app, key) = gateway().await;
    let router = router(app.clone());
    println!("| Request | Client | Model | same dialect µs | translated µs | more |");
    println!("|---|---|---|---|---|---|");
    // Claude answers on Messages, GPT here on Responses: the other client is the one to be translated.
    let pairs = [
        (Endpoint::Messages, Endpoint::ChatCompletions, "claude-sonnet-4-6"),
        (Endpoint::Messages, Endpoint::Responses, "claude-sonnet-4-6"),
        (Endpoint::Responses, Endpoint::Messages, "gpt-5.4-mini"),
        (Endpoint::Responses, Endpoint::ChatCompletions, "gpt-5.4-pro"),
    ];
    for (what, write, stream) in [
        ("a question, whole", question as fn(Endpoint, &str, &str) -> String, "false"),
        ("a question, streamed", question, "true"),
        ("a conversation with tools, whole", conversation, "false"),
        ("a conversation with tools, streamed", conversation, "true"),
    ] {
        for (own, other, model) in pairs {
            let bodies = [own, other].map(|endpoint| (endpoint, Bytes::from(write(endpoint, model, stream))));
            let mut times = [Vec::new(), Vec::new()];
            for _ in 0..ROUNDS {
                for ((endpoint, body), times) in bodies.iter().zip(&mut times) {
                    times.push(round(&router, &key, (*endpoint, body)).await);
                }
            }
            let [same, translated] = times.map(|times| median(times).as_nanos());
            println!(
                "| {what} | {} | {model} | {} | {} | {} % |",
                other.as_str(),
                same / 1_000,
                translated / 1_000,
                translated.saturating_mul(100).checked_div(same).unwrap_or_default().saturating_sub(100)
            );
        }
    }
    app.close().await;
}
