//! The application: settings or parts put together to what the HTTP surface and the adapters
//! work with.

mod builder;
mod costs;
mod error;
mod identity_provider;
mod imprint;
mod jobs;
mod mail;
mod office;
mod payment;
mod reception;
mod reports;
mod stores;
mod upkeep;
mod upstreams;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use builder::AppBuilder;
pub use costs::cost_comparer;
pub use error::BuildError;
pub use imprint::Imprint;
pub use jobs::{JobParts, erasure, jobs, retention};
pub use office::office;
pub use payment::{CompleteProcessor, Payments, payments};
pub use stores::Stores;

use self::upkeep::Watch;
use crate::account::Reception;
use crate::clock::Clock;
use crate::gateway::Gateway;
use crate::http::BodyLimits;
use crate::http::metrics::Metrics;
use crate::id::NodeId;
use crate::jobs::Jobs;
use crate::keys::{KeyStore, ReportVerifier};
use crate::ledger::{Custody, Ledger, RequestLog, UsageReader};
use crate::notify::Courier;
use crate::payment::{Cashier, Recharger, UnfundedTeller};
use crate::policy::Policies;
use crate::price::PriceBook;
use crate::status::{StatusReader, StatusRecorder};

/// How long a store may take to show that it is there.
const PROBE_PATIENCE: Duration = Duration::from_millis(500);

/// A handle on the application; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    gateway: Arc<Gateway>,
    courier: Option<Courier>,
    watch: Watch,
    reception: Reception,
    imprint: Imprint,
    keys: Arc<dyn KeyStore>,
    stores: Stores,
    payments: Option<Payments>,
    reports: Option<Arc<dyn ReportVerifier>>,
    jobs: Jobs,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    limits: BodyLimits,
    node: NodeId,
    migrated: AtomicBool,
    draining: AtomicBool,
    stopping: AtomicBool,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("node", &self.0.node)
            .field("stores", &self.0.stores)
            .finish_non_exhaustive()
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
    /// The gateway.
    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.0.gateway
    }

    /// Where people are received.
    pub fn reception(&self) -> &Reception {
        &self.0.reception
    }

    /// Who runs the installation, and where it is.
    pub fn imprint(&self) -> &Imprint {
        &self.0.imprint
    }

    /// What people agree to.
    pub fn policies(&self) -> &Policies {
        &self.0.reception.parts().policies
    }

    /// API keys, through what the gateway remembers of them: what is changed here holds at once.
    pub fn keys(&self) -> &Arc<dyn KeyStore> {
        &self.0.keys
    }

    /// Everything that is kept.
    pub fn stores(&self) -> &Stores {
        &self.0.stores
    }

    /// Money.
    pub fn ledger(&self) -> &Arc<dyn Ledger> {
        &self.0.stores.ledger
    }

    /// Who sells credit; `None` where no card company is configured.
    pub fn cashier(&self) -> Option<&Cashier> {
        self.0.payments.as_ref().map(|payments| payments.cashier.as_ref())
    }

    /// Who sells credit to people who are absent; `None` where nobody does.
    pub fn recharger(&self) -> Option<&Recharger> {
        self.0.payments.as_ref()?.recharger.as_deref()
    }

    /// Who tells genuine reports of published keys from others; `None` where nobody reports.
    pub fn reports(&self) -> Option<&dyn ReportVerifier> {
        self.0.reports.as_deref()
    }

    /// Records of requests.
    pub fn requests(&self) -> &Arc<dyn RequestLog> {
        &self.0.stores.requests
    }

    /// What was used.
    pub fn usage(&self) -> &Arc<dyn UsageReader> {
        &self.0.stores.usage
    }

    /// Prices.
    pub fn prices(&self) -> &Arc<dyn PriceBook> {
        &self.0.stores.prices
    }

    /// Who owns which holds.
    pub fn custody(&self) -> &Arc<dyn Custody> {
        &self.0.stores.custody
    }

    /// Who delivers messages to people; `None` where they wait.
    pub fn courier(&self) -> Option<&Courier> {
        self.0.courier.as_ref()
    }

    /// Who tells people that their calls are refused for lack of funds.
    pub(crate) fn unfunded(&self) -> &UnfundedTeller {
        &self.0.watch.unfunded
    }

    /// Notes how everything is.
    pub(crate) fn status_recorder(&self) -> &StatusRecorder {
        &self.0.watch.recorder
    }

    /// How everything was.
    pub fn status(&self) -> &StatusReader {
        &self.0.watch.reader
    }

    /// What there is to do in the background.
    pub fn jobs(&self) -> &Jobs {
        &self.0.jobs
    }

    /// This process, the owner of the holds it makes.
    pub fn node(&self) -> NodeId {
        self.0.node
    }

    /// Time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// Numbers for the operator.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// Bounds of what is read from clients.
    pub fn limits(&self) -> BodyLimits {
        self.0.limits
    }

    /// Says that the process is about to stop: it is no longer ready.
    pub fn start_draining(&self) {
        self.0.draining.store(true, Ordering::Release);
    }

    /// Says that no new request is taken, also on connections that are open.
    pub fn stop_accepting(&self) {
        self.start_draining();
        self.0.stopping.store(true, Ordering::Release);
    }

    /// Whether new requests are turned away.
    pub fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::Acquire)
    }

    /// Whether the process may get traffic, check by check. The beat proves that the database
    /// can be written.
    pub async fn readiness(&self) -> [Check; 4] {
        let draining = self.0.draining.load(Ordering::Acquire);
        let migrated = tokio::time::timeout(PROBE_PATIENCE, self.is_migrated());
        let beat = tokio::time::timeout(PROBE_PATIENCE, self.custody().beat(self.node()));
        let prices = tokio::time::timeout(PROBE_PATIENCE, self.prices().sheet(self.clock().now()));
        let (migrated, beat, prices) = tokio::join!(migrated, beat, prices);
        [
            Check { name: "accepting", passed: !draining },
            Check { name: "migrated", passed: migrated.unwrap_or_default() },
            Check { name: "ledger", passed: matches!(beat, Ok(Ok(()))) },
            Check { name: "prices", passed: matches!(prices, Ok(Ok(_))) },
        ]
    }

    /// A database that was migrated once stays so: it is not asked again.
    async fn is_migrated(&self) -> bool {
        if !self.0.migrated.load(Ordering::Acquire) && self.stores().check().await.is_ok() {
            self.0.migrated.store(true, Ordering::Release);
        }
        self.0.migrated.load(Ordering::Acquire)
    }

    /// Waits until every settlement is written. No call may come in any more.
    pub async fn close(&self) {
        self.stop_accepting();
        self.gateway().close().await;
    }
}
