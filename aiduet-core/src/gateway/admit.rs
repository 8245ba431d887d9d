//! May this call run, and are there funds for it? One function for every billed route.

use std::sync::Arc;

use super::receive::{Received, Shortfall};
use super::tab::{Facts, Slot, Tab};
use super::{Gateway, GatewayError, Upstream};
use crate::dialect::{Endpoint, RequestFault};
use crate::keys::ApiKey;
use crate::ledger::{LedgerError, Shortage, VoidRequest};
use crate::limit::{Claim, LimitKey, Quota, Standing};
use crate::money::Money;
use crate::price::{Ask, ModelId, PriceSheet, PricedModel, affordable_output};
use crate::provider::{UpstreamCall, Vendor, forwardable};

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
        let tokens = received.head.input_tokens_guess.saturating_add(ask.output_tokens);
        let standings = self.take_rate(&received, tokens).await?;
        let slot = self.take_slot(&received).await?;
        let mut tab = Tab::new(self.facts(&received, &chosen), ask, received.head.input_tokens_guess, slot);
        tab.standings = standings;
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
        let model_edit = if vendor.is_some() { ModelId::parse(name).ok() } else { None };
        Ok(Chosen { model, sheet, upstream, model_edit })
    }

    /// Takes the call from the quotas of the key.
    pub(super) async fn take_rate(
        &self,
        received: &Received,
        tokens: u64,
    ) -> Result<Vec<Standing>, GatewayError> {
        let ApiKey { id, limits, .. } = received.caller.key();
        let mut claims = Vec::new();
        if let Some(requests) = limits.requests_per_minute {
            let quota = Quota::per_minute(requests.into());
            claims.push(Claim { key: LimitKey::KeyRequests(*id), quota, cost: 1 });
        }
        if let Some(limit) = limits.tokens_per_minute.filter(|_limit| tokens > 0) {
            // A call above the whole quota may run once the quota is whole.
            let (quota, cost) = (Quota::per_minute(limit), tokens.min(limit));
            claims.push(Claim { key: LimitKey::KeyTokens(*id), quota, cost });
        }
        if claims.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.parts.limiter.take(&claims).await?)
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
        let mut result = self.reserve_or_lower(tab, received).await?;
        if result.is_err() && received.shortfall == Shortfall::Lower {
            // The cheap bound counts bytes as tokens; the provider can count exactly, for free.
            if let Some(exact) = self.count_exactly(received, upstream).await {
                tab.set_exact_input(exact);
                let limit = output_limit(received, &tab.facts.model);
                tab.ask.output_tokens = limit.saturating_mul(received.head.choices);
                result = self.reserve_or_lower(tab, received).await?;
            }
        }
        match result {
            Ok(lowered) => Ok(lowered),
            Err(shortage) => Err(self.refusal(tab, received, shortage)?),
        }
    }

    async fn reserve_or_lower(
        &self,
        tab: &mut Tab,
        received: &Received,
    ) -> Result<Result<Option<u64>, Shortage>, GatewayError> {
        let Err(shortage) = self.try_reserve(tab, received).await? else { return Ok(Ok(None)) };
        if received.shortfall == Shortfall::Refuse {
            return Ok(Err(shortage));
        }
        let Some(lowered) = self.lower(tab, received, shortage) else { return Ok(Err(shortage)) };
        Ok(self.try_reserve(tab, received).await?.map(|()| Some(lowered)))
    }

    /// One attempt to hold what the first stretch of the answer needs.
    async fn try_reserve(
        &self,
        tab: &mut Tab,
        received: &Received,
    ) -> Result<Result<(), Shortage>, GatewayError> {
        let output = self.first_stretch(tab.ask.output_tokens, received);
        let request = tab.reserve_for(output, self.parts.clock.now())?;
        let (id, begun) = (request.id, self.parts.clock.monotonic());
        let release = VoidRequest {
            account: request.account,
            request: request.request,
            holds: vec![id],
            record: None,
            at: request.at,
        };
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
            Err(error) => {
                if matches!(error, LedgerError::Unavailable { .. }) {
                    self.settler.release_in_doubt(release);
                }
                Err(error.into())
            }
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

    fn refusal(
        &self,
        tab: &Tab,
        received: &Received,
        shortage: Shortage,
    ) -> Result<GatewayError, GatewayError> {
        let choices = received.head.choices.max(1);
        let least = match received.shortfall {
            Shortfall::Refuse => self.first_stretch(tab.ask.output_tokens, received),
            Shortfall::Lower => {
                tab.ask.output_tokens.min(self.config.output_min_tokens.saturating_mul(choices))
            }
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
            Shortage::KeyLimit { period, resets_at, .. } => {
                GatewayError::KeyLimitReached { period, resets_at }
            }
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
    received.head.input_tokens_bound.min(most.saturating_mul(received.head.inputs))
}
