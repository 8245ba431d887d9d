//! Reasoning of one vendor inside the opaque field of the other's dialect.
//!
//! A client keeps what it does not understand and sends it back. So the reasoning of a model
//! travels in the field that the client's dialect has for the reasoning of its own vendor, under a
//! prefix by which it is found again. Under the prefix stand the maker, the model, and what they
//! need back, word for word. It never goes to the other vendor, who would refuse it.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::conversation::Thought;
use super::json::{Text, write};
use crate::provider::Vendor;

/// Begins every sealed text.
pub(crate) const PREFIX: &str = "aiduet1.";

#[derive(Deserialize, Serialize)]
struct Sealed<'a> {
    /// The maker.
    v: Vendor,
    /// Its model.
    #[serde(borrow)]
    m: Cow<'a, str>,
    /// What may be shown, if the maker checks it too.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    t: Option<Cow<'a, str>>,
    /// What the maker checks or decrypts.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    p: Option<Cow<'a, str>>,
    /// The maker's name for it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    h: Option<Cow<'a, str>>,
}

/// Seals reasoning for a client of the other dialect.
pub(super) fn seal(thought: &Thought<'_>, model: &str) -> String {
    let Thought { maker, model: _, text, proof, handle } = thought;
    let sealed = Sealed {
        v: *maker,
        m: Cow::Borrowed(model),
        t: text.as_ref().map(Text::decode),
        p: proof.as_ref().map(Text::decode),
        h: handle.as_ref().map(Text::decode),
    };
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(write(&sealed)))
}

/// What a text of an opaque field is.
pub(super) enum Opened {
    /// Reasoning that this gateway has sealed.
    Ours(Thought<'static>),
    /// Sealed by us, but no longer readable: nobody can use it.
    Broken,
    /// The vendor's own.
    Foreign,
}

/// Opens what [`seal`] has sealed.
pub(super) fn open(text: &str) -> Opened {
    let Some(body) = text.strip_prefix(PREFIX) else { return Opened::Foreign };
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(body) else { return Opened::Broken };
    let Ok(Sealed { v, m, t, p, h }) = serde_json::from_slice(&bytes) else { return Opened::Broken };
    let own = |text: Cow<'_, str>| Text::from(text.into_owned());
    Opened::Ours(Thought {
        maker: v,
        model: Some(Cow::Owned(m.into_owned())),
        text: t.map(own),
        proof: p.map(own),
        handle: h.map(own),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_comes_back_word_for_word() {
        let thought = Thought {
            maker: Vendor::Anthropic,
            model: None,
            text: Some(Text::from("first\n\"then\" \u{1F980}")),
            proof: Some(Text::from("EqQBCgIYAh==")),
            handle: None,
        };
        let sealed = seal(&thought, "claude-opus-5-5");
        let Opened::Ours(opened) = open(&sealed) else { panic!("not opened") };
        assert_eq!(opened.maker, Vendor::Anthropic);
        assert_eq!(opened.model.as_deref(), Some("claude-opus-5-5"));
        assert_eq!(opened.text.unwrap().decode(), "first\n\"then\" \u{1F980}");
        assert_eq!(opened.proof.unwrap().decode(), "EqQBCgIYAh==");
        assert!(opened.handle.is_none());
    }

    #[test]
    fn foreign_and_damaged_texts_are_told_apart() {
        assert!(matches!(open("EqQBCgIYAh=="), Opened::Foreign));
        assert!(matches!(open("aiduet1.%%%"), Opened::Broken));
        assert!(matches!(open("aiduet1.e30"), Opened::Broken));
    }
}
