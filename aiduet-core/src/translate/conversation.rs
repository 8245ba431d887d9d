//! A request in the words of neither vendor: what all dialects can say.
//!
//! Every dialect is read into this form and written from it, so that a rule stands in one place
//! for all pairs. What only one dialect can say never gets here: its reader refuses it, or drops
//! it by the table in `docs/translation.md`.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::json::Text;
use crate::dialect::Endpoint;
use crate::provider::Vendor;

/// A request.
pub(super) struct Conversation<'a> {
    /// The dialect it was read from.
    pub(super) client: Endpoint,
    /// How long it was there, in bytes.
    pub(super) length: usize,
    /// How that dialect calls what may have to be refused.
    pub(super) words: &'static Words,
    /// System texts before the first message.
    pub(super) system: Vec<Part<'a>>,
    /// What was said and done, in order.
    pub(super) items: Vec<Item<'a>>,
    pub(super) tools: Vec<Tool<'a>>,
    pub(super) choice: Option<Choice<'a>>,
    pub(super) parallel: Parallel,
    pub(super) output_limit: Option<u64>,
    pub(super) sampling: Sampling<'a>,
    pub(super) stop: Vec<Text<'a>>,
    pub(super) effort: Option<Effort>,
    pub(super) thinking: Option<Thinking>,
    /// The client wants to see reasoning, as a summary.
    pub(super) shows_reasoning: Show,
    pub(super) format: Option<Format<'a>>,
    pub(super) verbosity: Option<Text<'a>>,
    pub(super) tier: Tier,
    pub(super) delivery: Delivery,
    /// The client named its own user; a pseudonym takes the name's place.
    pub(super) names_user: bool,
    pub(super) cache_key: Option<Text<'a>>,
    /// The whole prompt is to be cached.
    pub(super) cache: Option<CacheMark>,
    /// Members of an answer that repeat the request, written, each with a comma before it.
    pub(super) echo: String,
}

impl Conversation<'_> {
    pub(super) fn new(client: Endpoint, words: &'static Words) -> Self {
        Self {
            client,
            length: 0,
            words,
            system: Vec::new(),
            items: Vec::new(),
            tools: Vec::new(),
            choice: None,
            parallel: Parallel::Unsaid,
            output_limit: None,
            sampling: Sampling::default(),
            stop: Vec::new(),
            effort: None,
            thinking: None,
            shows_reasoning: Show::Unsaid,
            format: None,
            verbosity: None,
            tier: Tier::Unsaid,
            delivery: Delivery::default(),
            names_user: false,
            cache_key: None,
            cache: None,
            echo: String::new(),
        }
    }
}

impl Conversation<'_> {
    /// Bytes of the images and documents that are here, which say little about their tokens.
    pub(super) fn media_bytes(&self) -> usize {
        let of_parts = |parts: &[Part<'_>]| parts.iter().map(Part::media_bytes).sum::<usize>();
        self.items
            .iter()
            .map(|item| match item {
                Item::Said(_, parts) | Item::Returned(Returned { parts, .. }) => of_parts(parts),
                Item::Thought(_) | Item::Called(_) => 0,
            })
            .sum()
    }
}

/// The names of fields in one dialect, for refusals.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) items: &'static str,
    pub(super) content: &'static str,
    pub(super) image: &'static str,
    pub(super) document: &'static str,
    pub(super) arguments: &'static str,
    pub(super) call_id: &'static str,
    pub(super) result_id: &'static str,
    pub(super) tools: &'static str,
    pub(super) choice: &'static str,
    pub(super) stop: &'static str,
    pub(super) effort: &'static str,
    pub(super) format: &'static str,
    pub(super) tier: &'static str,
    pub(super) cache: &'static str,
}

