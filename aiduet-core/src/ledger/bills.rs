//! Reading what requests cost, over all accounts.

use std::fmt;

use async_trait::async_trait;

use super::{LedgerError, Outcome, RequestRecord};
use crate::clock::Timestamp;
use crate::id::RequestId;
use crate::price::Bill;
use crate::provider::Vendor;

/// Reads the bills of all accounts.
#[async_trait]
pub trait BillReader: fmt::Debug + Send + Sync + 'static {
    /// At most `limit` bills of requests that began within a time, in the order of their identifiers.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn bills(&self, page: BillPage) -> Result<Vec<DatedBill>, LedgerError>;
}

/// Which bills [`BillReader::bills`] returns.
#[derive(Clone, Copy, Debug)]
pub struct BillPage {
    /// Begun at this moment or later.
    pub from: Timestamp,
    /// Begun before this moment.
    pub to: Timestamp,
    /// Only those with a larger identifier.
    pub after: Option<RequestId>,
    /// At most so many.
    pub limit: u32,
}

/// The bill of a request, without a word of whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatedBill {
    /// The request.
    pub id: RequestId,
    /// Who answered.
    pub vendor: Vendor,
    /// The bill.
    pub bill: Bill,
    /// Whether we counted ourselves.
    pub is_estimated: bool,
}

impl From<&RequestRecord> for DatedBill {
    fn from(record: &RequestRecord) -> Self {
        // What a sweep charged was noted while the request ran.
        let is_swept = matches!(record.outcome, Outcome::Recovered | Outcome::Lost);
        Self {
            id: record.id,
            vendor: record.vendor,
            bill: record.bill.clone(),
            is_estimated: record.flags.estimated || is_swept,
        }
    }
}
