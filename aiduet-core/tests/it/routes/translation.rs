//! Clients of each dialect with models of the other vendor, over sockets, against the simulated
//! provider.

use aiduet_core::dialect::Endpoint;
use aiduet_core::ledger::{Outcome, RequestRecord};
use aiduet_core::money::Money;
use aiduet_core::provider::Vendor;
use aiduet_core::testing::fake_upstream::FakeUpstream;
use serde_json::{Value, json};

use super::site::{Form, Plan, Reply, Site, request, serving, upstream, with};

/// Everything that goes from one dialect to another: a client's endpoint, a model, and where the
/// provider is called.
const WAYS: [(Endpoint, &str, Endpoint); 5] = [
    (Endpoint::ChatCompletions, "claude-sonnet-4-6", Endpoint::Messages),
    (Endpoint::Responses, "claude-sonnet-4-6", Endpoint::Messages),
    (Endpoint::Messages, "gpt-6.1-sol", Endpoint::Responses),
    (Endpoint::Messages, "gpt-5.4-mini", Endpoint::Responses),
    (Endpoint::ChatCompletions, "gpt-5.4-pro", Endpoint::Responses),
];

async fn site() -> (Site, FakeUpstream) {
    let provider = serving().await;
    let site = Plan::new()
        .upstream(upstream(Vendor::OpenAi, "openai", &provider.base_url()))
        .upstream(upstream(Vendor::Anthropic, "anthropic", &provider.base_url()))
        .open()
        .await;
    (site, provider)
}

fn sent(provider: &FakeUpstream) -> Value {
    serde_json::from_slice(&provider.seen().last().unwrap().body).unwrap()
}

/// The usage that a client is told: prompt, cached, written to the cache, output.
fn told_usage(endpoint: Endpoint, reply: &Reply, form: Form) -> [u64; 4] {
    let last = match form {
        Form::Whole => reply.json(),
        Form::Events => {
            let events = reply.events();
            let with_usage = |event: &&Value| event.pointer("/usage").is_some_and(Value::is_object);
            match endpoint {
                Endpoint::Responses => events.last().unwrap()["response"].clone(),
                _ => events.iter().rfind(with_usage).unwrap().clone(),
            }
        }
    };
    let usage = &last["usage"];
    let of = |pointer: &str| usage.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    match endpoint {
        Endpoint::ChatCompletions => [
            of("/prompt_tokens"),
            of("/prompt_tokens_details/cached_tokens"),
            of("/prompt_tokens_details/cache_write_tokens"),
            of("/completion_tokens"),
        ],
        Endpoint::Responses => [
            of("/input_tokens"),
            of("/input_tokens_details/cached_tokens"),
            of("/input_tokens_details/cache_write_tokens"),
            of("/output_tokens"),
        ],
        _ => {
            let (read, written) = (of("/cache_read_input_tokens"), of("/cache_creation_input_tokens"));
            [of("/input_tokens") + read + written, read, written, of("/output_tokens")]
        }
    }
}

fn recorded_usage(record: &RequestRecord) -> [u64; 4] {
    let usage = &record.usage;
    [usage.prompt(), usage.cache_read, usage.cache_write_short + usage.cache_write_long, usage.output]
}

/// How an answer ended, in the words of its dialect.
fn finish(endpoint: Endpoint, reply: &Reply, form: Form) -> String {
    let word = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    match (endpoint, form) {
        (Endpoint::ChatCompletions, Form::Whole) => word(reply.json().pointer("/choices/0/finish_reason")),
        (Endpoint::ChatCompletions, Form::Events) => {
            let events = reply.events();
            let reason = |event: &Value| event.pointer("/choices/0/finish_reason").cloned();
            let mut reasons = events.iter().filter_map(reason);
            word(reasons.rfind(Value::is_string).as_ref())
        }
        (Endpoint::Responses, Form::Whole) => word(reply.json().get("status")),
        (Endpoint::Responses, Form::Events) => {
            let events = reply.events();
            let last = events.last().unwrap();
            assert_eq!(
                last["type"].as_str().unwrap().strip_prefix("response."),
                last["response"]["status"].as_str()
            );
            word(last.pointer("/response/status"))
        }
        (_, Form::Whole) => word(reply.json().get("stop_reason")),
        (_, Form::Events) => {
            let events = reply.events();
            assert_eq!(events.last().unwrap()["type"], "message_stop");
            let delta = events.iter().rfind(|event| event["type"] == "message_delta").unwrap();
            word(delta.pointer("/delta/stop_reason"))
        }
    }
}

