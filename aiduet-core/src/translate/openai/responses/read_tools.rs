//! The tools of a request, read, wherever they stand.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::super::conversation::{Conversation, Takes, Tool};
use super::super::super::json::{Members, Text, lax, read};
use super::super::values::GrammarWire;
use super::WORDS;
use crate::dialect::RequestFault;

/// Tools that run at the provider and that a model does without: it is simply not offered them.
const DROPPED: [&str; 5] =
    ["web_search", "web_search_2025_08_26", "web_search_preview", "image_generation", "tool_search"];

#[derive(Deserialize)]
struct ToolWire<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow, default, deserialize_with = "lax")]
    name: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    description: Option<Text<'a>>,
    #[serde(borrow, default)]
    parameters: Option<&'a RawValue>,
    #[serde(default)]
    strict: Option<bool>,
    #[serde(borrow, default)]
    format: Option<FormatWire<'a>>,
    #[serde(borrow, default)]
    tools: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct FormatWire<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow, default, deserialize_with = "lax")]
    syntax: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    definition: Option<Text<'a>>,
}

pub(super) fn read_tools<'a>(
    members: &mut Members<'a>,
    talk: &mut Conversation<'a>,
) -> Result<(), RequestFault> {
    members.take("tools").map_or(Ok(()), |tools| add_tools(tools, None, talk))
}

/// Adds a list of tools; a group of them lends its name.
pub(super) fn add_tools<'a>(
    tools: &'a RawValue,
    namespace: Option<&Text<'a>>,
    talk: &mut Conversation<'a>,
) -> Result<(), RequestFault> {
    for wire in read::<Vec<ToolWire<'a>>>(tools, WORDS.tools)? {
        let ToolWire { r#type, name, description, parameters, strict, format, tools } = wire;
        let takes = match (r#type.decode().as_ref(), tools) {
            ("function", _) => Takes::Object { schema: parameters, strict },
            ("custom", _) => Takes::Free { grammar: format.and_then(FormatWire::grammar).map(Into::into) },
            ("namespace", Some(tools)) if namespace.is_none() => {
                add_tools(tools, name.as_ref(), talk)?;
                continue;
            }
            (kind, _) if DROPPED.contains(&kind) => continue,
            _ => {
                let advice = "only function and custom tools can be translated";
                return Err(RequestFault::unsupported("tools.type", advice));
            }
        };
        let name = name.ok_or(RequestFault::missing("tools.name"))?;
        talk.tools.push(Tool { namespace: namespace.cloned(), name, description, takes, cache: None });
    }
    Ok(())
}

impl<'a> FormatWire<'a> {
    fn grammar(self) -> Option<GrammarWire<'a>> {
        let Self { r#type, syntax, definition } = self;
        let (syntax, definition) = syntax.zip(definition).filter(|_grammar| r#type.is("grammar"))?;
        Some(GrammarWire { syntax, definition })
    }
}
