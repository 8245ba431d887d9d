//! A ledger, a limiter and a provider that do as a test says, and tell what was done.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aiduet_core::id::{AccountId, HoldId, RequestId};
use aiduet_core::ledger::{
    Balance, Entry, Hold, Ledger, LedgerError, ReserveRequest, Reserving, SettleRequest, Settlement,
    VoidRequest,
};
use aiduet_core::limit::{Claim, LimitError, LimitKey, RateLimiter, Standing};
use aiduet_core::money::Money;
use aiduet_core::provider::{Provider, ProviderError, Stage, UpstreamCall, UpstreamReply};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for something that is bound to happen; a test that waits in vain fails.
pub(super) async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(90), event).await.expect(what)
}

/// How one operation of a ledger fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nothing was done.
    Before,
    /// It was done, but the answer is lost.
    After,
    /// The same, and somebody else resolved the hold before it is asked for again.
    Resolved,
}

/// What a ledger was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Reserve(Money),
    Settle(Money),
    Void,
}

/// A ledger in front of another one: slow or broken when it is told to be.
#[derive(Debug)]
pub(super) struct ScriptedLedger {
    inner: Arc<dyn Ledger>,
    asked: Mutex<Vec<Asked>>,
    /// How many reserves were asked for.
    reserves_asked: watch::Sender<usize>,
    /// Settlements and releases that are durable.
    closed: watch::Sender<usize>,
    /// Notes of what was used so far.
    noted: watch::Sender<usize>,
    /// Whether settlements and releases may proceed.
    closings_pass: watch::Sender<bool>,
    /// Whether reserves may proceed.
    reserves_pass: watch::Sender<bool>,
    reserve_failures: Mutex<VecDeque<Option<Failure>>>,
    closing_failures: Mutex<VecDeque<Option<Failure>>>,
}

impl ScriptedLedger {
    pub(super) fn new(inner: Arc<dyn Ledger>) -> Self {
        Self {
            inner,
            asked: Mutex::default(),
            reserves_asked: watch::Sender::new(0),
            closed: watch::Sender::new(0),
            noted: watch::Sender::new(0),
            closings_pass: watch::Sender::new(true),
            reserves_pass: watch::Sender::new(true),
            reserve_failures: Mutex::default(),
            closing_failures: Mutex::default(),
        }
    }

    /// What was asked so far.
    pub(super) fn asked(&self) -> Vec<Asked> {
        lock(&self.asked).clone()
    }

    /// The amounts of the reserves so far, refused ones included.
    pub(super) fn reserves(&self) -> Vec<Money> {
        let amount = |asked: &Asked| match asked {
            Asked::Reserve(amount) => Some(*amount),
            Asked::Settle(_) | Asked::Void => None,
        };
        self.asked().iter().filter_map(amount).collect()
    }

    /// Waits until so many reserves were asked for.
    pub(super) async fn reserves_asked(&self, count: usize) {
        soon("a reserve", self.reserves_asked.subscribe().wait_for(|asked| *asked >= count)).await.unwrap();
    }

    /// Waits until so many requests are settled or released.
    pub(super) async fn closed(&self, count: usize) {
        soon("a settlement", self.closed.subscribe().wait_for(|closed| *closed >= count)).await.unwrap();
    }

    /// Waits until what was used was noted so many times.
    pub(super) async fn noted(&self, count: usize) {
        soon("a note", self.noted.subscribe().wait_for(|noted| *noted >= count)).await.unwrap();
    }

    /// How many requests are settled or released.
    pub(super) fn closed_now(&self) -> usize {
        *self.closed.borrow()
    }

    /// Lets settlements and releases wait.
    pub(super) fn stop_closings(&self) {
        self.closings_pass.send_replace(false);
    }

    /// Lets settlements and releases go on.
    pub(super) fn let_closings_pass(&self) {
        self.closings_pass.send_replace(true);
    }

    /// Lets reserves wait.
    pub(super) fn stop_reserves(&self) {
        self.reserves_pass.send_replace(false);
    }

    /// Lets reserves go on.
    pub(super) fn let_reserves_pass(&self) {
        self.reserves_pass.send_replace(true);
    }

