//! Giving unused credit back: the amount leaves the balance first, then the card company is told, and
//! what it says is noted or the amount comes back.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::postings::{Bought, Returned, returned};
use super::{
    Cashier, CashierError, PaymentError, Refund, RefundOrder, RefundRequest, RefundState, RefundStatus,
    RequestDigest, TopUpPage,
};
use crate::id::{AccountId, RefundId, derive};
use crate::ledger::LedgerError;
use crate::money::{Money, Rounding};
use crate::notify::Notice;

/// When to look after an order of which nothing was heard.
const LOOK_AFTER: Duration = Duration::from_mins(10);
/// So long a command may be repeated under its identifier; the card company forgets it after a day.
const REPEATABLE: Duration = Duration::from_hours(23);
/// Purchases that are looked at for what is left of them.
const TOP_UPS_MAX: u32 = 500;

/// A wish to give unused credit back.
#[derive(Clone, Debug)]
pub struct RefundWish {
    /// To whom.
    pub account: AccountId,
    /// How much of the balance, a whole number of cents; the tax on it goes back besides.
    pub amount: Money,
    /// What the wish is called: the same again is the same refund.
    pub name: String,
}

impl RefundWish {
    fn request(&self) -> RequestDigest {
        Sha256::digest(self.name.as_bytes()).into()
    }
}

impl Cashier {
    /// Gives unused credit back to the cards that paid it, the newest purchase first. The same wish
    /// again finds its orders, and goes on with those that are not done.
    ///
    /// # Errors
    /// [`CashierError::Refund`] for an amount that may not be, or while another refund of the account
    /// is under way; [`LedgerError::Insufficient`] when it is not on the balance; what a part says: then
    /// the job goes on with what was begun.
    pub async fn give_back(&self, wish: &RefundWish) -> Result<Vec<RefundOrder>, CashierError> {
        let known = self.parts.refunds.of_account(wish.account).await?;
        let orders: Vec<_> = known.iter().filter(|one| one.request == wish.request()).cloned().collect();
        let orders = if orders.is_empty() {
            if known.iter().any(|order| order.state == RefundState::Begun) {
                return Err(CashierError::Refund(RefundFault::UnderWay));
            }
            self.reserved(self.plan_refund(wish).await?).await?
        } else if orders.iter().map(|order| order.net.nanos()).sum::<i64>() == wish.amount.nanos() {
            orders
        } else {
            return Err(CashierError::RequestReused);
        };
        let mut done = Vec::new();
        for order in orders {
            done.push(self.follow_refund(order).await?);
        }
        Ok(done)
    }

    /// What would be given back, and nothing else happens.
    ///
    /// # Errors
    /// As [`give_back`](Self::give_back).
    pub async fn plan_refund(&self, wish: &RefundWish) -> Result<Vec<RefundOrder>, CashierError> {
        let RefundWish { account, amount, name } = wish;
        if *amount <= Money::ZERO || amount.cents(Rounding::Down) != amount.cents(Rounding::Up) {
            return Err(CashierError::Refund(RefundFault::Amount));
        }
        let paid = self.parts.ledger.balance(*account).await?.paid;
        if *amount > paid {
            let cents = paid.cents(Rounding::Down).max(0);
            let max = Money::try_from_cents(cents).map_err(LedgerError::from)?;
            return Err(CashierError::Refund(RefundFault::NotLeft { max }));
        }
        let page = TopUpPage { account: *account, before: None, limit: TOP_UPS_MAX };
        let (mut rest, mut orders) = (*amount, Vec::new());
        for top_up in self.parts.top_ups.list(page).await? {
            // What a bank is asked about is not given back besides.
            let Some(bought) = Bought::of(&top_up).filter(|_paid| top_up.dispute.is_none()) else { continue };
            let left = self.parts.processor.refundable(&bought.receipt.payment).await?;
            let net = bought.split(left).net.min(rest);
            if net <= Money::ZERO {
                continue;
            }
            rest = rest.checked_sub(net).map_err(LedgerError::from)?;
            let id = derive(top_up.id.as_uuid(), &format!("refund:{name}"));
            orders.push(self.ordered(RefundId::from_uuid(id), (&bought, net), wish));
            if rest == Money::ZERO {
                return Ok(orders);
            }
        }
        let max = amount.checked_sub(rest).map_err(LedgerError::from)?;
        Err(CashierError::Refund(RefundFault::NotLeft { max }))
    }

    fn ordered(&self, id: RefundId, (bought, net): (&Bought, Money), wish: &RefundWish) -> RefundOrder {
        let now = self.parts.clock.now();
        RefundOrder {
            id,
            account: bought.account,
            top_up: bought.top_up,
            payment: bought.receipt.payment.clone(),
            net,
            gross: bought.with_tax(net),
            state: RefundState::Begun,
            request: wish.request(),
            begun_at: now,
            due_at: now.plus(LOOK_AFTER),
        }
    }

