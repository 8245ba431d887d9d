//! A client of Messages, a GPT model.

use insta::assert_snapshot;

use super::*;

const FROM: Endpoint = Endpoint::Messages;
const TO: Endpoint = Endpoint::Responses;
const MODEL: &str = "gpt-5.6-sol";

fn sent(model: &str, body: &str) -> String {
    lines(&text(&translated(FROM, TO, model, body).body))
}

fn plan(body: &str) -> Plan {
    translated(FROM, TO, MODEL, body).plan
}

fn user(members: &str) -> String {
    format!(r#"{{"model":"m","max_tokens":1000,"messages":[{{"role":"user","content":"hi"}}]{members}}}"#)
}

#[test]
fn a_tool_loop_of_claude_code() {
    let body = r#"{"model":"m","max_tokens":32000,"stream":true,
        "system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=1; cch=abc"},
                  {"type":"text","text":"You are an agent.","cache_control":{"type":"ephemeral"}},
                  {"type":"text","text":"Be brief."}],
        "messages":[
          {"role":"user","content":[{"type":"text","text":"read it"},{"type":"text","text":""}]},
          {"role":"assistant","content":[
            {"type":"thinking","thinking":"hm","signature":"EqQB"},
            {"type":"text","text":"I read."},
            {"type":"tool_use","id":"toolu_1","name":"Read","input":{"path":"/a", "n": 1.0, "big":123456789012345678901}},
            {"type":"tool_use","id":"toolu_2","name":"Read","input":{}}]},
          {"role":"user","content":[
            {"type":"tool_result","tool_use_id":"toolu_1","content":"text"},
            {"type":"tool_result","tool_use_id":"toolu_2","is_error":true,"content":[{"type":"text","text":"no file"}]},
            {"type":"text","text":"go on"}]},
          {"role":"system","content":"Plan mode is active"},
          {"role":"assistant","content":"ok"},
          {"role":"user","content":"more","cache_control":null}],
        "tools":[{"name":"Read","description":"reads","input_schema":{"type":"object","properties":{"path":{"type":"string"}},"required":["path"]},"cache_control":{"type":"ephemeral","ttl":"1h"},"eager_input_streaming":true},
                 {"type":"custom","name":"Nothing","input_schema":{"type":"object"},"defer_loading":true}],
        "tool_choice":{"type":"auto","disable_parallel_tool_use":true},
        "thinking":{"type":"adaptive"},"output_config":{"effort":"high"},
        "context_management":{"edits":[]},"metadata":{"user_id":"user_1"},"temperature":1,"top_k":5}"#;
    assert_snapshot!("claude_code", sent(MODEL, body));
}

#[test]
fn results_that_failed_that_show_and_that_say_nothing() {
    let body = r#"{"model":"m","max_tokens":100,"messages":[
        {"role":"user","content":"x"},
        {"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}},{"type":"tool_use","id":"b","name":"f","input":{}},{"type":"tool_use","id":"c","name":"f","input":{}},{"type":"tool_use","id":"d","name":"f","input":{}}]},
        {"role":"user","content":[
          {"type":"tool_result","tool_use_id":"a","is_error":true,"content":"broken"},
          {"type":"tool_result","tool_use_id":"b","content":[{"type":"text","text":"see"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},
          {"type":"tool_result","tool_use_id":"c"},
          {"type":"tool_result","tool_use_id":"d","is_error":true,"content":[]}]}]}"#;
    assert_snapshot!("results", sent(MODEL, body));
}

#[test]
fn images_and_documents() {
    let body = r#"{"model":"m","max_tokens":100,"messages":[{"role":"user","content":[
        {"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"AAAA"}},
        {"type":"image","source":{"type":"url","url":"https://example.com/a.png"}},
        {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBE"},"title":"a.pdf","context":"about"},
        {"type":"document","source":{"type":"url","url":"https://example.com/a.pdf"}},
        {"type":"document","source":{"type":"text","media_type":"text/plain","data":"plain"},"title":"notes","citations":{"enabled":false}},
        {"type":"document","source":{"type":"content","content":[{"type":"text","text":"part"}]}},
        {"type":"search_result","source":"https://example.com","title":"found","content":[{"type":"text","text":"it"}],"citations":{"enabled":false}}]}]}"#;
    assert_snapshot!("media", sent(MODEL, body));
}

