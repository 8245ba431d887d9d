//! Why a configuration is refused. Names keys and where they came from, never a value.

use super::Origin;
use crate::class::{Classify, ErrorClass, Retry};

/// A configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// No such key.
    #[error("{origin}: unknown key `{key}`{}", hint(suggestion.as_deref()))]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it was given.
        origin: Origin,
        /// The known key that looks most like it, spelled as at the origin.
        suggestion: Option<String>,
    },
    /// A value of the wrong kind, or out of range.
    #[error("{origin}: `{key}` expects {expects}")]
    InvalidValue {
        /// The key.
        key: String,
        /// Where it was given.
        origin: Origin,
        /// What it takes.
        expects: &'static str,
    },
    /// A secret was given both as text and as a file.
    #[error("both `{key}` and `{key}_file` are set ({origin}, {file_origin}); keep one")]
    SecretGivenTwice {
        /// The key of the text.
        key: String,
        /// Where the text was given.
        origin: Origin,
        /// Where the file was given.
        file_origin: Origin,
    },
    /// The file of a secret cannot be used.
    #[error("{origin}: the file of `{key}` {reason}")]
    SecretFile {
        /// The key that names the file.
        key: String,
        /// Where it was given.
        origin: Origin,
        /// What is wrong with the file.
        reason: String,
    },
    /// A value or a combination that would be dangerous.
    #[error("`{key}`: {reason}")]
    Unsafe {
        /// The key to change.
        key: &'static str,
        /// Why it is refused, and what to do.
        reason: &'static str,
    },
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map(|key| format!(" (did you mean `{key}`?)")).unwrap_or_default()
}

impl Classify for SettingsError {
    fn class(&self) -> ErrorClass {
        ErrorClass::Invalid
    }

    fn retry(&self) -> Retry {
        Retry::Never
    }
}
