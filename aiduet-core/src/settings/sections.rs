//! The sections of the tree, with their defaults.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::auth::AuthSettings;
use super::costs::CostSettings;
use super::duet::DuetSettings;
use super::payment::PaymentSettings;
use super::privacy::PrivacySettings;
use super::proxies::TrustedProxies;
use super::routing::{MoreSettings, RoutingSettings};
use super::value;
use crate::gateway::{DisconnectPolicy, GatewayConfig};
use crate::money::Money;
use crate::price::Margin;
use crate::provider::Vendor;
use crate::secret::Secret;

/// Everything that an operator may configure.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Listeners and what they accept.
    pub server: ServerSettings,
    /// Where everything is kept.
    pub database: DatabaseSettings,
    /// How people prove who they are.
    pub auth: AuthSettings,
    /// What nodes share beside the database.
    pub redis: RedisSettings,
    /// Where calls go.
    pub upstream: UpstreamSettings,
    /// Which upstream or model a call goes to.
    pub routing: RoutingSettings,
    /// How requests are answered that name no model.
    pub duet: DuetSettings,
    /// How calls are handled.
    pub gateway: GatewaySettings,
    /// How credit is sold.
    pub payment: PaymentSettings,
    /// What providers say that they cost.
    pub costs: CostSettings,
    /// How long things are kept.
    pub retention: RetentionSettings,
    /// What people may ask for about their data.
    pub privacy: PrivacySettings,
    /// Messages to people.
    pub mail: MailSettings,
    /// What pages say about the operator.
    pub site: SiteSettings,
    /// Logs.
    pub telemetry: TelemetrySettings,
    /// The demonstration.
    pub demo: DemoSettings,
}

/// Listeners and what they accept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Where the operator's probes connect; the same as `listen` serves both there.
    pub admin_listen: SocketAddr,
    /// The address of the dashboard as people see it.
    pub public_url: Option<String>,
    /// The address of the API as people see it.
    pub api_url: Option<String>,
    /// Further names that requests may come for.
    pub hosts: Vec<String>,
    /// Whom to believe about the address of a client.
    pub trusted_proxies: TrustedProxies,
    /// Says that plain HTTP on a public address is intended.
    pub allow_public_plain_http: bool,
    /// How long running requests may go on after the end was asked for.
    #[serde(with = "value::duration")]
    pub shutdown_grace: Duration,
    /// How long the server still accepts after it has said that it is not ready.
    #[serde(with = "value::duration")]
    pub drain_delay: Duration,
    /// Limits against exhaustion.
    pub limits: LimitSettings,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            admin_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)),
            public_url: None,
            api_url: None,
            hosts: Vec::new(),
            trusted_proxies: TrustedProxies::None,
            allow_public_plain_http: false,
            shutdown_grace: Duration::from_mins(2),
            drain_delay: Duration::from_secs(5),
            limits: LimitSettings::default(),
        }
    }
}

/// Limits against exhaustion.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// Until the first byte of a new connection.
    #[serde(with = "value::duration")]
    pub first_byte_timeout: Duration,
    /// Until the whole head of a request.
    #[serde(with = "value::duration")]
    pub header_read_timeout: Duration,
    /// Largest head of a request.
    #[serde(with = "value::bytes_size")]
    pub header_bytes_max: usize,
    /// Most header fields of a request.
    pub headers_max: usize,
    /// Longest path and query.
    #[serde(with = "value::bytes_size")]
    pub uri_bytes_max: usize,
    /// Largest body of a forwarded call.
    #[serde(with = "value::bytes_size")]
    pub body_bytes_max: usize,
    /// Until the whole body of a forwarded call.
    #[serde(with = "value::duration")]
    pub body_timeout: Duration,
    /// Connections at the same time.
    pub connections_max: u32,
    /// Connections of one address at the same time; loopback and trusted proxies are exempt.
    pub connections_per_address_max: u32,
    /// Requests at the same time.
    pub in_flight_max: u32,
    /// How long a request may wait for a free place before it is turned away.
    #[serde(with = "value::duration")]
    pub queue_timeout: Duration,
    /// Streams of one HTTP/2 connection at the same time.
    pub http2_streams_max: u32,
    /// How long a client may take nothing of an answer.
    #[serde(with = "value::duration")]
    pub write_stall_timeout: Duration,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            first_byte_timeout: Duration::from_secs(10),
            header_read_timeout: Duration::from_secs(10),
            header_bytes_max: 32 << 10,
            headers_max: 100,
            uri_bytes_max: 8 << 10,
            body_bytes_max: 32 << 20,
            body_timeout: Duration::from_mins(5),
            connections_max: 10_000,
            connections_per_address_max: 100,
            in_flight_max: 4_096,
            queue_timeout: Duration::from_millis(100),
            http2_streams_max: 100,
            write_stall_timeout: Duration::from_mins(1),
        }
    }
}

