//! Service tiers.

use crate::usage::ServiceTier;

/// Tiers that a request may ask for. `scale` uses capacity that the operator has bought, so it is
/// not among them.
///
/// # Source
/// OpenAI API reference, `service_tier`, read 2026-11-24.
pub(super) const ASKED: [(&str, ServiceTier); 6] = [
    ("auto", ServiceTier::Standard),
    ("default", ServiceTier::Standard),
    ("flex", ServiceTier::Flex),
    ("priority", ServiceTier::Priority),
    ("fast", ServiceTier::Priority),
    ("ultrafast", ServiceTier::Ultrafast),
];

/// The tier that an answer says it was served at; `None` for words that do not tell.
pub(super) fn served(word: &str) -> Option<ServiceTier> {
    match word {
        "default" | "standard" => Some(ServiceTier::Standard),
        "batch" => Some(ServiceTier::Batch),
        "flex" => Some(ServiceTier::Flex),
        "priority" | "fast" => Some(ServiceTier::Priority),
        "ultrafast" => Some(ServiceTier::Ultrafast),
        _ => None,
    }
}
