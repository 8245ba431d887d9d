//! The stages, one after the other.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::budget::Budget;
use super::programme::Programme;
use super::script::{Listening, Said, heading, note};
use super::shares::Shares;
use super::wishes::{Manner, Rounds, Wishes};
use crate::account::Locale;
use crate::class::{Classify, ErrorClass};
use crate::content::Content;
use crate::dialect::{Reading, StreamError, StreamFault};
use crate::gateway::admit::Admitted;
use crate::gateway::attempt::{Begun, BegunBody};
use crate::gateway::flow::{End, Flow, Step};
use crate::gateway::forward::{Passage, Travelled, told};
use crate::gateway::judge::{Failure, status_of};
use crate::gateway::prepare::{Prepared, ask};
use crate::gateway::receive::Received;
use crate::gateway::route::{Candidate, Route};
use crate::gateway::settle::Settled;
use crate::gateway::shield::{Presence, Shield};
use crate::gateway::tab::{Closing, Tab, completed};
use crate::gateway::{Answer, AnswerBody, AnswerStream, Gateway, GatewayError, UpstreamFailure};
use crate::ledger::Outcome;
use crate::price::ModelId;
use crate::provider::Vendor;
use crate::translate::{Composer, HowEnded, Plan, Settled as Told};
use crate::usage::{FinishReason, Stage};

/// Frames that may wait for the client.
const FRAMES_WAITING: usize = 16;

const BROKE_OFF: &str = "A stage of the ensemble failed. What was received until now is charged.";
const RESTARTING: &str = "The server is restarting. What was received until now is charged.";
const WITHHELD: &str =
    "The end of the answer is withheld: its charge could not be recorded in time. See its receipt.";

/// What holds for an ensemble.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub(super) wishes: Wishes,
    pub(super) language: Locale,
    pub(super) shares: Shares,
    pub(super) lowered_limit: Option<u64>,
    /// When everything must be done.
    pub(super) deadline: Instant,
}

/// An ensemble at work.
pub(super) struct Performance {
    gateway: Arc<Gateway>,
    /// What the client asks.
    received: Received,
    programme: Programme,
    terms: Terms,
    composer: Composer,
    /// To the client, where the answer streams.
    out: Option<mpsc::Sender<Bytes>>,
    presence: Presence,
    said: Said,
    /// The answer, where it waits for the review.
    kept: Vec<Bytes>,
    ended: (HowEnded, Option<FinishReason>),
}

/// How a stage, or all of them, came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    /// Everything is said.
    Done,
    /// A provider failed.
    Failed(UpstreamFailure),
    /// There are no funds for more.
    Exhausted,
    /// The client left.
    Left,
    /// The process stops.
    ShutDown,
}

/// A stage that did not begin.
enum Trouble {
    /// The provider has something against the request itself; in the client's dialect.
    Declined(StatusCode, Content),
    /// A refusal of ours.
    Refused(GatewayError),
    /// Anything else.
    Course(Course),
}

/// What is left when everything is over.
struct Over {
    tab: Tab,
    model: (ModelId, Vendor),
    settled: Result<Settled, GatewayError>,
    course: Course,
}

/// The model that serves a stage: its place in the route, and how it is called.
type Serving = (usize, Candidate, Prepared);

/// A stage under way, or what became of it.
type Opening = Result<Box<Flow>, Box<(Tab, Trouble)>>;

impl Performance {
    /// An ensemble for which funds are set aside. `None` where nothing is generated.
    pub(super) fn new(
        gateway: Arc<Gateway>,
        (received, programme): (Received, Programme),
        (plan, terms): (Plan, Terms),
        presence: Presence,
    ) -> Option<Self> {
        let opened = gateway.opened(received.id);
        let composer = match received.head.stream {
            true => Composer::stream(plan, opened)?,
            false => Composer::whole(plan, opened),
        };
        Some(Self {
            gateway,
            received,
            programme,
            terms,
            composer,
            out: None,
            presence,
            said: Said::default(),
            kept: Vec::new(),
            ended: (HowEnded::default(), None),
        })
    }

    /// Begins with the plan: what fails before anything is said is told by the status.
    pub(super) async fn begin(mut self, tab: Tab) -> Result<Answer, GatewayError> {
        let flow = match self.open(Stage::Plan, tab).await {
            Ok(flow) => flow,
            Err(not) => return self.decline(*not).await,
        };
        if self.received.head.stream {
            return Ok(self.into_stream(flow));
        }
        let mut body = Vec::new();
        let over = self.run(flow, &mut body).await;
        self.whole(over, body)
    }

