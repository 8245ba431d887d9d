//! Takes messages out of the outbox and hands them over.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::{
    Attempted, DeliveryError, Due, FailureCode, LeaseRequest, Notifier, Outbox, OutboxError, Report, Site,
    render,
};
use crate::clock::Clock;

/// Messages that are handed over at the same time.
const BATCH: u32 = 8;
/// How long one message may take; a notifier has shorter limits of its own.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long a batch belongs to whoever took it: longer than it can take.
const LEASE: Duration = Duration::from_mins(10);

/// Takes messages out of the outbox and hands them over.
///
/// Any number of couriers may share an outbox. One that dies loses its lease, and another sends
/// the message again with the same [`MessageId`](super::MessageId).
#[derive(Clone, Debug)]
pub struct Courier {
    /// Where messages wait.
    pub outbox: Arc<dyn Outbox>,
    /// How they leave.
    pub notifier: Arc<dyn Notifier>,
    /// Where their links lead.
    pub site: Site,
    /// What is due.
    pub clock: Arc<dyn Clock>,
}

/// What became of the messages of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// The next hop has them.
    pub delivered: u64,
    /// They are tried again later.
    pub postponed: u64,
    /// They were refused for good, or failed too often.
    pub failed: u64,
    /// Nobody knows.
    pub unknown: u64,
}

impl Deliveries {
    /// How many messages were taken.
    pub const fn taken(self) -> u64 {
        self.delivered.saturating_add(self.postponed).saturating_add(self.failed).saturating_add(self.unknown)
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            delivered: self.delivered.saturating_add(other.delivered),
            postponed: self.postponed.saturating_add(other.postponed),
            failed: self.failed.saturating_add(other.failed),
            unknown: self.unknown.saturating_add(other.unknown),
        }
    }

    const fn of(attempted: Attempted) -> Self {
        let none = Self { delivered: 0, postponed: 0, failed: 0, unknown: 0 };
        match attempted {
            Attempted::Delivered => Self { delivered: 1, ..none },
            Attempted::Retry { .. } => Self { postponed: 1, ..none },
            Attempted::Bounced { .. } | Attempted::GivenUp { .. } => Self { failed: 1, ..none },
            Attempted::Unknown { .. } => Self { unknown: 1, ..none },
        }
    }
}

impl Courier {
    /// Hands over what is due, one small batch; nothing was due when nothing was taken.
    ///
    /// # Errors
    /// [`OutboxError::Unavailable`] when nothing could be taken. What was taken and could not be
    /// reported comes again after its lease.
    ///
    /// # Cancellation
    /// Messages that were taken come again after their lease, and may be received twice.
    pub async fn deliver_due(&self) -> Result<Deliveries, OutboxError> {
        let now = self.clock.now();
        let request = LeaseRequest { now, until: now.plus(LEASE), limit: BATCH };
        let due = self.outbox.lease(request).await?;
        let attempted = join_all(due.into_iter().map(|due| self.hand_over(due))).await;
        Ok(attempted.into_iter().map(Deliveries::of).fold(Deliveries::default(), Deliveries::plus))
    }

    async fn hand_over(&self, due: Due) -> Attempted {
        let Due { message, attempt, failures } = due;
        let (id, kind) = (message.id, message.notice.kind());
        let attempted = match render(&message, &self.site) {
            Ok(mail) => {
                let sending = tokio::time::timeout(PATIENCE, self.notifier.deliver(&mail)).await;
                let result = sending.unwrap_or(Err(DeliveryError::Unknown));
                if let Err(error) = &result {
                    let notice = kind.as_str();
                    tracing::warn!(%id, notice, attempt, %error, "message not delivered");
                }
                Attempted::of(result, self.clock.now(), failures)
            }
            Err(_unwritable) => Attempted::GivenUp { code: FailureCode::Unwritable },
        };
        let report = Report { id, attempt, attempted, at: self.clock.now() };
        if let Err(error) = self.outbox.report(report).await {
            tracing::error!(%id, %error, "outcome of a message not written");
        }
        attempted
    }
}
