//! The messages of a request, written.

use super::super::super::conversation::{
    Call, Document, DocumentBody, Input, InputKind, Item, Media, Part as Said, PartKind, Returned, Role,
    ToolOutcome, Words,
};
use super::super::super::json::Text;
use super::super::super::names::{ToolNames, call_id};
use super::super::media::data_url;
use super::super::model::Gpt;
use super::wire::{CalledCustom, CalledFunction, Content, File, ImageUrl, Message, Part, ToolCall};
use crate::dialect::RequestFault;

/// The longest identifier of a call.
const CALL_ID_MAX: usize = 64;
/// What a file is called that has no name: the provider demands one.
const FILE_NAME: &str = "document.pdf";
/// Begins the result of a tool that failed, since there is no field for it.
const FAILED: &str = "Error: ";

/// What the messages depend on.
pub(super) struct Rules<'r> {
    pub(super) words: &'static Words,
    pub(super) gpt: Gpt,
    pub(super) names: &'r mut ToolNames,
}

struct Messages<'a, 'r> {
    messages: Vec<Message<'a>>,
    /// What results show, which only a message of the user can hold.
    shown: Vec<Part<'a>>,
    rules: Rules<'r>,
}

/// Writes the messages.
///
/// # Errors
/// Names what no message can hold.
pub(super) fn messages<'a>(
    system: Vec<Said<'a>>,
    items: Vec<Item<'a>>,
    rules: Rules<'_>,
) -> Result<Vec<Message<'a>>, RequestFault> {
    let mut written = Messages { messages: Vec::with_capacity(items.len()), shown: Vec::new(), rules };
    written.system(system)?;
    for item in items {
        match item {
            Item::Said(Role::System, parts) => {
                written.show();
                written.system(parts)?;
            }
            Item::Said(Role::User, parts) => written.user(parts)?,
            Item::Said(Role::Assistant, parts) => written.assistant(parts)?,
            Item::Called(call) => written.call(call),
            Item::Returned(returned) => written.result(returned)?,
            // There is no field for it.
            Item::Thought(_) => {}
        }
    }
    written.show();
    Ok(written.messages)
}