    /// Nothing was said.
    async fn decline(mut self, (tab, trouble): (Tab, Trouble)) -> Result<Answer, GatewayError> {
        match trouble {
            Trouble::Declined(status, body) => Ok(self.gateway.pass_error(tab, status, body).await),
            // What is held is released with the tab.
            Trouble::Refused(error) => Err(error),
            Trouble::Course(course) => {
                let over = self.close(tab, course, &mut Vec::new()).await;
                self.whole(over, Vec::new())
            }
        }
    }

    fn answer(&self, tab: &Tab, (model, vendor): (ModelId, Vendor)) -> Answer {
        Answer { model, vendor, lowered_limit: self.terms.lowered_limit, ..Answer::head(tab, StatusCode::OK) }
    }

    /// The answer of an ensemble that is over.
    fn whole(&self, over: Over, body: Vec<Bytes>) -> Result<Answer, GatewayError> {
        let Over { tab, model, settled, course } = over;
        match course {
            Course::Done | Course::Exhausted => {}
            Course::Failed(failure) if tab.has_stages() => return Err(GatewayError::Unfinished(failure)),
            Course::Failed(failure) => return Err(GatewayError::Upstream(failure)),
            Course::Left | Course::ShutDown => return Err(GatewayError::Stopping),
        }
        let Settled { cost, available, .. } = settled?;
        Ok(Answer {
            cost: Some(cost),
            balance: Some(available),
            body: AnswerBody::Whole(Content::new(body.concat().into())),
            ..self.answer(&tab, model)
        })
    }

    fn into_stream(mut self, flow: Box<Flow>) -> Answer {
        let model = self.programme.budget.model(Stage::Code);
        let mut answer = self.answer(&flow.tab, (model.id.clone(), model.vendor));
        let (sender, receiver) = mpsc::channel(FRAMES_WAITING);
        self.out = Some(sender);
        let settler = Arc::clone(&self.gateway.settler);
        settler.observer().streams_changed(1);
        let work = Shield::new(settler.tracker(), move |presence| async move {
            self.presence = presence;
            let mut frames = Vec::new();
            self.run(flow, &mut frames).await;
            self.send(frames).await;
            self.gateway.settler.observer().streams_changed(-1);
        });
        answer.body = AnswerBody::Stream(frames_of(receiver, work));
        answer
    }

    /// All stages, from a plan that has begun. What ends the answer is added to `last`, once the charge is
    /// durable.
    async fn run(&mut self, flow: Box<Flow>, last: &mut Vec<Bytes>) -> Over {
        let begin = self.composer.begin();
        self.send(begin).await;
        self.say_heading(Stage::Plan).await;
        let (tab, course) = self.play(Stage::Plan, flow).await;
        let (tab, course) = match course {
            Course::Done => self.go_on(tab).await,
            course => (tab, course),
        };
        if course == Course::Done {
            for piece in std::mem::take(&mut self.kept) {
                self.say(&piece).await;
            }
        }
        self.close(tab, course, last).await
    }

    /// The stages behind the plan.
    async fn go_on(&mut self, tab: Tab) -> (Tab, Course) {
        let (tab, course) = self.stage(Stage::Code, tab).await;
        let is_refused = self.ended.1 == Some(FinishReason::Refusal);
        let is_reviewed = self.programme.budget.has(Stage::Review) && self.said.has_code() && !is_refused;
        if course != Course::Done || !is_reviewed {
            return (tab, course);
        }
        let (tab, course) = self.stage(Stage::Review, tab).await;
        if course != Course::Done {
            return (tab, self.done_without(Stage::Review, course).await);
        }
        let left = Budget::left_for_repair(&self.terms.shares, tab.written());
        if !self.programme.budget.has(Stage::Repair) || !self.said.is_blocked() || left.is_none() {
            return (tab, Course::Done);
        }
        let kept = std::mem::take(&mut self.kept);
        let (tab, course) = self.stage(Stage::Repair, tab).await;
        if course != Course::Done {
            self.kept = kept;
            return (tab, self.done_without(Stage::Repair, course).await);
        }
        (tab, course)
    }

