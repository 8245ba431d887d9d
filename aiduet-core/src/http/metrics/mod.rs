//! Numbers for the operator, in the text format of OpenMetrics.
//!
//! No label carries a user, a key, an address or text of a request.

mod dollars;
mod labels;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use http::{Method, StatusCode};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use self::dollars::Dollars;
use self::labels::{
    Answered, Build, Circuit, Class, Counted, Delivered, Expired, Failed, JobEnded, OfJob, OfTable, Origin,
    Phase, Provider, Retried, Route, Settled, Surface, Timed, Word, method, surface,
};
use crate::class::ErrorClass;
use crate::gateway::{Observer, Refusal, UpstreamFailure, UpstreamHealth};
use crate::jobs::JobRun;
use crate::ledger::{RequestRecord, Settlement, SettlementState, Swept};
use crate::notify::Deliveries;
use crate::privacy::RetentionObserver;
use crate::provider::Vendor;
use crate::routing::{CircuitState, ProviderHealth};

type Times<L> = Family<L, Histogram, fn() -> Histogram>;

/// What is counted and measured.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    http_requests: Family<Answered, Counter>,
    http_duration: Times<Route>,
    http_in_flight: Family<Surface, Gauge>,
    requests: Family<Settled, Counter>,
    refusals: Family<Class, Counter>,
    first_token: Times<Origin>,
    duration: Times<Timed>,
    overhead: Times<Phase>,
    tokens: Family<Counted, Counter>,
    streams: Gauge<i64, AtomicI64>,
    upstream_errors: Family<Failed, Counter>,
    upstream_retries: Family<Retried, Counter>,
    circuits: Family<Circuit, Gauge>,
    provider_health: Family<Provider, Gauge<f64, AtomicU64>>,
    charged: Family<Origin, Dollars>,
    upstream_cost: Family<Origin, Dollars>,
    overage: Family<Origin, Dollars>,
    late: Counter,
    delayed: Counter,
    expired: Family<Expired, Counter>,
    notices: Family<Delivered, Counter>,
    jobs: Family<JobEnded, Counter>,
    job_success: Family<OfJob, Gauge>,
    retention_oldest: Gauge,
    retention_rows: Family<OfTable, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Everything at zero.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("aiduet"),
            http_requests: Family::default(),
            http_duration: Family::new_with_constructor(whole_answers),
            http_in_flight: Family::default(),
            requests: Family::default(),
            refusals: Family::default(),
            first_token: Family::new_with_constructor(whole_answers),
            duration: Family::new_with_constructor(whole_answers),
            overhead: Family::new_with_constructor(own_work),
            tokens: Family::default(),
            streams: Gauge::default(),
            upstream_errors: Family::default(),
            upstream_retries: Family::default(),
            circuits: Family::default(),
            provider_health: Family::default(),
            charged: Family::default(),
            upstream_cost: Family::default(),
            overage: Family::default(),
            late: Counter::default(),
            delayed: Counter::default(),
            expired: Family::default(),
            notices: Family::default(),
            jobs: Family::default(),
            job_success: Family::default(),
            retention_oldest: Gauge::default(),
            retention_rows: Family::default(),
        };
        metrics.register_http();
        metrics.register_gateway();
        metrics.register_upstreams();
        metrics.register_money();
        metrics.register_background();
        metrics
    }

    fn register_http(&mut self) {
        let build = Build {
            version: Word(env!("CARGO_PKG_VERSION")),
            commit: Word(option_env!("AIDUET_COMMIT").unwrap_or("unknown")),
        };
        let registry = &mut self.registry;
        registry.register("build", "What runs", Info::new(build));
        registry.register("http_requests", "Requests that were answered", self.http_requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "From the head of the request to the end of the answer",
            Unit::Seconds,
            self.http_duration.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests whose answer has not ended",
            self.http_in_flight.clone(),
        );
    }

    fn register_gateway(&mut self) {
        let registry = &mut self.registry;
        registry.register("gateway_requests", "Calls by how they ended", self.requests.clone());
        registry.register(
            "gateway_refusals",
            "Calls that were not forwarded, by reason",
            self.refusals.clone(),
        );
        registry.register_with_unit(
            "gateway_time_to_first_token",
            "Until the first byte of an answer",
            Unit::Seconds,
            self.first_token.clone(),
        );
        registry.register_with_unit(
            "gateway_duration",
            "From the call to its settlement",
            Unit::Seconds,
            self.duration.clone(),
        );
        registry.register_with_unit(
            "gateway_overhead",
            "Time of our own work",
            Unit::Seconds,
            self.overhead.clone(),
        );
        registry.register("gateway_tokens", "Tokens of settled calls", self.tokens.clone());
        registry.register("gateway_streams_active", "Streams that run", self.streams.clone());
    }

    fn register_upstreams(&mut self) {
        let registry = &mut self.registry;
        registry.register("upstream_errors", "Failures of providers", self.upstream_errors.clone());
        registry.register(
            "upstream_retries",
            "Calls that were made again after a failure",
            self.upstream_retries.clone(),
        );
        registry.register(
            "upstream_circuit_state",
            "Whether an upstream is called: 0 closed, 1 half open, 2 open",
            self.circuits.clone(),
        );
        registry.register(
            "provider_health",
            "1 all upstreams of a provider are called, 0.5 some, 0 none",
            self.provider_health.clone(),
        );
    }

    fn register_money(&mut self) {
        let registry = &mut self.registry;
        registry.register("billing_charged_usd", "Charged to accounts", self.charged.clone());
        registry.register("billing_upstream_cost_usd", "Price without margin", self.upstream_cost.clone());
        registry.register("billing_overage_usd", "Charged above what was held", self.overage.clone());
        registry.register(
            "billing_settlements_late",
            "Settlements after a hold was swept",
            self.late.clone(),
        );
        registry.register(
            "billing_settlements_delayed",
            "Settlements that had to be repeated",
            self.delayed.clone(),
        );
        registry.register(
            "billing_reservations_expired",
            "Requests of dead processes that were resolved",
            self.expired.clone(),
        );
    }

    fn register_background(&mut self) {
        let registry = &mut self.registry;
        registry.register("notices", "Attempts to deliver messages to people", self.notices.clone());
        registry.register("job_runs", "Runs of background work, by how they ended", self.jobs.clone());
        registry.register(
            "job_last_success_timestamp_seconds",
            "When background work ended well the last time",
            self.job_success.clone(),
        );
        registry.register(
            "retention_oldest_usage_seconds",
            "Age of the oldest request that is recorded",
            self.retention_oldest.clone(),
        );
        registry.register(
            "retention_deleted_rows",
            "Rows that were kept long enough",
            self.retention_rows.clone(),
        );
    }

    /// Every number, as text.
    pub fn render(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(std::fmt::Error) => String::new(),
        }
    }

    /// Notes that the holds of dead processes were resolved.
    pub fn swept(&self, swept: Swept) {
        let count = |outcome, number: u32| {
            if number > 0 {
                self.expired.get_or_create(&Expired { outcome: Word(outcome) }).inc_by(u64::from(number));
            }
        };
        count("recovered", swept.recovered);
        count("lost", swept.lost);
    }

    /// Notes what became of messages to people.
    pub fn delivered(&self, deliveries: Deliveries) {
        let Deliveries { delivered, postponed, failed, unknown } = deliveries;
        let outcomes =
            [("delivered", delivered), ("postponed", postponed), ("failed", failed), ("unknown", unknown)];
        for (outcome, number) in outcomes.into_iter().filter(|(_outcome, number)| *number > 0) {
            self.notices.get_or_create(&Delivered { outcome: Word(outcome) }).inc_by(number);
        }
    }

    /// Notes what came of background work.
    pub fn job_ran(&self, run: &JobRun) {
        let job = Word(run.job);
        self.jobs.get_or_create(&JobEnded { job, outcome: Word(run.outcome.as_str()) }).inc();
        if run.error.is_none() {
            self.job_success.get_or_create(&OfJob { job }).set(run.at.seconds());
        }
    }

    /// Begins to measure a request to a route, given by its template.
    pub(super) fn begin(&self, route: &str) -> InFlight {
        let gauge = self.http_in_flight.get_or_create_owned(&Surface { surface: surface(route) });
        gauge.inc();
        InFlight { gauge }
    }

    /// Notes an answered request.
    pub(super) fn answered(&self, request: &Measured<'_>) {
        let (surface, method) = (surface(request.route), method(request.method));
        let route = request.route.to_owned();
        let labels = Answered { surface, route, method, status: request.status.as_u16() };
        self.http_requests.get_or_create(&labels).inc();
        let Answered { surface, route, method, .. } = labels;
        self.http_duration
            .get_or_create(&Route { surface, route, method })
            .observe(request.took.as_secs_f64());
    }
}