const fn finished(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::ChatCompletions => "stop",
        Endpoint::Responses => "completed",
        _ => "end_turn",
    }
}

#[tokio::test]
async fn text_goes_both_ways_and_what_is_charged_is_what_is_told() {
    for (client, model, called) in WAYS {
        for form in Form::BOTH {
            let (site, provider) = site().await;
            let members = match (client, form) {
                (Endpoint::ChatCompletions, Form::Events) => {
                    json!({"stream": true, "stream_options": {"include_usage": true}})
                }
                _ => json!({"stream": form.is_stream()}),
            };
            let body = with(request(client, model, "simulate:say=Hello, 世界 \"quoted\"!"), &members);
            let reply = site.ask(client, &body).await;
            let case = format!("{client:?} {model} {form:?}: {}", reply.text);
            assert_eq!(reply.status, 200, "{case}");
            assert_eq!(reply.said(client), "Hello, 世界 \"quoted\"!", "{case}");
            assert_eq!(finish(client, &reply, form), finished(client), "{case}");
            assert_eq!(reply.header("x-aiduet-model"), model, "{case}");
            assert!(reply.text.contains(&format!("\"model\":\"{model}\"")), "{case}");
            let seen = provider.seen();
            assert_eq!((seen.len(), seen[0].target.as_str()), (1, called.path()), "{case}");
            assert_eq!(sent(&provider)["stream"] == true, form.is_stream(), "{case}");
            let told = told_usage(client, &reply, form);
            let records = site.close().await;
            let [record] = records.as_slice() else { panic!("one record") };
            assert_eq!(recorded_usage(record), told, "{case}");
            assert_eq!((record.outcome, record.endpoint), (Outcome::Completed, client), "{case}");
            assert!(record.cost() > Money::ZERO && !record.flags.estimated, "{case}");
        }
    }
}

#[tokio::test]
async fn a_cached_prompt_is_told_and_charged_in_the_same_classes() {
    let long = "All work and no play makes a dull gateway. ".repeat(400);
    for (client, model, _called) in WAYS {
        for form in Form::BOTH {
            let (site, _provider) = site().await;
            let messages = match client {
                Endpoint::Messages => json!([{"role": "user", "content": [
                    {"type": "text", "text": long, "cache_control": {"type": "ephemeral"}},
                ]}]),
                _ => json!([{"role": "user", "content": [
                    {"type": if client == Endpoint::Responses { "input_text" } else { "text" },
                     "text": long, "prompt_cache_breakpoint": {"mode": "explicit"}},
                ]}]),
            };
            let mut body = request(client, model, "");
            body[if client == Endpoint::Responses { "input" } else { "messages" }] = messages;
            let mut members = json!({"stream": form.is_stream()});
            if client == Endpoint::ChatCompletions && form.is_stream() {
                members["stream_options"] = json!({"include_usage": true});
            }
            let body = with(body, &members);
            let first = site.ask(client, &body).await;
            let second = site.ask(client, &body).await;
            let case = format!("{client:?} {model} {form:?}");
            assert_eq!((first.status, second.status), (200, 200), "{case} {}", first.text);
            let told = [&first, &second].map(|reply| told_usage(client, reply, form));
            assert!(told[1][1] > 1_000, "{case}: something was read from the cache: {told:?}");
            let records = site.close().await;
            assert_eq!(records.iter().map(recorded_usage).collect::<Vec<_>>(), told, "{case}");
            // Some models have no price of their own for what is cached.
            assert!(records[1].cost() <= records[0].cost(), "{case}");
        }
    }
}

fn tools(client: Endpoint) -> Value {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
        "additionalProperties": false});
    let names = ["get_weather", "get_time"];
    let tools = names.map(|name| match client {
        Endpoint::ChatCompletions => {
            json!({"type": "function", "function": {"name": name, "parameters": schema}})
        }
        Endpoint::Responses => json!({"type": "function", "name": name, "parameters": schema}),
        _ => json!({"name": name, "input_schema": schema}),
    });
    Value::from(tools.to_vec())
}

