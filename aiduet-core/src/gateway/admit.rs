//! May this call run, and are there funds for it? One function for every billed route.

use std::sync::Arc;

use super::receive::{Received, Shortfall};
use super::tab::{Facts, Slot, Tab};
use super::{Gateway, GatewayError, Upstream};
use crate::dialect::{Endpoint, RequestFault};
use crate::ledger::{LedgerError, Shortage};
use crate::limit::{Claim, LimitKey, Quota};
use crate::money::Money;
use crate::price::{Ask, ModelId, PriceSheet, PricedModel, affordable_output};
use crate::provider::{Provider as _, UpstreamCall, Vendor, forwardable};

/// Output limit that is forwarded when neither the client nor the catalogue knows one.
const OUTPUT_LIMIT_UNKNOWN: u64 = 128_000;

/// A call that may run: funds for it are set aside.
pub(super) struct Admitted {
    pub(super) received: Received,
    pub(super) upstream: Upstream,
    pub(super) tab: Tab,
    /// The catalogue's name of the model, when the client wrote another one.
    pub(super) model_edit: Option<ModelId>,
    /// The output limit to forward, when it differs from what the client wrote.
    pub(super) limit_edit: Option<u64>,
    /// The same, if the reason is that funds are short.
    pub(super) lowered_limit: Option<u64>,
}

/// Where a call goes and at which prices.
pub(super) struct Chosen {
    pub(super) model: Arc<PricedModel>,
    pub(super) sheet: Arc<PriceSheet>,
    pub(super) upstream: Upstream,
    pub(super) model_edit: Option<ModelId>,
}

impl Gateway {
    pub(super) async fn admit(&self, received: Received) -> Result<Admitted, GatewayError> {
        let chosen = self.choose(&received).await?;
        let per_choice = output_limit(&received, &chosen.model);
        let ask = Ask {
            input_tokens: input_bound(&received, &chosen.model),
            output_tokens: per_choice.saturating_mul(received.head.choices),
            modifiers: received.head.modifiers,
            web_searches: received.head.web_searches,
            long_cache: received.head.long_cache,
        };
        self.take_rate(&received, &ask).await?;
        let slot = self.take_slot(&received).await?;
        let mut tab = Tab::new(self.facts(&received, &chosen), ask, slot);
        let lowered = self.set_aside(&mut tab, &received, &chosen.upstream).await?;
        let lowered_limit = lowered.map(|output| output / received.head.choices.max(1));
        let unknown = received.head.output_limit.is_none() && chosen.model.limits.max_output.is_none();
        let limit_edit = lowered_limit.or((unknown && per_choice > 0).then_some(per_choice));
        Ok(Admitted {
            received,
            upstream: chosen.upstream,
            tab,
            model_edit: chosen.model_edit,
            limit_edit,
            lowered_limit,
        })
    }

    /// From the name in the request to a priced model and an upstream that serves it.
    pub(super) async fn choose(&self, received: &Received) -> Result<Chosen, GatewayError> {
        let endpoint = received.endpoint;
        let Some(written) = received.head.model.as_ref() else {
            return Err(GatewayError::Invalid(RequestFault::missing("model")));
        };
        let now = self.parts.clock.now();
        let sheet = self.parts.prices.sheet(now).await?;
        let (vendor, name) = split_vendor(written.expose());
        let model = sheet.find_at(name, now).ok_or(GatewayError::ModelNotFound)?;
        if vendor.is_some_and(|vendor| vendor != model.vendor) {
            return Err(GatewayError::ModelNotFound);
        }
        let model = Arc::clone(model);
        if !received.caller.key().limits.allows_model(&model.id) {
            return Err(GatewayError::ModelNotAllowed);
        }
        let serving = if endpoint == Endpoint::CountTokens { Endpoint::Messages } else { endpoint };
        if !model.endpoints.contains(&serving) {
            let served_on = model.endpoints.first().map(|endpoint| endpoint.path());
            return Err(GatewayError::WrongEndpoint { served_on });
        }
        let upstream = self.upstreams.get(&model.vendor).cloned().ok_or(GatewayError::ModelNotFound)?;
        // A dated snapshot keeps the name the client wrote; only a vendor prefix is cut off.
        let model_edit =
            if vendor.is_some() { ModelId::parse(name).ok() } else { None };
        Ok(Chosen { model, sheet, upstream, model_edit })
    }

