//! The calls to providers: one upstream after the other, one model after the other, until the first
//! byte of an answer; never after it.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use tokio::time::Instant;

use super::admit::Admitted;
use super::attempt::{Attempted, Begun, Leg, Recourse};
use super::exchange::Exchange;
use super::health::Visit;
use super::judge::{Failure, status_of};
use super::prepare::{Prepared, ask};
use super::receive::Received;
use super::route::{Candidate, Route};
use super::shield::Presence;
use super::tab::{Closing, Tab};
use super::{Answer, AnswerBody, Gateway, GatewayError, UpstreamFailure};
use crate::content::Content;
use crate::dialect::Reading;
use crate::id::RequestId;
use crate::ledger::Outcome;
use crate::money::Money;
use crate::provider::Vendor;
use crate::routing::{ProviderHealth, Tried};
use crate::translate::refusal;

/// Most attempts for one request, over all upstreams and models.
const ATTEMPTS_MAX: usize = 12;

/// What came of a call: an answer that is still to be relayed, or an error of the provider about
/// the request itself, ready to be passed on.
pub(super) enum Forwarded {
    /// The provider answers.
    Answering(Box<Exchange>),
    /// The provider refuses the request.
    Declined(Box<Answer>),
}

/// A candidate, ready to be called.
pub(super) struct Stop {
    candidate: Candidate,
    place: usize,
    pub(super) prepared: Prepared,
    lowered_limit: Option<u64>,
}

/// A request on its way from one candidate to the next.
struct Trip<'a> {
    gateway: &'a Arc<Gateway>,
    received: &'a Received,
    route: &'a Route,
    presence: &'a Presence,
    tab: Tab,
    /// When an answer must have begun.
    deadline: Instant,
    repeats: u32,
    failed: Option<(Vendor, UpstreamFailure)>,
}

/// Where a request has come to.
pub(super) struct Travelled {
    pub(super) tab: Tab,
    pub(super) stop: Stop,
    pub(super) passage: Passage,
}

/// What came of a candidate.
pub(super) enum Passage {
    Begun(Box<Begun>, Visit),
    Declined(StatusCode, Bytes),
    Failed(Failure),
    Abandoned,
}

impl Gateway {
    pub(super) async fn forward(
        self: &Arc<Self>,
        admitted: Admitted,
        presence: Presence,
    ) -> Result<Forwarded, GatewayError> {
        let begun = Instant::now();
        let deadline = begun.checked_add(self.config.deadline).unwrap_or(begun);
        let id = admitted.received.id;
        let Travelled { tab, stop, passage } = self.travel(admitted, &presence, deadline).await;
        match passage {
            Passage::Begun(begun, visit) => Ok(Forwarded::Answering(Box::new(Exchange {
                gateway: Arc::clone(self),
                tab,
                begun: *begun,
                visit,
                presence,
                lowered_limit: stop.lowered_limit,
            }))),
            Passage::Declined(status, body) => {
                let body = told(&stop.prepared, (status, body), id);
                Ok(Forwarded::Declined(Box::new(self.pass_error(tab, status, body).await)))
            }
            Passage::Failed(failure) => Err(self.fail(tab, failure.kind).await),
            Passage::Abandoned => Err(self.abandon(tab, &presence).await),
        }
    }

    /// Calls one candidate after the other until an answer begins, or nothing can be done.
    pub(super) async fn travel(
        self: &Arc<Self>,
        admitted: Admitted,
        presence: &Presence,
        deadline: Instant,
    ) -> Travelled {
        let Admitted { received, route, candidate, place, prepared, tab, lowered_limit } = admitted;
        self.repeats.earn();
        let mut trip = Trip {
            gateway: self,
            received: &received,
            route: &route,
            presence,
            tab,
            deadline,
            repeats: 0,
            failed: None,
        };
        let (stop, passage) = trip.go(Stop { candidate, place, prepared, lowered_limit }).await;
        let Trip { tab, .. } = trip;
        Travelled { tab, stop, passage }
    }