/// The calls of an answer: identifier, name, arguments.
fn calls(client: Endpoint, reply: &Reply, form: Form) -> Vec<(String, String, Value)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let parsed = |value: &Value| serde_json::from_str::<Value>(value.as_str().unwrap()).unwrap();
    match (client, form) {
        (Endpoint::ChatCompletions, Form::Whole) => {
            let message = &reply.json()["choices"][0]["message"];
            let calls = message["tool_calls"].as_array().unwrap().clone();
            let call = |call: &Value| {
                let function = &call["function"];
                (text(&call["id"]), text(&function["name"]), parsed(&function["arguments"]))
            };
            calls.iter().map(call).collect()
        }
        (Endpoint::ChatCompletions, Form::Events) => {
            let mut found: Vec<(String, String, String)> = Vec::new();
            for event in reply.events() {
                let pieces = event["choices"][0]["delta"]["tool_calls"].as_array().cloned();
                for piece in pieces.unwrap_or_default() {
                    let index = usize::try_from(piece["index"].as_u64().unwrap()).unwrap();
                    if index == found.len() {
                        found.push((text(&piece["id"]), text(&piece["function"]["name"]), String::new()));
                    }
                    found[index].2.push_str(piece["function"]["arguments"].as_str().unwrap_or_default());
                }
            }
            found
                .into_iter()
                .map(|(id, name, json)| (id, name, serde_json::from_str(&json).unwrap()))
                .collect()
        }
        (Endpoint::Responses, _) => {
            let whole = match form {
                Form::Whole => reply.json(),
                Form::Events => reply.events().last().unwrap()["response"].clone(),
            };
            let items = whole["output"].as_array().unwrap().clone();
            let items = items.iter().filter(|item| item["type"] == "function_call");
            items.map(|it| (text(&it["call_id"]), text(&it["name"]), parsed(&it["arguments"]))).collect()
        }
        (_, Form::Whole) => {
            let blocks = reply.json()["content"].as_array().unwrap().clone();
            let blocks = blocks.iter().filter(|block| block["type"] == "tool_use");
            blocks.map(|it| (text(&it["id"]), text(&it["name"]), it["input"].clone())).collect()
        }
        (_, Form::Events) => {
            let mut found: Vec<(String, String, String)> = Vec::new();
            for event in reply.events() {
                let block = &event["content_block"];
                if block["type"] == "tool_use" {
                    found.push((text(&block["id"]), text(&block["name"]), String::new()));
                }
                if event["delta"]["type"] == "input_json_delta" {
                    let piece = event["delta"]["partial_json"].as_str().unwrap();
                    found.last_mut().unwrap().2.push_str(piece);
                }
            }
            found
                .into_iter()
                .map(|(id, name, json)| (id, name, serde_json::from_str(&json).unwrap()))
                .collect()
        }
    }
}

/// The conversation with the calls of an answer and their results.
fn continued(client: Endpoint, body: &Value, calls: &[(String, String, Value)]) -> Value {
    let list = if client == Endpoint::Responses { "input" } else { "messages" };
    let mut turns = match &body[list] {
        Value::String(text) => vec![json!({"role": "user", "content": text})],
        other => other.as_array().unwrap().clone(),
    };
    match client {
        Endpoint::ChatCompletions => {
            let made: Vec<_> = calls
                .iter()
                .map(|(id, name, arguments)| {
                    let function = json!({"name": name, "arguments": arguments.to_string()});
                    json!({"id": id, "type": "function", "function": function})
                })
                .collect();
            turns.push(json!({"role": "assistant", "content": null, "tool_calls": made}));
            let results =
                calls.iter().map(|(id, ..)| json!({"role": "tool", "tool_call_id": id, "content": "sunny"}));
            turns.extend(results);
        }
        Endpoint::Responses => {
            turns.extend(calls.iter().map(|(id, name, arguments)| {
                json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments.to_string()})
            }));
            turns.extend(
                calls.iter().map(
                    |(id, ..)| json!({"type": "function_call_output", "call_id": id, "output": "sunny"}),
                ),
            );
        }
        _ => {
            let made: Vec<_> = calls
                .iter()
                .map(|(id, name, input)| json!({"type": "tool_use", "id": id, "name": name, "input": input}))
                .collect();
            turns.push(json!({"role": "assistant", "content": made}));
            let results: Vec<_> = calls
                .iter()
                .map(|(id, ..)| json!({"type": "tool_result", "tool_use_id": id, "content": "sunny"}))
                .collect();
            turns.push(json!({"role": "user", "content": results}));
        }
    }
    with(body.clone(), &json!({list: turns}))
}

