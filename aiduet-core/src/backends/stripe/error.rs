//! What Stripe answers when it refuses.

use std::fmt;

use crate::payment::PaymentError;

/// A call to Stripe that failed. Holds no text that Stripe wrote for people: it may name the payer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StripeError {
    /// No answer: not reached, or too late. The command may have been carried out.
    #[error("stripe gives no answer")]
    Silent,
    /// An answer that is an error.
    #[error("stripe answered {status} {code}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What for.
        code: StripeCode,
    },
    /// The card was refused.
    #[error("the card was refused: {} {}", .0.code, .0.reason)]
    Declined(Box<Refusal>),
    /// An answer that is not what the pinned version of the API promises.
    #[error("an answer of stripe cannot be read")]
    Unreadable,
}

/// Why a card was refused.
#[derive(Debug)]
pub struct Refusal {
    /// For example `card_declined`.
    pub code: StripeCode,
    /// What the bank said, for example `insufficient_funds`.
    pub reason: StripeCode,
    /// What to do, for example `do_not_try_again`.
    pub advice: StripeCode,
    /// The payment that was not made.
    pub payment: Option<String>,
}

/// The `code`, `type` or `decline_code` of an error: lower-case letters and underscores only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StripeCode(String);

impl StripeCode {
    const LENGTH_MAX: usize = 64;

    /// Keeps a code, and nothing that is not one.
    pub(super) fn new(text: &str) -> Self {
        let is_code = text.len() <= Self::LENGTH_MAX
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        Self(if is_code { text.to_owned() } else { String::new() })
    }

    /// The code; empty where Stripe gave none.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StripeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<StripeError> for PaymentError {
    /// 409, 429 and 5xx pass; the operator's key (401, 403) is the operator's trouble; what else
    /// Stripe refuses it refuses for good.
    fn from(error: StripeError) -> Self {
        match &error {
            StripeError::Refused { code, .. } if code.as_str() == "idempotency_error" => Self::Conflict,
            StripeError::Refused { status: 404, .. } => Self::NotFound,
            StripeError::Refused { status: 400, .. } | StripeError::Declined(_) => Self::Declined,
            StripeError::Refused { .. } | StripeError::Silent | StripeError::Unreadable => {
                Self::Unavailable { source: error.into() }
            }
        }
    }
}
