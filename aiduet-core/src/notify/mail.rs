//! A message as a channel takes it.

use std::fmt;

use crate::account::EmailAddress;
use crate::account::Locale;
use crate::clock::Timestamp;
use crate::id::NoticeId;
use crate::notify::NoticeKind;

/// A rendered message to one person.
///
/// `Debug` shows neither address nor text, which may hold a token.
#[derive(Clone)]
pub struct Mail {
    /// Of the notice it was rendered from.
    pub id: NoticeId,
    /// What kind of message it is.
    pub kind: NoticeKind,
    /// To whom.
    pub to: EmailAddress,
    /// The language it is written in.
    pub locale: Locale,
    /// One line.
    pub subject: String,
    /// For programs without HTML.
    pub text: String,
    /// The same as HTML: no images, no scripts, nothing from elsewhere.
    pub html: String,
    /// When its cause happened.
    pub created_at: Timestamp,
}

impl Mail {
    /// The same for every attempt to deliver the notice.
    pub const fn message_id(&self) -> MessageId {
        MessageId(self.id)
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The `Message-ID` of a mail (RFC 5322, section 3.6.4): the identifier of its notice at the
/// domain it is sent from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageId(NoticeId);

impl MessageId {
    /// The header's value for mail from a domain.
    pub fn at(self, domain: &str) -> String {
        format!("<{}@{domain}>", self.0)
    }
}
