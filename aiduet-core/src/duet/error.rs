//! What can go wrong while the duet chooses.

use super::reason::Constraint;
use crate::class::{Classify, ErrorClass, Retry};

/// The data of the router contradict themselves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DuetDataError {
    /// The lexicon.
    #[error("the lexicon of the duet router is invalid: {reason}")]
    Lexicon {
        /// Why.
        reason: String,
    },
    /// The signals of clients.
    #[error("the client signals of the duet router are invalid: {reason}")]
    Clients {
        /// Why.
        reason: String,
    },
    /// The weights.
    #[error("the weights of the duet router are invalid: {reason}")]
    Weights {
        /// Why.
        reason: String,
    },
}

/// Why the duet chooses no model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DuetError {
    /// The key, the account or the operator has switched the duet off: the request must name a model.
    #[error("the duet is switched off; name a model")]
    Disabled,
    /// None of the models can honour a field.
    #[error("no model of the duet can honour {}", .constraint.as_str())]
    Unsupported {
        /// The field.
        constraint: Constraint,
    },
    /// The key may use none of the models.
    #[error("the key may use none of the models of the duet")]
    NotAllowed,
    /// None of the models is served here.
    #[error("none of the models of the duet is served here")]
    NotServed,
}

impl Classify for DuetError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Disabled | Self::Unsupported { .. } => ErrorClass::Invalid,
            Self::NotAllowed => ErrorClass::Forbidden,
            Self::NotServed => ErrorClass::NotFound,
        }
    }

    fn retry(&self) -> Retry {
        Retry::Never
    }
}
