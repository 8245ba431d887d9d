//! What payers and banks do.

use std::sync::MutexGuard;

use serde_json::Value;

use super::FakeStripe;
use super::state::{Dispute, Intent, Invoice, Session, State};
use crate::clock::Timestamp;

/// What the bank takes for a complaint, in cents.
const DISPUTE_FEE: i64 = 1_500;

/// How a bank decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The money comes back.
    Won,
    /// It does not.
    Lost,
    /// The payer withdraws the complaint, and the money comes back.
    Prevented,
}

/// There is no such thing, or it is not in a state in which this can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this cannot happen now")]
pub struct FakeError;

/// The fee of a payment in cents: 2.9 % and 30 cents.
const fn fee(amount: i64) -> i64 {
    amount.saturating_mul(29).saturating_add(999).div_euclid(1_000).saturating_add(30)
}

impl State {
    fn open_session(&mut self, id: &str) -> Result<Session, FakeError> {
        let session = self.sessions.get(id).filter(|session| session.status == "open");
        session.cloned().ok_or(FakeError)
    }

    fn put(&mut self, kind: &str, session: Session, at: Timestamp) {
        self.happened(kind, session.json(), at);
        self.sessions.insert(session.id.clone(), session);
    }

    /// Closes a page that is open.
    pub(super) fn expire(&mut self, id: &str, at: Timestamp) -> Result<Value, FakeError> {
        let session = Session { status: "expired", ..self.open_session(id)? };
        let closed = session.json();
        self.put("checkout.session.expired", session, at);
        Ok(closed)
    }

    /// Makes the payment of a session; `status` is how far it is.
    fn pay_with(&mut self, id: &str, status: &'static str) -> Result<(Session, Intent), FakeError> {
        let mut session = self.open_session(id)?;
        let known = session.intent.clone();
        let intent = Intent {
            id: known.unwrap_or_else(|| self.name("pi")),
            status,
            amount: session.net.saturating_add(session.tax),
            currency: session.currency.clone(),
            metadata: session.metadata.clone(),
            customer: session.customer.clone(),
            ..Intent::default()
        };
        session.status = "complete";
        session.intent = Some(intent.id.clone());
        self.intents.insert(intent.id.clone(), intent.clone());
        Ok((session, intent))
    }

    /// Makes the invoice for a page that is paid.
    fn invoice(&mut self, session: &Session, at: Timestamp) {
        let Some(customer) = session.customer.clone() else { return };
        let (total, currency) = (session.net.saturating_add(session.tax), session.currency.clone());
        let invoice = Invoice { id: self.name("in"), customer, total, currency, created: at.seconds() };
        self.invoices.insert(invoice.id.clone(), invoice);
    }

    pub(super) fn succeed(&mut self, mut intent: Intent, at: Timestamp) {
        intent.status = "succeeded";
        intent.moved = Some(self.move_money(&intent.id, intent.amount, fee(intent.amount)));
        self.happened("payment_intent.succeeded", intent.json(), at);
        self.intents.insert(intent.id.clone(), intent);
    }

    /// The payment of a session that is complete and not paid yet.
    fn slow(&self, id: &str) -> Result<(Session, Intent), FakeError> {
        let session = self.sessions.get(id).filter(|session| session.payment_status == "unpaid");
        let session = session.ok_or(FakeError)?;
        let intent = session.intent.as_ref().and_then(|intent| self.intents.get(intent));
        let intent = intent.filter(|intent| intent.status == "processing").ok_or(FakeError)?;
        Ok((session.clone(), intent.clone()))
    }
}

impl State {
    /// Takes the money that a complaint is about.
    fn withdraw(&mut self, mut dispute: Dispute, at: Timestamp) -> String {
        let taken = self.move_money(&dispute.id, dispute.amount.saturating_neg(), DISPUTE_FEE);
        dispute.movements.push(taken);
        self.happened("charge.dispute.funds_withdrawn", dispute.json(), at);
        let id = dispute.id.clone();
        self.disputes.insert(id.clone(), dispute);
        id
    }
}