#[tokio::test]
async fn parallel_tools_are_called_and_their_results_come_back() {
    let ways = WAYS.into_iter().chain([
        // Takes tools on Responses only.
        (Endpoint::ChatCompletions, "gpt-6.1-sol", Endpoint::Responses),
    ]);
    for (client, model, called) in ways {
        for form in Form::BOTH {
            let (site, provider) = site().await;
            let members = json!({"tools": tools(client), "stream": form.is_stream()});
            let body = with(request(client, model, "simulate:calls=2 How is it there?"), &members);
            let reply = site.ask(client, &body).await;
            let case = format!("{client:?} {model} {form:?}: {}", reply.text);
            assert_eq!(reply.status, 200, "{case}");
            assert_eq!(provider.seen()[0].target, called.path(), "{case}");
            let made = calls(client, &reply, form);
            assert_eq!(made.len(), 2, "{case}");
            assert!(made.iter().all(|(_id, _name, arguments)| arguments["city"].is_string()), "{case}");
            let wanted = match client {
                Endpoint::ChatCompletions => "tool_calls",
                Endpoint::Responses => "completed",
                _ => "tool_use",
            };
            assert_eq!(finish(client, &reply, form), wanted, "{case}");

            let mut next = continued(client, &body, &made);
            let list = if client == Endpoint::Responses { "input" } else { "messages" };
            next[list][0]["content"] = json!("How is it there?");
            let reply = site.ask(client, &next).await;
            let case = format!("{client:?} {model} {form:?}: {}", reply.text);
            assert_eq!(reply.status, 200, "{case}");
            assert_eq!(finish(client, &reply, form), finished(client), "{case}");
            assert!(!reply.said(client).is_empty(), "{case}");
            let again = sent(&provider).to_string();
            assert!(made.iter().all(|(id, ..)| again.contains(id)), "{case}\n{again}");
            let records = site.close().await;
            assert!(records.iter().all(|record| record.outcome == Outcome::Completed), "{case}");
        }
    }
}

/// The type or code of an error, and its message.
fn told_error(client: Endpoint, error: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let code = match (client, error["code"].as_str()) {
        (Endpoint::Messages, _) | (_, None) => text(&error["type"]),
        (_, Some(code)) => code.to_owned(),
    };
    (code, text(&error["message"]))
}