    async fn take_rate(&self, received: &Received, ask: &Ask) -> Result<(), GatewayError> {
        let key = received.caller.key();
        let mut claims = Vec::new();
        if let Some(requests) = key.limits.requests_per_minute {
            let quota = Quota::per_minute(requests.into());
            claims.push(Claim { key: LimitKey::KeyRequests(key.id), quota, cost: 1 });
        }
        if let Some(tokens) = key.limits.tokens_per_minute {
            // The prompt bound counts bytes; a call above the whole quota may run once the quota is whole.
            let cost = (ask.input_tokens / 4).saturating_add(ask.output_tokens).min(tokens);
            claims.push(Claim { key: LimitKey::KeyTokens(key.id), quota: Quota::per_minute(tokens), cost });
        }
        if !claims.is_empty() {
            self.parts.limiter.take(&claims).await?;
        }
        Ok(())
    }

    pub(super) async fn take_slot(&self, received: &Received) -> Result<Slot, GatewayError> {
        let key = received.caller.key();
        let mut limits = vec![(LimitKey::AccountConcurrency(key.account), self.config.account_concurrency)];
        if let Some(concurrency) = key.limits.concurrency {
            limits.push((LimitKey::KeyConcurrency(key.id), concurrency));
        }
        self.parts.limiter.enter(received.id, &limits).await?;
        let keys = limits.into_iter().map(|(key, _limit)| key).collect();
        Ok(Slot::new(&self.parts.limiter, received.id, keys))
    }

    fn facts(&self, received: &Received, chosen: &Chosen) -> Facts {
        let key = received.caller.key();
        Facts {
            id: received.id,
            account: key.account,
            key: key.id,
            limits: key.limits.spend,
            endpoint: received.endpoint,
            stream: received.head.stream,
            model: Arc::clone(&chosen.model),
            sheet: Arc::clone(&chosen.sheet),
            margin: self.config.margin,
            node: self.parts.node,
            started_at: received.started_at,
            started: received.started,
        }
    }

    /// Sets funds aside; returns the whole output limit if it had to be lowered.
    async fn set_aside(
        &self,
        tab: &mut Tab,
        received: &Received,
        upstream: &Upstream,
    ) -> Result<Option<u64>, GatewayError> {
        let Err(shortage) = self.try_reserve(tab, received).await? else { return Ok(None) };
        if received.shortfall == Shortfall::Refuse {
            return Err(self.refusal(tab, received, shortage)?);
        }
        if let Some(lowered) = self.lower(tab, received, shortage) {
            if self.try_reserve(tab, received).await?.is_ok() {
                return Ok(Some(lowered));
            }
        }
        // The cheap bound counts bytes as tokens; the provider can count exactly, for free.
        if let Some(exact) = self.count_exactly(received, upstream).await {
            tab.set_exact_input(exact);
            tab.ask.output_tokens = output_limit(received, &tab.facts.model).saturating_mul(received.head.choices);
            let Err(shortage) = self.try_reserve(tab, received).await? else { return Ok(None) };
            if let Some(lowered) = self.lower(tab, received, shortage) {
                if self.try_reserve(tab, received).await?.is_ok() {
                    return Ok(Some(lowered));
                }
            }
        }
        Err(self.refusal(tab, received, shortage)?)
    }

    /// One attempt to hold what the first stretch of the answer needs.
    async fn try_reserve(&self, tab: &mut Tab, received: &Received) -> Result<Result<(), Shortage>, GatewayError> {
        let output = self.first_stretch(tab.ask.output_tokens, received);
        let request = tab.reserve_for(output, self.parts.clock.now())?;
        let (id, begun) = (request.id, self.parts.clock.monotonic());
        let result = self.parts.ledger.reserve(request).await;
        self.parts.observer.reserved(self.parts.clock.monotonic().saturating_sub(begun));
        match result {
            Ok(hold) => {
                tab.holds.push(id);
                tab.held = tab.held.checked_add(hold.amount).map_err(|_overflow| GatewayError::Internal)?;
                tab.covered = output;
                Ok(Ok(()))
            }
            Err(LedgerError::Insufficient(shortage)) => Ok(Err(shortage)),
            Err(error) => Err(error.into()),
        }
    }

