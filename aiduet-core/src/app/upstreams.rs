//! Providers from settings.

use std::sync::Arc;

use super::BuildError;
use crate::clock::Clock;
use crate::gateway::Upstream;
use crate::ledger::UpstreamName;
use crate::provider::{Provider, Vendor};
use crate::settings::{UpstreamKind, UpstreamSettings, VendorSettings};

/// The upstreams that can be called: those with a credential, and those that are simulated.
pub(super) fn from_settings(
    settings: &UpstreamSettings,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Upstream>, BuildError> {
    let mut upstreams = Vec::new();
    #[cfg(feature = "simulated")]
    let mut simulated: Option<Arc<dyn Provider>> = None;
    let standard = settings.vendors().into_iter().map(|(vendor, own)| (None, vendor, own));
    let more = settings.more.iter().map(|more| (Some(&more.name), more.vendor, &more.settings));
    for (name, vendor, settings) in standard.chain(more) {
        if !settings.is_usable() {
            continue;
        }
        let provider = match settings.kind {
            UpstreamKind::Api => api(vendor, settings, clock)?,
            #[cfg(feature = "simulated")]
            UpstreamKind::Simulated => Arc::clone(simulated.get_or_insert_with(|| simulation(clock))),
            #[cfg(not(feature = "simulated"))]
            UpstreamKind::Simulated => return Err(BuildError::UnknownVendor(vendor)),
        };
        let name = name.cloned().or_else(|| UpstreamName::parse(vendor.as_str()));
        let name = name.ok_or(BuildError::Missing("name of an upstream"))?;
        let VendorSettings { weight, priority, .. } = *settings;
        upstreams.push(Upstream { weight, priority, ..Upstream::new(name, vendor, provider) });
    }
    Ok(upstreams)
}

#[cfg(feature = "simulated")]
fn simulation(clock: &Arc<dyn Clock>) -> Arc<dyn Provider> {
    use crate::backends::simulated::{SimulatedConfig, SimulatedProvider};
    Arc::new(SimulatedProvider::new(SimulatedConfig::default(), Arc::clone(clock)))
}

#[cfg_attr(
    not(any(feature = "openai", feature = "anthropic")),
    expect(unused_variables, reason = "this build speaks to nobody")
)]
fn api(
    vendor: Vendor,
    settings: &VendorSettings,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Provider>, BuildError> {
    match vendor {
        #[cfg(feature = "anthropic")]
        Vendor::Anthropic => {
            use crate::backends::anthropic::{AnthropicConfig, AnthropicProvider, BASE_URL};
            let (api_key, http) = exchange(vendor, settings, BASE_URL)?;
            let provider = AnthropicProvider::new(AnthropicConfig { api_key, http }, Arc::clone(clock));
            Ok(Arc::new(provider.map_err(|error| refused(vendor, error))?))
        }
        #[cfg(feature = "openai")]
        Vendor::OpenAi => {
            use crate::backends::openai::{BASE_URL, OpenAiConfig, OpenAiProvider};
            let (api_key, http) = exchange(vendor, settings, BASE_URL)?;
            let provider = OpenAiProvider::new(OpenAiConfig { api_key, http }, Arc::clone(clock));
            Ok(Arc::new(provider.map_err(|error| refused(vendor, error))?))
        }
        #[cfg(not(all(feature = "openai", feature = "anthropic")))]
        other => Err(BuildError::UnknownVendor(other)),
    }
}

#[cfg(any(feature = "openai", feature = "anthropic"))]
pub(super) fn refused(
    vendor: Vendor,
    error: crate::backends::upstream_http::UpstreamConfigError,
) -> BuildError {
    BuildError::Upstream { vendor, source: Box::new(error) }
}

#[cfg(any(feature = "openai", feature = "anthropic"))]
fn exchange(
    vendor: Vendor,
    settings: &VendorSettings,
    standard: &str,
) -> Result<(crate::secret::Secret<String>, crate::backends::upstream_http::UpstreamHttpConfig), BuildError> {
    use crate::backends::upstream_http::{BaseUrl, HttpLimits, NetworkRules, UpstreamHttpConfig};
    let VendorSettings {
        kind: _,
        weight: _,
        priority: _,
        base_url,
        api_key,
        api_key_file: _,
        allow_plain_http,
        allow_private,
        connect_timeout,
        first_byte_timeout,
        idle_timeout,
        total_timeout,
    } = settings;
    let network = NetworkRules { allow_plain_loopback: *allow_plain_http, allow_private: *allow_private };
    let text = base_url.as_deref().unwrap_or(standard);
    let base_url = BaseUrl::parse(text, network).map_err(|error| refused(vendor, error))?;
    let limits = HttpLimits {
        connect: *connect_timeout,
        first_byte: *first_byte_timeout,
        idle: *idle_timeout,
        total: *total_timeout,
        ..HttpLimits::default()
    };
    let api_key = api_key.clone().ok_or(BuildError::Missing("credential of an upstream"))?;
    Ok((api_key, UpstreamHttpConfig { network, limits, ..UpstreamHttpConfig::new(base_url) }))
}
