//! The life of a request: authenticate, receive, admit, forward, relay, settle.
//!
//! Each phase is a type that only the phase before it can produce, so that no route can skip
//! one: [`Caller`] → `Received` → `Admitted` → `Exchange` → [`Answer`].

mod admit;
mod answer;
mod attempt;
mod authenticate;
mod channel;
mod duet;
mod ensemble;
mod error;
mod exchange;
mod explain;
mod flow;
mod forward;
mod free;
mod health;
mod judge;
mod observer;
mod prepare;
mod receive;
mod relay;
mod reserve;
mod route;
mod settle;
mod shield;
mod tab;
mod unfunded;

use std::sync::Arc;
use std::time::Duration;

pub use answer::{Answer, AnswerBody, AnswerStream};
pub use authenticate::{Caller, Credentials};
pub use duet::Routed;
pub use error::{GatewayError, UpstreamFailure};
pub use explain::{Estimate, ExplainRequest, Explained};
pub use health::UpstreamHealth;
pub use observer::{NoObserver, Observer, Refusal};
pub use receive::GatewayRequest;
pub use unfunded::UnfundedCall;

pub use crate::routing::Upstream;

use crate::clock::Clock;
use crate::duet::{DuetConfig, DuetRouter, SessionMemory};
use crate::id::{Entropy, NodeId, RequestId};
use crate::keys::KeyStore;
use crate::ledger::Ledger;
use crate::limit::RateLimiter;
use crate::price::{Margin, PriceBook};
use crate::provider::Vendor;
use crate::routing::{Aliases, CircuitConfig, ProviderHealth, RepeatBudget, RepeatConfig};
use forward::Forwarded;
use health::Health;
use settle::Settler;
use shield::Shield;

/// What happens to the upstream call when the client leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisconnectPolicy {
    /// Read on for a while to learn the true usage.
    #[default]
    Drain,
    /// Cancel at once and charge what was counted.
    Cancel,
}

/// How the gateway behaves.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// What is added to the providers' prices.
    pub margin: Margin,
    /// What happens when the client leaves.
    pub disconnect: DisconnectPolicy,
    /// How long an abandoned answer is read on.
    pub drain: Duration,
    /// How many abandoned answers are read on at the same time.
    pub drains_max: usize,
    /// Silence after which a stream gets a keep-alive.
    pub keep_alive: Duration,
    /// Output tokens that a stream holds at a time.
    pub stream_hold_tokens: u64,
    /// The smallest output limit that a call is lowered to when funds are short, in tokens.
    pub output_min_tokens: u64,
    /// Running requests of one account.
    pub account_concurrency: u32,
    /// Largest answer that does not stream, in bytes.
    pub answer_bytes_max: usize,
    /// How often a running stream notes what it has used.
    pub progress: Duration,
    /// How long the client waits for its last frame while a settlement cannot be written.
    pub settle_wait: Duration,
    /// How long a request may look for an answer that begins, over all upstreams and models.
    pub deadline: Duration,
    /// How long a stream may take to begin while there is another upstream or model to go to.
    pub patience: Duration,
    /// How calls are repeated.
    pub repeat: RepeatConfig,
    /// When an upstream is no longer called.
    pub circuit: CircuitConfig,
    /// Names of the operator for models.
    pub aliases: Aliases,
    /// How requests are answered that name no model.
    pub duet: DuetConfig,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            margin: Margin::default(),
            disconnect: DisconnectPolicy::Drain,
            drain: Duration::from_secs(30),
            drains_max: 64,
            keep_alive: Duration::from_secs(15),
            stream_hold_tokens: 8_192,
            output_min_tokens: 1_024,
            account_concurrency: 50,
            answer_bytes_max: 64 << 20,
            progress: Duration::from_secs(5),
            settle_wait: Duration::from_secs(30),
            deadline: Duration::from_mins(10),
            patience: Duration::from_mins(1),
            repeat: RepeatConfig::default(),
            circuit: CircuitConfig::default(),
            aliases: Aliases::default(),
            duet: DuetConfig::default(),
        }
    }
}

/// What the gateway is made of.
#[derive(Clone, Debug)]
pub struct GatewayParts {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// API keys.
    pub keys: Arc<dyn KeyStore>,
    /// Money.
    pub ledger: Arc<dyn Ledger>,
    /// Prices.
    pub prices: Arc<dyn PriceBook>,
    /// Limits.
    pub limiter: Arc<dyn RateLimiter>,
    /// Where calls go.
    pub upstreams: Vec<Upstream>,
    /// Chooses roles and models for requests that name none.
    pub duet: DuetRouter,
    /// Who is told what happened.
    pub observer: Arc<dyn Observer>,
    /// This process, the owner of the holds it makes.
    pub node: NodeId,
}

