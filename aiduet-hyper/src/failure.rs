//! Why a command ends, and with which exit code.

use std::fmt;
use std::process::ExitCode;

pub(crate) use aiduet_core::class::with_causes;
use aiduet_core::class::{Classify, ErrorClass};

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It went wrong.
    Failed(String),
    /// It was asked in a wrong way.
    Usage(String),
    /// A check found problems, which were printed.
    Problems,
    /// What was asked for does not exist.
    NotFound(String),
    /// The state does not allow it.
    Conflict(String),
}

impl Failure {
    /// The exit code.
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Problems => 3,
            Self::NotFound(_) => 4,
            Self::Conflict(_) => 5,
        })
    }

    /// Judges an error by its class; its causes are part of the message.
    pub(crate) fn of<E: std::error::Error + Classify>(error: &E) -> Self {
        let text = with_causes(error);
        match error.class() {
            ErrorClass::NotFound => Self::NotFound(text),
            ErrorClass::Conflict => Self::Conflict(text),
            ErrorClass::Invalid => Self::Usage(text),
            ErrorClass::Unauthenticated
            | ErrorClass::InsufficientFunds
            | ErrorClass::Forbidden
            | ErrorClass::RateLimited
            | ErrorClass::Upstream
            | ErrorClass::Timeout
            | ErrorClass::Unavailable
            | ErrorClass::Internal => Self::Failed(text),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(text) | Self::Usage(text) | Self::NotFound(text) | Self::Conflict(text) => {
                f.write_str(text)
            }
            Self::Problems => f.write_str("problems were found"),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}
