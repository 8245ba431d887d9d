//! One shallow pass over the body of a request.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::endpoint::Endpoint;
use super::fault::{FaultKind, RequestFault};
use super::head::RequestHead;
use super::json::{Duplicates, Kind, Scanner, Strictness};
use super::{anthropic, openai};
use crate::content::Content;

/// How deep a body may be nested.
pub const DEPTH_MAX: u32 = 64;
/// How many items an array of a body may have.
pub const ITEMS_MAX: u32 = 100_000;

pub(super) const STRICT: Strictness =
    Strictness { depth_max: DEPTH_MAX, items_max: ITEMS_MAX, duplicates: Duplicates::Refuse };

/// The members of a body, each with its value as it was written.
///
/// # Errors
/// [`RequestFault`] when it is not a JSON object.
pub(crate) fn body_members(body: &[u8]) -> Result<Vec<(Cow<'_, str>, &str)>, RequestFault> {
    body_members_with(body, |_name, _rest| None)
}

/// The same for who reads some values at once: `read` is given the name of a member and the text from its value
/// on, and says how many bytes that value has, if it has read it. These are not checked here.
///
/// # Errors
/// As [`body_members`].
pub(crate) fn body_members_with<'a>(
    body: &'a [u8],
    mut read: impl FnMut(&str, &'a str) -> Option<usize>,
) -> Result<Vec<(Cow<'a, str>, &'a str)>, RequestFault> {
    let mut scanner = Scanner::new(body, STRICT)?;
    let mut members = Vec::new();
    scanner.members(|scanner, key| {
        scanner.peek()?;
        let start = scanner.offset();
        let name = key.decode();
        match read(&name, scanner.rest()) {
            Some(bytes) => scanner.advance(bytes),
            None => scanner.pass()?,
        }
        members.push((name, scanner.since(start)));
        Ok(())
    })?;
    scanner.finish()?;
    Ok(members)
}

/// Reads what a request asks for, and where the bytes are that may have to change. Every byte is
/// checked to be JSON that has one reading only; unknown fields pass.
///
/// # Errors
/// [`RequestFault`] for what is malformed, contradictory, stateful or without a price.
pub fn inspect(endpoint: Endpoint, body: &Content) -> Result<RequestHead, RequestFault> {
    let bytes = body.expose();
    let mut scanner = Scanner::new(bytes, STRICT)?;
    if scanner.peek()? != Kind::Object {
        return Err(FaultKind::Invalid.into());
    }
    let mut head = RequestHead::default();
    let braces = match endpoint {
        Endpoint::ChatCompletions => openai::chat_request::read(&mut scanner, &mut head),
        Endpoint::Responses | Endpoint::InputTokens => {
            openai::responses_request::read(&mut scanner, &mut head)
        }
        Endpoint::Embeddings => openai::embeddings::read(&mut scanner, &mut head),
        Endpoint::Messages => anthropic::request::read_messages(&mut scanner, &mut head),
        Endpoint::CountTokens => anthropic::request::read_count(&mut scanner, &mut head),
    }?;
    scanner.finish()?;
    head.spans.body = Some(braces);
    head.bound_input(bytes.len());
    Ok(head)
}
