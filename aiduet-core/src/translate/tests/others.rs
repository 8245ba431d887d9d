//! The other pairs: clients of OpenAI on its other endpoint, and providers that have only Chat
//! Completions.

use insta::assert_snapshot;

use super::*;
use crate::dialect::FaultKind;

fn sent(from: Endpoint, to: Endpoint, model: &str, body: &str) -> String {
    lines(&text(&translated(from, to, model, body).body))
}

const CHAT_TOOLS: &str = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"max_completion_tokens":5,"reasoning_effort":"low","verbosity":"low","temperature":1,
    "user":"u","prompt_cache_key":"k","service_tier":"flex","stop":["END"],"parallel_tool_calls":true,
    "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"},"strict":true}},
    "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"maximum":1e2}}}}},
             {"type":"custom","custom":{"name":"c","format":{"type":"grammar","grammar":{"syntax":"regex","definition":"a+"}}}}],
    "tool_choice":{"type":"custom","custom":{"name":"c"}},
    "messages":[
      {"role":"system","content":"one"},{"role":"developer","content":"two"},
      {"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"https://example.com/a.png"}},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBE"}}]},
      {"role":"assistant","content":"y","refusal":"no","tool_calls":[
        {"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\": 1.0}"}},
        {"id":"call_2","type":"custom","custom":{"name":"c","input":"aaa"}}]},
      {"role":"tool","tool_call_id":"call_1","content":"r1"},
      {"role":"tool","tool_call_id":"call_2","content":[{"type":"text","text":"r2"},{"type":"text","text":"r3"}]},
      {"role":"system","content":"late"},
      {"role":"user","content":"z"}]}"#;

#[test]
fn chat_with_tools_on_a_model_that_takes_them_on_responses_only() {
    assert_snapshot!(
        "chat_to_responses",
        sent(Endpoint::ChatCompletions, Endpoint::Responses, "gpt-6.1-sol", CHAT_TOOLS)
    );
}

#[test]
fn what_responses_has_no_field_for_is_refused_by_name() {
    for (members, field) in
        [(r#","n":2"#, "n"), (r#","logprobs":true"#, "logprobs"), (r#","audio":{"voice":"v"}"#, "audio")]
    {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}]{members}}}"#);
        // Some of it the gateway refuses already before.
        let fault = refusal(Endpoint::ChatCompletions, Endpoint::Responses, "gpt-5.6", &body);
        assert_eq!(fault.field, Some(field));
    }
}

#[test]
fn what_is_said_has_the_type_of_its_dialect_wherever_it_stands() {
    let (chat, responses, messages) = (Endpoint::ChatCompletions, Endpoint::Responses, Endpoint::Messages);
    let (wrong, missing) = (FaultKind::Invalid, FaultKind::Missing);
    for (from, to, model, body, field, kind) in [
        (
            responses,
            messages,
            "claude-opus-5",
            r#"{"input":{"a":[1]},"max_output_tokens":5}"#,
            "input",
            wrong,
        ),
        (responses, messages, "claude-opus-5", r#"{"input":[{"content":"x","role":1}]}"#, "input", wrong),
        (responses, messages, "claude-opus-5", r#"{"max_output_tokens":5,"input":null}"#, "input", missing),
        (
            messages,
            responses,
            "gpt-5.6",
            r#"{"messages":[{"role":"user"}],"max_tokens":5}"#,
            "messages",
            wrong,
        ),
        (chat, messages, "claude-opus-5", r#"{"max_tokens":5,"messages":"x"}"#, "messages", wrong),
        (messages, responses, "gpt-5.6", r#"{"messages":null,"max_tokens":5}"#, "messages", missing),
    ] {
        let Err(fault) = request(from, to, &content(body), &target(model)) else { panic!("{body}") };
        assert_eq!((fault.field, fault.kind), (Some(field), kind), "{body}");
    }
    let body = r#"{"input": "a \" b" , "max_output_tokens":5}"#;
    let sent = text(&translated(responses, messages, "claude-opus-5", body).body);
    assert!(sent.contains(r#""text":"a \" b""#), "{sent}");
}

const RESPONSES_ANSWER: &str = r#"{"id":"resp_0aB","status":"completed","output":[
    {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"One."}],"encrypted_content":"g"},
    {"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"Hel"},{"type":"output_text","text":"lo."}]},
    {"type":"function_call","id":"fc_1","call_id":"call_1","name":"f","arguments":"{\"a\": 1.0}"},
    {"type":"custom_tool_call","id":"ctc_1","call_id":"call_2","name":"c","input":"aaa"}]}"#;

#[test]
fn an_answer_of_responses_to_a_chat_client() {
    let plan = translated(Endpoint::ChatCompletions, Endpoint::Responses, "gpt-6.1-sol", CHAT_TOOLS).plan;
    assert_snapshot!("responses_to_chat", lines(&answered(&plan, RESPONSES_ANSWER)));
}

#[test]
fn a_stream_of_responses_to_a_chat_client() {
    let plan = translated(Endpoint::ChatCompletions, Endpoint::Responses, "gpt-6.1-sol", CHAT_TOOLS).plan;
    let upstream = named_events(&[
        r#"{"type":"response.created","response":{"id":"resp_0aB","status":"in_progress"}}"#,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"msg_1","content":[]}}"#,
        r#"{"type":"response.content_part.added","output_index":0,"content_index":0,"part":{"type":"refusal","refusal":""}}"#,
        r#"{"type":"response.refusal.delta","output_index":0,"content_index":0,"delta":"I c"}"#,
        r#"{"type":"response.refusal.delta","output_index":0,"content_index":0,"delta":"annot."}"#,
        r#"{"type":"response.content_part.done","output_index":0,"content_index":0,"part":{"type":"refusal","refusal":"I cannot."}}"#,
        r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"msg_1","content":[{"type":"refusal","refusal":"I cannot."}]}}"#,
        r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"custom_tool_call","call_id":"call_2","name":"c","input":""}}"#,
        r#"{"type":"response.custom_tool_call_input.delta","output_index":1,"delta":"aa"}"#,
        r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"custom_tool_call","call_id":"call_2","name":"c","input":"aa"}}"#,
        r#"{"type":"response.incomplete","response":{"id":"resp_0aB","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}"#,
    ]);
    assert_snapshot!("responses_stream_to_chat", streamed_however_cut(&plan, &upstream));
}

