//! The router: data in, decisions out.

use std::sync::Arc;

use super::classify::{Asked, Case, Judge, Scored, Verdict};
use super::clients::Clients;
use super::error::{DuetDataError, DuetError};
use super::explain::{Contribution, Explanation, RoleScore};
use super::feature::{Feature, FeatureVector};
use super::lexicon::Lexicon;
use super::policy::Policy;
use super::reason::{ModelReason, Reason, Rule, TOP_FEATURES};
use super::role::{Role, RoleChoice};
use super::select::{Availability, Candidate, Choice, Selection};
use super::session::Session;
use super::weights::Weights;
use crate::clock::Timestamp;
use crate::dialect::Transcript;
use crate::money::Money;
use crate::price::{ModelId, PricedModel};

/// Chooses roles and models. Built once; cheap to clone.
#[derive(Clone, Debug)]
pub struct DuetRouter {
    judge: Arc<Judge>,
}

/// A request that names no model, and what holds for it.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "holds content")]
pub struct DuetRequest<'t> {
    /// The body.
    pub transcript: &'t Transcript<'t>,
    /// The header `x-aiduet-role`, if it is there.
    pub header: Option<RoleChoice>,
    /// What the model name stands for; `Auto` where there is none.
    pub alias: RoleChoice,
    /// What holds for the key.
    pub policy: &'t Policy,
    /// What the caller may use here and now.
    pub availability: &'t dyn Availability,
    /// What is remembered of the conversation, if anything.
    pub session: Option<&'t Session>,
    /// The tokens of the prompt, estimated.
    pub input_tokens: u64,
    /// The time, for what is remembered.
    pub now: Timestamp,
}

impl DuetRouter {
    /// A router with these data.
    pub fn new(clients: Clients, lexicon: Lexicon, weights: Weights) -> Self {
        Self { judge: Arc::new(Judge { clients: Arc::new(clients), lexicon, weights }) }
    }

    /// A router with the same signals of clients, and other words and weights.
    #[must_use]
    pub fn with(&self, lexicon: Lexicon, weights: Weights) -> Self {
        Self { judge: Arc::new(Judge { clients: Arc::clone(&self.judge.clients), lexicon, weights }) }
    }

    /// The router with the data that come with the library.
    ///
    /// # Errors
    /// [`DuetDataError`]; never for a released library.
    pub fn embedded() -> Result<Self, DuetDataError> {
        Ok(Self::new(
            Clients::from_toml(include_str!("../../data/duet/clients.toml"))?,
            Lexicon::from_toml(include_str!("../../data/duet/lexicon.toml"))?,
            Weights::from_json(include_str!("../../data/duet/weights.json"))?,
        ))
    }

    /// The role and the model of a request.
    ///
    /// # Errors
    /// [`DuetError`] when the duet may not be used, or no model can serve the request.
    pub fn decide(&self, request: DuetRequest<'_>) -> Result<Decision, DuetError> {
        let DuetRequest { transcript, header, alias, policy, availability, session, input_tokens, now } =
            request;
        if !policy.enabled {
            return Err(DuetError::Disabled);
        }
        let verdict = self.classify(transcript, Asked { header, alias, pinned: policy.pin_role });
        let choice =
            Choice { transcript, verdict: &verdict, policy, availability, session, input_tokens, now };
        let selection = choice.select()?;
        Ok(Decision { verdict, selection, judge: Arc::clone(&self.judge) })
    }

    /// The role of a request, without a model.
    pub fn classify(&self, transcript: &Transcript<'_>, asked: Asked) -> Verdict {
        self.judge.verdict(transcript, asked)
    }

    /// Reads a request once, for fitting weights with one lexicon after the other.
    pub fn read(&self, transcript: &Transcript<'_>) -> Reading {
        Reading(self.judge.read(transcript))
    }

    /// What the scorer looks at in a request, whatever rule decides: for fitting weights.
    pub fn features(&self, reading: &Reading) -> FeatureVector {
        self.judge.features(&reading.0)
    }

