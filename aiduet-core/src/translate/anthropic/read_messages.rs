//! The messages of a request, read.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::conversation::{
    Call, Conversation, Document, DocumentBody, Input, InputKind, Item, Media, Part, PartKind, Returned,
    Role, Thought, ToolOutcome,
};
use super::super::json::{Text, read};
use super::super::seal::{Opened, open};
use super::WORDS;
use super::read_request::CacheControl;
use crate::dialect::RequestFault;
use crate::provider::Vendor;

#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    role: Text<'a>,
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize)]
struct BlockWire<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
    #[serde(borrow, default)]
    source: Option<&'a RawValue>,
    #[serde(borrow, default)]
    title: Option<Text<'a>>,
    #[serde(borrow, default)]
    context: Option<Text<'a>>,
    #[serde(default)]
    citations: Option<Citations>,
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_use_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    tool_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(default)]
    is_error: Option<bool>,
    #[serde(borrow, default)]
    thinking: Option<Text<'a>>,
    #[serde(borrow, default)]
    signature: Option<Text<'a>>,
    #[serde(borrow, default)]
    data: Option<Text<'a>>,
    #[serde(borrow, default)]
    cache_control: Option<CacheControl<'a>>,
}

/// On a document: whether to cite it. On a text: what it cites, which only describes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Citations {
    Asked { enabled: Option<bool> },
    Given(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct Source<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow, default)]
    media_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    data: Option<Text<'a>>,
    #[serde(borrow, default)]
    url: Option<Text<'a>>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

/// Reads the messages.
pub(super) fn read_messages<'a>(
    messages: Vec<Message<'a>>,
    talk: &mut Conversation<'a>,
) -> Result<(), RequestFault> {
    for Message { role, content } in messages {
        let role = match role.decode().as_ref() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => return Err(RequestFault::wrong("messages.role", "expected user, assistant or system")),
        };
        let mut reader = Reader { role, parts: Vec::new(), items: &mut talk.items };
        if let Some(text) = Text::of(content) {
            reader.parts.push(Part::text(text));
        } else {
            for block in read::<Vec<BlockWire<'a>>>(content, WORDS.content)? {
                reader.take(block)?;
            }
        }
        reader.flush();
    }
    Ok(())
}

/// Splits a message into items, in order.
struct Reader<'a, 't> {
    role: Role,
    parts: Vec<Part<'a>>,
    items: &'t mut Vec<Item<'a>>,
}

impl<'a> Reader<'a, '_> {
    fn flush(&mut self) {
        if !self.parts.is_empty() {
            self.items.push(Item::Said(self.role, std::mem::take(&mut self.parts)));
        }
    }

    fn push(&mut self, item: Item<'a>) {
        self.flush();
        self.items.push(item);
    }

    fn take(&mut self, block: BlockWire<'a>) -> Result<(), RequestFault> {
        const INCOMPLETE: RequestFault =
            RequestFault::wrong(WORDS.content, "a block lacks a member of its type");
        let kind = block.r#type.decode();
        match (kind.as_ref(), self.role) {
            ("tool_use", Role::Assistant) => {
                let BlockWire { id, name, input, .. } = block;
                let (Some(id), Some(name)) = (id, name) else { return Err(INCOMPLETE) };
                let input = input.map_or_else(|| Input::Arguments(Text::from("{}")), Input::Object);
                self.push(Item::Called(Call { id, namespace: None, name, input }));
            }
            ("tool_result", Role::User) => {
                let BlockWire { tool_use_id, content, is_error, cache_control, .. } = block;
                self.push(Item::Returned(Returned {
                    id: tool_use_id.ok_or(INCOMPLETE)?,
                    parts: content.map(read_parts).transpose()?.unwrap_or_default(),
                    outcome: if is_error == Some(true) { ToolOutcome::Failed } else { ToolOutcome::Fine },
                    input: InputKind::Object,
                    cache: cache_control.map(|mark| mark.mark()),
                }));
            }
            ("thinking", Role::Assistant) => {
                let BlockWire { thinking, signature, .. } = block;
                self.think(thinking, signature);
            }
            ("redacted_thinking", Role::Assistant) => self.think(None, block.data),
            _ => self.parts.push(block.part()?),
        }
        Ok(())
    }

    fn think(&mut self, shown: Option<Text<'a>>, proof: Option<Text<'a>>) {
        let opened = proof.as_ref().map_or(Opened::Foreign, |proof| open(&proof.decode()));
        match opened {
            Opened::Ours(thought) => {
                let text = shown.filter(|text| !text.is_empty());
                self.push(Item::Thought(Thought { text, ..thought }));
            }
            Opened::Broken => {}
            Opened::Foreign => {
                let thought =
                    Thought { maker: Vendor::Anthropic, model: None, text: shown, proof, handle: None };
                self.push(Item::Thought(thought));
            }
        }
    }
}

