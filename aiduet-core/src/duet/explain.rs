//! A decision, told in full: the body of `POST /v1/duet/explain`.

use serde::Serialize;

use super::feature::Feature;
use super::role::{Assignment, Role};
use super::router::Decision;
use super::select::Candidate;
use crate::money::Money;
use crate::price::ModelId;
use crate::provider::Vendor;

/// A decision with everything that contributed. Every text in it is from a closed vocabulary or
/// from the catalogue.
///
/// # Wire shape
/// ```json
/// {"role":"plan","rule":"score","model":"claude-opus-5-5","provider":"anthropic",
///  "model_reason":"role","switch_cost":null,
///  "scores":[{"role":"plan","score":2310}],
///  "features":[{"feature":"design","value":2,"contributions":[{"role":"plan","score":1200}]}],
///  "candidates":[{"model":"claude-opus-5-5","state":"chosen"}],
///  "reason":"score plan=2310 …; model=role"}
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The role, or that it is an ensemble.
    pub role: Assignment,
    /// The rule that decided.
    pub rule: String,
    /// The model.
    pub model: ModelId,
    /// Its maker.
    pub provider: Vendor,
    /// Why it is this model.
    pub model_reason: String,
    /// What a change of family costs, in nano-USD.
    pub switch_cost: Option<Money>,
    /// The scores, best first; empty where a rule decided before.
    pub scores: Vec<RoleScore>,
    /// What the scores are made of.
    pub features: Vec<Contribution>,
    /// The models that were considered, in order.
    pub candidates: Vec<Candidate>,
    /// The same as the header says it.
    pub reason: String,
    /// Who answers what in an ensemble; the model above writes the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cast: Vec<CastMember>,
}

/// The model of a stage of an ensemble.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CastMember {
    /// What it answers for.
    pub role: Role,
    /// The model.
    pub model: ModelId,
    /// Its maker.
    pub provider: Vendor,
    /// Why it is this model.
    pub model_reason: String,
    /// The models that were considered, in order.
    pub candidates: Vec<Candidate>,
}

impl CastMember {
    pub(super) fn of(role: Role, decision: &Decision) -> Self {
        Self {
            role,
            model: decision.model().id.clone(),
            provider: decision.model().vendor,
            model_reason: decision.model_reason().to_string(),
            candidates: decision.candidates().to_vec(),
        }
    }
}

/// The score of a role, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RoleScore {
    /// The role.
    pub role: Role,
    /// Its score.
    pub score: i32,
}

/// What a feature adds to the roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contribution {
    /// The feature.
    pub feature: Feature,
    /// Its value.
    pub value: i32,
    /// What it adds.
    pub contributions: Vec<RoleScore>,
}
