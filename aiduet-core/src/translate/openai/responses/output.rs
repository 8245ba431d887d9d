//! The items of an answer, written.

use serde::Serialize;
use serde_json::Value;

use super::super::super::conversation::{InputKind, Thought};
use super::super::super::ids::numbered;
use super::super::super::json::write_text;
use super::super::super::reply::{Block, Called, Finish};
use super::super::super::seal::seal;
use super::super::super::stages::Listed;
use super::super::super::target::Plan;
use crate::usage::{StageUsage, Usage};

/// Begins the identifier of an answer.
pub(super) const ID_PREFIX: &str = "resp_";

/// An item, whole.
#[derive(Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item {
    Message {
        id: String,
        status: &'static str,
        role: &'static str,
        content: Vec<Part>,
    },
    Reasoning {
        id: String,
        summary: Vec<Summary>,
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<String>,
    },
    FunctionCall {
        id: String,
        status: &'static str,
        call_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        name: String,
        arguments: String,
    },
    CustomToolCall {
        id: String,
        status: &'static str,
        call_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        name: String,
        input: String,
    },
}

#[derive(Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part {
    OutputText { text: String, annotations: [(); 0], logprobs: [(); 0] },
    Refusal { refusal: String },
}

impl Part {
    pub(super) const fn text(text: String) -> Self {
        Self::OutputText { text, annotations: [], logprobs: [] }
    }
}

#[derive(Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Summary {
    SummaryText { text: String },
}

/// Whether an item is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    InProgress,
    Completed,
}

impl Status {
    const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
        }
    }
}

/// The item of a block; `number` is its place in the answer. `None`: there is nothing to say.
pub(super) fn item(block: Block, number: u32, stem: &str, plan: &Plan) -> Option<Item> {
    Some(match block {
        Block::Text(text) => message(Status::Completed, vec![Part::text(text)], number, stem),
        Block::Refusal(refusal) => message(Status::Completed, vec![Part::Refusal { refusal }], number, stem),
        Block::Thought(thought) => return reasoning(&thought, number, stem, plan),
        Block::Call(called) => call(called, Status::Completed, number, stem),
    })
}

pub(super) fn message(status: Status, content: Vec<Part>, number: u32, stem: &str) -> Item {
    Item::Message { id: numbered("msg_", stem, number), status: status.as_str(), role: "assistant", content }
}

pub(super) fn call(called: Called, status: Status, number: u32, stem: &str) -> Item {
    let Called { id: call_id, namespace, name, input, arguments } = called;
    let status = status.as_str();
    match input {
        InputKind::Object => Item::FunctionCall {
            id: numbered("fc_", stem, number),
            status,
            call_id,
            namespace,
            name,
            arguments,
        },
        InputKind::Free => {
            let id = numbered("ctc_", stem, number);
            Item::CustomToolCall { id, status, call_id, namespace, name, input: arguments }
        }
    }
}

/// Reasoning of another vendor: shown as a summary where it has a text, and sealed for the way
/// back.
pub(super) fn reasoning(thought: &Thought<'_>, number: u32, stem: &str, plan: &Plan) -> Option<Item> {
    let text = thought.text.as_ref().map(|text| text.decode().into_owned()).unwrap_or_default();
    if text.is_empty() && thought.proof.is_none() {
        return None;
    }
    let encrypted_content = thought.proof.is_some().then(|| seal(thought, &plan.model));
    let id = numbered("rs_", stem, number);
    let summary = if text.is_empty() { Vec::new() } else { vec![Summary::SummaryText { text }] };
    Some(Item::Reasoning { id, summary, encrypted_content })
}

/// Counts: cached and written tokens are inside the input, reasoning is inside the output.
#[derive(Serialize)]
pub(super) struct UsageWire {
    input_tokens: u64,
    input_tokens_details: InputDetails,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
    total_tokens: u64,
}

#[derive(Serialize)]
struct InputDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Serialize)]
struct OutputDetails {
    reasoning_tokens: u64,
}

impl From<&Usage> for UsageWire {
    fn from(usage: &Usage) -> Self {
        let Usage { cache_read, cache_write_short, cache_write_long, output, reasoning, .. } = *usage;
        Self {
            input_tokens: usage.prompt(),
            input_tokens_details: InputDetails {
                cached_tokens: cache_read,
                cache_write_tokens: cache_write_short.saturating_add(cache_write_long),
            },
            output_tokens: output,
            output_tokens_details: OutputDetails { reasoning_tokens: reasoning },
            total_tokens: usage.prompt().saturating_add(output),
        }
    }
}

/// What stands around the items of an answer, and how it stands.
pub(super) struct Frame<'a> {
    pub(super) id: &'a str,
    pub(super) created: u64,
    pub(super) plan: &'a Plan,
}

/// Why an answer is not complete, or why it failed, as its members say it.
pub(super) enum State<'a> {
    InProgress,
    Ended { finish: &'a Finish, usage: &'a Usage, stages: &'a [StageUsage] },
    Failed { error: &'a Value },
}

impl Frame<'_> {
    /// The object of an answer, around its written items.
    pub(super) fn response(&self, state: &State<'_>, output: &[String]) -> String {
        let Self { id, created, plan } = self;
        let none = "null".to_owned();
        let (status, incomplete, error, usage) = match state {
            State::InProgress => ("in_progress", none.clone(), none.clone(), none),
            State::Failed { error } => ("failed", none.clone(), error.to_string(), none),
            State::Ended { finish, usage, stages } => {
                let (status, reason) = status(finish);
                let incomplete = reason.map_or(none.clone(), |reason| format!("{{\"reason\":\"{reason}\"}}"));
                (status, incomplete, none, write_text(&Listed::new(UsageWire::from(*usage), stages)))
            }
        };
        format!(
            concat!(
                r#"{{"id":{},"object":"response","created_at":{},"status":"{}","background":false,"error":{},"#,
                r#""incomplete_details":{},"model":{},"output":[{}],"previous_response_id":null,"store":false,"#,
                r#""service_tier":"default","usage":{}{}}}"#
            ),
            write_text(id),
            created,
            status,
            error,
            incomplete,
            write_text(&plan.answer_model),
            output.join(","),
            usage,
            plan.echo,
        )
    }
}

/// Status, and why it is not complete.
pub(super) const fn status(finish: &Finish) -> (&'static str, Option<&'static str>) {
    match finish {
        Finish::Length => ("incomplete", Some("max_output_tokens")),
        Finish::Refusal { .. } => ("incomplete", Some("content_filter")),
        Finish::Done
        | Finish::Declined(_)
        | Finish::StopSequence(_)
        | Finish::Calls
        | Finish::Pause
        | Finish::Unknown => ("completed", None),
    }
}
