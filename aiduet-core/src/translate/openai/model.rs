//! What the generations of GPT accept.
//!
//! # Source
//! `protocols.md` 4.1, from OpenAI's model pages, read November 2026.

use super::super::conversation::Effort;

/// What a model accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::translate) enum Gpt {
    /// It answers at once, and takes sampling parameters.
    Answers,
    /// It reasons, this little at least and this much at most.
    Reasons { least: Effort, most: Effort, has_minimal: Minimal, tools: Tools },
    /// Not known: nothing optional is said.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::translate) enum Minimal {
    Yes,
    No,
}

/// Where a model takes function tools while it reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::translate) enum Tools {
    Anywhere,
    OnResponses,
}

/// A model that exists on Responses only has this in its name.
const RESPONSES_ONLY: [&str; 2] = ["-pro", "-codex"];

impl Gpt {
    /// The rules of a model, from its name.
    pub(in crate::translate) fn of(model: &str) -> Self {
        use Effort::{High, Low, Max, Medium, Minimal as Least, None, Xhigh};
        if matches!(model.split('-').next(), Some("o1" | "o3" | "o4")) {
            return Self::reasons(Low, High, Tools::Anywhere);
        }
        let Some((version, rest)) = parse(model) else { return Self::Unknown };
        let tools = if version >= (5, 4) { Tools::OnResponses } else { Tools::Anywhere };
        let without_none = (version == (6, 0) && rest.starts_with("-astra"))
            || (version == (6, 1) && rest.starts_with("-sol"))
            || version == (6, 2);
        match version {
            (0..=4, _) => Self::Answers,
            (5, 0) if rest.starts_with("-pro") => Self::reasons(High, High, tools),
            (5, 0) => Self::Reasons { least: Least, most: High, has_minimal: Minimal::Yes, tools },
            (5, 1) => Self::reasons(None, High, tools),
            (5, 2..=5) if rest.starts_with("-pro") => Self::reasons(Medium, Xhigh, tools),
            (5, 2..=5) if rest.starts_with("-codex") => Self::reasons(Low, Xhigh, tools),
            (5, 2..=5) => Self::reasons(None, Xhigh, tools),
            (5, _) | (6, 0..=2) if without_none => Self::reasons(Low, Max, tools),
            (5, _) | (6, 0..=2) => Self::reasons(None, Max, tools),
            _ => Self::Unknown,
        }
    }

    const fn reasons(least: Effort, most: Effort, tools: Tools) -> Self {
        Self::Reasons { least, most, has_minimal: Minimal::No, tools }
    }

    /// The nearest effort that the model has. `None`: it has none, or none is known.
    pub(in crate::translate) fn effort(self, asked: Effort) -> Option<Effort> {
        match self {
            Self::Answers | Self::Unknown => None,
            Self::Reasons { has_minimal: Minimal::No, least, most, .. } if asked == Effort::Minimal => {
                Some(Effort::Low.clamp(least, most))
            }
            Self::Reasons { least, most, .. } => Some(asked.clamp(least, most)),
        }
    }

    /// Whether sampling parameters are taken at this effort.
    pub(in crate::translate) const fn samples(self, effort: Option<Effort>) -> bool {
        match self {
            Self::Answers => true,
            Self::Reasons { .. } => matches!(effort, Some(Effort::None)),
            Self::Unknown => false,
        }
    }

    pub(in crate::translate) const fn may_reason(self) -> bool {
        !matches!(self, Self::Answers)
    }
}

/// Whether a model exists on Responses only.
pub(in crate::translate) fn is_on_responses_only(model: &str) -> bool {
    RESPONSES_ONLY.iter().any(|part| model.contains(part))
}

/// Version and the rest of the name: `gpt-5.6-sol`, `gpt-5-2025-08-07`, `gpt-4o-mini`.
fn parse(model: &str) -> Option<((u8, u8), &str)> {
    let name = model.strip_prefix("gpt-")?;
    let end = name.find(|letter: char| letter != '.' && !letter.is_ascii_digit()).unwrap_or(name.len());
    let (version, rest) = name.split_at_checked(end)?;
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    Some(((major.parse().ok()?, minor.parse().ok()?), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn efforts_are_clamped_to_what_a_model_has() {
        for (model, asked, given) in [
            ("gpt-5.6-sol", Effort::None, Some(Effort::None)),
            ("gpt-5.6", Effort::Minimal, Some(Effort::Low)),
            ("gpt-6-astra", Effort::None, Some(Effort::Low)),
            ("gpt-6.1-sol", Effort::Max, Some(Effort::Max)),
            ("gpt-6.1-terra", Effort::None, Some(Effort::None)),
            ("gpt-5-2025-08-07", Effort::None, Some(Effort::Minimal)),
            ("gpt-5-2025-08-07", Effort::Max, Some(Effort::High)),
            ("gpt-5.2-pro", Effort::Low, Some(Effort::Medium)),
            ("gpt-5.4", Effort::Max, Some(Effort::Xhigh)),
            ("o3", Effort::Max, Some(Effort::High)),
            ("gpt-4o-mini", Effort::High, None),
            ("gpt-4.1", Effort::High, None),
            ("chat-latest", Effort::High, None),
            ("gpt-9", Effort::High, None),
        ] {
            assert_eq!(Gpt::of(model).effort(asked), given, "{model} {asked:?}");
        }
    }
}
