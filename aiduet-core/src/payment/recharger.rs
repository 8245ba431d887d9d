//! Buys credit for people who are absent, as they agreed to.

use std::sync::Arc;
use std::time::Duration;

use super::{
    CardCharger, CardUse, Cashier, CashierError, Charge, ChargeOutcome, ChargeRequest, Charged, Checkout,
    ConfirmationRequest, DisputeStage, PaymentError, Recharge, RechargeChange, RechargePlan, RechargeState,
    RechargeStore, RechargeSwitch, Repeat, TopUp, TopUpPage, TopUpState,
};
use crate::account::AccountState;
use crate::clock::Timestamp;
use crate::id::{AccountId, TopUpId};
use crate::money::{Money, Rounding};
use crate::notify::{Notice, Page};

/// When to look after a charge of which nothing was heard.
const LOOK_AFTER: Duration = Duration::from_mins(10);
/// When to look after a charge that is with the bank or the person.
const LOOK_LATER: Duration = Duration::from_hours(1);
/// So long a command may be repeated under its identifier; the card company forgets it after a day.
const REPEATABLE: Duration = Duration::from_hours(23);

/// Buys credit for people who are absent.
///
/// Each step can be done again after a crash at any point: a charge is claimed in one atomic
/// operation that names the purchase, the purchase names the command at the card company, and the
/// payment is credited as every other one is.
#[derive(Debug)]
pub struct Recharger {
    cashier: Arc<Cashier>,
    charger: Arc<dyn CardCharger>,
}

/// What a person wants of automatic purchases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RechargeWish {
    /// To have them, by a plan.
    On(RechargePlan),
    /// Not to have them.
    Off,
}

/// How far the automatic purchases of an account are, as it is told.
#[derive(Clone, Debug)]
pub struct RechargeStatus {
    /// What is kept; `None`: nothing was ever agreed to.
    pub recharge: Option<Recharge>,
    /// The page on which the person confirms a charge, if one waits for that.
    pub confirmation: Option<String>,
    /// The moment of which this is true.
    pub at: Timestamp,
}

impl Recharger {
    /// One that charges cards by `charger` and credits by `cashier`.
    pub const fn new(cashier: Arc<Cashier>, charger: Arc<dyn CardCharger>) -> Self {
        Self { cashier, charger }
    }

    fn recharges(&self) -> &dyn RechargeStore {
        self.cashier.parts.recharges.as_ref()
    }

    fn now(&self) -> Timestamp {
        self.cashier.parts.clock.now()
    }

    /// What an account agreed to, and what came of it.
    ///
    /// # Errors
    /// What a part says.
    pub async fn status(&self, account: AccountId) -> Result<RechargeStatus, CashierError> {
        self.told(self.recharges().find(account).await?).await
    }

    async fn told(&self, recharge: Option<Recharge>) -> Result<RechargeStatus, CashierError> {
        let confirmation = match recharge.as_ref().map(|recharge| recharge.state) {
            Some(RechargeState::NeedsConfirmation(charge)) => {
                let top_up = self.cashier.parts.top_ups.find(charge.top_up).await?;
                top_up.and_then(|top_up| top_up.checkout).map(|page| page.url)
            }
            _ => None,
        };
        Ok(RechargeStatus { recharge, confirmation, at: self.now() })
    }

    /// Does what a person wants: notes what was agreed to, or that it is no more.
    ///
    /// # Errors
    /// [`CashierError::Plan`] for amounts that may not be, [`CashierError::NoCard`] while the card
    /// company keeps no card, or what a part says.
    pub async fn agree(
        &self,
        account: AccountId,
        wish: RechargeWish,
    ) -> Result<RechargeStatus, CashierError> {
        let change = match wish {
            RechargeWish::Off => RechargeChange::SwitchOff,
            RechargeWish::On(plan) => {
                self.check(&plan)?;
                let card = match self.cashier.parts.payers.find(account).await? {
                    Some(payer) => self.charger.saved_card(&payer).await?,
                    None => None,
                };
                let card = card.ok_or(CashierError::NoCard)?;
                RechargeChange::SwitchOn { plan, card, at: self.now() }
            }
        };
        let changed = self.recharges().change(account, change).await?;
        self.told(changed).await
    }

    fn check(&self, plan: &RechargePlan) -> Result<(), CashierError> {
        let RechargePlan { threshold, amount, monthly_max } = *plan;
        let rules = self.cashier.rules();
        let is_whole = |sum: Money| sum.cents(Rounding::Down) == sum.cents(Rounding::Up);
        if threshold <= Money::ZERO || threshold > rules.amount_max {
            return Err(CashierError::Plan(PlanFault::Threshold));
        }
        if !is_whole(amount) || amount < rules.amount_min || amount > rules.amount_max {
            return Err(CashierError::Plan(PlanFault::Amount));
        }
        // Thirty of the largest purchases are more than anybody's month.
        let most = rules.amount_max.nanos().saturating_mul(30);
        if monthly_max < amount || monthly_max.nanos() > most {
            return Err(CashierError::Plan(PlanFault::MonthlyMax));
        }
        Ok(())
    }

