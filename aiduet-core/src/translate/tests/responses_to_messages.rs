//! A client of Responses, a Claude model.

use insta::assert_snapshot;

use super::*;

const FROM: Endpoint = Endpoint::Responses;
const TO: Endpoint = Endpoint::Messages;
const MODEL: &str = "claude-opus-5-5";

fn sent(model: &str, body: &str) -> String {
    lines(&text(&translated(FROM, TO, model, body).body))
}

fn plan(body: &str) -> Plan {
    translated(FROM, TO, MODEL, body).plan
}

fn user(members: &str) -> String {
    format!(r#"{{"model":"m","input":"hi"{members}}}"#)
}

const CODEX_TOOLS: &str = r#"[
    {"type":"function","name":"shell","description":"runs","strict":false,"parameters":{"type":"object","properties":{"command":{"type":"array","items":{"type":"string"}}},"required":["command"]}},
    {"type":"custom","name":"apply_patch","description":"Edits files.","format":{"type":"grammar","syntax":"lark","definition":"start: \"x\""}},
    {"type":"namespace","name":"mcp__git","description":"git","tools":[{"type":"function","name":"log","strict":false,"parameters":{"type":"object","properties":{}}}]},
    {"type":"web_search","external_web_access":false}]"#;

fn codex() -> String {
    format!(
        r#"{{"model":"m","instructions":"You are Codex.","stream":true,"store":false,"parallel_tool_calls":false,"tool_choice":"auto",
        "include":["reasoning.encrypted_content"],"prompt_cache_key":"abc","client_metadata":{{"a":"b"}},
        "reasoning":{{"effort":"medium","summary":"auto"}},"text":{{"verbosity":"low"}},"tools":{CODEX_TOOLS},
        "input":[
          {{"type":"additional_tools","role":"developer","tools":[{{"type":"function","name":"late","parameters":{{}}}}]}},
          {{"type":"message","role":"developer","content":[{{"type":"input_text","text":"permissions"}}]}},
          {{"type":"message","role":"user","content":[{{"type":"input_text","text":"environment"}}]}},
          {{"role":"user","content":"fix it"}},
          {{"type":"reasoning","id":"rs_1","summary":[{{"type":"summary_text","text":"hm"}}],"encrypted_content":"gAAAA=="}},
          {{"type":"message","role":"assistant","phase":"commentary","content":[{{"type":"output_text","text":"I look."}}]}},
          {{"type":"function_call","call_id":"call_1","name":"shell","arguments":"{{\"command\": [\"ls\"]}}"}},
          {{"type":"custom_tool_call","call_id":"call_2","name":"apply_patch","input":"*** Begin\n\"q\""}},
          {{"type":"function_call","call_id":"call_3","namespace":"mcp__git","name":"log","arguments":""}},
          {{"type":"function_call_output","call_id":"call_1","output":"a b"}},
          {{"type":"custom_tool_call_output","call_id":"call_2","output":"done"}},
          {{"type":"function_call_output","call_id":"call_3","output":[{{"type":"input_text","text":"c1"}},{{"type":"input_image","image_url":"data:image/png;base64,AAAA"}}]}},
          {{"type":"message","role":"user","content":[{{"type":"input_text","text":"go on"}}]}}]}}"#
    )
}

#[test]
fn a_tool_loop_of_codex() {
    assert_snapshot!("codex", sent(MODEL, &codex()));
}

