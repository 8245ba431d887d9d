//! What the generations of Claude accept.
//!
//! # Source
//! `protocols.md` 2.7, from Anthropic's model pages, read November 2026.

use super::super::conversation::Effort;

/// How a model thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::translate) enum ThinkingRule {
    /// Off, or with a budget.
    Budget,
    /// Off until asked for; decides itself how much.
    OnRequest,
    /// On; can be switched off.
    OnByDefault,
    /// On; at least between the calls of tools.
    BetweenTools,
    /// Always on.
    Always,
    /// Not known: nothing is said about it.
    Unknown,
}

/// A yes or no about a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::translate) enum Takes {
    Yes,
    No,
}

/// What a model accepts.
#[derive(Clone, Copy, Debug)]
pub(in crate::translate) struct Claude {
    pub(in crate::translate) thinking: ThinkingRule,
    /// The highest efforts: `xhigh`, `max`.
    xhigh: Takes,
    max: Takes,
    /// Temperature and top-p.
    pub(in crate::translate) sampling: Takes,
    /// Being made to call a tool.
    pub(in crate::translate) forced_tools: Takes,
    /// A message of its own that it carries on.
    pub(in crate::translate) prefill: Takes,
    /// System messages between others.
    pub(in crate::translate) inner_system: Takes,
}

/// The oldest that is told apart from its elders.
const UNKNOWN: Claude = Claude {
    thinking: ThinkingRule::Unknown,
    xhigh: Takes::No,
    max: Takes::No,
    sampling: Takes::No,
    forced_tools: Takes::Yes,
    prefill: Takes::No,
    inner_system: Takes::No,
};

impl Claude {
    /// The rules of a model, from its name.
    pub(in crate::translate) fn of(model: &str) -> Self {
        let Some((family, version)) = parse(model) else { return UNKNOWN };
        let newer = Self { max: Takes::Yes, inner_system: Takes::Yes, ..UNKNOWN };
        let xhigh = Self { xhigh: Takes::Yes, ..newer };
        match (family, version) {
            (_, (4, 5)) => Self {
                thinking: ThinkingRule::Budget,
                sampling: Takes::Yes,
                prefill: Takes::Yes,
                inner_system: Takes::Yes,
                ..UNKNOWN
            },
            (_, (4, 6)) => Self { thinking: ThinkingRule::OnRequest, sampling: Takes::Yes, ..newer },
            ("opus", (4, _)) => Self { thinking: ThinkingRule::OnRequest, ..xhigh },
            ("sonnet", (5, 0)) => {
                Self { thinking: ThinkingRule::OnByDefault, inner_system: Takes::No, ..xhigh }
            }
            ("sonnet", (5, 5)) => {
                Self { thinking: ThinkingRule::BetweenTools, forced_tools: Takes::No, ..xhigh }
            }
            ("opus", (5, 0)) => Self { thinking: ThinkingRule::OnByDefault, ..xhigh },
            ("opus", (5, _)) => Self { thinking: ThinkingRule::Always, forced_tools: Takes::No, ..xhigh },
            ("haiku", (5, _)) => Self { thinking: ThinkingRule::OnByDefault, ..newer },
            ("fable" | "mythos", (5, 0)) => Self { thinking: ThinkingRule::Always, ..xhigh },
            ("fable" | "mythos", (5, _)) => {
                Self { thinking: ThinkingRule::Always, forced_tools: Takes::No, ..xhigh }
            }
            _ => UNKNOWN,
        }
    }

    /// The nearest effort that the model has.
    pub(in crate::translate) fn effort(&self, asked: Effort) -> Effort {
        match asked {
            Effort::None | Effort::Minimal | Effort::Low => Effort::Low,
            Effort::Medium | Effort::High => asked,
            Effort::Xhigh if self.xhigh == Takes::Yes => asked,
            Effort::Max if self.max == Takes::Yes => asked,
            Effort::Xhigh | Effort::Max => Effort::High,
        }
    }
}

/// Family and version: `claude-opus-4-8`, `claude-haiku-4-5-20251001`, `claude-sonnet-5`.
fn parse(model: &str) -> Option<(&str, (u8, u8))> {
    let mut parts = model.strip_prefix("claude-")?.split('-');
    let family = parts.next()?;
    let major = parts.next()?.parse().ok()?;
    // A date does not fit.
    let minor = parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
    Some((family, (major, minor)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_told_apart_by_name_with_or_without_a_date() {
        for (model, thinking) in [
            ("claude-haiku-4-5-20251001", ThinkingRule::Budget),
            ("claude-opus-4-6", ThinkingRule::OnRequest),
            ("claude-opus-4-8", ThinkingRule::OnRequest),
            ("claude-sonnet-5", ThinkingRule::OnByDefault),
            ("claude-sonnet-5-20260601", ThinkingRule::OnByDefault),
            ("claude-sonnet-5-5", ThinkingRule::BetweenTools),
            ("claude-opus-5", ThinkingRule::OnByDefault),
            ("claude-opus-5-5", ThinkingRule::Always),
            ("claude-haiku-5-5", ThinkingRule::OnByDefault),
            ("claude-fable-5", ThinkingRule::Always),
            ("claude-mythos-5-2", ThinkingRule::Always),
            ("claude-opus-9", ThinkingRule::Unknown),
            ("another", ThinkingRule::Unknown),
        ] {
            assert_eq!(Claude::of(model).thinking, thinking, "{model}");
        }
    }

    #[test]
    fn efforts_that_a_model_lacks_are_lowered() {
        assert_eq!(Claude::of("claude-haiku-5-5").effort(Effort::Xhigh), Effort::High);
        assert_eq!(Claude::of("claude-haiku-5-5").effort(Effort::Max), Effort::Max);
        assert_eq!(Claude::of("claude-opus-4-6").effort(Effort::Xhigh), Effort::High);
        assert_eq!(Claude::of("claude-sonnet-5").effort(Effort::Minimal), Effort::Low);
    }
}
