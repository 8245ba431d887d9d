//! What the stages of an ensemble ask for, and cost, at most.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::shares::{Reviewing, STAGE_MIN, Shares, least};
use super::wishes::{Rounds, Wishes};
use crate::money::Money;
use crate::price::{Ask, Margin, PriceError, PricedModel, quote};
use crate::usage::Stage;

/// What a stage says is told to the stages behind it up to so many bytes of JSON for each token of its
/// limit. Text has about four; a token of the prompt is a byte at least, so that this bounds their prompts.
const BYTES_PER_TOKEN: u64 = 6;

/// The most that tokens of output are as tokens of a prompt.
const fn told_on(output_tokens: u64) -> u64 {
    output_tokens.saturating_mul(BYTES_PER_TOKEN)
}

/// Who answers a stage, and what is asked before anything is told on.
pub(super) struct Demand {
    pub(super) model: Arc<PricedModel>,
    pub(super) ask: Ask,
}

/// What the stages ask for.
pub(super) struct Budget {
    pub(super) plan: Demand,
    /// Of the code and its repair.
    pub(super) code: Demand,
    pub(super) review: Demand,
    pub(super) wishes: Wishes,
    pub(super) margin: Margin,
}

impl Budget {
    fn demand(&self, stage: Stage) -> &Demand {
        match stage {
            Stage::Plan => &self.plan,
            Stage::Code | Stage::Repair => &self.code,
            Stage::Review => &self.review,
        }
    }

    /// The model that is to answer a stage.
    pub(super) fn model(&self, stage: Stage) -> &Arc<PricedModel> {
        &self.demand(stage).model
    }

    /// Whether a stage may be needed.
    pub(super) fn has(&self, stage: Stage) -> bool {
        match stage {
            Stage::Plan | Stage::Code => true,
            Stage::Review => self.wishes.reviewing() == Reviewing::Yes,
            Stage::Repair => self.wishes.rounds == Rounds::One,
        }
    }

    /// The most that a stage asks for. What the repair writes is within the share of the code.
    pub(super) fn ask(&self, stage: Stage, shares: &Shares) -> Ask {
        let Shares { plan, code, review } = *shares;
        let (before, output) = match stage {
            Stage::Plan => (0, plan),
            Stage::Code => (told_on(plan), code),
            Stage::Review => (told_on(plan).saturating_add(told_on(code)), review),
            Stage::Repair => (told_on(plan).saturating_add(told_on(code)).saturating_add(told_on(review)), 0),
        };
        let Demand { model, ask } = self.demand(stage);
        let most = model.limits.max_input.or(model.limits.context_window).unwrap_or(u64::MAX);
        let output_tokens = output.min(model.limits.max_output.unwrap_or(u64::MAX));
        Ask { input_tokens: ask.input_tokens.saturating_add(before).min(most), output_tokens, ..*ask }
    }

    /// The most that the stages from one on can cost, all together.
    ///
    /// # Errors
    /// [`PriceError`] where a model has no price for what is asked.
    pub(super) fn most_from(&self, stage: Stage, shares: &Shares) -> Result<Money, PriceError> {
        let mut sum = Money::ZERO;
        for stage in Stage::ALL.into_iter().filter(|later| *later >= stage && self.has(*later)) {
            let most = quote(self.model(stage), &self.ask(stage, shares), self.margin)?;
            sum = sum.checked_add(most)?;
        }
        Ok(sum)
    }

    /// The most that everything behind a stage can cost.
    ///
    /// # Errors
    /// Those of [`most_from`](Self::most_from).
    pub(super) fn most_behind(&self, stage: Stage, shares: &Shares) -> Result<Money, PriceError> {
        match Stage::ALL.into_iter().find(|later| *later > stage) {
            Some(later) => self.most_from(later, shares),
            None => Ok(Money::ZERO),
        }
    }

    /// The shares of a limit, of which the code takes no more than its model writes; `None` if the limit is
    /// too small.
    pub(super) fn shares(&self, limit: u64) -> Option<Shares> {
        let shares = Shares::of(limit, self.wishes.reviewing())?;
        let most = self.code.model.limits.max_output.unwrap_or(u64::MAX);
        Some(Shares { code: shares.code.min(most), ..shares })
    }

    /// The largest limit up to this one, and not below the least, whose worst case the funds cover.
    pub(super) fn affordable(&self, (most, output_min): (u64, u64), funds: Money) -> Option<u64> {
        let reviewing = self.wishes.reviewing();
        let is_covered = |limit: u64| {
            let shares = self.shares(limit);
            shares.is_some_and(|shares| self.most_from(Stage::Plan, &shares).is_ok_and(|cost| cost <= funds))
        };
        let (mut covered, mut beyond) = (least(reviewing).max(output_min), most.saturating_add(1));
        if covered >= beyond || !is_covered(covered) {
            return None;
        }
        while beyond.saturating_sub(covered) > 1 {
            let middle = covered.midpoint(beyond);
            if is_covered(middle) { covered = middle } else { beyond = middle }
        }
        Some(covered)
    }

    /// What of its share the code has left for a repair; `None` if that is too little.
    pub(super) fn left_for_repair(shares: &Shares, written: u64) -> Option<u64> {
        shares.code.checked_sub(written).filter(|left| *left >= STAGE_MIN)
    }

    /// How much a stage may tell on, in bytes of JSON.
    pub(super) const fn room(stage: Stage, shares: &Shares) -> u64 {
        told_on(match stage {
            Stage::Plan => shares.plan,
            Stage::Code | Stage::Repair => shares.code,
            Stage::Review => shares.review,
        })
    }
}
