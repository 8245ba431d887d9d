//! How long things are kept, and their end.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{ExportError, ExportStore};
use crate::account::{AccountError, ConsentStore};
use crate::auth::{AuthStoreError, SecurityLog, SessionStore, TicketStore};
use crate::class::{Classify, ErrorClass, Retry};
use crate::clock::Timestamp;
use crate::keys::{KeyCreations, KeyError, KeyStore};
use crate::ledger::{LedgerError, UsageRetention};
use crate::notify::{Outbox, OutboxError, PurgeNotices};
use crate::payment::{DeclineStore, TopUpError};
use crate::status::{STATUS_DAYS, StatusError, StatusLog};

const DAY: Duration = Duration::from_hours(24);

/// The most days that a record of a request may be kept. The privacy policy promises it, so it is
/// here and not in the configuration, which may only say less.
pub const USAGE_DAYS_MAX: u16 = 90;
/// How long a session is kept after its end.
pub const SESSION_KEPT: Duration = Duration::from_hours(30 * 24);
/// How long an event of the security log is kept.
pub const SECURITY_LOG_KEPT: Duration = Duration::from_hours(400 * 24);
/// How long an event of the security log says which network it came from.
pub const NETWORK_KEPT: Duration = Duration::from_hours(30 * 24);
/// How long a key is kept after it was revoked: as long as requests tell of it.
pub const KEY_KEPT: Duration = Duration::from_hours(90 * 24);
/// How long it is kept to which policies somebody agreed, after the end of the account.
pub const CONSENT_KEPT: Duration = Duration::from_hours(3 * 365 * 24);
/// How long it is kept that a message was sent. Its text and address end when it has left.
pub const NOTICE_KEPT: Duration = Duration::from_hours(90 * 24);
/// How long it is kept that a person was given everything, to prove it; what it was is not kept.
pub const EXPORT_KEPT: Duration = CONSENT_KEPT;
/// How long the same request to make a key makes no other one.
pub(super) const CREATION_KEPT: Duration = DAY;
/// How long it is kept that a payment was refused: longer than it counts, so that nothing that counts
/// is lost to a clock that is fast.
pub const DECLINE_KEPT: Duration = DAY;
/// How many years the law of bookkeeping may ask for amounts and references of payments.
pub const BOOKS_KEPT_YEARS: u16 = 10;

/// Rows that one batch deletes of each kind.
const BATCH: u32 = 5_000;
/// How much of the oldest usage may be overdue before a person has to look: hourly deletion leaves an
/// hour, a node that was down leaves some, and more than this is a clock that has jumped.
const OVERDUE_MAX: Duration = Duration::from_hours(48);

/// Where there is something to delete.
#[derive(Clone, Debug)]
pub struct RetentionStores {
    /// Records of requests.
    pub usage: Arc<dyn UsageRetention>,
    /// Sessions.
    pub sessions: Arc<dyn SessionStore>,
    /// Links of mails.
    pub tickets: Arc<dyn TicketStore>,
    /// Keys.
    pub keys: Arc<dyn KeyStore>,
    /// Which request made which key.
    pub creations: Arc<dyn KeyCreations>,
    /// What people agreed to.
    pub consents: Arc<dyn ConsentStore>,
    /// Who was given everything.
    pub exports: Arc<dyn ExportStore>,
    /// Payments that were refused.
    pub declines: Arc<dyn DeclineStore>,
    /// The security log.
    pub security_log: Arc<dyn SecurityLog>,
    /// Messages.
    pub outbox: Arc<dyn Outbox>,
    /// How everything was.
    pub status: Arc<dyn StatusLog>,
}

/// Is told what was deleted.
pub trait RetentionObserver: fmt::Debug + Send + Sync + 'static {
    /// So many rows of a table were deleted.
    fn purged(&self, table: &'static str, rows: u64);
    /// So old is the oldest request that anything tells of.
    fn oldest_usage(&self, age: Duration);
}

/// Deletes what was kept long enough.
#[derive(Clone, Debug)]
pub struct Retention {
    stores: RetentionStores,
    usage_kept: Duration,
}

/// What one batch deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Rows by table.
    pub tables: Vec<(&'static str, u64)>,
    /// Whether a table had a whole batch of them, so that there may be more.
    pub is_more: bool,
}

/// What there is to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overdue {
    /// Requests that started before this moment are to be deleted.
    pub before: Timestamp,
    /// When the oldest one started that anything tells of.
    pub oldest: Option<Timestamp>,
    /// How many records of requests are to be deleted.
    pub records: u64,
    /// Whether so much is overdue that it is deleted by force only.
    pub is_suspicious: bool,
}

