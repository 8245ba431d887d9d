//! May this call run, and are there funds for it? One function for every billed route.

use std::sync::Arc;

use http::HeaderMap;

use super::prepare::{Prepared, ask};
use super::receive::{Received, Shortfall};
use super::reserve::{Insistence, reserve};
use super::route::{Candidate, Route};
use super::tab::{Facts, Slot, Tab};
use super::{Gateway, GatewayError};
use crate::dialect::Endpoint;
use crate::keys::ApiKey;
use crate::ledger::{LedgerError, Shortage};
use crate::limit::{Claim, LimitKey, Quota, Standing};
use crate::money::Money;
use crate::price::affordable_output;
use crate::provider::{UpstreamCall, Vendor, forwardable};
use crate::routing::{Affinity, Tried};

/// A call that may run: funds for it are set aside.
pub(super) struct Admitted {
    pub(super) received: Received,
    pub(super) route: Route,
    /// The model that is called first, and its place in the route.
    pub(super) candidate: Candidate,
    pub(super) place: usize,
    /// How it is called.
    pub(super) prepared: Prepared,
    pub(super) tab: Tab,
    /// The output limit of one choice, if it had to be lowered because funds are short.
    pub(super) lowered_limit: Option<u64>,
}

impl Gateway {
    pub(super) async fn admit(&self, received: Received) -> Result<Admitted, GatewayError> {
        let route = self.choose(&received).await?;
        let (place, candidate, mut prepared) = self.first_that_serves(&received, &route)?;
        let ask = ask(&received, &candidate, &prepared);
        let tokens = received.head.input_tokens_guess.saturating_add(ask.output_tokens);
        let standings = self.take_rate(&received, tokens).await?;
        let slot = self.take_slot(&received).await?;
        let facts = self.facts(&received, &route, &candidate);
        let guess = received.head.input_tokens_guess;
        let mut tab = Tab::new(facts, ask, guess, (slot, Arc::clone(&self.settler)));
        tab.standings = standings;
        let lowered = self.set_aside(&mut tab, &received, &prepared).await?;
        let lowered_limit = lowered.map(|output| output / received.head.choices.max(1));
        if lowered_limit.is_some() {
            prepared = self.prepare(&received, &candidate, lowered_limit).map_err(GatewayError::Invalid)?;
        }
        Ok(Admitted { received, route, candidate, place, prepared, tab, lowered_limit })
    }