#[tokio::test]
async fn a_refusal_of_the_provider_is_told_in_the_dialect_of_the_client() {
    for (client, model, _called) in WAYS {
        for form in Form::BOTH {
            let (site, _provider) = site().await;
            let members = json!({"stream": form.is_stream()});
            let body = with(request(client, model, "simulate:too_long"), &members);
            let reply = site.ask(client, &body).await;
            let case = format!("{client:?} {model}: {}", reply.text);
            assert_eq!((reply.status, reply.header("x-should-retry")), (400, "false"), "{case}");
            let (code, message) = told_error(client, &reply.json()["error"]);
            match client {
                Endpoint::Messages => {
                    assert_eq!(code, "invalid_request_error", "{case}");
                    assert!(message.starts_with("prompt is too long"), "{case}");
                }
                _ => assert_eq!(code, "context_length_exceeded", "{case}"),
            }
            let body = with(request(client, model, "simulate:status=422"), &members);
            let reply = site.ask(client, &body).await;
            assert_eq!(reply.status, 422, "{case}");
            assert!(told_error(client, &reply.json()["error"]).1.contains("simulated"), "{}", reply.text);
            let records = site.close().await;
            assert!(records.iter().all(|record| record.cost() == Money::ZERO && record.attempts.len() == 1));
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_ends_with_an_error_of_the_clients_dialect() {
    for (client, model, _called) in WAYS {
        for directive in ["simulate:error=4", "simulate:cut=4", "simulate:end=4"] {
            let (site, _provider) = site().await;
            let text = format!("{directive} simulate:chunks=20");
            let body = with(request(client, model, &text), &json!({"stream": true}));
            let reply = site.ask(client, &body).await;
            let events = reply.events();
            let last = events.last().unwrap();
            let case = format!("{client:?} {model} {directive}: {}", reply.text);
            match client {
                Endpoint::ChatCompletions => assert!(last["error"]["message"].is_string(), "{case}"),
                Endpoint::Responses => {
                    assert_eq!(last["type"], "response.failed", "{case}");
                    assert!(last["response"]["error"]["code"].is_string(), "{case}");
                }
                _ => assert_eq!(last["type"], "error", "{case}"),
            }
            assert!(!reply.text.contains("[DONE]") && !reply.text.contains("message_stop"), "{case}");
            let records = site.close().await;
            assert_eq!(records[0].outcome, Outcome::UpstreamInterrupted, "{case}");
            assert!(records[0].cost() > Money::ZERO, "{case}");
        }
    }
}

#[tokio::test]
async fn when_funds_run_out_the_answer_ends_as_at_a_length_limit() {
    for (client, model, _called) in WAYS {
        let provider = serving().await;
        let cents = if model.ends_with("-pro") { 40 } else { 5 };
        let site = Plan { funds: Money::try_from_cents(cents).unwrap(), ..Plan::new() }
            .upstream(upstream(Vendor::OpenAi, "openai", &provider.base_url()))
            .upstream(upstream(Vendor::Anthropic, "anthropic", &provider.base_url()))
            .settings(|settings| settings.gateway.stream_hold_tokens = 1_100)
            .open()
            .await;
        let limit = match client {
            Endpoint::ChatCompletions => "max_completion_tokens",
            Endpoint::Responses => "max_output_tokens",
            _ => "max_tokens",
        };
        let members = json!({"stream": true, limit: 120_000});
        let body = with(request(client, model, "simulate:chunks=100000"), &members);
        let reply = site.ask(client, &body).await;
        let case = format!("{client:?} {model}");
        let wanted = match client {
            Endpoint::ChatCompletions => "length",
            Endpoint::Responses => "incomplete",
            _ => "max_tokens",
        };
        assert_eq!(finish(client, &reply, Form::Events), wanted, "{case}");
        let records = site.close().await;
        assert_eq!(records[0].outcome, Outcome::BalanceExhausted, "{case}");
    }
}

#[tokio::test]
async fn what_the_model_cannot_honour_is_a_400_that_names_the_field() {
    let (site, provider) = site().await;
    for (client, model, members, field) in [
        (Endpoint::ChatCompletions, "claude-sonnet-4-6", json!({"n": 2}), "n"),
        (Endpoint::ChatCompletions, "claude-sonnet-4-6", json!({"logprobs": true}), "logprobs"),
        (Endpoint::Responses, "claude-sonnet-4-6", json!({"top_logprobs": 3}), "top_logprobs"),
        (Endpoint::Messages, "gpt-5.4-mini", json!({"speed": "fast"}), "speed"),
        (
            Endpoint::ChatCompletions,
            "claude-opus-5-5",
            json!({"tools": tools(Endpoint::ChatCompletions), "tool_choice": "required"}),
            "tool_choice",
        ),
    ] {
        let reply = site.ask(client, &with(request(client, model, "Hello?"), &members)).await;
        assert_eq!(reply.status, 400, "{field}: {}", reply.text);
        let error = &reply.json()["error"];
        assert_eq!(error["details"]["error_code"], "unsupported_parameter", "{}", reply.text);
        match client {
            Endpoint::Messages => assert!(error["message"].as_str().unwrap().starts_with(field)),
            _ => assert_eq!(error["param"], field, "{}", reply.text),
        }
    }
    assert!(provider.seen().is_empty());
    assert!(site.close().await.is_empty(), "nothing was held or recorded");
}

#[tokio::test]
async fn a_model_that_cannot_honour_a_request_gives_way_to_one_that_can() {
    let (site, provider) = site().await;
    let chat = Endpoint::ChatCompletions;
    let members = json!({"models": ["gpt-4.1"], "n": 2});
    let reply = site.ask(chat, &with(request(chat, "claude-sonnet-4-6", "Hello?"), &members)).await;
    assert_eq!((reply.status, reply.header("x-aiduet-model")), (200, "gpt-4.1"), "{}", reply.text);
    assert_eq!(provider.seen().len(), 1);
    site.close().await;
}

#[tokio::test]
async fn only_the_operators_credential_and_a_pseudonym_cross_over() {
    for (client, model, called) in WAYS {
        let (site, provider) = site().await;
        let members = match client {
            Endpoint::Messages => json!({"metadata": {"user_id": "alice@example.com"}}),
            _ => json!({"user": "alice@example.com"}),
        };
        let headers =
            [("openai-organization", "org-client"), ("anthropic-beta", "some-beta-2026"), ("cookie", "a=b")];
        let reply = site.ask_with(client, &with(request(client, model, "Hello?"), &members), &headers).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let seen = provider.seen();
        let all = format!("{:?} {}", seen[0].headers, String::from_utf8_lossy(&seen[0].body));
        for secret in ["alice", "sk-duet", "org-client", "some-beta", "a=b"] {
            assert!(!all.contains(secret), "{client:?}: {secret} in {all}");
        }
        assert_eq!(seen[0].headers.contains_key("anthropic-version"), called == Endpoint::Messages);
        assert_ne!(sent(&provider)["store"], true);
        site.close().await;
    }
}
