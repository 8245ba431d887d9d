//! Who made what stands in a history. Identifiers and proofs of providers pass unchanged through
//! translations, so the history itself says it.

use crate::dialect::{Dialect, Part, Text, Transcript};
use crate::provider::Vendor;
use crate::translate::SEALED;

/// The vendor whose model called tools or reasoned last.
pub(super) fn maker(transcript: &Transcript<'_>) -> Option<Vendor> {
    let dialect = transcript.endpoint().dialect();
    transcript.all_parts().iter().rev().find_map(|part| match part {
        Part::Call(call) => call.id.and_then(of_id),
        Part::Reasoning(proof) => {
            proof.filter(|proof| !proof.is_empty()).map(|proof| of_proof(proof, dialect))
        }
        Part::Text(_) | Part::Outcome(_) | Part::Image | Part::Document | Part::Other => None,
    })
}

/// # Source
/// Identifiers of tool calls: the API references of both vendors, read November 2026.
fn of_id(id: Text<'_>) -> Option<Vendor> {
    let raw = id.raw();
    if raw.starts_with("toolu_") || raw.starts_with("srvtoolu_") {
        Some(Vendor::Anthropic)
    } else if ["call_", "fc_", "ctc_"].iter().any(|prefix| raw.starts_with(prefix)) {
        Some(Vendor::OpenAi)
    } else {
        None
    }
}

/// A proof of the other vendor is sealed by the translation.
fn of_proof(proof: Text<'_>, dialect: Dialect) -> Vendor {
    let sealed = proof.raw().starts_with(SEALED);
    match (dialect, sealed) {
        (Dialect::Anthropic, false) | (Dialect::OpenAi, true) => Vendor::Anthropic,
        (Dialect::Anthropic, true) | (Dialect::OpenAi, false) => Vendor::OpenAi,
    }
}