    /// A review or a repair that failed ends the answer with a note.
    async fn done_without(&mut self, stage: Stage, course: Course) -> Course {
        if course == Course::Left {
            return course;
        }
        if self.terms.wishes.manner == Manner::Everything {
            self.say(note(stage, self.terms.language).as_bytes()).await;
        }
        Course::Done
    }

    /// One stage behind another one.
    async fn stage(&mut self, stage: Stage, tab: Tab) -> (Tab, Course) {
        if self.presence.is_gone() {
            return (tab, Course::Left);
        }
        self.ping().await;
        self.note_progress(&tab).await;
        let opening = self.waiting(Box::pin(self.open(stage, tab))).await;
        match opening {
            Ok(flow) => {
                self.say_heading(stage).await;
                self.play(stage, flow).await
            }
            Err(not) => {
                let (tab, trouble) = *not;
                let course = match trouble {
                    Trouble::Course(course) => course,
                    Trouble::Declined(..) => Course::Failed(UpstreamFailure::Error),
                    Trouble::Refused(error) => {
                        tracing::warn!(request_id = %self.received.id, %error, "a stage could not begin");
                        Course::Failed(UpstreamFailure::Error)
                    }
                };
                (tab, course)
            }
        }
    }

    /// What a process that dies behind this has to charge.
    async fn note_progress(&self, tab: &Tab) {
        let Some(hold) = tab.holds.first().copied() else { return };
        let noted = self.gateway.parts.ledger.progress(hold, tab.used_by_stages());
        if let Err(error) = self.waiting(noted).await {
            tracing::warn!(%error, "progress not noted");
        }
    }

    /// Makes the call of a stage.
    async fn open(&self, stage: Stage, mut tab: Tab) -> Opening {
        let (received, stop) = match self.admit(stage, &mut tab).await {
            Ok(admitted) => admitted,
            Err(trouble) => return Err(Box::new((tab, trouble))),
        };
        let (route, (place, candidate, prepared)) = stop;
        let id = received.id;
        let admitted = Admitted { received, route, candidate, place, prepared, tab, lowered_limit: None };
        let now = Instant::now();
        let patience = now.checked_add(self.gateway.config.deadline).unwrap_or(now);
        let deadline = patience.min(self.terms.deadline);
        let Travelled { mut tab, stop, passage } =
            self.gateway.travel(admitted, &self.presence, deadline).await;
        let trouble = match passage {
            Passage::Begun(begun, visit) => {
                let Begun { channel, body, .. } = *begun;
                match body {
                    BegunBody::Stream(body, frames) => {
                        let begun = (body, frames, visit);
                        return Ok(Box::new(Flow::new(&self.gateway.settler, tab, channel, begun)));
                    }
                    BegunBody::Whole(_) => Trouble::Course(Course::Failed(UpstreamFailure::Error)),
                }
            }
            Passage::Declined(status, body) => {
                Trouble::Declined(status, told(&stop.prepared, (status, body), id))
            }
            Passage::Failed(failure) => Trouble::Course(Course::Failed(failure.kind)),
            Passage::Abandoned if self.presence.is_gone() => {
                // As for any call: it was begun, so its prompt is paid.
                tab.end_stage(&Reading::default(), Outcome::ClientDisconnectedEstimated);
                Trouble::Course(Course::Left)
            }
            Passage::Abandoned => Trouble::Course(Course::ShutDown),
        };
        tab.forget_stage();
        Err(Box::new((tab, trouble)))
    }

    /// Writes the call of a stage, and sees to it that it is covered.
    async fn admit(&self, stage: Stage, tab: &mut Tab) -> Result<(Received, (Route, Serving)), Trouble> {
        let refused = |fault| Trouble::Refused(GatewayError::Invalid(fault));
        let shares = &self.terms.shares;
        let limit = match stage {
            Stage::Plan => shares.plan,
            Stage::Code => shares.code,
            Stage::Review => shares.review,
            Stage::Repair => shares.code.saturating_sub(tab.written()),
        };
        let body = self.programme.body(&self.received, (stage, &self.said), limit).map_err(refused)?;
        let received = self.received.stage(body).map_err(refused)?;
        let route = self.programme.route(stage).clone();
        let serving = self.gateway.first_that_serves(&received, &route).map_err(Trouble::Refused)?;
        let (_place, candidate, prepared) = &serving;
        let asked = ask(&received, candidate, prepared);
        let behind = self
            .programme
            .budget
            .most_behind(stage, shares)
            .map_err(|error| Trouble::Refused(error.into()))?;
        tab.begin_stage(stage, (&candidate.model, asked, received.head.input_tokens_guess), behind);
        let funded = match tab.is_allowed() {
            true => self.gateway.set_aside(tab, &received, prepared).await.map(drop),
            false => Err(GatewayError::Internal),
        };
        match funded {
            Ok(()) => Ok((received, (route, serving))),
            Err(error) => {
                tab.forget_stage();
                let is_short = !tab.is_allowed() || error.class() == ErrorClass::InsufficientFunds;
                Err(match stage {
                    Stage::Code | Stage::Review | Stage::Repair if is_short => {
                        Trouble::Course(Course::Exhausted)
                    }
                    _ => Trouble::Refused(error),
                })
            }
        }
    }