/// The prepaid gateway.
#[derive(Debug)]
pub struct Gateway {
    parts: GatewayParts,
    health: Arc<Health>,
    repeats: RepeatBudget,
    config: GatewayConfig,
    settler: Arc<Settler>,
    conversations: Arc<SessionMemory>,
    used_keys: authenticate::UsedKeys,
    unfunded: unfunded::UnfundedCalls,
}

impl Gateway {
    /// Puts a gateway together.
    pub fn new(parts: GatewayParts, config: GatewayConfig) -> Arc<Self> {
        let health = Arc::new(Health::new(&parts, config.circuit));
        let settler = Arc::new(Settler::new(&parts, config.clone()));
        let repeats = RepeatBudget::new(config.repeat);
        let used_keys = authenticate::UsedKeys::default();
        let conversations = Arc::new(SessionMemory::new(parts.entropy.as_ref()));
        let unfunded = unfunded::UnfundedCalls::default();
        Arc::new(Self { parts, health, repeats, config, settler, conversations, used_keys, unfunded })
    }

    /// A new identifier for a request.
    pub fn new_request_id(&self) -> RequestId {
        RequestId::generate(self.parts.clock.as_ref(), self.parts.entropy.as_ref())
    }

    /// The vendors that this gateway has an upstream for.
    pub fn vendors(&self) -> impl Iterator<Item = Vendor> + '_ {
        let vendors = [Vendor::Anthropic, Vendor::OpenAi].into_iter();
        vendors.filter(|vendor| !self.health.pool().of(*vendor).is_empty())
    }

    /// What is charged of the provider's price.
    pub const fn margin(&self) -> Margin {
        self.config.margin
    }

    /// How a vendor is doing.
    pub fn provider_health(&self, vendor: Vendor) -> ProviderHealth {
        self.health.of(vendor)
    }

    /// How every upstream is doing.
    pub fn health(&self) -> Vec<UpstreamHealth> {
        self.health.list()
    }

    /// The operator's names for models.
    pub const fn aliases(&self) -> &Aliases {
        &self.config.aliases
    }

    /// What the operator decided of the duet.
    pub const fn duet_config(&self) -> &DuetConfig {
        &self.config.duet
    }

    /// Answers one call.
    ///
    /// # Errors
    /// [`GatewayError`] for everything that is refused or failed before an answer began; funds
    /// that were set aside are released then.
    ///
    /// # Cancellation
    /// When the returned future is dropped, work that already holds funds goes on in the
    /// background as [`GatewayConfig::disconnect`] says, and is settled.
    pub async fn handle(
        self: &Arc<Self>,
        caller: Caller,
        request: GatewayRequest,
    ) -> Result<Answer, GatewayError> {
        let account = caller.key().account;
        let result = self.run(caller, request).await;
        if let Err(error) = &result {
            self.unfunded.note(account, (error, self.parts.clock.now()));
            self.parts.observer.refused(&Refusal::of(error));
        }
        result
    }

    async fn run(self: &Arc<Self>, caller: Caller, request: GatewayRequest) -> Result<Answer, GatewayError> {
        let received = self.receive(caller, request)?;
        if !received.endpoint.is_billed() {
            return self.pass_free(received).await;
        }
        let gateway = Arc::clone(self);
        if self.wants_ensemble(&received)? {
            return Shield::new(self.settler.tracker(), move |presence| async move {
                gateway.ensemble(received, presence).await
            })
            .await;
        }
        let shield = Shield::new(self.settler.tracker(), move |presence| async move {
            let admitted = gateway.admit(received).await?;
            if presence.is_gone() {
                // Nobody waits for the answer, so the call is not made.
                return Err(GatewayError::Stopping);
            }
            match gateway.forward(admitted, presence).await? {
                Forwarded::Answering(exchange) => exchange.answer().await,
                Forwarded::Declined(answer) => Ok(*answer),
            }
        });
        shield.await
    }

    /// Writes down when keys were last used; called now and then.
    ///
    /// # Errors
    /// [`crate::keys::KeyError`] when the store cannot be written; nothing is lost then.
    pub async fn flush_used_keys(&self) -> Result<(), crate::keys::KeyError> {
        let used = self.used_keys.take();
        if used.is_empty() {
            return Ok(());
        }
        let result = self.parts.keys.touch(&used).await;
        if result.is_err() {
            self.used_keys.put_back(&used);
        }
        result
    }

    /// The first call of each account that was refused for lack of funds since this was last asked.
    pub fn take_unfunded(&self) -> Vec<UnfundedCall> {
        self.unfunded.take()
    }

    /// Ends running streams with an error in their dialect and stops waiting for providers; what
    /// was received until now is settled.
    pub fn interrupt(&self) {
        self.settler.interrupt();
    }

    /// Waits until nothing is under way in the background: no settlement, no abandoned call. For a
    /// process that is about to stand still; it may handle calls again afterwards.
    pub async fn idle(&self) {
        self.settler.idle().await;
    }

    /// Waits until every settlement and every abandoned call is done. No call may be handled
    /// afterwards.
    pub async fn close(&self) {
        self.settler.close().await;
    }
}
