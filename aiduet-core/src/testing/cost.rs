//! What every reader of cost and usage reports and every store of comparisons must do, and providers that
//! tell both.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{Factory, cents};
use crate::clock::{Clock, Timestamp};
use crate::cost::{
    CostComparison, CostComparisonStore, CostError, CostReports, DayComparison, DayTokens, Owed,
    TokenComparison,
};
use crate::money::Money;
use crate::provider::Vendor;
use crate::secret::Secret;

/// The admin key that [`FakeCosts`] takes.
pub const ADMIN_KEY: &str = "sk-admin-0123456789";

/// Expands to one test per case of the suite.
///
/// The arguments are the vendor and a `fn(&str, Secret<String>, Arc<dyn Clock>) -> impl CostReports` that
/// makes a reader for a base URL and a credential.
#[macro_export]
macro_rules! cost_reports_conformance {
    ($vendor:expr, $reports:path) => {
        $crate::cost_reports_conformance! {
            @cases $vendor, $reports:
            a_day_is_summed_exactly_over_all_pages
            a_day_without_costs_is_zero
            tokens_are_told_by_model_over_all_pages
            what_cannot_be_read_is_no_report
            a_wrong_key_is_refused
        }
    };
    (@cases $vendor:expr, $reports:path: $($case:ident)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::testing::cost::$case($vendor, $reports).await;
            }
        )+
    };
}

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty store; `None` skips the case,
/// after the function has printed why.
#[macro_export]
macro_rules! cost_comparison_store_conformance {
    ($new_store:path) => {
        #[tokio::test]
        async fn a_day_of_a_provider_has_one_comparison_the_latest() {
            if let Some(store) = $new_store().await {
                $crate::testing::cost::a_day_of_a_provider_has_one_comparison_the_latest(store).await;
            }
        }

        #[tokio::test]
        async fn the_tokens_of_a_day_are_replaced_as_a_whole() {
            if let Some(store) = $new_store().await {
                $crate::testing::cost::the_tokens_of_a_day_are_replaced_as_a_whole(store).await;
            }
        }
    };
}

