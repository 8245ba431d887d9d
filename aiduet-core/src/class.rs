//! How every error of the library is judged: what went wrong, and whether to try again.

use std::time::Duration;

/// The cause that a backend reports, kept for the operator's log and never shown to a client.
pub type Source = Box<dyn std::error::Error + Send + Sync + 'static>;

/// An error and what caused it, in one line, for the operator.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let further = error.to_string();
        if !text.ends_with(&further) {
            text = format!("{text}: {further}");
        }
        cause = error.source();
    }
    text
}

/// The kind of a failure, independent of the layer it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The input is wrong; the same input fails again.
    Invalid,
    /// No credential, or one that is not known.
    Unauthenticated,
    /// Funds or a spend limit do not cover the call.
    InsufficientFunds,
    /// Known, but not allowed.
    Forbidden,
    /// The thing named does not exist, or belongs to another account.
    NotFound,
    /// The state does not allow it, or the identifier was used for something else.
    Conflict,
    /// Too many calls in too short a time.
    RateLimited,
    /// A provider failed.
    Upstream,
    /// Time ran out.
    Timeout,
    /// A dependency of ours (the database) is not available now.
    Unavailable,
    /// A defect or an impossible state.
    Internal,
}

/// Whether the same call may be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// No: it fails again, or its outcome is unknown.
    Never,
    /// Yes, at once: the call had no effect, or has the same effect when repeated.
    Safe,
    /// Yes, after this time.
    After(Duration),
}

/// Implemented by every public error.
pub trait Classify {
    /// The kind of failure.
    fn class(&self) -> ErrorClass;
    /// Whether a repeat is sensible. An unknown outcome is [`Retry::Never`].
    fn retry(&self) -> Retry;
}

/// Classifies an error that says one thing only: a store cannot be reached, and a repeat is safe.
macro_rules! unavailable_only {
    ($error:ty) => {
        impl $crate::class::Classify for $error {
            fn class(&self) -> $crate::class::ErrorClass {
                match self {
                    Self::Unavailable { .. } => $crate::class::ErrorClass::Unavailable,
                }
            }

            fn retry(&self) -> $crate::class::Retry {
                match self {
                    Self::Unavailable { .. } => $crate::class::Retry::Safe,
                }
            }
        }
    };
}
pub(crate) use unavailable_only;
