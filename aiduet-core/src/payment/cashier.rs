//! From a payment to credit, once: the only place where purchases reach the books.

use std::sync::Arc;

use super::postings::{Bought, Returned, disputed, fee_taken, returned, topped_up};
use super::rules::Begin;
use super::{
    CardUse, CashierError, CheckoutCloser, CheckoutRequest, DeclineStore, DepartedPayers, Dispute,
    DisputeStage, Fee, Missed, MissedPage, Movement, NoteDispute, PayerProcessor, PayerStore, Payment,
    PaymentEvent, PaymentFact, PaymentMailbox, PaymentProcessor, PaymentStatus, PortalRequest, Receipt,
    Recharge, RechargeChange, RechargeStore, Refund, RefundStatus, RefundStore, RequestDigest, SignedPayload,
    TakePending, TopUp, TopUpPage, TopUpRules, TopUpState, TopUpStore,
};
use crate::account::AccountState;
use crate::clock::{Clock, Timestamp};
use crate::id::{AccountId, Entropy, RequestId, TopUpId};
use crate::ledger::{Entry, ExternalId, Ledger, LedgerError, Reserving};
use crate::money::Money;
use crate::notify::{Letters, Notice, Page, Site};

/// What a [`Cashier`] works with.
#[derive(Clone, Debug)]
pub struct CashierParts {
    /// The card company.
    pub processor: Arc<dyn PaymentProcessor>,
    /// The card company again, as the keeper of cards and invoices.
    pub payer_processor: Arc<dyn PayerProcessor>,
    /// The card company again, as who closes pages.
    pub closer: Arc<dyn CheckoutCloser>,
    /// The card company again, as the keeper of messages that were not delivered.
    pub mailbox: Arc<dyn PaymentMailbox>,
    /// Purchases.
    pub top_ups: Arc<dyn TopUpStore>,
    /// Payments that were refused.
    pub declines: Arc<dyn DeclineStore>,
    /// Orders to give credit back.
    pub refunds: Arc<dyn RefundStore>,
    /// The card company's names for people.
    pub payers: Arc<dyn PayerStore>,
    /// Payers who have left.
    pub departed: Arc<dyn DepartedPayers>,
    /// Automatic purchases.
    pub recharges: Arc<dyn RechargeStore>,
    /// Money.
    pub ledger: Arc<dyn Ledger>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for identifiers.
    pub entropy: Arc<dyn Entropy>,
    /// Who is sent receipts.
    pub letters: Letters,
    /// The installation, to whose pages payers return.
    pub site: Site,
}

/// Sells credit.
///
/// Messages, the return of the payer and the poller all end in [`fulfil`](Self::fulfil), which asks
/// the card company what is true and may be run any number of times, at the same time, and after a
/// crash at any point: a posting has an identifier that is derived from the payment, so the ledger
/// makes it once, and the state of a purchase is only changed after that.
#[derive(Debug)]
pub struct Cashier {
    pub(super) parts: CashierParts,
    rules: TopUpRules,
}

/// A wish to buy credit.
#[derive(Clone, Debug)]
pub struct OpenTopUp {
    /// Who buys.
    pub account: AccountId,
    /// How much, a whole number of cents.
    pub amount: Money,
    /// What the client calls the request.
    pub request: Option<RequestDigest>,
    /// What becomes of the card.
    pub card: CardUse,
    /// Since when there has been the account.
    pub since: Timestamp,
}

/// What a round of [`Cashier::poll`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// Purchases that were asked about.
    pub asked: usize,
    /// Purchases that were credited.
    pub credited: usize,
    /// Purchases about which the card company gave no answer.
    pub failed: usize,
}

impl Cashier {
    /// A cashier with these rules.
    pub const fn new(parts: CashierParts, rules: TopUpRules) -> Self {
        Self { parts, rules }
    }

    /// What may be bought.
    pub const fn rules(&self) -> TopUpRules {
        self.rules
    }