const MESSAGES: &str = r#"{"model":"m","max_tokens":100,"stream":true,"stop_sequences":["a","b"],"temperature":0.5,
    "system":[{"type":"text","text":"one"},{"type":"text","text":"two"}],"tool_choice":{"type":"any"},
    "tools":[{"name":"f","description":"d","input_schema":{"type":"object"}}],
    "messages":[
      {"role":"user","content":"x"},
      {"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"text","text":"a"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"n": 1.0}},{"type":"tool_use","id":"toolu_2","name":"f","input":{}}]},
      {"role":"user","content":[
        {"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"see"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},
        {"type":"tool_result","tool_use_id":"toolu_2","is_error":true,"content":"bad"},
        {"type":"text","text":"go on"}]}]}"#;

#[test]
fn messages_to_a_provider_that_has_only_chat() {
    assert_snapshot!(
        "messages_to_chat",
        sent(Endpoint::Messages, Endpoint::ChatCompletions, "some/model", MESSAGES)
    );
    let reasoning = translated(Endpoint::Messages, Endpoint::ChatCompletions, "gpt-5.6", MESSAGES);
    let body = text(&reasoning.body);
    assert!(
        !body.contains("\"stop\"")
            && !body.contains("temperature")
            && body.contains("\"role\":\"developer\"")
    );
    assert_eq!(reasoning.plan.stop, ["a", "b"]);
}

const CHAT_ANSWER: &str = r#"{"id":"chatcmpl-0aB","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hi","refusal":null,"reasoning_content":"hm",
    "tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"n\": 1.0}"}},{"type":"function","function":{"name":"f","arguments":""}}]},"finish_reason":"stop"}]}"#;

#[test]
fn an_answer_of_chat_to_the_other_clients() {
    let plan = translated(Endpoint::Messages, Endpoint::ChatCompletions, "some/model", MESSAGES).plan;
    assert_snapshot!("chat_to_messages_answer", lines(&answered(&plan, CHAT_ANSWER)));
    let body = r#"{"model":"m","input":"x"}"#;
    let plan = translated(Endpoint::Responses, Endpoint::ChatCompletions, "some/model", body).plan;
    let told: serde_json::Value = serde_json::from_str(&answered(&plan, CHAT_ANSWER)).unwrap();
    assert_snapshot!("chat_to_responses_answer", lines(&told["output"].to_string()));
}

fn chunk(delta: &str, rest: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-0aB\",\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":0,\"delta\":{delta}{rest}}}]}}\n\n"
    )
}

