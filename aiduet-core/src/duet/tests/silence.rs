//! No word of a request comes out, and no request makes the router stumble.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Client, Feature, Helper, Role};
use super::world::World;
use crate::content::Content;
use crate::dialect::{Endpoint, Transcript};

const ENDPOINTS: [Endpoint; 5] = [
    Endpoint::Messages,
    Endpoint::ChatCompletions,
    Endpoint::Responses,
    Endpoint::CountTokens,
    Endpoint::InputTokens,
];

/// Every word that a reason or an explanation may have.
fn vocabulary() -> BTreeSet<String> {
    let fixed = "rule score top model switch role sticky tool_loop session constraint policy fallback override \
        header alias key background client_mode turn message edit follow_up go_ahead thanks previous tools default \
        tool_choice thinking n logprobs mcp_servers input_length chosen alternative down not_served not_allowed \
        provider model_reason switch_cost scores features feature value contributions candidates state reason null \
        anthropic openai";
    let clients = [
        Client::ClaudeCode,
        Client::Codex,
        Client::Cline,
        Client::Roo,
        Client::Cursor,
        Client::OpenCode,
        Client::Aider,
        Client::Custom,
    ];
    let helpers = [
        Helper::Quota,
        Helper::Topic,
        Helper::Title,
        Helper::Tags,
        Helper::FollowUps,
        Helper::CommitLine,
        Helper::Suggestion,
    ];
    fixed
        .split_whitespace()
        .chain(Role::ALL.iter().map(|role| role.as_str()))
        .chain(Feature::ALL.iter().map(|feature| feature.as_str()))
        .chain(clients.iter().map(|client| client.as_str()))
        .chain(helpers.iter().map(|helper| helper.as_str()))
        .chain(["claude-opus-5-5", "gpt-6.1-sol", "claude-haiku-5-5", "gpt-6-luna"])
        .map(str::to_owned)
        .collect()
}

fn is_known(word: &str, vocabulary: &BTreeSet<String>) -> bool {
    vocabulary.contains(word)
        || word.trim_start_matches(['+', '-']).chars().all(|letter| letter.is_ascii_digit() || letter == '.')
        || word.split('.').all(|part| vocabulary.contains(part))
}

fn any_json() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        Just("role".to_owned()),
        Just("content".to_owned()),
        Just("type".to_owned()),
        Just("text".to_owned()),
        Just("messages".to_owned()),
        Just("input".to_owned()),
        Just("system".to_owned()),
        Just("instructions".to_owned()),
        Just("tools".to_owned()),
        Just("name".to_owned()),
        Just("tool_calls".to_owned()),
        Just("function".to_owned()),
        Just("tool_use_id".to_owned()),
        Just("id".to_owned()),
        Just("tool_choice".to_owned()),
        Just("thinking".to_owned()),
        "[a-z]{0,6}",
    ];
    let word = prop_oneof![
        Just("user".to_owned()),
        Just("assistant".to_owned()),
        Just("system".to_owned()),
        Just("tool".to_owned()),
        Just("text".to_owned()),
        Just("tool_use".to_owned()),
        Just("tool_result".to_owned()),
        Just("<system-reminder>\nPlan mode is active\n</system-reminder>".to_owned()),
        Just("<system-reminder></system-reminder><user_query>x</user_query></task>".to_owned()),
        Just("[read_file for 'x'] Result:\n```\nfoo".to_owned()),
        Just("请把“评审”翻译成英文：设计ABC don't `code`".to_owned()),
        "\\PC{0,40}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A request with this text wherever a client writes something.
fn everywhere(text: &str) -> [(Endpoint, Value); 3] {
    let tools = json!([{"name": text, "description": text, "input_schema": {"title": text}}]);
    [
        (
            Endpoint::Messages,
            json!({"system": text, "tools": tools, "metadata": {"user_id": text}, "messages": [
                {"role": "user", "content": [{"type": "text", "text": text}, {"type": text}]},
                {"role": "assistant", "content": [{"type": "thinking", "thinking": text, "signature": text},
                    {"type": "tool_use", "id": text, "name": text, "input": {"x": text}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": text, "content": text}]},
                {"role": "assistant", "content": text},
                {"role": "user", "content": text},
            ]}),
        ),
        (
            Endpoint::ChatCompletions,
            json!({"messages": [
                {"role": "system", "content": text},
                {"role": "user", "content": text, "name": text},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": text, "type": "function", "function": {"name": text, "arguments": text}}]},
                {"role": "tool", "tool_call_id": text, "content": text},
                {"role": "user", "content": [{"type": "text", "text": text}]},
            ]}),
        ),
        (
            Endpoint::Responses,
            json!({"instructions": text, "input": [
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]},
                {"type": "function_call", "name": text, "call_id": text, "arguments": text},
                {"type": "function_call_output", "call_id": text, "output": text},
                {"role": "user", "content": text},
            ]}),
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_json_is_decided_or_refused(body in any_json()) {
        let world = World::new();
        let content = Content::new(body.to_string().into());
        for endpoint in ENDPOINTS {
            if Transcript::read(endpoint, &content).is_ok() {
                drop(world.decide(endpoint, &body));
                prop_assert_eq!(world.verdict(endpoint, &body), world.verdict(endpoint, &body));
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let content = Content::new(bytes.into());
        for endpoint in ENDPOINTS {
            drop(Transcript::read(endpoint, &content));
        }
    }

    #[test]
    fn reasons_and_explanations_have_no_word_of_the_request(words in "[qxz]{4,9}( [a-zA-Z'<>/:.?\\n]{1,12}){0,8}") {
        let world = World::new();
        let vocabulary = vocabulary();
        for (endpoint, body) in everywhere(&words) {
            let Ok(decision) = world.decide(endpoint, &body) else { continue };
            let reason = decision.reason().to_string();
            prop_assert!(reason.is_ascii() && reason.len() <= 256, "{}", reason);
            let explanation = serde_json::to_string(&decision.explanation()).unwrap();
            for text in [reason, explanation] {
                let separators = |letter: char| !(letter.is_ascii_alphanumeric() || "._-+".contains(letter));
                for word in text.split(separators).filter(|word| !word.is_empty()) {
                    prop_assert!(is_known(word, &vocabulary), "{} in {}", word, text);
                }
            }
        }
    }
}

#[test]
fn the_longest_reason_fits() {
    let world = World::new();
    let order = "Write a script, fix the tests, review the design; why is it slow? Should we migrate?";
    for (endpoint, body) in everywhere(order) {
        let decision = world.decide(endpoint, &body).unwrap();
        let longest = Feature::ALL.iter().map(|feature| feature.as_str().len()).max().unwrap();
        let reason = decision.reason().to_string();
        assert!(reason.len() + 3 * longest <= 256, "{reason}");
    }
}