    /// Begins a purchase and opens the page on which it is paid. The same request again finds the
    /// purchase and its page.
    ///
    /// # Errors
    /// [`CashierError::Amount`], [`CashierError::NewcomerMaximum`], [`CashierError::TooMany`],
    /// [`CashierError::TooManyDeclines`], [`CashierError::RequestReused`], or what a part says.
    pub async fn open(&self, wish: OpenTopUp) -> Result<TopUp, CashierError> {
        let OpenTopUp { account, amount, request, card, since } = wish;
        let now = self.parts.clock.now();
        let limit = u32::try_from(self.rules.daily_max).unwrap_or(u32::MAX);
        let begun = self.parts.top_ups.list(TopUpPage { account, before: None, limit }).await?;
        let known = begun.iter().find(|one| request.is_some() && one.request == request);
        if known.is_none_or(|known| known.checkout.is_none()) {
            self.check_declines(account, now).await?;
        }
        let top_up = match known {
            Some(known) => known.clone(),
            None => {
                self.rules.check(&Begin { amount, since, now, begun: &begun })?;
                // Kept before the card company hears of it, so that no payment is for an unknown purchase.
                self.parts
                    .top_ups
                    .insert(TopUp {
                        id: TopUpId::generate(self.parts.clock.as_ref(), self.parts.entropy.as_ref()),
                        account,
                        amount,
                        state: TopUpState::Open,
                        request,
                        card,
                        checkout: None,
                        dispute: None,
                        created_at: now,
                    })
                    .await?
            }
        };
        if (top_up.amount, top_up.card) != (amount, card) {
            return Err(CashierError::RequestReused);
        }
        self.with_page(top_up).await
    }

    /// Opens the page of a purchase that has none.
    async fn with_page(&self, top_up: TopUp) -> Result<TopUp, CashierError> {
        let TopUp { id, account, amount, card, checkout: None, .. } = top_up else { return Ok(top_up) };
        let back = format!("{}?topup={id}", self.parts.site.link(Page::Billing, None));
        let request = CheckoutRequest {
            top_up: id,
            amount,
            payer: self.payer(account).await?,
            card,
            cancel_url: format!("{back}&cancelled=1"),
            return_url: back,
        };
        let checkout = self.parts.processor.open_checkout(request).await?;
        self.parts.top_ups.attach(id, checkout.clone()).await?;
        Ok(TopUp { checkout: Some(checkout), ..top_up })
    }

    /// The card company's name for the person, made when it is first needed.
    pub(super) async fn payer(&self, account: AccountId) -> Result<ExternalId, CashierError> {
        if let Some(payer) = self.parts.payers.find(account).await? {
            return Ok(payer);
        }
        let payer = self.parts.payer_processor.open_payer(account).await?;
        Ok(self.parts.payers.keep(account, payer).await?)
    }

    /// Opens the pages on which a person sees invoices and changes cards.
    ///
    /// # Errors
    /// What a part says.
    pub async fn open_portal(&self, account: AccountId, visit: RequestId) -> Result<String, CashierError> {
        let payer = self.payer(account).await?;
        let return_url = self.parts.site.link(Page::Billing, None);
        Ok(self.parts.payer_processor.open_portal(PortalRequest { visit, payer, return_url }).await?)
    }