    /// No upstream gave an answer: nothing is charged.
    pub(super) async fn fail(&self, tab: Tab, failure: UpstreamFailure) -> GatewayError {
        let closing = Closing { outcome: Outcome::UpstreamError, status: status_of(failure) };
        // Nothing is charged, so a release that is not durable yet changes nothing for the caller.
        drop(self.settler.settle(&tab, &Reading::default(), closing).await);
        GatewayError::Upstream(failure)
    }

    /// Nobody waits for an answer of which nothing was passed on: the client has left and patience
    /// is over, which costs the prompt; or the process stops, which costs nothing.
    pub(super) async fn abandon(&self, tab: Tab, presence: &Presence) -> GatewayError {
        let (outcome, status) = match presence.is_gone() {
            true => (Outcome::ClientDisconnectedEstimated, 499),
            false => (Outcome::UpstreamError, 503),
        };
        drop(self.settler.settle(&tab, &Reading::default(), Closing { outcome, status }).await);
        GatewayError::Stopping
    }

    pub(super) async fn pass_error(&self, tab: Tab, status: StatusCode, body: Content) -> Answer {
        let closing = Closing { outcome: Outcome::UpstreamError, status: status.as_u16() };
        let settled = self.settler.settle(&tab, &Reading::default(), closing).await.ok();
        Answer {
            cost: Some(Money::ZERO),
            balance: settled.map(|settled| settled.available),
            body: AnswerBody::Whole(body),
            ..Answer::head(&tab, status)
        }
    }
}

/// An error of the provider about the request itself, in the client's dialect.
pub(super) fn told(prepared: &Prepared, (status, body): (StatusCode, Bytes), id: RequestId) -> Content {
    let body = Content::new(body);
    match &prepared.plan {
        None => body,
        Some(plan) => refusal(plan.client(), plan.upstream(), status.as_u16(), (&body, &id.to_string())),
    }
}

