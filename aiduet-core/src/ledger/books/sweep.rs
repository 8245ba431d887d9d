//! Closing requests whose process died.

use super::rows::plus;
use super::settle::Closing;
use super::{Books, HoldRow, Legs, Phase};
use crate::clock::Timestamp;
use crate::id::RequestId;
use crate::ledger::{EntryKind, HoldOrigin, LedgerError, Outcome, RequestRecord};
use crate::money::Money;
use crate::price::Bill;
use crate::usage::{Usage, UsageFlags};

/// What came of a request whose process died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweptRequest {
    /// Charged with what was noted.
    Recovered,
    /// Released without a charge.
    Lost,
    /// It had no open hold.
    Nothing,
}

impl Books {
    /// Closes a request whose process died: charges the floors of its holds, at most what they
    /// hold, and keeps a record that says so. A request that has a record already is only released.
    ///
    /// # Errors
    /// [`LedgerError::Broken`] and [`LedgerError::InvalidAmount`] when the books are broken.
    pub fn sweep(&mut self, request: RequestId, at: Timestamp) -> Result<SweptRequest, LedgerError> {
        let holds = self.open_holds(request);
        let Some(first) = holds.first().cloned() else { return Ok(SweptRequest::Nothing) };
        let before = self.request(request).cloned();
        let held = holds.iter().fold(Money::ZERO, |sum, hold| plus(sum, hold.legs.sum()));
        let floor = holds.iter().fold(Money::ZERO, |sum, hold| plus(sum, hold.floor));
        let (charge, charged, record) = match before {
            // Holds that were made after the request was closed cover nothing.
            Some(row) => (row.charged.sum(), row.charged, None),
            None => (floor.min(held), Legs::default(), Some(record(&first, floor.min(held), at))),
        };
        let swept = if record.as_ref().is_some_and(|record| record.outcome == Outcome::Recovered) {
            SweptRequest::Recovered
        } else {
            SweptRequest::Lost
        };
        self.close(Closing {
            request,
            account: first.account,
            holds,
            charge,
            before: charged,
            excess: EntryKind::LateUsage,
            empty: Phase::Expire,
            record: record.as_ref(),
            at,
        })?;
        Ok(swept)
    }
}

/// The record of a request whose process died: what was known before it was forwarded.
fn record(hold: &HoldRow, charge: Money, at: Timestamp) -> RequestRecord {
    let HoldOrigin { endpoint, ref model, vendor, stream, started_at } = hold.origin;
    RequestRecord {
        id: hold.request,
        account: hold.account,
        key: hold.key,
        endpoint,
        stream,
        model: model.clone(),
        vendor,
        upstream_request_id: None,
        started_at,
        first_byte: None,
        duration: at.since(started_at),
        status: 500,
        outcome: if charge > Money::ZERO { Outcome::Recovered } else { Outcome::Lost },
        finish: None,
        usage: Usage::default(),
        flags: UsageFlags { estimated: true, ..UsageFlags::default() },
        bill: Bill { charge, ..Bill::default() },
        attempts: Vec::new(),
        duet: None,
    }
}
