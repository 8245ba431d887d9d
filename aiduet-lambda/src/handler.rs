//! One event after the other: answered, and everything that belongs to it done before the process
//! stands still.

use std::time::Duration;

use aiduet_core::app::App;
use aiduet_core::clock::Timestamp;
use aiduet_core::settings::GatewaySettings;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::answer::{self, Rest};
use crate::event::{self, Event};
use crate::runtime::{Invocation, InvocationId, Payload, ResponseMode, RuntimeApi, RuntimeError};
use crate::upkeep;

/// The most that is kept of an invocation's time to end it in order.
const SPARE_MAX: Duration = Duration::from_secs(3);

const MALFORMED: &str = "The event does not say which request it stands for.\n";
const FORMAT_ONE: &str = "This function takes events of payload format 2.0: those of a function URL or of an HTTP API. \
     Put one of these in front of it instead of a REST API or a load balancer, or set PayloadFormatVersion to 2.0.\n";
const FOREIGN: &str = "the event is neither an HTTP request of payload format 2.0, nor a scheduled event, nor {\"aiduet\": \"jobs\"}";

/// Answers events.
pub(crate) struct Handler {
    pub(crate) app: App,
    pub(crate) router: Router,
    pub(crate) mode: ResponseMode,
    pub(crate) gateway: GatewaySettings,
    /// When this process last said that it is alive.
    pub(crate) beaten_at: Timestamp,
}

/// Why no further event is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Running requests were cut off before the platform would have done it. The gateway takes no
    /// calls any more.
    Interrupted,
}

/// When what must be over.
#[derive(Clone, Copy)]
struct Times {
    /// Requests that still run are cut off.
    cut_off: Instant,
    /// Nothing is waited for any more but the platform.
    finish: Instant,
    /// The event is given up.
    give_up: Instant,
}

impl Times {
    fn of(left: Duration) -> Self {
        let now = Instant::now();
        let spare = SPARE_MAX.min(left / 4);
        let before_end = |spare| now + left.saturating_sub(spare);
        Self { cut_off: before_end(spare), finish: before_end(spare / 2), give_up: before_end(spare / 4) }
    }
}

impl Handler {
    /// Answers events until the process must begin anew.
    ///
    /// # Errors
    /// [`RuntimeError`] when no event can be fetched.
    pub(crate) async fn serve(&mut self, api: &RuntimeApi) -> Result<Ended, RuntimeError> {
        loop {
            let invocation = api.next().await?;
            // Between two events the process stood still and could not say that it is alive; what
            // it reserves now must not look like the hold of a dead one.
            if self.app.clock().now().since(self.beaten_at) >= self.gateway.heartbeat {
                self.beat().await;
            }
            let ended = self.answer(api, invocation).await;
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
    }

    async fn beat(&mut self) {
        let now = self.app.clock().now();
        self.app.beat().await;
        self.beaten_at = now;
    }

    async fn answer(&self, api: &RuntimeApi, invocation: Invocation) -> Option<Ended> {
        let Invocation { id, deadline, event } = invocation;
        let times = Times::of(deadline.since(self.app.clock().now()));
        let cut_off = CancellationToken::new();
        let work = timeout_at(times.give_up, self.work(api, (&id, event), (times, &cut_off)));
        let done = tokio::select! {
            done = work => done,
            () = self.keep_beating() => return None,
        };
        match done {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = aiduet_core::class::with_causes(&error), "an answer was not taken")
            }
            Err(_elapsed) => tracing::error!("an event was given up: what it holds is resolved by a sweep"),
        }
        cut_off.is_cancelled().then_some(Ended::Interrupted)
    }

    /// Says again and again that the process is alive; never ends.
    async fn keep_beating(&self) {
        loop {
            tokio::time::sleep(self.gateway.heartbeat).await;
            self.app.beat().await;
        }
    }

    async fn work(
        &self,
        api: &RuntimeApi,
        (id, event): (&InvocationId, Bytes),
        (times, cut_off): (Times, &CancellationToken),
    ) -> Result<(), RuntimeError> {
        let request = event::read(&event);
        drop(event);
        match request {
            Event::Http(request) => {
                tokio::select! {
                    done = self.exchange(api, (id, *request), times) => done,
                    never = self.cut_off_at(times.cut_off, cut_off) => match never {},
                }
            }
            Event::Upkeep => {
                let told = upkeep::run(&self.app, self.gateway.dead_after, times.cut_off).await;
                api.respond(id, ResponseMode::Buffered, Full::from(told).boxed_unsync()).await
            }
            Event::Malformed => {
                tracing::error!("an event does not say which request it stands for");
                let answer = answer::refusal(StatusCode::BAD_REQUEST, MALFORMED);
                self.respond(api, (id, answer), Box::pin(std::future::ready(()))).await
            }
            Event::FormatOne => {
                tracing::error!(
                    "an event has payload format 1.0: a function URL or an HTTP API with format 2.0 is needed"
                );
                let answer = answer::refusal(StatusCode::NOT_IMPLEMENTED, FORMAT_ONE);
                api.respond(id, ResponseMode::Buffered, answer::whole(answer).await).await
            }
            Event::Foreign => {
                tracing::error!("an event is of no kind that is known here");
                api.fail(id, FOREIGN).await
            }
        }
    }

    /// Ends what still runs shortly before the platform would: it is settled and says that it is not
    /// whole. Never ends itself.
    async fn cut_off_at(&self, moment: Instant, cut_off: &CancellationToken) -> std::convert::Infallible {
        sleep_until(moment).await;
        tracing::warn!("the time of an invocation is over: what runs is cut off");
        cut_off.cancel();
        self.app.gateway().interrupt();
        std::future::pending().await
    }

    async fn exchange(
        &self,
        api: &RuntimeApi,
        (id, request): (&InvocationId, Request<Body>),
        times: Times,
    ) -> Result<(), RuntimeError> {
        let Ok(response) = self.router.clone().oneshot(request).await;
        let sent = self.respond(api, (id, response), Box::pin(rest(self.app.clone(), times.finish))).await;
        if sent.is_err() {
            // The client has left. What it left behind is finished before the next event.
            rest(self.app.clone(), times.finish).await;
        }
        sent
    }

    /// Sends an answer, whose last byte goes out after `rest`.
    async fn respond(
        &self,
        api: &RuntimeApi,
        (id, response): (&InvocationId, Response),
        rest: Rest,
    ) -> Result<(), RuntimeError> {
        match self.mode {
            ResponseMode::Buffered => {
                let payload: Payload = answer::whole(response).await;
                rest.await;
                api.respond(id, ResponseMode::Buffered, payload).await
            }
            ResponseMode::Streaming => {
                let (payload, gone) = answer::stream(response, rest);
                let sent = api.respond(id, ResponseMode::Streaming, payload).await;
                gone.await;
                sent
            }
        }
    }
}

/// What must be written before the process stands still: settlements that had to be tried again,
/// answers that are read on for clients that have left, when keys were used.
async fn rest(app: App, finish: Instant) {
    let writing = async {
        app.gateway().idle().await;
        app.flush_used_keys().await;
        app.tell_unfunded().await;
    };
    if timeout_at(finish, writing).await.is_err() {
        tracing::error!("the time of an invocation is over: what is not settled is resolved by a sweep");
    }
}
