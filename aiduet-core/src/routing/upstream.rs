//! A configured target.

use std::sync::Arc;

use crate::ledger::UpstreamName;
use crate::provider::{Provider, Vendor};

/// A configured target: a provider with its base URL and credential, under the operator's name.
///
/// Several credentials of one vendor are several upstreams.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// The operator's name of it.
    pub name: UpstreamName,
    /// Whose models it serves.
    pub vendor: Vendor,
    /// What speaks to it.
    pub provider: Arc<dyn Provider>,
    /// Its share of the calls among those of the same priority; zero: none.
    pub weight: u32,
    /// The lowest number is called first; the next one when none of it can be called.
    pub priority: u8,
}

impl Upstream {
    /// An upstream with a usual share, called first.
    pub fn new(name: UpstreamName, vendor: Vendor, provider: Arc<dyn Provider>) -> Self {
        Self { name, vendor, provider, weight: 1, priority: 0 }
    }
}
