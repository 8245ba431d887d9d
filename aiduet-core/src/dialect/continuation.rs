//! A request that goes on where another one ends: the same conversation with further turns.

#[cfg(test)]
mod tests;

use bytes::Bytes;

use super::endpoint::Endpoint;
use super::fault::RequestFault;
use super::request::body_members;
use super::{anthropic, openai};
use crate::content::Content;

/// Somebody's turn.
#[derive(Clone, Copy)]
pub(crate) enum Turn<'a> {
    /// The client's user, or we in the user's name.
    User(&'a str),
    /// The model.
    Model(&'a str),
}

/// Whether the form that the client wants of the answer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As the client says: schemas, stop sequences, verbosity.
    AsAsked,
    /// Plain text.
    Free,
}

/// What is different in the continuation. It always streams, and has no tools.
#[derive(Clone, Copy)]
pub(crate) struct Continuation<'a> {
    /// What is said after what was said.
    pub(crate) turns: &'a [Turn<'a>],
    /// The output limit, in tokens.
    pub(crate) output_limit: u64,
    /// The form of the answer.
    pub(crate) shape: Shape,
}

/// What an endpoint calls things.
#[derive(Debug)]
pub(super) struct Words {
    /// The list of what was said; or that as a text.
    pub(super) turns: &'static str,
    /// Names of the output limit; the first one is written.
    pub(super) limits: &'static [&'static str],
    /// What the answer is to look like.
    pub(super) shape: &'static [&'static str],
}

/// Always left out: what the gateway reads itself, and the tools that there are not.
const LEFT_OUT: [&str; 3] = ["models", "tools", "tool_choice"];

const STREAM: &str = "stream";

/// The body of a continuation. Everything else stays as it was written, so that the turns before begin
/// every continuation.
///
/// # Errors
/// When the body is not one of the endpoint, or the endpoint generates nothing.
pub(crate) fn continued(
    endpoint: Endpoint,
    body: &Content,
    continuation: &Continuation<'_>,
) -> Result<Content, RequestFault> {
    let words = words(endpoint).ok_or(RequestFault::untranslatable())?;
    let Continuation { turns, output_limit, shape } = *continuation;
    let mut out = String::with_capacity(body.len().saturating_add(256));
    let mut said = None;
    for (name, value) in body_members(body.expose())? {
        let name = name.as_ref();
        if name == words.turns {
            said = Some(value);
            continue;
        }
        let is_shape = shape == Shape::Free && words.shape.contains(&name);
        if is_shape || name == STREAM || words.limits.contains(&name) || LEFT_OUT.contains(&name) {
            continue;
        }
        push_member(&mut out, name, value);
    }
    if let Some(limit) = words.limits.first() {
        push_member(&mut out, limit, &output_limit.to_string());
    }
    push_member(&mut out, STREAM, "true");
    let said = said.ok_or(RequestFault::missing(words.turns))?;
    push_member(&mut out, words.turns, &go_on(said, turns).ok_or(RequestFault::malformed())?);
    out.push('}');
    Ok(Content::new(Bytes::from(out)))
}

const fn words(endpoint: Endpoint) -> Option<&'static Words> {
    match endpoint {
        Endpoint::ChatCompletions => Some(&openai::CHAT_WORDS),
        Endpoint::Responses => Some(&openai::RESPONSES_WORDS),
        Endpoint::Messages => Some(&anthropic::WORDS),
        Endpoint::Embeddings | Endpoint::CountTokens | Endpoint::InputTokens => None,
    }
}

fn push_member(out: &mut String, name: &str, value: &str) {
    out.push(if out.is_empty() { '{' } else { ',' });
    out.push_str(&quoted(name));
    out.push(':');
    out.push_str(value);
}

/// A list with more turns; a text is the turn of a user.
fn go_on(said: &str, turns: &[Turn<'_>]) -> Option<String> {
    let mut list = match said.strip_prefix('"') {
        Some(_text) => format!("[{}", written("user", said)),
        None => said.trim_end().strip_suffix(']')?.trim_end().to_owned(),
    };
    for turn in turns {
        if !list.ends_with('[') {
            list.push(',');
        }
        list.push_str(&match turn {
            Turn::User(text) => written("user", &quoted(text)),
            Turn::Model(text) => written("assistant", &quoted(text)),
        });
    }
    list.push(']');
    Some(list)
}

/// A turn as every endpoint understands it.
fn written(role: &str, text: &str) -> String {
    format!("{{\"role\":\"{role}\",\"content\":{text}}}")
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
