//! The application: the parts that the HTTP surface and the adapters work with.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::clock::Clock;
use crate::gateway::Gateway;
use crate::http::BodyLimits;
use crate::http::metrics::Metrics;
use crate::id::AccountId;
use crate::ledger::{Ledger, RequestLog};
use crate::price::PriceBook;

/// What an application is made of; every part is needed.
#[derive(Clone, Debug)]
pub struct AppParts {
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// Money.
    pub ledger: Arc<dyn Ledger>,
    /// Records of requests.
    pub requests: Arc<dyn RequestLog>,
    /// Prices.
    pub prices: Arc<dyn PriceBook>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Numbers for the operator.
    pub metrics: Arc<Metrics>,
    /// Bounds of what is read from clients.
    pub limits: BodyLimits,
}

/// A handle on the application; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    parts: AppParts,
    draining: AtomicBool,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.parts.fmt(f)
    }
}

/// One thing that must hold before the process may get traffic.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// Whether it holds.
    pub passed: bool,
}

impl App {
    /// Puts an application together.
    pub fn new(parts: AppParts) -> Self {
        Self(Arc::new(Inner { parts, draining: AtomicBool::new(false) }))
    }

    /// The gateway.
    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.0.parts.gateway
    }

    /// Money.
    pub fn ledger(&self) -> &Arc<dyn Ledger> {
        &self.0.parts.ledger
    }

    /// Records of requests.
    pub fn requests(&self) -> &Arc<dyn RequestLog> {
        &self.0.parts.requests
    }

    /// Prices.
    pub fn prices(&self) -> &Arc<dyn PriceBook> {
        &self.0.parts.prices
    }

    /// Time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.parts.clock
    }

    /// Numbers for the operator.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.0.parts.metrics
    }

    /// Bounds of what is read from clients.
    pub fn limits(&self) -> BodyLimits {
        self.0.parts.limits
    }

    /// Says that the process is about to stop: it is no longer ready.
    pub fn start_draining(&self) {
        self.0.draining.store(true, Ordering::Release);
    }

    /// Whether the process may get traffic, check by check.
    pub async fn readiness(&self) -> [Check; 3] {
        let draining = self.0.draining.load(Ordering::Acquire);
        let probe = AccountId::from_uuid(uuid::Uuid::nil());
        let half_second = std::time::Duration::from_millis(500);
        let ledger = tokio::time::timeout(half_second, self.ledger().balance(probe)).await;
        let prices = self.prices().sheet(self.clock().now()).await;
        [
            Check { name: "accepting", passed: !draining },
            Check { name: "ledger", passed: matches!(ledger, Ok(Ok(_))) },
            Check { name: "prices", passed: prices.is_ok() },
        ]
    }

    /// Waits until every settlement is written. No call may come in any more.
    pub async fn close(&self) {
        self.start_draining();
        self.gateway().close().await;
    }
}
