//! Sealed reasoning is taken out of a request that goes to the vendor of its own dialect, who
//! would refuse what the other vendor's model thought.

use bytes::Bytes;
use memchr::memmem;
use serde_json::value::RawValue;

use super::json::Members;
use super::seal::PREFIX;
use super::{anthropic, openai};
use crate::content::Content;
use crate::dialect::Endpoint;

/// The body without sealed reasoning; all other items stay byte for byte. `None`: there is none,
/// and the body stays as it is.
pub fn scrub(endpoint: Endpoint, body: &Content) -> Option<Content> {
    let bytes = body.expose();
    memmem::find(bytes, PREFIX.as_bytes())?;
    let (name, keep): (&str, fn(&str) -> Option<String>) = match endpoint {
        Endpoint::Messages | Endpoint::CountTokens => ("messages", anthropic::without_seals),
        Endpoint::Responses | Endpoint::InputTokens => ("input", openai::responses::without_seals),
        Endpoint::ChatCompletions | Endpoint::Embeddings => return None,
    };
    let members: Members<'_> = serde_json::from_slice(bytes).ok()?;
    let (_name, value) = members.0.into_iter().find(|(known, _value)| known == name)?;
    let items: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
    let kept: Vec<String> = items.iter().filter_map(|item| keep(item.get())).collect();
    let start = value.get().as_ptr().addr().checked_sub(bytes.as_ptr().addr())?;
    let end = start.checked_add(value.get().len())?;
    let (head, tail) = (bytes.get(..start)?, bytes.get(end..)?);
    let list = format!("[{}]", kept.join(","));
    Some(Content::new(Bytes::from([head, list.as_bytes(), tail].concat())))
}

/// Whether a text holds a seal; says nothing about where.
pub(super) fn may_hold_seal(text: &str) -> bool {
    text.contains(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(endpoint: Endpoint, body: &str) -> Option<String> {
        let body = Content::new(Bytes::copy_from_slice(body.as_bytes()));
        scrub(endpoint, &body).map(|body| String::from_utf8(body.expose().to_vec()).unwrap())
    }

    #[test]
    fn sealed_thinking_is_cut_out_and_the_rest_stays() {
        let body = r#"{ "model":"m", "messages":[{"role":"user","content":"say aiduet1."},
            {"role":"assistant","content":[{"type":"thinking","thinking":"a","signature":"aiduet1.x"},{"type":"redacted_thinking","data":"aiduet1.y"}, {"type":"thinking","thinking":"b","signature":"own"}, {"type":"text", "text":"t"}]},
            {"role":"assistant","content":[{"type":"thinking","thinking":"a","signature":"aiduet1.x"}]}], "x":1.0}"#;
        let expected = r#"{ "model":"m", "messages":[{"role":"user","content":"say aiduet1."},{"role":"assistant","content":[{"type":"thinking","thinking":"b","signature":"own"},{"type":"text", "text":"t"}]}], "x":1.0}"#;
        assert_eq!(scrubbed(Endpoint::Messages, body).unwrap(), expected);
    }

    #[test]
    fn sealed_reasoning_is_cut_out_and_the_rest_stays() {
        let body = r#"{"input":[{"type":"reasoning","summary":[],"encrypted_content":"aiduet1.x"}, {"type":"reasoning","encrypted_content":"own"},{"role":"user","content":"aiduet1."}],"a":1}"#;
        let expected = r#"{"input":[{"type":"reasoning","encrypted_content":"own"},{"role":"user","content":"aiduet1."}],"a":1}"#;
        assert_eq!(scrubbed(Endpoint::Responses, body).unwrap(), expected);
    }

    #[test]
    fn a_body_without_seals_is_not_touched() {
        assert!(scrubbed(Endpoint::Messages, r#"{"messages":[{"role":"user","content":"hi"}]}"#).is_none());
        assert!(scrubbed(Endpoint::Responses, r#"{"input":"aiduet1."}"#).is_none());
        assert!(scrubbed(Endpoint::Messages, "aiduet1. not json").is_none());
    }
}