/// Why nothing, or not everything, was deleted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetentionError {
    /// More is to be deleted than time can have made of it: the clock may have jumped.
    #[error("the oldest usage is overdue by more than two days: the clock may have jumped")]
    ClockJump,
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The store of accounts failed.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// Sessions, tickets or the security log failed.
    #[error(transparent)]
    Auth(#[from] AuthStoreError),
    /// The store of keys failed.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The outbox failed.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The register of exports failed.
    #[error(transparent)]
    Exports(#[from] ExportError),
    /// The store of refused payments failed.
    #[error(transparent)]
    Declines(#[from] TopUpError),
    /// The log of states failed.
    #[error(transparent)]
    Status(#[from] StatusError),
}

impl Classify for RetentionError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::ClockJump => ErrorClass::Conflict,
            Self::Ledger(error) => error.class(),
            Self::Account(error) => error.class(),
            Self::Auth(error) => error.class(),
            Self::Keys(error) => error.class(),
            Self::Outbox(error) => error.class(),
            Self::Exports(error) => error.class(),
            Self::Declines(error) => error.class(),
            Self::Status(error) => error.class(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::ClockJump => Retry::Never,
            Self::Ledger(error) => error.retry(),
            Self::Account(error) => error.retry(),
            Self::Auth(error) => error.retry(),
            Self::Keys(error) => error.retry(),
            Self::Outbox(error) => error.retry(),
            Self::Exports(error) => error.retry(),
            Self::Declines(error) => error.retry(),
            Self::Status(error) => error.retry(),
        }
    }
}

impl Retention {
    /// Keeps records of requests for so many days, at most [`USAGE_DAYS_MAX`].
    pub fn new(stores: RetentionStores, usage_days: u16) -> Self {
        Self { stores, usage_kept: DAY * u32::from(usage_days.min(USAGE_DAYS_MAX)) }
    }

    /// What there is to delete of usage.
    ///
    /// # Errors
    /// [`RetentionError::Ledger`].
    pub async fn overdue(&self, now: Timestamp) -> Result<Overdue, RetentionError> {
        let before = now.minus(self.usage_kept);
        let oldest = self.stores.usage.oldest().await?;
        let records = self.stores.usage.overdue(before).await?;
        let is_suspicious = oldest.is_some_and(|oldest| oldest < before.minus(OVERDUE_MAX));
        Ok(Overdue { before, oldest, records, is_suspicious })
    }

    /// Deletes one batch of everything that was kept long enough.
    ///
    /// # Errors
    /// [`RetentionError::ClockJump`], and those of the stores.
    pub async fn purge(&self, now: Timestamp) -> Result<Purged, RetentionError> {
        let before = now.minus(self.usage_kept);
        let oldest = self.stores.usage.oldest().await?;
        if oldest.is_some_and(|oldest| oldest < before.minus(OVERDUE_MAX)) {
            return Err(RetentionError::ClockJump);
        }
        self.purge_anyway(now).await
    }

    /// Deletes one batch of everything that was kept long enough, however much there is.
    ///
    /// # Errors
    /// Those of the stores.
    pub async fn purge_anyway(&self, now: Timestamp) -> Result<Purged, RetentionError> {
        let RetentionStores {
            usage,
            sessions,
            tickets,
            keys,
            creations,
            consents,
            exports,
            declines,
            security_log,
            outbox,
            status,
        } = &self.stores;
        let usage = usage.purge(now.minus(self.usage_kept), BATCH).await?;
        let notices = PurgeNotices { before: now.minus(NOTICE_KEPT), limit: BATCH };
        let tables = vec![
            ("requests", usage.records),
            ("usage_quarters", usage.sums),
            ("sessions", sessions.purge(now.minus(SESSION_KEPT), BATCH).await?),
            ("tickets", tickets.purge(now, BATCH).await?),
            ("api_keys", keys.purge(now.minus(KEY_KEPT), BATCH).await?),
            ("key_creations", creations.purge(now.minus(CREATION_KEPT), BATCH).await?),
            ("consents", consents.purge(now.minus(CONSENT_KEPT), BATCH).await?),
            ("exports", exports.purge(now.minus(EXPORT_KEPT), BATCH).await?),
            ("declines", declines.purge(now.minus(DECLINE_KEPT), BATCH).await?),
            ("security_events", security_log.purge(now.minus(SECURITY_LOG_KEPT), BATCH).await?),
            ("security_networks", security_log.forget_networks(now.minus(NETWORK_KEPT), BATCH).await?),
            ("notices", outbox.purge(notices).await?),
            ("status_hours", status.purge(now.minus(DAY * u32::from(STATUS_DAYS)), BATCH).await?),
        ];
        let is_more = tables.iter().any(|(_table, rows)| *rows >= u64::from(BATCH));
        Ok(Purged { tables, is_more })
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
