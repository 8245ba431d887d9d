//! The messages of Chat Completions, read.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::super::conversation::{
    Call, Conversation, Input, InputKind, Item, Part, PartKind, Returned, Role, ToolOutcome,
};
use super::super::super::json::{Text, read};
use super::super::media;
use super::super::values::Breakpoint;
use super::WORDS;
use crate::dialect::RequestFault;

#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    role: Text<'a>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    refusal: Option<Text<'a>>,
    #[serde(borrow, default)]
    tool_calls: Option<Vec<ToolCall<'a>>>,
    #[serde(borrow, default)]
    tool_call_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    function_call: Option<Function<'a>>,
    #[serde(borrow, default)]
    audio: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ToolCall<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, default)]
    function: Option<Function<'a>>,
    #[serde(borrow, default)]
    custom: Option<Custom<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, default)]
    arguments: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Custom<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    input: Text<'a>,
}

#[derive(Deserialize)]
struct PartWire<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
    #[serde(borrow, default)]
    refusal: Option<Text<'a>>,
    #[serde(borrow, default)]
    image_url: Option<ImageUrl<'a>>,
    #[serde(borrow, default)]
    file: Option<File<'a>>,
    #[serde(borrow, default)]
    prompt_cache_breakpoint: Option<Breakpoint<'a>>,
}

#[derive(Deserialize)]
struct ImageUrl<'a> {
    #[serde(borrow)]
    url: Text<'a>,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, default)]
    file_data: Option<Text<'a>>,
    #[serde(borrow, default)]
    file_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    filename: Option<Text<'a>>,
}

/// Reads the messages. System messages before the first other one become the system text.
pub(super) fn read_messages<'a>(
    messages: Vec<Message<'a>>,
    talk: &mut Conversation<'a>,
) -> Result<(), RequestFault> {
    let mut legacy = LegacyCalls::default();
    for message in messages {
        if message.audio.is_some() {
            return Err(RequestFault::unsupported("messages.audio", "audio cannot be translated"));
        }
        match message.role.decode().as_ref() {
            "system" | "developer" => {
                let parts = read_content(message.content)?;
                if talk.items.is_empty() {
                    talk.system.extend(parts);
                } else {
                    talk.items.push(Item::Said(Role::System, parts));
                }
            }
            "user" => talk.items.push(Item::Said(Role::User, read_content(message.content)?)),
            "assistant" => read_assistant(message, talk, &mut legacy)?,
            "tool" => {
                let id = message.tool_call_id.ok_or(RequestFault::missing(WORDS.result_id))?;
                talk.items.push(Item::Returned(returned(id, message.content)?));
            }
            "function" => {
                let id = legacy.answered();
                talk.items.push(Item::Returned(returned(id, message.content)?));
            }
            _ => {
                return Err(RequestFault::wrong(
                    "messages.role",
                    "expected system, developer, user, assistant or tool",
                ));
            }
        }
    }
    Ok(())
}

/// Names for calls of the time before calls had names: by their position.
#[derive(Default)]
struct LegacyCalls {
    called: u32,
    answered: u32,
}

impl LegacyCalls {
    fn called(&mut self) -> Text<'static> {
        self.called = self.called.saturating_add(1);
        Text::from(format!("call_function_{}", self.called))
    }

    fn answered(&mut self) -> Text<'static> {
        self.answered = self.answered.saturating_add(1);
        Text::from(format!("call_function_{}", self.answered))
    }
}

fn read_assistant<'a>(
    message: Message<'a>,
    talk: &mut Conversation<'a>,
    legacy: &mut LegacyCalls,
) -> Result<(), RequestFault> {
    let Message { content, refusal, tool_calls, function_call, .. } = message;
    let mut parts = match content {
        Some(content) => read_content(Some(content))?,
        None => Vec::new(),
    };
    parts.extend(refusal.map(|text| Part::new(PartKind::Refusal(text))));
    if !parts.is_empty() {
        talk.items.push(Item::Said(Role::Assistant, parts));
    }
    for ToolCall { id, function, custom } in tool_calls.unwrap_or_default() {
        let (name, input) = match (function, custom) {
            (Some(Function { name, arguments }), _) => {
                (name, Input::Arguments(arguments.unwrap_or_else(|| Text::from(""))))
            }
            (None, Some(Custom { name, input })) => (name, Input::Free(input)),
            (None, None) => return Err(RequestFault::missing("messages.tool_calls.function")),
        };
        talk.items.push(Item::Called(Call { id, namespace: None, name, input }));
    }
    if let Some(Function { name, arguments }) = function_call {
        talk.delivery.legacy_tools = true;
        let input = Input::Arguments(arguments.unwrap_or_else(|| Text::from("")));
        talk.items.push(Item::Called(Call { id: legacy.called(), namespace: None, name, input }));
    }
    Ok(())
}

fn returned<'a>(id: Text<'a>, content: Option<&'a RawValue>) -> Result<Returned<'a>, RequestFault> {
    let parts = content.map(|content| read_content(Some(content))).transpose()?.unwrap_or_default();
    Ok(Returned { id, parts, outcome: ToolOutcome::Fine, input: InputKind::Object, cache: None })
}

fn read_content<'a>(content: Option<&'a RawValue>) -> Result<Vec<Part<'a>>, RequestFault> {
    let content = content.ok_or(RequestFault::missing(WORDS.content))?;
    if let Some(text) = Text::of(content) {
        return Ok(vec![Part::text(text)]);
    }
    read::<Vec<PartWire<'a>>>(content, WORDS.content)?.into_iter().map(PartWire::read).collect()
}

impl<'a> PartWire<'a> {
    fn read(self) -> Result<Part<'a>, RequestFault> {
        let Self { r#type, text, refusal, image_url, file, prompt_cache_breakpoint } = self;
        let kind = match (r#type.decode().as_ref(), text, refusal, image_url, file) {
            ("text", Some(text), ..) => PartKind::Text(text),
            ("refusal", _, Some(text), ..) => PartKind::Refusal(text),
            ("image_url", _, _, Some(ImageUrl { url }), _) => {
                PartKind::Image(media::image(url, WORDS.image)?)
            }
            ("file", _, _, _, Some(File { file_data: Some(data), file_id: None, filename })) => {
                media::document(data, filename, WORDS.document)?
            }
            ("file", _, _, _, Some(File { file_id: Some(_), .. })) => {
                return Err(RequestFault::unsupported(
                    "messages.content.file.file_id",
                    "this gateway keeps no state at the provider; send the file itself",
                ));
            }
            ("text" | "refusal" | "image_url" | "file", ..) => {
                return Err(RequestFault::wrong(WORDS.content, "a part lacks the member of its type"));
            }
            _ => {
                return Err(RequestFault::unsupported(
                    "messages.content.type",
                    "this kind of part cannot be translated",
                ));
            }
        };
        let cache = prompt_cache_breakpoint.map(|mark| mark.mark());
        Ok(Part { kind, cache })
    }
}
