//! The cost and usage reports of an organization.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::OpenAiConfig;
use crate::backends::upstream_http::{
    Amount, ModelTokens, OpenPage, Report, ReportPage, UpstreamConfigError, UpstreamHttp,
};
use crate::clock::{Clock, Timestamp};
use crate::cost::{CostError, CostReports, DayTokens};
use crate::ledger::SpendPeriod;
use crate::money::Money;

/// Reads the costs and the usage of an organization with an admin key.
///
/// # Source
/// OpenAI API reference, "Costs" (`GET /v1/organization/costs`), "Completions" and "Embeddings" of "Usage"
/// (`GET /v1/organization/usage/…`): `input_tokens` has those read from and written to caches. Read
/// 2026-11-27.
#[derive(Debug)]
pub struct OpenAiCosts {
    http: UpstreamHttp,
}

/// The usage of what we call: Chat Completions and Responses, and Embeddings.
const USAGE: [&str; 2] = ["/v1/organization/usage/completions", "/v1/organization/usage/embeddings"];

impl OpenAiCosts {
    /// A reader with its own connection; the credential is an admin key.
    ///
    /// # Errors
    /// [`UpstreamConfigError`] if the settings cannot work.
    pub fn new(config: OpenAiConfig, clock: Arc<dyn Clock>) -> Result<Self, UpstreamConfigError> {
        Ok(Self { http: config.connect(clock)? })
    }
}

/// Asks for one day.
fn query(day: Timestamp) -> Vec<(&'static str, String)> {
    let end = SpendPeriod::Day.end(day).unwrap_or(day);
    let seconds = |at: Timestamp| at.millis().div_euclid(1_000).to_string();
    vec![("start_time", seconds(day)), ("end_time", seconds(end)), ("bucket_width", "1d".to_owned())]
}

#[async_trait]
impl CostReports for OpenAiCosts {
    async fn of_day(&self, day: Timestamp) -> Result<Money, CostError> {
        let report = Report { path: "/v1/organization/costs", query: query(day), headers: &[] };
        report.sum::<Page<Cost>>(&self.http, (day, 0)).await
    }

    async fn tokens_of_day(&self, day: Timestamp) -> Result<BTreeMap<String, DayTokens>, CostError> {
        let mut models: BTreeMap<String, DayTokens> = BTreeMap::new();
        for path in USAGE {
            let mut query = query(day);
            query.push(("group_by", "model".to_owned()));
            let report = Report { path, query, headers: &[] };
            for (model, tokens) in report.tokens::<Page<Used>>(&self.http, day).await? {
                models.entry(model).or_default().merge(tokens);
            }
        }
        Ok(models)
    }
}

#[derive(Deserialize)]
struct Page<T> {
    data: Vec<Bucket<T>>,
    next_page: Option<String>,
}

#[derive(Deserialize)]
struct Bucket<T> {
    /// Seconds since 1970.
    start_time: i64,
    results: Vec<T>,
}

#[derive(Deserialize)]
struct Cost {
    amount: Dollars,
}

#[derive(Deserialize)]
struct Dollars {
    /// A number, which would lose digits as a float.
    value: Box<RawValue>,
    currency: String,
}

#[derive(Deserialize)]
struct Used {
    model: String,
    input_tokens: u64,
    /// Not told of embeddings.
    #[serde(default)]
    output_tokens: u64,
}

impl From<Cost> for Amount {
    fn from(Cost { amount: Dollars { value, currency } }: Cost) -> Self {
        Self { text: value.get().trim_matches('"').to_owned(), currency }
    }
}

impl From<Used> for ModelTokens {
    fn from(Used { model, input_tokens, output_tokens }: Used) -> Self {
        Self { model, tokens: DayTokens { input: input_tokens, output: output_tokens } }
    }
}

impl<T: DeserializeOwned> ReportPage for Page<T> {
    type Row = T;

    fn open(self) -> Option<OpenPage<T>> {
        let rows = self.data.into_iter().flat_map(|Bucket { start_time, results }| {
            let begin = Timestamp::from_millis(start_time.saturating_mul(1_000));
            results.into_iter().map(move |row| (begin, row))
        });
        Some(OpenPage { rows: rows.collect(), next: self.next_page })
    }
}

#[cfg(test)]
#[cfg(all(feature = "http", feature = "testing"))]
mod tests {
    use super::*;
    use crate::backends::upstream_http::UpstreamHttpConfig;
    use crate::provider::Vendor;
    use crate::secret::Secret;

    fn reports(base_url: &str, credential: Secret<String>, clock: Arc<dyn Clock>) -> OpenAiCosts {
        let http = UpstreamHttpConfig::on_loopback(base_url);
        OpenAiCosts::new(OpenAiConfig { api_key: credential, http }, clock).unwrap()
    }

    crate::cost_reports_conformance!(Vendor::OpenAi, reports);
}
