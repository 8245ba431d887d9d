//! Money on a real database with a card company on a socket: processes that die at any step, and many
//! that do the same at once.

mod fulfil;
mod fuse;
mod recharge;
mod reconcile;
mod refund;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use sea_orm::ConnectionTrait;
use tokio::task::JoinSet;

use self::fuse::{Fuse, Fused};
use super::fixture::{Fixture, on_each_database};
use super::sql::{Columns, Sql};
use super::{
    Database, LedgerConfig, SeaOrmAccountStore, SeaOrmDeclines, SeaOrmDepartedPayers, SeaOrmLedger,
    SeaOrmOutbox, SeaOrmPayerStore, SeaOrmRechargeStore, SeaOrmReconciliations, SeaOrmRefundStore,
    SeaOrmTopUpStore,
};
use crate::account::{Account, AccountStore};
use crate::backends::simulated::stripe::FakeStripe;
use crate::backends::stripe::StripeProcessor;
use crate::clock::{Clock, ManualClock, Timestamp};
use crate::id::{AccountId, SystemEntropy, TopUpId};
use crate::ledger::{Audit, Ledger, LedgerError};
use crate::money::Money;
use crate::notify::{LeaseRequest, Letters, NoticeKind, Outbox, Site};
use crate::payment::{
    CardCharger, CardUse, Cashier, CashierParts, OpenTopUp, PayerStore, PaymentProcessor, RechargePlan,
    RechargeStore, RechargeWish, Recharger, RefundStore, TopUpRules, TopUpStore,
};
use crate::testing::card_company::CardCompany;
use crate::testing::{Factory, cents};

/// A node, and what it works with.
struct Node {
    cashier: Arc<Cashier>,
    recharger: Arc<Recharger>,
}

/// A card company, a database, and two nodes of which the first one can die.
struct World {
    factory: Factory,
    stripe: FakeStripe,
    processor: Arc<StripeProcessor>,
    fuse: Arc<Fuse>,
    mortal: Node,
    node: Node,
    ledger: Arc<SeaOrmLedger>,
    accounts: Arc<dyn AccountStore>,
    outbox: Arc<dyn Outbox>,
    recharges: Arc<dyn RechargeStore>,
    database: Database,
    _company: CardCompany,
    _fixture: Fixture,
}

impl World {
    async fn open(fixture: Fixture) -> Self {
        let factory = Factory::new(59);
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(factory.clock());
        let company = CardCompany::open(&clock).await;
        let database = fixture.database.clone();
        let ledger = Arc::new(SeaOrmLedger::start(database.clone(), LedgerConfig::default()));
        let fuse = Arc::new(Fuse::default());
        let outbox: Arc<dyn Outbox> = Arc::new(SeaOrmOutbox::new(database.clone()));
        let recharges: Arc<dyn RechargeStore> = Arc::new(SeaOrmRechargeStore::new(database.clone()));
        let accounts: Arc<dyn AccountStore> = Arc::new(SeaOrmAccountStore::new(database.clone()));
        let shared = Arc::<StripeProcessor>::clone(&company.processor);
        let parts =
            Parts { clock, processor: shared, database: database.clone(), ledger: Arc::clone(&ledger) };
        let parts = (parts, &outbox, &recharges, &accounts);
        let (mortal, node) = (node(&parts, Some(&fuse)), node(&parts, None));
        Self {
            factory,
            stripe: company.stripe.clone(),
            processor: Arc::clone(&company.processor),
            fuse,
            mortal,
            node,
            ledger,
            accounts,
            outbox,
            recharges,
            database,
            _company: company,
            _fixture: fixture,
        }
    }

    fn later(&self, by: Duration) {
        self.factory.clock().advance(by);
    }

    async fn person(&self) -> Account {
        let account = self.factory.account();
        self.accounts.insert(account.clone(), &[]).await.unwrap();
        account
    }

    /// Begins a purchase; returns it and the name of its page.
    async fn buy(&self, account: AccountId, amount: Money) -> (TopUpId, String) {
        let since = Timestamp::from_millis(0);
        let wish = OpenTopUp { account, amount, request: None, card: CardUse::Kept, since };
        let top_up = self.node.cashier.open(wish).await.unwrap();
        (top_up.id, top_up.checkout.unwrap().external.to_string())
    }