impl<'a> Messages<'a, '_> {
    fn system(&mut self, parts: Vec<Said<'a>>) -> Result<(), RequestFault> {
        let parts = self.parts(parts)?;
        if parts.iter().any(|part| !matches!(part, Part::Text { .. })) {
            return Err(RequestFault::unsupported(
                self.rules.words.content,
                "a system message can only be text",
            ));
        }
        if let Some(content) = content(parts) {
            self.messages.push(match self.rules.gpt {
                Gpt::Reasons { .. } => Message::Developer { content },
                Gpt::Answers | Gpt::Unknown => Message::System { content },
            });
        }
        Ok(())
    }

    /// What results show stands before what the user says.
    fn user(&mut self, parts: Vec<Said<'a>>) -> Result<(), RequestFault> {
        let said = self.parts(parts)?;
        if said.is_empty() {
            return Err(RequestFault::wrong(self.rules.words.content, "the message is empty"));
        }
        self.shown.extend(said);
        self.show();
        Ok(())
    }

    fn show(&mut self) {
        if let Some(content) = content(std::mem::take(&mut self.shown)) {
            self.messages.push(Message::User { content });
        }
    }

    /// The message of the assistant under way, or a new one.
    fn begin_assistant(&mut self) {
        self.show();
        if !matches!(self.messages.last(), Some(Message::Assistant { .. })) {
            self.messages.push(Message::Assistant { content: None, refusal: None, tool_calls: Vec::new() });
        }
    }

    fn assistant(&mut self, parts: Vec<Said<'a>>) -> Result<(), RequestFault> {
        self.begin_assistant();
        let Some(Message::Assistant { content, refusal, .. }) = self.messages.last_mut() else {
            return Ok(());
        };
        for part in parts {
            match part.kind {
                PartKind::Text(text) => content.get_or_insert_default().push_str(&text.decode()),
                PartKind::Refusal(text) => refusal.get_or_insert_default().push_str(&text.decode()),
                PartKind::Image(_) | PartKind::Document(_) => {
                    let advice = "the chosen model takes no images or documents in its own messages";
                    return Err(RequestFault::unsupported(self.rules.words.content, advice));
                }
            }
        }
        Ok(())
    }

    fn call(&mut self, call: Call<'a>) {
        self.begin_assistant();
        let Call { id, namespace, name, input } = call;
        let id = call_id(id, CALL_ID_MAX);
        let kind = if matches!(input, Input::Free(_)) { InputKind::Free } else { InputKind::Object };
        let name = self.rules.names.outgoing(namespace.as_ref(), name, kind);
        let called = match input {
            Input::Object(value) => ToolCall::Function {
                id,
                function: CalledFunction { name, arguments: Text::from(value.get()) },
            },
            Input::Arguments(text) => {
                let arguments = if text.is_blank() { Text::from("{}") } else { text };
                ToolCall::Function { id, function: CalledFunction { name, arguments } }
            }
            Input::Free(input) => ToolCall::Custom { id, custom: CalledCustom { name, input } },
        };
        if let Some(Message::Assistant { tool_calls, .. }) = self.messages.last_mut() {
            tool_calls.push(called);
        }
    }

    fn result(&mut self, returned: Returned<'a>) -> Result<(), RequestFault> {
        let Returned { id, parts, outcome, .. } = returned;
        let (mut texts, shown): (Vec<_>, Vec<_>) =
            self.parts(parts)?.into_iter().partition(|part| matches!(part, Part::Text { .. }));
        self.shown.extend(shown);
        if outcome == ToolOutcome::Failed {
            match texts.first_mut() {
                Some(Part::Text { text }) => *text = Text::from(format!("{FAILED}{}", text.decode())),
                _ => texts.push(Part::Text { text: Text::from(FAILED.trim_end()) }),
            }
        }
        let content = content(texts).unwrap_or_else(|| Content::Text(Text::from("")));
        self.messages.push(Message::Tool { tool_call_id: call_id(id, CALL_ID_MAX), content });
        Ok(())
    }

    fn parts(&self, said: Vec<Said<'a>>) -> Result<Vec<Part<'a>>, RequestFault> {
        let mut parts = Vec::with_capacity(said.len());
        for part in said {
            if !part.is_empty() {
                write_part(part.kind, self.rules.words, &mut parts)?;
            }
        }
        Ok(parts)
    }
}

/// Content of parts; one text stands alone. `None`: there is none.
fn content(mut parts: Vec<Part<'_>>) -> Option<Content<'_>> {
    let is_one = parts.len() == 1;
    match parts.pop()? {
        Part::Text { text } if is_one => Some(Content::Text(text)),
        last => {
            parts.push(last);
            Some(Content::Parts(parts))
        }
    }
}

fn write_part<'a>(kind: PartKind<'a>, words: &Words, out: &mut Vec<Part<'a>>) -> Result<(), RequestFault> {
    match kind {
        PartKind::Text(text) | PartKind::Refusal(text) => out.push(Part::Text { text }),
        PartKind::Image(media) => {
            let url = match media {
                Media::Url(url) => url,
                Media::Data { media_type, data } => Text::from(data_url(&media_type, &data)),
            };
            out.push(Part::ImageUrl { image_url: ImageUrl { url } });
        }
        PartKind::Document(Document { body, title, context }) => {
            out.extend(context.map(|text| Part::Text { text }));
            match body {
                DocumentBody::Media(Media::Url(_)) => {
                    let advice =
                        "the chosen model takes no addresses of documents here; send the document itself";
                    return Err(RequestFault::unsupported(words.document, advice));
                }
                DocumentBody::Media(Media::Data { media_type, data }) => {
                    let filename = title.unwrap_or_else(|| Text::from(FILE_NAME));
                    let file_data = Text::from(data_url(&media_type, &data));
                    out.push(Part::File { file: File { filename, file_data } });
                }
                DocumentBody::Text(text) => {
                    out.extend(title.map(|text| Part::Text { text }));
                    out.push(Part::Text { text });
                }
                DocumentBody::Parts(parts) => {
                    out.extend(title.map(|text| Part::Text { text }));
                    for part in parts {
                        write_part(part.kind, words, out)?;
                    }
                }
            }
        }
    }
    Ok(())
}
