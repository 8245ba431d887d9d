//! The cost and usage reports of an organization.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::AnthropicConfig;
use super::provider::VERSION;
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
/// Anthropic API reference, "Get Cost Report" (`GET /v1/organizations/cost_report`): amounts are decimal
/// texts in cents, without what the Priority Tier costs; "Get Messages Usage Report" (`GET
/// /v1/organizations/usage_report/messages`): prompt tokens are told by what caches did with them. Read
/// 2026-11-27.
#[derive(Debug)]
pub struct AnthropicCosts {
    http: UpstreamHttp,
}

/// In which power of ten of a dollar amounts are written.
const CENTS: i32 = -2;

impl AnthropicCosts {
    /// A reader with its own connection; the credential is an admin key.
    ///
    /// # Errors
    /// [`UpstreamConfigError`] if the settings cannot work.
    pub fn new(config: AnthropicConfig, clock: Arc<dyn Clock>) -> Result<Self, UpstreamConfigError> {
        Ok(Self { http: config.connect(clock)? })
    }
}

/// Asks for one day.
fn query(day: Timestamp) -> Vec<(&'static str, String)> {
    let end = SpendPeriod::Day.end(day).unwrap_or(day);
    vec![("starting_at", day.to_string()), ("ending_at", end.to_string()), ("bucket_width", "1d".to_owned())]
}

#[async_trait]
impl CostReports for AnthropicCosts {
    async fn of_day(&self, day: Timestamp) -> Result<Money, CostError> {
        let path = "/v1/organizations/cost_report";
        let report = Report { path, query: query(day), headers: &[VERSION] };
        report.sum::<Page<Cost>>(&self.http, (day, CENTS)).await
    }

    async fn tokens_of_day(&self, day: Timestamp) -> Result<BTreeMap<String, DayTokens>, CostError> {
        let mut query = query(day);
        query.push(("group_by[]", "model".to_owned()));
        let path = "/v1/organizations/usage_report/messages";
        Report { path, query, headers: &[VERSION] }.tokens::<Page<Used>>(&self.http, day).await
    }
}

#[derive(Deserialize)]
struct Page<T> {
    data: Vec<Bucket<T>>,
    next_page: Option<String>,
}

#[derive(Deserialize)]
struct Bucket<T> {
    /// RFC 3339.
    starting_at: String,
    results: Vec<T>,
}

#[derive(Deserialize)]
struct Cost {
    /// Cents.
    amount: String,
    currency: String,
}

#[derive(Deserialize)]
struct Used {
    model: String,
    uncached_input_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation: Written,
    output_tokens: u64,
}

/// Tokens written to caches.
#[derive(Deserialize)]
struct Written {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

impl From<Cost> for Amount {
    fn from(Cost { amount: text, currency }: Cost) -> Self {
        Self { text, currency }
    }
}

impl From<Used> for ModelTokens {
    fn from(used: Used) -> Self {
        let Written { ephemeral_5m_input_tokens, ephemeral_1h_input_tokens } = used.cache_creation;
        let input = used
            .uncached_input_tokens
            .saturating_add(used.cache_read_input_tokens)
            .saturating_add(ephemeral_5m_input_tokens)
            .saturating_add(ephemeral_1h_input_tokens);
        Self { model: used.model, tokens: DayTokens { input, output: used.output_tokens } }
    }
}

impl<T: DeserializeOwned> ReportPage for Page<T> {
    type Row = T;

    fn open(self) -> Option<OpenPage<T>> {
        let mut rows = Vec::new();
        for Bucket { starting_at, results } in self.data {
            let begin: Timestamp = starting_at.parse().ok()?;
            rows.extend(results.into_iter().map(|row| (begin, row)));
        }
        Some(OpenPage { rows, next: self.next_page })
    }
}

#[cfg(test)]
#[cfg(all(feature = "http", feature = "testing"))]
mod tests {
    use super::*;
    use crate::backends::upstream_http::UpstreamHttpConfig;
    use crate::provider::Vendor;
    use crate::secret::Secret;

    fn reports(base_url: &str, credential: Secret<String>, clock: Arc<dyn Clock>) -> AnthropicCosts {
        let http = UpstreamHttpConfig::on_loopback(base_url);
        AnthropicCosts::new(AnthropicConfig { api_key: credential, http }, clock).unwrap()
    }

    crate::cost_reports_conformance!(Vendor::Anthropic, reports);
}