    /// The next reserves fail like this.
    pub(super) fn fail_reserves(&self, failures: impl IntoIterator<Item = Option<Failure>>) {
        lock(&self.reserve_failures).extend(failures);
    }

    /// The next settlements and releases fail like this.
    pub(super) fn fail_closings(&self, failures: impl IntoIterator<Item = Option<Failure>>) {
        lock(&self.closing_failures).extend(failures);
    }

    async fn closing<T>(
        &self,
        asked: Asked,
        work: impl Future<Output = Result<T, LedgerError>>,
    ) -> Result<T, LedgerError> {
        lock(&self.asked).push(asked);
        self.closings_pass.subscribe().wait_for(|pass| *pass).await.unwrap();
        let failure = lock(&self.closing_failures).pop_front().flatten();
        let result = with(failure, work).await;
        if result.is_ok() {
            self.closed.send_modify(|closed| *closed += 1);
        }
        result
    }
}

async fn with<T>(
    failure: Option<Failure>,
    work: impl Future<Output = Result<T, LedgerError>>,
) -> Result<T, LedgerError> {
    let lost = || LedgerError::Unavailable { source: "scripted".into() };
    match failure {
        None => work.await,
        Some(Failure::Before) => Err(lost()),
        Some(Failure::After | Failure::Resolved) => work.await.and(Err(lost())),
    }
}

#[async_trait]
impl Ledger for ScriptedLedger {
    async fn reserve(&self, request: ReserveRequest) -> Result<Hold, LedgerError> {
        lock(&self.asked).push(Asked::Reserve(request.amount));
        self.reserves_asked.send_modify(|asked| *asked += 1);
        self.reserves_pass.subscribe().wait_for(|pass| *pass).await.unwrap();
        let failure = lock(&self.reserve_failures).pop_front().flatten();
        let ReserveRequest { account, request: of, id, at, .. } = request;
        let result = with(failure, self.inner.reserve(request)).await;
        if failure == Some(Failure::Resolved) {
            let void = VoidRequest { account, request: of, holds: vec![id], record: None, at };
            self.inner.void(void).await?;
        }
        result
    }

    async fn settle(&self, request: SettleRequest) -> Result<Settlement, LedgerError> {
        self.closing(Asked::Settle(request.record.cost()), self.inner.settle(request)).await
    }

    async fn void(&self, request: VoidRequest) -> Result<Settlement, LedgerError> {
        self.closing(Asked::Void, self.inner.void(request)).await
    }

    async fn progress(&self, hold: HoldId, used: Money) -> Result<(), LedgerError> {
        self.inner.progress(hold, used).await?;
        self.noted.send_modify(|noted| *noted += 1);
        Ok(())
    }

    async fn post(&self, entries: Vec<Entry>) -> Result<(), LedgerError> {
        self.inner.post(entries).await
    }

    async fn balance(&self, account: AccountId) -> Result<Balance, LedgerError> {
        self.inner.balance(account).await
    }

    async fn set_reserving(&self, account: AccountId, reserving: Reserving) -> Result<(), LedgerError> {
        self.inner.set_reserving(account, reserving).await
    }
}

/// A limiter that counts who runs.
#[derive(Debug)]
pub(super) struct CountedLimiter<L> {
    inner: L,
    running: Mutex<std::collections::HashSet<RequestId>>,
}

impl<L: RateLimiter> CountedLimiter<L> {
    pub(super) fn new(inner: L) -> Self {
        Self { inner, running: Mutex::default() }
    }

    /// How many requests run.
    pub(super) fn running(&self) -> usize {
        lock(&self.running).len()
    }
}

#[async_trait]
impl<L: RateLimiter> RateLimiter for CountedLimiter<L> {
    async fn take(&self, claims: &[Claim]) -> Result<Vec<Standing>, LimitError> {
        self.inner.take(claims).await
    }

    async fn enter(&self, request: RequestId, limits: &[(LimitKey, u32)]) -> Result<(), LimitError> {
        self.inner.enter(request, limits).await?;
        lock(&self.running).insert(request);
        Ok(())
    }

