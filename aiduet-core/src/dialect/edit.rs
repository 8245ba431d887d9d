//! The few bytes that change between client and provider.

use bytes::Bytes;

use super::endpoint::Endpoint;
use super::head::{Options, RequestHead};
use super::json::{Braces, Span};
use super::openai;
use crate::content::Content;
use crate::price::ModelId;

/// What has to change in a body, beside the list of fallbacks, which is always taken out. Nothing of it:
/// the very same bytes are forwarded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Edits<'a> {
    /// The model's name at the provider.
    pub model: Option<&'a ModelId>,
    /// The output limit of one choice, in tokens.
    pub output_limit: Option<u64>,
    /// Ask for usage at the end of a stream.
    pub include_usage: bool,
    /// Ask the provider to keep nothing.
    pub store_false: bool,
    /// A pseudonym in place of whatever the client calls its own users, where it names one.
    pub end_user: Option<&'a str>,
}

/// One replacement; an empty span is an insertion.
struct Patch {
    span: Span,
    text: String,
}

/// The body with the edits applied. All other bytes stay as they are.
pub fn edit(endpoint: Endpoint, body: &Content, head: &RequestHead, edits: &Edits<'_>) -> Content {
    let bytes = body.expose();
    let mut patches = patches(endpoint, bytes, head, edits);
    patches.retain(|patch| bytes.get(patch.span.clone()) != Some(patch.text.as_bytes()));
    if patches.is_empty() {
        return body.clone();
    }
    // An insertion goes before what begins at the same place.
    patches.sort_by_key(|patch| (patch.span.start, patch.span.end));
    let added: usize = patches.iter().map(|patch| patch.text.len()).sum();
    let mut out = Vec::with_capacity(bytes.len().saturating_add(added));
    let mut at = 0;
    for Patch { span, text } in patches {
        out.extend_from_slice(bytes.get(at..span.start).unwrap_or_default());
        out.extend_from_slice(text.as_bytes());
        at = span.end;
    }
    out.extend_from_slice(bytes.get(at..).unwrap_or_default());
    Content::new(Bytes::from(out))
}

fn patches(endpoint: Endpoint, bytes: &[u8], head: &RequestHead, edits: &Edits<'_>) -> Vec<Patch> {
    let Edits { model, output_limit, include_usage, store_false, end_user } = *edits;
    let spans = &head.spans;
    let mut patches = Vec::new();
    let mut members = Vec::new();
    let replace = |span: &Span, text: String| Patch { span: span.clone(), text };
    if let Some(model) = model {
        let text = format!("\"{model}\"");
        match &spans.model {
            Some(span) => patches.push(replace(span, text)),
            None => members.push(format!("\"model\":{text}")),
        }
    }
    if let Some(member) = &spans.fallbacks {
        // In the place of a name that is not there, so that the object is never left without members.
        match (members.is_empty(), model) {
            (false, Some(model)) => {
                members.clear();
                patches.push(replace(member, format!("\"model\":\"{model}\"")));
            }
            _ => patches.push(removal(bytes, member)),
        }
    }
    if let Some((limit, name)) = output_limit.zip(output_limit_name(endpoint)) {
        match spans.output_limits.as_slice() {
            [] => members.push(format!("\"{name}\":{limit}")),
            written => patches.extend(written.iter().map(|span| replace(span, limit.to_string()))),
        }
    }
    if include_usage && endpoint == Endpoint::ChatCompletions {
        let usage = format!("\"{}\":true", openai::INCLUDE_USAGE);
        match &spans.stream_options {
            None => members.push(format!("\"{}\":{{{usage}}}", openai::STREAM_OPTIONS)),
            Some(Options::Null(span)) => patches.push(replace(span, format!("{{{usage}}}"))),
            Some(Options::Silent(braces)) => patches.push(insertion(*braces, &[usage])),
            Some(Options::Spoken(span)) => patches.push(replace(span, "true".to_owned())),
        }
    }
    if store_false {
        match (&spans.store, endpoint) {
            (Some(span), _) => patches.push(replace(span, "false".to_owned())),
            // Only this endpoint stores what is not told otherwise.
            (None, Endpoint::Responses) => members.push("\"store\":false".to_owned()),
            (None, _) => {}
        }
    }
    if let Some(name) = end_user {
        let text = serde_json::Value::from(name).to_string();
        patches.extend(spans.end_users.iter().map(|span| replace(span, text.clone())));
    }
    if let Some(braces) = spans.body.filter(|_body| !members.is_empty()) {
        patches.push(insertion(braces, &members));
    }
    patches
}

/// Takes a member out of an object, with the comma behind it or else before it.
fn removal(bytes: &[u8], member: &Span) -> Patch {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let after = bytes.get(member.end..).unwrap_or_default();
    let gap = after.iter().take_while(|byte| is_space(byte)).count();
    let span = if after.get(gap) == Some(&b',') {
        member.start..member.end.saturating_add(gap).saturating_add(1)
    } else {
        let before = bytes.get(..member.start).unwrap_or_default();
        let gap = before.iter().rev().take_while(|byte| is_space(byte)).count();
        let comma = before.len().saturating_sub(gap).saturating_sub(1);
        let start = if before.get(comma) == Some(&b',') { comma } else { member.start };
        start..member.end
    };
    Patch { span, text: String::new() }
}

/// Puts members at the beginning of an object.
fn insertion(braces: Braces, members: &[String]) -> Patch {
    let mut text = members.join(",");
    if !braces.is_empty {
        text.push(',');
    }
    Patch { span: braces.inside..braces.inside, text }
}

/// What the endpoint calls the limit when the client gave none.
pub(crate) const fn output_limit_name(endpoint: Endpoint) -> Option<&'static str> {
    match endpoint {
        Endpoint::ChatCompletions => Some("max_completion_tokens"),
        Endpoint::Responses => Some("max_output_tokens"),
        Endpoint::Messages => Some("max_tokens"),
        Endpoint::Embeddings | Endpoint::CountTokens | Endpoint::InputTokens => None,
    }
}
