use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::head::ModelName;
use super::super::{Edits, edit};
use super::*;
use crate::price::ModelId;
use crate::usage::{Modifiers, ServiceTier};

fn read(endpoint: Endpoint, body: &str) -> Result<RequestHead, RequestFault> {
    inspect(endpoint, &Content::new(body.to_owned().into()))
}

#[track_caller]
fn ok(endpoint: Endpoint, body: &str) -> RequestHead {
    read(endpoint, body).unwrap()
}

#[track_caller]
fn fault(endpoint: Endpoint, body: &str) -> (FaultKind, Option<&'static str>) {
    let fault = read(endpoint, body).expect_err(body);
    (fault.kind, fault.field)
}

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#;
const RESPONSES: &str = r#"{"model":"m","input":"Hi"}"#;
const EMBEDDINGS: &str = r#"{"model":"m","input":"Hi"}"#;
const MESSAGES: &str = r#"{"model":"m","max_tokens":100,"messages":[{"role":"user","content":"Hi"}]}"#;

const fn plain(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::ChatCompletions => CHAT,
        Endpoint::Responses | Endpoint::InputTokens => RESPONSES,
        Endpoint::Embeddings => EMBEDDINGS,
        Endpoint::Messages | Endpoint::CountTokens => MESSAGES,
    }
}

/// The plain request with more members.
fn with(endpoint: Endpoint, members: &str) -> String {
    format!("{{{members},{}", &plain(endpoint)[1..])
}

#[test]
fn a_plain_request_asks_for_little() {
    for endpoint in Endpoint::ALL {
        let head = ok(endpoint, plain(endpoint));
        assert_eq!(head.model.as_ref().map(ModelName::expose), Some("m"));
        assert_eq!((head.stream, head.choices, head.inputs, head.web_searches), (false, 1, 1, 0));
        assert_eq!((head.modifiers, head.long_cache, head.wants_usage), (Modifiers::default(), false, false));
        assert_eq!(head.input_tokens_bound, u64::try_from(plain(endpoint).len()).unwrap());
        assert!(!format!("{head:?}").contains("\"m\""), "a model name is not printed");
    }
}

