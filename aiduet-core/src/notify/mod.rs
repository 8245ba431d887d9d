//! Messages to people: what they say, the outbox they wait in, and the channel they leave by.
//!
//! Whoever has something to say makes an [`Outgoing`] with a typed [`Notice`] and puts it in the
//! [`Outbox`], in the transaction of its cause where the backend can. A [`Courier`] takes
//! what is due, [renders](render) it in the language of the person, and gives it to the
//! [`Notifier`].

mod courier;
mod error;
mod letters;
mod link;
mod mail;
mod notice;
mod outbox;
mod render;
mod retry;
mod words;

use std::fmt;

use async_trait::async_trait;

pub use courier::{Courier, Deliveries};
pub use error::{DeliveryError, OutboxError};
pub use letters::{LetterError, Letters};
pub use link::{LinkToken, Page, Site};
pub use mail::{Mail, MessageId};
pub use notice::{KeyLabel, MaskedAddress, Notice, NoticeChoices, NoticeKind, PolicyKind, SpendSpan};
pub use outbox::{
    Attempted, Backlog, DedupKey, Due, FailureCode, LeaseRequest, NoticeFilter, NoticeRecord, NoticeState,
    Outbox, Outgoing, PurgeNotices, Put, Report, Standing,
};
pub use render::{Unwritable, render};
pub use retry::{RETRY_PAUSES, UNRECORDED_MAX};

/// Delivers messages to people: a mail server, or the terminal of a demonstration.
///
/// # Contract
/// - `Ok` means that the next hop has taken responsibility for the message.
/// - Every message carries its [`MessageId`], so that a receiver recognises a repeat.
/// - The error says whether the message can have been delivered all the same
///   ([`DeliveryError::Unknown`]); every other error means that it was not.
/// - Calls may overlap.
///
/// # Cancellation
/// A dropped call has an unknown outcome.
#[async_trait]
pub trait Notifier: fmt::Debug + Send + Sync + 'static {
    /// Hands one message over.
    ///
    /// # Errors
    /// [`DeliveryError`].
    async fn deliver(&self, mail: &Mail) -> Result<(), DeliveryError>;
}
