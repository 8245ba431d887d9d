//! Puts an application together, part by part.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::payment::CompleteProcessor;
use super::upkeep::Watch;
use super::{App, BuildError, Imprint, Inner, Stores, jobs, mail, payment, reception, reports, upstreams};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::duet::{DuetConfig, DuetRouter};
use crate::gateway::{Gateway, GatewayConfig, GatewayParts, Observer, Upstream};
use crate::http::BodyLimits;
use crate::http::metrics::Metrics;
use crate::id::{Entropy, NodeId, SystemEntropy};
use crate::keys::{CachedKeys, KeyStore};
use crate::limit::RateLimiter;
use crate::notify::Notifier;
use crate::price::PriceSheet;
use crate::secret::Secret;
use crate::settings::{GatewaySettings, LimitSettings, RedisSettings, RoutingSettings, Settings};

/// Puts an application together: what is not given comes from the settings.
///
/// # Examples
/// ```
/// # async fn example() -> Result<(), aiduet_core::app::BuildError> {
/// use aiduet_core::app::AppBuilder;
/// use aiduet_core::settings::{Settings, UpstreamKind};
///
/// let mut settings = Settings::default();
/// settings.database.url = Some("memory:".to_owned().into());
/// settings.upstream.openai.kind = UpstreamKind::Simulated;
/// let app = AppBuilder::new(settings).build().await?;
/// let router = aiduet_core::http::router(app);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AppBuilder {
    settings: Settings,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    stores: Option<Stores>,
    limiter: Option<Arc<dyn RateLimiter>>,
    upstreams: Option<Vec<Upstream>>,
    notifier: Option<Arc<dyn Notifier>>,
    company: Option<payment::CardCompany>,
}

impl AppBuilder {
    /// Begins with settings, and the time and randomness of the operating system.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            clock: Arc::new(SystemClock::new()),
            entropy: Arc::new(SystemEntropy),
            stores: None,
            limiter: None,
            upstreams: None,
            notifier: None,
            company: None,
        }
    }

    /// Takes another clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Takes other randomness.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Takes stores that are open and migrated, in place of those of `database.url`.
    #[must_use]
    pub fn stores(mut self, stores: Stores) -> Self {
        self.stores = Some(stores);
        self
    }

    /// Takes another rate limiter, for example one that several nodes share.
    #[must_use]
    pub fn limiter(mut self, limiter: Arc<dyn RateLimiter>) -> Self {
        self.limiter = Some(limiter);
        self
    }

    /// Takes other upstreams, for example with a provider of one's own.
    #[must_use]
    pub fn upstreams(mut self, upstreams: Vec<Upstream>) -> Self {
        self.upstreams = Some(upstreams);
        self
    }

    /// Takes another channel for messages to people, in place of that of `mail.url`.
    #[must_use]
    pub fn notifier(mut self, notifier: Arc<dyn Notifier>) -> Self {
        self.notifier = Some(notifier);
        self
    }

    /// Takes another card company.
    #[must_use]
    pub fn processor<P: CompleteProcessor>(mut self, processor: &Arc<P>) -> Self {
        self.company = Some(payment::CardCompany::of(processor));
        self
    }

    /// The application. Stores that were not given are opened, and migrated if the settings say so.
    ///
    /// # Errors
    /// [`BuildError`]; [`BuildError::Missing`] when there is no upstream.
    pub async fn build(self) -> Result<App, BuildError> {
        // Boxed, so many parts do not burden the layout of every caller.
        Box::pin(self.assemble()).await
    }

    async fn assemble(self) -> Result<App, BuildError> {
        let Self { settings, clock, entropy, stores, limiter, upstreams, notifier, company } = self;
        let stores = match stores {
            Some(stores) => stores,
            // Migrations are deep futures; boxed, they do not burden the layout of every caller.
            None => Box::pin(Stores::ready(&settings.database, Arc::clone(&clock))).await?,
        };
        let upstreams = match upstreams {
            Some(upstreams) => upstreams,
            None => upstreams::from_settings(&settings.upstream, &clock)?,
        };
        if upstreams.is_empty() {
            return Err(BuildError::Missing(
                "upstream: set upstream.anthropic.api_key or upstream.openai.api_key",
            ));
        }
        let limiter = limiter.map_or_else(|| limiter_of(&settings.redis, &clock), Ok)?;
        let duet = settings.duet.config();
        check_models(&duet, stores.prices.sheet(clock.now()).await?.as_ref(), clock.now())?;
        let courier = mail::courier(&settings, notifier, (&stores.outbox, &clock))?;
        let payments = payment::payments_of(&settings, company, (&stores, &clock, &entropy))?;
        let metrics = Arc::new(Metrics::new());
        let observer: Arc<dyn Observer> = Arc::<Metrics>::clone(&metrics);
        let keys: Arc<dyn KeyStore> = Arc::new(CachedKeys::new(Arc::clone(&stores.keys), Arc::clone(&clock)));
        let node = NodeId::generate(clock.as_ref(), entropy.as_ref());
        let shared = reception::Shared {
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            limiter: Arc::clone(&limiter),
            keys: Arc::clone(&keys),
        };
        let reception = reception::from_settings(&settings, &stores, shared)?;
        let costs = super::costs::cost_comparer(&settings, &stores, &clock)?;
        let parts = jobs::parts((&clock, &entropy, node), &metrics, (payments.clone(), costs));
        let jobs = jobs::jobs(&settings, &stores, parts);
        let watch = Watch::of(&stores, payment::letters(&stores, (&clock, &entropy)));
        let parts = GatewayParts {
            clock: Arc::clone(&clock),
            entropy,
            keys: Arc::clone(&keys),
            ledger: Arc::clone(&stores.ledger),
            prices: Arc::clone(&stores.prices),
            limiter,
            upstreams,
            duet: DuetRouter::embedded()?,
            observer,
            node,
        };
        let config = GatewayConfig { duet, ..gateway_config(&settings.gateway, &settings.routing) };
        let gateway = Gateway::new(parts, config);
        Ok(App(Arc::new(Inner {
            gateway,
            courier,
            watch,
            reception,
            imprint: Imprint::of(&settings),
            keys,
            stores,
            payments,
            reports: reports::from_settings(&settings.auth, &clock)?,
            jobs,
            clock,
            metrics,
            limits: body_limits(&settings.server.limits),
            node,
            migrated: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
        })))
    }
}

