//! Messages to people by mail: SMTP (RFC 5321) with TLS, STARTTLS, or in clear on loopback.

mod config;
mod error;
mod message;
mod notifier;
#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;

pub use config::{Encryption, MailServer, Sender, SmtpConfig};
pub use error::SmtpConfigError;
pub use notifier::SmtpNotifier;
