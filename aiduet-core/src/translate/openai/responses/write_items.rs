//! The input of a request, written: one item after the other, in order.

use std::collections::BTreeSet;

use super::super::super::conversation::{
    Call, Document, DocumentBody, Input, InputKind, Item as Done, Media, Part, PartKind, Returned, Role,
    Thought, ToolOutcome, Words,
};
use super::super::super::json::Text;
use super::super::super::names::{ToolNames, call_id};
use super::super::media::data_url;
use super::wire::{Item, Output, Part as PartWire, Summary};
use crate::dialect::RequestFault;
use crate::provider::Vendor;

/// The longest identifier of a call.
const CALL_ID_MAX: usize = 64;
/// What a file is called that has no name: the provider demands one.
const FILE_NAME: &str = "document.pdf";
/// Begins the result of a tool that failed, since there is no field for it.
const FAILED: &str = "Error: ";

/// What the items depend on.
pub(super) struct Rules<'r> {
    pub(super) words: &'static Words,
    pub(super) model: &'r str,
    pub(super) names: &'r mut ToolNames,
}

/// Writes items.
///
/// # Errors
/// Names what no item can hold.
pub(super) fn items<'a>(done: Vec<Done<'a>>, rules: Rules<'_>) -> Result<Vec<Item<'a>>, RequestFault> {
    let Rules { words, model, names } = rules;
    let mut items = Vec::with_capacity(done.len());
    // Calls with free text, whose results are items of another type.
    let mut free: BTreeSet<String> = BTreeSet::new();
    for done in done {
        match done {
            Done::Said(role, parts) => items.extend(message(role, parts, words)?),
            Done::Thought(thought) => items.extend(reasoning(thought, model)),
            Done::Called(Call { id, namespace, name, input }) => {
                let kind = if matches!(input, Input::Free(_)) { InputKind::Free } else { InputKind::Object };
                let (call_id, name) =
                    (call_id(id, CALL_ID_MAX), names.outgoing(namespace.as_ref(), name, kind));
                items.push(match input {
                    Input::Object(value) => {
                        Item::FunctionCall { call_id, name, arguments: Text::from(value.get()) }
                    }
                    Input::Arguments(text) => {
                        let arguments = if text.is_blank() { Text::from("{}") } else { text };
                        Item::FunctionCall { call_id, name, arguments }
                    }
                    Input::Free(input) => {
                        free.insert(call_id.decode().into_owned());
                        Item::CustomToolCall { call_id, name, input }
                    }
                });
            }
            Done::Returned(Returned { id, parts, outcome, input, cache: _ }) => {
                let call_id = call_id(id, CALL_ID_MAX);
                let output = output(parts, outcome, words)?;
                let is_free = input == InputKind::Free || free.contains(call_id.decode().as_ref());
                items.push(if is_free {
                    Item::CustomToolCallOutput { call_id, output }
                } else {
                    Item::FunctionCallOutput { call_id, output }
                });
            }
        }
    }
    Ok(items)
}

fn message<'a>(role: Role, parts: Vec<Part<'a>>, words: &Words) -> Result<Option<Item<'a>>, RequestFault> {
    let mut content = Vec::with_capacity(parts.len());
    for part in parts {
        if !part.is_empty() {
            write_part(part.kind, role, words, &mut content)?;
        }
    }
    match (role, content.is_empty()) {
        (Role::User, true) => Err(RequestFault::wrong(words.content, "the message is empty")),
        (Role::System | Role::Assistant, true) => Ok(None),
        (Role::System, false) => Ok(Some(Item::Message { role: "developer", content })),
        (Role::User, false) => Ok(Some(Item::Message { role: "user", content })),
        (Role::Assistant, false) => Ok(Some(Item::Message { role: "assistant", content })),
    }
}

fn write_part<'a>(
    kind: PartKind<'a>,
    role: Role,
    words: &Words,
    out: &mut Vec<PartWire<'a>>,
) -> Result<(), RequestFault> {
    match (kind, role) {
        (PartKind::Text(text), Role::Assistant) => out.push(PartWire::OutputText { text, annotations: [] }),
        (PartKind::Refusal(refusal), Role::Assistant) => out.push(PartWire::Refusal { refusal }),
        (PartKind::Text(text) | PartKind::Refusal(text), _) => out.push(PartWire::InputText { text }),
        (PartKind::Image(_) | PartKind::Document(_), Role::Assistant) => {
            let advice = "the chosen model takes no images or documents in its own messages";
            return Err(RequestFault::unsupported(words.content, advice));
        }
        (PartKind::Image(media), _) => {
            out.push(PartWire::InputImage { image_url: address(media), detail: "auto" });
        }
        (PartKind::Document(document), _) => write_document(document, role, words, out)?,
    }
    Ok(())
}

/// The address of a file, which may hold it.
fn address(media: Media<'_>) -> Text<'_> {
    match media {
        Media::Url(url) => url,
        Media::Data { media_type, data } => Text::from(data_url(&media_type, &data)),
    }
}

fn write_document<'a>(
    document: Document<'a>,
    role: Role,
    words: &Words,
    out: &mut Vec<PartWire<'a>>,
) -> Result<(), RequestFault> {
    let Document { body, title, context } = document;
    out.extend(context.map(|text| PartWire::InputText { text }));
    match body {
        DocumentBody::Media(Media::Url(url)) => {
            out.push(PartWire::InputFile { filename: None, file_data: None, file_url: Some(url) });
        }
        DocumentBody::Media(media @ Media::Data { .. }) => out.push(PartWire::InputFile {
            filename: Some(title.unwrap_or_else(|| Text::from(FILE_NAME))),
            file_data: Some(address(media)),
            file_url: None,
        }),
        DocumentBody::Text(text) => {
            out.extend(title.map(|text| PartWire::InputText { text }));
            out.push(PartWire::InputText { text });
        }
        DocumentBody::Parts(parts) => {
            out.extend(title.map(|text| PartWire::InputText { text }));
            for part in parts {
                write_part(part.kind, role, words, out)?;
            }
        }
    }
    Ok(())
}

/// GPT's own reasoning goes back to the model that made it; all other would be refused.
fn reasoning<'a>(thought: Thought<'a>, target: &str) -> Option<Item<'a>> {
    let Thought { maker, model, text, proof, handle } = thought;
    let is_own = maker == Vendor::OpenAi && model.is_none_or(|model| model == target);
    let encrypted_content = proof.filter(|_proof| is_own)?;
    let summary = text.filter(|text| !text.is_empty()).map(|text| Summary::SummaryText { text });
    Some(Item::Reasoning { id: handle, summary: summary.into_iter().collect(), encrypted_content })
}

fn output<'a>(parts: Vec<Part<'a>>, outcome: ToolOutcome, words: &Words) -> Result<Output<'a>, RequestFault> {
    let mut written = Vec::with_capacity(parts.len());
    for part in parts {
        if !part.is_empty() {
            write_part(part.kind, Role::User, words, &mut written)?;
        }
    }
    if outcome == ToolOutcome::Failed {
        match written.first_mut() {
            Some(PartWire::InputText { text }) => *text = Text::from(format!("{FAILED}{}", text.decode())),
            _ => written.insert(0, PartWire::InputText { text: Text::from(FAILED.trim_end()) }),
        }
    }
    let is_text = written.len() == 1;
    Ok(match written.pop() {
        None => Output::Text(Text::from("")),
        Some(PartWire::InputText { text }) if is_text => Output::Text(text),
        Some(last) => {
            written.push(last);
            Output::Parts(written)
        }
    })
}