    /// Keeps orders, and takes their amounts off the balance, all or none.
    async fn reserved(&self, orders: Vec<RefundOrder>) -> Result<Vec<RefundOrder>, CashierError> {
        let orders = self.parts.refunds.begin(orders).await?;
        let mut entries = Vec::new();
        for order in &orders {
            entries.extend(returned(
                &self.bought_for(order).await?,
                &of_order(order),
                self.parts.clock.now(),
            ));
        }
        match self.parts.ledger.post(entries).await {
            Ok(()) => Ok(orders),
            Err(error @ LedgerError::Insufficient(_)) => {
                for order in &orders {
                    self.parts.refunds.advance(order.id, RefundState::Failed).await?;
                }
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The purchase of an order.
    async fn bought_for(&self, order: &RefundOrder) -> Result<Bought, CashierError> {
        let top_up = self.parts.top_ups.find(order.top_up).await?;
        top_up.as_ref().and_then(Bought::of).ok_or(CashierError::NotFound)
    }

    /// Goes on with an order, from whatever step it had reached.
    async fn follow_refund(&self, order: RefundOrder) -> Result<RefundOrder, CashierError> {
        if order.state != RefundState::Begun {
            return Ok(order);
        }
        let bought = self.bought_for(&order).await?;
        match self.parts.ledger.post(returned(&bought, &of_order(&order), self.parts.clock.now())).await {
            Ok(()) => {}
            // It died before it was taken off the balance, and by now it is not there any more.
            Err(LedgerError::Insufficient(_)) => {
                return Ok(self.parts.refunds.advance(order.id, RefundState::Failed).await?);
            }
            Err(error) => return Err(error.into()),
        }
        match self.sent(&order).await {
            Ok(Some(refund)) => self.conclude_refund(&order, &refund).await,
            Ok(None) | Err(CashierError::Payment(PaymentError::Declined | PaymentError::NotFound)) => {
                self.take_back(&order).await
            }
            Err(error) => {
                let until = self.parts.clock.now().plus(LOOK_AFTER);
                self.parts.refunds.postpone(order.id, until).await?;
                Err(error)
            }
        }
    }

    /// Tells the card company, or finds out what became of it; the same again has no second effect.
    async fn sent(&self, order: &RefundOrder) -> Result<Option<Refund>, CashierError> {
        let RefundOrder { id, payment, gross, begun_at, .. } = order;
        if self.parts.clock.now().since(*begun_at) < REPEATABLE {
            let request = RefundRequest { id: *id, payment: payment.clone(), amount: *gross };
            return Ok(Some(self.parts.processor.refund(request).await?));
        }
        Ok(self.parts.processor.find_refund(payment, *id).await?)
    }

    /// Notes what the card company says of an order. It may fail after it was accepted.
    pub(super) async fn conclude_refund(
        &self,
        order: &RefundOrder,
        refund: &Refund,
    ) -> Result<RefundOrder, CashierError> {
        match refund.status {
            RefundStatus::Failed => self.take_back(order).await,
            RefundStatus::Accepted => {
                self.tell_refund(order.account, (&order.id.to_string(), order.gross)).await?;
                let accepted = RefundState::Accepted(refund.external.clone());
                Ok(self.parts.refunds.advance(order.id, accepted).await?)
            }
        }
    }

    /// Puts the amount of an order on the balance again.
    async fn take_back(&self, order: &RefundOrder) -> Result<RefundOrder, CashierError> {
        let bought = self.bought_for(order).await?;
        let failed = Returned { status: RefundStatus::Failed, ..of_order(order) };
        self.parts.ledger.post(returned(&bought, &failed, self.parts.clock.now())).await?;
        Ok(self.parts.refunds.advance(order.id, RefundState::Failed).await?)
    }

    /// Tells the person that money was sent back.
    pub(super) async fn tell_refund(
        &self,
        account: AccountId,
        (cause, amount): (&str, Money),
    ) -> Result<(), CashierError> {
        let notice = Notice::RefundReceipt { amount, at: self.parts.clock.now() };
        Ok(self.parts.letters.send(account, notice, &[cause]).await?)
    }

    /// Goes on with orders that were not done in time; returns how many there were.
    ///
    /// # Errors
    /// [`CashierError`] when they cannot be listed; a single one that fails is logged and looked after
    /// later.
    pub async fn resume_refunds(&self, limit: u32) -> Result<usize, CashierError> {
        let orders = self.parts.refunds.due(self.parts.clock.now(), limit).await?;
        let count = orders.len();
        for order in orders {
            let id = order.id;
            if let Err(error) = self.follow_refund(order).await {
                tracing::warn!(refund = %id, %error, "a refund did not go on; it is looked after later");
            }
        }
        Ok(count)
    }
}

fn of_order(order: &RefundOrder) -> Returned<'_> {
    let cause = order.id.to_string();
    Returned { cause, external: None, amount: order.gross, status: RefundStatus::Accepted }
}

impl RefundFault {
    /// What it says.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Amount => "the amount must be a whole number of cents above zero".to_owned(),
            Self::UnderWay => "another refund of the account is under way".to_owned(),
            Self::NotLeft { max } => format!("at most {max} USD can be given back"),
        }
    }
}

/// Why credit is not given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundFault {
    /// The amount is not a whole number of cents above zero.
    Amount,
    /// Another refund of the account is under way.
    UnderWay,
    /// The purchases that were not given back or disputed do not come to so much.
    NotLeft {
        /// What they come to.
        max: Money,
    },
}
