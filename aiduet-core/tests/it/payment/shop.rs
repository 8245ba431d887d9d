//! A shop: a card company on loopback, a processor that calls it, and a cashier with books.

use std::sync::Arc;
use std::time::Duration;

use aiduet_core::account::{Account, AccountStore};
use aiduet_core::backends::memory::{
    MemoryAccounts, MemoryDeclines, MemoryLedger, MemoryOutbox, MemoryPayers, MemoryRecharges, MemoryRefunds,
    MemoryTopUps,
};
use aiduet_core::backends::simulated::stripe::{Delivery, FakeStripe};
use aiduet_core::backends::stripe::{StripeConfig, StripeProcessor};
use aiduet_core::clock::{Clock, ManualClock, Timestamp};
use aiduet_core::id::{AccountId, SystemEntropy, TopUpId};
use aiduet_core::ledger::{Audit, Balance, Ledger};
use aiduet_core::money::Money;
use aiduet_core::notify::{LeaseRequest, Letters, Notice, Outbox, Site};
use aiduet_core::payment::{
    CardUse, Cashier, CashierError, CashierParts, OpenTopUp, RechargeStore, Recharger, SignedPayload, TopUp,
    TopUpRules, TopUpStore,
};
use aiduet_core::testing::Factory;
use aiduet_core::testing::card_company::CardCompany;

use super::hesitant::HesitantLedger;

pub(super) struct Shop {
    pub(super) factory: Arc<Factory>,
    pub(super) stripe: FakeStripe,
    pub(super) processor: Arc<StripeProcessor>,
    pub(super) cashier: Arc<Cashier>,
    pub(super) ledger: Arc<MemoryLedger>,
    pub(super) top_ups: Arc<MemoryTopUps>,
    pub(super) accounts: Arc<MemoryAccounts>,
    pub(super) outbox: Arc<MemoryOutbox>,
    pub(super) payers: Arc<MemoryPayers>,
    pub(super) recharges: Arc<MemoryRecharges>,
    parts: CashierParts,
    /// Ends with the last shop.
    company: Arc<CardCompany>,
}

impl Shop {
    pub(super) async fn open() -> Self {
        Self::with(|_config| {}).await
    }

    /// A shop whose processor is set up in a particular way.
    pub(super) async fn with(adapt: impl FnOnce(&mut StripeConfig)) -> Self {
        let factory = Factory::new(7);
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(factory.clock());
        Self::at(Arc::new(CardCompany::with(&clock, adapt).await), Arc::new(factory))
    }

    /// A shop that needs no socket.
    pub(super) fn within(adapt: impl FnOnce(&mut StripeConfig)) -> Self {
        let factory = Factory::new(7);
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(factory.clock());
        Self::at(Arc::new(CardCompany::within(&clock, adapt)), Arc::new(factory))
    }

    fn at(company: Arc<CardCompany>, factory: Arc<Factory>) -> Self {
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(factory.clock());
        let processor = Arc::clone(&company.processor);
        let ledger = Arc::new(MemoryLedger::new(Arc::clone(&clock)));
        let (top_ups, payers) = (Arc::new(MemoryTopUps::default()), Arc::new(MemoryPayers::default()));
        let (accounts, outbox) = (Arc::new(MemoryAccounts::default()), Arc::new(MemoryOutbox::default()));
        let recharges = Arc::new(MemoryRecharges::new(Arc::<MemoryLedger>::clone(&ledger)));
        let parts = CashierParts {
            processor: Arc::<StripeProcessor>::clone(&processor),
            payer_processor: Arc::<StripeProcessor>::clone(&processor),
            closer: Arc::<StripeProcessor>::clone(&processor),
            mailbox: Arc::<StripeProcessor>::clone(&processor),
            payers: Arc::<MemoryPayers>::clone(&payers),
            departed: Arc::<MemoryPayers>::clone(&payers),
            recharges: Arc::<MemoryRecharges>::clone(&recharges),
            declines: Arc::new(MemoryDeclines::default()),
            refunds: Arc::new(MemoryRefunds::default()),
            top_ups: Arc::<MemoryTopUps>::clone(&top_ups),
            ledger: Arc::<MemoryLedger>::clone(&ledger),
            letters: Letters {
                accounts: Arc::<MemoryAccounts>::clone(&accounts),
                outbox: Arc::<MemoryOutbox>::clone(&outbox),
                clock: Arc::clone(&clock),
                entropy: Arc::new(SystemEntropy),
            },
            clock,
            entropy: Arc::new(SystemEntropy),
            site: Site::new("AI Duet", "https://duet.example"),
        };
        let cashier = Arc::new(Cashier::new(parts.clone(), TopUpRules::default()));
        let stripe = company.stripe.clone();
        Self {
            factory,
            stripe,
            processor,
            cashier,
            ledger,
            top_ups,
            accounts,
            outbox,
            payers,
            recharges,
            parts,
            company,
        }
    }

