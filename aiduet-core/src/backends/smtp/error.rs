//! Why mail cannot be sent, in the words of the domain.

use std::fmt;

use lettre::transport::smtp::Error as LettreError;

use crate::notify::{DeliveryError, FailureCode};

/// The configuration of a mail server cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SmtpConfigError {
    /// The URL is none, or not one of a mail server.
    #[error("not a URL such as smtp://user:password@mail.example.com:587 (STARTTLS) or smtps://… (TLS)")]
    InvalidUrl,
    /// Mail would cross the network unencrypted.
    #[error("smtp+plain:// is for a mail server on this machine only")]
    PlainBeyondLoopback,
    /// The address of the sender is none.
    #[error("not an address that mail can come from")]
    InvalidSender,
    /// A root certificate cannot be read, or there are none.
    #[error("certificates cannot be used")]
    Certificates,
}

/// How far the exchange with a server got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Up to the greeting.
    Connect,
    /// The change to TLS.
    Encrypt,
    /// Name and password.
    SignIn,
    /// `MAIL FROM`.
    Sender,
    /// `RCPT TO`.
    Recipient,
    /// `DATA`, before the message.
    Data,
    /// The message, up to the reply to its end.
    Message,
}

/// The server refuses us, not the message.
#[derive(Debug)]
struct Refused {
    stage: Stage,
    code: Option<u16>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.stage {
            Stage::Connect => "the server does not serve us",
            Stage::Encrypt => "the server refuses encryption",
            Stage::SignIn => "the server refuses user name and password",
            Stage::Sender => "the server refuses the sender",
            Stage::Recipient | Stage::Data | Stage::Message => "the server wants us to sign in",
        };
        match self.code {
            Some(code) => write!(f, "{what} (reply {code})"),
            None => f.write_str(what),
        }
    }
}

impl std::error::Error for Refused {}

impl Stage {
    /// What a failure at this stage means for the message.
    pub(super) fn judge(self, error: &LettreError) -> DeliveryError {
        // The code is parsed from text because its digits are enums of their own.
        let code: Option<u16> = error.status().and_then(|code| code.to_string().parse().ok());
        match code {
            Some(code) if code < 500 => DeliveryError::NotNow { code: FailureCode::Reply(code) },
            // 530 and 535: authentication is required, or failed.
            Some(code @ (530 | 535)) => self.refused(Some(code)),
            Some(code) => match self {
                Self::Connect | Self::Encrypt | Self::SignIn | Self::Sender => self.refused(Some(code)),
                Self::Recipient | Self::Data | Self::Message => {
                    DeliveryError::Bounced { code: FailureCode::Reply(code) }
                }
            },
            None if self == Self::Message => DeliveryError::Unknown,
            // Ours: no mechanism in common.
            None if error.is_client() && self == Self::SignIn => self.refused(None),
            None => DeliveryError::NotNow { code: self.fault(error) },
        }
    }

    /// What it means that the server was silent at this stage.
    pub(super) const fn timed_out(self) -> DeliveryError {
        match self {
            Self::Message => DeliveryError::Unknown,
            Self::Connect | Self::Encrypt | Self::SignIn | Self::Sender | Self::Recipient | Self::Data => {
                DeliveryError::NotNow { code: FailureCode::Timeout }
            }
        }
    }

    fn fault(self, error: &LettreError) -> FailureCode {
        if error.is_timeout() {
            FailureCode::Timeout
        } else if self == Self::Encrypt || error.is_tls() {
            FailureCode::Tls
        } else if self == Self::Connect {
            FailureCode::Connect
        } else {
            FailureCode::Broken
        }
    }

    fn refused(self, code: Option<u16>) -> DeliveryError {
        DeliveryError::Misconfigured { source: Box::new(Refused { stage: self, code }) }
    }
}
