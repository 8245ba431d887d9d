//! The model for a role: what it must be able to do, what would break, what a change would cost.

use std::sync::Arc;

use serde::Serialize;

use super::classify::Verdict;
use super::error::DuetError;
use super::maker::maker;
use super::policy::Policy;
use super::reason::{Constraint, ModelReason, Rule};
use super::role::Role;
use super::session::Session;
use crate::clock::Timestamp;
use crate::dialect::{Dialect, Transcript};
use crate::money::{Money, Rounding};
use crate::price::{ModelId, PricedModel};
use crate::provider::Vendor;
use crate::translate::{takes_forced_tools, takes_no_thinking};
use crate::usage::TokenClass;

/// What a caller may use here and now.
pub trait Availability: std::fmt::Debug + Send + Sync {
    /// A model of the configuration, if this caller may use it and there is a way to ask it.
    ///
    /// # Errors
    /// [`Unavailable`] says why not.
    fn find(&self, model: &ModelId) -> Result<Offer, Unavailable>;
}

/// A model that can be asked.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The model with its prices.
    pub model: Arc<PricedModel>,
    /// Whether its vendor answers at present.
    pub health: OfferHealth,
}

/// Whether a vendor answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferHealth {
    /// It does, as far as is known.
    Up,
    /// It does not.
    Down,
}

/// Why a model cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unavailable {
    /// It has no price, no upstream or no endpoint that leads to it.
    NotServed,
    /// The key may not use it.
    NotAllowed,
}

/// What became of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CandidateState {
    /// It answers.
    Chosen,
    /// It would answer if the chosen one fails.
    Alternative,
    /// Its vendor does not answer at present; last resort.
    Down,
    /// It has no price, no upstream or no endpoint that leads to it.
    NotServed,
    /// The key may not use it.
    NotAllowed,
    /// The policy excludes its vendor.
    Policy,
    /// It cannot honour this field.
    #[serde(untagged)]
    Constraint(ConstraintState),
}

/// It cannot honour a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ConstraintState {
    /// The field.
    pub constraint: Constraint,
}

/// A model that was considered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// The model.
    pub model: ModelId,
    /// What became of it.
    pub state: CandidateState,
}

/// A model for a request.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    pub(super) model: Arc<PricedModel>,
    pub(super) alternatives: Vec<Arc<PricedModel>>,
    pub(super) reason: ModelReason,
    pub(super) switch: Option<Money>,
    pub(super) candidates: Vec<Candidate>,
}

/// A background call with more tokens than this stays where its conversation is cached, if that is
/// cheaper.
const LARGE_BACKGROUND_TOKENS: u64 = 20_000;

/// Everything that the choice of a model depends on.
pub(super) struct Choice<'t> {
    pub(super) transcript: &'t Transcript<'t>,
    pub(super) verdict: &'t Verdict,
    pub(super) policy: &'t Policy,
    pub(super) availability: &'t dyn Availability,
    pub(super) session: Option<&'t Session>,
    pub(super) input_tokens: u64,
    pub(super) now: Timestamp,
}

/// A candidate with what is known of it.
struct Considered {
    id: ModelId,
    offer: Result<Offer, CandidateState>,
}