    /// Reads the answer of a stage to its end, and passes on what is to be seen.
    async fn play(&mut self, stage: Stage, mut flow: Box<Flow>) -> (Tab, Course) {
        let settler = Arc::clone(&self.gateway.settler);
        let presence = self.presence.clone();
        let mut over = pin!(settler.patience_over(&presence));
        let mut late = pin!(sleep_until(self.terms.deadline));
        let mut listening = Listening::new(Budget::room(stage, &self.terms.shares));
        let end = loop {
            while let Some(piece) = flow.frames.pop_front() {
                self.pass(stage, &mut flow.tab, (piece, &mut listening)).await;
            }
            if let Some(end) = flow.ended() {
                break end;
            }
            let step = tokio::select! {
                biased;
                () = &mut over => {
                    flow.end(if presence.is_gone() { End::Abandoned } else { End::ShutDown });
                    Step::Again
                }
                () = &mut late => {
                    flow.end(End::Interrupted(StreamFault::Timeout));
                    Step::Again
                }
                step = flow.advance(&settler) => step,
            };
            if matches!(step, Step::Silence) {
                self.ping().await;
            }
        };
        while matches!(flow.rest(&settler).await, Step::Silence) {
            self.ping().await;
        }
        flow.read_out(&settler);
        flow.client_left = presence.is_gone();
        self.said.keep(stage, listening.finish());
        self.conclude(stage, flow, end)
    }

    /// Puts a stage on the bill, or not, by how it ended.
    fn conclude(&mut self, stage: Stage, flow: Box<Flow>, end: End) -> (Tab, Course) {
        let outcome = flow.outcome(end);
        let Flow { mut tab, channel, .. } = *flow;
        let reading = channel.reading();
        let course = match end {
            End::Complete => Course::Done,
            End::Interrupted(fault) => {
                Course::Failed(Failure::of_fault(reading.failure.unwrap_or(fault)).kind)
            }
            End::Exhausted => Course::Exhausted,
            End::Abandoned => Course::Left,
            End::ShutDown => Course::ShutDown,
        };
        let is_owed = match course {
            Course::Done | Course::Left => true,
            // A review or a repair that failed is not charged.
            Course::Failed(_) | Course::Exhausted | Course::ShutDown => {
                matches!(stage, Stage::Plan | Stage::Code) && outcome != Outcome::UpstreamError
            }
        };
        if is_owed {
            tab.end_stage(reading, outcome);
        } else {
            tab.forget_stage();
        }
        if course == Course::Done && stage.answers() {
            self.ended = (channel.how_ended(), reading.finish);
        }
        (tab, course)
    }

    /// Passes on a piece of what a stage says.
    async fn pass(&mut self, stage: Stage, tab: &mut Tab, (piece, listening): (Bytes, &mut Listening)) {
        let Ok(text) = std::str::from_utf8(&piece) else { return };
        listening.take(text);
        let Wishes { manner, rounds, .. } = self.terms.wishes;
        match (manner, stage.answers(), rounds) {
            (Manner::Everything, ..) | (Manner::Answer, true, Rounds::None) => {
                self.say(&piece).await;
                tab.first_byte.get_or_insert_with(|| self.since(tab.facts.started));
            }
            (Manner::Answer, true, Rounds::One) => self.kept.push(piece),
            (Manner::Answer, false, _) => {}
        }
    }

    fn since(&self, started: Duration) -> Duration {
        self.gateway.parts.clock.monotonic().saturating_sub(started)
    }

    async fn say_heading(&mut self, stage: Stage) {
        if self.terms.wishes.manner == Manner::Everything {
            self.say(heading(stage, self.terms.language).as_bytes()).await;
        }
    }

