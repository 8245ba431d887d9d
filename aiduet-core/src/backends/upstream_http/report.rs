//! Reports on an organization, which providers tell page by page.

use std::collections::BTreeMap;

use http::header::{HeaderName, HeaderValue};
use serde::de::DeserializeOwned;

use super::UpstreamHttp;
use crate::clock::Timestamp;
use crate::cost::{CostError, DayTokens, ExactSum};
use crate::money::Money;

/// Pages of one day.
const PAGES_MAX: u32 = 1_000;
/// The currency that all amounts must have.
const CURRENCY: &str = "USD";
/// The longest name of a model, in bytes.
const MODEL_BYTES_MAX: usize = 255;

/// A page of a report.
pub(in crate::backends) trait ReportPage: DeserializeOwned {
    /// What the report consists of.
    type Row;

    /// What is on the page; `None` if that cannot be read.
    fn open(self) -> Option<OpenPage<Self::Row>>;
}

/// What is on a page.
pub(in crate::backends) struct OpenPage<Row> {
    /// Each with the moment when its time begins.
    pub(in crate::backends) rows: Vec<(Timestamp, Row)>,
    /// The name of the next page.
    pub(in crate::backends) next: Option<String>,
}

/// An amount in a report of costs.
pub(in crate::backends) struct Amount {
    /// As it is written.
    pub(in crate::backends) text: String,
    pub(in crate::backends) currency: String,
}

/// The tokens of a model in a report of usage, or of a part of its calls.
pub(in crate::backends) struct ModelTokens {
    pub(in crate::backends) model: String,
    pub(in crate::backends) tokens: DayTokens,
}

/// Where a report is, and what is asked of it.
pub(in crate::backends) struct Report<'a> {
    pub(in crate::backends) path: &'static str,
    pub(in crate::backends) query: Vec<(&'static str, String)>,
    pub(in crate::backends) headers: &'a [(HeaderName, HeaderValue)],
}

impl Report<'_> {
    /// The rows of a day on all pages.
    async fn rows<P: ReportPage>(
        self,
        http: &UpstreamHttp,
        day: Timestamp,
    ) -> Result<Vec<P::Row>, CostError> {
        let mut rows = Vec::new();
        let mut page: Option<String> = None;
        for _page in 0..PAGES_MAX {
            let query = self.query.iter().map(|(name, value)| (*name, value.as_str()));
            let query: Vec<_> = query.chain(page.as_deref().map(|page| ("page", page))).collect();
            let (status, body) = http.read((self.path, &query), self.headers).await?;
            if !status.is_success() {
                return Err(CostError::Refused(status.as_u16()));
            }
            let read: P = serde_json::from_slice(&body).map_err(|_shows_input| CostError::Unreadable)?;
            let OpenPage { rows: dated, next } = read.open().ok_or(CostError::Unreadable)?;
            rows.extend(dated.into_iter().filter(|(begin, _row)| *begin == day).map(|(_begin, row)| row));
            if next.is_none() {
                return Ok(rows);
            }
            page = next;
        }
        Err(CostError::Unreadable)
    }

    /// The sum of a day, of amounts in units of ten to the power of `unit` dollars.
    pub(in crate::backends) async fn sum<P: ReportPage<Row: Into<Amount>>>(
        self,
        http: &UpstreamHttp,
        (day, unit): (Timestamp, i32),
    ) -> Result<Money, CostError> {
        let mut sum = ExactSum::default();
        for row in self.rows::<P>(http, day).await? {
            let amount: Amount = row.into();
            if !amount.currency.eq_ignore_ascii_case(CURRENCY) {
                return Err(CostError::Unreadable);
            }
            sum.add(&amount.text, unit).ok_or(CostError::Unreadable)?;
        }
        sum.money().ok_or(CostError::Unreadable)
    }

    /// The tokens of a day by model.
    pub(in crate::backends) async fn tokens<P: ReportPage<Row: Into<ModelTokens>>>(
        self,
        http: &UpstreamHttp,
        day: Timestamp,
    ) -> Result<BTreeMap<String, DayTokens>, CostError> {
        let mut models: BTreeMap<String, DayTokens> = BTreeMap::new();
        for row in self.rows::<P>(http, day).await? {
            let ModelTokens { model, tokens } = row.into();
            if model.len() > MODEL_BYTES_MAX || !model.is_ascii() {
                return Err(CostError::Unreadable);
            }
            models.entry(model).or_default().merge(tokens);
        }
        Ok(models)
    }
}
