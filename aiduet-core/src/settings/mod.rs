//! What an operator may configure: a tree of typed sections with safe defaults.
//!
//! Nothing here reads the environment or a file: an adapter collects what was given in
//! [`Layers`], which says for every value where it came from, and gets [`Loaded`] back.

mod auth;
mod costs;
mod duet;
mod error;
mod keys;
mod layers;
mod payment;
mod privacy;
mod proxies;
mod routing;
mod sections;
#[cfg(test)]
mod tests;
mod unsafe_combinations;
mod value;

pub use auth::{AuthSettings, GoogleSettings};
pub use costs::{CostReportSettings, CostSettings};
pub use duet::{DuetSettings, RoleModels};
pub use error::SettingsError;
pub use keys::{KEYS, Key};
pub use layers::{Layers, Loaded, Origin, SecretReader, Shown};
pub use payment::{PaymentSettings, StripeSettings};
pub use privacy::PrivacySettings;
pub use proxies::TrustedProxies;
pub use routing::{CircuitSettings, MoreSettings, RoutingSettings};
pub use sections::{
    DatabaseSettings, DemoSettings, GatewaySettings, LimitSettings, LogFormat, LogLevel, MailSettings,
    RedisSettings, RetentionSettings, ServerSettings, SessionSettings, Settings, SiteSettings,
    TelemetrySettings, UpstreamKind, UpstreamSettings, VendorSettings,
};
pub use value::parse_duration;
