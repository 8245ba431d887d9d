use serde_json::{Value, json};

use super::*;
use crate::dialect::inspect;

const TURNS: [Turn<'static>; 2] = [Turn::Model("Two \"steps\".\n"), Turn::User("Go on.")];

fn go(endpoint: Endpoint, body: &str, shape: Shape) -> (String, Value) {
    let body = Content::new(Bytes::from(body.to_owned()));
    let continuation = Continuation { turns: &TURNS, output_limit: 777, shape };
    let out = continued(endpoint, &body, &continuation).unwrap();
    inspect(endpoint, &out).unwrap();
    let text = String::from_utf8(out.expose().to_vec()).unwrap();
    (text.clone(), serde_json::from_str(&text).unwrap())
}

fn added() -> [Value; 2] {
    [
        json!({"role": "assistant", "content": "Two \"steps\".\n"}),
        json!({"role": "user", "content": "Go on."}),
    ]
}

#[test]
fn every_endpoint_goes_on_with_its_own_words() {
    let first = json!({"role": "user", "content": "Hello"});
    for (endpoint, list, said, limits, written) in [
        (Endpoint::ChatCompletions, "messages", json!([first]), ["max_tokens", "max_completion_tokens"], 1),
        (Endpoint::Responses, "input", json!([first]), ["max_output_tokens"; 2], 0),
        (Endpoint::Responses, "input", json!("Hello"), ["max_output_tokens"; 2], 0),
        (Endpoint::Messages, "messages", json!([first]), ["max_tokens"; 2], 0),
    ] {
        let mut body = json!({"model": "duet/ensemble", "stream": false, "temperature": 1.0});
        body[list] = said;
        body[limits[0]] = json!(5_000);
        let (_text, out) = go(endpoint, &body.to_string(), Shape::AsAsked);
        let [model, user] = added();
        assert_eq!(out[list], json!([first, model, user]), "{endpoint:?}");
        assert_eq!(out[limits[written]], 777, "{endpoint:?}");
        assert!(written == 0 || out.get(limits[0]).is_none(), "{endpoint:?}: one name of the limit");
        assert_eq!((&out["stream"], &out["temperature"]), (&json!(true), &json!(1.0)));
    }
}

#[test]
fn the_form_of_the_answer_is_kept_or_left_out() {
    for (endpoint, list, member, value) in [
        (Endpoint::ChatCompletions, "messages", "response_format", json!({"type": "json_object"})),
        (Endpoint::ChatCompletions, "messages", "stop", json!(["END"])),
        (Endpoint::Responses, "input", "text", json!({"format": {"type": "json_object"}})),
        (Endpoint::Messages, "messages", "stop_sequences", json!(["END"])),
    ] {
        let mut body = json!({"max_tokens": 900});
        body[list] = json!([]);
        body[member] = value.clone();
        let text = body.to_string();
        assert_eq!(go(endpoint, &text, Shape::AsAsked).1[member], value, "{member}");
        assert!(go(endpoint, &text, Shape::Free).1.get(member).is_none(), "{member}");
    }
}

#[test]
fn what_was_said_stays_as_it_was_written_and_begins_every_continuation() {
    let odd = r#"{ "max_tokens":900, "messages" : [ {"role":"user", "content":"é \u00e9", "n": 1.00 } ] }"#;
    let (once, _value) = go(Endpoint::Messages, odd, Shape::AsAsked);
    let kept = once.split_once(r#"{"role":"assistant""#).unwrap().0;
    assert!(kept.ends_with("[ {\"role\":\"user\", \"content\":\"é \\u00e9\", \"n\": 1.00 },"), "{kept}");
    let (twice, _value) = go(Endpoint::Messages, &once, Shape::AsAsked);
    assert!(twice.starts_with(once.strip_suffix("]}").unwrap()));
}

#[test]
fn a_body_without_a_conversation_is_refused() {
    let continuation = Continuation { turns: &TURNS, output_limit: 1, shape: Shape::Free };
    for (endpoint, body) in [
        (Endpoint::Messages, &b"{}"[..]),
        (Endpoint::Messages, b"[]"),
        (Endpoint::Responses, br#"{"input":7}"#),
        (Endpoint::Embeddings, br#"{"input":"a"}"#),
    ] {
        assert!(continued(endpoint, &Content::new(Bytes::copy_from_slice(body)), &continuation).is_err());
    }
}