impl Trip<'_> {
    /// Goes from candidate to candidate, and then back to the first one for as often as may be.
    async fn go(&mut self, first: Stop) -> (Stop, Passage) {
        let start = first.place;
        let mut stop = first;
        let mut failed = None;
        loop {
            match self.call_upstreams(&stop).await {
                // The caller is told what became of the model that was wanted most.
                Passage::Failed(failure) if failure.moves_on() => drop(failed.get_or_insert(failure)),
                settled => return (stop, settled),
            }
            match self.next_stop(stop.place).await {
                Some(next) => stop = next,
                None => break,
            }
        }
        self.repeat(stop, (start, failed.unwrap_or_else(Failure::nonsense))).await
    }

    /// Repeats the call of the first candidate, after a pause each time, while the budget allows it.
    async fn repeat(&mut self, mut stop: Stop, (start, mut failure): (usize, Failure)) -> (Stop, Passage) {
        let most = self.gateway.config.repeat.repeats_max;
        while let Some(asked) = failure.repeats().filter(|_asked| self.repeats < most) {
            let chance = self.gateway.health.chance();
            let Some(pause) = self.gateway.repeats.pause(self.repeats, asked, chance) else { break };
            let then = Instant::now().checked_add(pause).unwrap_or(self.deadline);
            if then >= self.deadline || !self.may_go_on() || !self.gateway.repeats.take() {
                break;
            }
            self.repeats = self.repeats.saturating_add(1);
            tokio::select! {
                () = tokio::time::sleep_until(then) => {}
                () = self.gateway.settler.patience_over(self.presence) => return (stop, Passage::Abandoned),
            }
            if stop.place != start {
                match self.turn_to(start).await {
                    Some(back) => stop = back,
                    None => break,
                }
            }
            if !self.may_go_on() {
                break;
            }
            match self.call_upstreams(&stop).await {
                Passage::Failed(again) if again.moves_on() => failure = again,
                settled => return (stop, settled),
            }
        }
        (stop, Passage::Failed(failure))
    }

    /// Calls the upstreams of a candidate, one after the other.
    async fn call_upstreams(&mut self, stop: &Stop) -> Passage {
        let vendor = stop.candidate.model.vendor;
        let mut tried = Tried::default();
        let mut failed: Option<Failure> = None;
        while failed.is_none() || self.may_go_on() {
            let health = &self.gateway.health;
            let Some(mut visit) = health.visit(vendor, self.route.affinity, &mut tried) else { break };
            if let Some((vendor, failure)) = self.failed.take() {
                self.gateway.parts.observer.upstream_retried(vendor, failure);
            }
            let recourse = self.recourse(stop, tried);
            let leg = Leg {
                received: self.received,
                prepared: &stop.prepared,
                presence: self.presence,
                limit: self.limit(recourse),
                recourse,
            };
            let (attempted, attempt, upstream_request_id) = self.gateway.attempt(leg, &mut visit).await;
            self.tab.attempts.push(attempt);
            self.tab.upstream_request_id = upstream_request_id.or(self.tab.upstream_request_id.take());
            match attempted {
                Attempted::Begun(begun) => return Passage::Begun(begun, visit),
                Attempted::Declined(status, body) => return Passage::Declined(status, body),
                Attempted::Abandoned => return Passage::Abandoned,
                Attempted::Failed(failure) => {
                    self.gateway.note_failure(self.received.id, visit.upstream(), failure);
                    self.failed = Some((vendor, failure.kind));
                    if !failure.moves_on() {
                        return Passage::Failed(failure);
                    }
                    // What can be repeated is worth more than what cannot.
                    failed = failed.filter(|failed| failed.repeats().is_some()).or(Some(failure));
                }
            }
        }
        Passage::Failed(failed.unwrap_or_else(|| Failure::resting(self.gateway.health.resting(vendor))))
    }

    /// What can be done when the next attempt fails.
    fn recourse(&self, stop: &Stop, tried: Tried) -> Recourse {
        let upstreams = self.gateway.health.pool().of(stop.candidate.model.vendor).len();
        if tried.count() < upstreams || stop.place.saturating_add(1) < self.route.len() {
            Recourse::Elsewhere
        } else if self.repeats < self.gateway.config.repeat.repeats_max {
            Recourse::Again
        } else {
            Recourse::None
        }
    }

    /// When the next attempt must have come to something: while there is somewhere else to go, time
    /// is left for that.
    fn limit(&self, recourse: Recourse) -> Instant {
        let now = Instant::now();
        let left = self.deadline.saturating_duration_since(now);
        let share = match recourse {
            Recourse::Elsewhere if self.received.head.stream => self.gateway.config.patience.min(left / 2),
            Recourse::Elsewhere => left / 2,
            Recourse::Again | Recourse::None => left,
        };
        now.checked_add(share).unwrap_or(self.deadline)
    }

    fn may_go_on(&self) -> bool {
        !self.presence.is_gone() && Instant::now() < self.deadline && self.tab.attempts.len() < ATTEMPTS_MAX
    }

    /// The next candidate that can be called and paid for.
    async fn next_stop(&mut self, place: usize) -> Option<Stop> {
        for next in place.saturating_add(1)..self.route.len() {
            if !self.may_go_on() {
                return None;
            }
            if let Some(stop) = self.turn_to(next).await {
                return Some(stop);
            }
        }
        None
    }

    /// Turns to another candidate: the call is written for it, and the holds are made to cover it
    /// before it is called. `None` if it cannot serve, rests, there are no funds for it, or nobody
    /// waits any more.
    async fn turn_to(&mut self, place: usize) -> Option<Stop> {
        let candidate = self.route.candidate(place)?.clone();
        if self.gateway.health.of(candidate.model.vendor) == ProviderHealth::Down {
            return None;
        }
        let mut prepared = self.gateway.prepare(self.received, &candidate, None).ok()?;
        let before = self.tab.turn_to(&candidate.model, ask(self.received, &candidate, &prepared));
        if !self.tab.is_allowed() {
            self.tab.turn_back(before);
            return None;
        }
        let funded = self.gateway.set_aside(&mut self.tab, self.received, &prepared).await;
        let lowered = match funded {
            // The client may have left meanwhile.
            Ok(lowered) if self.may_go_on() => {
                lowered.map(|output| output / self.received.head.choices.max(1))
            }
            Ok(_) | Err(_) => {
                self.tab.turn_back(before);
                return None;
            }
        };
        if lowered.is_some() {
            let Ok(again) = self.gateway.prepare(self.received, &candidate, lowered) else {
                self.tab.turn_back(before);
                return None;
            };
            prepared = again;
        }
        Some(Stop { candidate, place, prepared, lowered_limit: lowered })
    }
}
