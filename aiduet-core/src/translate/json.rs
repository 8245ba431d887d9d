//! JSON that is looked at without being rebuilt: numbers, key order and spacing of what passes
//! through stay as they were written.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::dialect::{RequestFault, body_members_with};

/// More members at the top of a body than any protocol has.
const MEMBERS_MAX: usize = 256;

/// A string: as it was written, quotes and escapes included, or one of ours.
#[derive(Clone)]
pub(super) enum Text<'a> {
    /// As written; the token is a JSON string.
    Token(&'a RawValue),
    /// Decoded.
    Plain(Cow<'a, str>),
}

impl<'a> Text<'a> {
    /// The text that a value is, if it is one.
    pub(super) fn of(value: &'a RawValue) -> Option<Self> {
        is_string(value).then_some(Self::Token(value))
    }

    /// The value.
    pub(super) fn decode(&self) -> Cow<'_, str> {
        match self {
            Self::Plain(text) => Cow::Borrowed(text),
            Self::Token(token) => decode(token),
        }
    }

    /// The value, with the life of the body.
    pub(super) fn into_decoded(self) -> Cow<'a, str> {
        match self {
            Self::Plain(text) => text,
            Self::Token(token) => decode(token),
        }
    }

    /// Whether the value is this one.
    pub(super) fn is(&self, other: &str) -> bool {
        self.decode() == other
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Token(token) => token.get() == "\"\"",
            Self::Plain(text) => text.is_empty(),
        }
    }

    /// Whether there is nothing but white space. Looks at the first letter only, mostly.
    pub(super) fn is_blank(&self) -> bool {
        let first = match self {
            Self::Token(token) => token.get().chars().nth(1),
            Self::Plain(text) => text.chars().next(),
        };
        let is_plain = first.is_some_and(|first| !first.is_whitespace() && !matches!(first, '\\' | '"'));
        !is_plain && self.decode().trim().is_empty()
    }
}

fn decode(token: &RawValue) -> Cow<'_, str> {
    let quoted = token.get();
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    if inner.contains('\\') {
        // Requests are checked before; of an answer, what cannot be decoded is left out.
        Cow::Owned(serde_json::from_str(quoted).unwrap_or_default())
    } else {
        Cow::Borrowed(inner)
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self::Plain(Cow::Owned(text))
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::Plain(Cow::Borrowed(text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let token = <&'de RawValue>::deserialize(deserializer)?;
        if token.get().starts_with('"') {
            Ok(Self::Token(token))
        } else {
            Err(D::Error::custom("not a string"))
        }
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Token(token) => token.serialize(serializer),
            Self::Plain(text) => serializer.serialize_str(text),
        }
    }
}

/// The members of an object, in their order, with values as they were written.
pub(super) struct Members<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Reads the top of a request body: the one member that is large, which `read` reads off the beginning of
    /// a text, and the others.
    ///
    /// # Errors
    /// When it is not an object, has a member twice, or very many. What is wrong with the large member is
    /// beside the others.
    pub(super) fn of_body<T>(
        body: &'a [u8],
        large: &'static str,
        read: impl Fn(&'a str) -> Option<(T, usize)>,
    ) -> Result<(Self, Option<Result<T, RequestFault>>), RequestFault> {
        let mut large_value = None;
        let all = body_members_with(body, |name, rest| {
            let (value, bytes) = (name == large).then(|| read(rest)).flatten()?;
            large_value = Some(value);
            Some(bytes)
        })?;
        let mut names: Vec<&str> = all.iter().map(|(name, _value)| name.as_ref()).collect();
        names.sort_unstable();
        let repeated = names.windows(2).any(|pair| pair.first() == pair.last());
        if repeated || names.len() > MEMBERS_MAX {
            return Err(RequestFault::malformed());
        }
        let mut members = Vec::with_capacity(all.len());
        let mut found = None;
        for (name, value) in all {
            if name == large {
                found = (value != "null").then(|| large_value.take().ok_or(wrong_type(large)));
            } else {
                let value = serde_json::from_str(value).map_err(|_json| RequestFault::malformed())?;
                members.push((name, value));
            }
        }
        Ok((Self(members), found))
    }

    /// Takes a member out; `null` is the same as nothing.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let at = self.0.iter().position(|(known, _value)| known == name)?;
        let (_name, value) = self.0.remove(at);
        (value.get() != "null").then_some(value)
    }

    /// Takes a member out and reads it.
    ///
    /// # Errors
    /// When it has another type.
    pub(super) fn read<T: Deserialize<'a>>(&mut self, name: &'static str) -> Result<Option<T>, RequestFault> {
        self.take(name).map(|value| read(value, name)).transpose()
    }

    /// Whether a member is there and not null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, value)| known == name && value.get() != "null")
    }

    /// Drops members.
    pub(super) fn drop_all(&mut self, names: &[&str]) {
        self.0.retain(|(name, _value)| !names.contains(&name.as_ref()));
    }

    /// Refuses the members of this list that say anything.
    ///
    /// # Errors
    /// Names the first.
    pub(super) fn refuse(
        &mut self,
        names: &[&'static str],
        advice: &'static str,
    ) -> Result<(), RequestFault> {
        for name in names {
            if self.take(name).is_some_and(|value| !says_nothing(value)) {
                return Err(RequestFault::unsupported(name, advice));
            }
        }
        Ok(())
    }

    /// Refuses whatever is left: it means something that this version does not know, so nobody
    /// can say what is lost without it. Its name is the client's text and is not repeated.
    ///
    /// # Errors
    /// When anything is left.
    pub(super) fn finish(self) -> Result<(), RequestFault> {
        let unknown = self.0.iter().any(|(_name, value)| value.get() != "null");
        if unknown { Err(RequestFault::untranslatable()) } else { Ok(()) }
    }
}

