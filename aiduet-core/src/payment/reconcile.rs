//! Holds the books against the records of the card company, movement by movement.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::postings::{fee_of_company, paid_out};
use super::{
    Cashier, CashierError, Movement, MovementCause, MovementPage, PaymentEvent, PaymentEventKind,
    PaymentRecords, ReconciliationError,
};
use crate::clock::Timestamp;
use crate::ledger::{Entry, Journal, LedgerAccount, LedgerError, SpendPeriod};
use crate::money::Money;

/// Movements that a report names; all are counted.
const NAMED_MAX: usize = 20;
/// Pages of one day; they are of a hundred movements.
const PAGES_MAX: u32 = 10_000;

/// What came of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// The first moment of the day (UTC).
    pub day: Timestamp,
    /// When it was held against the records.
    pub at: Timestamp,
    /// Movements of the day.
    pub movements: u32,
    /// Movements that were not in the books and are now.
    pub made_up: u32,
    /// Movements that the books cannot explain.
    pub unexplained: u32,
    /// The first of them, by the card company's names.
    pub named: Vec<String>,
    /// What the card company owes us by the books, at that moment.
    pub clearing: Money,
    /// What it says itself.
    pub balance: Money,
}

impl Reconciliation {
    /// Whether the books and the records agree. Payments of that very moment may be in one of the two.
    pub fn is_clean(&self) -> bool {
        self.unexplained == 0 && self.clearing == self.balance
    }
}

/// Keeps what came of each day.
#[async_trait]
pub trait ReconciliationStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps the report of a day, in place of an earlier one.
    ///
    /// # Errors
    /// [`ReconciliationError::Unavailable`].
    async fn keep(&self, report: &Reconciliation) -> Result<(), ReconciliationError>;

    /// At most `limit` reports, the latest day first.
    ///
    /// # Errors
    /// [`ReconciliationError::Unavailable`].
    async fn list(&self, limit: u32) -> Result<Vec<Reconciliation>, ReconciliationError>;
}

/// Holds the books against the records of the card company.
#[derive(Debug)]
pub struct Reconciler {
    /// Who knows what follows from what happened at the card company.
    pub cashier: Arc<Cashier>,
    /// The records.
    pub records: Arc<dyn PaymentRecords>,
    /// The books.
    pub journal: Arc<dyn Journal>,
    /// Where reports are kept.
    pub reports: Arc<dyn ReconciliationStore>,
}

/// What the books say of a movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    Known,
    MadeUp,
    Unexplained,
}

/// What was found, counted.
#[derive(Debug, Default)]
struct Findings {
    movements: u32,
    made_up: u32,
    unexplained: u32,
    named: Vec<String>,
}

impl Findings {
    fn add(&mut self, movement: &Movement, finding: Finding) {
        self.movements = self.movements.saturating_add(1);
        match finding {
            Finding::Known => {}
            Finding::MadeUp => self.made_up = self.made_up.saturating_add(1),
            Finding::Unexplained => {
                self.unexplained = self.unexplained.saturating_add(1);
                self.named.push(movement.external.to_string());
                self.named.truncate(NAMED_MAX);
            }
        }
    }
}

impl Reconciler {
    /// Goes through the movements of the day (UTC) that `at` falls into, makes up for what is not in the
    /// books, and keeps a report.
    ///
    /// # Errors
    /// [`CashierError`]; a repeat is safe.
    pub async fn reconcile(&self, at: Timestamp) -> Result<Reconciliation, CashierError> {
        let day = SpendPeriod::Day.start(at);
        let to = SpendPeriod::Day.end(at).unwrap_or(at);
        let mut page = MovementPage { from: day, to, before: None };
        let mut findings = Findings::default();
        // The latest come first, and may follow what is examined after them.
        let mut early = Vec::new();
        for _page in 0..PAGES_MAX {
            let found = self.records.movements(page.clone()).await?;
            for movement in found.list {
                match self.examine(&movement).await {
                    Err(CashierError::Early) => early.push(movement),
                    finding => findings.add(&movement, finding?),
                }
            }
            page.before = found.next;
            if page.before.is_none() {
                break;
            }
        }
        for movement in early.iter().rev() {
            match self.examine(movement).await {
                Err(CashierError::Early) => findings.add(movement, Finding::Unexplained),
                finding => findings.add(movement, finding?),
            }
        }
        let Findings { movements, made_up, unexplained, named } = findings;
        let clearing = self.journal.house(LedgerAccount::StripeClearing).await?;
        let (balance, at) = (self.records.balance().await?, self.cashier.parts.clock.now());
        let report = Reconciliation { day, at, movements, made_up, unexplained, named, clearing, balance };
        if !report.is_clean() {
            tracing::error!(%day, unexplained, %clearing, %balance, "the books and the card company differ");
        }
        self.reports.keep(&report).await?;
        Ok(report)
    }

    /// Looks for what a movement means in the books, and posts what is not there.
    async fn examine(&self, movement: &Movement) -> Result<Finding, CashierError> {
        if let Some(entries) = self.meaning(movement).await?
            && self.are_there(&entries).await?
        {
            return Ok(Finding::Known);
        }
        if let Some(event) = event(movement) {
            // With all that follows: a state, a letter, an end to spending.
            self.cashier.act_on(&event).await?;
        }
        let Some(entries) = self.meaning(movement).await? else { return Ok(Finding::Unexplained) };
        match self.cashier.parts.ledger.post(entries).await {
            Ok(()) => {
                tracing::warn!(movement = %movement.external, "a movement was not in the books and is now");
                Ok(Finding::MadeUp)
            }
            // It is there with another amount, or would be more than there was.
            Err(LedgerError::Conflict | LedgerError::Overreversed | LedgerError::Broken(_)) => {
                Ok(Finding::Unexplained)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn are_there(&self, entries: &[Entry]) -> Result<bool, CashierError> {
        let ids: Vec<_> = entries.iter().map(|entry| entry.id).collect();
        let found = self.journal.find(&ids).await?;
        let is_there = |entry: &Entry| found.contains(&(entry.id, entry.amount));
        Ok(entries.iter().all(is_there))
    }

    /// The postings of a movement; `None`: it has none that we know of.
    async fn meaning(&self, movement: &Movement) -> Result<Option<Vec<Entry>>, CashierError> {
        Ok(match (&movement.cause, event(movement)) {
            (MovementCause::Payout(_), _) => Some(paid_out(movement)),
            (MovementCause::Fee, _) => Some(fee_of_company(movement)),
            (_, Some(event)) => self.cashier.meaning(&event, movement).await?,
            (_, None) => None,
        })
    }
}

/// The message that the card company would have sent about a movement.
fn event(movement: &Movement) -> Option<PaymentEvent> {
    let (kind, object) = match &movement.cause {
        MovementCause::Payment(payment) => (PaymentEventKind::Payment, payment),
        MovementCause::Refund(refund) => (PaymentEventKind::Refund, refund),
        MovementCause::Dispute(dispute) => (PaymentEventKind::Dispute, dispute),
        MovementCause::Payout(_) | MovementCause::Fee | MovementCause::Other => return None,
    };
    Some(PaymentEvent { id: movement.external.clone(), kind, object: object.clone(), at: movement.at })
}
