//! What every reader of cost reports and every store of comparisons must do, and a provider that tells
//! its costs.

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
use crate::cost::{CostComparison, CostComparisonStore, CostError, CostReports, Owed};
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
    };
}

/// Both providers on loopback, with one amount on a page. Their socket ends when this is dropped.
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
}

impl FakeCosts {
    /// Two providers that have cost nothing yet.
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("the listener has an address");
        let told = Arc::<Told>::default();
        let router = Router::new()
            .route("/v1/organization/costs", get(openai))
            .route("/v1/organizations/cost_report", get(anthropic))
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

    /// From now on amounts are in another currency than dollars.
    pub fn tell_in(&self, currency: &'static str) {
        *self.told.currency.lock().unwrap_or_else(PoisonError::into_inner) = Some(currency);
    }
}

impl Told {
    /// The amount of a page, and the name of the next page.
    fn page(
        &self,
        of: (Vendor, Timestamp),
        query: &BTreeMap<String, String>,
    ) -> (Option<String>, Option<String>) {
        let number: usize =
            query.get("page").and_then(|page| page.strip_prefix("page_")?.parse().ok()).unwrap_or(0);
        let all = self.amounts.lock().unwrap_or_else(PoisonError::into_inner);
        let amounts = all.get(&of).map(Vec::as_slice).unwrap_or_default();
        let next = number.checked_add(1).filter(|next| *next < amounts.len());
        (amounts.get(number).cloned(), next.map(|next| format!("page_{next}")))
    }

    fn currency(&self, usual: &'static str) -> &'static str {
        self.currency.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(usual)
    }
}

type Answer = Result<Json<Value>, StatusCode>;

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

async fn openai(
    State(told): State<Arc<Told>>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    if header(&headers, "authorization") != format!("Bearer {ADMIN_KEY}") {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let bound = |name: &str| query.get(name).and_then(|text| text.parse::<i64>().ok());
    let (Some(start), Some(end)) = (bound("start_time"), bound("end_time")) else {
        return Err(StatusCode::BAD_REQUEST);
    };
    if query.get("bucket_width").map(String::as_str) != Some("1d") || end - start != 86_400 {
        return Err(StatusCode::BAD_REQUEST);
    }
    let day = Timestamp::from_millis(start * 1_000);
    let (amount, next) = told.page((Vendor::OpenAi, day), &query);
    let currency = told.currency("usd");
    let results: Vec<Value> = amount
        .into_iter()
        .map(|text| {
            json!({"object": "organization.costs.result", "line_item": null, "project_id": null,
            "amount": {"value": number(&text), "currency": currency}})
        })
        .collect();
    let bucket = json!({"object": "bucket", "start_time": start, "end_time": end, "results": results});
    Ok(Json(json!({"object": "page", "data": [bucket], "has_more": next.is_some(), "next_page": next})))
}

/// A number as it is written, digit by digit; a text if it is none.
fn number(text: &str) -> Value {
    let raw = RawValue::from_string(text.to_owned());
    raw.map_or_else(|_no_json| text.into(), |raw| serde_json::to_value(raw).unwrap_or_default())
}

async fn anthropic(
    State(told): State<Arc<Told>>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    if header(&headers, "x-api-key") != ADMIN_KEY || header(&headers, "anthropic-version").is_empty() {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let bound = |name: &str| query.get(name).and_then(|text| text.parse::<Timestamp>().ok());
    let (Some(start), Some(end)) = (bound("starting_at"), bound("ending_at")) else {
        return Err(StatusCode::BAD_REQUEST);
    };
    if end.since(start) != Duration::from_hours(24) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let (amount, next) = told.page((Vendor::Anthropic, start), &query);
    let currency = told.currency("USD");
    let seconds = |at: Timestamp| at.to_string().replace(".000Z", "Z");
    let results: Vec<Value> =
        amount.into_iter().map(|text| json!({"amount": text, "currency": currency})).collect();
    let bucket = json!({"starting_at": seconds(start), "ending_at": seconds(end), "results": results});
    Ok(Json(json!({"data": [bucket], "has_more": next.is_some(), "next_page": next})))
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
}

/// Days are listed latest first.
pub async fn a_day_of_a_provider_has_one_comparison_the_latest(store: impl CostComparisonStore) {
    let owed = Owed { requests: 7, sum: cents(1_000), estimated: cents(5) };
    let (vendor, at) = (Vendor::OpenAi, DAY.plus(Duration::from_hours(40)));
    let first = CostComparison { day: DAY, vendor, at, reported: cents(1_001), owed };
    let other = CostComparison { vendor: Vendor::Anthropic, reported: cents(-3), ..first };
    let next = CostComparison { day: DAY.plus(Duration::from_hours(24)), ..first };
    for comparison in [&first, &other, &next] {
        store.keep(comparison).await.expect("available");
    }
    assert_eq!(store.list(10).await.expect("available"), [next, other, first]);
    let again = CostComparison { reported: cents(900), ..first };
    store.keep(&again).await.expect("available");
    assert_eq!(store.list(10).await.expect("available"), [next, other, again]);
    assert_eq!(store.list(1).await.expect("available"), [next]);
}
