//! The cost report of an organization.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;

use super::AnthropicConfig;
use super::provider::VERSION;
use crate::backends::upstream_http::{Amount, CostPage, Report, UpstreamConfigError, UpstreamHttp};
use crate::clock::{Clock, Timestamp};
use crate::cost::{CostError, CostReports};
use crate::ledger::SpendPeriod;
use crate::money::Money;

/// Reads the costs of an organization with an admin key.
///
/// # Source
/// Anthropic API reference, "Get Cost Report" (`GET /v1/organizations/cost_report`): amounts are decimal
/// texts in cents, without what the Priority Tier costs. Read 2026-11-27.
#[derive(Debug)]
pub struct AnthropicCosts {
    http: UpstreamHttp,
}

impl AnthropicCosts {
    /// A reader with its own connection; the credential is an admin key.
    ///
    /// # Errors
    /// [`UpstreamConfigError`] if the settings cannot work.
    pub fn new(config: AnthropicConfig, clock: Arc<dyn Clock>) -> Result<Self, UpstreamConfigError> {
        Ok(Self { http: config.connect(clock)? })
    }
}

#[async_trait]
impl CostReports for AnthropicCosts {
    async fn of_day(&self, day: Timestamp) -> Result<Money, CostError> {
        let end = SpendPeriod::Day.end(day).unwrap_or(day);
        let query = vec![
            ("starting_at", day.to_string()),
            ("ending_at", end.to_string()),
            ("bucket_width", "1d".to_owned()),
        ];
        let report = Report { path: "/v1/organizations/cost_report", query, headers: &[VERSION] };
        report.sum::<Page>(&self.http, day).await
    }
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Bucket>,
    next_page: Option<String>,
}

#[derive(Deserialize)]
struct Bucket {
    /// RFC 3339.
    starting_at: String,
    results: Vec<Cost>,
}

#[derive(Deserialize)]
struct Cost {
    /// Cents.
    amount: String,
    currency: String,
}

impl CostPage for Page {
    const UNIT: i32 = -2;

    fn open(self) -> Option<(Vec<Amount>, Option<String>)> {
        let mut amounts = Vec::new();
        for Bucket { starting_at, results } in self.data {
            let begin: Timestamp = starting_at.parse().ok()?;
            let costs = results.into_iter();
            amounts.extend(costs.map(|Cost { amount: text, currency }| Amount { begin, text, currency }));
        }
        Some((amounts, self.next_page))
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
