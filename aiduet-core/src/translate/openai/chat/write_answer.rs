//! Answers of Chat Completions, written.

use serde::Serialize;

use super::super::super::Facts;
use super::super::super::conversation::InputKind;
use super::super::super::ids::stem;
use super::super::super::json::{Text, write};
use super::super::super::reply::{Block, Called, Finish, Reply};
use super::super::super::stages::Listed;
use super::super::super::target::Plan;
use super::usage::UsageWire;

/// Begins the identifier of an answer.
pub(super) const ID_PREFIX: &str = "chatcmpl-";

#[derive(Serialize)]
struct Completion<'a> {
    id: String,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: [Choice; 1],
    usage: Listed<'a, UsageWire>,
}

#[derive(Serialize)]
struct Choice {
    index: u8,
    message: Message,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

#[derive(Default, Serialize)]
struct Message {
    role: &'static str,
    content: Option<String>,
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    annotations: [(); 0],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<Function>,
}

#[derive(Serialize)]
struct ToolCall {
    id: String,
    #[serde(flatten)]
    called: CallWire,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum CallWire {
    Function { function: Function },
    Custom { custom: Custom },
}

#[derive(Serialize)]
struct Function {
    name: String,
    arguments: String,
}

#[derive(Serialize)]
struct Custom {
    name: String,
    input: String,
}

/// Writes an answer.
pub(in crate::translate) fn write_answer(reply: Reply, plan: &Plan, facts: &Facts<'_>) -> Vec<u8> {
    let Reply { id, blocks, finish } = reply;
    let mut message = Message { role: "assistant", ..Message::default() };
    for block in blocks {
        match block {
            Block::Text(text) => message.content.get_or_insert_default().push_str(&text),
            Block::Refusal(text) => message.refusal.get_or_insert_default().push_str(&text),
            Block::Thought(thought) => {
                let text = thought.text.as_ref().map(Text::decode).unwrap_or_default();
                if !text.is_empty() {
                    message.reasoning_content.get_or_insert_default().push_str(&text);
                }
            }
            Block::Call(called) if plan.delivery.legacy_tools => {
                message.function_call = Some(function(called))
            }
            Block::Call(called) => message.tool_calls.push(tool_call(called)),
        }
    }
    if let Finish::Refusal { explanation: Some(explanation), .. } = &finish {
        message.refusal.get_or_insert_with(|| explanation.clone());
    }
    let calls = !message.tool_calls.is_empty() || message.function_call.is_some();
    let finish_reason = finish_reason(&finish, if calls { Calls::Some } else { Calls::None }, plan);
    write(&Completion {
        id: format!("{ID_PREFIX}{}", stem(&id, facts.fallback_id)),
        object: "chat.completion",
        created: facts.created,
        model: &plan.answer_model,
        choices: [Choice { index: 0, message, logprobs: None, finish_reason }],
        usage: Listed::new(UsageWire::from(facts.usage), facts.stages),
    })
}

fn function(called: Called) -> Function {
    Function { name: called.name, arguments: called.arguments }
}

fn tool_call(called: Called) -> ToolCall {
    let Called { id, namespace: _, name, input, arguments } = called;
    let called = match input {
        InputKind::Object => CallWire::Function { function: Function { name, arguments } },
        InputKind::Free => CallWire::Custom { custom: Custom { name, input: arguments } },
    };
    ToolCall { id, called }
}

/// Whether an answer calls tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calls {
    None,
    Some,
}

/// Why an answer ended, in this dialect. Some providers say that they are done when tools are to
/// be called.
pub(super) const fn finish_reason(finish: &Finish, calls: Calls, plan: &Plan) -> &'static str {
    match (finish, calls) {
        (Finish::Length, _) => "length",
        (Finish::Refusal { .. }, _) => "content_filter",
        (_, Calls::Some) if plan.delivery.legacy_tools => "function_call",
        (_, Calls::Some) => "tool_calls",
        (_, Calls::None) => "stop",
    }
}