    /// Follows charges that are under way, and begins those that are due; returns how many there were,
    /// at most twice `limit`.
    ///
    /// # Errors
    /// [`CashierError`] when they cannot be listed; a single one that fails is logged and looked after
    /// later.
    pub async fn run_due(&self, limit: u32) -> Result<usize, CashierError> {
        let now = self.now();
        let under_way = self.recharges().under_way(now, limit).await?;
        let due = self.recharges().due(now, limit).await?;
        let count = under_way.len().saturating_add(due.len());
        for recharge in under_way {
            self.logged(recharge.account, self.follow(&recharge).await);
        }
        for recharge in due {
            self.logged(recharge.account, self.begin(&recharge).await);
        }
        Ok(count)
    }

    fn logged(&self, account: AccountId, result: Result<(), CashierError>) {
        if let Err(error) = result {
            tracing::warn!(account_id = %account, %error, "an automatic purchase did not go on; it is looked after later");
        }
    }

    /// Begins a charge, unless another node does or the balance has risen since it was listed.
    async fn begin(&self, recharge: &Recharge) -> Result<(), CashierError> {
        let (account, now, parts) = (recharge.account, self.now(), &self.cashier.parts);
        let Some(owner) = parts.letters.owner(account).await? else {
            self.recharges().change(account, RechargeChange::SwitchOff).await?;
            return Ok(());
        };
        let limit = u32::try_from(self.cashier.rules().daily_max).unwrap_or(u32::MAX);
        let begun = parts.top_ups.list(TopUpPage { account, before: None, limit }).await?;
        if let Err(CashierError::TooMany { retry_after }) = self.cashier.rules().check_pace(&begun, now) {
            return self.postpone(account, retry_after).await;
        }
        match self.cashier.check_declines(account, now).await {
            Err(CashierError::TooManyDeclines { retry_after }) => {
                return self.postpone(account, retry_after).await;
            }
            result => result?,
        }
        let is_disputed = begun.iter().any(|one| one.dispute.is_some_and(DisputeStage::stops_spending));
        if is_disputed || owner.state != AccountState::Active {
            return self.postpone(account, LOOK_LATER).await;
        }
        let most = self.cashier.rules().amount_max;
        let Some(amount) = recharge.size(self.expected(account, &begun).await?, (now, most)) else {
            // A payment by a slow method is on its way, or the month is full.
            return self.postpone(account, LOOK_AFTER).await;
        };
        let top_up = TopUpId::generate(parts.clock.as_ref(), parts.entropy.as_ref());
        let charge = Charge { top_up, amount, begun_at: now };
        let change = RechargeChange::Begin { charge, look_at: now.plus(LOOK_AFTER) };
        let Some(claimed) = self.recharges().change(account, change).await? else { return Ok(()) };
        // Only now nobody else charges: what was credited before counts.
        if parts.ledger.balance(account).await?.available >= recharge.plan.threshold {
            return self.conclude(&claimed, &charge, ChargeOutcome::NotNeeded).await;
        }
        self.follow(&claimed).await
    }

    async fn postpone(&self, account: AccountId, by: Duration) -> Result<(), CashierError> {
        let until = self.now().plus(by);
        self.recharges().change(account, RechargeChange::Postpone { until }).await?;
        Ok(())
    }

    /// The available balance with what is on its way.
    async fn expected(&self, account: AccountId, begun: &[TopUp]) -> Result<Money, CashierError> {
        let coming = begun.iter().filter(|one| one.state == TopUpState::Processing);
        let coming = coming.fold(0_i64, |sum, one| sum.saturating_add(one.amount.nanos()));
        let available = self.cashier.parts.ledger.balance(account).await?.available;
        Ok(Money::from_nanos(available.nanos().saturating_add(coming)))
    }

