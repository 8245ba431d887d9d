//! What holds for every request.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const GENERATING: [Endpoint; 3] = [Endpoint::ChatCompletions, Endpoint::Responses, Endpoint::Messages];

fn models(to: Endpoint) -> &'static [&'static str] {
    match to {
        Endpoint::Messages => &["claude-opus-5-5", "claude-sonnet-5", "claude-haiku-4-5", "unknown"],
        _ => &["gpt-6.1-sol", "gpt-5.6", "gpt-4.1", "unknown"],
    }
}

/// Members of the dialects.
const NAMES: &[&str] = &[
    "type",
    "role",
    "content",
    "text",
    "messages",
    "input",
    "tools",
    "name",
    "tool_calls",
    "function",
    "arguments",
    "id",
    "call_id",
    "tool_use_id",
    "source",
    "image_url",
    "url",
    "thinking",
    "signature",
    "output",
    "system",
    "delta",
    "index",
    "choices",
    "response",
    "item",
    "format",
    "schema",
    "stop",
    "reasoning",
    "summary",
    "encrypted_content",
];

/// Values of the dialects.
const TEXTS: &[&str] = &[
    "user",
    "assistant",
    "system",
    "tool",
    "text",
    "message",
    "tool_use",
    "tool_result",
    "function",
    "function_call",
    "reasoning",
    "input_text",
    "image",
    "data:image/png;base64,AA",
    "aiduet1.e30",
    "",
    "\u{1F980}",
    "message_start",
    "content_block_start",
    "content_block_delta",
    "response.created",
    "response.output_item.added",
    "response.output_text.delta",
    "stop",
    "{\"a\":1}",
];

/// JSON that looks like the dialects: their words in any order and nesting.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(TEXTS).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        let object = |members: Vec<(&str, Value)>| {
            members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<serde_json::Map<_, _>>()
        };
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(NAMES), inner), 0..6)
                .prop_map(move |members| Value::from(object(members))),
        ]
    })
}

/// One exchange of a conversation: what the user says, and what the assistant does with it.
#[derive(Clone, Debug)]
struct Exchange {
    system: Option<String>,
    user: String,
    answer: Option<String>,
    results: Vec<String>,
}

fn exchange() -> impl Strategy<Value = Exchange> {
    let word = "[a-z\u{e4}\u{4e2d}\"\\\\]{1,8}";
    (prop::option::weighted(0.2, word), word, prop::option::of(word), prop::collection::vec(word, 0..3))
        .prop_map(|(system, user, answer, results)| Exchange {
            system,
            user,
            answer: answer.or_else(|| results.is_empty().then(|| "ok".to_owned())),
            results,
        })
}

fn chat(exchanges: &[Exchange]) -> String {
    let mut messages = vec![json!({"role": "system", "content": "lead"})];
    for (turn, Exchange { system, user, answer, results }) in exchanges.iter().enumerate() {
        messages.push(json!({"role": "user", "content": user}));
        messages.extend(system.iter().map(|text| json!({"role": "system", "content": text})));
        let id = |at: usize| format!("call_{turn}_{at}");
        let calls: Vec<Value> = (0..results.len())
            .map(|at| json!({"id": id(at), "type": "function", "function": {"name": "f", "arguments": "{\"n\": 1.0}"}}))
            .collect();
        let mut message = json!({"role": "assistant", "content": answer});
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        messages.push(message);
        messages.extend(
            results
                .iter()
                .enumerate()
                .map(|(at, text)| json!({"role": "tool", "tool_call_id": id(at), "content": text})),
        );
    }
    messages.push(json!({"role": "user", "content": "end"}));
    json!({"model": "m", "messages": messages}).to_string()
}

fn messages(exchanges: &[Exchange]) -> String {
    let mut messages = Vec::new();
    let mut waiting: Vec<Value> = Vec::new();
    for (turn, Exchange { system: _, user, answer, results }) in exchanges.iter().enumerate() {
        waiting.push(json!({"type": "text", "text": user}));
        messages.push(json!({"role": "user", "content": std::mem::take(&mut waiting)}));
        let id = |at: usize| format!("toolu_{turn}_{at}");
        let mut blocks: Vec<Value> =
            answer.iter().map(|text| json!({"type": "text", "text": text})).collect();
        blocks.extend(
            (0..results.len())
                .map(|at| json!({"type": "tool_use", "id": id(at), "name": "f", "input": {"n": 1}})),
        );
        messages.push(json!({"role": "assistant", "content": blocks}));
        waiting.extend(
            results
                .iter()
                .enumerate()
                .map(|(at, text)| json!({"type": "tool_result", "tool_use_id": id(at), "content": text})),
        );
    }
    waiting.push(json!({"type": "text", "text": "end"}));
    messages.push(json!({"role": "user", "content": waiting}));
    json!({"model": "m", "max_tokens": 100, "system": "lead", "messages": messages}).to_string()
}