impl FakeStripe {
    /// The payer pays by card.
    ///
    /// # Errors
    /// [`FakeError`] when the page is not open.
    pub fn pay(&self, session: &str) -> Result<(), FakeError> {
        let at = self.clock.now();
        let mut state = self.lock();
        let (mut session, intent) = state.pay_with(session, "succeeded")?;
        session.payment_status = "paid";
        if let Some(customer) = session.customer.clone().filter(|_payer| session.keeps_card) {
            let card = state.name("pm");
            state.customers.entry(customer.clone()).or_default().cards.push(card);
        }
        state.invoice(&session, at);
        state.succeed(intent, at);
        state.put("checkout.session.completed", session, at);
        Ok(())
    }

    /// The payer pays by a method that takes days.
    ///
    /// # Errors
    /// [`FakeError`] when the page is not open.
    pub fn pay_slowly(&self, session: &str) -> Result<(), FakeError> {
        let at = self.clock.now();
        let mut state = self.lock();
        let (session, _intent) = state.pay_with(session, "processing")?;
        state.put("checkout.session.completed", session, at);
        Ok(())
    }

    /// The payer tries a card that the bank refuses; the page stays open for another one.
    ///
    /// # Errors
    /// [`FakeError`] when the page is not open.
    pub fn decline(&self, session: &str) -> Result<(), FakeError> {
        let at = self.clock.now();
        let mut state = self.lock();
        let (tried, intent) = state.pay_with(session, "requires_payment_method")?;
        state.happened("payment_intent.payment_failed", intent.json(), at);
        let still_open = Session { status: "open", ..tried };
        state.sessions.insert(still_open.id.clone(), still_open);
        Ok(())
    }

    /// A slow payment arrives.
    ///
    /// # Errors
    /// [`FakeError`] when there is none.
    pub fn confirm(&self, session: &str) -> Result<(), FakeError> {
        let at = self.clock.now();
        let mut state = self.lock();
        let (mut session, intent) = state.slow(session)?;
        session.payment_status = "paid";
        state.invoice(&session, at);
        state.succeed(intent, at);
        state.put("checkout.session.async_payment_succeeded", session, at);
        Ok(())
    }

    /// A slow payment does not arrive.
    ///
    /// # Errors
    /// [`FakeError`] when there is none.
    pub fn fail(&self, session: &str) -> Result<(), FakeError> {
        let at = self.clock.now();
        let mut state = self.lock();
        let (session, mut intent) = state.slow(session)?;
        intent.status = "requires_payment_method";
        state.happened("payment_intent.payment_failed", intent.json(), at);
        state.intents.insert(intent.id.clone(), intent);
        state.put("checkout.session.async_payment_failed", session, at);
        Ok(())
    }

    /// Nobody paid in time.
    ///
    /// # Errors
    /// [`FakeError`] when the page is not open.
    pub fn expire(&self, session: &str) -> Result<(), FakeError> {
        let at = self.clock.now();
        self.lock().expire(session, at).map(drop)
    }

    /// The operator gives money back on the card company's own site; returns its name.
    ///
    /// # Errors
    /// [`FakeError`] when more would be given back than was paid.
    pub fn refund_by_hand(&self, session: &str, cents: i64) -> Result<String, FakeError> {
        let at = self.clock.now();
        let mut state = self.lock();
        let intent = state.sessions.get(session).and_then(|session| session.intent.clone());
        let refund = state.refund((&intent.ok_or(FakeError)?, None), cents, at)?;
        Ok(refund.id)
    }

    /// From now on, no refund is made.
    pub fn refuse_refunds(&self) {
        self.lock().refuses_refunds = true;
    }

    /// Refunds are made again.
    pub fn allow_refunds(&self) {
        self.lock().refuses_refunds = false;
    }

    /// What was given back of the payment of a page, in cents.
    pub fn refunded(&self, session: &str) -> i64 {
        let state = self.lock();
        let intent = state.sessions.get(session).and_then(|session| session.intent.as_ref());
        intent.and_then(|intent| state.intents.get(intent)).map_or(0, |intent| intent.refunded)
    }

