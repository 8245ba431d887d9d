//! Cost reports, which providers tell page by page.

use http::header::{HeaderName, HeaderValue};
use serde::de::DeserializeOwned;

use super::UpstreamHttp;
use crate::clock::Timestamp;
use crate::cost::{CostError, ExactSum};
use crate::money::Money;

/// Pages of one day.
const PAGES_MAX: u32 = 1_000;
/// The currency that all amounts must have.
const CURRENCY: &str = "USD";

/// An amount in a report.
pub(in crate::backends) struct Amount {
    /// When the time begins that it is for.
    pub(in crate::backends) begin: Timestamp,
    /// As it is written.
    pub(in crate::backends) text: String,
    pub(in crate::backends) currency: String,
}

/// A page of a report.
pub(in crate::backends) trait CostPage: DeserializeOwned {
    /// In which power of ten of a dollar amounts are written.
    const UNIT: i32;

    /// What is on the page, and the name of the next one; `None` if that cannot be read.
    fn open(self) -> Option<(Vec<Amount>, Option<String>)>;
}

/// Where a report is, and what is asked of it.
pub(in crate::backends) struct Report<'a> {
    pub(in crate::backends) path: &'static str,
    pub(in crate::backends) query: Vec<(&'static str, String)>,
    pub(in crate::backends) headers: &'a [(HeaderName, HeaderValue)],
}

impl Report<'_> {
    /// The sum of a day over all pages.
    pub(in crate::backends) async fn sum<P: CostPage>(
        self,
        http: &UpstreamHttp,
        day: Timestamp,
    ) -> Result<Money, CostError> {
        let mut sum = ExactSum::default();
        let mut page: Option<String> = None;
        for _page in 0..PAGES_MAX {
            let query = self.query.iter().map(|(name, value)| (*name, value.as_str()));
            let query: Vec<_> = query.chain(page.as_deref().map(|page| ("page", page))).collect();
            let (status, body) = http.read((self.path, &query), self.headers).await?;
            if !status.is_success() {
                return Err(CostError::Refused(status.as_u16()));
            }
            let read: P = serde_json::from_slice(&body).map_err(|_shows_input| CostError::Unreadable)?;
            let (amounts, next) = read.open().ok_or(CostError::Unreadable)?;
            for amount in amounts.iter().filter(|amount| amount.begin == day) {
                if !amount.currency.eq_ignore_ascii_case(CURRENCY) {
                    return Err(CostError::Unreadable);
                }
                sum.add(&amount.text, P::UNIT).ok_or(CostError::Unreadable)?;
            }
            if next.is_none() {
                return sum.money().ok_or(CostError::Unreadable);
            }
            page = next;
        }
        Err(CostError::Unreadable)
    }
}
