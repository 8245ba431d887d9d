//! Funds on the way from one model to the next: never a moment without a sufficient hold, one
//! charge, at the price of the model that answered.

use std::sync::{Arc, Mutex};

use aiduet_core::dialect::Endpoint;
use aiduet_core::gateway::Upstream;
use aiduet_core::id::AccountId;
use aiduet_core::ledger::{Ledger, Outcome, UpstreamName};
use aiduet_core::money::Money;
use aiduet_core::price::{Ask, Margin, ModelId, PriceSheet, quote};
use aiduet_core::provider::{Provider, ProviderError, UpstreamCall, UpstreamReply, Vendor};
use aiduet_core::testing::cents;
use async_trait::async_trait;
use serde_json::json;

use super::site::{Form, Plan, request, simulated, with};

/// Whose books are looked at, once there are some.
type Books = Arc<Mutex<Option<(Arc<dyn Ledger>, AccountId)>>>;

/// What is held when a provider is called.
#[derive(Debug)]
struct Watched {
    inner: Option<Arc<dyn Provider>>,
    books: Books,
    held: Arc<Mutex<Vec<Money>>>,
}

#[async_trait]
impl Provider for Watched {
    async fn send(&self, call: UpstreamCall) -> Result<UpstreamReply, ProviderError> {
        let books = self.books.lock().unwrap().clone();
        let (ledger, account) = books.unwrap();
        let held = ledger.balance(account).await.unwrap().held;
        // Counting is free.
        if call.endpoint != Endpoint::CountTokens {
            self.held.lock().unwrap().push(held);
        }
        match &self.inner {
            Some(inner) => inner.send(call).await,
            None => Err(ProviderError::Connect),
        }
    }
}

fn worst_case(model: &str, input_tokens: u64, output_tokens: u64) -> Money {
    let sheet = PriceSheet::embedded().unwrap();
    let model = sheet.find(model).unwrap();
    let ask = Ask { input_tokens, output_tokens, ..Ask::default() };
    quote(model, &ask, Margin::default()).unwrap()
}

/// Asks a model that fails, with another one to fall back on; what was held at each call.
async fn fall_back(
    models: [&str; 2],
    form: Form,
    funds: Money,
) -> (u16, Vec<Money>, Vec<aiduet_core::ledger::RequestRecord>) {
    let books = Books::default();
    let held = Arc::new(Mutex::new(Vec::new()));
    let upstream = |vendor: Vendor, inner: Option<Arc<dyn Provider>>| {
        let provider = Watched { inner, books: Arc::clone(&books), held: Arc::clone(&held) };
        Upstream::new(UpstreamName::parse(vendor.as_str()).unwrap(), vendor, Arc::new(provider))
    };
    let sheet = PriceSheet::embedded().unwrap();
    let failing = sheet.find(models[0]).unwrap().vendor;
    let healthy = sheet.find(models[1]).unwrap().vendor;
    let site = Plan { funds, ..Plan::new() }
        .upstream(upstream(failing, None))
        .upstream(upstream(healthy, Some(simulated())))
        .settings(|settings| settings.routing.repeats_max = 0)
        .open()
        .await;
    *books.lock().unwrap() = Some((Arc::clone(&site.stores.ledger), site.account));
    let chat = Endpoint::ChatCompletions;
    let members = json!({"models": [models[1]], "max_tokens": 10_000, "stream": form.is_stream()});
    let reply = site.ask(chat, &with(request(chat, models[0], "Hello?"), &members)).await;
    let held = held.lock().unwrap().clone();
    (reply.status, held, site.close().await)
}

#[tokio::test]
async fn a_dearer_model_is_called_only_once_it_is_covered() {
    let (cheap, dear) = ("gpt-5.4-mini", "claude-opus-4-6");
    for (form, output) in [(Form::Whole, 10_000), (Form::Events, 8_192)] {
        let (status, held, records) = fall_back([cheap, dear], form, cents(1_000)).await;
        assert_eq!((status, held.len()), (200, 2));
        assert!(held[0] >= worst_case(cheap, 1, output) && held[0] < worst_case(dear, 1, output));
        assert!(held[1] >= worst_case(dear, 1, output), "{} held", held[1]);
        let [record] = records.as_slice() else { panic!("one record") };
        assert_eq!((record.model.as_str(), record.outcome), (dear, Outcome::Completed));
        assert!(record.cost() > Money::ZERO && record.cost() < held[1]);
    }
}

#[tokio::test]
async fn what_is_held_for_a_dearer_model_covers_a_cheaper_one() {
    let (cheap, dear) = ("gpt-5.4-mini", "claude-opus-4-6");
    let (status, held, records) = fall_back([dear, cheap], Form::Whole, cents(1_000)).await;
    assert_eq!((status, held.len()), (200, 2));
    assert_eq!(held[0], held[1], "nothing more is set aside");
    assert_eq!(records[0].model.as_str(), cheap);
    let priced = records[0].bill.lines.iter().all(|line| line.model == ModelId::parse(cheap).unwrap());
    assert!(priced && records[0].cost() > Money::ZERO);
}

#[tokio::test]
async fn a_model_that_the_funds_do_not_cover_is_not_called_and_the_failure_is_told() {
    let (cheap, dear) = ("gpt-5.4-mini", "claude-opus-4-6");
    let funds = cents(2);
    assert!(funds > worst_case(cheap, 200, 1_024) && funds < worst_case(dear, 1, 1_024));
    let (status, held, records) = fall_back([cheap, dear], Form::Whole, funds).await;
    assert_eq!((status, held.len()), (503, 1));
    let [record] = records.as_slice() else { panic!("one record") };
    assert_eq!(
        (record.model.as_str(), record.outcome, record.cost()),
        (cheap, Outcome::UpstreamError, Money::ZERO)
    );
}

#[tokio::test]
async fn the_output_limit_of_the_model_that_answers_is_lowered_to_what_the_funds_cover() {
    let (cheap, dear) = ("gpt-5.4-mini", "claude-opus-4-6");
    let funds = cents(10);
    assert!(funds > worst_case(dear, 200, 1_024) && funds < worst_case(dear, 1, 10_000));
    let (status, held, records) = fall_back([cheap, dear], Form::Whole, funds).await;
    assert_eq!((status, held.len()), (200, 2));
    assert!(held[1] <= funds && held[1] > worst_case(dear, 1, 1_024));
    assert_eq!(records[0].model.as_str(), dear);
}