    /// Goes on with the charge that is under way, from whatever step it had reached.
    async fn follow(&self, recharge: &Recharge) -> Result<(), CashierError> {
        let Some(charge) = recharge.state.charge() else { return Ok(()) };
        let purchase = TopUp {
            id: charge.top_up,
            account: recharge.account,
            amount: charge.amount,
            state: TopUpState::Open,
            request: None,
            card: CardUse::Kept,
            checkout: None,
            dispute: None,
            created_at: charge.begun_at,
        };
        let top_ups = &self.cashier.parts.top_ups;
        let top_up = top_ups.insert(purchase).await?;
        if top_up.checkout.is_none() {
            match self.charge(recharge, charge).await {
                Ok(Step::Page(page)) => top_ups.attach(top_up.id, page).await?,
                Ok(Step::Refused(repeat)) => {
                    top_ups.advance(top_up.id, TopUpState::Closed).await?;
                    let outcome = ChargeOutcome::Refused { repeat, at: self.now() };
                    return self.conclude(recharge, charge, outcome).await;
                }
                Err(error) => {
                    let look_at = self.now().plus(LOOK_AFTER);
                    self.conclude(recharge, charge, ChargeOutcome::Unknown { look_at }).await?;
                    return Err(error);
                }
            }
        }
        let outcome = self.outcome(&self.cashier.fulfil(top_up.id).await?.state);
        self.conclude(recharge, charge, outcome).await
    }

    /// Charges the card, or finds out what became of it; the same again has no second effect.
    async fn charge(&self, recharge: &Recharge, charge: &Charge) -> Result<Step, CashierError> {
        let Charge { top_up, amount, begun_at } = *charge;
        let payer = self.cashier.payer(recharge.account).await?;
        let card = recharge.card.clone();
        let charged = if self.now().since(begun_at) < REPEATABLE {
            self.charger.charge(ChargeRequest { top_up, amount, payer, card: card.clone() }).await
        } else {
            let found = self.charger.find_charge(&payer, top_up).await?;
            let lost = Charged::Refused { repeat: Repeat::Later };
            Ok(found.map_or(lost, |payment| Charged::Made { payment }))
        };
        let return_url = self.cashier.parts.site.link(Page::Billing, None);
        match charged {
            Ok(Charged::Made { payment: external }) => Ok(Step::Page(Checkout { external, url: return_url })),
            Ok(Charged::NeedsConfirmation { payment }) => {
                let request = ConfirmationRequest { top_up, payment, card, return_url };
                match self.charger.open_confirmation(request).await {
                    Ok(page) => Ok(Step::Page(page)),
                    Err(PaymentError::Declined) => Ok(Step::Refused(Repeat::Later)),
                    Err(error) => Err(error.into()),
                }
            }
            Ok(Charged::Refused { repeat }) => Ok(Step::Refused(repeat)),
            // The card is not there any more, or may not be used so.
            Err(PaymentError::Declined | PaymentError::NotFound) => Ok(Step::Refused(Repeat::Never)),
            Err(error) => Err(error.into()),
        }
    }

    fn outcome(&self, state: &TopUpState) -> ChargeOutcome {
        let at = self.now();
        let look_at = at.plus(LOOK_LATER);
        match state {
            TopUpState::Paid(_) => ChargeOutcome::Paid,
            TopUpState::Closed => ChargeOutcome::Refused { repeat: Repeat::Later, at },
            TopUpState::Suspended => ChargeOutcome::Refused { repeat: Repeat::Never, at },
            TopUpState::Open => ChargeOutcome::NeedsConfirmation { look_at },
            TopUpState::Processing => ChargeOutcome::Unknown { look_at },
        }
    }

    /// Tells the person what has to be told, and notes what became of a charge.
    async fn conclude(
        &self,
        recharge: &Recharge,
        charge: &Charge,
        outcome: ChargeOutcome,
    ) -> Result<(), CashierError> {
        let (account, Charge { top_up, amount, .. }) = (recharge.account, *charge);
        let change = RechargeChange::Conclude { top_up, outcome };
        let Some(next) = recharge.after(&change) else { return Ok(()) };
        let at = self.now();
        let notice = match (next.state, next.switch) {
            (RechargeState::NeedsConfirmation(_), _) => Some(Notice::RechargeToConfirm { amount, at }),
            (_, RechargeSwitch::Stopped) => Some(Notice::RechargeStopped { amount, at }),
            (RechargeState::Idle | RechargeState::Charging(_), RechargeSwitch::On | RechargeSwitch::Off) => {
                None
            }
        };
        if let Some(notice) = notice {
            self.cashier.parts.letters.send(account, notice, &[&top_up.to_string()]).await?;
        }
        self.recharges().change(account, change).await?;
        Ok(())
    }
}

/// What a charge led to.
#[derive(Debug)]
enum Step {
    /// A payment, and where the payer goes.
    Page(Checkout),
    /// Nothing.
    Refused(Repeat),
}

/// Which amount of a plan may not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanFault {
    /// The threshold: above zero, and at most the largest purchase.
    Threshold,
    /// The amount: one that may be bought.
    Amount,
    /// The most in a month: at least the amount.
    MonthlyMax,
}