    /// The entries of the lexicon that a request uses: for fitting weights.
    pub fn entries(&self, reading: &Reading) -> Vec<usize> {
        self.judge.entries(&reading.0)
    }
}

/// A request as far as it does not depend on lexicon and weights.
#[expect(missing_debug_implementations, reason = "holds content")]
pub struct Reading(pub(super) Case);

/// A role, a model and why.
#[derive(Clone, Debug)]
pub struct Decision {
    verdict: Verdict,
    selection: Selection,
    judge: Arc<Judge>,
}

impl Decision {
    /// The role.
    pub const fn role(&self) -> Role {
        self.verdict.role
    }

    /// The rule that decided about the role.
    pub const fn rule(&self) -> Rule {
        self.verdict.rule
    }

    /// The model.
    pub const fn model(&self) -> &Arc<PricedModel> {
        &self.selection.model
    }

    /// The models that may answer when it fails, best first.
    pub fn alternatives(&self) -> &[Arc<PricedModel>] {
        &self.selection.alternatives
    }

    /// Why it is this model.
    pub const fn model_reason(&self) -> ModelReason {
        self.selection.reason
    }

    /// What a change of family costs, if there is one.
    pub const fn switch_cost(&self) -> Option<Money> {
        self.selection.switch
    }

    /// The models that were considered, in order.
    pub fn candidates(&self) -> &[Candidate] {
        &self.selection.candidates
    }

    /// The value of `x-aiduet-reason`.
    pub fn reason(&self) -> Reason {
        let scored = self.verdict.scored.as_ref();
        let mut top: Vec<(Feature, i32)> = scored.map(|scored| self.shares(scored)).unwrap_or_default();
        top.sort_by_key(|(feature, share)| (std::cmp::Reverse(share.unsigned_abs()), *feature));
        top.truncate(TOP_FEATURES);
        Reason {
            rule: self.verdict.rule,
            scores: scored.map(|scored| scored.scores),
            top,
            model: self.selection.reason,
            switch: self.selection.switch,
            beside: Vec::new(),
        }
    }

    /// The reason when this model answers in the end: the chosen one, or one that took over.
    pub fn reason_for(&self, model: &ModelId) -> Reason {
        let reason = self.reason();
        if *model == self.selection.model.id {
            return reason;
        }
        Reason { model: ModelReason::Fallback, switch: None, ..reason }
    }

    /// What each feature adds to the role.
    fn shares(&self, scored: &Scored) -> Vec<(Feature, i32)> {
        let share = |(feature, value)| {
            let share = self.judge.weights.contribution(feature, value, self.verdict.role);
            (share != 0).then_some((feature, share))
        };
        scored.features.present().filter_map(share).collect()
    }

    /// The decision in full.
    pub fn explanation(&self) -> Explanation {
        let scored = self.verdict.scored.as_ref();
        let scores = scored.map(|scored| {
            scored.scores.ranked().into_iter().map(|(role, score)| RoleScore { role, score }).collect()
        });
        let features = scored.map(|scored| {
            scored.features.present().map(|(feature, value)| self.contribution(feature, value)).collect()
        });
        Explanation {
            role: self.verdict.role.into(),
            rule: self.verdict.rule.to_string(),
            model: self.selection.model.id.clone(),
            provider: self.selection.model.vendor,
            model_reason: self.selection.reason.to_string(),
            switch_cost: self.selection.switch,
            scores: scores.unwrap_or_default(),
            features: features.unwrap_or_default(),
            candidates: self.selection.candidates.clone(),
            reason: self.reason().to_string(),
            cast: Vec::new(),
        }
    }

    fn contribution(&self, feature: Feature, value: i32) -> Contribution {
        let contributions = Role::SCORED
            .into_iter()
            .map(|role| RoleScore { role, score: self.judge.weights.contribution(feature, value, role) })
            .collect();
        Contribution { feature, value, contributions }
    }
}
