//! A client of Chat Completions, a Claude model.

use insta::assert_snapshot;

use super::*;

const FROM: Endpoint = Endpoint::ChatCompletions;
const TO: Endpoint = Endpoint::Messages;

fn sent(model: &str, body: &str) -> String {
    lines(&text(&translated(FROM, TO, model, body).body))
}

fn plan(body: &str) -> Plan {
    translated(FROM, TO, "claude-opus-5", body).plan
}

fn user(members: &str) -> String {
    format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}]{members}}}"#)
}

#[test]
fn system_texts_lead_in_order_and_a_late_one_stays_in_its_place() {
    let body = r#"{"model":"m","max_tokens":100,"messages":[
        {"role":"system","content":"first"},
        {"role":"developer","content":[{"type":"text","text":"second"}]},
        {"role":"user","content":"hello"},
        {"role":"system","content":"late"},
        {"role":"assistant","content":"hi"},
        {"role":"system","content":"between"},
        {"role":"user","content":"go on"}]}"#;
    assert_snapshot!("late_system_opus_5", sent("claude-opus-5", body));
    assert_snapshot!("late_system_sonnet_5", sent("claude-sonnet-5", body));
}

#[test]
fn the_results_of_a_turn_come_first_in_one_message() {
    let body = r#"{"model":"m","messages":[
        {"role":"user","content":"weather?"},
        {"role":"assistant","content":null,"tool_calls":[
            {"id":"call_1","type":"function","function":{"name":"w","arguments":"{\"b\":1.0,\"a\":12345678901234567890123}"}},
            {"id":"call_2","type":"function","function":{"name":"w","arguments":""}},
            {"id":"call:3","type":"function","function":{"name":"w","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"call_1","content":"sun"},
        {"role":"tool","tool_call_id":"call_2","content":[{"type":"text","text":"rain"}]},
        {"role":"tool","tool_call_id":"call:3","content":""},
        {"role":"user","content":"and?"}],
        "tools":[{"type":"function","function":{"name":"w","description":"d","parameters":{"type":"object","properties":{"z":{},"a":{"maximum":1e400}}}}},
                 {"type":"function","function":{"name":"none"}},
                 {"type":"function","function":{"name":"untyped","parameters":{"properties":{}}}}]}"#;
    assert_snapshot!("three_results", sent("claude-opus-5", body));
}

#[test]
fn calls_and_results_that_do_not_match_are_refused() {
    let call = r#"{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"w","arguments":"{}"}}]}"#;
    for (messages, field) in [
        (format!(r#"[{{"role":"user","content":"x"}},{call}]"#), "messages.tool_calls.id"),
        (
            format!(r#"[{{"role":"user","content":"x"}},{call},{{"role":"user","content":"y"}}]"#),
            "messages.tool_calls.id",
        ),
        (
            r#"[{"role":"user","content":"x"},{"role":"tool","tool_call_id":"a","content":"y"}]"#.to_owned(),
            "messages.tool_call_id",
        ),
        (
            format!(
                r#"[{{"role":"user","content":"x"}},{call},{{"role":"tool","tool_call_id":"b","content":"y"}}]"#
            ),
            "messages.tool_call_id",
        ),
    ] {
        let fault = refusal(FROM, TO, "claude-opus-5", &format!(r#"{{"model":"m","messages":{messages}}}"#));
        assert_eq!(fault.field, Some(field), "{messages}");
    }
}

#[test]
fn arguments_must_be_an_object() {
    for bad in [r#""[1]""#, r#""{""#, r#""1""#] {
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":"x"}},
            {{"role":"assistant","tool_calls":[{{"id":"a","type":"function","function":{{"name":"w","arguments":{bad}}}}}]}},
            {{"role":"tool","tool_call_id":"a","content":"y"}}]}}"#
        );
        assert_eq!(
            refusal(FROM, TO, "claude-opus-5", &body).field,
            Some("messages.tool_calls.function.arguments")
        );
    }
}

#[test]
fn images_and_documents_of_the_kinds_that_claude_reads() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":[
        {"type":"image_url","image_url":{"url":"data:image/webp;base64,AAAA","detail":"high"}},
        {"type":"image_url","image_url":{"url":"https://example.com/a.png"}},
        {"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBE"}},
        {"type":"file","file":{"filename":"a.txt","file_data":"data:text/plain;base64,aGVsbG8="}},
        {"type":"text","text":"","prompt_cache_breakpoint":{"mode":"explicit"}},
        {"type":"text","text":"look","prompt_cache_breakpoint":{"mode":"explicit","ttl":"12h"}}]}]}"#;
    assert_snapshot!("media", sent("claude-opus-5", body));
    for (part, field) in [
        (
            r#"{"type":"image_url","image_url":{"url":"data:image/svg+xml;base64,AAAA"}}"#,
            "messages.content.image_url",
        ),
        (r#"{"type":"image_url","image_url":{"url":"ftp://x/y"}}"#, "messages.content.image_url"),
        (
            r#"{"type":"file","file":{"file_data":"data:application/zip;base64,AAAA"}}"#,
            "messages.content.file",
        ),
    ] {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{part}]}}]}}"#);
        assert_eq!(refusal(FROM, TO, "claude-opus-5", &body).field, Some(field));
    }
    let by_id =
        r#"{"model":"m","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}]}"#;
    assert!(refusal(FROM, TO, "claude-opus-5", by_id).field.unwrap().contains("file_id"));
}

