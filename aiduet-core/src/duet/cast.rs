//! Who answers what in an ensemble: plan, code and review in one answer.

use super::error::DuetError;
use super::explain::{CastMember, Explanation};
use super::reason::{Named, Reason, Rule, RuleKind};
use super::role::{Assignment, Role, RoleChoice};
use super::router::{Decision, DuetRequest, DuetRouter};

/// The models of an ensemble and why it is these.
#[derive(Clone, Debug)]
pub struct Cast {
    /// Makes the plan.
    pub plan: Decision,
    /// Writes what was asked for, and repairs it.
    pub code: Decision,
    /// Judges it.
    pub review: Decision,
}

impl DuetRouter {
    /// The models of an ensemble: for each stage that of its role, as if the role had been named.
    /// Conversations do not matter, since a stage is a call of its own.
    ///
    /// # Errors
    /// [`DuetError`] when an ensemble may not be used, or no model can serve a stage.
    pub fn cast(&self, request: DuetRequest<'_>) -> Result<Cast, DuetError> {
        let policy = request.policy;
        if policy.enabled && !policy.ensemble {
            return Err(DuetError::NotAllowed);
        }
        let decide = |role| {
            let alias = RoleChoice::Role(role);
            self.decide(DuetRequest { header: None, alias, session: None, ..request })
        };
        Ok(Cast { plan: decide(Role::Plan)?, code: decide(Role::Code)?, review: decide(Role::Review)? })
    }
}

impl Cast {
    /// The rule that decided, for records.
    pub const fn rule(&self) -> RuleKind {
        RULE.kind()
    }

    /// The value of `x-aiduet-reason`: why it is the model that writes the answer, then the others.
    pub fn reason(&self) -> Reason {
        let Self { plan, code, review } = self;
        Reason {
            rule: RULE,
            scores: None,
            top: Vec::new(),
            model: code.model_reason(),
            switch: None,
            beside: vec![(Role::Plan, plan.model_reason()), (Role::Review, review.model_reason())],
        }
    }

    /// The decision in full.
    pub fn explanation(&self) -> Explanation {
        let Self { plan, code, review } = self;
        let cast = [(Role::Plan, plan), (Role::Code, code), (Role::Review, review)];
        Explanation {
            role: Assignment::Ensemble,
            rule: RULE.to_string(),
            switch_cost: None,
            reason: self.reason().to_string(),
            cast: cast.into_iter().map(|(role, decision)| CastMember::of(role, decision)).collect(),
            ..code.explanation()
        }
    }
}

/// An ensemble is asked for by its name.
const RULE: Rule = Rule::Override(Named::Alias);
