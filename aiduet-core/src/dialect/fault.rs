//! What is wrong with a request body.

use std::fmt;

use crate::class::{Classify, ErrorClass, Retry};

/// The kind of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// Not JSON, not UTF-8, or text after the end.
    Malformed,
    /// Nested deeper than [`DEPTH_MAX`](super::DEPTH_MAX).
    TooDeep,
    /// An array with more items than [`ITEMS_MAX`](super::ITEMS_MAX).
    TooLong,
    /// A field that decides about route, price or hold stands there twice.
    Duplicate,
    /// A field that has to be there is not.
    Missing,
    /// A value of the wrong type or out of range.
    Invalid,
    /// A feature that this gateway refuses: it needs state at the provider, or has no price.
    Unsupported,
    /// The same for conversations held by the provider, which have an error code of their own.
    UnsupportedThread,
}

/// Why a request body is refused. Names only fields from our own list, and never a value, so
/// that its text is safe to show and to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestFault {
    /// What is wrong.
    pub kind: FaultKind,
    /// The field, where it is a known one.
    pub field: Option<&'static str>,
    /// What to do instead.
    advice: Option<&'static str>,
}

impl RequestFault {
    /// A required field is not there.
    pub const fn missing(field: &'static str) -> Self {
        Self { kind: FaultKind::Missing, field: Some(field), advice: None }
    }

    /// A value that is wrong.
    pub(super) const fn invalid(advice: &'static str) -> Self {
        Self { kind: FaultKind::Invalid, field: None, advice: Some(advice) }
    }

    /// A feature that needs state at the provider.
    pub(super) const fn stateful() -> Self {
        Self {
            kind: FaultKind::Unsupported,
            field: None,
            advice: Some("this gateway keeps no state at the provider; send the full input each time"),
        }
    }

    /// A feature that is billed beside the tokens, or in a way that cannot be bounded before.
    pub(super) const fn unpriced() -> Self {
        Self {
            kind: FaultKind::Unsupported,
            field: None,
            advice: Some("this gateway forwards only what it has a price for; leave it out"),
        }
    }

    /// A body that is not what it should be as a whole.
    pub(crate) fn malformed() -> Self {
        FaultKind::Malformed.into()
    }

    /// A value of this field that is wrong.
    pub(crate) const fn wrong(field: &'static str, advice: &'static str) -> Self {
        Self { kind: FaultKind::Invalid, field: Some(field), advice: Some(advice) }
    }

    /// A value of this field that the chosen model cannot honour.
    pub(crate) const fn unsupported(field: &'static str, advice: &'static str) -> Self {
        Self { kind: FaultKind::Unsupported, field: Some(field), advice: Some(advice) }
    }

    /// A field that nobody here knows, on its way to another dialect.
    pub(crate) const fn untranslatable() -> Self {
        Self {
            kind: FaultKind::Unsupported,
            field: None,
            advice: Some(
                "a field of the body cannot be translated for the chosen model; leave it out, or choose a model of \
                 the vendor whose API you call",
            ),
        }
    }

    /// The same fault, in this field unless an inner one is named already.
    #[must_use]
    pub(super) const fn within(self, field: &'static str) -> Self {
        match self.field {
            Some(_) => self,
            None => Self { field: Some(field), ..self },
        }
    }
}

impl From<FaultKind> for RequestFault {
    fn from(kind: FaultKind) -> Self {
        Self { kind, field: None, advice: None }
    }
}

impl fmt::Display for RequestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = self.field {
            write!(f, "{field}: ")?;
        }
        let what = match (self.kind, self.field) {
            (FaultKind::Malformed, _) => "the body is not valid JSON in UTF-8",
            (FaultKind::TooDeep, _) => "nested deeper than 64 levels",
            (FaultKind::TooLong, _) => "an array has more than 100,000 items",
            (FaultKind::Duplicate, _) => "the field is given more than once",
            (FaultKind::Missing, _) => "the field is required",
            (FaultKind::Invalid, None) => "the body must be a JSON object",
            (FaultKind::Invalid, Some(_)) => "the value is invalid",
            (FaultKind::Unsupported, _) => "not supported",
            (FaultKind::UnsupportedThread, _) => "conversations held by the provider are not supported",
        };
        f.write_str(what)?;
        match self.advice {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for RequestFault {}

impl Classify for RequestFault {
    fn class(&self) -> ErrorClass {
        ErrorClass::Invalid
    }

    fn retry(&self) -> Retry {
        Retry::Never
    }
}
