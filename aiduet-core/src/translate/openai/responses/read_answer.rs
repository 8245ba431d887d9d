//! Answers of the Responses API, read.

use serde::Deserialize;

use super::super::super::Unreadable;
use super::super::super::conversation::{InputKind, Thought};
use super::super::super::json::{Text, lax, lax_as};
use super::super::super::reply::{Block, Called, Finish, Reply};
use super::super::error::Fault;
use crate::provider::Vendor;

#[derive(Deserialize)]
pub(super) struct Response<'a> {
    #[serde(borrow, default, deserialize_with = "lax")]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    pub(super) status: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    pub(super) incomplete_details: Option<Incomplete<'a>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    output: Option<Vec<ItemWire<'a>>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    pub(super) error: Option<Fault<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Incomplete<'a> {
    #[serde(borrow, default, deserialize_with = "lax")]
    reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct ItemWire<'a> {
    #[serde(borrow)]
    pub(super) r#type: Text<'a>,
    #[serde(borrow, default, deserialize_with = "lax")]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    pub(super) call_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    pub(super) namespace: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    pub(super) arguments: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    pub(super) input: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    pub(super) content: Option<Vec<PartWire<'a>>>,
    #[serde(borrow, default, deserialize_with = "lax_as")]
    pub(super) summary: Option<Vec<PartWire<'a>>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    pub(super) encrypted_content: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct PartWire<'a> {
    #[serde(borrow, default, deserialize_with = "lax")]
    pub(super) r#type: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    pub(super) refusal: Option<Text<'a>>,
}

pub(super) fn own(text: Option<Text<'_>>) -> String {
    text.map(|text| text.into_decoded().into_owned()).unwrap_or_default()
}

/// Reads an answer.
///
/// # Errors
/// When it is not one, or says that it failed.
pub(in crate::translate) fn read_answer(body: &[u8]) -> Result<Reply, Unreadable> {
    let response: Response<'_> = serde_json::from_slice(body).map_err(|_json| Unreadable)?;
    let Response { id, status, incomplete_details, output, error: _ } = response;
    if status.as_ref().is_some_and(|status| status.is("failed") || status.is("cancelled")) {
        return Err(Unreadable);
    }
    let blocks: Vec<Block> = output.unwrap_or_default().into_iter().flat_map(ItemWire::blocks).collect();
    let said = blocks.iter().fold(Said::default(), |said, block| match block {
        Block::Call(_) => Said { calls: true, ..said },
        Block::Refusal(text) => Said { refusal: Some(text.clone()), ..said },
        Block::Text(_) | Block::Thought(_) => said,
    });
    Ok(Reply { id: own(id), finish: finish(status.as_ref(), incomplete_details.as_ref(), said), blocks })
}

/// What the status of an answer does not say.
#[derive(Default)]
pub(super) struct Said {
    pub(super) calls: bool,
    pub(super) refusal: Option<String>,
}

pub(super) fn finish(status: Option<&Text<'_>>, incomplete: Option<&Incomplete<'_>>, said: Said) -> Finish {
    let reason = incomplete.and_then(|details| details.reason.as_ref()).map(Text::decode);
    match (status.map(Text::decode).as_deref(), reason.as_deref()) {
        (Some("incomplete"), Some("content_filter")) => {
            Finish::Refusal { category: None, explanation: said.refusal }
        }
        (Some("incomplete"), _) => Finish::Length,
        _ if said.refusal.is_some() => Finish::Declined(said.refusal.unwrap_or_default()),
        _ if said.calls => Finish::Calls,
        (Some("completed"), _) => Finish::Done,
        _ => Finish::Unknown,
    }
}

impl ItemWire<'_> {
    /// What the item has of the kinds that all dialects have.
    fn blocks(self) -> Vec<Block> {
        let kind = self.r#type.decode().into_owned();
        match kind.as_str() {
            "message" => self.content.unwrap_or_default().into_iter().filter_map(PartWire::block).collect(),
            "reasoning" => vec![Block::Thought(self.thought())],
            "function_call" | "custom_tool_call" => vec![Block::Call(self.called())],
            _ => Vec::new(),
        }
    }

    pub(super) fn thought(self) -> Thought<'static> {
        let text = self.summary_text();
        let own_some = |text: Option<Text<'_>>| text.map(|text| Text::from(text.into_decoded().into_owned()));
        Thought {
            maker: Vendor::OpenAi,
            model: None,
            text: (!text.is_empty()).then(|| Text::from(text)),
            proof: own_some(self.encrypted_content),
            handle: own_some(self.id),
        }
    }

    pub(super) fn summary_text(&self) -> String {
        let parts = self.summary.iter().flatten().filter_map(|part| part.text.as_ref());
        parts.map(Text::decode).collect::<Vec<_>>().join(SUMMARY_JOINT)
    }

    pub(super) fn called(self) -> Called {
        let Self { r#type, call_id, namespace, name, arguments, input, .. } = self;
        let (input, arguments) = if r#type.is("custom_tool_call") {
            (InputKind::Free, own(input))
        } else {
            (InputKind::Object, own(arguments))
        };
        let namespace = namespace.map(|text| text.into_decoded().into_owned());
        Called { id: own(call_id), namespace, name: own(name), input, arguments }
    }
}

/// Between the parts of a summary.
pub(super) const SUMMARY_JOINT: &str = "\n\n";

impl PartWire<'_> {
    fn block(self) -> Option<Block> {
        let Self { r#type, text, refusal } = self;
        match r#type.as_ref().map(Text::decode).as_deref() {
            Some("output_text") => Some(Block::Text(own(text))),
            Some("refusal") => Some(Block::Refusal(own(refusal))),
            _ => None,
        }
    }
}
