//! Processes that die between any two steps.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use tokio::sync::Semaphore;

use crate::clock::Timestamp;
use crate::id::{AccountId, HoldId, RefundId, TopUpId};
use crate::ledger::{
    Balance, Entry, ExternalId, Hold, Ledger, LedgerError, ReserveRequest, Reserving, SettleRequest,
    Settlement, VoidRequest,
};
use crate::money::Money;
use crate::notify::{
    Backlog, Due, LeaseRequest, NoticeFilter, NoticeRecord, Outbox, OutboxError, Outgoing, PurgeNotices, Put,
    Report,
};
use crate::payment::{
    CardCharger, ChargeRequest, Charged, Checkout, CheckoutRequest, ConfirmationRequest, NoteDispute,
    PayerStore, PaymentError, PaymentEvent, PaymentFact, PaymentProcessor, PaymentStatus, Recharge,
    RechargeChange, RechargeError, RechargeStore, Refund, RefundError, RefundOrder, RefundRequest,
    RefundState, RefundStore, SignedPayload, TakePending, TopUp, TopUpError, TopUpPage, TopUpState,
    TopUpStore,
};

/// Lets a number of steps pass; the one after them is never ended.
#[derive(Debug)]
pub(super) struct Fuse {
    left: AtomicI64,
    burnt: Semaphore,
}

impl Default for Fuse {
    fn default() -> Self {
        Self { left: AtomicI64::new(i64::MAX), burnt: Semaphore::new(0) }
    }
}

impl Fuse {
    async fn step(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 0 {
            self.burnt.add_permits(1);
            std::future::pending::<()>().await;
        }
    }

    /// Does work until it is done, or the process dies after so many steps; `None` then.
    pub(super) async fn after<T>(&self, steps: i64, work: impl Future<Output = T>) -> Option<T> {
        self.left.store(steps, Ordering::Release);
        let done = tokio::select! {
            permit = self.burnt.acquire() => {
                permit.unwrap().forget();
                None
            }
            done = work => Some(done),
        };
        self.left.store(i64::MAX, Ordering::Release);
        done
    }
}

/// Something of which each call is two steps: before it, and before its answer is known.
#[derive(Debug)]
pub(super) struct Fused<T: ?Sized> {
    fuse: Arc<Fuse>,
    inner: Arc<T>,
}

impl<T: ?Sized> Fused<T> {
    pub(super) fn new(fuse: &Arc<Fuse>, inner: Arc<T>) -> Arc<Self> {
        Arc::new(Self { fuse: Arc::clone(fuse), inner })
    }
}