/// Whether a value asks for nothing: `false`, `0`, and empty strings, lists and objects.
fn says_nothing(value: &RawValue) -> bool {
    let text = value.get();
    let empty = |open: char, close: char| {
        text.strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
            .is_some_and(|inner| inner.trim().is_empty())
    };
    matches!(text, "false" | "0" | "\"\"") || empty('[', ']') || empty('{', '}')
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Reader<'a> {
            type Value = Members<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<Text<'de>>()? {
                    members.push((name.into_decoded(), map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader(std::marker::PhantomData))
    }
}

/// Reads a value of a request.
///
/// # Errors
/// Names the field, and never shows the value.
pub(super) fn read<'a, T: Deserialize<'a>>(
    value: &'a RawValue,
    field: &'static str,
) -> Result<T, RequestFault> {
    serde_json::from_str(value.get()).map_err(|_json| wrong_type(field))
}

const fn wrong_type(field: &'static str) -> RequestFault {
    RequestFault::wrong(field, "the value has the wrong type")
}

/// Reads the value that a text begins with, if it has this type; and how many bytes it has.
pub(super) fn read_first<'a, T: Deserialize<'a>>(text: &'a str) -> Option<(T, usize)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    let value = values.next()?.ok()?;
    Some((value, values.byte_offset()))
}

/// Whether a value is written as a string.
pub(super) fn is_string(value: &RawValue) -> bool {
    value.get().starts_with('"')
}

/// Writes a value of ours, which cannot fail: it has string keys only.
pub(super) fn write<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// The same for a value that is about so long.
pub(super) fn write_long<T: Serialize + ?Sized>(value: &T, length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(length.saturating_add(length / 4).saturating_add(256));
    match serde_json::to_writer(&mut out, value) {
        Ok(()) => out,
        Err(_unwritable) => Vec::new(),
    }
}

/// The same, as text.
pub(super) fn write_text<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Writes a text as JSON behind what is there already.
pub(super) fn push_text(out: &mut String, text: &str) {
    let is_plain = text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
    if is_plain {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&write_text(text));
    }
}

/// Writes a number behind what is there already.
pub(super) fn push_number(out: &mut String, number: u64) {
    // Writing to a String cannot fail.
    write!(out, "{number}").ok();
}

/// Takes a number out of an object, as it was written.
///
/// # Errors
/// When it is something else.
pub(super) fn number<'a>(
    members: &mut Members<'a>,
    name: &'static str,
) -> Result<Option<&'a RawValue>, RequestFault> {
    let Some(value) = members.take(name) else { return Ok(None) };
    let is_number = value.get().starts_with(|first: char| first == '-' || first.is_ascii_digit());
    if is_number { Ok(Some(value)) } else { Err(RequestFault::wrong(name, "expected a number")) }
}

/// Reads a string of an answer; anything else is as good as nothing, since answers may hold what
/// this version does not know.
///
/// # Errors
/// Only when it is not JSON.
pub(super) fn lax<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Text<'a>>, D::Error> {
    let value = <Option<&'de RawValue>>::deserialize(deserializer)?;
    Ok(value.filter(|value| is_string(value)).map(Text::Token))
}

/// The same for other types.
///
/// # Errors
/// Only when it is not JSON.
pub(super) fn lax_as<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = <Option<&'de RawValue>>::deserialize(deserializer)?;
    Ok(value.and_then(|value| serde_json::from_str(value.get()).ok()))
}
