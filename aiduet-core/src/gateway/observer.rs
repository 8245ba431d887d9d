//! Who is told what happened, for metrics and alarms.

use std::fmt;
use std::time::Duration;

use super::{GatewayError, UpstreamFailure, UpstreamHealth};
use crate::class::{Classify, ErrorClass};
use crate::ledger::{RequestRecord, Settlement};
use crate::provider::Vendor;

/// Told of every request. Methods are called on the request path: they count and return.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// A request was settled or voided.
    fn settled(&self, record: &RequestRecord, settlement: &Settlement);
    /// A call was refused, or failed before an answer began.
    fn refused(&self, refusal: &Refusal);
    /// Funds were set aside; `took` is how long the ledger needed.
    fn reserved(&self, took: Duration);
    /// A provider failed.
    fn upstream_failed(&self, vendor: Vendor, failure: UpstreamFailure);
    /// A call that failed is made again: at another upstream, with another model, or the same.
    fn upstream_retried(&self, vendor: Vendor, failure: UpstreamFailure);
    /// Whether an upstream is called has changed, or is told for the first time.
    fn health_changed(&self, health: &UpstreamHealth);
    /// A stream was opened (`1`) or closed (`-1`).
    fn streams_changed(&self, by: i64);
    /// A settlement could not be written yet and is being repeated.
    fn settlement_delayed(&self);
}

/// A refusal, reduced to what may be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its kind.
    pub class: ErrorClass,
}

impl Refusal {
    /// The refusal that an error is.
    pub fn of(error: &GatewayError) -> Self {
        Self { class: error.class() }
    }
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn settled(&self, _record: &RequestRecord, _settlement: &Settlement) {}
    fn refused(&self, _refusal: &Refusal) {}
    fn reserved(&self, _took: Duration) {}
    fn upstream_failed(&self, _vendor: Vendor, _failure: UpstreamFailure) {}
    fn upstream_retried(&self, _vendor: Vendor, _failure: UpstreamFailure) {}
    fn health_changed(&self, _health: &UpstreamHealth) {}
    fn streams_changed(&self, _by: i64) {}
    fn settlement_delayed(&self) {}
}