impl Choice<'_> {
    pub(super) fn select(&self) -> Result<Selection, DuetError> {
        let considered = self.consider();
        let able: Vec<&Offer> = considered.iter().filter_map(|one| one.offer.as_ref().ok()).collect();
        let up: Vec<&Offer> = able.iter().copied().filter(|offer| offer.health == OfferHealth::Up).collect();
        let usable = if up.is_empty() { able } else { up };
        let Some(first) = usable.first().copied() else { return Err(refusal(&considered)) };
        let (offer, reason, switch) = match self.sticky(first, &usable) {
            Some((offer, reason, switch)) => (offer, reason, switch),
            None => (first, plain_reason(first, &considered), None),
        };
        let chosen = &offer.model.id;
        let others = considered.iter().filter_map(|one| one.offer.as_ref().ok());
        let mut alternatives: Vec<&Offer> = others.filter(|other| other.model.id != *chosen).collect();
        let keeps_vendor = reason == ModelReason::StickyToolLoop;
        alternatives.sort_by_key(|other| {
            let elsewhere = keeps_vendor && other.model.vendor != offer.model.vendor;
            (other.health == OfferHealth::Down, elsewhere)
        });
        let model = Arc::clone(&offer.model);
        let alternatives = alternatives.into_iter().map(|other| Arc::clone(&other.model)).collect();
        let candidates = considered.iter().map(|one| candidate(one, chosen)).collect();
        Ok(Selection { model, alternatives, reason, switch, candidates })
    }

    /// The models of the role, then those of the other roles, each once.
    fn consider(&self) -> Vec<Considered> {
        let role = self.verdict.role;
        let mut own: Vec<&ModelId> = self.policy.models(role).iter().collect();
        if role == Role::Background {
            let surface = match self.transcript.endpoint().dialect() {
                Dialect::Anthropic => Vendor::Anthropic,
                Dialect::OpenAi => Vendor::OpenAi,
            };
            let elsewhere = |id: &&ModelId| self.vendor_of(id) != Some(surface);
            own.sort_by_key(elsewhere);
        }
        let others =
            [Role::Code, Role::Review, Role::Plan, Role::Chat].into_iter().filter(|other| *other != role);
        let others = others.flat_map(|other| self.policy.models(other));
        let mut considered: Vec<Considered> = Vec::new();
        for id in own.into_iter().chain(others) {
            if !considered.iter().any(|known| known.id == *id) {
                considered.push(Considered { id: id.clone(), offer: self.judge(id) });
            }
        }
        considered
    }

    fn vendor_of(&self, id: &ModelId) -> Option<Vendor> {
        self.availability.find(id).ok().map(|offer| offer.model.vendor)
    }

    fn judge(&self, id: &ModelId) -> Result<Offer, CandidateState> {
        let offer = self.availability.find(id).map_err(|unavailable| match unavailable {
            Unavailable::NotServed => CandidateState::NotServed,
            Unavailable::NotAllowed => CandidateState::NotAllowed,
        })?;
        if !self.policy.allows(offer.model.vendor) {
            return Err(CandidateState::Policy);
        }
        match self.constraint(&offer.model) {
            Some(constraint) => Err(CandidateState::Constraint(ConstraintState { constraint })),
            None => Ok(offer),
        }
    }

    /// The first field that a model cannot honour.
    fn constraint(&self, model: &PricedModel) -> Option<Constraint> {
        let demands = self.transcript.demands;
        let vendor = model.vendor;
        let name = model.id.as_str();
        let bound = bound_vendor(self.transcript);
        let foreign = self.transcript.endpoint().dialect() == Dialect::OpenAi && vendor != Vendor::OpenAi;
        let limit = model.limits.max_input.or(model.limits.context_window).unwrap_or(u64::MAX);
        [
            (demands.forced_tool.is_yes() && !takes_forced_tools(vendor, name), Constraint::ToolChoice),
            (demands.no_thinking.is_yes() && !takes_no_thinking(vendor, name), Constraint::Thinking),
            (demands.several.is_yes() && foreign, Constraint::N),
            (demands.probabilities.is_yes() && foreign, Constraint::Logprobs),
            (demands.remote_tools.is_yes() && vendor != Vendor::Anthropic, Constraint::McpServers),
            (bound.is_some_and(|bound| bound != vendor), Constraint::Tools),
            (self.input_tokens > limit, Constraint::InputLength),
        ]
        .into_iter()
        .find_map(|(violated, constraint)| violated.then_some(constraint))
    }

    /// The model that is kept instead of the first one, or the price of leaving it.
    fn sticky<'o>(
        &self,
        first: &'o Offer,
        usable: &[&'o Offer],
    ) -> Option<(&'o Offer, ModelReason, Option<Money>)> {
        let made_by = maker(self.transcript);
        let session = self.session.filter(|session| session.is_live(self.now));
        let remembered = session.and_then(|session| {
            let by_maker = |offer: &&&Offer| made_by.is_none_or(|vendor| vendor == offer.model.vendor);
            usable.iter().filter(by_maker).find(|offer| offer.model.id == session.model).copied()
        });
        let of_maker = || usable.iter().find(|offer| Some(offer.model.vendor) == made_by).copied();
        if self.verdict.in_loop && !self.starts_execution() {
            let kept = if Some(first.model.vendor) == made_by {
                remembered.or(Some(first))
            } else {
                remembered.or_else(of_maker)
            }?;
            return (kept.model.id != first.model.id).then_some((kept, ModelReason::StickyToolLoop, None));
        }
        if self.verdict.role == Role::Background {
            let warm = remembered.filter(|warm| self.keeps_background(first, warm))?;
            return Some((warm, ModelReason::StickySession, None));
        }
        let current = remembered.or_else(of_maker)?;
        if current.model.vendor == first.model.vendor {
            return None;
        }
        let cost = self.switch_cost(&current.model, &first.model);
        let certain = self.verdict.rule.is_certain()
            || self.verdict.scored.as_ref().is_some_and(|scored| {
                self.verdict.rule == Rule::Score && scored.scores.lead() >= self.policy.prefer.switch_margin()
            });
        if certain && cost.is_some_and(|cost| cost <= self.policy.max_switch_cost) {
            return Some((first, plain_switch(first, usable), cost));
        }
        Some((current, ModelReason::StickySession, None))
    }

    /// An approved plan may be executed by another model than the one that made it.
    fn starts_execution(&self) -> bool {
        matches!(self.verdict.rule, Rule::ClientMode(_, Role::Code))
    }

    /// Whether a large background call is cheaper where the conversation is cached.
    fn keeps_background(&self, first: &Offer, warm: &Offer) -> bool {
        if self.input_tokens <= LARGE_BACKGROUND_TOKENS || warm.model.id == first.model.id {
            return false;
        }
        let cold = cost(&first.model, TokenClass::Input, self.input_tokens);
        let read = cost(&warm.model, TokenClass::CacheRead, self.input_tokens);
        matches!((cold, read), (Some(cold), Some(read)) if read < cold)
    }

    /// What it costs that the prompt is not read from the cache of the current model but written to
    /// that of another one; what the other one has read lately counts at its read price.
    fn switch_cost(&self, current: &PricedModel, next: &PricedModel) -> Option<Money> {
        let tokens = self.input_tokens;
        let known = self.session.map_or(0, |session| session.warm_tokens(next, self.now)).min(tokens);
        let write = cost(next, TokenClass::CacheWriteShort, tokens - known)?;
        let reread = cost(next, TokenClass::CacheRead, known)?;
        let saved = cost(current, TokenClass::CacheRead, tokens)?;
        let pico = write.checked_add(reread)?.checked_sub(saved)?.max(0);
        Money::from_pico(pico, 1, Rounding::Up).ok()
    }
}

