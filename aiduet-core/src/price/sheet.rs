//! The catalogue in force at one time.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Rate, RateCard};
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
#[derive(Clone, Debug)]
pub struct PricedModel {
    /// Its name in the catalogue.
    pub id: ModelId,
    /// Who makes it.
    pub vendor: Vendor,
    /// The endpoints that serve it.
    pub endpoints: Vec<Endpoint>,
    /// Its limits.
    pub limits: ModelLimits,
    /// Rates per service tier; `Standard` is always there.
    pub cards: BTreeMap<&'static str, RateCard>,
    /// Factor on all token rates for `speed: fast`, as a fraction.
    pub fast: Option<(u64, u64)>,
    /// Factor on all token rates for inference in the USA, as a fraction.
    pub us_inference: Option<(u64, u64)>,
    /// Price of one web search.
    pub web_search: Option<Rate>,
    /// The day from which the vendor no longer serves it.
    pub retires_at: Option<Timestamp>,
}

impl PricedModel {
    /// The rates of a service tier, if the model has it.
    pub fn card(&self, tier: ServiceTier) -> Option<&RateCard> {
        self.cards.get(tier.as_str())
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
}