/// Where everything is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite://…`, `postgres://…` or `mysql://…`; may contain a password.
    #[serde(with = "value::secret")]
    pub url: Option<Secret<String>>,
    /// A file with the URL.
    pub url_file: Option<PathBuf>,
    /// Connections at the same time.
    pub max_connections: u32,
    /// Whether missing migrations are applied when something starts.
    pub migrate_on_start: bool,
    /// Where sessions of PostgreSQL have their settings from.
    pub session_settings: SessionSettings,
}

/// Where sessions of PostgreSQL have the settings from that the books depend on (`docs/databases.md`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionSettings {
    /// Each connection sends them when it begins.
    #[default]
    Connection,
    /// The role has them, since a pooler refuses what connections send. Nothing starts without them.
    Role,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            url: None,
            url_file: None,
            max_connections: 8,
            migrate_on_start: true,
            session_settings: SessionSettings::default(),
        }
    }
}

impl DatabaseSettings {
    /// The URL, or that of an embedded database beside the process.
    pub fn url(&self) -> &str {
        self.url.as_ref().map_or("sqlite://aiduet.db", |url| url.expose().as_str())
    }
}

/// What nodes share beside the database: limits. Without it each node limits by itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedisSettings {
    /// `redis://…` or `rediss://…`; may contain a password.
    #[serde(with = "value::secret")]
    pub url: Option<Secret<String>>,
    /// A file with the URL.
    pub url_file: Option<PathBuf>,
}

/// Where calls go.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UpstreamSettings {
    /// Claude models.
    pub anthropic: VendorSettings,
    /// GPT models.
    pub openai: VendorSettings,
    /// Further ones: other credentials and addresses.
    pub more: Vec<MoreSettings>,
}

impl UpstreamSettings {
    /// The settings for each vendor.
    pub const fn vendors(&self) -> [(Vendor, &VendorSettings); 2] {
        [(Vendor::Anthropic, &self.anthropic), (Vendor::OpenAi, &self.openai)]
    }
}

/// One vendor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VendorSettings {
    /// The vendor's API, or a simulation of it inside this process.
    pub kind: UpstreamKind,
    /// Its share of the calls among those of the same priority; zero: none.
    pub weight: u32,
    /// The lowest number is called first.
    pub priority: u8,
    /// Where the API is; the vendor's own address when not given.
    pub base_url: Option<String>,
    /// The operator's credential.
    #[serde(with = "value::secret")]
    pub api_key: Option<Secret<String>>,
    /// A file with the credential.
    pub api_key_file: Option<PathBuf>,
    /// Says that an unencrypted base URL on this machine is intended.
    pub allow_plain_http: bool,
    /// Says that an address in a private network is intended.
    pub allow_private: bool,
    /// Until a connection.
    #[serde(with = "value::duration")]
    pub connect_timeout: Duration,
    /// Until the head of the answer.
    #[serde(with = "value::duration")]
    pub first_byte_timeout: Duration,
    /// Between two pieces of the answer.
    #[serde(with = "value::duration")]
    pub idle_timeout: Duration,
    /// Until the end of the answer.
    #[serde(with = "value::duration")]
    pub total_timeout: Duration,
}

impl Default for VendorSettings {
    fn default() -> Self {
        Self {
            kind: UpstreamKind::Api,
            weight: 1,
            priority: 0,
            base_url: None,
            api_key: None,
            api_key_file: None,
            allow_plain_http: false,
            allow_private: false,
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: Duration::from_mins(5),
            idle_timeout: Duration::from_mins(2),
            total_timeout: Duration::from_mins(15),
        }
    }
}

impl VendorSettings {
    /// Whether calls can go there.
    pub const fn is_usable(&self) -> bool {
        match self.kind {
            UpstreamKind::Api => self.api_key.is_some(),
            UpstreamKind::Simulated => true,
        }
    }
}

