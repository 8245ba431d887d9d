//! The life of a request: from a client in front of the router to the books behind it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bodies;
mod breaks;
mod call;
mod closing;
mod custody;
mod defects;
mod doubles;
mod ensembles;
mod extensions;
mod faults;
mod funds;
mod house;
mod input;
mod limits;
mod prices;
mod scripted;
mod silent;
mod sockets;
mod spending;
mod streams;
mod suspended;
mod told;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use aiduet_core::app::{App, AppBuilder, Stores};
use aiduet_core::backends::memory::MemoryLimiter;
use aiduet_core::clock::{Clock, ManualClock, SystemClock};
use aiduet_core::gateway::Upstream;
use aiduet_core::http::{edge, router};
use aiduet_core::id::AccountId;
use aiduet_core::keys::{ApiKey, KeyLimits};
use aiduet_core::ledger::{Balance, LimitChange, ListRequests, RequestRecord, UpstreamName};
use aiduet_core::limit::RateLimiter;
use aiduet_core::money::{Money, Rounding};
use aiduet_core::price::{Margin, PriceEditions, PublishedPrices};
use aiduet_core::provider::{Provider, Vendor};
use aiduet_core::settings::{GatewaySettings, Settings, UpstreamKind};
use aiduet_core::testing::price_edition::FlakyEditions;
use aiduet_core::testing::provider::CREDENTIAL;
use aiduet_core::testing::{Factory, SeededEntropy, cents};
use axum::Router;

use crate::databases::{Place, Store};
use call::{Call, Opened, Reply};
use doubles::{CountedLimiter, ScriptedLedger, ScriptedProvider, soon};

/// What the gateway of the tests adds to the prices, in basis points: a bill without it is wrong.
const MARGIN_BP: u32 = 10_500;

/// A gateway that is not open yet.
struct Plan {
    store: Store,
    settings: Settings,
    funds: Money,
    limits: KeyLimits,
    /// Answers for both vendors; without one the settings say who does.
    provider: Option<Arc<dyn Provider>>,
    seed: u64,
}

impl Plan {
    fn funds(self, funds: Money) -> Self {
        Self { funds, ..self }
    }

    fn limits(self, limits: KeyLimits) -> Self {
        Self { limits, ..self }
    }

    /// Takes a provider that answers for both vendors, in place of the simulated one.
    fn provider(self, provider: Arc<dyn Provider>) -> Self {
        Self { provider: Some(provider), ..self }
    }

    /// Calls both vendors at this address, with the providers of the real ones.
    fn upstream(mut self, base_url: &str) -> Self {
        let upstream = &mut self.settings.upstream;
        for vendor in [&mut upstream.openai, &mut upstream.anthropic] {
            vendor.kind = UpstreamKind::Api;
            vendor.base_url = Some(base_url.to_owned());
            vendor.api_key = Some(CREDENTIAL.to_owned().into());
            vendor.allow_plain_http = true;
        }
        self
    }

    fn gateway(mut self, change: impl FnOnce(&mut GatewaySettings)) -> Self {
        change(&mut self.settings.gateway);
        self
    }

    async fn open(self) -> House {
        let place = self.store.place().await;
        let (funds, limits) = (self.funds, self.limits.clone());
        let mut house = self.open_in(place).await;
        house.admit(funds, limits).await;
        house
    }

    /// Opens a second gateway on the books of the first one, for the same customers.
    async fn open_beside(self, first: &House) -> House {
        let mut second = Self { seed: self.seed + 1, ..self }.open_in(first.place.clone()).await;
        second.customers.clone_from(&first.customers);
        second
    }

    async fn open_in(mut self, place: Place) -> House {
        // The ledger in a database judges what is overdue by the real time.
        let factory = Factory::at(self.seed, SystemClock::new().now());
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(factory.clock());
        place.write_to(&mut self.settings);
        // Migrations are deep futures.
        let ready = Box::pin(Stores::ready(&self.settings.database, Arc::clone(&clock)));
        let stores = ready.await.unwrap();
        let ledger = Arc::new(ScriptedLedger::new(Arc::clone(&stores.ledger)));
        let slots = Arc::new(CountedLimiter::new(MemoryLimiter::new(Arc::clone(&clock))));
        let sheets = Arc::new(FlakyEditions::of(Arc::clone(&stores.price_editions)));
        let price_editions = Arc::<FlakyEditions>::clone(&sheets) as Arc<dyn PriceEditions>;
        let first = Arc::clone(&stores.first_prices);
        let prices = Arc::new(PublishedPrices::new(first, Arc::clone(&price_editions), Arc::clone(&clock)));
        let mut builder = AppBuilder::new(self.settings.clone())
            .clock(clock)
            .entropy(Arc::new(SeededEntropy::new(self.seed)))
            .stores(Stores {
                ledger: Arc::<ScriptedLedger>::clone(&ledger),
                prices,
                price_editions,
                ..stores.clone()
            })
            .limiter(Arc::clone(&slots) as Arc<dyn RateLimiter>);
        if let Some(provider) = self.provider {
            let upstream = |vendor: Vendor| {
                let name = UpstreamName::parse(vendor.as_str()).unwrap();
                Upstream::new(name, vendor, Arc::clone(&provider))
            };
            builder = builder.upstreams(vec![upstream(Vendor::OpenAi), upstream(Vendor::Anthropic)]);
        }
        let app = builder.build().await.unwrap();
        let router = edge::guarded(router(app.clone()), app.clone(), &self.settings.server);
        House { app, router, factory, ledger, sheets, slots, stores, customers: Vec::new(), place }
    }
}