#[test]
fn case_24_what_two_parsers_could_read_differently_is_refused_by_name() {
    use Endpoint::{ChatCompletions, Messages, Responses};
    for (endpoint, members, kind, field) in [
        (ChatCompletions, r#""model":"a","model":"b""#, FaultKind::Duplicate, "model"),
        (ChatCompletions, r#""mod\u0065l":"a""#, FaultKind::Duplicate, "model"),
        (ChatCompletions, r#""stream":"true""#, FaultKind::Invalid, "stream"),
        (ChatCompletions, r#""stream":1"#, FaultKind::Invalid, "stream"),
        (ChatCompletions, r#""stream":true,"stream":false"#, FaultKind::Duplicate, "stream"),
        (ChatCompletions, r#""n":0"#, FaultKind::Invalid, "n"),
        (ChatCompletions, r#""n":"2""#, FaultKind::Invalid, "n"),
        (ChatCompletions, r#""n":2.0"#, FaultKind::Invalid, "n"),
        (ChatCompletions, r#""n":129"#, FaultKind::Invalid, "n"),
        (ChatCompletions, r#""max_tokens":-1"#, FaultKind::Invalid, "max_tokens"),
        (ChatCompletions, r#""max_tokens":1e3"#, FaultKind::Invalid, "max_tokens"),
        (ChatCompletions, r#""max_tokens":1.5"#, FaultKind::Invalid, "max_tokens"),
        (ChatCompletions, r#""max_tokens":0"#, FaultKind::Invalid, "max_tokens"),
        (ChatCompletions, r#""max_tokens":99999999999999999999"#, FaultKind::Invalid, "max_tokens"),
        (ChatCompletions, r#""max_completion_tokens":true"#, FaultKind::Invalid, "max_completion_tokens"),
        (ChatCompletions, r#""max_tokens":NaN"#, FaultKind::Malformed, "max_tokens"),
        (
            ChatCompletions,
            r#""stream_options":{"include_usage":true,"include_usage":false}"#,
            FaultKind::Duplicate,
            "include_usage",
        ),
        (ChatCompletions, r#""model2":1,"user":5"#, FaultKind::Invalid, "user"),
        (Responses, r#""max_output_tokens":-1"#, FaultKind::Invalid, "max_output_tokens"),
        (Messages, r#""max_tokens":1"#, FaultKind::Duplicate, "max_tokens"),
        (Messages, r#""service_tier":"auto","service_tier":"auto""#, FaultKind::Duplicate, "service_tier"),
        (Messages, r#""system":["\ud800"]"#, FaultKind::Malformed, "system"),
    ] {
        assert_eq!(fault(endpoint, &with(endpoint, members)), (kind, Some(field)), "{members}");
    }
}

#[test]
fn a_body_that_is_no_object_is_refused_on_every_endpoint() {
    for endpoint in Endpoint::ALL {
        for body in ["[]", "null", "\"x\"", "1", "true"] {
            assert_eq!(fault(endpoint, body), (FaultKind::Invalid, None), "{body}");
        }
        for body in ["", "{", "<html>"] {
            assert_eq!(fault(endpoint, body).0, FaultKind::Malformed, "{body}");
        }
        let trailing = format!("{} x", plain(endpoint));
        assert_eq!(fault(endpoint, &trailing), (FaultKind::Malformed, None));
    }
    let bytes = Content::from_static(b"{\"model\":\"\xff\"}");
    assert_eq!(inspect(Endpoint::Messages, &bytes).unwrap_err().kind, FaultKind::Malformed);
}

#[test]
fn structure_is_bounded_and_the_field_named() {
    for (depth, is_fine) in [(62, true), (63, false)] {
        // The body, the list of messages and one message are three levels.
        let nested = format!("{}{}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        let body = format!(r#"{{"model":"m","messages":[{{"x":{nested}}}]}}"#);
        assert_eq!(read(Endpoint::ChatCompletions, &body).is_ok(), is_fine, "{depth}");
    }
    let items = "0,".repeat(100_000);
    let body = with(Endpoint::ChatCompletions, &format!(r#""tools":null,"x":[{}0]"#, items));
    assert_eq!(fault(Endpoint::ChatCompletions, &body).0, FaultKind::TooLong);
    let body = with(Endpoint::ChatCompletions, &format!(r#""x":[{}]"#, items.trim_end_matches(',')));
    assert!(read(Endpoint::ChatCompletions, &body).is_ok());
}

#[test]
fn required_fields_are_required() {
    assert_eq!(
        fault(Endpoint::Messages, r#"{"model":"m","messages":[]}"#),
        (FaultKind::Missing, Some("max_tokens"))
    );
    assert_eq!(fault(Endpoint::Messages, r#"{"max_tokens":1}"#), (FaultKind::Missing, Some("messages")));
    assert_eq!(fault(Endpoint::ChatCompletions, "{}"), (FaultKind::Missing, Some("messages")));
    assert!(ok(Endpoint::CountTokens, r#"{"model":"m","messages":[]}"#).output_limit.is_none());
    assert!(ok(Endpoint::ChatCompletions, r#"{"model":null,"messages":[]}"#).model.is_none());
}

#[test]
fn limits_choices_and_streams_are_read() {
    let head = ok(
        Endpoint::ChatCompletions,
        &with(
            Endpoint::ChatCompletions,
            r#""stream":true,"stream_options":{"include_usage":true},"n":3,"max_tokens":10,"max_completion_tokens":20"#,
        ),
    );
    assert!(head.stream && head.wants_usage);
    assert_eq!((head.choices, head.output_limit), (3, Some(20)));
    let nulls = r#""stream":null,"stream_options":null,"n":null,"max_tokens":null,"service_tier":null,"tools":null,"user":null,"store":null"#;
    let head = ok(Endpoint::ChatCompletions, &with(Endpoint::ChatCompletions, nulls));
    assert_eq!((head.stream, head.choices, head.output_limit), (false, 1, None));
    // Filling the cache generates nothing.
    let fill = r#"{"model":"m","max_tokens":0,"messages":[]}"#;
    assert_eq!(ok(Endpoint::Messages, fill).output_limit, Some(0));
}

#[test]
fn what_changes_the_price_is_read() {
    let tier = |endpoint, word: &str| read(endpoint, &with(endpoint, &format!(r#""service_tier":"{word}""#)));
    for (word, expected) in [
        ("auto", ServiceTier::Standard),
        ("default", ServiceTier::Standard),
        ("flex", ServiceTier::Flex),
        ("priority", ServiceTier::Priority),
        ("fast", ServiceTier::Priority),
        ("ultrafast", ServiceTier::Ultrafast),
    ] {
        for endpoint in [Endpoint::ChatCompletions, Endpoint::Responses] {
            assert_eq!(tier(endpoint, word).unwrap().modifiers.tier, expected);
        }
    }
    for (endpoint, word) in
        [(Endpoint::ChatCompletions, "scale"), (Endpoint::Responses, "novel"), (Endpoint::Messages, "flex")]
    {
        assert_eq!(tier(endpoint, word).unwrap_err().kind, FaultKind::Unsupported);
    }
    let head = ok(
        Endpoint::Messages,
        &with(Endpoint::Messages, r#""speed":"fast","inference_geo":"us","service_tier":"standard_only""#),
    );
    assert_eq!(head.modifiers, Modifiers { fast: true, us_inference: true, ..Modifiers::default() });
    assert_eq!(
        fault(Endpoint::Messages, &with(Endpoint::Messages, r#""inference_geo":"mars""#)),
        (FaultKind::Unsupported, Some("inference_geo"))
    );
}

#[test]
fn the_long_life_of_a_cache_is_seen_wherever_it_is_asked_for() {
    let mark = |ttl: &str| format!(r#"{{"type":"ephemeral","ttl":"{ttl}"}}"#);
    for place in [
        r#"{"model":"m","max_tokens":1,"cache_control":MARK,"messages":[]}"#,
        r#"{"model":"m","max_tokens":1,"system":[{"type":"text","text":"a","cache_control":MARK}],"messages":[]}"#,
        r#"{"model":"m","max_tokens":1,"tools":[{"name":"t","cache_control":MARK}],"messages":[]}"#,
        r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":MARK}]}]}"#,
        r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"a","cache_control":MARK}]}]}]}"#,
    ] {
        assert!(ok(Endpoint::Messages, &place.replace("MARK", &mark("1h"))).long_cache, "{place}");
        assert!(!ok(Endpoint::Messages, &place.replace("MARK", &mark("5m"))).long_cache, "{place}");
        assert!(!ok(Endpoint::Messages, &place.replace("MARK", r#"{"type":"ephemeral"}"#)).long_cache);
    }
    // Anybody's data is not a mark.
    let data = r#"{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"n","input":{"cache_control":{"ttl":"1h"},"source":{"type":"url"}}}]}]}"#;
    let head = ok(Endpoint::Messages, data);
    assert!(!head.long_cache && head.input_tokens_bound < 1_000);

    let chat = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a","prompt_cache_breakpoint":{"mode":"explicit","ttl":"12h"}}]}]}"#;
    assert!(ok(Endpoint::ChatCompletions, chat).long_cache);
    assert!(!ok(Endpoint::ChatCompletions, &chat.replace("12h", "30m")).long_cache);
    let whole = r#""prompt_cache_options":{"mode":"auto","ttl":"12h"}"#;
    for endpoint in [Endpoint::ChatCompletions, Endpoint::Responses] {
        assert!(ok(endpoint, &with(endpoint, whole)).long_cache);
    }
}

#[test]
fn case_44_state_at_the_provider_is_refused_by_name() {
    use Endpoint::{ChatCompletions, Messages, Responses};
    for (endpoint, members, field) in [
        (Responses, r#""previous_response_id":"resp_1""#, "previous_response_id"),
        (Responses, r#""conversation":{"id":"conv_1"}"#, "conversation"),
        (Responses, r#""background":true"#, "background"),
        (Responses, r#""prompt":{"id":"pmpt_1"}"#, "prompt"),
        (ChatCompletions, r#""conversation":"c""#, "conversation"),
        (Messages, r#""container":"c_1""#, "container"),
        (Messages, r#""diagnostics":{"previous_message_id":"m"}"#, "previous_message_id"),
        (Messages, r#""mcp_servers":[{"url":"https://x"}]"#, "mcp_servers"),
        (Messages, r#""fallbacks":"default""#, "fallbacks"),
        (Messages, r#""billing_policy":{}"#, "billing_policy"),
        (ChatCompletions, r#""web_search_options":{}"#, "web_search_options"),
        (ChatCompletions, r#""modalities":["text","audio"]"#, "modalities"),
        (ChatCompletions, r#""audio":{"voice":"x"}"#, "audio"),
        (Responses, r#""reasoning":{"mode":"pro"}"#, "reasoning.mode"),
        (Responses, r#""tools":[{"type":"code_interpreter"}]"#, "tools.type"),
        (Responses, r#""tools":[{"type":"namespace","tools":[{"type":"mcp"}]}]"#, "tools.type"),
        (Messages, r#""tools":[{"type":"code_execution_20250825","name":"x"}]"#, "tools.type"),
    ] {
        assert_eq!(
            fault(endpoint, &with(endpoint, members)),
            (FaultKind::Unsupported, Some(field)),
            "{members}"
        );
    }
    let thread = with(Messages, r#""thread":{"type":"create"}"#);
    assert_eq!(fault(Messages, &thread), (FaultKind::UnsupportedThread, Some("thread")));
    for (endpoint, body, field) in [
        (
            ChatCompletions,
            r#"{"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}]}"#,
            "file_id",
        ),
        (ChatCompletions, r#"{"messages":[{"role":"assistant","audio":{"id":"a"}}]}"#, "messages.audio"),
        (
            ChatCompletions,
            r#"{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AA"}}]}]}"#,
            "messages.input_audio",
        ),
        (
            Responses,
            r#"{"input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}]}"#,
            "file_id",
        ),
        (Responses, r#"{"input":[{"type":"item_reference","id":"msg_1"}]}"#, "item_reference"),
        (Responses, r#"{"input":[{"id":"msg_1"}]}"#, "item_reference"),
        (
            Messages,
            r#"{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"f"}}]}]}"#,
            "file_id",
        ),
        (
            Messages,
            r#"{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"container_upload","file_id":"f"}]}]}"#,
            "file_id",
        ),
    ] {
        assert_eq!(fault(endpoint, body), (FaultKind::Unsupported, Some(field)), "{body}");
    }
    // The same fields pass while they say nothing.
    let silent = r#""previous_response_id":null,"background":false,"conversation":null,"audio":null,"tools":[],"store":true"#;
    assert!(read(Responses, &with(Responses, silent)).is_ok());
    let silent =
        r#""container":null,"mcp_servers":[],"thread":null,"diagnostics":{"previous_message_id":null}"#;
    assert!(read(Messages, &with(Messages, silent)).is_ok());
}

#[test]
fn faults_say_nothing_that_a_client_wrote() {
    for body in
        [r#"{"secret-key":secret}"#, r#"{"model":"secret","model":"secret"}"#, r#"{"stream":"secret"}"#]
    {
        for endpoint in Endpoint::ALL {
            let Err(fault) = read(endpoint, body) else { continue };
            let text = format!("{fault} {fault:?}");
            assert!(!text.contains("secret"), "{text}");
        }
    }
}

#[test]
fn searches_are_bounded_and_other_tools_run_at_the_client() {
    let head = ok(
        Endpoint::Messages,
        &with(
            Endpoint::Messages,
            r#""tools":[{"type":"web_search_20250305","name":"web_search","max_uses":8},{"name":"own","input_schema":{}}]"#,
        ),
    );
    assert_eq!(head.web_searches, 8);
    assert!((128_000..129_000).contains(&head.input_tokens_bound), "{}", head.input_tokens_bound);
    let tools = r#""tools":[{"type":"web_search_20250305","name":"web_search"}]"#;
    assert_eq!(ok(Endpoint::Messages, &with(Endpoint::Messages, tools)).web_searches, 16);
    let tools = r#""tools":[{"type":"web_search"},{"type":"function","name":"f"}],"max_tool_calls":3"#;
    let head = ok(Endpoint::Responses, &with(Endpoint::Responses, tools));
    assert_eq!(head.web_searches, 3);
    assert!((128_000..129_000).contains(&head.input_tokens_bound), "{}", head.input_tokens_bound);
    let tools = r#""tools":[{"type":"custom"},{"type":"local_shell"},{"type":"namespace","tools":[{"type":"function"}]}]"#;
    let head = ok(Endpoint::Responses, &with(Endpoint::Responses, tools));
    assert_eq!(head.web_searches, 0);
    assert!(head.input_tokens_bound < 1_000);
    // A schema that is not in the body still has a bound.
    let body = with(Endpoint::Messages, r#""tools":[{"type":"bash_20250124","name":"bash"}]"#);
    let head = ok(Endpoint::Messages, &body);
    assert_eq!(head.input_tokens_bound, u64::try_from(body.len()).unwrap() + 4_096);
}

#[test]
fn what_is_not_text_is_not_bounded_by_its_bytes() {
    let data = "A".repeat(40_000);
    for (endpoint, body) in [
        (
            Endpoint::ChatCompletions,
            r#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"DATA"}}]}]}"#,
        ),
        (
            Endpoint::ChatCompletions,
            r#"{"messages":[{"role":"user","content":[{"type":"file","file":{"file_data":"DATA"}}]}]}"#,
        ),
        (
            Endpoint::Responses,
            r#"{"input":[{"role":"user","content":[{"type":"input_image","image_url":"DATA"}]}]}"#,
        ),
        (
            Endpoint::Responses,
            r#"{"input":[{"type":"function_call_output","call_id":"c","output":[{"type":"input_file","file_data":"DATA"}]}]}"#,
        ),
        (
            Endpoint::Messages,
            r#"{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","data":"DATA"}}]}]}"#,
        ),
        (
            Endpoint::Messages,
            r#"{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"document","source":{"type":"url","url":"DATA"}}]}]}]}"#,
        ),
    ] {
        let head = ok(endpoint, &body.replace("DATA", &data));
        if body.contains("image") {
            assert!(
                (50_000..51_000).contains(&head.input_tokens_bound),
                "{body} {}",
                head.input_tokens_bound
            );
        } else {
            assert_eq!(head.input_tokens_bound, u64::MAX, "{body}");
        }
        assert!((1_500..1_600).contains(&head.input_tokens_guess), "{}", head.input_tokens_guess);
    }
    let text = r#"{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","data":"abc"}}]}]}"#;
    assert!(ok(Endpoint::Messages, text).input_tokens_bound < 1_000);
}

#[test]
fn separate_inputs_of_an_embedding_are_counted() {
    for (input, inputs) in
        [(r#""a""#, 1), (r#"["a","b"]"#, 2), ("[1,2,3]", 1), ("[[1],[2],[3]]", 3), ("[]", 1)]
    {
        let body = format!(r#"{{"model":"m","input":{input}}}"#);
        assert_eq!(ok(Endpoint::Embeddings, &body).inputs, inputs, "{input}");
    }
    assert_eq!(fault(Endpoint::Embeddings, r#"{"input":{}}"#), (FaultKind::Invalid, Some("input")));
}

fn edited(endpoint: Endpoint, body: &str, edits: &Edits<'_>) -> String {
    let content = Content::new(body.to_owned().into());
    let head = inspect(endpoint, &content).unwrap();
    String::from_utf8(edit(endpoint, &content, &head, edits).expose().to_vec()).unwrap()
}

#[test]
fn case_23_without_an_edit_the_very_same_bytes_go_on() {
    let odd = "{ \"zeta\" :\t1.0 ,\n\"model\": \"m\", \"max_tokens\" :7, \"big\":12345678901234567890123456789012345678901234567890, \
               \"stream_options\":{\"x\":1, \"include_usage\": true},\"messages\":[ {\"role\":\"user\",\"content\":\"\\u00e9\"} ], \"store\" : false, \"a\":{ } } \n";
    for endpoint in [Endpoint::ChatCompletions, Endpoint::Messages] {
        let content = Content::new(odd.to_owned().into());
        let head = inspect(endpoint, &content).unwrap();
        let model = ModelId::parse("m").unwrap();
        let same = Edits {
            model: Some(&model),
            output_limit: Some(7),
            include_usage: true,
            store_false: true,
            end_user: Some("p"),
        };
        for edits in [Edits::default(), same] {
            let out = edit(endpoint, &content, &head, &edits);
            assert_eq!(out.expose().as_ptr(), content.expose().as_ptr(), "not even copied");
        }
    }
}

#[test]
fn edits_change_only_their_field() {
    let model = ModelId::parse("n").unwrap();
    let alias = Edits { model: Some(&model), ..Edits::default() };
    assert_eq!(
        edited(
            Endpoint::Embeddings,
            r#"{ "model" : "m\u0031" ,"input":1e0}"#.replace("1e0", "[1]").as_str(),
            &alias
        ),
        r#"{ "model" : "n" ,"input":[1]}"#
    );
    let lower = Edits { output_limit: Some(5), ..Edits::default() };
    assert_eq!(
        edited(
            Endpoint::ChatCompletions,
            r#"{"max_tokens":10, "max_completion_tokens": null,"messages":[]}"#,
            &lower
        ),
        r#"{"max_tokens":5, "max_completion_tokens": 5,"messages":[]}"#
    );
    assert_eq!(
        edited(Endpoint::ChatCompletions, r#"{ "messages":[]}"#, &lower),
        r#"{"max_completion_tokens":5, "messages":[]}"#
    );
    assert_eq!(edited(Endpoint::Responses, "{}", &lower), r#"{"max_output_tokens":5}"#);
    let usage = Edits { include_usage: true, ..Edits::default() };
    for (before, after) in [
        (r#"{"messages":[]}"#, r#"{"stream_options":{"include_usage":true},"messages":[]}"#),
        (
            r#"{"messages":[],"stream_options":null}"#,
            r#"{"messages":[],"stream_options":{"include_usage":true}}"#,
        ),
        (
            r#"{"messages":[],"stream_options":{}}"#,
            r#"{"messages":[],"stream_options":{"include_usage":true}}"#,
        ),
        (
            r#"{"messages":[],"stream_options":{"x":0}}"#,
            r#"{"messages":[],"stream_options":{"include_usage":true,"x":0}}"#,
        ),
        (
            r#"{"messages":[],"stream_options":{"include_usage": false}}"#,
            r#"{"messages":[],"stream_options":{"include_usage": true}}"#,
        ),
    ] {
        assert_eq!(edited(Endpoint::ChatCompletions, before, &usage), after);
    }
    let store = Edits { store_false: true, ..Edits::default() };
    assert_eq!(edited(Endpoint::Responses, RESPONSES, &store), r#"{"store":false,"model":"m","input":"Hi"}"#);
    assert_eq!(edited(Endpoint::Responses, r#"{"store":true}"#, &store), r#"{"store":false}"#);
    assert_eq!(edited(Endpoint::ChatCompletions, CHAT, &store), CHAT);
    let user = Edits { end_user: Some("p\""), ..Edits::default() };
    assert_eq!(
        edited(Endpoint::ChatCompletions, r#"{"user":"a@b","safety_identifier":"c","messages":[]}"#, &user),
        r#"{"user":"p\"","safety_identifier":"p\"","messages":[]}"#
    );
    assert_eq!(
        edited(Endpoint::CountTokens, r#"{"metadata":{"user_id": "a"},"messages":[]}"#, &user),
        r#"{"metadata":{"user_id": "p\""},"messages":[]}"#
    );
}

#[test]
fn models_to_fall_back_on_are_read_and_never_forwarded() {
    let model = ModelId::parse("n").unwrap();
    let chosen = Edits { model: Some(&model), store_false: true, ..Edits::default() };
    for (before, plain, after) in [
        (
            r#"{"model":"m", "models" : ["a","b\u0063"] , "input":1}"#,
            r#"{"model":"m",  "input":1}"#,
            r#"{"store":false,"model":"n",  "input":1}"#,
        ),
        (r#"{"models":["a"],"model":"m"}"#, r#"{"model":"m"}"#, r#"{"store":false,"model":"n"}"#),
        (r#"{"model":"m" , "models":["a"] }"#, r#"{"model":"m"  }"#, r#"{"store":false,"model":"n"  }"#),
        (r#"{ "models":["a"] }"#, "{  }", r#"{"store":false, "model":"n" }"#),
        (r#"{"models":null,"input":1}"#, r#"{"input":1}"#, r#"{"store":false,"model":"n","input":1}"#),
    ] {
        assert_eq!(edited(Endpoint::Responses, before, &Edits::default()), plain);
        assert_eq!(edited(Endpoint::Responses, before, &chosen), after);
    }
    let head = ok(Endpoint::Responses, r#"{"models":["a","b\u0063"]}"#);
    assert_eq!(head.fallbacks.iter().map(ModelName::expose).collect::<Vec<_>>(), ["a", "bc"]);
    for endpoint in [Endpoint::ChatCompletions, Endpoint::Responses, Endpoint::Messages] {
        for wrong in [r#""a""#, "[1]", r#"["1","2","3","4","5","6","7","8","9"]"#] {
            let body = with(endpoint, &format!(r#""models":{wrong}"#));
            assert_eq!(fault(endpoint, &body), (FaultKind::Invalid, Some("models")), "{wrong}");
        }
        let body = with(endpoint, r#""models":["a"],"models":["b"]"#);
        assert_eq!(fault(endpoint, &body), (FaultKind::Duplicate, Some("models")));
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z\"\\\\é]{0,6}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn an_edited_body_differs_only_where_it_should(
        unknown in prop::collection::hash_map("x[a-z\"\\\\é]{0,6}", json_value(), 0..5),
        limit in prop::option::of(1_u64..1_000_000),
        options in prop_oneof![
            Just(None),
            Just(Some(json!(null))),
            Just(Some(json!({}))),
            Just(Some(json!({"x": 1}))),
            Just(Some(json!({"include_usage": false, "x": [2]}))),
        ],
        store in prop::option::of(any::<bool>()),
        user in prop::option::of(".{0,8}"),
        pretty in any::<bool>(),
    ) {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
        for (key, value) in unknown {
            body[key] = value;
        }
        let members = [
            ("max_completion_tokens", limit.map(Value::from)),
            ("stream_options", options),
            ("store", store.map(Value::from)),
            ("user", user.map(Value::from)),
        ];
        for (key, value) in members {
            if let Some(value) = value {
                body[key] = value;
            }
        }
        let text = if pretty { serde_json::to_string_pretty(&body) } else { serde_json::to_string(&body) }.unwrap();
        let model = ModelId::parse("other").unwrap();
        let edits = Edits {
            model: Some(&model),
            output_limit: Some(77),
            include_usage: true,
            store_false: true,
            end_user: Some("pseudonym"),
        };
        let out: Value = serde_json::from_str(&edited(Endpoint::ChatCompletions, &text, &edits)).unwrap();
        let mut expected = body;
        expected["model"] = "other".into();
        expected["max_completion_tokens"] = 77.into();
        if !expected["stream_options"].is_object() {
            expected["stream_options"] = json!({});
        }
        expected["stream_options"]["include_usage"] = true.into();
        if expected.get("store").is_some() {
            expected["store"] = false.into();
        }
        if expected.get("user").is_some() {
            expected["user"] = "pseudonym".into();
        }
        prop_assert_eq!(out, expected);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for endpoint in Endpoint::ALL {
            drop(inspect(endpoint, &Content::new(bytes.clone().into())));
        }
    }

    #[test]
    fn a_damaged_body_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for endpoint in Endpoint::ALL {
            let mut body = with(endpoint, r#""tools":[{"type":"function","name":"f"}],"user":"u""#).into_bytes();
            let at = at.index(body.len());
            body[at] = byte;
            let content = Content::new(body.into());
            if let Ok(head) = inspect(endpoint, &content) {
                let edits = Edits { output_limit: Some(3), store_false: true, include_usage: true, ..Edits::default() };
                let out = edit(endpoint, &content, &head, &edits);
                prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(out.expose()).is_ok());
            }
        }
    }
}
