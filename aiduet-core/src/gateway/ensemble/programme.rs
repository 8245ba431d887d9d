//! Who is called for each stage of an ensemble, and how.

use std::sync::Arc;

use super::budget::{Budget, Demand};
use super::script::Said;
use super::shares::Shares;
use super::wishes::{Manner, Wishes};
use crate::content::Content;
use crate::dialect::{Continuation, Endpoint, RequestFault, Shape, continued, output_limit_name};
use crate::gateway::prepare::{ask, translate};
use crate::gateway::receive::Received;
use crate::gateway::route::{Candidate, Ensemble, Route};
use crate::gateway::{Gateway, GatewayError};
use crate::translate::Plan;
use crate::usage::Stage;

const ONE_ANSWER: &str = "an ensemble gives one answer; leave it out";
const NO_FORM: &str =
    "an ensemble answers under headings; x-aiduet-ensemble: answer asks for the answer alone";
const TOO_SMALL: &str = "the limit is too low for an ensemble, each of whose stages needs 256 tokens";

/// The stages of an ensemble.
pub(super) struct Programme {
    plan: Route,
    code: Route,
    review: Route,
    pub(super) budget: Budget,
}

impl Programme {
    /// Finds out what each stage needs, and how the answer is to be written.
    ///
    /// # Errors
    /// [`GatewayError::Invalid`] names a field that an ensemble, or the model of a stage, cannot honour.
    pub(super) fn write(
        gateway: &Gateway,
        received: &Received,
        (ensemble, wishes): (Ensemble, Wishes),
    ) -> Result<(Self, Plan), GatewayError> {
        let refuse = |field, advice| GatewayError::Invalid(RequestFault::unsupported(field, advice));
        if received.head.choices > 1 {
            return Err(refuse("n", ONE_ANSWER));
        }
        let Ensemble { plan, code, review, .. } = ensemble;
        let demand = |stage, route: &Route| find(gateway, received, (stage, route, wishes));
        // The prompt of a repair is longer than that of the code, and the call is the same.
        let (for_code, candidate) = demand(Stage::Repair, &code)?;
        let answer = translate(received, &candidate, None).map_err(GatewayError::Invalid)?.plan;
        let answer = answer.ok_or(GatewayError::Internal)?;
        if let (Manner::Everything, Some(field)) = (wishes.manner, answer.form()) {
            return Err(refuse(field, NO_FORM));
        }
        let budget = Budget {
            plan: demand(Stage::Plan, &plan)?.0,
            code: for_code,
            review: demand(Stage::Review, &review)?.0,
            wishes,
            margin: gateway.config.margin,
        };
        Ok((Self { plan, code, review, budget }, answer))
    }

    /// Where the call of a stage goes.
    pub(super) const fn route(&self, stage: Stage) -> &Route {
        match stage {
            Stage::Plan => &self.plan,
            Stage::Code | Stage::Repair => &self.code,
            Stage::Review => &self.review,
        }
    }

    /// The shares of a limit.
    ///
    /// # Errors
    /// [`GatewayError::Invalid`] when it is too small.
    pub(super) fn shares(&self, endpoint: Endpoint, limit: u64) -> Result<Shares, GatewayError> {
        let field = output_limit_name(endpoint).unwrap_or_default();
        let fault = RequestFault::wrong(field, TOO_SMALL);
        self.budget.shares(limit).ok_or(GatewayError::Invalid(fault))
    }

    /// The body of a stage.
    ///
    /// # Errors
    /// When the request has nothing to go on from.
    pub(super) fn body(
        &self,
        received: &Received,
        (stage, said): (Stage, &Said),
        output_limit: u64,
    ) -> Result<Content, RequestFault> {
        body(received, (stage, said, self.budget.wishes), output_limit)
    }
}

fn body(
    received: &Received,
    (stage, said, wishes): (Stage, &Said, Wishes),
    output_limit: u64,
) -> Result<Content, RequestFault> {
    let turns = said.turns(stage, wishes.rounds);
    let shape = if stage.answers() { Shape::AsAsked } else { Shape::Free };
    continued(received.endpoint, &received.body, &Continuation { turns: &turns, output_limit, shape })
}

/// The first model that serves a stage, with what it asks before anything is told on.
fn find(
    gateway: &Gateway,
    received: &Received,
    (stage, route, wishes): (Stage, &Route, Wishes),
) -> Result<(Demand, Candidate), GatewayError> {
    // The longest number there is, since the body counts.
    let body = body(received, (stage, &Said::in_a_letter(), wishes), u64::MAX);
    let received = body.and_then(|body| received.stage(body)).map_err(GatewayError::Invalid)?;
    let (_place, candidate, prepared) = gateway.first_that_serves(&received, route)?;
    let ask = ask(&received, &candidate, &prepared);
    Ok((Demand { model: Arc::clone(&candidate.model), ask }, candidate))
}