#[test]
fn what_needs_state_or_a_price_is_refused_by_name() {
    for (members, field) in [
        (r#","container":"c""#, "container"),
        (r#","mcp_servers":[{"type":"url"}]"#, "mcp_servers"),
        (r#","inference_geo":"us""#, "inference_geo"),
        (r#","speed":"fast""#, "speed"),
        (r#","tools":[{"type":"bash_20250124","name":"bash"}]"#, "tools.type"),
        (r#","output_config":{"effort":"none"}"#, "output_config.effort"),
        (r#","stop_sequences":[""]"#, "stop_sequences"),
    ] {
        assert_eq!(refusal(FROM, TO, MODEL, &user(members)).field, Some(field), "{members}");
    }
    for (block, field) in [
        (r#"{"type":"image","source":{"type":"file","file_id":"f"}}"#, "file"),
        (
            r#"{"type":"document","source":{"type":"text","media_type":"text/plain","data":"x"},"citations":{"enabled":true}}"#,
            "citations",
        ),
        (r#"{"type":"container_upload","file_id":"f"}"#, ""),
    ] {
        let body =
            format!(r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":[{block}]}}]}}"#);
        let fault = refusal(FROM, TO, MODEL, &body);
        assert!(fault.field.unwrap().contains(field), "{fault}");
    }
}

#[test]
fn thinking_becomes_effort() {
    let effort = |model: &str, members: &str| {
        let value: serde_json::Value =
            serde_json::from_slice(translated(FROM, TO, model, &user(members)).body.expose()).unwrap();
        value["reasoning"].to_string()
    };
    let mut told = String::new();
    for members in [
        "",
        r#","thinking":{"type":"adaptive"}"#,
        r#","thinking":{"type":"adaptive","display":"omitted"},"output_config":{"effort":"max"}"#,
        r#","thinking":{"type":"disabled"},"output_config":{"effort":"high"}"#,
        r#","thinking":{"type":"between_tools"}"#,
        r#","thinking":{"type":"enabled","budget_tokens":2000}"#,
        r#","thinking":{"type":"enabled","budget_tokens":10000}"#,
        r#","thinking":{"type":"enabled","budget_tokens":31999},"output_config":{"effort":"low"}"#,
        r#","thinking":{"type":"enabled","budget_tokens":40000}"#,
    ] {
        for model in ["gpt-5.6-sol", "gpt-6-astra", "gpt-5", "gpt-4.1"] {
            told.push_str(&format!("{model} {members}: {}\n", effort(model, members)));
        }
    }
    assert_snapshot!("efforts", told);
}

#[test]
fn sampling_goes_to_models_that_have_it() {
    let members = r#","temperature":0.50,"top_p":0.9"#;
    assert!(!sent(MODEL, &user(members)).contains("temperature"));
    assert!(sent("gpt-4.1", &user(members)).contains("\"temperature\": 0.50"));
    let off = user(r#","temperature":0.5,"thinking":{"type":"disabled"}"#);
    assert!(sent(MODEL, &off).contains("\"temperature\": 0.5"));
}

#[test]
fn a_structured_output_is_strict_only_where_it_can_be() {
    let format = |schema: &str| {
        user(&format!(r#","output_config":{{"format":{{"type":"json_schema","schema":{schema}}}}}"#))
    };
    let strict = r#"{"type":"object","properties":{"b":{"type":"integer"}},"required":["b"],"additionalProperties":false}"#;
    assert_snapshot!("schema_strict", sent(MODEL, &format(strict)));
    assert!(sent(MODEL, &format(r#"{"type":"object","properties":{"b":{}}}"#)).contains("\"strict\": false"));
}

#[test]
fn long_names_and_identifiers_are_shortened_and_come_back() {
    let (name, id) = ("n".repeat(100), "i".repeat(80));
    let body = format!(
        r#"{{"model":"m","max_tokens":100,"messages":[{{"role":"user","content":"x"}},
        {{"role":"assistant","content":[{{"type":"tool_use","id":"{id}","name":"{name}","input":{{}}}}]}},
        {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"{id}","content":"y"}}]}}],
        "tools":[{{"name":"{name}","input_schema":{{"type":"object","properties":{{}}}}}}],"tool_choice":{{"type":"tool","name":"{name}"}}}}"#
    );
    let Translated { body, plan } = translated(FROM, TO, MODEL, &body);
    let value: serde_json::Value = serde_json::from_slice(body.expose()).unwrap();
    let short = value["tools"][0]["name"].as_str().unwrap();
    assert_eq!(short.len(), 64);
    assert_eq!(value["tool_choice"]["name"], short);
    assert_eq!(value["input"][1]["name"], short);
    assert_eq!(value["input"][1]["call_id"].as_str().unwrap().len(), 64);
    assert_eq!(value["input"][1]["call_id"], value["input"][2]["call_id"]);
    let answer = format!(
        r#"{{"id":"resp_1","status":"completed","output":[{{"type":"function_call","call_id":"call_1","name":"{short}","arguments":"{{}}"}}]}}"#
    );
    let answer: serde_json::Value = serde_json::from_str(&answered(&plan, &answer)).unwrap();
    assert_eq!(answer["content"][0]["name"], name.as_str());
}

const ANSWER: &str = r#"{"id":"resp_0aB","object":"response","created_at":1,"status":"completed","model":"gpt-5.6-sol","output":[
    {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"One."},{"type":"summary_text","text":"Two."}],"encrypted_content":"gAAAA=="},
    {"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"gBBBB=="},
    {"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search"}},
    {"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Hello.","annotations":[]}]},
    {"type":"function_call","id":"fc_1","call_id":"call_1","name":"f","arguments":"{\"a\": 1.0,\"n\":12345678901234567890}","status":"completed"},
    {"type":"function_call","id":"fc_2","call_id":"call_2","name":"f","arguments":"","status":"completed"}],
    "usage":{"input_tokens":2400,"output_tokens":50}}"#;

#[test]
fn an_answer_with_reasoning_text_and_calls() {
    assert_snapshot!("answer", lines(&answered(&plan(&user("")), ANSWER)));
}

#[test]
fn reasons_to_stop() {
    let of = |members: &str| {
        let value: serde_json::Value =
            serde_json::from_str(&answered(&plan(&user("")), &format!(r#"{{"id":"resp_1",{members}}}"#)))
                .unwrap();
        format!("{} {}", value["stop_reason"], value["stop_details"]["type"])
    };
    let text = r#""output":[{"type":"message","content":[{"type":"output_text","text":"a"}]}]"#;
    assert_eq!(of(&format!(r#""status":"completed",{text}"#)), r#""end_turn" null"#);
    assert_eq!(
        of(&format!(r#""status":"incomplete","incomplete_details":{{"reason":"max_output_tokens"}},{text}"#)),
        r#""max_tokens" null"#
    );
    assert_eq!(
        of(&format!(r#""status":"incomplete","incomplete_details":{{"reason":"content_filter"}},{text}"#)),
        r#""refusal" "refusal""#
    );
    let refusal =
        r#""status":"completed","output":[{"type":"message","content":[{"type":"refusal","refusal":"no"}]}]"#;
    assert_eq!(of(refusal), r#""refusal" "refusal""#);
    let facts = Facts { created: 1, fallback_id: "f", usage: &USAGE, stages: &[] };
    assert!(answer(&plan(&user("")), &content(r#"{"id":"resp_1","status":"failed"}"#), &facts).is_err());
}

fn stream() -> String {
    named_events(&[
        r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_0aB","status":"in_progress","output":[],"usage":null}}"#,
        r#"{"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_0aB","status":"in_progress"}}"#,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[]}}"#,
        r#"{"type":"response.reasoning_summary_part.added","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}"#,
        r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"One."}"#,
        r#"{"type":"response.reasoning_summary_text.done","output_index":0,"summary_index":0,"text":"One."}"#,
        r#"{"type":"response.reasoning_summary_part.added","output_index":0,"summary_index":1,"part":{"type":"summary_text","text":""}}"#,
        r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":1,"delta":"Two."}"#,
        r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"One."},{"type":"summary_text","text":"Two."}],"encrypted_content":"gAAAA=="}}"#,
        r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"reasoning","id":"rs_2","summary":[]}}"#,
        r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"gBBBB=="}}"#,
        r#"{"type":"response.output_item.added","output_index":2,"item":{"type":"message","id":"msg_1","role":"assistant","content":[]}}"#,
        r#"{"type":"response.content_part.added","output_index":2,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}"#,
        "{\"type\":\"response.output_text.delta\",\"output_index\":2,\"content_index\":0,\"delta\":\"H\u{e9}l\"}",
        r#"{"type":"response.output_text.delta","output_index":2,"content_index":0,"delta":"lo."}"#,
        r#"{"type":"response.output_text.done","output_index":2,"content_index":0,"text":"x"}"#,
        r#"{"type":"response.content_part.done","output_index":2,"content_index":0,"part":{"type":"output_text","text":"x"}}"#,
        r#"{"type":"response.output_item.done","output_index":2,"item":{"type":"message","id":"msg_1","content":[{"type":"output_text","text":"x"}]}}"#,
        r#"{"type":"response.output_item.added","output_index":3,"item":{"type":"function_call","id":"fc_1","call_id":"call_1","name":"f","arguments":""}}"#,
        r#"{"type":"response.output_item.added","output_index":4,"item":{"type":"function_call","id":"fc_2","call_id":"call_2","name":"g","arguments":""}}"#,
        r#"{"type":"response.function_call_arguments.delta","output_index":4,"delta":"{\"b\""}"#,
        r#"{"type":"response.function_call_arguments.delta","output_index":3,"delta":"{\"a\": 1"}"#,
        r#"{"type":"response.function_call_arguments.delta","output_index":4,"delta":":2}"}"#,
        r#"{"type":"response.function_call_arguments.delta","output_index":3,"delta":".0}"}"#,
        r#"{"type":"response.output_item.done","output_index":4,"item":{"type":"function_call","id":"fc_2","call_id":"call_2","name":"g","arguments":"{\"b\":2}"}}"#,
        r#"{"type":"response.output_item.done","output_index":3,"item":{"type":"function_call","id":"fc_1","call_id":"call_1","name":"f","arguments":"{\"a\": 1.0}"}}"#,
        r#"{"type":"response.output_item.added","output_index":5,"item":{"type":"function_call","id":"fc_3","call_id":"call_3","name":"h","arguments":""}}"#,
        r#"{"type":"response.output_item.done","output_index":5,"item":{"type":"function_call","id":"fc_3","call_id":"call_3","name":"h","arguments":"{\"whole\":1}"}}"#,
        r#"{"type":"response.output_item.added","output_index":6,"item":{"type":"tool_search_call","arguments":{"q":1}}}"#,
        r#"{"type":"response.completed","response":{"id":"resp_0aB","status":"completed","output":[],"usage":{"input_tokens":2400,"output_tokens":50}}}"#,
    ])
}

#[test]
fn a_stream_however_it_is_cut() {
    assert_snapshot!("stream", streamed_however_cut(&plan(&user(r#","stream":true"#)), &stream()));
}

#[test]
fn a_stream_that_fails_or_breaks_off_has_no_invented_end() {
    let plan = plan(&user(r#","stream":true"#));
    let whole = stream();
    let failed = named_events(&[
        r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"secret"}}}"#,
    ]);
    for end in [String::new(), failed] {
        let broken = format!("{}{end}", &whole[..whole.find("event: response.completed").unwrap()]);
        let told = streamed(&plan, &[broken.as_bytes()]);
        assert!(told.ends_with("--- interrupted ---\n"));
        assert!(
            !told.contains("message_delta") && !told.contains("message_stop") && !told.contains("secret")
        );
    }
}

#[test]
fn stop_sequences_are_enforced_here() {
    let body = user(r#","stop_sequences":["lo.","Zz"]"#);
    let Translated { body, plan } = translated(FROM, TO, MODEL, &body);
    assert!(!text(&body).contains("stop"));
    let told = streamed(&plan, &[stream().as_bytes()]);
    let pieces: Vec<&str> =
        told.split("\"text\":\"").skip(2).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(pieces.concat(), "H\u{e9}l");
    assert!(!told.contains("call_1"));
    assert!(told.contains(r#""stop_reason":"stop_sequence","stop_sequence":"lo.""#));
    let whole: serde_json::Value = serde_json::from_str(&answered(&plan, ANSWER)).unwrap();
    assert_eq!((&whole["stop_reason"], &whole["stop_sequence"]), (&"stop_sequence".into(), &"lo.".into()));
    assert_eq!(whole["content"][2]["text"], "Hel");
    assert_eq!(whole["content"].as_array().unwrap().len(), 3);
}

#[test]
fn reasoning_goes_back_to_its_model_and_to_nobody_else() {
    let answer: serde_json::Value = serde_json::from_str(&answered(&plan(&user("")), ANSWER)).unwrap();
    let turn = serde_json::json!({"role": "assistant", "content": answer["content"]});
    let body = serde_json::json!({"model": "m", "max_tokens": 100, "messages": [
        {"role": "user", "content": "x"}, turn,
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "call_1", "content": "y"},
            {"type": "tool_result", "tool_use_id": "call_2", "content": "z"}]}]})
    .to_string();
    assert_snapshot!("reasoning_back", sent(MODEL, &body));
    let other = sent("gpt-6-astra", &body);
    assert!(!other.contains("gAAAA") && !other.contains("aiduet1"));
}

#[test]
fn a_stream_cut_for_want_of_funds_ends_like_one_at_a_limit() {
    let plan = plan(&user(r#","stream":true"#));
    let whole = stream();
    let cut = &whole[..whole.find("lo.").unwrap()];
    let opened = Opened { created: 1, fallback_id: "f".to_owned() };
    let mut stream = Stream::new(plan, &opened).unwrap();
    stream.push(&Bytes::copy_from_slice(cut.as_bytes()));
    let frames = stream.close_at_limit(&Settled { usage: &USAGE, stages: &[], cost: None });
    let told: String = frames.iter().map(|frame| String::from_utf8(frame.to_vec()).unwrap()).collect();
    assert!(told.starts_with("event: content_block_stop"));
    assert!(
        told.contains("\"stop_reason\":\"max_tokens\"")
            && told.ends_with("data: {\"type\":\"message_stop\"}\n\n")
    );
}