    /// Asks the card company how a purchase stands, and credits it if it is paid.
    ///
    /// # Errors
    /// [`CashierError::NotFound`], or what a part says; a repeat is safe.
    pub async fn fulfil(&self, id: TopUpId) -> Result<TopUp, CashierError> {
        let top_up = self.parts.top_ups.find(id).await?.ok_or(CashierError::NotFound)?;
        let (false, Some(checkout)) = (matches!(top_up.state, TopUpState::Paid(_)), &top_up.checkout) else {
            return Ok(top_up);
        };
        let next = match self.parts.processor.checkout_status(&checkout.external).await? {
            PaymentStatus::Open => return Ok(top_up),
            PaymentStatus::Processing => TopUpState::Processing,
            PaymentStatus::Closed => TopUpState::Closed,
            PaymentStatus::Paid(payment) if self.is_asked_for(&top_up, &payment).await? => {
                self.credit(&top_up, payment).await?
            }
            PaymentStatus::Paid(_) | PaymentStatus::Unexpected => {
                tracing::error!(top_up = %id, "a payment is not what was asked for; nobody is credited");
                TopUpState::Suspended
            }
        };
        Ok(self.parts.top_ups.advance(id, next).await?)
    }

    async fn is_asked_for(&self, top_up: &TopUp, payment: &Payment) -> Result<bool, CashierError> {
        let is_own = match &payment.payer {
            // Of a page that was opened before payers had names.
            None => true,
            Some(payer) => self.parts.payers.find(top_up.account).await?.as_ref() == Some(payer),
        };
        Ok(is_own && payment.top_up == top_up.id && payment.net == top_up.amount)
    }

    /// Posts, and sends the receipt. Whoever comes second, or again after a crash, does neither twice.
    async fn credit(&self, top_up: &TopUp, payment: Payment) -> Result<TopUpState, CashierError> {
        let at = self.parts.clock.now();
        let receipt = Receipt { payment: payment.external, tax: payment.tax, at };
        let bought = Bought { top_up: top_up.id, account: top_up.account, net: top_up.amount, receipt };
        let mut entries = topped_up(&bought);
        entries.extend(payment.fee.and_then(|fee| fee_taken(&bought, &fee)));
        self.parts.ledger.post(entries).await?;
        let Receipt { payment, tax, at } = &bought.receipt;
        let (id, amount, tax, at) = (top_up.id, top_up.amount, *tax, *at);
        let notice = Notice::TopUpReceipt { top_up: id, amount, tax, at };
        self.parts.letters.send(top_up.account, notice, &[&payment.to_string()]).await?;
        Ok(TopUpState::Paid(bought.receipt))
    }

    /// Takes a message of the card company.
    ///
    /// # Errors
    /// [`PaymentError::BadSignature`](super::PaymentError::BadSignature) for one that is not
    /// genuine; what else fails should be reported to the sender, who then sends it again.
    pub async fn receive(&self, payload: SignedPayload<'_>) -> Result<(), CashierError> {
        let event = self.parts.processor.verify(payload)?;
        self.act_on(&event).await
    }

    /// What a movement at the card company is in the books, as far as its purchase is credited; `None`:
    /// nothing of ours.
    pub(super) async fn meaning(
        &self,
        event: &PaymentEvent,
        movement: &Movement,
    ) -> Result<Option<Vec<Entry>>, CashierError> {
        let fact = self.parts.processor.look_up(event).await?;
        let top_up = match &fact {
            PaymentFact::TopUp(id) => Some(*id),
            PaymentFact::Refund(refund) => refund.top_up,
            PaymentFact::Dispute(dispute) => dispute.top_up,
            PaymentFact::Declined(_)
            | PaymentFact::CardGone(_)
            | PaymentFact::PayerGone(_)
            | PaymentFact::Nothing => None,
        };
        let Some(id) = top_up else { return Ok(None) };
        let found = self.parts.top_ups.find(id).await?;
        let Some(bought) = found.as_ref().and_then(Bought::of) else { return Ok(None) };
        let now = self.parts.clock.now();
        Ok(match fact {
            PaymentFact::TopUp(_) if bought.receipt.payment == event.object => {
                let fee = Fee { external: movement.external.clone(), amount: movement.fee };
                let mut entries = topped_up(&bought);
                entries.extend(fee_taken(&bought, &fee));
                Some(entries)
            }
            PaymentFact::Refund(refund) => Some(returned(&bought, &self.made(&refund).await?, now)),
            PaymentFact::Dispute(dispute) => Some(disputed(&bought, &dispute, now)),
            PaymentFact::TopUp(_)
            | PaymentFact::Declined(_)
            | PaymentFact::CardGone(_)
            | PaymentFact::PayerGone(_)
            | PaymentFact::Nothing => None,
        })
    }

