//! The input of a request, read.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::super::conversation::{
    Call, Conversation, Document, DocumentBody, Input, InputKind, Item, Media, Part, PartKind, Returned,
    Role, Thought, ToolOutcome,
};
use super::super::super::json::{Text, lax, read, read_first};
use super::super::super::seal::{Opened, open};
use super::super::media;
use super::super::values::Breakpoint;
use super::WORDS;
use super::read_tools::add_tools;
use crate::dialect::RequestFault;
use crate::provider::Vendor;

/// What a request gives.
pub(super) enum InputWire<'a> {
    Text(Text<'a>),
    Items(Vec<ItemWire<'a>>),
}

impl<'a> InputWire<'a> {
    /// As [`read_first`].
    pub(super) fn read_first(text: &'a str) -> Option<(Self, usize)> {
        if text.starts_with('"') {
            read_first(text).map(|(text, bytes)| (Self::Text(text), bytes))
        } else {
            read_first(text).map(|(items, bytes)| (Self::Items(items), bytes))
        }
    }
}

/// Items about tools that the model is not offered.
const DROPPED: [&str; 4] =
    ["web_search_call", "image_generation_call", "tool_search_call", "tool_search_output"];

#[derive(Deserialize)]
pub(super) struct ItemWire<'a> {
    #[serde(borrow, default)]
    r#type: Option<Text<'a>>,
    #[serde(borrow, default)]
    role: Option<Text<'a>>,
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    call_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    namespace: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    name: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    arguments: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    input: Option<Text<'a>>,
    #[serde(borrow, default)]
    output: Option<&'a RawValue>,
    #[serde(borrow, default)]
    summary: Option<Vec<Summary<'a>>>,
    #[serde(borrow, default)]
    encrypted_content: Option<Text<'a>>,
    #[serde(borrow, default)]
    tools: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Summary<'a> {
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
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
    image_url: Option<Text<'a>>,
    #[serde(borrow, default)]
    file_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    file_data: Option<Text<'a>>,
    #[serde(borrow, default)]
    file_url: Option<Text<'a>>,
    #[serde(borrow, default)]
    filename: Option<Text<'a>>,
    #[serde(borrow, default)]
    prompt_cache_breakpoint: Option<Breakpoint<'a>>,
}

/// Reads the input. System messages before the first other item become the system text.
pub(super) fn read_input<'a>(input: InputWire<'a>, talk: &mut Conversation<'a>) -> Result<(), RequestFault> {
    match input {
        InputWire::Text(text) => talk.items.push(Item::Said(Role::User, vec![Part::text(text)])),
        InputWire::Items(items) => items.into_iter().try_for_each(|item| item.read(talk))?,
    }
    Ok(())
}

impl<'a> ItemWire<'a> {
    fn read(self, talk: &mut Conversation<'a>) -> Result<(), RequestFault> {
        let kind = self.r#type.clone().map(Text::into_decoded);
        match kind.as_deref() {
            None | Some("message") => return self.message(talk),
            Some("reasoning") => talk.items.extend(self.thought().map(Item::Thought)),
            Some("function_call") => {
                let input = Input::Arguments(self.arguments.clone().unwrap_or_else(|| Text::from("")));
                talk.items.push(Item::Called(self.called(input)?));
            }
            Some("custom_tool_call") => {
                let input = Input::Free(self.input.clone().unwrap_or_else(|| Text::from("")));
                talk.items.push(Item::Called(self.called(input)?));
            }
            Some("function_call_output") => {
                talk.items.push(Item::Returned(self.returned(InputKind::Object)?))
            }
            Some("custom_tool_call_output") => {
                talk.items.push(Item::Returned(self.returned(InputKind::Free)?))
            }
            Some("additional_tools") => {
                let tools = self.tools.ok_or(RequestFault::missing("input.tools"))?;
                add_tools(tools, None, talk)?;
            }
            Some("item_reference") => {
                let advice = "this gateway keeps no conversation state; resend the full input";
                return Err(RequestFault::unsupported("input.item_reference", advice));
            }
            Some(kind) if DROPPED.contains(&kind) => {}
            Some(_) => {
                return Err(RequestFault::unsupported(
                    "input.type",
                    "this kind of item cannot be translated",
                ));
            }
        }
        Ok(())
    }