/// Both providers on loopback, with one amount or model on a page. Their socket ends when this is dropped.
#[derive(Debug)]
pub struct FakeCosts {
    /// Where they are.
    pub base_url: String,
    told: Arc<Told>,
    _server: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Told {
    /// As they are written.
    amounts: Mutex<BTreeMap<(Vendor, Timestamp), Vec<String>>>,
    currency: Mutex<Option<&'static str>>,
    tokens: Mutex<BTreeMap<(Vendor, Timestamp), Vec<ToldModel>>>,
}

type ToldModel = (&'static str, ToldTokens);

/// Tokens of a model by what caches did with them: uncached, read, written; and those generated.
pub type ToldTokens = [u64; 4];

impl FakeCosts {
    /// Two providers that have cost nothing yet.
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("the listener has an address");
        let told = Arc::<Told>::default();
        let router = Router::new()
            .route("/v1/organization/costs", get(openai))
            .route("/v1/organizations/cost_report", get(anthropic))
            .route("/v1/organization/usage/completions", get(openai_usage))
            .route("/v1/organization/usage/embeddings", get(openai_embeddings))
            .route("/v1/organizations/usage_report/messages", get(anthropic_usage))
            .with_state(Arc::clone(&told));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.expect("the server never ends") });
        Self { base_url: format!("http://{address}"), told, _server: server }
    }

    /// From now on a day costs these amounts, as a provider writes them: OpenAI numbers of dollars,
    /// Anthropic texts of cents.
    pub fn tell(&self, (vendor, day): (Vendor, Timestamp), amounts: &[&str]) {
        let amounts = amounts.iter().map(|text| (*text).to_owned()).collect();
        let mut all = self.told.amounts.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert((vendor, day), amounts);
    }

    /// From now on this was counted on a day, for each model.
    pub fn count(&self, of: (Vendor, Timestamp), models: &[(&'static str, ToldTokens)]) {
        let mut all = self.told.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(of, models.to_vec());
    }

    /// From now on amounts are in another currency than dollars.
    pub fn tell_in(&self, currency: &'static str) {
        *self.told.currency.lock().unwrap_or_else(PoisonError::into_inner) = Some(currency);
    }
}

impl Told {
    fn amounts(&self, of: (Vendor, Timestamp)) -> Vec<String> {
        self.amounts.lock().unwrap_or_else(PoisonError::into_inner).get(&of).cloned().unwrap_or_default()
    }

    /// The models that embed, or those that do not.
    fn tokens(&self, of: (Vendor, Timestamp), embedding: Embedding) -> Vec<ToldModel> {
        let all = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let models = all.get(&of).into_iter().flatten();
        models
            .filter(|(model, _)| model.contains("embedding") == (embedding == Embedding::Yes))
            .copied()
            .collect()
    }

    fn currency(&self, usual: &'static str) -> &'static str {
        self.currency.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(usual)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Embedding {
    Yes,
    No,
}

type Answer = Result<Json<Value>, StatusCode>;
type Asked = BTreeMap<String, String>;

/// What is on the page that is asked for, and the name of the next page.
fn page<T: Clone>(all: &[T], query: &Asked) -> (Option<T>, Option<String>) {
    let number: usize =
        query.get("page").and_then(|page| page.strip_prefix("page_")?.parse().ok()).unwrap_or(0);
    let next = number.checked_add(1).filter(|next| *next < all.len());
    (all.get(number).cloned(), next.map(|next| format!("page_{next}")))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The day that OpenAI is asked for.
fn openai_day(headers: &HeaderMap, query: &Asked) -> Result<Timestamp, StatusCode> {
    if header(headers, "authorization") != format!("Bearer {ADMIN_KEY}") {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let bound = |name: &str| query.get(name).and_then(|text| text.parse::<i64>().ok());
    let (Some(start), Some(end)) = (bound("start_time"), bound("end_time")) else {
        return Err(StatusCode::BAD_REQUEST);
    };
    if query.get("bucket_width").map(String::as_str) != Some("1d") || end - start != 86_400 {
        return Err(StatusCode::BAD_REQUEST);
    }
    Ok(Timestamp::from_millis(start * 1_000))
}

/// A day with the ones beside it, which nobody has asked for.
fn around(day: Timestamp) -> [Timestamp; 3] {
    const WHOLE: Duration = Duration::from_hours(24);
    [day.minus(WHOLE), day, day.plus(WHOLE)]
}

fn openai_page(day: Timestamp, results: &[Value], next: Option<String>) -> Json<Value> {
    let buckets = around(day).map(|day| {
        let start = day.millis() / 1_000;
        json!({"object": "bucket", "start_time": start, "end_time": start + 86_400, "results": results})
    });
    Json(json!({"object": "page", "data": buckets, "has_more": next.is_some(), "next_page": next}))
}

async fn openai(State(told): State<Arc<Told>>, headers: HeaderMap, Query(query): Query<Asked>) -> Answer {
    let day = openai_day(&headers, &query)?;
    let (amount, next) = page(&told.amounts((Vendor::OpenAi, day)), &query);
    let currency = told.currency("usd");
    let results: Vec<Value> = amount
        .into_iter()
        .map(|text| {
            json!({"object": "organization.costs.result", "line_item": null, "project_id": null,
            "amount": {"value": number(&text), "currency": currency}})
        })
        .collect();
    Ok(openai_page(day, &results, next))
}

async fn openai_usage(
    State(told): State<Arc<Told>>,
    headers: HeaderMap,
    Query(query): Query<Asked>,
) -> Answer {
    openai_tokens(&told, (&headers, &query), Embedding::No)
}

async fn openai_embeddings(
    State(told): State<Arc<Told>>,
    headers: HeaderMap,
    Query(query): Query<Asked>,
) -> Answer {
    openai_tokens(&told, (&headers, &query), Embedding::Yes)
}

/// Of embeddings only the tokens of the prompt are told.
fn openai_tokens(told: &Told, (headers, query): (&HeaderMap, &Asked), embedding: Embedding) -> Answer {
    let day = openai_day(headers, query)?;
    let (model, next) = page(&told.tokens((Vendor::OpenAi, day), embedding), query);
    let is_grouped = query.get("group_by").is_some_and(|by| by == "model");
    let results: Vec<Value> = model
        .into_iter()
        .map(|(model, [uncached, read, written, output])| {
            let model = is_grouped.then_some(model);
            match embedding {
                Embedding::Yes => json!({"object": "organization.usage.embeddings.result", "model": model,
                    "input_tokens": uncached, "num_model_requests": 1}),
                Embedding::No => json!({"object": "organization.usage.completions.result", "model": model,
                    "input_tokens": uncached + read + written, "input_cached_tokens": read,
                    "output_tokens": output, "num_model_requests": 1}),
            }
        })
        .collect();
    Ok(openai_page(day, &results, next))
}

/// A number as it is written, digit by digit; a text if it is none.
fn number(text: &str) -> Value {
    let raw = RawValue::from_string(text.to_owned());
    raw.map_or_else(|_no_json| text.into(), |raw| serde_json::to_value(raw).unwrap_or_default())
}

/// The day that Anthropic is asked for.
fn anthropic_day(headers: &HeaderMap, query: &Asked) -> Result<Timestamp, StatusCode> {
    if header(headers, "x-api-key") != ADMIN_KEY || header(headers, "anthropic-version").is_empty() {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let bound = |name: &str| query.get(name).and_then(|text| text.parse::<Timestamp>().ok());
    let (Some(start), Some(end)) = (bound("starting_at"), bound("ending_at")) else {
        return Err(StatusCode::BAD_REQUEST);
    };
    if end.since(start) == Duration::from_hours(24) { Ok(start) } else { Err(StatusCode::BAD_REQUEST) }
}

fn anthropic_page(day: Timestamp, results: &[Value], next: Option<String>) -> Json<Value> {
    let seconds = |at: Timestamp| at.to_string().replace(".000Z", "Z");
    let buckets = around(day).map(|day| {
        let end = seconds(day.plus(Duration::from_hours(24)));
        json!({"starting_at": seconds(day), "ending_at": end, "results": results})
    });
    Json(json!({"data": buckets, "has_more": next.is_some(), "next_page": next}))
}

async fn anthropic(State(told): State<Arc<Told>>, headers: HeaderMap, Query(query): Query<Asked>) -> Answer {
    let day = anthropic_day(&headers, &query)?;
    let (amount, next) = page(&told.amounts((Vendor::Anthropic, day)), &query);
    let currency = told.currency("USD");
    let results: Vec<Value> =
        amount.into_iter().map(|text| json!({"amount": text, "currency": currency})).collect();
    Ok(anthropic_page(day, &results, next))
}

async fn anthropic_usage(
    State(told): State<Arc<Told>>,
    headers: HeaderMap,
    Query(query): Query<Asked>,
) -> Answer {
    let day = anthropic_day(&headers, &query)?;
    let (model, next) = page(&told.tokens((Vendor::Anthropic, day), Embedding::No), &query);
    let is_grouped = query.get("group_by[]").is_some_and(|by| by == "model");
    let results: Vec<Value> = model
        .into_iter()
        .map(|(model, [uncached, read, written, output])| {
            let long = written / 3;
            json!({"model": is_grouped.then_some(model), "uncached_input_tokens": uncached,
            "cache_read_input_tokens": read, "output_tokens": output, "cache_creation":
            {"ephemeral_5m_input_tokens": written - long, "ephemeral_1h_input_tokens": long},
            "server_tool_use": {"web_search_requests": 0}})
        })
        .collect();
    Ok(anthropic_page(day, &results, next))
}

/// Makes a reader.
type NewReports<R> = fn(&str, Secret<String>, Arc<dyn Clock>) -> R;

/// 2026-11-25.
const DAY: Timestamp = Timestamp::from_millis(1_795_564_800_000);

fn reader<R: CostReports>(costs: &FakeCosts, new: NewReports<R>, key: &str) -> R {
    let clock: Arc<dyn Clock> = Arc::<crate::clock::ManualClock>::clone(Factory::new(71).clock());
    new(&costs.base_url, Secret::new(key.to_owned()), clock)
}

/// What a float would get wrong.
pub async fn a_day_is_summed_exactly_over_all_pages<R: CostReports>(vendor: Vendor, new: NewReports<R>) {
    let costs = FakeCosts::open().await;
    let reports = reader(&costs, new, ADMIN_KEY);
    let (amounts, sum) = match vendor {
        Vendor::OpenAi => (["12.10", "0.2", "6e-05"], 12_300_060_000),
        Vendor::Anthropic => (["1210", "20.000001", "0.005999"], 12_300_060_000),
    };
    costs.tell((vendor, DAY), &amounts);
    costs.tell((vendor, DAY.plus(Duration::from_hours(24))), &["99"]);
    let told = reports.of_day(DAY).await.expect("the report can be read");
    assert_eq!(told, Money::from_nanos(sum));
}

/// Nothing was called.
pub async fn a_day_without_costs_is_zero<R: CostReports>(vendor: Vendor, new: NewReports<R>) {
    let costs = FakeCosts::open().await;
    costs.tell((vendor, DAY.plus(Duration::from_hours(24))), &["99"]);
    let told = reader(&costs, new, ADMIN_KEY).of_day(DAY).await;
    assert_eq!(told.expect("the report can be read"), Money::ZERO);
}

/// Prompt tokens are those that caches held too, and a model that is told of twice is one.
pub async fn tokens_are_told_by_model_over_all_pages<R: CostReports>(vendor: Vendor, new: NewReports<R>) {
    let costs = FakeCosts::open().await;
    let reports = reader(&costs, new, ADMIN_KEY);
    let models = [("m-1", [1, 20, 300, 4_000]), ("m-2", [5, 0, 0, 6]), ("m-1", [7, 0, 0, 0])];
    costs.count((vendor, DAY), &models);
    costs.count((vendor, DAY.plus(Duration::from_hours(24))), &[("m-1", [99; 4])]);
    let told = reports.tokens_of_day(DAY).await.expect("the report can be read");
    let tokens = |input, output| DayTokens { input, output };
    let expected = [("m-1".to_owned(), tokens(328, 4_000)), ("m-2".to_owned(), tokens(5, 6))];
    assert_eq!(told, BTreeMap::from(expected));
    if vendor == Vendor::OpenAi {
        costs.count((vendor, DAY), &[("text-embedding-3", [8, 0, 0, 0])]);
        let told = reports.tokens_of_day(DAY).await.expect("the report can be read");
        assert_eq!(told, BTreeMap::from([("text-embedding-3".to_owned(), tokens(8, 0))]));
    }
}

/// No amount is guessed.
pub async fn what_cannot_be_read_is_no_report<R: CostReports>(vendor: Vendor, new: NewReports<R>) {
    let costs = FakeCosts::open().await;
    let reports = reader(&costs, new, ADMIN_KEY);
    costs.tell((vendor, DAY), &["1", "a lot"]);
    let told = reports.of_day(DAY).await;
    assert!(matches!(told, Err(CostError::Unreadable)), "{told:?}");
    costs.tell((vendor, DAY), &["1"]);
    costs.tell_in("EUR");
    let told = reports.of_day(DAY).await;
    assert!(matches!(told, Err(CostError::Unreadable)), "{told:?}");
}

/// Nothing is told.
pub async fn a_wrong_key_is_refused<R: CostReports>(_vendor: Vendor, new: NewReports<R>) {
    let costs = FakeCosts::open().await;
    let told = reader(&costs, new, "sk-of-somebody-else").of_day(DAY).await;
    assert!(matches!(told, Err(CostError::Refused(401))), "{told:?}");
    let told = reader(&costs, new, "sk-of-somebody-else").tokens_of_day(DAY).await;
    assert!(matches!(told, Err(CostError::Refused(401))), "{told:?}");
}

/// Days are listed latest first.
pub async fn a_day_of_a_provider_has_one_comparison_the_latest(store: impl CostComparisonStore) {
    let owed = Owed { requests: 7, sum: cents(1_000), estimated: cents(5) };
    let (vendor, at) = (Vendor::OpenAi, DAY.plus(Duration::from_hours(40)));
    let first = CostComparison { day: DAY, vendor, at, reported: cents(1_001), owed };
    let other = CostComparison { vendor: Vendor::Anthropic, reported: cents(-3), ..first };
    let next = CostComparison { day: DAY.plus(Duration::from_hours(24)), ..first };
    let keep = async |cost: CostComparison| {
        store.keep(&DayComparison { cost, tokens: Vec::new() }).await.expect("available");
    };
    for comparison in [first, other, next] {
        keep(comparison).await;
    }
    assert_eq!(store.list(10).await.expect("available"), [next, other, first]);
    let again = CostComparison { reported: cents(900), ..first };
    keep(again).await;
    assert_eq!(store.list(10).await.expect("available"), [next, other, again]);
    assert_eq!(store.list(1).await.expect("available"), [next]);
}

/// A model that is no longer told of is not there any more; other days and providers keep theirs.
pub async fn the_tokens_of_a_day_are_replaced_as_a_whole(store: impl CostComparisonStore) {
    let (next, at) = (DAY.plus(Duration::from_hours(24)), DAY.plus(Duration::from_hours(40)));
    let tokens = |input, output| DayTokens { input, output };
    let model = |day, vendor, (name, count): (&str, u64)| TokenComparison {
        day,
        vendor,
        model: name.to_owned(),
        reported: tokens(count, 2),
        recorded: tokens(3, 4),
        estimated: tokens(5, 6),
        worth: (count > 1).then(|| cents(7)),
    };
    let keep = async |day, vendor, models: &[(&str, u64)]| {
        let owed = Owed::default();
        let cost = CostComparison { day, vendor, at, reported: cents(1), owed };
        let tokens: Vec<_> = models.iter().map(|told| model(day, vendor, *told)).collect();
        store.keep(&DayComparison { cost, tokens: tokens.clone() }).await.expect("available");
        tokens
    };
    let first = keep(DAY, Vendor::OpenAi, &[("m-1", 1), ("m-2", u64::from(u32::MAX) * 9)]).await;
    let other = keep(DAY, Vendor::Anthropic, &[("m-1", 8)]).await;
    let later = keep(next, Vendor::OpenAi, &[("m-2", 9)]).await;
    assert_eq!(store.tokens(DAY, Vendor::OpenAi).await.expect("available"), first);
    let again = keep(DAY, Vendor::OpenAi, &[("m-3", 3)]).await;
    assert_eq!(store.tokens(DAY, Vendor::OpenAi).await.expect("available"), again);
    assert_eq!(store.tokens(DAY, Vendor::Anthropic).await.expect("available"), other);
    assert_eq!(store.tokens(next, Vendor::OpenAi).await.expect("available"), later);
    assert!(store.tokens(next, Vendor::Anthropic).await.expect("available").is_empty());
}