#[test]
fn what_needs_state_is_refused_by_name() {
    for (members, field) in [
        (r#","previous_response_id":"resp_1""#, "previous_response_id"),
        (r#","conversation":"conv_1""#, "conversation"),
        (r#","background":true"#, "background"),
        (r#","prompt":{"id":"p"}"#, "prompt"),
        (r#","tools":[{"type":"file_search","vector_store_ids":["v"]}]"#, "tools.type"),
        (r#","tools":[{"type":"local_shell"}]"#, "tools.type"),
        (r#","tool_choice":{"type":"web_search"}"#, "tool_choice"),
        (r#","reasoning":{"effort":"none"}"#, "reasoning.effort"),
        (r#","service_tier":"priority""#, "service_tier"),
        (
            r#","text":{"format":{"type":"json_schema","name":"n","schema":{"type":"array","maxItems":2}}}"#,
            "text.format",
        ),
    ] {
        assert_eq!(refusal(FROM, TO, MODEL, &user(members)).field, Some(field), "{members}");
    }
    for (item, field) in [
        (r#"{"type":"item_reference","id":"msg_1"}"#, "item_reference"),
        (r#"{"type":"message","role":"user","content":[{"type":"input_file","file_id":"f"}]}"#, "file_id"),
        (r#"{"type":"computer_call","call_id":"c"}"#, "input.type"),
    ] {
        let body = format!(r#"{{"model":"m","input":[{{"role":"user","content":"x"}},{item}]}}"#);
        assert!(refusal(FROM, TO, MODEL, &body).field.unwrap().contains(field), "{item}");
    }
}

#[test]
fn a_structured_output_and_a_summary() {
    let body = user(
        r#","max_output_tokens":500,"reasoning":{"effort":"low","summary":"detailed"},"text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}}}"#,
    );
    assert_snapshot!("structured", sent("claude-opus-4-8", &body));
}

const ANSWER: &str = r#"{"id":"msg_01AbC","type":"message","role":"assistant","model":"claude-opus-5-5","content":[
    {"type":"thinking","thinking":"let me\nsee","signature":"sig=="},
    {"type":"redacted_thinking","data":"data=="},
    {"type":"text","text":"I do."},
    {"type":"tool_use","id":"toolu_1","name":"shell","input":{"command": ["ls"], "n":1.0}},
    {"type":"tool_use","id":"toolu_2","name":"apply_patch","input":{"input":"*** Begin\n\"q\""}},
    {"type":"tool_use","id":"toolu_3","name":"mcp__git__log","input":{}}],
    "stop_reason":"tool_use","usage":{"input_tokens":100,"output_tokens":50}}"#;

#[test]
fn an_answer_with_thinking_text_and_calls() {
    assert_snapshot!("answer", lines(&answered(&plan(&codex()), ANSWER)));
}

#[test]
fn thinking_goes_back_word_for_word_to_its_model_and_to_nobody_else() {
    let answer: serde_json::Value = serde_json::from_str(&answered(&plan(&codex()), ANSWER)).unwrap();
    let mut input = vec![serde_json::json!({"role": "user", "content": "x"})];
    input.extend(answer["output"].as_array().unwrap().iter().cloned());
    input.push(serde_json::json!({"type": "function_call_output", "call_id": "toolu_1", "output": "1"}));
    input.push(serde_json::json!({"type": "custom_tool_call_output", "call_id": "toolu_2", "output": "2"}));
    input.push(serde_json::json!({"type": "function_call_output", "call_id": "toolu_3", "output": "3"}));
    let body = serde_json::json!({"model": "m", "input": input}).to_string();
    assert_snapshot!("thinking_back", sent(MODEL, &body));
    let other = sent("claude-sonnet-5", &body);
    assert!(!other.contains("sig==") && !other.contains("aiduet1"));
    let gpt = lines(&text(&translated(Endpoint::Responses, Endpoint::Responses, "gpt-5.6", &body).body));
    assert!(!gpt.contains("sig==") && !gpt.contains("aiduet1"));
}

#[test]
fn reasons_to_stop() {
    let of = |reason: &str| {
        let body = format!(
            r#"{{"id":"msg_1","content":[{{"type":"text","text":"a"}}],"stop_reason":"{reason}","stop_details":{{"explanation":"no"}}}}"#
        );
        let value: serde_json::Value = serde_json::from_str(&answered(&plan(&user("")), &body)).unwrap();
        format!("{} {}", value["status"], value["incomplete_details"]["reason"])
    };
    for (theirs, ours) in [
        ("end_turn", r#""completed" null"#),
        ("stop_sequence", r#""completed" null"#),
        ("pause_turn", r#""completed" null"#),
        ("max_tokens", r#""incomplete" "max_output_tokens""#),
        ("model_context_window_exceeded", r#""incomplete" "max_output_tokens""#),
        ("refusal", r#""incomplete" "content_filter""#),
    ] {
        assert_eq!(of(theirs), ours, "{theirs}");
    }
}

fn stream() -> String {
    named_events(&[
        r#"{"type":"ping"}"#,
        r#"{"type":"message_start","message":{"id":"msg_01AbC","type":"message","role":"assistant","content":[]}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"let me"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"\nsee"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig=="}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"data=="}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}"#,
        "{\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"text_delta\",\"text\":\"I d\u{f6}\"}}",
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"."}}"#,
        r#"{"type":"content_block_stop","index":2}"#,
        r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_1","name":"shell","input":{}}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"command\": "}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"[\"ls\"]}"}}"#,
        r#"{"type":"content_block_stop","index":3}"#,
        r#"{"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"toolu_2","name":"apply_patch","input":{}}}"#,
        r#"{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{\"input\":\"*** Be"}}"#,
        r#"{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"gin\\n\\\"q\\\"\"}"}}"#,
        r#"{"type":"content_block_stop","index":4}"#,
        r#"{"type":"content_block_start","index":5,"content_block":{"type":"tool_use","id":"toolu_3","name":"mcp__git__log","input":{}}}"#,
        r#"{"type":"content_block_stop","index":5}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":50}}"#,
        r#"{"type":"message_stop"}"#,
    ])
}

#[test]
fn a_stream_however_it_is_cut() {
    assert_snapshot!("stream", streamed_however_cut(&plan(&codex()), &stream()));
}

#[test]
fn numbers_have_no_gaps_and_the_end_says_what_the_pieces_said() {
    let plan = plan(&codex());
    let told = streamed(&plan, &[stream().as_bytes()]);
    let events: Vec<serde_json::Value> = told
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let numbers: Vec<u64> = events.iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    let done: Vec<_> = events
        .iter()
        .filter(|event| event["type"] == "response.output_item.done")
        .map(|event| event["item"].clone())
        .collect();
    assert_eq!(last["response"]["output"], serde_json::Value::Array(done));
    for (place, item) in last["response"]["output"].as_array().unwrap().iter().enumerate() {
        let joined: String = events
            .iter()
            .filter(|event| {
                event["output_index"] == place && event["type"].as_str().unwrap().ends_with(".delta")
            })
            .map(|event| event["delta"].as_str().unwrap())
            .collect();
        let whole =
            [&item["content"][0]["text"], &item["arguments"], &item["input"], &item["summary"][0]["text"]];
        let whole = whole.into_iter().find_map(serde_json::Value::as_str).unwrap_or_default();
        assert_eq!(joined, whole, "{item}");
    }
    let whole: serde_json::Value = serde_json::from_str(&answered(
        &plan,
        &ANSWER.replace("I do.", "I d\u{f6}.").replace(", \\\"n\\\":1.0", ""),
    ))
    .unwrap();
    assert_eq!(whole["output"][2], last["response"]["output"][2]);
    assert_eq!(whole["output"][0], last["response"]["output"][0]);
}

#[test]
fn a_stream_that_breaks_off_ends_as_failed() {
    let whole = stream();
    let broken = &whole[..whole.find("event: message_delta").unwrap()];
    let opened = Opened { created: 1, fallback_id: "f".to_owned() };
    let mut stream = Stream::new(plan(&codex()), &opened).unwrap();
    let frames = stream.push(&Bytes::copy_from_slice(broken.as_bytes()));
    assert!(!frames.is_empty() && !stream.is_complete());
    assert_eq!(stream.end().1, Ending::Interrupted);
    let error =
        StreamError { kind: crate::dialect::StreamFault::Overloaded, message: "busy", request_id: "req_1" };
    let last: String = stream
        .close_with_error(&error)
        .iter()
        .map(|frame| String::from_utf8(frame.to_vec()).unwrap())
        .collect();
    assert!(last.starts_with("event: response.failed\n"));
    assert!(last.contains(r#""error":{"code":"server_is_overloaded","message":"busy"}"#), "{last}");
}