fn read_parts<'a>(content: &'a RawValue) -> Result<Vec<Part<'a>>, RequestFault> {
    if let Some(text) = Text::of(content) {
        return Ok(vec![Part::text(text)]);
    }
    read::<Vec<BlockWire<'a>>>(content, WORDS.content)?.into_iter().map(BlockWire::part).collect()
}

impl<'a> BlockWire<'a> {
    /// A part of a message, or of a result.
    fn part(self) -> Result<Part<'a>, RequestFault> {
        const INCOMPLETE: RequestFault =
            RequestFault::wrong(WORDS.content, "a block lacks a member of its type");
        let cache = self.cache_control.as_ref().map(CacheControl::mark);
        let kind = self.r#type.decode().into_owned();
        let kind = match kind.as_str() {
            "text" => PartKind::Text(self.text.ok_or(INCOMPLETE)?),
            "image" => PartKind::Image(read_image(self.source.ok_or(INCOMPLETE)?)?),
            "document" => self.document()?,
            "search_result" => self.search_result()?,
            "tool_reference" => PartKind::Text(self.tool_name.ok_or(INCOMPLETE)?),
            _ => {
                let advice = "this kind of block cannot be translated";
                return Err(RequestFault::unsupported("messages.content.type", advice));
            }
        };
        Ok(Part { kind, cache })
    }

    fn document(self) -> Result<PartKind<'a>, RequestFault> {
        const FIELD: &str = WORDS.document;
        if matches!(self.citations, Some(Citations::Asked { enabled: Some(true) })) {
            return Err(RequestFault::unsupported(
                "messages.content.citations",
                "the chosen model does not cite",
            ));
        }
        let source = self.source.ok_or(RequestFault::missing(FIELD))?;
        let Source { r#type, media_type, data, url, content } = read(source, FIELD)?;
        let body = match (r#type.decode().as_ref(), data, url, content) {
            ("base64", Some(data), ..) => DocumentBody::Media(Media::Data {
                media_type: media_type.map_or(Cow::Borrowed("application/pdf"), Text::into_decoded),
                data: data.into_decoded(),
            }),
            ("text", Some(data), ..) => DocumentBody::Text(data),
            ("url", _, Some(url), _) => DocumentBody::Media(Media::Url(url)),
            ("content", _, _, Some(content)) => DocumentBody::Parts(read_parts(content)?),
            _ => return Err(not_here(FIELD)),
        };
        Ok(PartKind::Document(Document { body, title: self.title, context: self.context }))
    }

    /// What a search found, as the text that it is.
    fn search_result(self) -> Result<PartKind<'a>, RequestFault> {
        let Self { title, source, content, .. } = self;
        let source = source.and_then(Text::of);
        let mut text = String::new();
        for line in [title, source].into_iter().flatten() {
            text.push_str(&line.decode());
            text.push('\n');
        }
        for part in content.map(read_parts).transpose()?.unwrap_or_default() {
            if let PartKind::Text(found) = part.kind {
                text.push('\n');
                text.push_str(&found.decode());
            }
        }
        Ok(PartKind::Text(Text::from(text)))
    }
}

fn read_image<'a>(source: &'a RawValue) -> Result<Media<'a>, RequestFault> {
    let Source { r#type, media_type, data, url, .. } = read(source, WORDS.image)?;
    match (r#type.decode().as_ref(), media_type, data, url) {
        ("base64", Some(media_type), Some(data), _) => {
            Ok(Media::Data { media_type: media_type.into_decoded(), data: data.into_decoded() })
        }
        ("url", _, _, Some(url)) => Ok(Media::Url(url)),
        _ => Err(not_here(WORDS.image)),
    }
}

const fn not_here(field: &'static str) -> RequestFault {
    RequestFault::unsupported(
        field,
        "this gateway keeps no state at the provider; send the file itself or its address",
    )
}
