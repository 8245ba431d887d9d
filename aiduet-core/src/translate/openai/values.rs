//! Values that both of OpenAI's dialects write in the same way.

use serde::Deserialize;

use super::super::conversation::{CacheMark, Effort, Grammar, Tier};
use super::super::json::Text;
use crate::dialect::RequestFault;

/// An explicit end of a cached prefix.
#[derive(Deserialize)]
pub(super) struct Breakpoint<'a> {
    #[serde(borrow, default)]
    ttl: Option<Text<'a>>,
}

impl Breakpoint<'_> {
    pub(super) fn mark(&self) -> CacheMark {
        if self.ttl.as_ref().is_some_and(|life| life.is("12h")) { CacheMark::Long } else { CacheMark::Short }
    }
}

/// The form of a free text, as Responses writes it.
#[derive(Deserialize)]
pub(super) struct GrammarWire<'a> {
    #[serde(borrow)]
    pub(super) syntax: Text<'a>,
    #[serde(borrow)]
    pub(super) definition: Text<'a>,
}

impl<'a> From<GrammarWire<'a>> for Grammar<'a> {
    fn from(GrammarWire { syntax, definition }: GrammarWire<'a>) -> Self {
        Self { syntax, definition }
    }
}

pub(super) fn read_effort(text: &Text<'_>, field: &'static str) -> Result<Effort, RequestFault> {
    Effort::from_name(&text.decode())
        .ok_or_else(|| RequestFault::wrong(field, "expected none, minimal, low, medium, high, xhigh or max"))
}

pub(super) fn read_tier(text: &Text<'_>) -> Result<Tier, RequestFault> {
    match text.decode().as_ref() {
        "auto" => Ok(Tier::Auto),
        "default" => Ok(Tier::Default),
        "flex" => Ok(Tier::Flex),
        "priority" | "fast" => Ok(Tier::Priority),
        _ => Err(RequestFault::unsupported("service_tier", "expected auto, default, flex or priority")),
    }
}
