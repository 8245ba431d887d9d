//! Every simulated shape through the meter: both must count the same.

use super::*;
use crate::dialect::{Ending, Meter, MeterConfig, StreamFault, inspect};
use crate::usage::FinishReason;

/// What a request has beside its text, and how its answer ends.
type Shape = (&'static str, Value, FinishReason);

fn meter(call: &UpstreamCall) -> (Meter, u64) {
    let head = inspect(call.endpoint, &call.body).unwrap();
    let config = MeterConfig {
        endpoint: call.endpoint,
        relay_usage: head.wants_usage,
        long_cache: head.long_cache,
        asked: head.modifiers,
    };
    (Meter::new(config), head.input_tokens_bound)
}

/// As the gateway would forward it: Chat Completions always asks for usage.
fn forwarded(endpoint: Endpoint, mut body: Value) -> UpstreamCall {
    if endpoint == Endpoint::ChatCompletions && body["stream"] == true {
        body["stream_options"] = json!({"include_usage": true});
    }
    call(endpoint, &body)
}

async fn metered(provider: &SimulatedProvider, call: UpstreamCall) -> (Meter, Ending, Usage, u64) {
    let (mut meter, bound) = meter(&call);
    let (mut reply, counted) = provider.attempt(&call).await.unwrap();
    let mut whole = Vec::new();
    while let Some(Ok(chunk)) = reply.body.next().await {
        whole.extend_from_slice(&chunk);
        if reply.is_event_stream {
            drop(meter.push(chunk));
        }
    }
    if !reply.is_event_stream {
        meter.read_whole(&whole).unwrap();
        return (meter, Ending::Complete, counted, bound);
    }
    let ending = meter.end();
    (meter, ending, counted, bound)
}

fn chat_shapes() -> Vec<Shape> {
    let tool = json!([weather("chat")]);
    vec![
        ("text", json!({}), FinishReason::Stop),
        ("two choices", json!({"n": 2}), FinishReason::Stop),
        ("reasoning", json!({"model": "gpt-5.6"}), FinishReason::Stop),
        ("tools", json!({"tools": tool}), FinishReason::ToolCalls),
        ("limit", json!({"max_completion_tokens": 5}), FinishReason::Length),
        ("cached", json!({"model": "gpt-5.6", "messages": long("user")}), FinishReason::Stop),
        (
            "cached for long",
            json!({"model": "gpt-6-sol", "messages": long("user"), "prompt_cache_options": {"ttl": "12h"}}),
            FinishReason::Stop,
        ),
        ("flex", json!({"model": "gpt-5.6", "service_tier": "flex"}), FinishReason::Stop),
    ]
}

fn responses_shapes() -> Vec<Shape> {
    let tool = json!([weather("responses")]);
    vec![
        ("text", json!({}), FinishReason::Stop),
        ("summary", json!({"reasoning": {"summary": "auto"}}), FinishReason::Stop),
        ("tools", json!({"tools": tool}), FinishReason::ToolCalls),
        ("limit", json!({"max_output_tokens": 5}), FinishReason::Length),
        ("cached", json!({"input": long("user")}), FinishReason::Stop),
        (
            "cached for long",
            json!({"input": long("user"), "prompt_cache_options": {"ttl": "12h"}}),
            FinishReason::Stop,
        ),
    ]
}

fn messages_shapes() -> Vec<Shape> {
    let mark = |ttl: &str| json!([{"type": "text", "text": "x".repeat(8_000), "cache_control": {"type": "ephemeral", "ttl": ttl}}]);
    vec![
        ("text", json!({}), FinishReason::Stop),
        ("thinking", json!({"thinking": {"type": "adaptive"}}), FinishReason::Stop),
        (
            "hidden thinking",
            json!({"thinking": {"type": "adaptive", "display": "omitted"}}),
            FinishReason::Stop,
        ),
        ("tools", json!({"tools": [weather("")]}), FinishReason::ToolCalls),
        ("limit", json!({"max_tokens": 5}), FinishReason::Length),
        ("cached", json!({"system": mark("5m")}), FinishReason::Stop),
        ("cached for long", json!({"system": mark("1h")}), FinishReason::Stop),
        ("fast", json!({"speed": "fast", "inference_geo": "us"}), FinishReason::Stop),
    ]
}

fn long(role: &str) -> Value {
    json!([{"role": role, "content": "x".repeat(8_000)}, {"role": role, "content": "and then?"}])
}

#[tokio::test]
async fn the_meter_counts_what_the_simulation_counted() {
    for (endpoint, shapes) in [
        (Endpoint::ChatCompletions, chat_shapes()),
        (Endpoint::Responses, responses_shapes()),
        (Endpoint::Messages, messages_shapes()),
    ] {
        for (name, shape, finish) in shapes {
            for stream in [false, true] {
                let provider = simulated();
                // The second time the prompt is in the cache.
                for turn in ["first", "second"] {
                    let more = with(shape.clone(), json!({"stream": stream}));
                    let body = match endpoint {
                        Endpoint::ChatCompletions => chat(more),
                        Endpoint::Responses => responses(more),
                        _ => message(more),
                    };
                    let case = format!("{endpoint:?}, {name}, stream {stream}, {turn}");
                    let (meter, ending, counted, bound) = metered(&provider, forwarded(endpoint, body)).await;
                    let reading = meter.reading();
                    assert_eq!(ending, Ending::Complete, "{case}");
                    assert!(reading.final_usage && !reading.failed, "{case}");
                    assert_eq!(reading.parts.len(), 1, "{case}");
                    assert_eq!(reading.parts[0].usage, counted, "{case}");
                    assert_eq!(reading.finish, Some(finish), "{case}");
                    assert!(!reading.flags.clamped && counted.prompt() <= bound, "{case}");
                    let cached = counted.cache_read + counted.cache_write_short + counted.cache_write_long;
                    assert_eq!(cached > 0, name.starts_with("cached"), "{case}");
                    assert_eq!(
                        counted.cache_read > 0,
                        name.starts_with("cached") && turn == "second",
                        "{case}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn embeddings_are_metered_too() {
    let body = json!({"model": "text-embedding-3-small", "input": ["a b c", "d"]});
    let (meter, _ending, counted, bound) = metered(&simulated(), call(Endpoint::Embeddings, &body)).await;
    assert_eq!(meter.reading().parts[0].usage, counted);
    assert!(counted.input == 3 && counted.input <= bound);
}

#[tokio::test(start_paused = true)]
async fn the_meter_sees_how_an_answer_failed() {
    for endpoint in GENERATING {
        let run = async |text: &str| {
            let body = saying(endpoint, text, json!({"stream": true}));
            metered(&simulated(), forwarded(endpoint, body)).await
        };
        for text in ["simulate:cut=4", "simulate:end=4", "simulate:stall=4"] {
            let (meter, ending, ..) = run(text).await;
            assert_eq!(ending, Ending::Interrupted, "{endpoint:?} {text}");
            assert!(!meter.reading().final_usage && meter.reading().output_started, "{endpoint:?} {text}");
        }
        let (meter, ending, ..) = run("simulate:error=4").await;
        assert_eq!(ending, Ending::Interrupted, "{endpoint:?}");
        let expected =
            if endpoint == Endpoint::Messages { StreamFault::Overloaded } else { StreamFault::Upstream };
        assert_eq!(meter.reading().failure, Some(expected), "{endpoint:?}");
        let (meter, ending, ..) = run("simulate:no_usage").await;
        assert_eq!((ending, meter.reading().final_usage), (Ending::Complete, false), "{endpoint:?}");
        let (meter, ending, ..) = run("simulate:garbage").await;
        assert!(ending == Ending::Interrupted || meter.reading().failed, "{endpoint:?}");
        let (meter, _ending, counted, _bound) = run("simulate:usage=1000000000000000000").await;
        assert_eq!(meter.reading().parts[0].usage, counted, "{endpoint:?}");
    }
}