    /// Other books for what goes on at the same card company.
    pub(super) fn beside(&self) -> Self {
        Self::at(Arc::clone(&self.company), Arc::clone(&self.factory))
    }

    /// Another node with the same books, which lets others go first.
    pub(super) fn node(&self) -> Arc<Cashier> {
        let ledger = Arc::new(HesitantLedger::over(&self.ledger));
        let parts = CashierParts { ledger, ..self.parts.clone() };
        Arc::new(Cashier::new(parts, self.cashier.rules()))
    }

    /// Who charges cards.
    pub(super) fn recharger(&self) -> Recharger {
        self.recharger_with(Arc::<MemoryRecharges>::clone(&self.recharges))
    }

    /// One with other records of automatic purchases.
    pub(super) fn recharger_with(&self, recharges: Arc<dyn RechargeStore>) -> Recharger {
        let parts = CashierParts { recharges, ..self.parts.clone() };
        let cashier = Arc::new(Cashier::new(parts, self.cashier.rules()));
        Recharger::new(cashier, Arc::<StripeProcessor>::clone(&self.processor))
    }

    /// Somebody who gets mails.
    pub(super) async fn person(&self) -> Account {
        let account = self.factory.account();
        self.accounts.insert(account.clone(), &[]).await.unwrap();
        account
    }

    /// The messages that wait, once each.
    pub(super) async fn mails(&self) -> Vec<Notice> {
        let now = self.factory.now();
        let request = LeaseRequest { now, until: now.plus(Duration::from_hours(999)), limit: 100 };
        self.outbox.lease(request).await.unwrap().into_iter().map(|due| due.message.notice).collect()
    }

    /// Somebody who has an account.
    pub(super) async fn owner(&self) -> Account {
        let owner = self.factory.account();
        self.accounts.insert(owner.clone(), &[]).await.unwrap();
        owner
    }

    /// Begins a purchase; returns it and the name of its page.
    pub(super) async fn buy(&self, account: AccountId, amount: Money) -> (TopUpId, String) {
        let top_up = self.try_buy(account, amount).await.unwrap();
        (top_up.id, top_up.checkout.unwrap().external.to_string())
    }

    pub(super) async fn try_buy(&self, account: AccountId, amount: Money) -> Result<TopUp, CashierError> {
        self.cashier.open(Self::wish(account, amount)).await
    }

    /// A purchase of an old account.
    pub(super) const fn wish(account: AccountId, amount: Money) -> OpenTopUp {
        OpenTopUp { account, amount, request: None, card: CardUse::Once, since: Timestamp::from_millis(0) }
    }

    pub(super) async fn deliver(&self, delivery: &Delivery) -> Result<(), CashierError> {
        self.deliver_to(&self.cashier, delivery).await
    }

    pub(super) async fn deliver_to(&self, node: &Cashier, delivery: &Delivery) -> Result<(), CashierError> {
        let Delivery { body, signature } = delivery;
        let received_at = self.factory.now();
        node.receive(SignedPayload { body, signature, received_at }).await
    }

    /// Delivers everything that happened, once and in order.
    pub(super) async fn deliver_all(&self) {
        for delivery in self.stripe.deliveries() {
            self.deliver(&delivery).await.unwrap();
        }
    }

    pub(super) async fn balance(&self, account: AccountId) -> Balance {
        self.ledger.balance(account).await.unwrap()
    }

    pub(super) async fn top_up(&self, id: TopUpId) -> TopUp {
        self.top_ups.find(id).await.unwrap().unwrap()
    }

    /// The books are right.
    pub(super) async fn audit(&self) {
        assert_eq!(self.ledger.verify().await.unwrap(), []);
    }
}
