//! One shallow pass over the body of a request.

#[cfg(test)]
mod tests;

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

const STRICT: Strictness =
    Strictness { depth_max: DEPTH_MAX, items_max: ITEMS_MAX, duplicates: Duplicates::Refuse };

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
        Endpoint::Responses => openai::responses_request::read(&mut scanner, &mut head),
        Endpoint::Embeddings => openai::embeddings::read(&mut scanner, &mut head),
        Endpoint::Messages => anthropic::request::read_messages(&mut scanner, &mut head),
        Endpoint::CountTokens => anthropic::request::read_count(&mut scanner, &mut head),
    }?;
    scanner.finish()?;
    head.spans.body = Some(braces);
    head.bound_input(bytes.len());
    Ok(head)
}