impl RetentionObserver for Metrics {
    fn purged(&self, table: &'static str, rows: u64) {
        self.retention_rows.get_or_create(&OfTable { table: Word(table) }).inc_by(rows);
    }

    fn oldest_usage(&self, age: Duration) {
        self.retention_oldest.set(i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
    }
}

/// A request that was answered.
#[derive(Debug)]
pub(super) struct Measured<'a> {
    /// The template of the route.
    pub(super) route: &'a str,
    pub(super) method: &'a Method,
    pub(super) status: StatusCode,
    pub(super) took: Duration,
}

/// Counts a request until it is dropped.
#[derive(Debug)]
pub(super) struct InFlight {
    gauge: Gauge,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

impl Observer for Metrics {
    fn settled(&self, record: &RequestRecord, settlement: &Settlement) {
        self.requests.get_or_create(&Settled::of(record)).inc();
        let origin = Origin::of(record);
        if let Some(first_byte) = record.first_byte {
            self.first_token.get_or_create(&origin).observe(first_byte.as_secs_f64());
        }
        self.duration.get_or_create(&Timed::of(record)).observe(record.duration.as_secs_f64());
        let usage = &record.usage;
        for (kind, tokens) in [
            ("input", usage.input),
            ("cached_read", usage.cache_read),
            ("cached_write", usage.cache_write_short.saturating_add(usage.cache_write_long)),
            ("output", usage.output),
            ("reasoning", usage.reasoning),
        ] {
            if tokens > 0 {
                let Origin { provider, model } = origin.clone();
                self.tokens.get_or_create(&Counted { provider, model, r#type: Word(kind) }).inc_by(tokens);
            }
        }
        match settlement.state {
            SettlementState::Booked => {}
            SettlementState::Late => {
                self.late.inc();
            }
            // It was counted when it was booked.
            SettlementState::Replayed => return,
        }
        self.charged.get_or_create(&origin).add(settlement.charged);
        self.upstream_cost.get_or_create(&origin).add(record.bill.provider_cost().unwrap_or_default());
        self.overage.get_or_create(&origin).add(settlement.overage);
    }

    fn refused(&self, refusal: &Refusal) {
        self.requests.get_or_create(&Settled::refused()).inc();
        self.refusals.get_or_create(&Class { class: Word(class_name(refusal.class)) }).inc();
    }

    fn reserved(&self, took: Duration) {
        self.overhead.get_or_create(&Phase { phase: Word("reserve") }).observe(took.as_secs_f64());
    }

    fn upstream_failed(&self, vendor: Vendor, failure: UpstreamFailure) {
        self.upstream_errors.get_or_create(&Failed::of(vendor, failure_kind(failure))).inc();
    }

    fn upstream_retried(&self, vendor: Vendor, failure: UpstreamFailure) {
        self.upstream_retries.get_or_create(&Retried::of(vendor, failure_kind(failure))).inc();
    }

    fn health_changed(&self, health: &UpstreamHealth) {
        let UpstreamHealth { upstream, vendor, circuit, provider } = health;
        let state = match circuit {
            CircuitState::Closed => 0,
            CircuitState::HalfOpen => 1,
            CircuitState::Open => 2,
        };
        self.circuits.get_or_create(&Circuit::of(*vendor, upstream)).set(state);
        let health = match provider {
            ProviderHealth::Up => 1.0,
            ProviderHealth::Degraded => 0.5,
            ProviderHealth::Down => 0.0,
        };
        self.provider_health.get_or_create(&Provider::of(*vendor)).set(health);
    }

    fn streams_changed(&self, by: i64) {
        self.streams.inc_by(by);
    }

    fn settlement_delayed(&self) {
        self.delayed.inc();
    }
}

const fn failure_kind(failure: UpstreamFailure) -> &'static str {
    match failure {
        UpstreamFailure::Error => "5xx",
        UpstreamFailure::Unreachable => "connect",
        UpstreamFailure::Operator => "operator",
        UpstreamFailure::Resting { .. } => "resting",
        UpstreamFailure::Timeout => "timeout",
        UpstreamFailure::Overloaded => "overloaded",
        UpstreamFailure::RateLimited { .. } => "429",
        UpstreamFailure::TooLarge => "too_large",
        UpstreamFailure::UnknownModel => "unknown_model",
    }
}

const fn class_name(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Invalid => "invalid",
        ErrorClass::Unauthenticated => "unauthenticated",
        ErrorClass::InsufficientFunds => "insufficient_funds",
        ErrorClass::Forbidden => "forbidden",
        ErrorClass::NotFound => "not_found",
        ErrorClass::Conflict => "conflict",
        ErrorClass::RateLimited => "rate_limited",
        ErrorClass::Upstream => "upstream",
        ErrorClass::Timeout => "timeout",
        ErrorClass::Unavailable => "unavailable",
        ErrorClass::Internal => "internal",
    }
}

/// Buckets for answers of models.
fn whole_answers() -> Histogram {
    Histogram::new([0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0])
}

/// Buckets for our own work.
fn own_work() -> Histogram {
    Histogram::new([0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5])
}
