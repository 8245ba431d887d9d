//! What a model can be made to do, for choosing between models.

use super::anthropic::model::{Claude, Takes, ThinkingRule};
use super::openai::model::Gpt;
use crate::provider::Vendor;

/// Whether the model can be made to call a tool.
pub(crate) fn takes_forced_tools(vendor: Vendor, model: &str) -> bool {
    match vendor {
        Vendor::Anthropic => Claude::of(model).forced_tools == Takes::Yes,
        Vendor::OpenAi => true,
    }
}

/// Whether the model answers when it is told not to think: GPT then thinks as little as it can.
pub(crate) fn takes_no_thinking(vendor: Vendor, model: &str) -> bool {
    match vendor {
        Vendor::Anthropic => {
            !matches!(Claude::of(model).thinking, ThinkingRule::Always | ThinkingRule::BetweenTools)
        }
        Vendor::OpenAi => true,
    }
}

/// Whether the model can reason before it answers; `None`: it is not known.
pub fn reasons(vendor: Vendor, model: &str) -> Option<bool> {
    match vendor {
        Vendor::Anthropic => (Claude::of(model).thinking != ThinkingRule::Unknown).then_some(true),
        Vendor::OpenAi => match Gpt::of(model) {
            Gpt::Reasons { .. } => Some(true),
            Gpt::Answers => Some(false),
            Gpt::Unknown => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_opus_cannot_be_forced_and_always_thinks() {
        for (model, forced, silent) in [
            ("claude-opus-5-5", false, false),
            ("claude-opus-5", true, true),
            ("claude-haiku-5-5", true, true),
        ] {
            assert_eq!(takes_forced_tools(Vendor::Anthropic, model), forced, "{model}");
            assert_eq!(takes_no_thinking(Vendor::Anthropic, model), silent, "{model}");
        }
        for (vendor, model, expected) in [
            (Vendor::Anthropic, "claude-haiku-4-5", Some(true)),
            (Vendor::Anthropic, "claude-opus-9", None),
            (Vendor::OpenAi, "gpt-5.4-mini", Some(true)),
            (Vendor::OpenAi, "o3", Some(true)),
            (Vendor::OpenAi, "gpt-4o-mini", Some(false)),
            (Vendor::OpenAi, "chat-latest", None),
        ] {
            assert_eq!(reasons(vendor, model), expected, "{model}");
        }
        assert!(takes_forced_tools(Vendor::OpenAi, "gpt-6.1-sol"));
        assert!(takes_no_thinking(Vendor::OpenAi, "gpt-6.1-sol"));
    }
}