const fn body_limits(limits: &LimitSettings) -> BodyLimits {
    BodyLimits { bytes_max: limits.body_bytes_max, time_max: limits.body_timeout }
}

/// Every model that the duet may choose must be one that can be sold.
fn check_models(duet: &DuetConfig, sheet: &PriceSheet, now: Timestamp) -> Result<(), BuildError> {
    let Some((role, model)) = duet.unsold(sheet, now).next() else { return Ok(()) };
    Err(BuildError::UnknownModel { key: format!("duet.models.{role}"), model: model.clone() })
}

fn limiter_of(settings: &RedisSettings, clock: &Arc<dyn Clock>) -> Result<Arc<dyn RateLimiter>, BuildError> {
    match &settings.url {
        Some(url) => shared_limiter(url, clock),
        None => local_limiter(clock),
    }
}

#[cfg(feature = "redis")]
fn shared_limiter(url: &Secret<String>, clock: &Arc<dyn Clock>) -> Result<Arc<dyn RateLimiter>, BuildError> {
    let limiter = crate::backends::redis::RedisLimiter::new(url, Arc::clone(clock));
    Ok(Arc::new(limiter.map_err(|_invalid| BuildError::UnknownRedis)?))
}

#[cfg(not(feature = "redis"))]
fn shared_limiter(
    _url: &Secret<String>,
    _clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn RateLimiter>, BuildError> {
    Err(BuildError::UnknownRedis)
}

#[cfg(feature = "memory")]
#[expect(clippy::unnecessary_wraps, reason = "a build without memory has no limiter of its own")]
fn local_limiter(clock: &Arc<dyn Clock>) -> Result<Arc<dyn RateLimiter>, BuildError> {
    Ok(Arc::new(crate::backends::memory::MemoryLimiter::new(Arc::clone(clock))))
}

#[cfg(not(feature = "memory"))]
fn local_limiter(_clock: &Arc<dyn Clock>) -> Result<Arc<dyn RateLimiter>, BuildError> {
    Err(BuildError::Missing("rate limiter"))
}

fn gateway_config(settings: &GatewaySettings, routing: &RoutingSettings) -> GatewayConfig {
    let GatewaySettings {
        margin_bp,
        disconnect,
        drain_seconds,
        drains_max,
        keep_alive,
        stream_hold_tokens,
        output_min_tokens,
        account_concurrency,
        answer_bytes_max,
        progress,
        settle_wait,
        heartbeat: _,
        dead_after: _,
    } = *settings;
    GatewayConfig {
        margin: margin_bp,
        disconnect,
        drain: Duration::from_secs(drain_seconds.into()),
        drains_max,
        keep_alive,
        stream_hold_tokens,
        output_min_tokens,
        account_concurrency,
        answer_bytes_max,
        progress,
        settle_wait,
        deadline: routing.deadline,
        patience: routing.patience,
        repeat: routing.repeat(),
        circuit: routing.circuit.config(),
        aliases: routing.aliases.clone(),
        duet: DuetConfig::default(),
    }
}
