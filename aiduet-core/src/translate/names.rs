//! Names of tools and calls that the other dialect does not take.
//!
//! A name that does not fit is replaced by one that depends on the name alone, so that it is the
//! same in every turn of a conversation.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::conversation::InputKind;
use super::json::Text;

/// Characters of the hash in a replaced name.
const HASH_DIGITS: usize = 8;
/// Between the name of a group of tools and that of a tool.
const JOINT: &str = "__";

/// How the client calls a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ToolName {
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    pub(super) input: InputKind,
}

/// What tools are called at the provider, and at the client.
#[derive(Clone, Debug)]
pub(super) struct ToolNames {
    length_max: usize,
    /// By the name at the provider; tools that are called the same on both sides and take an
    /// object are left out.
    changed: BTreeMap<String, ToolName>,
}

impl ToolNames {
    pub(super) const fn new(length_max: usize) -> Self {
        Self { length_max, changed: BTreeMap::new() }
    }

    /// The name at the provider.
    pub(super) fn outgoing<'a>(
        &mut self,
        namespace: Option<&Text<'_>>,
        name: Text<'a>,
        input: InputKind,
    ) -> Text<'a> {
        let plain = name.decode();
        let joined = match namespace {
            Some(namespace) => Cow::Owned(format!("{}{JOINT}{plain}", namespace.decode())),
            None => Cow::Borrowed(plain.as_ref()),
        };
        let fitted = fit(&joined, self.length_max);
        let is_same = namespace.is_none() && fitted == plain;
        if is_same && input == InputKind::Object {
            drop(joined);
            return name;
        }
        let fitted = fitted.into_owned();
        let known = ToolName {
            namespace: namespace.map(|namespace| namespace.decode().into_owned()),
            name: plain.into_owned(),
            input,
        };
        self.changed.insert(fitted.clone(), known);
        Text::from(fitted)
    }

    /// The name at the client.
    pub(super) fn incoming(&self, name: &str) -> ToolName {
        self.changed.get(name).cloned().unwrap_or_else(|| ToolName {
            namespace: None,
            name: name.to_owned(),
            input: InputKind::Object,
        })
    }
}

/// The identifier of a call as both providers take it.
pub(super) fn call_id<'a>(id: Text<'a>, length_max: usize) -> Text<'a> {
    let fitted = {
        let plain = id.decode();
        match fit(&plain, length_max) {
            Cow::Borrowed(_same) => None,
            Cow::Owned(fitted) => Some(fitted),
        }
    };
    fitted.map_or(id, Text::from)
}

/// A name of letters, digits, `_` and `-`, no longer than this; the same if it is one already.
fn fit(name: &str, length_max: usize) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !name.is_empty() && name.len() <= length_max && name.bytes().all(plain) {
        return Cow::Borrowed(name);
    }
    let kept = length_max.saturating_sub(HASH_DIGITS + 1);
    let mut fitted: String = name
        .chars()
        .map(|letter| if u8::try_from(letter).is_ok_and(plain) { letter } else { '_' })
        .take(kept)
        .collect();
    fitted.push('_');
    let digest = Sha256::digest(name.as_bytes());
    for byte in digest.iter().take(HASH_DIGITS / 2) {
        fitted.push_str(&format!("{byte:02x}"));
    }
    Cow::Owned(fitted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_fits_stays_and_a_long_one_is_the_same_each_time() {
        assert_eq!(fit("get_weather", 64), "get_weather");
        let long = "a".repeat(100);
        let short = fit(&long, 64);
        assert_eq!(short.len(), 64);
        assert_eq!(short, fit(&long, 64));
        assert_ne!(short, fit(&"a".repeat(101), 64));
        assert_ne!(fit("a.b", 64), fit("a/b", 64));
    }

    #[test]
    fn the_client_gets_its_own_name_back() {
        let mut names = ToolNames::new(64);
        let group = Text::from("mcp");
        let sent = names.outgoing(Some(&group), Text::from("read"), InputKind::Free);
        assert_eq!(sent.decode(), "mcp__read");
        let known = names.incoming("mcp__read");
        assert_eq!(
            (known.namespace.as_deref(), known.name.as_str(), known.input),
            (Some("mcp"), "read", InputKind::Free)
        );
        assert_eq!(names.incoming("other").name, "other");
    }
}