    /// A stream holds a stretch at a time; what does not stream holds everything.
    fn first_stretch(&self, output: u64, received: &Received) -> u64 {
        if received.head.stream {
            output.min(self.config.stream_hold_tokens.saturating_mul(received.head.choices))
        } else {
            output
        }
    }

    /// Lowers the output limit to what the funds cover; `None` if that would be too little.
    fn lower(&self, tab: &mut Tab, received: &Received, shortage: Shortage) -> Option<u64> {
        let funds = match shortage {
            Shortage::Balance { available, .. } => available,
            Shortage::KeyLimit { left, .. } => left,
            Shortage::Negative => return None,
        };
        let choices = received.head.choices.max(1);
        let affordable = affordable_output(&tab.facts.model, &tab.ask, tab.facts.margin, funds)?;
        let per_choice = affordable / choices;
        if per_choice < self.config.output_min_tokens || affordable == tab.ask.output_tokens {
            return None;
        }
        tab.ask.output_tokens = per_choice.saturating_mul(choices);
        Some(tab.ask.output_tokens)
    }

    fn refusal(&self, tab: &Tab, received: &Received, shortage: Shortage) -> Result<GatewayError, GatewayError> {
        let choices = received.head.choices.max(1);
        let least = match received.shortfall {
            Shortfall::Refuse => self.first_stretch(tab.ask.output_tokens, received),
            Shortfall::Lower => tab.ask.output_tokens.min(self.config.output_min_tokens.saturating_mul(choices)),
        };
        let needed = tab.reserve_for(least, received.started_at)?.amount;
        let covered_with = |free: Money, held: Money| free.checked_add(held).is_ok_and(|sum| sum >= needed);
        let retry_after = std::time::Duration::from_secs(1);
        Ok(match shortage {
            Shortage::Balance { available, held } if held > Money::ZERO && covered_with(available, held) => {
                GatewayError::BalanceHeld { retry_after }
            }
            Shortage::KeyLimit { left, held, .. } if held > Money::ZERO && covered_with(left, held) => {
                GatewayError::BalanceHeld { retry_after }
            }
            Shortage::Balance { available, .. } => GatewayError::InsufficientBalance { needed, available },
            Shortage::Negative => GatewayError::InsufficientBalance { needed, available: Money::ZERO },
            Shortage::KeyLimit { period, resets_at, .. } => GatewayError::KeyLimitReached { period, resets_at },
        })
    }

    /// Asks the provider how many tokens the prompt has; `None` where it cannot be asked.
    async fn count_exactly(&self, received: &Received, upstream: &Upstream) -> Option<u64> {
        if received.endpoint != Endpoint::Messages {
            return None;
        }
        let call = UpstreamCall {
            endpoint: Endpoint::CountTokens,
            request: received.id,
            headers: forwardable(Endpoint::CountTokens, &received.headers),
            body: crate::dialect::count_request(&received.body)?,
            stream: false,
        };
        let reply = upstream.provider.send(call).await.ok().filter(|reply| reply.status.is_success())?;
        let body = super::exchange::collect(reply.body, 64 << 10).await.ok()?;
        crate::dialect::counted_tokens(&body)
    }
}

/// `anthropic/…` and `openai/…` name a vendor; any other text is a model name as it is.
fn split_vendor(name: &str) -> (Option<Vendor>, &str) {
    match name.split_once('/').map(|(vendor, rest)| (Vendor::from_name(vendor), rest)) {
        Some((Some(vendor), rest)) => (Some(vendor), rest),
        _ => (None, name),
    }
}

/// The output limit of one choice, in tokens; zero where nothing is generated.
fn output_limit(received: &Received, model: &PricedModel) -> u64 {
    if received.endpoint == Endpoint::Embeddings {
        return 0;
    }
    match (received.head.output_limit, model.limits.max_output) {
        (Some(asked), Some(most)) => asked.min(most),
        (Some(limit), None) | (None, Some(limit)) => limit,
        (None, None) => OUTPUT_LIMIT_UNKNOWN,
    }
}

/// An upper bound of the prompt, in tokens.
fn input_bound(received: &Received, model: &PricedModel) -> u64 {
    let most = model.limits.max_input.or(model.limits.context_window).unwrap_or(u64::MAX);
    received.head.input_tokens_bound.min(most)
}
