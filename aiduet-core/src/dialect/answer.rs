//! What the readers of both dialects' answers share.

use bytes::Bytes;
use serde_json::Value;

use super::fault::RequestFault;
use super::json::{Duplicates, Kind, Scanner, Strictness, Text};
use super::reading::Served;
use super::sse::{Data, Event};
use super::text::TextEstimate;

/// A provider's text is read leniently: it echoes requests, one level deeper, and its lists are
/// as long as it likes.
const LENIENT: Strictness = Strictness { depth_max: 256, items_max: u32::MAX, duplicates: Duplicates::Visit };

/// Longest model name that is kept, in bytes; a longer one is nobody's.
const MODEL_BYTES_MAX: usize = 256;

/// What the provider sent is not its protocol. Says nothing about the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer of the provider cannot be read")]
pub struct AnswerBroken;

impl From<RequestFault> for AnswerBroken {
    fn from(_fault: RequestFault) -> Self {
        Self
    }
}

/// The life of cache writes where an answer does not tell them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum CacheLife {
    #[default]
    Short,
    Long,
}

/// What happens to an event on its way to the client.
pub(super) enum Passage {
    /// It passes as it is.
    Pass,
    /// It does not pass.
    Drop,
    /// It passes with other bytes.
    Replace(Bytes),
    /// It waits until the charge is durable; nothing comes after it.
    Hold,
    /// The provider says that it failed: the same, and the client is told in our words unless
    /// the failure is about the request itself.
    Fail,
}

pub(super) const fn scanner(text: &str) -> Scanner<'_> {
    Scanner::of(text, LENIENT)
}

/// Reads a string of an answer; other types are `None`.
pub(super) fn read_text<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Text<'a>>, RequestFault> {
    match scanner.peek()? {
        Kind::String => scanner.string().map(Some),
        Kind::Object | Kind::Array | Kind::Number | Kind::Bool | Kind::Null => scanner.pass().map(|()| None),
    }
}

/// Reads an object if the value is one, else reads past it.
pub(super) fn read_object<'a, F>(
    scanner: &mut Scanner<'a>,
    names: &[&'static str],
    visit: F,
) -> Result<bool, RequestFault>
where
    F: FnMut(&mut Scanner<'a>, &'static str) -> Result<(), RequestFault>,
{
    let is_object = scanner.peek()? == Kind::Object;
    if is_object { scanner.object(names, visit).map(|_braces| true) } else { scanner.pass().map(|()| false) }
}

/// Reads an array if the value is one, else reads past it.
pub(super) fn read_array<'a, F>(scanner: &mut Scanner<'a>, visit: F) -> Result<u32, RequestFault>
where
    F: FnMut(&mut Scanner<'a>) -> Result<(), RequestFault>,
{
    let is_array = scanner.peek()? == Kind::Array;
    if is_array { scanner.array(visit) } else { scanner.pass().map(|()| 0) }
}

/// Reads the name of the model that serves; the first one stays.
pub(super) fn read_model(scanner: &mut Scanner<'_>, served: &mut Served) -> Result<(), RequestFault> {
    let Some(name) = read_text(scanner)?.filter(|name| !name.is_empty()) else { return Ok(()) };
    if served.model.is_none() {
        let name = name.decode();
        served.model = Some(if name.len() <= MODEL_BYTES_MAX { name.into() } else { "".into() });
    }
    Ok(())
}

/// Counts the generated text in a value: every string under one of these keys, however deep.
pub(super) fn read_texts(
    scanner: &mut Scanner<'_>,
    keys: &[&str],
    estimate: &mut TextEstimate,
) -> Result<(), RequestFault> {
    match scanner.peek()? {
        Kind::Array => scanner.array(|item| read_texts(item, keys, estimate)).map(drop),
        Kind::Object => scanner
            .members(|scanner, key| match scanner.peek()? {
                Kind::String if keys.iter().any(|name| key.is(name)) => {
                    estimate.add(scanner.string()?);
                    Ok(())
                }
                Kind::Object | Kind::Array => read_texts(scanner, keys, estimate),
                Kind::String | Kind::Number | Kind::Bool | Kind::Null => scanner.pass(),
            })
            .map(drop),
        Kind::String | Kind::Number | Kind::Bool | Kind::Null => scanner.pass(),
    }
}

/// A count as a provider wrote it.
///
/// `None` is missing or null. What is not a whole number from zero up is flagged as clamped: a
/// negative one counts as zero, a fraction without its decimals, a huge one as the largest, which
/// the price then holds against the model's limits.
pub(super) fn read_count(scanner: &mut Scanner<'_>, clamped: &mut bool) -> Result<Option<u64>, RequestFault> {
    match scanner.peek()? {
        Kind::Null => scanner.pass().map(|()| None),
        Kind::Number => {
            let number = scanner.number()?;
            if let Ok(count) = number.parse() {
                return Ok(Some(count));
            }
            let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
            *clamped = true;
            Ok(Some(if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u64::MAX) }))
        }
        Kind::Object | Kind::Array | Kind::String | Kind::Bool => {
            *clamped = true;
            scanner.pass().map(|()| None)
        }
    }
}

/// The event with other data in it.
pub(super) fn with_data(event: &Event<'_>, raw: &[u8], data: &str) -> Bytes {
    let Some(Data::Line { at, text }) = &event.data else {
        return unnamed_frame(data);
    };
    let mut out = Vec::with_capacity(raw.len());
    out.extend_from_slice(raw.get(..*at).unwrap_or_default());
    out.extend_from_slice(data.as_bytes());
    out.extend_from_slice(raw.get(at.saturating_add(text.len())..).unwrap_or_default());
    out.into()
}

/// An event without a name. Line ends in the JSON, which can only stand between its tokens, become
/// spaces.
pub(super) fn unnamed_frame(json: &str) -> Bytes {
    format!("data: {}\n\n", json.replace(['\n', '\r'], " ")).into()
}

/// An event named by its own type.
pub(super) fn named_frame(name: &str, json: &Value) -> Bytes {
    format!("event: {name}\ndata: {json}\n\n").into()
}
