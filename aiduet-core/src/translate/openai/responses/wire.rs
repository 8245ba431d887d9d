//! What a request looks like, as far as it is written here.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::super::super::json::Text;

/// A request. The input stands last, so that the bytes of a history begin the bytes of its
/// continuation.
#[derive(Serialize)]
pub(super) struct Body<'a> {
    pub(super) model: &'a str,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) stream: bool,
    pub(super) store: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) include: Option<[&'static str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<TextConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_tier: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) safety_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt_cache_key: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instructions: Option<Text<'a>>,
    pub(super) input: Vec<Item<'a>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[derive(Serialize)]
pub(super) struct Reasoning {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) summary: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct TextConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<Format<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verbosity: Option<Text<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Format<'a> {
    JsonObject,
    JsonSchema {
        name: Text<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<Text<'a>>,
        schema: &'a RawValue,
        strict: bool,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ToolChoice<'a> {
    Mode(&'static str),
    Object(ToolChoiceObject<'a>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToolChoiceObject<'a> {
    Function { name: Text<'a> },
    Custom { name: Text<'a> },
    AllowedTools { mode: &'static str, tools: Vec<Self> },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Tool<'a> {
    Function {
        name: Text<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<Text<'a>>,
        parameters: Cow<'a, RawValue>,
        strict: bool,
    },
    Custom {
        name: Text<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<Text<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<Grammar<'a>>,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Grammar<'a> {
    Grammar { syntax: Text<'a>, definition: Text<'a> },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    Message {
        role: &'static str,
        content: Vec<Part<'a>>,
    },
    Reasoning {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Text<'a>>,
        summary: Vec<Summary<'a>>,
        encrypted_content: Text<'a>,
    },
    FunctionCall {
        call_id: Text<'a>,
        name: Text<'a>,
        arguments: Text<'a>,
    },
    FunctionCallOutput {
        call_id: Text<'a>,
        output: Output<'a>,
    },
    CustomToolCall {
        call_id: Text<'a>,
        name: Text<'a>,
        input: Text<'a>,
    },
    CustomToolCallOutput {
        call_id: Text<'a>,
        output: Output<'a>,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Output<'a> {
    Text(Text<'a>),
    Parts(Vec<Part<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Summary<'a> {
    SummaryText { text: Text<'a> },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part<'a> {
    InputText {
        text: Text<'a>,
    },
    OutputText {
        text: Text<'a>,
        annotations: [(); 0],
    },
    Refusal {
        refusal: Text<'a>,
    },
    InputImage {
        image_url: Text<'a>,
        detail: &'static str,
    },
    InputFile {
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<Text<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_data: Option<Text<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_url: Option<Text<'a>>,
    },
}