/// Somebody with funds and a key.
#[derive(Clone)]
struct Customer {
    account: AccountId,
    key: ApiKey,
    plain: String,
}

/// A gateway with one customer, or more.
struct House {
    app: App,
    router: Router,
    factory: Factory,
    ledger: Arc<ScriptedLedger>,
    /// The sheets of prices that operators publish.
    sheets: Arc<FlakyEditions>,
    slots: Arc<CountedLimiter<MemoryLimiter>>,
    stores: Stores,
    customers: Vec<Customer>,
    /// Where the books are.
    place: Place,
}

impl House {
    fn plan(store: Store) -> Plan {
        let mut settings = Settings::default();
        settings.gateway.margin_bp = Margin(MARGIN_BP);
        // One call, one attempt, however often the provider fails; `routes` is about the others.
        settings.routing.repeats_max = 0;
        settings.routing.circuit.calls_min = u32::MAX;
        settings.routing.circuit.cool_down = Duration::ZERO;
        settings.routing.circuit.refused_cool_down = Duration::ZERO;
        settings.upstream.openai.kind = UpstreamKind::Simulated;
        settings.upstream.anthropic.kind = UpstreamKind::Simulated;
        Plan { store, settings, funds: cents(500), limits: KeyLimits::default(), provider: None, seed: 7 }
    }

    /// A gateway whose provider answers as the test says.
    fn scripted(store: Store) -> (Plan, Arc<ScriptedProvider>) {
        let provider = Arc::new(ScriptedProvider::default());
        (Self::plan(store).provider(Arc::<ScriptedProvider>::clone(&provider)), provider)
    }

    /// A gateway with the simulated provider and five dollars.
    async fn open(store: Store) -> Self {
        Self::plan(store).open().await
    }

    /// Lets somebody in.
    async fn admit(&mut self, funds: Money, limits: KeyLimits) -> Customer {
        let account = self.factory.account();
        let id = account.id;
        self.stores.accounts.insert(account, &[]).await.unwrap();
        // Only whole cents can be bought.
        let bought = cents(funds.cents(Rounding::Down));
        let granted = funds.checked_sub(bought).unwrap();
        let entries = [self.factory.top_up(id, bought), self.factory.grant(id, granted)];
        let entries = entries.into_iter().filter(|entry| entry.amount > Money::ZERO).collect();
        self.stores.ledger.post(entries).await.unwrap();
        let (plain, key) = self.factory.api_key(id);
        let key = ApiKey { limits, ..key };
        self.stores.keys.insert(key.clone()).await.unwrap();
        let customer = Customer { account: id, key, plain: plain.expose().to_owned() };
        self.customers.push(customer.clone());
        customer
    }

    /// The first customer.
    fn customer(&self) -> &Customer {
        &self.customers[0]
    }

    /// Makes a call and reads the answer to its end.
    async fn send(&self, call: Call) -> Reply {
        self.start(call).await.read().await
    }

    /// Makes a call; the body of the answer is still to be read.
    async fn start(&self, call: Call) -> Opened {
        // Identifiers are ordered by time.
        self.factory.clock().advance(Duration::from_millis(1));
        call.start(self.router.clone(), &self.customer().plain).await
    }

    /// Gives the first customer a monthly limit.
    async fn limit_month(&self, limit: Money) {
        let change = LimitChange { account: self.customer().account, was: None, limit: Some(limit) };
        self.stores.account_limits.change(change).await.unwrap();
    }

    async fn balance(&self) -> Balance {
        self.stores.ledger.balance(self.customer().account).await.unwrap()
    }

    /// Waits for everything that is under way, and checks what holds after every test: no funds
    /// held, no place taken, sound books, and bills that recompute and add up to the balance.
    async fn close(self) -> Vec<RequestRecord> {
        soon("the end of all work", self.app.close()).await;
        let mut first = None;
        for customer in &self.customers {
            let records = self.audit(customer).await;
            first.get_or_insert(records);
        }
        assert_eq!(self.slots.running(), 0, "places of running requests");
        assert_eq!(self.stores.audit.verify().await.unwrap(), [], "invariants of the books");
        self.stores.close().await.unwrap();
        first.unwrap()
    }

    /// The records of a customer, oldest first.
    async fn audit(&self, customer: &Customer) -> Vec<RequestRecord> {
        let all = ListRequests { account: customer.account, key: None, before: None, limit: 10_000 };
        let mut records = self.stores.requests.list(all).await.unwrap();
        records.reverse();
        let mut charged = Money::ZERO;
        for record in &records {
            assert_eq!(record.bill.recompute().unwrap(), record.cost(), "{:?}", record.bill);
            charged = charged.checked_add(record.cost()).unwrap();
        }
        let balance = self.stores.ledger.balance(customer.account).await.unwrap();
        assert_eq!(balance.held, Money::ZERO, "funds held");
        assert_eq!(balance.used, charged, "the records add up to what was used");
        assert_eq!(balance.available, balance.credited.checked_sub(charged).unwrap());
        let spend = self.stores.requests.key_spend(customer.key.id, self.factory.now()).await.unwrap();
        assert_eq!((spend.total, spend.held), (charged, Money::ZERO), "what the key has spent and holds");
        let month =
            self.stores.account_limits.month_spend(customer.account, self.factory.now()).await.unwrap();
        assert_eq!((month.spent, month.held), (spend.month, Money::ZERO), "what the account has spent");
        records
    }
}
