//! The Responses API of a gateway that keeps no state.

use aiduet_core::dialect::Endpoint;
use aiduet_core::ledger::Outcome;
use aiduet_core::provider::Vendor;
use aiduet_core::testing::fake_upstream::{Act, FakeUpstream};
use serde_json::{Value, json};

use super::site::{Form, Plan, Site, request, serving, upstream, with};

const RESPONSES: Endpoint = Endpoint::Responses;

async fn site_of(provider: &FakeUpstream) -> Site {
    Plan::new()
        .upstream(upstream(Vendor::OpenAi, "openai", &provider.base_url()))
        .upstream(upstream(Vendor::Anthropic, "anthropic", &provider.base_url()))
        .settings(|settings| settings.routing.repeats_max = 0)
        .open()
        .await
}

fn event(kind: &str, number: u64, members: &Value) -> String {
    let data = with(json!({"type": kind, "sequence_number": number}), members);
    format!("event: {kind}\ndata: {data}\n\n")
}

/// Every kind of event of the API, and one that nobody knows yet.
fn all_events() -> Vec<String> {
    let response = |status: &str| {
        json!({"response": {"id": "resp_1", "object": "response", "created_at": 1,
        "model": "gpt-5.4", "status": status, "store": false, "output": [], "usage": null}})
    };
    let place = json!({"item_id": "i_1", "output_index": 0});
    let item = |item: Value| json!({"output_index": 0, "item": item});
    let mut kinds: Vec<(String, Value)> = Vec::new();
    for kind in ["created", "queued", "in_progress"] {
        kinds.push((format!("response.{kind}"), response("in_progress")));
    }
    kinds.push((
        "response.output_item.added".to_owned(),
        item(json!({"type": "message", "id": "msg_1", "role": "assistant", "content": []})),
    ));
    for kind in [
        "content_part.added",
        "output_text.delta",
        "output_text.annotation.added",
        "output_text.done",
        "content_part.done",
        "refusal.delta",
        "refusal.done",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "reasoning_text.delta",
        "reasoning_text.done",
        "web_search_call.in_progress",
        "web_search_call.searching",
        "web_search_call.completed",
        "some_event_of_next_year",
    ] {
        kinds.push((format!("response.{kind}"), with(place.clone(), &json!({"delta": "word"}))));
    }
    kinds.push((
        "response.output_item.done".to_owned(),
        item(json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "opaque=="})),
    ));
    let mut frames: Vec<String> =
        (0..).zip(kinds).map(|(number, (kind, members))| event(&kind, number, &members)).collect();
    let usage = json!({"input_tokens": 10, "output_tokens": 20, "total_tokens": 30});
    let mut last = response("completed");
    last["response"]["usage"] = usage;
    let number = u64::try_from(frames.len()).unwrap();
    frames.push(event("response.completed", number, &last));
    frames
}

async fn streaming(frames: &[String], then: Act) -> FakeUpstream {
    let mut acts = vec![Act::chunked_head(200, &[("content-type", "text/event-stream")])];
    acts.extend(frames.iter().map(|frame| Act::chunk(frame.as_bytes())));
    acts.push(then);
    FakeUpstream::always(acts).await
}

#[tokio::test]
async fn every_kind_of_event_passes_byte_for_byte() {
    let frames = all_events();
    let provider = streaming(&frames, Act::chunk(b"")).await;
    let site = site_of(&provider).await;
    let body = with(request(RESPONSES, "gpt-5.4", "Hello?"), &json!({"stream": true, "store": true}));
    let reply = site.ask(RESPONSES, &body).await;
    assert_eq!((reply.status, reply.text), (200, frames.concat()));
    let sent: Value = serde_json::from_slice(&provider.seen()[0].body).unwrap();
    assert_eq!(sent["store"], false);
    let records = site.close().await;
    assert_eq!((records[0].usage.output, records[0].outcome), (20, Outcome::Completed));
}

#[tokio::test]
async fn a_stream_always_has_a_terminal_event() {
    let frames = all_events();
    for after in [0, 1, 5, frames.len() - 1] {
        for then in [Act::Reset, Act::Close, Act::chunk(b"")] {
            let provider = streaming(&frames[..after], then).await;
            let site = site_of(&provider).await;
            let body = with(request(RESPONSES, "gpt-5.4", "Hello?"), &json!({"stream": true}));
            let reply = site.ask(RESPONSES, &body).await;
            let events = reply.events();
            let last = events.last().unwrap();
            assert_eq!(last["type"], "response.failed", "after {after}: {}", reply.text);
            assert_eq!(last["sequence_number"], u64::try_from(after).unwrap());
            let response = &last["response"];
            assert!(response["id"].as_str().unwrap().starts_with("resp_"), "{response}");
            assert_eq!((&response["status"], &response["object"]), (&json!("failed"), &json!("response")));
            assert!(response["error"]["message"].is_string() && response["error"]["code"].is_string());
            let terminal = ["completed", "incomplete", "failed"].map(|kind| format!("response.{kind}"));
            let ends = events.iter().filter(|it| terminal.iter().any(|kind| it["type"] == kind.as_str()));
            assert_eq!(ends.count(), 1);
            site.close().await;
        }
    }
}

