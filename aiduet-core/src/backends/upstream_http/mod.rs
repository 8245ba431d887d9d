//! HTTP to a provider, the same for every vendor: where it may go, how long it may take, what
//! leaves and what is read of the answer.

mod address;
mod base_url;
mod body;
mod client;
mod config;
mod error;
mod report;
mod retry_after;

pub use address::NetworkRules;
pub use base_url::BaseUrl;
pub use config::{HttpLimits, UpstreamHttpConfig};
pub use error::UpstreamConfigError;

pub(super) use client::{Identity, UpstreamHttp};
pub(super) use report::{Amount, ModelTokens, OpenPage, Report, ReportPage};
