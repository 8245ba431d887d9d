//! What the cases share.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::ledger::{
    AccountLimits, Audit, Balance, BillReader, Custody, Entry, Grants, KeySpend, Ledger, LedgerError,
    LimitChange, MonthSpend, RequestLog, RequestRecord, ReserveRequest, SettleRequest, Settlement,
    SettlementState, Statements, SweepRequest, Swept, UsageReader, VoidRequest,
};
use crate::money::Money;
use crate::testing::{Factory, cents};

/// Everything that a ledger backend does.
pub trait WholeLedger:
    Ledger + AccountLimits + BillReader + Custody + Grants + Audit + RequestLog + Statements + UsageReader
{
}

impl<T> WholeLedger for T where
    T: Ledger + AccountLimits + BillReader + Custody + Grants + Audit + RequestLog + Statements + UsageReader
{
}

type PassTime = Box<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>;

/// An empty ledger, and how time passes for it.
pub struct FreshLedger<L> {
    ledger: Arc<L>,
    now: Timestamp,
    pass: PassTime,
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

impl<L: WholeLedger> fmt::Debug for FreshLedger<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreshLedger").field("ledger", &self.ledger).finish_non_exhaustive()
    }
}

impl<L: WholeLedger> FreshLedger<L> {
    /// An empty ledger, the moment it takes for now, and how time passes for the liveness of
    /// nodes: by moving a clock, or by dating the beats back.
    pub fn new<F>(ledger: L, now: Timestamp, pass: impl Fn(Duration) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let pass: PassTime = Box::new(move |time| Box::pin(pass(time)));
        Self { ledger: Arc::new(ledger), now, pass, kept: Vec::new() }
    }

    /// Keeps a value until the case is over, for example a temporary directory.
    #[must_use]
    pub fn keeping(mut self, value: impl Any + Send + Sync) -> Self {
        self.kept.push(Box::new(value));
        self
    }

    /// The ledger.
    pub const fn ledger(&self) -> &Arc<L> {
        &self.ledger
    }

    /// The moment the ledger takes for now.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Lets time pass.
    pub async fn pass(&self, time: Duration) {
        (self.pass)(time).await;
    }

    /// Finds no broken invariant.
    pub async fn verify(&self) {
        let violations = self.ledger.verify().await.expect("the ledger can be audited");
        assert!(violations.is_empty(), "{violations:?}");
    }

    pub(super) fn scene(&self) -> Scene<L> {
        let factory = Factory::at(1, self.now);
        let account = factory.account_id();
        Scene { ledger: Arc::clone(&self.ledger), factory, account }
    }

    /// An account with so many cents of paid credit.
    pub(super) async fn funded(&self, count: i64) -> Scene<L> {
        let scene = self.scene();
        scene.top_up(count).await;
        scene
    }
}

/// A ledger, and one account that things happen to.
pub(super) struct Scene<L> {
    pub(super) ledger: Arc<L>,
    pub(super) factory: Factory,
    pub(super) account: AccountId,
}

pub(super) const DEAD_AFTER: Duration = Duration::from_secs(30);

impl<L: WholeLedger> Scene<L> {
    /// Another account in the same ledger.
    pub(super) fn neighbour(&self) -> Self {
        let factory = Factory::at(2, self.factory.now());
        let account = factory.account_id();
        Self { ledger: Arc::clone(&self.ledger), factory, account }
    }

    pub(super) async fn top_up(&self, count: i64) -> Entry {
        let entry = self.factory.top_up(self.account, cents(count));
        self.post(&entry).await.expect("a top-up is posted");
        entry
    }

    pub(super) async fn grant(&self, count: i64) -> Entry {
        let entry = self.factory.grant(self.account, cents(count));
        self.post(&entry).await.expect("a grant is posted");
        entry
    }

    pub(super) async fn post(&self, entry: &Entry) -> Result<(), LedgerError> {
        self.ledger.post(vec![entry.clone()]).await
    }

