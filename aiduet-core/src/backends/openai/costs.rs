//! The cost report of an organization.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::OpenAiConfig;
use crate::backends::upstream_http::{Amount, CostPage, Report, UpstreamConfigError, UpstreamHttp};
use crate::clock::{Clock, Timestamp};
use crate::cost::{CostError, CostReports};
use crate::ledger::SpendPeriod;
use crate::money::Money;

/// Reads the costs of an organization with an admin key.
///
/// # Source
/// OpenAI API reference, "Costs" (`GET /v1/organization/costs`), read 2026-11-27.
#[derive(Debug)]
pub struct OpenAiCosts {
    http: UpstreamHttp,
}

impl OpenAiCosts {
    /// A reader with its own connection; the credential is an admin key.
    ///
    /// # Errors
    /// [`UpstreamConfigError`] if the settings cannot work.
    pub fn new(config: OpenAiConfig, clock: Arc<dyn Clock>) -> Result<Self, UpstreamConfigError> {
        Ok(Self { http: config.connect(clock)? })
    }
}

#[async_trait]
impl CostReports for OpenAiCosts {
    async fn of_day(&self, day: Timestamp) -> Result<Money, CostError> {
        let end = SpendPeriod::Day.end(day).unwrap_or(day);
        let seconds = |at: Timestamp| at.millis().div_euclid(1_000).to_string();
        let query =
            vec![("start_time", seconds(day)), ("end_time", seconds(end)), ("bucket_width", "1d".to_owned())];
        let report = Report { path: "/v1/organization/costs", query, headers: &[] };
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
    /// Seconds since 1970.
    start_time: i64,
    results: Vec<Cost>,
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

impl CostPage for Page {
    const UNIT: i32 = 0;

    fn open(self) -> Option<(Vec<Amount>, Option<String>)> {
        let amounts = self.data.into_iter().flat_map(|Bucket { start_time, results }| {
            let begin = Timestamp::from_millis(start_time.saturating_mul(1_000));
            results.into_iter().map(move |Cost { amount: Dollars { value, currency } }| Amount {
                begin,
                text: value.get().trim_matches('"').to_owned(),
                currency,
            })
        });
        Some((amounts.collect(), self.next_page))
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