/// Something said or done.
pub(super) enum Item<'a> {
    Said(Role, Vec<Part<'a>>),
    Thought(Thought<'a>),
    Called(Call<'a>),
    Returned(Returned<'a>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    System,
    User,
    Assistant,
}

/// A part of a message.
pub(super) struct Part<'a> {
    pub(super) kind: PartKind<'a>,
    pub(super) cache: Option<CacheMark>,
}

impl<'a> Part<'a> {
    pub(super) const fn new(kind: PartKind<'a>) -> Self {
        Self { kind, cache: None }
    }

    pub(super) const fn text(text: Text<'a>) -> Self {
        Self::new(PartKind::Text(text))
    }

    fn media_bytes(&self) -> usize {
        match &self.kind {
            PartKind::Image(Media::Data { data, .. })
            | PartKind::Document(Document { body: DocumentBody::Media(Media::Data { data, .. }), .. }) => {
                data.len()
            }
            PartKind::Text(_) | PartKind::Refusal(_) | PartKind::Image(_) | PartKind::Document(_) => 0,
        }
    }

    /// Whether it is a text of nothing but white space.
    pub(super) fn is_blank(&self) -> bool {
        match &self.kind {
            PartKind::Text(text) | PartKind::Refusal(text) => text.is_blank(),
            PartKind::Image(_) | PartKind::Document(_) => false,
        }
    }

    /// Whether it is a text of no characters.
    pub(super) fn is_empty(&self) -> bool {
        match &self.kind {
            PartKind::Text(text) | PartKind::Refusal(text) => text.is_empty(),
            PartKind::Image(_) | PartKind::Document(_) => false,
        }
    }
}

pub(super) enum PartKind<'a> {
    Text(Text<'a>),
    Refusal(Text<'a>),
    Image(Media<'a>),
    Document(Document<'a>),
}

/// Where the bytes of an image or document are. Nobody but the provider fetches an address.
pub(super) enum Media<'a> {
    /// Here, in base64.
    Data { media_type: Cow<'a, str>, data: Cow<'a, str> },
    /// At an address.
    Url(Text<'a>),
}

pub(super) struct Document<'a> {
    pub(super) body: DocumentBody<'a>,
    pub(super) title: Option<Text<'a>>,
    pub(super) context: Option<Text<'a>>,
}

pub(super) enum DocumentBody<'a> {
    Media(Media<'a>),
    Text(Text<'a>),
    Parts(Vec<Part<'a>>),
}

/// How long a cached prefix is to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CacheMark {
    Short,
    Long,
}

/// Reasoning, which only its maker can read again.
#[derive(Clone)]
pub(super) struct Thought<'a> {
    pub(super) maker: Vendor,
    /// The model that made it, where that is known.
    pub(super) model: Option<Cow<'a, str>>,
    /// What may be shown. `None`: the maker shows nothing.
    pub(super) text: Option<Text<'a>>,
    /// What the maker checks or decrypts.
    pub(super) proof: Option<Text<'a>>,
    /// The maker's name for it.
    pub(super) handle: Option<Text<'a>>,
}

/// A call of a tool.
pub(super) struct Call<'a> {
    pub(super) id: Text<'a>,
    pub(super) namespace: Option<Text<'a>>,
    pub(super) name: Text<'a>,
    pub(super) input: Input<'a>,
}

pub(super) enum Input<'a> {
    /// A JSON object.
    Object(&'a RawValue),
    /// The text of a JSON object, not checked yet.
    Arguments(Text<'a>),
    /// Free text.
    Free(Text<'a>),
}

/// What a tool gave back.
pub(super) struct Returned<'a> {
    pub(super) id: Text<'a>,
    pub(super) parts: Vec<Part<'a>>,
    pub(super) outcome: ToolOutcome,
    pub(super) input: InputKind,
    pub(super) cache: Option<CacheMark>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ToolOutcome {
    Fine,
    Failed,
}

/// What a tool takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InputKind {
    Object,
    Free,
}

pub(super) struct Tool<'a> {
    pub(super) namespace: Option<Text<'a>>,
    pub(super) name: Text<'a>,
    pub(super) description: Option<Text<'a>>,
    pub(super) takes: Takes<'a>,
    pub(super) cache: Option<CacheMark>,
}

pub(super) enum Takes<'a> {
    /// An object of this schema.
    Object { schema: Option<&'a RawValue>, strict: Option<bool> },
    /// Free text.
    Free { grammar: Option<Grammar<'a>> },
}

pub(super) struct Grammar<'a> {
    pub(super) syntax: Text<'a>,
    pub(super) definition: Text<'a>,
}

pub(super) enum Choice<'a> {
    Auto,
    None,
    Required,
    Tool {
        namespace: Option<Text<'a>>,
        name: Text<'a>,
        input: InputKind,
    },
    /// Only these, and whether one must be called.
    Among {
        names: Vec<Text<'a>>,
        required: bool,
    },
}

/// Whether several tools may be called at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parallel {
    Unsaid,
    Allowed,
    Forbidden,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Sampling<'a> {
    pub(super) temperature: Option<&'a RawValue>,
    pub(super) top_p: Option<&'a RawValue>,
}

/// How hard to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

impl Effort {
    const ALL: [Self; 7] =
        [Self::None, Self::Minimal, Self::Low, Self::Medium, Self::High, Self::Xhigh, Self::Max];

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.as_str() == name)
    }

    /// The name, which both vendors share.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }
}

/// Whether to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinking {
    Off,
    Adaptive,
    Budget(u64),
    BetweenTools,
}

/// Whether the client wants to see reasoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    Unsaid,
    Summary,
    Nothing,
}

/// The form that the answer must have.
pub(super) enum Format<'a> {
    /// Any JSON object.
    Object,
    /// JSON of this schema.
    Schema(Schema<'a>),
}

pub(super) struct Schema<'a> {
    pub(super) name: Option<Text<'a>>,
    pub(super) description: Option<Text<'a>>,
    pub(super) schema: &'a RawValue,
    pub(super) strict: Option<bool>,
}

/// The service tier asked for, as far as both vendors have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tier {
    Unsaid,
    Auto,
    Default,
    Flex,
    Priority,
}

/// How the answer is delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) stream: bool,
    /// Counts at the end of a stream, where that is a choice.
    pub(super) usage: bool,
    /// Tools are spoken of in the older way of the dialect.
    pub(super) legacy_tools: bool,
}