fn chat_stream() -> String {
    [
        ": PROCESSING\n\n".to_owned(),
        chunk(r#"{"role":"assistant","content":""}"#, ",\"finish_reason\":null"),
        chunk(r#"{"reasoning_content":"hm"}"#, ""),
        chunk("{\"content\":\"H\u{e4}\"}", ""),
        chunk(r#"{"content":"i"}"#, ""),
        chunk(r#"{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}]}"#, ""),
        chunk(r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]}"#, ""),
        chunk(r#"{"tool_calls":[{"index":1,"id":"call_2","type":"function","function":{"name":"g","arguments":"{\"b\""}}]}"#, ""),
        chunk(r#"{"tool_calls":[{"index":0,"function":{"arguments":":1.0}"}},{"index":1,"function":{"arguments":":2}"}}]}"#, ""),
        chunk(r#"{"tool_calls":[{"index":2,"id":"call_3","type":"function","function":{"name":"h"}}]}"#, ""),
        chunk("{}", ",\"finish_reason\":\"tool_calls\""),
        "data: {\"id\":\"chatcmpl-0aB\",\"choices\":[],\"usage\":{\"prompt_tokens\":2400,\"completion_tokens\":50}}\n\n".to_owned(),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat()
}

#[test]
fn interleaved_calls_of_chat_become_blocks_one_after_the_other() {
    let plan = translated(Endpoint::Messages, Endpoint::ChatCompletions, "some/model", MESSAGES).plan;
    assert_snapshot!("chat_stream_to_messages", streamed_however_cut(&plan, &chat_stream()));
    let plan = translated(
        Endpoint::Responses,
        Endpoint::ChatCompletions,
        "some/model",
        r#"{"model":"m","input":"x","stream":true}"#,
    )
    .plan;
    let told = streamed_however_cut(&plan, &chat_stream());
    let last = told.lines().rev().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let last: serde_json::Value = serde_json::from_str(last).unwrap();
    assert_snapshot!("chat_stream_to_responses", lines(&last["response"]["output"].to_string()));
}

#[test]
fn chat_streams_of_compatible_providers_end_in_many_ways() {
    let plan = translated(Endpoint::Messages, Endpoint::ChatCompletions, "some/model", MESSAGES).plan;
    let finished =
        format!("{}{}", chunk(r#"{"content":"x"}"#, ""), chunk("{}", ",\"finish_reason\":\"stop\""));
    // No last event.
    assert!(streamed(&plan, &[finished.as_bytes()]).contains("--- settled ---"));
    // Nothing at all but a reason.
    let empty =
        streamed(&plan, &[chunk("{}", ",\"finish_reason\":\"stop\"").as_bytes(), b"data: [DONE]\n\n"]);
    assert!(
        !empty.contains("content_block") && empty.contains("message_start") && empty.contains("message_stop")
    );
    // The end without a reason.
    let cut = format!("{}data: [DONE]\n\n", chunk(r#"{"content":"x"}"#, ""));
    assert!(streamed(&plan, &[cut.as_bytes()]).ends_with("--- interrupted ---\n"));
    // An error in the middle.
    let failed = format!(
        "{}data: {{\"error\":{{\"message\":\"m\",\"type\":\"server_error\"}}}}\n\n",
        chunk(r#"{"content":"x"}"#, "")
    );
    assert!(streamed(&plan, &[failed.as_bytes()]).ends_with("--- interrupted ---\n"));
    // A call without index and identifier, whole.
    let whole = format!(
        "{}{}",
        chunk(r#"{"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}"#, ""),
        chunk("{}", ",\"finish_reason\":\"stop\"")
    );
    let told = streamed(&plan, &[whole.as_bytes()]);
    assert!(told.contains("\"id\":\"call_0aB_0\"") && told.contains("\"stop_reason\":\"tool_use\""));
}

#[test]
fn codex_on_a_provider_that_has_only_chat() {
    let body = r#"{"model":"m","instructions":"i","input":[{"role":"user","content":"x"},
        {"type":"reasoning","id":"rs","summary":[],"encrypted_content":"g"},
        {"type":"custom_tool_call","call_id":"c1","name":"apply_patch","input":"p"},
        {"type":"custom_tool_call_output","call_id":"c1","output":"done"}],
        "tools":[{"type":"custom","name":"apply_patch","format":{"type":"text"}},{"type":"function","name":"f","parameters":{"type":"object","properties":{},"required":[],"additionalProperties":false}}],
        "reasoning":{"effort":"high"},"text":{"format":{"type":"json_object"}}}"#;
    assert_snapshot!(
        "responses_to_chat_request",
        sent(Endpoint::Responses, Endpoint::ChatCompletions, "gpt-5.1", body)
    );
}

#[test]
fn a_complaint_in_the_middle_of_a_stream_passes_in_its_own_words() {
    let plan = translated(Endpoint::Messages, Endpoint::Responses, "gpt-5.6", MESSAGES).plan;
    let opened = Opened { created: 1, fallback_id: "f".to_owned() };
    let mut stream = Stream::new(plan, &opened).unwrap();
    let failed = named_events(&[
        r#"{"type":"response.created","response":{"id":"resp_1"}}"#,
        r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"context_length_exceeded","message":"too many tokens"}}}"#,
    ]);
    stream.push(&Bytes::from(failed));
    let error =
        StreamError { kind: crate::dialect::StreamFault::Request, message: "ours", request_id: "req_1" };
    let told: String = stream
        .close_with_error(&error)
        .iter()
        .map(|frame| String::from_utf8(frame.to_vec()).unwrap())
        .collect();
    assert!(
        told.starts_with("event: error\n") && told.contains("prompt is too long: too many tokens"),
        "{told}"
    );
}
