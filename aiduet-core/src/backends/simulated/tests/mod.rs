mod metered;

use futures_util::StreamExt;
use http::HeaderMap;

use super::*;
use crate::clock::{ManualClock, Timestamp};
use crate::content::Content;
use crate::id::{RequestId, SystemEntropy};

fn simulated() -> SimulatedProvider {
    let clock = ManualClock::new(Timestamp::from_millis(1_790_000_000_000));
    SimulatedProvider::new(SimulatedConfig::default(), Arc::new(clock))
}

fn call(endpoint: Endpoint, body: &Value) -> UpstreamCall {
    let clock = ManualClock::new(Timestamp::from_millis(0));
    UpstreamCall {
        endpoint,
        request: RequestId::generate(&clock, &SystemEntropy),
        headers: HeaderMap::new(),
        body: Content::new(Bytes::from(body.to_string())),
        stream: body["stream"] == true,
    }
}

/// Sends a call; the whole body and the error that ended it.
async fn send(
    provider: &SimulatedProvider,
    endpoint: Endpoint,
    body: Value,
) -> (StatusCode, String, Option<ProviderError>) {
    let mut reply = provider.send(call(endpoint, &body)).await.unwrap();
    let (mut bytes, mut failure) = (Vec::new(), None);
    while let Some(chunk) = reply.body.next().await {
        match chunk {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(error) => failure = Some(error),
        }
    }
    (reply.status, String::from_utf8_lossy(&bytes).into_owned(), failure)
}

async fn ask(endpoint: Endpoint, body: Value) -> Value {
    let (status, text, failure) = send(&simulated(), endpoint, body).await;
    assert_eq!((status, failure), (StatusCode::OK, None), "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The events of a stream: their names, and their data.
async fn stream(endpoint: Endpoint, body: Value) -> Vec<(String, Value)> {
    let (status, text, failure) = send(&simulated(), endpoint, body).await;
    assert_eq!((status, failure), (StatusCode::OK, None), "{text}");
    let event = |block: &str| {
        let (mut name, mut data) = (String::new(), Value::Null);
        for line in block.lines() {
            if let Some(text) = line.strip_prefix("event: ") {
                name = text.to_owned();
            } else if let Some(text) = line.strip_prefix("data: ") {
                data = serde_json::from_str(text).unwrap_or_else(|_text| json!(text));
            }
        }
        (name, data)
    };
    text.split_terminator("\n\n").map(event).collect()
}

fn joined(events: &[(String, Value)], pointer: &str) -> String {
    events.iter().filter_map(|(_name, data)| data.pointer(pointer)?.as_str()).collect()
}

/// The names in order, repetitions once.
fn order(events: &[(String, Value)]) -> Vec<&str> {
    let mut names: Vec<&str> = events.iter().map(|(name, _data)| name.as_str()).collect();
    names.dedup();
    names
}

fn chat(more: Value) -> Value {
    with(json!({"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello there"}]}), more)
}

fn responses(more: Value) -> Value {
    with(json!({"model": "gpt-5.6", "input": "Hello there"}), more)
}

fn message(more: Value) -> Value {
    let body = json!({
        "model": "claude-opus-5", "max_tokens": 500, "messages": [{"role": "user", "content": "Hello there"}],
    });
    with(body, more)
}