    /// The first candidate that can be asked what the client asks.
    ///
    /// # Errors
    /// Why the first one cannot, if none can.
    pub(super) fn first_that_serves(
        &self,
        received: &Received,
        route: &Route,
    ) -> Result<(usize, Candidate, Prepared), GatewayError> {
        let mut refused = None;
        for (place, candidate) in route.candidates().enumerate() {
            match self.prepare(received, candidate, None) {
                Ok(prepared) => return Ok((place, candidate.clone(), prepared)),
                Err(fault) => drop(refused.get_or_insert(fault)),
            }
        }
        Err(refused.map_or(GatewayError::Internal, GatewayError::Invalid))
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

    pub(super) fn facts(&self, received: &Received, route: &Route, candidate: &Candidate) -> Facts {
        let key = received.caller.key();
        Facts {
            id: received.id,
            account: key.account,
            key: key.id,
            limits: key.limits.spend,
            endpoint: received.endpoint,
            stream: received.head.stream,
            model: Arc::clone(&candidate.model),
            sheet: Arc::clone(&route.sheet),
            duet: route.duet.clone(),
            margin: self.config.margin,
            node: self.parts.node,
            started_at: received.started_at,
            started: received.started,
        }
    }

    /// Sets funds aside for the model that the tab has turned to, as far as what is held does not
    /// cover it; returns the whole output limit if it had to be lowered.
    pub(super) async fn set_aside(
        &self,
        tab: &mut Tab,
        received: &Received,
        prepared: &Prepared,
    ) -> Result<Option<u64>, GatewayError> {
        let whole = tab.ask.output_tokens;
        let mut result = self.reserve_or_lower(tab, received).await?;
        if result.is_err() && received.shortfall == Shortfall::Lower {
            // The cheap bound counts bytes as tokens; the provider can count exactly, for free.
            if let Some(exact) = self.count_exactly(received, prepared).await {
                tab.set_exact_input(exact);
                tab.ask.output_tokens = whole;
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
    pub(super) async fn try_reserve(
        &self,
        tab: &mut Tab,
        received: &Received,
    ) -> Result<Result<(), Shortage>, GatewayError> {
        let output = self.first_stretch(tab.ask.output_tokens, received);
        if tab.covers(output) {
            tab.covered = tab.covered.max(output);
            return Ok(Ok(()));
        }
        let request = tab.reserve_for(output, self.parts.clock.now())?;
        let begun = self.parts.clock.monotonic();
        let result = reserve(self.parts.ledger.as_ref(), &request, Insistence::Brief).await;
        self.parts.observer.reserved(self.parts.clock.monotonic().saturating_sub(begun));
        match result {
            Ok(hold) => {
                tab.add_hold(&hold, output).map_err(|_overflow| GatewayError::Internal)?;
                Ok(Ok(()))
            }
            Err(LedgerError::Insufficient(shortage)) => Ok(Err(shortage)),
            Err(error) => {
                // A further hold is released with the first one, when the bill is closed.
                if matches!(error, LedgerError::Unavailable { .. }) && tab.holds.is_empty() {
                    self.settler.release_in_doubt(tab.facts.account, tab.facts.id);
                }
                Err(error.into())
            }
        }
    }

    /// A stream holds a stretch at a time; what does not stream holds everything.
    fn first_stretch(&self, output: u64, received: &Received) -> u64 {
        // A stage has its hold before it begins.
        if received.head.stream && !received.is_stage {
            output.min(self.config.stream_hold_tokens.saturating_mul(received.head.choices))
        } else {
            output
        }
    }

    /// Lowers the output limit to what the funds cover; `None` if that would be too little.
    fn lower(&self, tab: &mut Tab, received: &Received, shortage: Shortage) -> Option<u64> {
        let funds = shortage.left()?.checked_add(tab.held).ok()?;
        let choices = received.head.choices.max(1);
        let affordable = affordable_output(&tab.facts.model, &tab.ask, tab.facts.margin, funds)?;
        let per_choice = affordable / choices;
        if per_choice < self.config.output_min_tokens || affordable == tab.ask.output_tokens {
            return None;
        }
        tab.ask.output_tokens = per_choice.saturating_mul(choices);
        Some(tab.ask.output_tokens)
    }

    pub(super) fn refusal(
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
            Shortage::KeyLimit { left, held, .. } | Shortage::AccountLimit { left, held, .. }
                if held > Money::ZERO && covered_with(left, held) =>
            {
                GatewayError::BalanceHeld { retry_after }
            }
            Shortage::Balance { available, .. } => GatewayError::InsufficientBalance { needed, available },
            Shortage::Negative => GatewayError::InsufficientBalance { needed, available: Money::ZERO },
            Shortage::KeyLimit { period, resets_at, .. } => {
                GatewayError::KeyLimitReached { period, resets_at }
            }
            Shortage::AccountLimit { resets_at, .. } => GatewayError::AccountLimitReached { resets_at },
        })
    }

    /// Asks the provider how many tokens the prompt has; `None` where it cannot be asked.
    async fn count_exactly(&self, received: &Received, prepared: &Prepared) -> Option<u64> {
        if prepared.endpoint != Endpoint::Messages {
            return None;
        }
        let visit = self.health.visit(Vendor::Anthropic, Affinity::default(), &mut Tried::default())?;
        let headers = match prepared.plan {
            None => forwardable(Endpoint::CountTokens, &received.headers),
            Some(_) => HeaderMap::new(),
        };
        let call = UpstreamCall {
            endpoint: Endpoint::CountTokens,
            request: received.id,
            headers,
            body: crate::dialect::count_request(&prepared.body)?,
            stream: false,
        };
        let reply = visit.upstream().provider.send(call).await.ok();
        let reply = reply.filter(|reply| reply.status.is_success())?;
        let body = super::exchange::collect(reply.body, 64 << 10).await.ok()?;
        crate::dialect::counted_tokens(&body)
    }
}