macro_rules! fused {
    ($trait:ident: $($method:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl $trait for Fused<dyn $trait> {
            $(async fn $method(&self, $($argument: $kind),*) -> $answer {
                self.fuse.step().await;
                let answer = self.inner.$method($($argument),*).await;
                self.fuse.step().await;
                answer
            })*
        }
    };
}

fused! { TopUpStore:
    insert(top_up: TopUp) -> Result<TopUp, TopUpError>;
    find(id: TopUpId) -> Result<Option<TopUp>, TopUpError>;
    attach(id: TopUpId, checkout: Checkout) -> Result<(), TopUpError>;
    advance(id: TopUpId, state: TopUpState) -> Result<TopUp, TopUpError>;
    note_dispute(note: NoteDispute) -> Result<bool, TopUpError>;
    take_pending(request: TakePending) -> Result<Vec<TopUp>, TopUpError>;
    list(page: TopUpPage) -> Result<Vec<TopUp>, TopUpError>;
}

fused! { RechargeStore:
    find(account: AccountId) -> Result<Option<Recharge>, RechargeError>;
    of_card(card: &ExternalId) -> Result<Option<Recharge>, RechargeError>;
    change(account: AccountId, change: RechargeChange) -> Result<Option<Recharge>, RechargeError>;
    due(now: Timestamp, limit: u32) -> Result<Vec<Recharge>, RechargeError>;
    under_way(now: Timestamp, limit: u32) -> Result<Vec<Recharge>, RechargeError>;
}

fused! { RefundStore:
    begin(orders: Vec<RefundOrder>) -> Result<Vec<RefundOrder>, RefundError>;
    find(id: RefundId) -> Result<Option<RefundOrder>, RefundError>;
    of_account(account: AccountId) -> Result<Vec<RefundOrder>, RefundError>;
    advance(id: RefundId, state: RefundState) -> Result<RefundOrder, RefundError>;
    due(now: Timestamp, limit: u32) -> Result<Vec<RefundOrder>, RefundError>;
    postpone(id: RefundId, until: Timestamp) -> Result<(), RefundError>;
}

fused! { PayerStore:
    find(account: AccountId) -> Result<Option<ExternalId>, TopUpError>;
    account_of(payer: &ExternalId) -> Result<Option<AccountId>, TopUpError>;
    keep(account: AccountId, payer: ExternalId) -> Result<ExternalId, TopUpError>;
}

fused! { CardCharger:
    saved_card(payer: &ExternalId) -> Result<Option<ExternalId>, PaymentError>;
    charge(request: ChargeRequest) -> Result<Charged, PaymentError>;
    find_charge(payer: &ExternalId, top_up: TopUpId) -> Result<Option<ExternalId>, PaymentError>;
    open_confirmation(request: ConfirmationRequest) -> Result<Checkout, PaymentError>;
}

fused! { Outbox:
    put(message: Outgoing) -> Result<Put, OutboxError>;
    lease(request: LeaseRequest) -> Result<Vec<Due>, OutboxError>;
    report(report: Report) -> Result<(), OutboxError>;
    list(filter: NoticeFilter) -> Result<Vec<NoticeRecord>, OutboxError>;
    backlog() -> Result<Backlog, OutboxError>;
    purge(request: PurgeNotices) -> Result<u64, OutboxError>;
}

fused! { Ledger:
    reserve(request: ReserveRequest) -> Result<Hold, LedgerError>;
    settle(request: SettleRequest) -> Result<Settlement, LedgerError>;
    void(request: VoidRequest) -> Result<Settlement, LedgerError>;
    progress(hold: HoldId, used: Money) -> Result<(), LedgerError>;
    post(entries: Vec<Entry>) -> Result<(), LedgerError>;
    balance(account: AccountId) -> Result<Balance, LedgerError>;
    set_reserving(account: AccountId, reserving: Reserving) -> Result<(), LedgerError>;
}

#[async_trait]
impl PaymentProcessor for Fused<dyn PaymentProcessor> {
    async fn open_checkout(&self, request: CheckoutRequest) -> Result<Checkout, PaymentError> {
        self.fuse.step().await;
        let answer = self.inner.open_checkout(request).await;
        self.fuse.step().await;
        answer
    }

    async fn checkout_status(&self, checkout: &ExternalId) -> Result<PaymentStatus, PaymentError> {
        self.fuse.step().await;
        let answer = self.inner.checkout_status(checkout).await;
        self.fuse.step().await;
        answer
    }

    async fn refund(&self, request: RefundRequest) -> Result<Refund, PaymentError> {
        self.fuse.step().await;
        let answer = self.inner.refund(request).await;
        self.fuse.step().await;
        answer
    }

    async fn refundable(&self, payment: &ExternalId) -> Result<Money, PaymentError> {
        self.fuse.step().await;
        self.inner.refundable(payment).await
    }

    async fn find_refund(
        &self,
        payment: &ExternalId,
        order: RefundId,
    ) -> Result<Option<Refund>, PaymentError> {
        self.fuse.step().await;
        self.inner.find_refund(payment, order).await
    }

    fn verify(&self, payload: SignedPayload<'_>) -> Result<PaymentEvent, PaymentError> {
        self.inner.verify(payload)
    }

    async fn look_up(&self, event: &PaymentEvent) -> Result<PaymentFact, PaymentError> {
        self.inner.look_up(event).await
    }
}