#[test]
fn forced_tools_are_refused_where_the_model_cannot() {
    let body = user(
        r#","tools":[{"type":"function","function":{"name":"w"}}],"tool_choice":"required","parallel_tool_calls":false"#,
    );
    assert_eq!(refusal(FROM, TO, "claude-opus-5-5", &body).field, Some("tool_choice"));
    assert_snapshot!("required_tool", sent("claude-opus-5", &body));
    let named = user(
        r#","tools":[{"type":"function","function":{"name":"w"}}],"tool_choice":{"type":"function","function":{"name":"w"}}"#,
    );
    assert_snapshot!("named_tool", sent("claude-opus-5", &named));
    let among = user(
        r#","tools":[{"type":"function","function":{"name":"w"}},{"type":"function","function":{"name":"v"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"v"}}]}}"#,
    );
    assert_snapshot!("allowed_tools", sent("claude-opus-5-5", &among));
}

#[test]
fn sampling_goes_to_models_that_have_it() {
    assert!(
        sent("claude-sonnet-4-5", &user(r#","temperature":1.7,"top_p":0.5"#)).contains("\"temperature\": 1,")
    );
    assert!(sent("claude-sonnet-4-5", &user(r#","temperature":0.20"#)).contains("\"temperature\": 0.20"));
    let newer =
        sent("claude-opus-4-8", &user(r#","temperature":0.2,"top_p":0.5,"seed":1,"presence_penalty":0.5"#));
    assert!(!newer.contains("temperature") && !newer.contains("top_p"));
}

#[test]
fn what_changes_the_answers_is_refused_by_name() {
    for (members, field) in [
        (r#","n":2"#, "n"),
        (r#","logprobs":true"#, "logprobs"),
        (r#","logit_bias":{"1":1}"#, "logit_bias"),
        (r#","prediction":{"type":"content","content":"x"}"#, "prediction"),
        (r#","service_tier":"flex""#, "service_tier"),
        (r#","stop":[" "]"#, "stop"),
        (r#","reasoning_effort":"strong""#, "reasoning_effort"),
    ] {
        assert_eq!(refusal(FROM, TO, "claude-opus-5", &user(members)).field, Some(field), "{members}");
    }
    let unknown = refusal(FROM, TO, "claude-opus-5", &user(r#","secret_plan":{"a":1}"#));
    assert_eq!(unknown.field, None);
    assert!(!unknown.to_string().contains("secret"));
    sent("claude-opus-5", &user(r#","n":1,"logprobs":false,"logit_bias":{},"audio":null,"unknown":null"#));
}

#[test]
fn effort_becomes_thinking_as_the_generation_has_it() {
    let efforts = |model: &str, effort: &str| {
        let body = user(&format!(r#","max_completion_tokens":30000,"reasoning_effort":"{effort}""#));
        let value: serde_json::Value =
            serde_json::from_slice(translated(FROM, TO, model, &body).body.expose()).unwrap();
        format!("{} {}", value["thinking"], value["output_config"])
    };
    let mut told = String::new();
    for model in [
        "claude-haiku-4-5",
        "claude-opus-4-6",
        "claude-opus-4-8",
        "claude-sonnet-5",
        "claude-sonnet-5-5",
        "claude-opus-5-5",
        "claude-haiku-5-5",
    ] {
        for effort in ["none", "minimal", "medium", "xhigh", "max"] {
            if (model, effort) != ("claude-opus-5-5", "none") {
                told.push_str(&format!("{model} {effort}: {}\n", efforts(model, effort)));
            }
        }
    }
    assert_snapshot!("efforts", told);
    let none = user(r#","reasoning_effort":"none""#);
    assert_eq!(refusal(FROM, TO, "claude-fable-5", &none).field, Some("reasoning_effort"));
}

#[test]
fn structured_outputs_keep_to_what_claude_takes() {
    let format = |schema: &str| {
        user(&format!(
            r#","response_format":{{"type":"json_schema","json_schema":{{"name":"n","strict":true,"schema":{schema}}}}}"#
        ))
    };
    assert_snapshot!(
        "schema_closed",
        sent(
            "claude-opus-5",
            &format(
                r#"{"type":"object","properties":{"b":{"type":"integer"},"a":{"enum":[1.50]}},"required":["b","a"]}"#
            )
        )
    );
    let fault = refusal(FROM, TO, "claude-opus-5", &format(r#"{"type":"integer","minimum":3}"#));
    assert_eq!(fault.field, Some("response_format"));
    assert!(fault.to_string().contains("minimum"));
    assert_snapshot!(
        "json_object",
        sent("claude-opus-5", &user(r#","response_format":{"type":"json_object"}"#))
    );
}

#[test]
fn the_limit_is_the_models_own_when_none_is_given_or_too_much() {
    assert!(sent("claude-opus-5", &user("")).contains("\"max_tokens\": 64000"));
    assert!(sent("claude-opus-5", &user(r#","max_tokens":9000000"#)).contains("\"max_tokens\": 64000"));
    assert!(
        sent("claude-opus-5", &user(r#","max_completion_tokens":7,"max_tokens":9"#))
            .contains("\"max_tokens\": 7")
    );
}

#[test]
fn a_message_of_the_assistant_at_the_end_is_carried_on_where_it_can_be() {
    let body =
        r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","content":"so \n"}]}"#;
    assert!(sent("claude-haiku-4-5", body).contains("\"so\""));
    assert_eq!(refusal(FROM, TO, "claude-opus-4-6", body).field, Some("messages"));
}

#[test]
fn functions_of_old_are_answered_in_kind() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"x"},
        {"role":"assistant","content":null,"function_call":{"name":"w","arguments":"{}"}},
        {"role":"function","name":"w","content":"sun"}],
        "functions":[{"name":"w","parameters":{"type":"object"}}],"function_call":"auto"}"#;
    assert_snapshot!("functions_of_old", sent("claude-opus-5", body));
    let answer = r#"{"id":"msg_1","type":"message","role":"assistant","model":"c","content":[{"type":"tool_use","id":"toolu_1","name":"w","input":{"a":1}}],"stop_reason":"tool_use","usage":{}}"#;
    assert_snapshot!("functions_of_old_answer", lines(&answered(&plan(body), answer)));
}

const ANSWER: &str = r#"{"id":"msg_01AbC","type":"message","role":"assistant","model":"claude-opus-5","content":[
    {"type":"thinking","thinking":"let me see","signature":"sig"},
    {"type":"text","text":"It is "},{"type":"text","text":"warm.","citations":null},
    {"type":"tool_use","id":"toolu_1","name":"w","input":{"z": 1.0, "a":[12345678901234567890]}},
    {"type":"tool_use","id":"toolu_2","name":"w","input":{}}],
    "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":100,"output_tokens":50}}"#;

#[test]
fn an_answer_with_thinking_text_and_calls() {
    assert_snapshot!("answer", lines(&answered(&plan(&user("")), ANSWER)));
}

#[test]
fn reasons_to_stop() {
    let of = |reason: &str| {
        let body =
            format!(r#"{{"id":"msg_1","content":[{{"type":"text","text":"a"}}],"stop_reason":{reason}}}"#);
        let value: serde_json::Value = serde_json::from_str(&answered(&plan(&user("")), &body)).unwrap();
        value["choices"][0]["finish_reason"].as_str().unwrap().to_owned()
    };
    for (theirs, ours) in [
        (r#""end_turn""#, "stop"),
        (r#""stop_sequence""#, "stop"),
        (r#""max_tokens""#, "length"),
        (r#""model_context_window_exceeded""#, "length"),
        (r#""refusal""#, "content_filter"),
        (r#""pause_turn""#, "stop"),
        (r#""something_new""#, "stop"),
        ("null", "stop"),
    ] {
        assert_eq!(of(theirs), ours, "{theirs}");
    }
}

fn stream() -> String {
    named_events(&[
        r#"{"type":"message_start","message":{"id":"msg_01AbC","type":"message","role":"assistant","model":"claude-opus-5","content":[],"stop_reason":null,"usage":{"input_tokens":100,"output_tokens":1}}}"#,
        r#"{"type":"ping"}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"let me see"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
        "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"Es ist w\u{e4}rm\"}}",
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"er\n\"heute\""}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"w","input":{}}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"a\": 1"}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":".0}"}}"#,
        r#"{"type":"content_block_stop","index":2}"#,
        r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_2","name":"v","input":{}}}"#,
        r#"{"type":"content_block_stop","index":3}"#,
        r#"{"type":"content_block_start","index":4,"content_block":{"type":"new_kind","x":1}}"#,
        r#"{"type":"content_block_stop","index":4}"#,
        r#"{"type":"new_event"}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":50}}"#,
        r#"{"type":"message_stop"}"#,
    ])
}

#[test]
fn a_stream_however_it_is_cut() {
    let with_usage = plan(&user(r#","stream":true,"stream_options":{"include_usage":true}"#));
    assert_snapshot!("stream_with_usage", streamed_however_cut(&with_usage, &stream()));
    let without = plan(&user(r#","stream":true"#));
    assert_snapshot!("stream_without_usage", streamed(&without, &[stream().as_bytes()]));
}

#[test]
fn a_stream_that_breaks_off_has_no_invented_end() {
    let plan = plan(&user(r#","stream":true"#));
    let whole = stream();
    let broken = &whole[..whole.find("event: message_delta").unwrap()];
    let told = streamed(&plan, &[broken.as_bytes()]);
    assert!(told.ends_with("--- interrupted ---\n"));
    assert!(!told.contains("finish_reason\":\"") && !told.contains("[DONE]"));
    let overloaded = named_events(&[
        r#"{"type":"message_start","message":{"id":"msg_1"}}"#,
        r#"{"type":"error","error":{"type":"overloaded_error","message":"secret"}}"#,
        r#"{"type":"message_stop"}"#,
    ]);
    let told = streamed(&plan, &[overloaded.as_bytes()]);
    assert!(told.ends_with("--- interrupted ---\n") && !told.contains("secret"));
}
