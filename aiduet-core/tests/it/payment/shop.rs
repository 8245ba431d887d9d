//! A shop: a card company on loopback, a processor that calls it, and a cashier with books.

use std::sync::Arc;

use aiduet_core::backends::memory::{
    MemoryAccounts, MemoryLedger, MemoryOutbox, MemoryPayers, MemoryRefunds, MemoryTopUps,
};
use aiduet_core::backends::simulated::stripe::{Delivery, FakeStripe};
use aiduet_core::backends::stripe::{StripeConfig, StripeProcessor};
use aiduet_core::clock::{Clock, ManualClock, Timestamp};
use aiduet_core::id::{AccountId, SystemEntropy, TopUpId};
use aiduet_core::ledger::{Audit, Balance, Ledger};
use aiduet_core::money::Money;
use aiduet_core::notify::{Letters, Site};
use aiduet_core::payment::{
    CardUse, Cashier, CashierError, CashierParts, OpenTopUp, SignedPayload, TopUp, TopUpRules, TopUpStore,
};
use aiduet_core::testing::Factory;
use aiduet_core::testing::card_company::CardCompany;

pub(super) struct Shop {
    pub(super) factory: Factory,
    pub(super) stripe: FakeStripe,
    pub(super) processor: Arc<StripeProcessor>,
    pub(super) cashier: Arc<Cashier>,
    pub(super) ledger: Arc<MemoryLedger>,
    pub(super) top_ups: Arc<MemoryTopUps>,
    pub(super) accounts: Arc<MemoryAccounts>,
    pub(super) outbox: Arc<MemoryOutbox>,
    /// Ends with the shop.
    _company: CardCompany,
}

impl Shop {
    pub(super) async fn open() -> Self {
        Self::with(|_config| {}).await
    }

    /// A shop whose processor is set up in a particular way.
    pub(super) async fn with(adapt: impl FnOnce(&mut StripeConfig)) -> Self {
        let factory = Factory::new(7);
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(factory.clock());
        let company = CardCompany::with(&clock, adapt).await;
        let processor = Arc::clone(&company.processor);
        let ledger = Arc::new(MemoryLedger::new(Arc::clone(&clock)));
        let top_ups = Arc::new(MemoryTopUps::default());
        let (accounts, outbox) = (Arc::new(MemoryAccounts::default()), Arc::new(MemoryOutbox::default()));
        let parts = CashierParts {
            processor: Arc::<StripeProcessor>::clone(&processor),
            payer_processor: Arc::<StripeProcessor>::clone(&processor),
            mailbox: Arc::<StripeProcessor>::clone(&processor),
            payers: Arc::new(MemoryPayers::default()),
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
        let cashier = Arc::new(Cashier::new(parts, TopUpRules::default()));
        let stripe = company.stripe.clone();
        Self { factory, stripe, processor, cashier, ledger, top_ups, accounts, outbox, _company: company }
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
        let Delivery { body, signature } = delivery;
        let received_at = self.factory.now();
        self.cashier.receive(SignedPayload { body, signature, received_at }).await
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