    /// Somebody with 5 USD who agreed to buy 20 USD below 10 USD, and has spent nothing.
    async fn subscriber(&self) -> AccountId {
        let account = self.person().await.id;
        let (id, page) = self.buy(account, cents(500)).await;
        self.stripe.pay(&page).unwrap();
        self.node.cashier.fulfil(id).await.unwrap();
        let plan = RechargePlan { threshold: cents(1_000), amount: cents(2_000), monthly_max: cents(10_000) };
        self.node.recharger.agree(account, RechargeWish::On(plan)).await.unwrap();
        account
    }

    async fn available(&self, account: AccountId) -> Money {
        self.ledger.balance(account).await.unwrap().available
    }

    /// What waits for the people, by kind; every message once.
    async fn mails(&self) -> Vec<NoticeKind> {
        let now = self.factory.now();
        let request = LeaseRequest { now, until: now.plus(Duration::from_hours(9_999)), limit: 10_000 };
        self.outbox.lease(request).await.unwrap().iter().map(|due| due.message.notice.kind()).collect()
    }

    /// The books are right, and as the card company sees them.
    async fn audit(&self) {
        assert_eq!(self.ledger.verify().await.unwrap(), []);
        let select = "SELECT dr_posted - cr_posted FROM account WHERE kind = 'stripe_clearing'";
        let on = self.database.writer();
        let row = Sql::new(on.get_database_backend(), select).one(on).await.unwrap().unwrap();
        let clearing: i64 = Columns::of(&row).next().unwrap();
        assert_eq!(Money::from_nanos(clearing), cents(self.stripe.balance_cents()));
        self.ledger.close().await;
    }
}

struct Parts {
    clock: Arc<dyn Clock>,
    processor: Arc<StripeProcessor>,
    database: Database,
    ledger: Arc<SeaOrmLedger>,
}

type Shared<'a> = (Parts, &'a Arc<dyn Outbox>, &'a Arc<dyn RechargeStore>, &'a Arc<dyn AccountStore>);

/// A node; with a fuse, one that can die.
fn node((parts, outbox, recharges, accounts): &Shared<'_>, fuse: Option<&Arc<Fuse>>) -> Node {
    let Parts { clock, processor, database, ledger } = parts;
    macro_rules! mortal {
        ($trait:ty, $immortal:expr) => {{
            let immortal: Arc<$trait> = $immortal;
            match fuse {
                Some(fuse) => Fused::new(fuse, immortal) as Arc<$trait>,
                None => immortal,
            }
        }};
    }
    let charger = mortal!(dyn CardCharger, Arc::<StripeProcessor>::clone(processor));
    let recharges = mortal!(dyn RechargeStore, Arc::clone(recharges));
    let cashier = CashierParts {
        processor: mortal!(dyn PaymentProcessor, Arc::<StripeProcessor>::clone(processor)),
        payer_processor: Arc::<StripeProcessor>::clone(processor),
        closer: Arc::<StripeProcessor>::clone(processor),
        mailbox: Arc::<StripeProcessor>::clone(processor),
        top_ups: mortal!(dyn TopUpStore, Arc::new(SeaOrmTopUpStore::new(database.clone()))),
        refunds: mortal!(dyn RefundStore, Arc::new(SeaOrmRefundStore::new(database.clone()))),
        declines: Arc::new(SeaOrmDeclines::new(database.clone())),
        departed: Arc::new(SeaOrmDepartedPayers::new(database.clone())),
        payers: mortal!(dyn PayerStore, Arc::new(SeaOrmPayerStore::new(database.clone()))),
        recharges,
        ledger: mortal!(dyn Ledger, Arc::<SeaOrmLedger>::clone(ledger)),
        letters: Letters {
            accounts: Arc::clone(accounts),
            outbox: mortal!(dyn Outbox, Arc::clone(outbox)),
            clock: Arc::clone(clock),
            entropy: Arc::new(SystemEntropy),
        },
        clock: Arc::clone(clock),
        entropy: Arc::new(SystemEntropy),
        site: Site::new("AI Duet", "https://duet.example"),
    };
    let rules = TopUpRules { hourly_max: 100, daily_max: 100, ..TopUpRules::default() };
    let cashier = Arc::new(Cashier::new(cashier, rules));
    let recharger = Arc::new(Recharger::new(Arc::clone(&cashier), charger));
    Node { cashier, recharger }
}