    /// A refund as the books name it: after our order, if there is one.
    async fn made<'a>(&self, refund: &'a Refund) -> Result<Returned<'a>, CashierError> {
        let Refund { external, order, amount, status, .. } = refund;
        let order = match order {
            Some(id) => self.parts.refunds.find(*id).await?,
            None => None,
        };
        let (cause, external) = match order {
            Some(order) => (order.id.to_string(), None),
            None => (external.to_string(), Some(external)),
        };
        Ok(Returned { cause, external, amount: *amount, status: *status })
    }

    /// Does what follows from what is true now of the object of a message.
    pub(super) async fn act_on(&self, event: &PaymentEvent) -> Result<(), CashierError> {
        match self.parts.processor.look_up(event).await? {
            PaymentFact::Nothing => Ok(()),
            PaymentFact::TopUp(id) => self.fulfil_known(id).await,
            PaymentFact::Declined(id) => {
                self.note_decline(id, event).await?;
                self.fulfil_known(id).await
            }
            PaymentFact::Refund(refund) => self.book_refund(&refund).await,
            PaymentFact::Dispute(dispute) => self.book_dispute(&dispute).await,
            PaymentFact::CardGone(card) => match self.parts.recharges.of_card(&card).await? {
                Some(recharge) => self.end_recharge(&recharge).await,
                None => Ok(()),
            },
            PaymentFact::PayerGone(payer) => {
                let Some(account) = self.parts.payers.account_of(&payer).await? else { return Ok(()) };
                match self.parts.recharges.find(account).await? {
                    Some(recharge) => self.end_recharge(&recharge).await,
                    None => Ok(()),
                }
            }
        }
    }

    /// Fulfils a purchase, unless it is, for example, one of another installation that has the same
    /// account at the card company.
    async fn fulfil_known(&self, id: TopUpId) -> Result<(), CashierError> {
        match self.fulfil(id).await {
            Err(CashierError::NotFound) => Ok(()),
            result => result.map(drop),
        }
    }

    /// Buys nothing automatically any more with a card that is not kept, and tells the person, unless
    /// that was done.
    pub(super) async fn end_recharge(&self, recharge: &Recharge) -> Result<(), CashierError> {
        let change = RechargeChange::CardGone { card: recharge.card.clone() };
        if recharge.after(&change).is_none() {
            return Ok(());
        }
        let notice = Notice::CardGone { at: self.parts.clock.now() };
        self.parts.letters.send(recharge.account, notice, &[&recharge.card.to_string()]).await?;
        self.parts.recharges.change(recharge.account, change).await?;
        Ok(())
    }

    /// The purchase behind a refund or a dispute, credited if it was not yet: messages come in any
    /// order. `None` if it is not one of ours.
    async fn bought(&self, top_up: Option<TopUpId>) -> Result<Option<Bought>, CashierError> {
        let Some(id) = top_up else { return Ok(None) };
        match self.fulfil(id).await {
            Ok(top_up) => Ok(Bought::of(&top_up)),
            Err(CashierError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn book_refund(&self, refund: &Refund) -> Result<(), CashierError> {
        let order = match refund.order {
            Some(id) => self.parts.refunds.find(id).await?,
            None => None,
        };
        if let Some(order) = order {
            return self.conclude_refund(&order, refund).await.map(drop);
        }
        let Some(bought) = self.bought(refund.top_up).await? else { return Ok(()) };
        let Refund { external, amount, status, .. } = refund;
        let (cause, external) = (external.to_string(), Some(external));
        let made = Returned { cause, external, amount: *amount, status: *status };
        self.book(returned(&bought, &made, self.parts.clock.now())).await?;
        match status {
            RefundStatus::Accepted => self.tell_refund(bought.account, (&made.cause, *amount)).await,
            RefundStatus::Failed => Ok(()),
        }
    }

    /// Posts what goes back of a payment. That more goes back than there is happens for a while where money
    /// went back twice and came back in between, and the message about that comes last: of a refund that
    /// failed, or of a dispute that was won.
    async fn book(&self, entries: Vec<Entry>) -> Result<(), CashierError> {
        match self.parts.ledger.post(entries).await {
            Err(LedgerError::Overreversed) => Err(CashierError::Early),
            posted => Ok(posted?),
        }
    }

    /// Spending stops before the money goes, and is allowed again after it is back, unless an operator
    /// or the owner stopped it too.
    async fn book_dispute(&self, dispute: &Dispute) -> Result<(), CashierError> {
        let Some(bought) = self.bought(dispute.top_up).await? else { return Ok(()) };
        let (ledger, account) = (&self.parts.ledger, bought.account);
        let noted =
            NoteDispute { top_up: bought.top_up, dispute: dispute.external.clone(), stage: dispute.stage };
        let note = || self.parts.top_ups.note_dispute(noted.clone());
        if note().await? {
            ledger.set_reserving(account, Reserving::Frozen).await?;
        }
        let entries = disputed(&bought, dispute, self.parts.clock.now());
        if !entries.is_empty() {
            self.book(entries).await?;
        }
        if dispute.stage == DisputeStage::Inquiry {
            return Ok(());
        }
        // Another node may have learnt more in the meantime: what it noted decides.
        let reserving = async || {
            if note().await? { Ok(Reserving::Frozen) } else { self.reserving_of(account).await }
        };
        let mut decided = reserving().await?;
        loop {
            ledger.set_reserving(account, decided).await?;
            let now = reserving().await?;
            if now == decided {
                return Ok(());
            }
            decided = now;
        }
    }

    /// Whether somebody whom no dispute stops may spend.
    async fn reserving_of(&self, account: AccountId) -> Result<Reserving, CashierError> {
        let state = self.parts.letters.owner(account).await?.map(|owner| owner.state);
        Ok(match state {
            Some(AccountState::Active) => Reserving::Allowed,
            Some(
                AccountState::Frozen { .. } | AccountState::Deleting { .. } | AccountState::Closed { .. },
            )
            | None => Reserving::Frozen,
        })
    }

    /// Asks about undecided purchases: what a lost message would have told.
    ///
    /// # Errors
    /// [`CashierError`] when the purchases cannot be taken; a single one that fails is counted.
    pub async fn poll(&self, request: TakePending) -> Result<Polled, CashierError> {
        let mut polled = Polled::default();
        for top_up in self.parts.top_ups.take_pending(request).await? {
            polled.asked = polled.asked.saturating_add(1);
            match self.fulfil(top_up.id).await {
                Ok(TopUp { state: TopUpState::Paid(_), .. }) => {
                    polled.credited = polled.credited.saturating_add(1);
                }
                Ok(_undecided) => {}
                Err(error) => {
                    tracing::warn!(top_up = %top_up.id, %error, "a purchase could not be asked about");
                    polled.failed = polled.failed.saturating_add(1);
                }
            }
        }
        Ok(polled)
    }

    /// Acts on the messages that the card company could not deliver.
    ///
    /// # Errors
    /// [`CashierError`], the first of those that could not be acted on, after all others were.
    pub async fn catch_up(&self, page: MissedPage) -> Result<Missed, CashierError> {
        let missed = self.parts.mailbox.missed(page).await?;
        let mut failed = None;
        for event in &missed.events {
            if let Err(error) = self.act_on(event).await {
                tracing::warn!(event = %event.id, %error, "a missed message could not be acted on");
                failed = failed.or(Some(error));
            }
        }
        failed.map_or(Ok(missed), Err)
    }
}