    /// A reserve that is accepted.
    pub(super) async fn holding(&self, count: i64) -> ReserveRequest {
        let request = self.reserving(count);
        self.reserve(&request).await.expect("the reserve is covered");
        request
    }

    pub(super) fn reserving(&self, count: i64) -> ReserveRequest {
        self.factory.reserve(self.account, cents(count))
    }

    pub(super) async fn reserve(&self, request: &ReserveRequest) -> Result<(), LedgerError> {
        self.ledger.reserve(request.clone()).await.map(drop)
    }

    /// Settles a request with one hold.
    pub(super) async fn settle(&self, of: &ReserveRequest, count: i64) -> Result<Settlement, LedgerError> {
        self.ledger.settle(self.factory.settle(of, cents(count))).await
    }

    /// Settles as expected.
    pub(super) async fn settled(&self, request: SettleRequest, state: SettlementState) -> Settlement {
        let settlement = self.ledger.settle(request).await.expect("a settle is not refused");
        assert_eq!(settlement.state, state);
        settlement
    }

    pub(super) async fn void(&self, request: &VoidRequest) -> Result<Settlement, LedgerError> {
        self.ledger.void(request.clone()).await
    }

    pub(super) async fn balance(&self) -> Balance {
        self.ledger.balance(self.account).await.expect("the balance can be read")
    }

    /// The account has so many cents, of which so many are held.
    pub(super) async fn shows(&self, posted: i64, held: i64) {
        let balance = self.balance().await;
        assert_eq!((balance.posted, balance.held), (cents(posted), cents(held)));
        assert_eq!(balance.available, cents(posted - held));
        assert_eq!(balance.credited.checked_sub(balance.used), Ok(balance.posted));
        assert_eq!(balance.paid.checked_add(balance.promotional), Ok(balance.posted));
    }

    /// The account has used so many cents.
    pub(super) async fn has_used(&self, count: i64) {
        assert_eq!(self.balance().await.used, cents(count));
    }

    /// The account has so many cents of each kind.
    pub(super) async fn shows_parts(&self, promotional: i64, paid: i64) {
        let balance = self.balance().await;
        assert_eq!((balance.promotional, balance.paid), (cents(promotional), cents(paid)));
    }

    pub(super) async fn record(&self, of: &ReserveRequest) -> Option<RequestRecord> {
        self.ledger.find(of.account, of.request).await.expect("records can be read")
    }

    pub(super) async fn spend(&self, of: &ReserveRequest) -> KeySpend {
        self.ledger.key_spend(of.key, of.at).await.expect("spending can be read")
    }

    /// Puts a monthly limit of so many cents in the place of whatever is there.
    pub(super) async fn limit(&self, count: Option<i64>) {
        let was = self.month(self.factory.now()).await.limit;
        let change = LimitChange { account: self.account, was, limit: count.map(cents) };
        self.ledger.change(change).await.expect("nobody else changes the limit");
    }

    pub(super) async fn month(&self, at: Timestamp) -> MonthSpend {
        self.ledger.month_spend(self.account, at).await.expect("spending can be read")
    }

    pub(super) async fn sweep(&self) -> Swept {
        self.sweep_at_most(100).await
    }

    pub(super) async fn sweep_at_most(&self, limit: u32) -> Swept {
        let request = SweepRequest { dead_after: DEAD_AFTER, limit };
        self.ledger.sweep(request).await.expect("a sweep is not refused")
    }
}

pub(super) fn is_conflict<T>(result: &Result<T, LedgerError>) -> bool {
    matches!(result, Err(LedgerError::Conflict))
}

pub(super) fn is_short<T>(result: &Result<T, LedgerError>) -> bool {
    matches!(result, Err(LedgerError::Insufficient(_)))
}

/// One nano-dollar more.
pub(super) fn one_more(amount: Money) -> Money {
    Money::from_nanos(amount.nanos() + 1)
}
