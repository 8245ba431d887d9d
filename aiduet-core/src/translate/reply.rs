//! An answer in the words of neither vendor: whole, and as it comes.

use super::conversation::{InputKind, Thought};
use crate::provider::Vendor;

/// An answer.
#[derive(Default)]
pub(super) struct Reply {
    /// The provider's name for it.
    pub(super) id: String,
    pub(super) blocks: Vec<Block>,
    pub(super) finish: Finish,
}

pub(super) enum Block {
    Text(String),
    Refusal(String),
    Thought(Thought<'static>),
    Call(Called),
}

/// A call of a tool; when read, under its name at the provider.
#[derive(Clone, Debug)]
pub(super) struct Called {
    pub(super) id: String,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    pub(super) input: InputKind,
    /// A JSON object as text, or free text.
    pub(super) arguments: String,
}

/// Why an answer ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Finish {
    Done,
    StopSequence(String),
    Calls,
    Length,
    /// The model said no, in a block of its own.
    Declined(String),
    /// A policy of the provider ended it; with what is said about that.
    Refusal {
        category: Option<String>,
        explanation: Option<String>,
    },
    Pause,
    /// Not said, or in a word that is not known.
    #[default]
    Unknown,
}

/// Names a block within an answer.
pub(super) type Slot = u32;

/// A step of an answer.
#[derive(Debug)]
pub(super) enum Event {
    Began {
        id: String,
    },
    Opened(Slot, Opening),
    /// More of a text, of shown reasoning, or of arguments.
    Added(Slot, String),
    /// What the maker of reasoning needs back.
    Sealed(Slot, Proof),
    Closed(Slot),
    Finished(Finish),
    /// Nothing more will come.
    Ended,
    /// The provider says that it failed; with its words, if they are about the request.
    Failed(Option<Complaint>),
}

/// What a provider has against a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) subject: Subject,
    /// Its words, which may quote the request.
    pub(super) message: String,
}

/// What a complaint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// The prompt is too long for the model.
    Length,
    /// Anything else about the request.
    Request,
}

#[derive(Clone, Debug)]
pub(super) enum Opening {
    Text,
    Refusal,
    Thought { maker: Vendor, shown: Shown },
    Call { id: String, name: String, namespace: Option<String>, input: InputKind },
}

/// Whether reasoning has a text, be it empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Yes,
    No,
}

/// What the maker of reasoning needs back.
#[derive(Clone, Debug, Default)]
pub(super) struct Proof {
    pub(super) proof: Option<String>,
    pub(super) handle: Option<String>,
}

impl Event {
    /// The block that the step is about.
    pub(super) const fn slot(&self) -> Option<Slot> {
        match self {
            Self::Opened(slot, _) | Self::Added(slot, _) | Self::Sealed(slot, _) | Self::Closed(slot) => {
                Some(*slot)
            }
            Self::Began { .. } | Self::Finished(_) | Self::Ended | Self::Failed(_) => None,
        }
    }
}