/// What answers calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpstreamKind {
    /// The vendor's API.
    #[default]
    Api,
    /// A simulation inside this process.
    Simulated,
}

/// How calls are handled.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewaySettings {
    /// The price in basis points of the provider's.
    pub margin_bp: Margin,
    /// What happens when the client leaves.
    pub disconnect: DisconnectPolicy,
    /// How long an abandoned answer is read on.
    pub drain_seconds: u32,
    /// How many abandoned answers are read on at the same time.
    pub drains_max: usize,
    /// Silence after which a stream gets a keep-alive.
    #[serde(with = "value::duration")]
    pub keep_alive: Duration,
    /// Output tokens that a stream holds at a time.
    pub stream_hold_tokens: u64,
    /// The smallest output limit that a call is lowered to when funds are short.
    pub output_min_tokens: u64,
    /// Running requests of one account.
    pub account_concurrency: u32,
    /// Largest answer that does not stream.
    #[serde(with = "value::bytes_size")]
    pub answer_bytes_max: usize,
    /// How often a running stream notes what it has used.
    #[serde(with = "value::duration")]
    pub progress: Duration,
    /// How long a settlement is tried while the client waits for its last frame.
    #[serde(with = "value::duration")]
    pub settle_wait: Duration,
    /// How often this process says that it is alive.
    #[serde(with = "value::duration")]
    pub heartbeat: Duration,
    /// Silence after which a process counts as dead and its holds are resolved.
    #[serde(with = "value::duration")]
    pub dead_after: Duration,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        let GatewayConfig {
            margin,
            disconnect,
            drain,
            drains_max,
            keep_alive,
            stream_hold_tokens,
            output_min_tokens,
            account_concurrency,
            answer_bytes_max,
            progress,
            settle_wait,
            deadline: _,
            patience: _,
            repeat: _,
            circuit: _,
            aliases: _,
            duet: _,
        } = GatewayConfig::default();
        Self {
            margin_bp: margin,
            disconnect,
            drain_seconds: u32::try_from(drain.as_secs()).unwrap_or(u32::MAX),
            drains_max,
            keep_alive,
            stream_hold_tokens,
            output_min_tokens,
            account_concurrency,
            answer_bytes_max,
            progress,
            settle_wait,
            heartbeat: Duration::from_secs(5),
            dead_after: Duration::from_secs(30),
        }
    }
}

/// How long things are kept.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionSettings {
    /// Days until the record of a request is deleted.
    pub usage_days: u16,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        Self { usage_days: 90 }
    }
}

/// Messages to people. Without a URL they wait.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailSettings {
    /// `smtp://…`, `smtps://…` or `console:`; may contain a password.
    #[serde(with = "value::secret")]
    pub url: Option<Secret<String>>,
    /// A file with the URL.
    pub url_file: Option<PathBuf>,
    /// The address that mails come from.
    pub from: Option<String>,
    /// What the installation is called in mails.
    pub name: String,
    /// How long the server may take for one step.
    #[serde(with = "value::duration")]
    pub timeout: Duration,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            url: None,
            url_file: None,
            from: None,
            name: "AI Duet".to_owned(),
            timeout: Duration::from_mins(1),
        }
    }
}

impl MailSettings {
    /// Whether mails are printed instead of sent.
    pub fn is_console(&self) -> bool {
        self.url.as_ref().is_some_and(|url| url.expose() == "console:")
    }
}

/// What pages say about the operator.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SiteSettings {
    /// Who runs the installation.
    pub operator: Option<String>,
    /// Where people write to: an e-mail address or a URL.
    pub contact: Option<String>,
}

/// Logs.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetrySettings {
    /// How lines look.
    pub log_format: LogFormat,
    /// The least important line that is written.
    pub level: LogLevel,
}

/// The demonstration.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DemoSettings {
    /// What the account of the demonstration starts with.
    #[serde(with = "value::dollars")]
    pub credit: Money,
}

impl Default for DemoSettings {
    fn default() -> Self {
        Self { credit: Money::from_nanos(5_000_000_000) }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object per line, for machines.
    #[default]
    Json,
    /// For people.
    Text,
}

/// How important a log line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Something must be done.
    Error,
    /// Something is odd.
    Warn,
    /// One line per request.
    #[default]
    Info,
    /// For finding defects.
    Debug,
    /// Everything; refused on public listeners.
    Trace,
}

impl LogLevel {
    /// The name in filters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}
