//! Messages from the processor, in our words.

use std::fmt;

use async_trait::async_trait;

use super::{Dispute, PaymentError, Refund};
use crate::clock::Timestamp;
use crate::id::TopUpId;
use crate::ledger::ExternalId;

/// A message as it came in, not yet believed.
#[derive(Clone, Copy)]
pub struct SignedPayload<'a> {
    /// The raw bytes of the body.
    pub body: &'a [u8],
    /// The signature header.
    pub signature: &'a str,
    /// When it came.
    pub received_at: Timestamp,
}

impl fmt::Debug for SignedPayload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedPayload").field("received_at", &self.received_at).finish_non_exhaustive()
    }
}

/// A genuine message. It is only a hint: what moves money is asked from the processor again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentEvent {
    /// The message; the same one may come many times.
    pub id: ExternalId,
    /// What it is about.
    pub kind: PaymentEventKind,
    /// The object it is about.
    pub object: ExternalId,
    /// When that happened.
    pub at: Timestamp,
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentEventKind {
    /// A payment page was completed, failed or ran out.
    Checkout,
    /// A payment changed.
    Payment,
    /// A payment was refused.
    Decline,
    /// A refund changed.
    Refund,
    /// A dispute changed.
    Dispute,
    /// A card is not kept any more.
    Card,
    /// A payer is not known any more.
    Payer,
    /// Anything else; nothing follows from it.
    Other,
}

/// Messages that the processor could not deliver, or has not delivered yet.
#[async_trait]
pub trait PaymentMailbox: fmt::Debug + Send + Sync + 'static {
    /// A page of them, newest first.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn missed(&self, page: MissedPage) -> Result<Missed, PaymentError>;
}

/// Which messages [`PaymentMailbox::missed`] returns.
#[derive(Clone, Debug)]
pub struct MissedPage {
    /// Those that were made at this moment or later.
    pub since: Timestamp,
    /// Only those before this one, the last of another page.
    pub before: Option<ExternalId>,
}

/// A page of messages that were not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Newest first.
    pub events: Vec<PaymentEvent>,
    /// The last message, if there are more pages.
    pub next: Option<ExternalId>,
}

/// What is true now of the object of a message, as the processor says when it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentFact {
    /// It belongs to a purchase, whose payment may have changed.
    TopUp(TopUpId),
    /// A payment of a purchase was refused.
    Declined(TopUpId),
    /// Money goes back.
    Refund(Refund),
    /// A payer complained.
    Dispute(Dispute),
    /// A card is not kept any more.
    CardGone(ExternalId),
    /// A payer is not known any more, nor any card of the payer.
    PayerGone(ExternalId),
    /// Nothing that concerns the books.
    Nothing,
}
