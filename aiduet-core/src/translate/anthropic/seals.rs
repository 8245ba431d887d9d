//! Sealed reasoning in messages.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::json::{Members, Text, lax};
use super::super::scrub::may_hold_seal;
use super::super::seal::PREFIX;

#[derive(Deserialize)]
struct BlockWire<'a> {
    #[serde(borrow, default, deserialize_with = "lax")]
    r#type: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    signature: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    data: Option<Text<'a>>,
}

/// A message without sealed blocks; `None`: there is nothing else in it.
pub(in crate::translate) fn without_seals(message: &str) -> Option<String> {
    if !may_hold_seal(message) {
        return Some(message.to_owned());
    }
    cut(message).unwrap_or_else(|| Some(message.to_owned()))
}

/// `None`: there is nothing to cut. `Some(None)`: nothing is left.
fn cut(message: &str) -> Option<Option<String>> {
    let members: Members<'_> = serde_json::from_str(message).ok()?;
    let (_name, content) = members.0.into_iter().find(|(name, _value)| name == "content")?;
    let blocks: Vec<&RawValue> = serde_json::from_str(content.get()).ok()?;
    let kept: Vec<&str> = blocks.iter().map(|block| block.get()).filter(|block| !is_sealed(block)).collect();
    if kept.len() == blocks.len() {
        return None;
    }
    if kept.is_empty() {
        return Some(None);
    }
    let start = content.get().as_ptr().addr().checked_sub(message.as_ptr().addr())?;
    let (head, rest) = message.split_at_checked(start)?;
    let tail = rest.get(content.get().len()..)?;
    Some(Some(format!("{head}[{}]{tail}", kept.join(","))))
}

fn is_sealed(block: &str) -> bool {
    let Ok(BlockWire { r#type, signature, data }) = serde_json::from_str::<BlockWire<'_>>(block) else {
        return false;
    };
    let proof = match r#type.as_ref().map(Text::decode).as_deref() {
        Some("thinking") => signature,
        Some("redacted_thinking") => data,
        _ => None,
    };
    proof.is_some_and(|proof| proof.decode().starts_with(PREFIX))
}
