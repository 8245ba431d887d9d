//! Answers of Messages, written.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::super::Facts;
use super::super::conversation::Thought;
use super::super::free;
use super::super::ids::stem;
use super::super::json::{Text, write};
use super::super::reply::{Block, Called, Finish, Reply};
use super::super::seal::seal;
use super::super::stages::Listed;
use super::super::target::Plan;
use super::usage::UsageWire;
use super::wire::Block as BlockWire;

/// Begins the identifier of an answer.
pub(super) const ID_PREFIX: &str = "msg_";

#[derive(Serialize)]
struct Message<'a> {
    id: String,
    r#type: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<BlockWire<'static>>,
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_details: Option<StopDetails<'a>>,
    usage: Listed<'a, UsageWire>,
}

/// Why a model refused.
#[derive(Serialize)]
pub(super) struct StopDetails<'a> {
    r#type: &'static str,
    category: Option<&'a str>,
    explanation: Option<&'a str>,
}

/// Writes an answer.
pub(in crate::translate) fn write_answer(reply: Reply, plan: &Plan, facts: &Facts<'_>) -> Vec<u8> {
    let Reply { id, blocks, finish } = reply;
    let calls = blocks.iter().any(|block| matches!(block, Block::Call(_)));
    let stop = Stop::of(&finish, if calls { Calls::Some } else { Calls::None });
    let content = blocks.into_iter().filter_map(|block| write_block(block, plan)).collect();
    write(&Message {
        id: format!("{ID_PREFIX}{}", stem(&id, facts.fallback_id)),
        r#type: "message",
        role: "assistant",
        model: &plan.answer_model,
        content,
        stop_reason: stop.reason,
        stop_sequence: stop.sequence,
        stop_details: stop.details,
        usage: Listed::new(UsageWire::whole(facts.usage), facts.stages),
    })
}

fn write_block(block: Block, plan: &Plan) -> Option<BlockWire<'static>> {
    match block {
        Block::Text(text) | Block::Refusal(text) => {
            (!text.is_empty()).then(|| BlockWire::Text { text: Text::from(text), cache_control: None })
        }
        Block::Thought(thought) => write_thought(thought, plan),
        Block::Call(Called { id, name, arguments, .. }) => Some(BlockWire::ToolUse {
            id: Text::from(id),
            name: Text::from(name),
            input: Cow::Owned(object(arguments)),
        }),
    }
}

/// Reasoning of another vendor: shown where it has a text, and sealed for the way back.
fn write_thought(thought: Thought<'static>, plan: &Plan) -> Option<BlockWire<'static>> {
    let shown = thought.text.clone().filter(|text| !text.is_empty());
    let sealed = Thought { text: None, ..thought };
    if shown.is_none() && sealed.proof.is_none() {
        return None;
    }
    let signature = Text::from(seal(&sealed, &plan.model));
    Some(match shown {
        Some(thinking) => BlockWire::Thinking { thinking, signature },
        None => BlockWire::RedactedThinking { data: signature },
    })
}

/// Arguments as an object. Broken ones, of an answer that was cut short, are kept as a text.
fn object(arguments: String) -> Box<RawValue> {
    let text = if arguments.trim().is_empty() { "{}".to_owned() } else { arguments };
    let raw = RawValue::from_string(text.clone()).ok().filter(|value| value.get().starts_with('{'));
    raw.or_else(|| RawValue::from_string(free::wrap(&Text::from(text))).ok())
        .unwrap_or_else(|| RawValue::NULL.to_owned())
}

/// Whether an answer calls tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calls {
    None,
    Some,
}

/// Why an answer ended, in this dialect.
pub(super) struct Stop<'a> {
    pub(super) reason: &'static str,
    pub(super) sequence: Option<&'a str>,
    pub(super) details: Option<StopDetails<'a>>,
}

impl<'a> Stop<'a> {
    /// Some providers say that they are done when tools are to be called.
    pub(super) fn of(finish: &'a Finish, calls: Calls) -> Self {
        let plain = |reason: &'static str| Self { reason, sequence: None, details: None };
        match (finish, calls) {
            (Finish::Length, _) => plain("max_tokens"),
            (Finish::Refusal { category, explanation }, _) => {
                Self::refusal(category.as_deref(), explanation.as_deref())
            }
            (Finish::Declined(explanation), _) => Self::refusal(None, Some(explanation)),
            (Finish::StopSequence(sequence), _) => {
                Self { sequence: Some(sequence), ..plain("stop_sequence") }
            }
            (Finish::Pause, _) => plain("pause_turn"),
            (Finish::Calls, _) | (Finish::Done | Finish::Unknown, Calls::Some) => plain("tool_use"),
            (Finish::Done | Finish::Unknown, Calls::None) => plain("end_turn"),
        }
    }

    const fn refusal(category: Option<&'a str>, explanation: Option<&'a str>) -> Self {
        let details = StopDetails { r#type: "refusal", category, explanation };
        Self { reason: "refusal", sequence: None, details: Some(details) }
    }
}