#[tokio::test]
async fn what_needs_state_is_refused_by_name_and_nothing_is_found_by_its_name() {
    let provider = serving().await;
    let site = site_of(&provider).await;
    for model in ["gpt-5.4", "claude-sonnet-4-6"] {
        for (members, field) in [
            (json!({"previous_response_id": "resp_1"}), "previous_response_id"),
            (json!({"conversation": "conv_1"}), "conversation"),
            (json!({"background": true}), "background"),
            (json!({"prompt": {"id": "pmpt_1"}}), "prompt"),
            (json!({"input": [{"type": "item_reference", "id": "msg_1"}]}), "item_reference"),
        ] {
            let reply = site.ask(RESPONSES, &with(request(RESPONSES, model, "Hello?"), &members)).await;
            let error = &reply.json()["error"];
            assert_eq!(
                (reply.status, &error["code"]),
                (400, &json!("unsupported_parameter")),
                "{}",
                reply.text
            );
            assert_eq!(error["param"], field, "{}", reply.text);
        }
    }
    for path in ["/v1/responses/resp_1", "/v1/responses/resp_1/input_items"] {
        let reply = site.get(path, &[]).await;
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (404, &json!("not_found")));
    }
    let upgrade = [("upgrade", "websocket"), ("connection", "upgrade")];
    assert_eq!(site.get("/v1/responses", &upgrade).await.status, 426);
    assert!(provider.seen().is_empty() && site.close().await.is_empty());
}

/// What Codex sends.
fn codex(model: &str, form: Form) -> Value {
    let grammar = json!({"type": "grammar", "syntax": "lark", "definition": "start: /.+/"});
    json!({
        "model": model,
        "instructions": "You are a coding agent.",
        "input": [
            {"type": "additional_tools", "role": "developer", "tools": [
                {"type": "namespace", "name": "mcp", "tools": [
                    {"type": "function", "name": "look_up", "strict": false,
                     "parameters": {"type": "object", "properties": {}}},
                ]},
            ]},
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Patch it."}]},
        ],
        "tools": [
            {"type": "custom", "name": "apply_patch", "description": "Applies a patch.", "format": grammar},
            {"type": "web_search"},
        ],
        "tool_choice": {"type": "custom", "name": "apply_patch"},
        "parallel_tool_calls": true,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "store": false,
        "stream": form.is_stream(),
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "session",
        "text": {"verbosity": "low"},
    })
}

#[tokio::test]
async fn free_text_tools_of_codex_work_with_models_of_either_vendor() {
    for model in ["gpt-5.4", "claude-sonnet-4-6"] {
        for form in Form::BOTH {
            let provider = serving().await;
            let site = site_of(&provider).await;
            let reply = site.ask(RESPONSES, &codex(model, form)).await;
            let case = format!("{model} {form:?}: {}", reply.text);
            assert_eq!(reply.status, 200, "{case}");
            let response = match form {
                Form::Whole => reply.json(),
                Form::Events => reply.events().last().unwrap()["response"].clone(),
            };
            assert_eq!(
                (&response["status"], &response["store"]),
                (&json!("completed"), &json!(false)),
                "{case}"
            );
            let output = response["output"].as_array().unwrap();
            let call = output
                .iter()
                .find(|item| item["type"] == "custom_tool_call")
                .unwrap_or_else(|| panic!("{case}"));
            assert_eq!(call["name"], "apply_patch", "{case}");
            let input = call["input"].as_str().unwrap();
            if form == Form::Events {
                let events = reply.events();
                let of = |kind: &str| events.iter().filter(move |it| it["type"] == kind).collect::<Vec<_>>();
                let deltas = of("response.custom_tool_call_input.delta");
                let joined: String = deltas.iter().map(|it| it["delta"].as_str().unwrap()).collect();
                assert_eq!(joined, input, "{case}");
                assert_eq!(of("response.custom_tool_call_input.done")[0]["input"], input, "{case}");
                let done = of("response.output_item.done");
                assert!(done.iter().any(|it| it["item"]["type"] == "custom_tool_call"), "{case}");
                let numbers: Vec<_> =
                    events.iter().map(|it| it["sequence_number"].as_u64().unwrap()).collect();
                assert!(numbers.iter().copied().eq(0..u64::try_from(numbers.len()).unwrap()), "{case}");
            }

            // The call and its result come back with the next turn.
            let mut next = codex(model, form);
            next["tool_choice"] = json!("auto");
            let input = next["input"].as_array_mut().unwrap();
            input.extend(output.iter().cloned());
            input.push(
                json!({"type": "custom_tool_call_output", "call_id": call["call_id"], "output": "Done!"}),
            );
            let reply = site.ask(RESPONSES, &next).await;
            assert_eq!(reply.status, 200, "{model} {form:?}: {}", reply.text);
            assert!(!reply.said(RESPONSES).is_empty());
            site.close().await;
        }
    }
}
