//! Implementations of the domain's traits, each behind the feature of its name.

#[cfg(feature = "anthropic")]
pub mod anthropic;
#[cfg(feature = "console")]
pub mod console;
#[cfg(feature = "github")]
pub mod github;
#[cfg(feature = "memory")]
pub mod memory;
#[cfg(feature = "oidc")]
pub mod oidc;
#[cfg(feature = "openai")]
pub mod openai;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "sea-orm")]
pub mod sea_orm;
#[cfg(feature = "simulated")]
pub mod simulated;
#[cfg(feature = "smtp")]
pub mod smtp;
#[cfg(feature = "stripe")]
pub mod stripe;
#[cfg(any(feature = "anthropic", feature = "openai"))]
pub mod upstream_http;
