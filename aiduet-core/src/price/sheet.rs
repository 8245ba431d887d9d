//! The catalogue in force at one time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Factor, Rate, RateCard};
use crate::clock::Timestamp;
use crate::dialect::Endpoint;
use crate::provider::Vendor;
use crate::usage::ServiceTier;

/// A model of the catalogue: a name from our own list, so it may be stored and logged.
///
/// 1 to 80 characters `A-Z a-z 0-9 . _ : -`. Text from a request becomes a `ModelId` only by
/// being found in a [`PriceSheet`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelId(Arc<str>);

/// The text cannot be a model of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid model identifier")]
pub struct InvalidModelId;

impl ModelId {
    /// Reads an identifier of the catalogue, a configuration or a record.
    ///
    /// # Errors
    /// [`InvalidModelId`] for other characters or lengths.
    pub fn parse(text: &str) -> Result<Self, InvalidModelId> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
        if (1..=80).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidModelId)
        }
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ModelId {
    type Error = InvalidModelId;

    fn try_from(text: String) -> Result<Self, InvalidModelId> {
        Self::parse(&text)
    }
}

impl From<ModelId> for String {
    fn from(id: ModelId) -> Self {
        id.as_str().to_owned()
    }
}

impl std::fmt::Display for ModelId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a price sheet on a receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PriceVersion(pub u32);

impl PriceVersion {
    /// What people are told of it under, such as `prices/20261224`.
    pub fn news(self) -> String {
        format!("prices/{}", self.0)
    }
}

/// How much a model takes and gives, in tokens. `None`: the catalogue does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelLimits {
    /// Prompt and output together.
    pub context_window: Option<u64>,
    /// The prompt.
    pub max_input: Option<u64>,
    /// The output.
    pub max_output: Option<u64>,
}

/// A model with its prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricedModel {
    /// Its name in the catalogue.
    pub id: ModelId,
    /// Who makes it.
    pub vendor: Vendor,
    /// The endpoints that serve it.
    pub endpoints: Vec<Endpoint>,
    /// Its limits.
    pub limits: ModelLimits,
    /// The list price.
    pub standard: RateCard,
    /// The rates of the other service tiers that the model has.
    pub cards: BTreeMap<ServiceTier, RateCard>,
    /// Factor on all token rates for `speed: fast`.
    pub fast: Option<Factor>,
    /// Factor on all token rates for inference in the USA.
    pub us_inference: Option<Factor>,
    /// Price of one web search.
    pub web_search: Option<Rate>,
    /// The moment from which the vendor no longer serves it.
    pub retires_at: Option<Timestamp>,
}

impl PricedModel {
    /// The rates of a service tier, if the model has it.
    pub fn card(&self, tier: ServiceTier) -> Option<&RateCard> {
        match tier {
            ServiceTier::Standard => Some(&self.standard),
            ServiceTier::Batch | ServiceTier::Flex | ServiceTier::Priority | ServiceTier::Ultrafast => {
                self.cards.get(&tier)
            }
        }
    }

    /// Whether it generates tokens; an embedding model does not.
    pub const fn generates(&self) -> bool {
        self.standard.base.output.is_some()
    }
}

/// All models with the prices of one time.
#[derive(Debug)]
pub struct PriceSheet {
    /// Its name on receipts.
    pub version: PriceVersion,
    /// From when it is in force.
    pub effective_from: Timestamp,
    /// Models by their identifier.
    pub models: BTreeMap<ModelId, Arc<PricedModel>>,
    /// Identifiers and other names, each of one model.
    pub(super) names: HashMap<Box<str>, Name>,
}

/// What a name of the catalogue stands for.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) model: Arc<PricedModel>,
    /// The name with a date at its end is the same model.
    pub(super) dated: bool,
}

impl PriceSheet {
    /// The model with this name: an identifier or other name of the catalogue, or an identifier
    /// with `-YYYYMMDD` or `-YYYY-MM-DD` at its end if the catalogue allows that. A mere prefix
    /// never matches.
    pub fn find(&self, name: &str) -> Option<&Arc<PricedModel>> {
        let dated = || self.names.get(without_date(name)?).filter(|found| found.dated);
        self.names.get(name).or_else(dated).map(|found| &found.model)
    }

    /// The same, except for models that the vendor no longer serves at that moment.
    pub fn find_at(&self, name: &str, now: Timestamp) -> Option<&Arc<PricedModel>> {
        self.find(name).filter(|model| model.retires_at.is_none_or(|end| now < end))
    }

    /// The dearest web search of the sheet.
    pub(super) fn dearest_web_search(&self) -> Option<Rate> {
        self.models.values().filter_map(|model| model.web_search).max()
    }
}

/// The name before a date at its end.
fn without_date(name: &str) -> Option<&str> {
    [11, 9].into_iter().find_map(|length| {
        let (stem, date) = name.split_at_checked(name.len().checked_sub(length)?)?;
        let date = date.strip_prefix('-')?;
        let parts = match length {
            9 => (date.get(..4)?, date.get(4..6)?, date.get(6..)?),
            _ => {
                let (year, rest) = date.split_once('-')?;
                let (month, day) = rest.split_once('-')?;
                (year, month, day)
            }
        };
        is_date(parts).then_some(stem)
    })
}

fn is_date((year, month, day): (&str, &str, &str)) -> bool {
    let digits = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    let known = digits(year, 4) && digits(month, 2) && digits(day, 2);
    let date = || jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok();
    known && date().is_some()
}

#[cfg(test)]
mod tests {
    use super::without_date;

    #[test]
    fn only_a_whole_valid_date_is_taken_off_a_name() {
        for name in ["m-20260416", "m-2026-04-16"] {
            assert_eq!(without_date(name), Some("m"), "{name}");
        }
        let refused = [
            "m",
            "",
            "-",
            "m-",
            "m20260416",
            "m-2026041",
            "m-202604160",
            "m-20261341",
            "m-20260230",
            "m-2026-4-16",
            "m-2026-04-1",
            "m-2026_04_16",
            "m-20260416-",
            "m-2026041x",
            "m-+2260416",
            "é-2026041",
            "m-２0260416",
        ];
        for name in refused {
            assert_eq!(without_date(name), None, "{name}");
        }
    }
}