fn with(mut body: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn saying(endpoint: Endpoint, text: &str, more: Value) -> Value {
    match endpoint {
        Endpoint::ChatCompletions => {
            chat(with(json!({"messages": [{"role": "user", "content": text}]}), more))
        }
        Endpoint::Responses => responses(with(json!({"input": text}), more)),
        _ => message(with(json!({"messages": [{"role": "user", "content": text}]}), more)),
    }
}

const GENERATING: [Endpoint; 3] = [Endpoint::ChatCompletions, Endpoint::Responses, Endpoint::Messages];

fn weather(nested: &str) -> Value {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    match nested {
        "chat" => json!({"type": "function", "function": {"name": "weather", "parameters": schema}}),
        "responses" => json!({"type": "function", "name": "weather", "parameters": schema}),
        _ => json!({"name": "weather", "input_schema": schema}),
    }
}

#[tokio::test]
async fn a_chat_stream_has_the_text_of_the_whole_answer_and_usage_only_if_asked() {
    let whole = ask(Endpoint::ChatCompletions, chat(json!({}))).await;
    let asked = json!({"stream": true, "stream_options": {"include_usage": true}});
    let events = stream(Endpoint::ChatCompletions, chat(asked)).await;
    assert_eq!(whole["choices"][0]["message"]["content"], joined(&events, "/choices/0/delta/content"));
    assert_eq!(events.last().unwrap().1, "[DONE]");
    let usage = &events[events.len() - 2].1;
    assert_eq!((&usage["choices"], &usage["usage"]), (&json!([]), &whole["usage"]));
    assert!(events[0].1.get("usage").is_some_and(Value::is_null));

    let events = stream(Endpoint::ChatCompletions, chat(json!({"stream": true}))).await;
    assert!(events.iter().all(|(_name, data)| data.get("usage").is_none()));
    assert_eq!(events[events.len() - 2].1["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn the_events_of_responses_come_in_order_without_gaps_and_end_with_the_whole_answer() {
    let body =
        json!({"stream": true, "reasoning": {"summary": "auto"}, "include": ["reasoning.encrypted_content"]});
    let events = stream(Endpoint::Responses, responses(body)).await;
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(order(&events), expected);
    for (number, (name, data)) in events.iter().enumerate() {
        assert_eq!(
            (data["sequence_number"].as_u64(), &data["type"]),
            (u64::try_from(number).ok(), &json!(name))
        );
    }
    let last = &events.last().unwrap().1["response"];
    let deltas: Vec<_> =
        events.iter().filter(|(name, _)| name == "response.output_text.delta").cloned().collect();
    assert_eq!(last["output"][1]["content"][0]["text"], joined(&deltas, "/delta"));
    assert!(last["output"][0]["encrypted_content"].is_string());
    assert!(last["usage"]["output_tokens_details"]["reasoning_tokens"].as_u64().unwrap() > 0);
    assert_eq!(last["text"]["format"]["type"], "text");
    let items: Vec<&Value> = events
        .iter()
        .filter(|(name, _)| name == "response.output_item.done")
        .map(|(_name, data)| &data["item"])
        .collect();
    assert_eq!(items, [&last["output"][0], &last["output"][1]]);
}

#[tokio::test]
async fn the_events_of_messages_come_in_order_with_thinking_signed() {
    let body = json!({"stream": true, "thinking": {"type": "adaptive"}});
    let events = stream(Endpoint::Messages, message(body.clone())).await;
    let expected = [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(order(&events), expected);
    let whole = ask(Endpoint::Messages, message(with(body, json!({"stream": false})))).await;
    assert_eq!(whole["content"][0]["thinking"], joined(&events, "/delta/thinking"));
    assert!(!joined(&events, "/delta/signature").is_empty());
    assert_eq!(whole["content"][1]["text"], joined(&events, "/delta/text"));
    let delta = &events[events.len() - 2].1;
    assert_eq!(delta["usage"]["output_tokens"], whole["usage"]["output_tokens"]);
    assert_eq!(delta["usage"]["output_tokens_details"], whole["usage"]["output_tokens_details"]);
    let start = &events[0].1["message"];
    assert_eq!((&start["usage"]["output_tokens"], &start["stop_reason"]), (&json!(1), &Value::Null));
    assert_eq!(start["usage"]["cache_creation"]["ephemeral_1h_input_tokens"], 0);

    let hidden = json!({"stream": true, "thinking": {"type": "adaptive", "display": "omitted"}});
    let events = stream(Endpoint::Messages, message(hidden)).await;
    assert_eq!(joined(&events, "/delta/thinking"), "");
    assert!(!joined(&events, "/delta/signature").is_empty());
}

#[tokio::test]
async fn the_first_tool_is_called_with_fitting_arguments_and_its_result_is_answered_with_text() {
    let whole = ask(Endpoint::ChatCompletions, chat(json!({"tools": [weather("chat")]}))).await;
    let choice = &whole["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], Value::Null);
    let function = &choice["message"]["tool_calls"][0]["function"];
    assert_eq!(
        (&function["name"], &function["arguments"]),
        (&json!("weather"), &json!(r#"{"city":"sample city"}"#))
    );
    let events =
        stream(Endpoint::ChatCompletions, chat(json!({"tools": [weather("chat")], "stream": true}))).await;
    let arguments = "/choices/0/delta/tool_calls/0/function/arguments";
    assert_eq!(function["arguments"], joined(&events, arguments));

    let whole = ask(Endpoint::Responses, responses(json!({"tools": [weather("responses")]}))).await;
    assert_eq!(whole["output"][1]["type"], "function_call");
    assert_eq!(whole["output"][1]["arguments"], function["arguments"]);

    let events = stream(Endpoint::Messages, message(json!({"tools": [weather("")], "stream": true}))).await;
    assert_eq!(function["arguments"], joined(&events, "/delta/partial_json"));
    let whole = ask(Endpoint::Messages, message(json!({"tools": [weather("")]}))).await;
    assert_eq!(
        (&whole["stop_reason"], &whole["content"][1]["input"]),
        (&json!("tool_use"), &json!({"city": "sample city"}))
    );

    let result = json!({
        "tools": [weather("")],
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": whole["content"]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x", "content": "sunny"}]},
        ],
    });
    let whole = ask(Endpoint::Messages, message(result)).await;
    assert_eq!((&whole["stop_reason"], &whole["content"][0]["type"]), (&json!("end_turn"), &json!("text")));
}

#[tokio::test]
async fn a_scripted_call_is_made_if_the_tool_is_offered_and_has_not_answered() {
    let text = "simulate:call=weather {\"city\": \"Kyoto\"}";
    let asked = |rest: Value| message(with(json!({"messages": [{"role": "user", "content": text}]}), rest));
    let whole = ask(Endpoint::Messages, asked(json!({"tools": [weather("")]}))).await;
    assert_eq!(whole["content"][1]["input"], json!({"city": "Kyoto"}));
    let whole = ask(Endpoint::Messages, asked(json!({}))).await;
    assert_eq!(whole["stop_reason"], "end_turn", "the tool is not offered");
    let answered = json!({
        "tools": [weather("")],
        "messages": [
            {"role": "user", "content": text},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x", "content": "sunny"}]},
        ],
    });
    let whole = ask(Endpoint::Messages, asked(answered)).await;
    assert_eq!(whole["stop_reason"], "end_turn", "the tool has answered");
}

#[tokio::test]
async fn a_required_choice_between_two_tools_calls_both() {
    let other = json!({"type": "function", "function": {"name": "time"}});
    let tools = json!({"tools": [weather("chat"), other], "tool_choice": "required"});
    let whole = ask(Endpoint::ChatCompletions, chat(tools.clone())).await;
    assert_eq!(whole["choices"][0]["message"]["tool_calls"].as_array().unwrap().len(), 2);
    let one = with(tools, json!({"parallel_tool_calls": false}));
    let whole = ask(Endpoint::ChatCompletions, chat(one.clone())).await;
    assert_eq!(whole["choices"][0]["message"]["tool_calls"].as_array().unwrap().len(), 1);
    let forced = with(one, json!({"tool_choice": {"type": "function", "function": {"name": "time"}}}));
    let whole = ask(Endpoint::ChatCompletions, chat(forced)).await;
    assert_eq!(whole["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "time");
}

#[tokio::test]
async fn an_answer_ends_at_the_limit_and_at_a_stop_sequence() {
    let whole = ask(Endpoint::Messages, message(json!({"max_tokens": 3}))).await;
    assert_eq!((&whole["stop_reason"], &whole["usage"]["output_tokens"]), (&json!("max_tokens"), &json!(3)));
    let whole = ask(Endpoint::Messages, message(json!({"max_tokens": 0}))).await;
    assert_eq!((&whole["content"], &whole["usage"]["output_tokens"]), (&json!([]), &json!(0)));
    let whole = ask(Endpoint::ChatCompletions, chat(json!({"max_completion_tokens": 3, "n": 2}))).await;
    assert_eq!(
        (&whole["choices"][1]["finish_reason"], &whole["usage"]["completion_tokens"]),
        (&json!("length"), &json!(6))
    );
    let events =
        stream(Endpoint::Responses, responses(json!({"max_output_tokens": 3, "stream": true}))).await;
    let (name, last) = events.last().unwrap();
    assert_eq!((name.as_str(), &last["response"]["status"]), ("response.incomplete", &json!("incomplete")));
    assert_eq!(last["response"]["incomplete_details"]["reason"], "max_output_tokens");
    let whole = json!({"max_output_tokens": 3, "model": "gpt-4.1"});
    let whole = ask(Endpoint::Responses, responses(whole)).await;
    assert_eq!(
        (&whole["output"][0]["status"], &whole["status"]),
        (&json!("incomplete"), &json!("incomplete"))
    );

    let cut = message(json!({"tools": [weather("")], "max_tokens": 6}));
    let whole = ask(Endpoint::Messages, cut).await;
    assert_eq!(
        (&whole["stop_reason"], whole["content"].as_array().unwrap().len()),
        (&json!("max_tokens"), 1)
    );

    let said = "simulate:say=one two three";
    let whole = ask(
        Endpoint::Messages,
        saying(Endpoint::Messages, said, json!({"stop_sequences": ["three", "two"]})),
    )
    .await;
    assert_eq!(whole["content"][0]["text"], "one ");
    assert_eq!((&whole["stop_reason"], &whole["stop_sequence"]), (&json!("stop_sequence"), &json!("two")));
    let whole =
        ask(Endpoint::ChatCompletions, saying(Endpoint::ChatCompletions, said, json!({"stop": "two"}))).await;
    assert_eq!(whole["choices"][0]["message"]["content"], "one ");
}

#[tokio::test]
async fn a_schema_is_answered_with_an_instance_of_it() {
    let schema = json!({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "s", "schema": schema}});
    let whole = ask(Endpoint::ChatCompletions, chat(json!({"response_format": format}))).await;
    assert_eq!(whole["choices"][0]["message"]["content"], r#"{"n":1}"#);
    let format = json!({"format": {"type": "json_schema", "name": "s", "schema": schema}});
    let whole = ask(Endpoint::Responses, responses(json!({"text": format}))).await;
    assert_eq!(whole["output"][1]["content"][0]["text"], r#"{"n":1}"#);
    let whole = ask(Endpoint::Messages, message(json!({"output_config": format}))).await;
    assert_eq!(whole["content"][0]["text"], r#"{"n":1}"#);
}

#[tokio::test]
async fn marked_prefixes_are_written_once_and_read_afterwards() {
    let provider = simulated();
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    let system = json!([{"type": "text", "text": "x".repeat(8_000), "cache_control": mark}]);
    let mut usages = Vec::new();
    for _ in 0..2 {
        let (_status, text, _failure) =
            send(&provider, Endpoint::Messages, message(json!({"system": system}))).await;
        usages.push(serde_json::from_str::<Value>(&text).unwrap()["usage"].clone());
    }
    let (first, second) = (&usages[0], &usages[1]);
    assert_eq!(first["cache_creation"]["ephemeral_1h_input_tokens"], 2_004);
    assert_eq!(
        (&first["cache_creation_input_tokens"], &first["cache_read_input_tokens"]),
        (&json!(2_004), &json!(0))
    );
    assert_eq!(
        (&second["cache_creation_input_tokens"], &second["cache_read_input_tokens"]),
        (&json!(0), &json!(2_004))
    );
    assert_eq!(first["input_tokens"], second["input_tokens"]);
    let counted = ask(Endpoint::CountTokens, message(json!({"system": system}))).await;
    let uncached = first["input_tokens"].as_u64().unwrap();
    assert_eq!(counted["input_tokens"], uncached + 2_004);

    let unmarked = ask(Endpoint::Messages, message(json!({"system": "x".repeat(8_000)}))).await;
    assert_eq!(unmarked["usage"]["cache_creation_input_tokens"], 0);
}

#[tokio::test]
async fn long_prompts_are_cached_unasked_in_the_openai_dialect() {
    let provider = simulated();
    for (model, written) in [("gpt-5.6", 1_920), ("gpt-4.1", 0)] {
        let body = json!({"model": model, "instructions": "x".repeat(8_000)});
        let mut usages = Vec::new();
        for _ in 0..2 {
            let (_status, text, _failure) =
                send(&provider, Endpoint::Responses, responses(body.clone())).await;
            usages.push(serde_json::from_str::<Value>(&text).unwrap()["usage"].clone());
        }
        let details = |usage: &Value| {
            let details = &usage["input_tokens_details"];
            (details["cached_tokens"].as_u64().unwrap(), details["cache_write_tokens"].as_u64().unwrap())
        };
        assert_eq!(details(&usages[0]), (0, written), "{model}");
        assert_eq!(details(&usages[1]), (1_920, 0), "{model}");
        assert_eq!(usages[0]["input_tokens"], usages[1]["input_tokens"], "{model}");
    }
}

#[tokio::test]
async fn embeddings_are_unit_vectors_and_the_same_in_both_encodings() {
    use base64::Engine as _;
    let body = json!({"model": "text-embedding-3-small", "input": ["a b c", "d"], "dimensions": 64});
    let floats = ask(Endpoint::Embeddings, body.clone()).await;
    let vector: Vec<f64> =
        floats["data"][1]["embedding"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    assert_eq!(vector.len(), 64);
    assert!(vector.iter().all(|x| (x.abs() - 0.125).abs() < 1e-6));
    assert_eq!(floats["usage"], json!({"prompt_tokens": 3, "total_tokens": 3}));
    let encoded = ask(Endpoint::Embeddings, with(body, json!({"encoding_format": "base64"}))).await;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(encoded["data"][1]["embedding"].as_str().unwrap())
        .unwrap();
    let decoded: Vec<f64> =
        bytes.chunks(4).map(|four| f64::from(f32::from_le_bytes(four.try_into().unwrap()))).collect();
    assert_eq!(decoded, vector);
    let numbers = json!({"model": "text-embedding-3-large", "input": [[1, 2, 3], [4]]});
    let whole = ask(Endpoint::Embeddings, numbers).await;
    assert_eq!(whole["data"][0]["embedding"].as_array().unwrap().len(), 3_072);
    assert_eq!(whole["usage"]["prompt_tokens"], 4);
}

#[tokio::test]
async fn counted_tokens_are_those_that_a_message_costs() {
    let body = message(json!({"system": "Be brief."}));
    let counted = ask(Endpoint::CountTokens, body.clone()).await;
    let whole = ask(Endpoint::Messages, body).await;
    assert_eq!(counted["input_tokens"], whole["usage"]["input_tokens"]);
}

#[tokio::test]
async fn the_prompt_has_no_more_tokens_than_the_request_has_bytes() {
    for endpoint in GENERATING {
        let body = saying(endpoint, "日本語", json!({}));
        let bytes = u64::try_from(body.to_string().len()).unwrap();
        let (provider, call) = (simulated(), call(endpoint, &body));
        let (_reply, usage) = provider.attempt(&call).await.unwrap();
        assert!(usage.prompt() > 0 && usage.prompt() <= bytes, "{endpoint:?}");
    }
}

#[tokio::test]
async fn errors_have_the_shape_of_their_dialect() {
    let (status, text, _) =
        send(&simulated(), Endpoint::Messages, message(json!({"model": "claude-opus-5-simulate-529"}))).await;
    let error: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status.as_u16(), &error["error"]["type"]), (529, &json!("overloaded_error")));
    assert!(error["request_id"].as_str().unwrap().starts_with("req_"));

    let limited = saying(Endpoint::ChatCompletions, "simulate:status=429 simulate:retry_after=7s", json!({}));
    let reply = simulated().send(call(Endpoint::ChatCompletions, &limited)).await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.retry_after), (429, Some(Duration::from_secs(7))));

    for (body, param) in
        [(json!({}), "model"), (json!({"model": "gpt-4.1"}), "messages"), (chat(json!({"n": 0})), "n")]
    {
        let (status, text, _) = send(&simulated(), Endpoint::ChatCompletions, body).await;
        let error: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status.as_u16(), &error["error"]["param"]), (400, &json!(param)));
    }
    let misspelt = saying(Endpoint::Messages, "simulate:oops", json!({}));
    assert_eq!(send(&simulated(), Endpoint::Messages, misspelt).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test(start_paused = true)]
async fn calls_fail_at_the_stage_that_was_asked_for() {
    for endpoint in GENERATING {
        for (word, error) in [
            ("refuse", ProviderError::Connect),
            ("reset", ProviderError::Broken { stage: Stage::Head }),
            ("hang", ProviderError::Timeout { stage: Stage::Head }),
        ] {
            let body = saying(endpoint, &format!("simulate:{word}"), json!({}));
            assert_eq!(simulated().send(call(endpoint, &body)).await.err(), Some(error), "{word}");
        }
        for (word, error) in [
            ("cut=3", Some(ProviderError::Broken { stage: Stage::Body })),
            ("stall=3", Some(ProviderError::Timeout { stage: Stage::Body })),
            ("end=3", None),
            ("error=3", None),
        ] {
            let body = saying(endpoint, &format!("simulate:{word}"), json!({"stream": true}));
            let (status, text, failure) = send(&simulated(), endpoint, body).await;
            assert_eq!((status, failure), (StatusCode::OK, error), "{word}");
            assert!(!text.contains("[DONE]") && !text.contains("message_stop"), "{word}");
            assert_eq!(text.contains("\"error\":{"), word.starts_with("error"), "{word}: {text}");
        }
        let body = saying(endpoint, "simulate:cut=3", json!({}));
        let (_status, text, failure) = send(&simulated(), endpoint, body).await;
        assert_eq!(failure, Some(ProviderError::Broken { stage: Stage::Body }));
        assert!(!text.is_empty() && serde_json::from_str::<Value>(&text).is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn pace_chunks_and_usage_are_as_asked() {
    for endpoint in GENERATING {
        let text = "simulate:chunks=100 simulate:slow=50ms simulate:usage=1000000000000000000";
        let before = tokio::time::Instant::now();
        let events =
            stream(endpoint, saying(endpoint, text, json!({"stream": true, "max_tokens": 100_000}))).await;
        assert!(events.len() > 100 && before.elapsed() >= Duration::from_secs(5), "{endpoint:?}");
        let silent = saying(endpoint, "simulate:no_usage", json!({}));
        let whole = ask(endpoint, silent).await;
        assert!(whole.get("usage").is_none_or(Value::is_null), "{endpoint:?}");
        let whole = ask(endpoint, saying(endpoint, text, json!({}))).await;
        assert!(whole["usage"].to_string().contains("1000000000000000000"), "{endpoint:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_a_success_in_its_dialect() {
    let whole = ask(Endpoint::Messages, saying(Endpoint::Messages, "simulate:refusal", json!({}))).await;
    assert_eq!((&whole["stop_reason"], &whole["content"]), (&json!("refusal"), &json!([])));
    let text = saying(Endpoint::ChatCompletions, "simulate:refusal", json!({}));
    let whole = ask(Endpoint::ChatCompletions, text).await;
    assert!(whole["choices"][0]["message"]["refusal"].is_string());
}

#[tokio::test]
async fn the_same_request_gets_the_same_text_under_a_new_name() {
    let provider = simulated();
    let mut answers = Vec::new();
    for _ in 0..2 {
        let (_status, text, _failure) = send(&provider, Endpoint::Messages, message(json!({}))).await;
        answers.push(serde_json::from_str::<Value>(&text).unwrap());
    }
    assert_eq!(answers[0]["content"], answers[1]["content"]);
    assert_ne!(answers[0]["id"], answers[1]["id"]);
}