    fn leave(&self, request: RequestId, keys: &[LimitKey]) {
        self.inner.leave(request, keys);
        lock(&self.running).remove(&request);
    }
}

/// How an answer of a provider begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) is_event_stream: bool,
    pub(super) retry_after: Option<Duration>,
}

impl Head {
    pub(super) const STREAM: Self = Self { status: 200, is_event_stream: true, retry_after: None };
    pub(super) const WHOLE: Self = Self { status: 200, is_event_stream: false, retry_after: None };
}

type HeadOrError = Result<Head, ProviderError>;
type Chunk = Result<Bytes, ProviderError>;

/// The provider's side of one call.
pub(super) struct Feed {
    head: Option<oneshot::Sender<HeadOrError>>,
    body: mpsc::UnboundedSender<Chunk>,
}

impl Feed {
    /// Sends the head, or fails before it.
    pub(super) fn begin(&mut self, head: HeadOrError) {
        // Nobody listens where the call was given up.
        self.head.take().unwrap().send(head).ok();
    }

    /// Sends a piece of the body.
    pub(super) fn send(&self, piece: impl Into<Bytes>) {
        self.body.send(Ok(piece.into())).ok();
    }

    /// Breaks the body off.
    pub(super) fn fail(&self, error: ProviderError) {
        self.body.send(Err(error)).ok();
    }

    /// Ends the body.
    pub(super) fn end(self) {}

    /// Waits until the gateway no longer reads.
    pub(super) async fn is_cancelled(&self) {
        soon("the end of a call", self.body.closed()).await;
    }
}

/// A provider that answers as it is fed, call by call.
#[derive(Debug, Default)]
pub(super) struct ScriptedProvider {
    next: Mutex<VecDeque<(oneshot::Receiver<HeadOrError>, mpsc::UnboundedReceiver<Chunk>)>>,
    calls: watch::Sender<usize>,
    bodies: Mutex<Vec<Bytes>>,
}

impl ScriptedProvider {
    /// The answer to the next call that has none yet.
    pub(super) fn feed(&self) -> Feed {
        let (head, head_comes) = oneshot::channel();
        let (body, body_comes) = mpsc::unbounded_channel();
        lock(&self.next).push_back((head_comes, body_comes));
        Feed { head: Some(head), body }
    }

    /// The same, with its head already there.
    pub(super) fn begun(&self, head: Head) -> Feed {
        let mut feed = self.feed();
        feed.begin(Ok(head));
        feed
    }

    /// Answers the next call that has no answer yet with a number of prompt tokens.
    pub(super) fn counts(&self, tokens: u64) {
        self.begun(Head::WHOLE).send(format!(r#"{{"input_tokens":{tokens}}}"#));
    }

    /// Waits until there were so many calls.
    pub(super) async fn called(&self, count: usize) {
        soon("a call", self.calls.subscribe().wait_for(|calls| *calls >= count)).await.unwrap();
    }

    /// The body of the last call.
    pub(super) fn last_body(&self) -> Value {
        serde_json::from_slice(lock(&self.bodies).last().unwrap()).unwrap()
    }

    /// How many calls there were.
    pub(super) fn calls(&self) -> usize {
        *self.calls.borrow()
    }
}

#[async_trait]
impl Provider for ScriptedProvider {
    async fn send(&self, call: UpstreamCall) -> Result<UpstreamReply, ProviderError> {
        lock(&self.bodies).push(call.body.into_exposed());
        // Counted before it is fed: a call that no test feeds is a call all the same.
        self.calls.send_modify(|calls| *calls += 1);
        let (head, body) = lock(&self.next).pop_front().expect("a call that the test does not feed");
        let Head { status, is_event_stream, retry_after } =
            head.await.unwrap_or(Err(ProviderError::Broken { stage: Stage::Head }))?;
        let body = stream::unfold(body, |mut body| async move { Some((body.recv().await?, body)) });
        Ok(UpstreamReply {
            status: StatusCode::from_u16(status).unwrap(),
            is_event_stream,
            upstream_request_id: None,
            retry_after,
            body: Box::pin(body),
        })
    }
}