    async fn say(&mut self, text: &[u8]) {
        let frames = self.composer.say(std::str::from_utf8(text).unwrap_or_default());
        self.send(frames).await;
    }

    async fn send(&self, frames: Vec<Bytes>) {
        let Some(out) = &self.out else { return };
        for frame in frames {
            if out.send(frame).await.is_err() {
                // The client has left, which is found out elsewhere.
                return;
            }
        }
    }

    async fn ping(&self) {
        self.send(self.composer.keep_alive().into_iter().collect()).await;
    }

    /// Does something while the client gets keep-alives.
    async fn waiting<T>(&self, work: impl Future<Output = T> + Send) -> T {
        let mut work = pin!(work);
        loop {
            match timeout(self.gateway.config.keep_alive, &mut work).await {
                Ok(done) => return done,
                Err(_elapsed) => self.ping().await,
            }
        }
    }

    /// Settles, once for all stages, and lays out what ends the answer.
    async fn close(&mut self, tab: Tab, course: Course, last: &mut Vec<Bytes>) -> Over {
        let closing = Closing { outcome: self.outcome(&tab, course), status: self.status(course) };
        let settler = &self.gateway.settler;
        let request = tab.close_stages(self.ended.1, closing, settler.clock());
        let record = &request.record;
        let (usage, model) = (record.usage, (record.model.clone(), record.vendor));
        let settled = self.waiting(settler.finish(request)).await;
        let stages = tab.stages();
        let (kind, message) = match (course, &settled) {
            (Course::Done | Course::Exhausted, Ok(Settled { cost, .. })) => {
                let ended = match course {
                    Course::Exhausted => HowEnded::at_limit(),
                    _ => self.ended.0.clone(),
                };
                let told = Told { usage: &usage, stages: &stages, cost: Some(*cost) };
                last.extend(self.composer.finish(ended, &told));
                return Over { tab, model, settled, course };
            }
            (Course::Done | Course::Exhausted, Err(_)) => (StreamFault::Unavailable, WITHHELD),
            (Course::Failed(failure), _) => (fault_of(failure), BROKE_OFF),
            (Course::Left | Course::ShutDown, _) => (StreamFault::Unavailable, RESTARTING),
        };
        let request_id = self.received.id.to_string();
        last.extend(self.composer.fail(&StreamError { kind, message, request_id: &request_id }));
        Over { tab, model, settled, course }
    }

    fn outcome(&self, tab: &Tab, course: Course) -> Outcome {
        match course {
            Course::Done | Course::Left => completed((self.presence.is_gone(), !tab.is_estimated())),
            Course::Exhausted => Outcome::BalanceExhausted,
            Course::Failed(_) | Course::ShutDown if tab.has_stages() => Outcome::UpstreamInterrupted,
            Course::Failed(_) | Course::ShutDown => Outcome::UpstreamError,
        }
    }

    /// The status of the answer: that of a stream is out already.
    const fn status(&self, course: Course) -> u16 {
        match course {
            _ if self.out.is_some() => 200,
            Course::Done | Course::Exhausted => 200,
            Course::Failed(failure) => status_of(failure),
            Course::Left => 499,
            Course::ShutDown => 503,
        }
    }
}

/// What a failed stage is in a stream that has begun.
const fn fault_of(failure: UpstreamFailure) -> StreamFault {
    match failure {
        UpstreamFailure::Timeout => StreamFault::Timeout,
        UpstreamFailure::Overloaded => StreamFault::Overloaded,
        UpstreamFailure::Operator
        | UpstreamFailure::Unreachable
        | UpstreamFailure::Resting { .. }
        | UpstreamFailure::RateLimited { .. } => StreamFault::Unavailable,
        UpstreamFailure::Error | UpstreamFailure::TooLarge | UpstreamFailure::UnknownModel => {
            StreamFault::Upstream
        }
    }
}

/// The frames of an ensemble that works while they are taken; dropped early, it ends in the background.
fn frames_of(receiver: mpsc::Receiver<Bytes>, work: Shield<()>) -> AnswerStream {
    Box::pin(stream::unfold((receiver, Some(work)), |(mut frames, mut work)| async move {
        while let Some(working) = work.as_mut() {
            tokio::select! {
                biased;
                frame = frames.recv() => return Some((frame?, (frames, work))),
                () = working => work = None,
            }
        }
        let frame = frames.recv().await?;
        Some((frame, (frames, work)))
    }))
}
