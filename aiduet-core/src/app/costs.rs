//! Who holds our records against what providers say, from the settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{BuildError, Stores};
use crate::clock::Clock;
use crate::cost::{CostComparer, CostReports};
use crate::provider::Vendor;
use crate::settings::{CostReportSettings, Settings};

/// Who compares, for every provider with an admin key; `None` where no key is configured.
///
/// # Errors
/// [`BuildError::Upstream`], [`BuildError::UnknownVendor`].
pub fn cost_comparer(
    settings: &Settings,
    stores: &Stores,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<CostComparer>>, BuildError> {
    let mut all: BTreeMap<Vendor, Arc<dyn CostReports>> = BTreeMap::new();
    for (vendor, settings) in settings.costs.vendors() {
        if settings.admin_key.is_some() {
            all.insert(vendor, reports(vendor, settings, clock)?);
        }
    }
    let comparer = |reports| CostComparer {
        reports,
        bills: Arc::clone(&stores.bills),
        prices: Arc::clone(&stores.prices),
        kept: Arc::clone(&stores.cost_comparisons),
        clock: Arc::clone(clock),
    };
    Ok((!all.is_empty()).then(|| Arc::new(comparer(all))))
}

#[cfg_attr(
    not(any(feature = "openai", feature = "anthropic")),
    expect(unused_variables, reason = "this build speaks to nobody")
)]
fn reports(
    vendor: Vendor,
    settings: &CostReportSettings,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn CostReports>, BuildError> {
    match vendor {
        #[cfg(feature = "anthropic")]
        Vendor::Anthropic => {
            use crate::backends::anthropic::{AnthropicConfig, AnthropicCosts, BASE_URL};
            let (api_key, http) = exchange(vendor, settings, BASE_URL)?;
            let reports = AnthropicCosts::new(AnthropicConfig { api_key, http }, Arc::clone(clock));
            Ok(Arc::new(reports.map_err(|error| super::upstreams::refused(vendor, error))?))
        }
        #[cfg(feature = "openai")]
        Vendor::OpenAi => {
            use crate::backends::openai::{BASE_URL, OpenAiConfig, OpenAiCosts};
            let (api_key, http) = exchange(vendor, settings, BASE_URL)?;
            let reports = OpenAiCosts::new(OpenAiConfig { api_key, http }, Arc::clone(clock));
            Ok(Arc::new(reports.map_err(|error| super::upstreams::refused(vendor, error))?))
        }
        #[cfg(not(all(feature = "openai", feature = "anthropic")))]
        other => Err(BuildError::UnknownVendor(other)),
    }
}

#[cfg(any(feature = "openai", feature = "anthropic"))]
fn exchange(
    vendor: Vendor,
    settings: &CostReportSettings,
    standard: &str,
) -> Result<(crate::secret::Secret<String>, crate::backends::upstream_http::UpstreamHttpConfig), BuildError> {
    use crate::backends::upstream_http::{BaseUrl, NetworkRules, UpstreamHttpConfig};
    let CostReportSettings { admin_key, admin_key_file: _, base_url, allow_plain_http } = settings;
    let network = NetworkRules { allow_plain_loopback: *allow_plain_http, allow_private: false };
    let base_url = BaseUrl::parse(base_url.as_deref().unwrap_or(standard), network);
    let base_url = base_url.map_err(|error| super::upstreams::refused(vendor, error))?;
    let key = admin_key.clone().ok_or(BuildError::Missing("admin key of a provider"))?;
    Ok((key, UpstreamHttpConfig { network, connections: 1, ..UpstreamHttpConfig::new(base_url) }))
}