/// The body without the closing brackets at its end, and without the last thing said, which is
/// the same in every history here.
fn stem_of(body: &str) -> &str {
    let end = body.rfind("\"end\"").unwrap();
    let start = body[..end].rfind('{').unwrap();
    let start =
        if body[..start].ends_with("\"content\":[") { body[..start - 1].rfind('{').unwrap() } else { start };
    body[..start].trim_end_matches([',', '['])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_on_any_json(value in any_json(), members in prop::collection::vec(any_json(), 6)) {
        let [a, b, c, d, e, f] = members.try_into().unwrap();
        let body = json!({"model": "m", "max_tokens": 10, "messages": value, "input": a, "tools": b, "system": c, "thinking": d, "tool_choice": e, "reasoning": f});
        let object = |names: &[&str]| {
            let kept: serde_json::Map<_, _> = body.as_object().unwrap().iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(name, value)| (name.clone(), value.clone())).collect();
            Value::from(kept).to_string()
        };
        let bodies = [
            object(&["model", "messages", "tools", "tool_choice"]),
            object(&["model", "input", "tools", "tool_choice", "reasoning"]),
            object(&["model", "max_tokens", "messages", "system", "tools", "tool_choice", "thinking"]),
            value.to_string(),
        ];
        for from in GENERATING {
            for to in GENERATING {
                for body in &bodies {
                    drop(request(from, to, &content(body), &target(models(to)[0])));
                }
                let plan = plan_of(from, to);
                let facts = Facts { created: 1, fallback_id: "f", usage: &USAGE, stages: &[] };
                drop(answer(&plan, &content(&value.to_string()), &facts));
                let stream = format!("event: x\ndata: {value}\n\ndata: {}\n\n", body["input"]);
                streamed(&plan, &[stream.as_bytes()]);
            }
        }
        drop(scrub(Endpoint::Messages, &content(&bodies[2])));
        drop(scrub(Endpoint::Responses, &content(&bodies[1])));
    }

    #[test]
    fn the_translation_of_a_history_begins_that_of_its_continuation(
        exchanges in prop::collection::vec(exchange(), 1..6),
    ) {
        for (from, write) in [(Endpoint::ChatCompletions, chat as fn(&[Exchange]) -> String), (Endpoint::Messages, messages)] {
            for to in GENERATING {
                for model in models(to) {
                    let sent = |length: usize| text(&translated(from, to, model, &write(&exchanges[..length])).body);
                    let whole = sent(exchanges.len());
                    for length in 0..exchanges.len() {
                        let shorter = sent(length);
                        let stem = stem_of(&shorter);
                        prop_assert!(whole.starts_with(stem), "{from:?} to {to:?}\n{stem}\n{whole}");
                    }
                }
            }
        }
    }

    #[test]
    fn there_and_back_keeps_what_all_dialects_can_say(exchanges in prop::collection::vec(exchange(), 1..5)) {
        let plain: Vec<Exchange> = exchanges.iter().cloned().map(|exchange| Exchange { system: None, ..exchange }).collect();
        let original = translated(Endpoint::Messages, Endpoint::Messages, "claude-opus-5", &messages(&plain));
        for through in [Endpoint::ChatCompletions, Endpoint::Responses] {
            let there = translated(Endpoint::Messages, through, "gpt-4.1", &messages(&plain));
            let back = translated(through, Endpoint::Messages, "claude-opus-5", &text(&there.body));
            let parsed: Value = serde_json::from_slice(back.body.expose()).unwrap();
            let expected: Value = serde_json::from_slice(original.body.expose()).unwrap();
            prop_assert_eq!(&parsed["messages"], &expected["messages"]);
            prop_assert_eq!(&parsed["system"], &expected["system"]);
            prop_assert_eq!(&parsed["max_tokens"], &expected["max_tokens"]);
        }
    }
}

fn plan_of(from: Endpoint, to: Endpoint) -> Plan {
    let body = match from {
        Endpoint::Responses => r#"{"model":"m","input":"x"}"#,
        _ => r#"{"model":"m","max_tokens":10,"messages":[{"role":"user","content":"x"}]}"#,
    };
    translated(from, to, models(to)[0], body).plan
}