    /// The bank sends a refund back.
    ///
    /// # Errors
    /// [`FakeError`] when there is none that is on its way.
    pub fn fail_refund(&self, refund: &str) -> Result<(), FakeError> {
        let at = self.clock.now();
        let mut state = self.lock();
        let found = state.refunds.get(refund).filter(|refund| refund.status != "failed").cloned();
        let mut refund = found.ok_or(FakeError)?;
        refund.status = "failed";
        if let Some(intent) = state.intents.get_mut(&refund.intent) {
            intent.refunded = intent.refunded.saturating_sub(refund.amount);
        }
        state.move_money(&refund.id, refund.amount, 0);
        state.happened("refund.failed", refund.json(), at);
        state.refunds.insert(refund.id.clone(), refund);
        Ok(())
    }

    /// A complaint about what is left of a payment.
    fn complain(
        &self,
        session: &str,
        status: &'static str,
    ) -> Result<(MutexGuard<'_, State>, Dispute), FakeError> {
        let at = self.clock.now();
        let mut state = self.lock();
        let intent = state.sessions.get(session).and_then(|session| session.intent.as_ref());
        let intent = intent.and_then(|intent| state.intents.get(intent)).cloned();
        let intent = intent.filter(|intent| intent.status == "succeeded" && intent.refunded < intent.amount);
        let intent = intent.filter(|intent| !state.is_complained_of(&intent.id)).ok_or(FakeError)?;
        let amount = intent.amount.saturating_sub(intent.refunded);
        let id = state.name("du");
        if let Some(intent) = state.intents.get_mut(&intent.id) {
            intent.is_disputed = true;
        }
        let dispute = Dispute { id: id.clone(), intent: intent.id, amount, status, movements: Vec::new() };
        state.happened("charge.dispute.created", dispute.json(), at);
        Ok((state, dispute))
    }

    /// The payer complains to the bank, which takes the money; returns the name of the complaint.
    ///
    /// # Errors
    /// [`FakeError`] when nothing is left of the payment.
    pub fn dispute(&self, session: &str) -> Result<String, FakeError> {
        let (mut state, dispute) = self.complain(session, "needs_response")?;
        Ok(state.withdraw(dispute, self.clock.now()))
    }

    /// The bank asks about a payment, and takes nothing; returns the name of the complaint.
    ///
    /// # Errors
    /// [`FakeError`] when nothing is left of the payment.
    pub fn inquire(&self, session: &str) -> Result<String, FakeError> {
        let (mut state, dispute) = self.complain(session, "warning_needs_response")?;
        let id = dispute.id.clone();
        state.disputes.insert(id.clone(), dispute);
        Ok(id)
    }

    /// The bank is not content with what it was answered, and takes the money.
    ///
    /// # Errors
    /// [`FakeError`] when it has not asked, or has been content.
    pub fn escalate(&self, inquiry: &str) -> Result<(), FakeError> {
        let mut state = self.lock();
        let found = state.disputes.get(inquiry).filter(|one| one.status == "warning_needs_response");
        let dispute = Dispute { status: "needs_response", ..found.cloned().ok_or(FakeError)? };
        state.withdraw(dispute, self.clock.now());
        Ok(())
    }

    /// The bank decides; an inquiry can only end well.
    ///
    /// # Errors
    /// [`FakeError`] when it has decided already.
    pub fn decide(&self, dispute: &str, verdict: Verdict) -> Result<(), FakeError> {
        let at = self.clock.now();
        let mut state = self.lock();
        let mut dispute = state.disputes.get(dispute).cloned().ok_or(FakeError)?;
        dispute.status = match (dispute.status, verdict) {
            ("needs_response", Verdict::Won) => "won",
            ("needs_response", Verdict::Lost) => "lost",
            ("needs_response", Verdict::Prevented) => "prevented",
            ("warning_needs_response", Verdict::Won) => "warning_closed",
            _ => return Err(FakeError),
        };
        if dispute.status == "won" || dispute.status == "prevented" {
            let returned = state.move_money(&dispute.id, dispute.amount, 0);
            dispute.movements.push(returned);
            state.happened("charge.dispute.funds_reinstated", dispute.json(), at);
        }
        state.happened("charge.dispute.closed", dispute.json(), at);
        state.disputes.insert(dispute.id.clone(), dispute);
        Ok(())
    }
}
