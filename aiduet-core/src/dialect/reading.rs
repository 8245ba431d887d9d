//! What an answer has used, as far as it is known.

use super::text::TextEstimate;
use crate::usage::{FinishReason, Modifiers, Usage, UsageFlags, UsagePart};

/// Why a stream did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamFault {
    /// The provider failed, broke off, or sent what is not its protocol.
    Upstream,
    /// It was silent for too long.
    Timeout,
    /// It has no capacity.
    Overloaded,
    /// It limits the operator's rate, or the operator's account is out of credit.
    Unavailable,
    /// It refuses the request itself, after having accepted it.
    Request,
}

/// What is known about an answer so far.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// What the provider reported last, in disjoint classes; one part per model that ran.
    pub parts: Vec<UsagePart>,
    /// `parts` describe the whole answer; until then they grow.
    pub final_usage: bool,
    /// Doubts about the reported numbers.
    pub flags: UsageFlags,
    /// Why generation ended.
    pub finish: Option<FinishReason>,
    /// The provider said that it failed, or what it sent is not its protocol.
    pub failed: bool,
    /// How, if it failed.
    pub failure: Option<StreamFault>,
    /// Something was generated.
    pub output_started: bool,
    /// The provider declined before it generated anything, and does not bill it.
    pub refused_empty: bool,
    /// What answers, as far as the provider said.
    pub(super) served: Served,
    pub(super) text: TextEstimate,
}

/// Who serves an answer, and at which terms.
#[derive(Clone, Debug, Default)]
pub(super) struct Served {
    pub(super) model: Option<Box<str>>,
    pub(super) modifiers: Modifiers,
}

impl Reading {
    /// Output tokens so far: what was reported or, if that is more, what the text that has passed
    /// amounts to. Meant for extending a hold in time, so it rather counts too many than too few.
    pub fn output_tokens_estimate(&self) -> u64 {
        self.reported().output.max(self.text.tokens_at_least())
    }

    /// What was probably used, when the answer ended without its final usage: the reported
    /// numbers where there are any, else the prompt as it was guessed; and as output the
    /// reported number or, if that is more, the text that has passed at four characters a token
    /// (Han, kana and Hangul at one). Reasoning whose text is not shown is not counted.
    pub fn estimate(&self, prompt_tokens: u64) -> UsagePart {
        let mut usage = self.reported();
        if self.parts.is_empty() {
            usage.input = prompt_tokens;
        }
        usage.output = usage.output.max(self.text.tokens());
        match self.parts.last() {
            Some(part) => UsagePart { usage, ..part.clone() },
            None => {
                let Served { model, modifiers } = self.served.clone();
                UsagePart { served_model: model, usage, modifiers }
            }
        }
    }

    fn reported(&self) -> Usage {
        self.parts.iter().fold(Usage::default(), |sum, part| sum.plus(&part.usage))
    }

    /// Takes note of a failure.
    pub(super) fn fail(&mut self, fault: StreamFault) {
        self.failed = true;
        self.failure.get_or_insert(fault);
    }
}
