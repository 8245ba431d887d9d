//! The price file as it is written.
//!
//! A field that is not listed here is an error: it could change a price. Fields of type
//! [`IgnoredAny`] are known and change none.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::provider::Vendor;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SheetFile {
    pub(super) schema: u32,
    pub(super) as_of: String,
    pub(super) effective_from: Option<String>,
    pub(super) currency: String,
    pub(super) unit: String,
    pub(super) models: Vec<ModelFile>,
    #[serde(rename = "tier_rule")]
    _tier_rule: Option<IgnoredAny>,
    #[serde(rename = "conflict_rule")]
    _conflict_rule: Option<IgnoredAny>,
    #[serde(rename = "match_rule")]
    _match_rule: Option<IgnoredAny>,
    #[serde(rename = "sources")]
    _sources: Option<IgnoredAny>,
    #[serde(rename = "ids_without_price")]
    _ids_without_price: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ModelFile {
    pub(super) id: String,
    pub(super) provider: Vendor,
    pub(super) kind: Kind,
    pub(super) endpoints: Vec<String>,
    #[serde(rename = "match")]
    pub(super) names: NamesFile,
    pub(super) context_window: Option<u64>,
    pub(super) max_input_tokens: Option<u64>,
    pub(super) max_output_tokens: Option<u64>,
    pub(super) batch: Option<CardFile>,
    #[serde(default)]
    pub(super) service_tiers: ServiceTiersFile,
    #[serde(default)]
    pub(super) multipliers: MultipliersFile,
    #[serde(default)]
    pub(super) per_request: PerRequestFile,
    pub(super) deprecation_date: Option<String>,
    #[serde(rename = "min_cacheable_tokens")]
    _min_cacheable_tokens: Option<IgnoredAny>,
    #[serde(rename = "checked")]
    _checked: Option<IgnoredAny>,
    #[serde(rename = "derived")]
    _derived: Option<IgnoredAny>,
    #[serde(rename = "disagreements")]
    _disagreements: Option<IgnoredAny>,
    /// The list price, and whatever no other field took.
    #[serde(flatten)]
    pub(super) standard: CardFile,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Chat,
    Embedding,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamesFile {
    pub(super) exact: Vec<String>,
    pub(super) dated_snapshots: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceTiersFile {
    pub(super) flex: Option<CardFile>,
    pub(super) priority: Option<CardFile>,
    pub(super) ultrafast: Option<CardFile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MultipliersFile {
    pub(super) speed_fast: Option<String>,
    pub(super) inference_geo_us: Option<String>,
    // What a regional host of the provider adds: a matter of the operator's margin.
    #[serde(rename = "region_us")]
    _region_us: Option<IgnoredAny>,
    #[serde(rename = "region_eu")]
    _region_eu: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PerRequestFile {
    pub(super) web_search_per_1000: Option<String>,
    // Searches files that the provider stores; the gateway forwards no such call.
    #[serde(rename = "file_search_per_1000")]
    _file_search_per_1000: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CardFile {
    #[serde(flatten)]
    pub(super) base: RatesFile,
    #[serde(default)]
    pub(super) tiers: Vec<SizeTierFile>,
    /// Fields that nobody knows.
    #[serde(flatten)]
    pub(super) unknown: BTreeMap<String, IgnoredAny>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SizeTierFile {
    pub(super) above_input_tokens: u64,
    #[serde(flatten)]
    pub(super) rates: RatesFile,
    /// Fields that nobody knows.
    #[serde(flatten)]
    pub(super) unknown: BTreeMap<String, IgnoredAny>,
}

/// USD per million tokens.
#[derive(Debug, Deserialize)]
pub(super) struct RatesFile {
    pub(super) input_per_mtok: String,
    pub(super) cached_input_per_mtok: Option<String>,
    pub(super) cache_write_5m_per_mtok: Option<String>,
    pub(super) cache_write_30m_per_mtok: Option<String>,
    pub(super) cache_write_1h_per_mtok: Option<String>,
    pub(super) cache_write_12h_per_mtok: Option<String>,
    pub(super) output_per_mtok: Option<String>,
}