/// What tokens of a class cost, in pico-USD.
fn cost(model: &PricedModel, class: TokenClass, tokens: u64) -> Option<i128> {
    let rate = model.standard.at(tokens).of(class)?;
    i128::from(rate.pico()).checked_mul(i128::from(tokens))
}

/// The vendor whose own tools the request uses, in a way that no translation keeps.
fn bound_vendor(transcript: &Transcript<'_>) -> Option<Vendor> {
    let anthropic = transcript.endpoint().dialect() == Dialect::Anthropic;
    let kinds = transcript.tools.iter().filter_map(|tool| tool.kind);
    let own = |kind: crate::dialect::Text<'_>| {
        let kind = kind.decode();
        let portable = if anthropic { &PORTABLE_ON_MESSAGES[..] } else { &PORTABLE_ON_OPENAI[..] };
        !portable.contains(&&*kind)
    };
    kinds.into_iter().any(own).then_some(if anthropic { Vendor::Anthropic } else { Vendor::OpenAi })
}

/// Types of tools of the Messages API that have a counterpart elsewhere.
const PORTABLE_ON_MESSAGES: [&str; 1] = ["custom"];

/// Types of tools of OpenAI's APIs that have a counterpart, or that a translation drops and a
/// coding agent does without (`docs/translation.md`).
const PORTABLE_ON_OPENAI: [&str; 7] =
    ["function", "custom", "namespace", "tool_search", "web_search", "image_generation", "local_shell"];

fn plain_switch(first: &Offer, usable: &[&Offer]) -> ModelReason {
    let leads = usable.first().is_some_and(|leading| leading.model.id == first.model.id);
    if leads { ModelReason::Role } else { ModelReason::Fallback }
}

/// Why a model is the first one that can be used.
fn plain_reason(chosen: &Offer, considered: &[Considered]) -> ModelReason {
    match considered.first() {
        Some(first) if first.id == chosen.model.id => ModelReason::Role,
        Some(Considered { offer: Err(CandidateState::Constraint(state)), .. }) => {
            ModelReason::Constraint(state.constraint)
        }
        Some(Considered { offer: Err(CandidateState::NotAllowed | CandidateState::Policy), .. }) => {
            ModelReason::Policy
        }
        Some(_) | None => ModelReason::Fallback,
    }
}

fn candidate(one: &Considered, chosen: &ModelId) -> Candidate {
    let state = match &one.offer {
        Ok(offer) if offer.model.id == *chosen => CandidateState::Chosen,
        Ok(Offer { health: OfferHealth::Down, .. }) => CandidateState::Down,
        Ok(_) => CandidateState::Alternative,
        Err(state) => *state,
    };
    Candidate { model: one.id.clone(), state }
}

/// Why no model is left: the first field that cannot be honoured, else the first other reason.
fn refusal(considered: &[Considered]) -> DuetError {
    let states = || considered.iter().filter_map(|one| one.offer.as_ref().err());
    let field = states().find_map(|state| match state {
        CandidateState::Constraint(state) => Some(state.constraint),
        _ => None,
    });
    match field {
        Some(constraint) => DuetError::Unsupported { constraint },
        None if states().any(|state| *state != CandidateState::NotServed) => DuetError::NotAllowed,
        None => DuetError::NotServed,
    }
}