    fn message(self, talk: &mut Conversation<'a>) -> Result<(), RequestFault> {
        let role = self.role.ok_or(RequestFault::missing("input.role"))?;
        let parts = read_content(self.content.ok_or(RequestFault::missing(WORDS.content))?)?;
        let role = match role.decode().as_ref() {
            "system" | "developer" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            _ => {
                return Err(RequestFault::wrong(
                    "input.role",
                    "expected system, developer, user or assistant",
                ));
            }
        };
        if role == Role::System && talk.items.is_empty() {
            talk.system.extend(parts);
        } else {
            talk.items.push(Item::Said(role, parts));
        }
        Ok(())
    }

    /// Reasoning: ours if it is another vendor's, else the provider's own. Without what its maker
    /// needs back it is of no use to anybody.
    fn thought(self) -> Option<Thought<'a>> {
        let Self { id, summary, encrypted_content, .. } = self;
        let proof = encrypted_content?;
        let opened = open(&proof.decode());
        match opened {
            Opened::Ours(thought) => Some(thought),
            Opened::Broken => None,
            Opened::Foreign => {
                let texts = summary.into_iter().flatten().filter_map(|part| part.text);
                let text = texts.map(|text| text.decode().into_owned()).collect::<Vec<_>>().join("\n\n");
                Some(Thought {
                    maker: Vendor::OpenAi,
                    model: None,
                    text: Some(Text::from(text)),
                    proof: Some(proof),
                    handle: id,
                })
            }
        }
    }

    fn called(self, input: Input<'a>) -> Result<Call<'a>, RequestFault> {
        let Self { call_id, namespace, name, .. } = self;
        let id = call_id.ok_or(RequestFault::missing(WORDS.call_id))?;
        Ok(Call { id, namespace, name: name.ok_or(RequestFault::missing("input.name"))?, input })
    }

    fn returned(self, input: InputKind) -> Result<Returned<'a>, RequestFault> {
        let Self { call_id, output, .. } = self;
        let id = call_id.ok_or(RequestFault::missing(WORDS.result_id))?;
        let parts = output.map(read_content).transpose()?.unwrap_or_default();
        Ok(Returned { id, parts, outcome: ToolOutcome::Fine, input, cache: None })
    }
}

fn read_content<'a>(content: &'a RawValue) -> Result<Vec<Part<'a>>, RequestFault> {
    if let Some(text) = Text::of(content) {
        return Ok(vec![Part::text(text)]);
    }
    read::<Vec<PartWire<'a>>>(content, WORDS.content)?.into_iter().map(PartWire::read).collect()
}

impl<'a> PartWire<'a> {
    fn read(self) -> Result<Part<'a>, RequestFault> {
        const INCOMPLETE: RequestFault =
            RequestFault::wrong(WORDS.content, "a part lacks the member of its type");
        let Self {
            r#type,
            text,
            refusal,
            image_url,
            file_id,
            file_data,
            file_url,
            filename,
            prompt_cache_breakpoint,
        } = self;
        if file_id.is_some() {
            let advice = "this gateway keeps no state at the provider; send the file itself or its address";
            return Err(RequestFault::unsupported("input.content.file_id", advice));
        }
        let kind = match r#type.decode().as_ref() {
            "input_text" | "output_text" | "text" => PartKind::Text(text.ok_or(INCOMPLETE)?),
            "refusal" => PartKind::Refusal(refusal.ok_or(INCOMPLETE)?),
            "input_image" => PartKind::Image(media::image(image_url.ok_or(INCOMPLETE)?, WORDS.image)?),
            "input_file" => match (file_data, file_url) {
                (Some(data), _) => media::document(data, filename, WORDS.document)?,
                (None, Some(url)) => PartKind::Document(Document {
                    body: DocumentBody::Media(Media::Url(url)),
                    title: filename,
                    context: None,
                }),
                (None, None) => return Err(INCOMPLETE),
            },
            _ => {
                return Err(RequestFault::unsupported(
                    "input.content.type",
                    "this kind of part cannot be translated",
                ));
            }
        };
        Ok(Part { kind, cache: prompt_cache_breakpoint.map(|mark| mark.mark()) })
    }
}
