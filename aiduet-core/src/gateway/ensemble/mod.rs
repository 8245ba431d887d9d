//! Plan, code and review in one answer: `duet/ensemble`.
//!
//! A stage is a call like any other: it is written in the client's dialect, goes the way of every call,
//! and its bill is part of one bill. What is new here is the order of the stages, the words between them,
//! and that there is one hold, one deadline, one answer and one settlement for all of them.

mod budget;
mod perform;
mod programme;
mod script;
mod shares;
mod wishes;

use std::sync::Arc;

use tokio::time::Instant;

use self::perform::{Performance, Terms};
use self::programme::Programme;
use self::shares::Shares;
use self::wishes::Wishes;
use super::explain::Estimate;
use super::receive::{Received, Shortfall};
use super::route::Ensemble;
use super::shield::Presence;
use super::tab::Tab;
use super::{Answer, Gateway, GatewayError};
use crate::duet::Explanation;
use crate::money::Money;
use crate::price::Ask;
use crate::translate::Plan;
use crate::usage::Stage;

/// What an ensemble is made of, before anything is held.
struct Prepared {
    programme: Programme,
    /// How the answer is written.
    answer: Plan,
    terms: Terms,
    ruling: super::duet::Ruling,
    limit: u64,
    shares: Shares,
}

impl Gateway {
    /// Answers a request with an ensemble.
    ///
    /// # Errors
    /// [`GatewayError`], as for any call; [`GatewayError::CostAboveLimit`] where the worst case is above
    /// what the client allows; [`GatewayError::Unfinished`] where a stage fails behind one that is paid.
    pub(super) async fn ensemble(
        self: &Arc<Self>,
        received: Received,
        presence: Presence,
    ) -> Result<Answer, GatewayError> {
        let now = Instant::now();
        let deadline = now.checked_add(self.config.duet.ensemble.deadline).unwrap_or(now);
        let mut prepared = self.prepare_ensemble(&received).await?;
        if let Some(allowed) = prepared.terms.wishes.ceiling {
            let most = prepared.programme.budget.most_from(Stage::Plan, &prepared.shares)?;
            if most > allowed {
                return Err(GatewayError::CostAboveLimit { most, allowed });
            }
        }
        let (tab, lowered_limit) = self.fund(&received, &mut prepared).await?;
        if presence.is_gone() {
            // Nobody waits for the answer, so no call is made.
            return Err(GatewayError::Stopping);
        }
        let Prepared { programme, answer, terms, shares, .. } = prepared;
        let terms = Terms { shares, lowered_limit, deadline, ..terms };
        let parts = (received, programme);
        let performance = Performance::new(Arc::clone(self), parts, (answer, terms), presence);
        Box::pin(performance.ok_or(GatewayError::Internal)?.begin(tab)).await
    }

    /// What an ensemble would be, and cost at most.
    ///
    /// # Errors
    /// As for the call itself, before anything is held.
    pub(super) async fn explain_ensemble(
        &self,
        received: &Received,
    ) -> Result<(Explanation, Estimate), GatewayError> {
        let Prepared { programme, ruling, limit, shares, .. } = self.prepare_ensemble(received).await?;
        let estimate = Estimate {
            endpoint: received.endpoint,
            input_tokens: received.head.input_tokens_guess,
            output_tokens_max: limit,
            price_max: programme.budget.most_from(Stage::Plan, &shares)?,
        };
        Ok((ruling.explanation(), estimate))
    }

    async fn prepare_ensemble(&self, received: &Received) -> Result<Prepared, GatewayError> {
        let ensemble: Ensemble = self.choose_ensemble(received).await?;
        let wishes = Wishes::read(&received.headers)?;
        let (language, ruling) = (ensemble.language, ensemble.ruling.clone());
        let (programme, answer) = Programme::write(self, received, (ensemble, wishes))?;
        let limit = received.head.output_limit.unwrap_or(self.config.duet.ensemble.output_tokens);
        let shares = programme.shares(received.endpoint, limit)?;
        let terms = Terms { wishes, language, shares, lowered_limit: None, deadline: Instant::now() };
        Ok(Prepared { programme, answer, terms, ruling, limit, shares })
    }

    /// Takes the request from the limits of the key, and holds the worst case of all stages at once; with
    /// a lower limit where funds are short. Returns that limit.
    async fn fund(
        &self,
        received: &Received,
        prepared: &mut Prepared,
    ) -> Result<(Tab, Option<u64>), GatewayError> {
        let Prepared { programme, ruling, limit, shares, terms, .. } = prepared;
        let stages = Stage::ALL.into_iter().filter(|stage| programme.budget.has(*stage)).count();
        let guess = received.head.input_tokens_guess;
        let prompts = u64::try_from(stages).unwrap_or(1).saturating_mul(guess);
        let standings = self.take_rate(received, prompts.saturating_add(*limit)).await?;
        let slot = self.take_slot(received).await?;
        let route = programme.route(Stage::Plan);
        let candidate = route.candidate(0).ok_or(GatewayError::Internal)?;
        let mut facts = self.facts(received, route, candidate);
        facts.duet = Some(ruling.clone());
        let mut tab = Tab::new(facts, Ask::default(), guess, (slot, Arc::clone(&self.settler)));
        tab.standings = standings;
        tab.staged.ceiling = terms.wishes.ceiling;
        // The whole is held at once, also where it is streamed.
        let whole = received.stage(received.body.clone()).map_err(GatewayError::Invalid)?;
        set_bound(&mut tab, programme, shares)?;
        let Err(shortage) = self.try_reserve(&mut tab, &whole).await? else { return Ok((tab, None)) };
        let funds = shortage.left().unwrap_or(Money::ZERO);
        if received.shortfall == Shortfall::Lower {
            if let Some(lowered) = programme.budget.affordable((*limit, self.config.output_min_tokens), funds)
            {
                *shares = programme.shares(received.endpoint, lowered)?;
                set_bound(&mut tab, programme, shares)?;
                if self.try_reserve(&mut tab, &whole).await?.is_ok() {
                    return Ok((tab, Some(lowered)));
                }
            }
            let least = self.config.output_min_tokens.max(shares::least(terms.wishes.reviewing()));
            let least = programme.shares(received.endpoint, least.min(*limit))?;
            set_bound(&mut tab, programme, &least)?;
        }
        Err(self.refusal(&tab, &whole, shortage)?)
    }
}

/// Lets the tab ask for the worst case of all stages.
fn set_bound(tab: &mut Tab, programme: &Programme, shares: &Shares) -> Result<(), GatewayError> {
    let behind = programme.budget.most_behind(Stage::Plan, shares)?;
    let ask = programme.budget.ask(Stage::Plan, shares);
    tab.plan_stages((programme.budget.model(Stage::Plan), ask), behind);
    Ok(())
}
