//! A request in words that fit every endpoint.

use http::StatusCode;
use serde_json::Value;

use super::script::Script;
use super::seed::Seed;
use super::tokens;
use super::trouble::Trouble;

/// Tokens that a message costs beside its text.
const MESSAGE_OVERHEAD: u64 = 4;

/// How long a written prefix lives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lifetime {
    Short,
    Long,
}

/// A piece of the prompt that a cached prefix may end with.
pub(super) struct Segment {
    pub(super) text: String,
    pub(super) tokens: u64,
    /// The client marks the end of a cached prefix here.
    pub(super) lifetime: Option<Lifetime>,
}

/// A tool that the model may call.
pub(super) struct Tool {
    pub(super) name: String,
    /// The schema of its arguments; `None`: free text.
    pub(super) schema: Option<Value>,
}

/// Which tools the model may or must call.
pub(super) enum ToolChoice {
    Auto,
    Required,
    Named(String),
    Forbidden,
}

/// What the answer must look like.
pub(super) enum Format {
    Text,
    Object,
    Schema(Value),
}

/// Whether the model thinks, and whether that is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    Off,
    Hidden,
    Shown,
}

/// A request in words that fit every endpoint.
pub(super) struct Prompt {
    pub(super) model: String,
    /// In the order in which prefixes are cached.
    pub(super) segments: Vec<Segment>,
    pub(super) tools: Vec<Tool>,
    pub(super) tool_choice: ToolChoice,
    pub(super) parallel: bool,
    /// The last thing in the prompt is what a tool said.
    pub(super) has_result: bool,
    pub(super) format: Format,
    pub(super) limit: Option<u64>,
    pub(super) stops: Vec<String>,
    pub(super) choices: usize,
    pub(super) thinking: Thinking,
    pub(super) stream: bool,
    /// Cache writes have the long life (OpenAI).
    pub(super) long_cache: bool,
    pub(super) script: Script,
}

impl Prompt {
    /// The prompt's tokens.
    pub(super) fn tokens(&self) -> u64 {
        self.segments.iter().fold(0, |sum, segment| sum.saturating_add(segment.tokens))
    }

    pub(super) fn seed(&self) -> Seed {
        let texts = self.segments.iter().map(|segment| segment.text.as_bytes());
        Seed::of(std::iter::once(self.model.as_bytes()).chain(texts))
    }
}

/// Collects the segments of a conversation.
#[derive(Default)]
pub(super) struct Transcript {
    pub(super) segments: Vec<Segment>,
    pub(super) last_user_text: String,
    pub(super) has_result: bool,
}

impl Transcript {
    /// Adds a message: text, or an array of blocks.
    pub(super) fn message(&mut self, role: &str, content: &Value) {
        let first = self.segments.len();
        let mut text = String::new();
        match content {
            Value::String(whole) => {
                text.push_str(whole);
                self.segments.push(plain(whole.clone()));
            }
            Value::Array(blocks) => {
                self.segments.extend(blocks.iter().map(segment));
                let words: Vec<&str> =
                    blocks.iter().filter_map(|block| block.get("text")?.as_str()).collect();
                text = words.join("\n");
            }
            _ => self.segments.push(plain(String::new())),
        }
        self.has_result = role == "tool" || blocks_of(content).any(|block| kind(block) == "tool_result");
        if role == "user" && !text.is_empty() {
            self.last_user_text = text;
        }
        if let Some(opening) = self.segments.get_mut(first) {
            opening.text.insert_str(0, role);
            opening.tokens = opening.tokens.saturating_add(MESSAGE_OVERHEAD);
        }
    }

    /// Adds anything else that is a part of the prompt: a tool, an item.
    pub(super) fn other(&mut self, value: &Value) {
        self.segments.push(segment(value));
    }

    /// Closes the last segment as a cached prefix.
    pub(super) fn mark_end(&mut self, lifetime: Option<Lifetime>) {
        if let (Some(last), Some(lifetime)) = (self.segments.last_mut(), lifetime) {
            last.lifetime.get_or_insert(lifetime);
        }
    }
}

/// `type` of a block.
pub(super) fn kind(block: &Value) -> &str {
    text_at(block, "type").unwrap_or_default()
}

/// A field that is text.
pub(super) fn text_at<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

/// A field that is an array; empty where there is none.
pub(super) fn array_at<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn blocks_of(content: &Value) -> impl Iterator<Item = &Value> {
    content.as_array().into_iter().flatten()
}

fn plain(text: String) -> Segment {
    Segment { tokens: tokens::count(&text), text, lifetime: None }
}

fn segment(block: &Value) -> Segment {
    let mut made = match (kind(block), text_at(block, "text")) {
        ("text" | "input_text" | "output_text", Some(text)) => plain(text.to_owned()),
        ("image" | "image_url" | "input_image" | "document" | "file" | "input_file" | "input_audio", _) => {
            Segment { text: block.to_string(), tokens: tokens::ATTACHMENT, lifetime: None }
        }
        _ => plain(without_mark(block)),
    };
    made.lifetime = lifetime(block);
    made
}

fn without_mark(block: &Value) -> String {
    let mut block = block.clone();
    if let Value::Object(fields) = &mut block {
        fields.remove("cache_control");
    }
    block.to_string()
}

/// The mark `cache_control` of a block.
pub(super) fn lifetime(block: &Value) -> Option<Lifetime> {
    let mark = block.get("cache_control").filter(|mark| mark.is_object())?;
    Some(if text_at(mark, "ttl") == Some("1h") { Lifetime::Long } else { Lifetime::Short })
}

/// The request as JSON, and its model.
pub(super) fn parse(body: &[u8]) -> Result<(Value, String), Trouble> {
    let value: Value =
        serde_json::from_slice(body).map_err(|_text| Trouble::invalid("the body is not valid JSON"))?;
    let model = text_at(&value, "model").filter(|model| !model.is_empty()).map(str::to_owned);
    let model = model.ok_or_else(|| Trouble::missing("model"))?;
    Ok((value, model))
}

/// A number that limits the output.
pub(super) fn limit_at(body: &Value, name: &'static str) -> Result<Option<u64>, Trouble> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or_else(|| Trouble::wrong(name)),
    }
}

/// `true`, `false` or absent.
pub(super) fn switch_at(body: &Value, name: &'static str) -> Result<Option<bool>, Trouble> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_bool().map(Some).ok_or_else(|| Trouble::wrong(name)),
    }
}

/// The markers of the request.
pub(super) fn script(model: &str, text: &str) -> Result<Script, Trouble> {
    Script::read(model, text).map_err(|_unknown| Trouble {
        param: Some("simulate"),
        ..Trouble::of(StatusCode::BAD_REQUEST, "unknown simulate directive")
    })
}
