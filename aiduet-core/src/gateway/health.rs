//! How the upstreams are doing, and what every call says about that.

use std::sync::Arc;
use std::time::Duration;

use super::{GatewayParts, Observer, UpstreamFailure};
use crate::clock::Clock;
use crate::id::Entropy;
use crate::ledger::UpstreamName;
use crate::provider::Vendor;
use crate::routing::{
    Affinity, CircuitConfig, CircuitState, Leave, Member, Moment, Pool, ProviderHealth, Tried, Upstream,
    Verdict,
};

/// How one upstream is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamHealth {
    /// The operator's name of it.
    pub upstream: UpstreamName,
    /// Whose models it serves.
    pub vendor: Vendor,
    /// Whether it is called.
    pub circuit: CircuitState,
    /// How the vendor is doing, by all of its upstreams.
    pub provider: ProviderHealth,
}

/// The upstreams, with what is needed to judge them.
#[derive(Debug)]
pub(super) struct Health {
    pool: Pool,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    observer: Arc<dyn Observer>,
}

impl Health {
    pub(super) fn new(parts: &GatewayParts, config: CircuitConfig) -> Self {
        let health = Self {
            pool: Pool::new(&parts.upstreams, config),
            clock: Arc::clone(&parts.clock),
            entropy: Arc::clone(&parts.entropy),
            observer: Arc::clone(&parts.observer),
        };
        for upstream in health.list() {
            health.observer.health_changed(&upstream);
        }
        health
    }

    pub(super) const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Every upstream, in the order in which they are called.
    pub(super) fn list(&self) -> Vec<UpstreamHealth> {
        let vendors = [Vendor::Anthropic, Vendor::OpenAi].into_iter();
        let members = vendors.flat_map(|vendor| self.pool.of(vendor));
        members.map(|member| self.describe(member.upstream(), member.state(self.clock.monotonic()))).collect()
    }

    fn describe(&self, upstream: &Upstream, circuit: CircuitState) -> UpstreamHealth {
        let Upstream { name, vendor, .. } = upstream;
        let provider = self.pool.health(*vendor, self.clock.monotonic());
        UpstreamHealth { upstream: name.clone(), vendor: *vendor, circuit, provider }
    }

    /// How a vendor is doing.
    pub(super) fn of(&self, vendor: Vendor) -> ProviderHealth {
        self.pool.health(vendor, self.clock.monotonic())
    }

    /// What a caller is told when nothing of a vendor may be called.
    pub(super) fn resting(&self, vendor: Vendor) -> UpstreamFailure {
        let retry_after = self.pool.closed_for(vendor, self.clock.monotonic());
        UpstreamFailure::Resting { retry_after: retry_after.max(Duration::from_secs(1)) }
    }

    /// The next upstream of a vendor that was not tried yet.
    pub(super) fn visit(
        self: &Arc<Self>,
        vendor: Vendor,
        affinity: Affinity,
        tried: &mut Tried,
    ) -> Option<Visit> {
        let (member, leave) = self.pool.pick(vendor, affinity, (tried, self.clock.monotonic()))?;
        Some(Visit { health: Arc::clone(self), member, leave: Some(leave) })
    }

    /// A random number.
    pub(super) fn chance(&self) -> u64 {
        let mut bytes = [0; 8];
        self.entropy.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn report(&self, member: &Member, leave: Leave, verdict: Verdict) {
        let chance = match verdict {
            Verdict::Works | Verdict::Nothing => 0,
            Verdict::Failed | Verdict::Refused | Verdict::Doubtful => self.chance(),
        };
        let moment = Moment { now: self.clock.monotonic(), chance };
        let Some(state) = member.report(leave, verdict, moment) else { return };
        let upstream = member.upstream();
        tracing::warn!(upstream = upstream.name.as_str(), circuit = state.as_str(), "circuit");
        self.observer.health_changed(&self.describe(upstream, state));
    }
}

/// A call to an upstream. What came of it is to be reported; dropped without that, it says nothing.
#[derive(Debug)]
pub(super) struct Visit {
    health: Arc<Health>,
    member: Arc<Member>,
    leave: Option<Leave>,
}

impl Visit {
    pub(super) fn upstream(&self) -> &Upstream {
        self.member.upstream()
    }

    /// Reports what came of the call. Once an answer has begun it may still fail, which is
    /// reported too.
    pub(super) fn report(&mut self, verdict: Verdict) {
        let leave = self.leave.take().unwrap_or(Leave::Usual);
        self.health.report(&self.member, leave, verdict);
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(leave) = self.leave.take() {
            self.health.report(&self.member, leave, Verdict::Nothing);
        }
    }
}
