//! Where calls go, and what happens when that fails.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::sections::VendorSettings;
use super::value;
use crate::ledger::UpstreamName;
use crate::provider::Vendor;
use crate::routing::{Aliases, CircuitConfig, RepeatConfig};

/// Where calls go, and what happens when that fails.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoutingSettings {
    /// Names of the operator for models.
    pub aliases: Aliases,
    /// How long a request may look for an answer that begins.
    #[serde(with = "value::duration")]
    pub deadline: Duration,
    /// How long a stream may take to begin while there is another upstream or model to go to.
    #[serde(with = "value::duration")]
    pub patience: Duration,
    /// Most repetitions of one request once there is nowhere else to go.
    pub repeats_max: u32,
    /// The longest first pause before a repetition; twice as long each further time.
    #[serde(with = "value::duration")]
    pub repeat_pause: Duration,
    /// The longest pause of all, and the longest that a provider may ask for.
    #[serde(with = "value::duration")]
    pub repeat_pause_max: Duration,
    /// Repetitions that may be made at once, by all requests together.
    pub repeat_burst: u32,
    /// What each request adds to that number, in percent of a repetition.
    pub repeat_earned_percent: u32,
    /// When an upstream is no longer called.
    pub circuit: CircuitSettings,
}

impl Default for RoutingSettings {
    fn default() -> Self {
        let RepeatConfig { repeats_max, pause, pause_max, burst, earned_percent } = RepeatConfig::default();
        Self {
            aliases: Aliases::default(),
            deadline: Duration::from_mins(10),
            patience: Duration::from_mins(1),
            repeats_max,
            repeat_pause: pause,
            repeat_pause_max: pause_max,
            repeat_burst: burst,
            repeat_earned_percent: earned_percent,
            circuit: CircuitSettings::default(),
        }
    }
}

impl RoutingSettings {
    /// How calls are repeated.
    pub const fn repeat(&self) -> RepeatConfig {
        RepeatConfig {
            repeats_max: self.repeats_max,
            pause: self.repeat_pause,
            pause_max: self.repeat_pause_max,
            burst: self.repeat_burst,
            earned_percent: self.repeat_earned_percent,
        }
    }
}

/// When an upstream is no longer called, and for how long.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CircuitSettings {
    /// The time that is looked back on.
    #[serde(with = "value::duration")]
    pub window: Duration,
    /// Calls within the window below which nothing is concluded.
    pub calls_min: u32,
    /// The share of failed calls that opens the circuit, in percent.
    pub failure_percent: u32,
    /// How long it stays open the first time; twice as long each further time.
    #[serde(with = "value::duration")]
    pub cool_down: Duration,
    /// The longest that it stays open.
    #[serde(with = "value::duration")]
    pub cool_down_max: Duration,
    /// How long it stays open the first time when the provider refuses the operator's credential.
    #[serde(with = "value::duration")]
    pub refused_cool_down: Duration,
}

impl Default for CircuitSettings {
    fn default() -> Self {
        let CircuitConfig { window, calls_min, failure_percent, cool_down, cool_down_max, refused_cool_down } =
            CircuitConfig::default();
        Self { window, calls_min, failure_percent, cool_down, cool_down_max, refused_cool_down }
    }
}

impl CircuitSettings {
    /// The same for a gateway.
    pub const fn config(&self) -> CircuitConfig {
        let Self { window, calls_min, failure_percent, cool_down, cool_down_max, refused_cool_down } = *self;
        CircuitConfig { window, calls_min, failure_percent, cool_down, cool_down_max, refused_cool_down }
    }
}

/// A further upstream of a vendor: another credential, another address.
#[derive(Clone, Debug, Serialize)]
pub struct MoreSettings {
    /// The operator's name of it.
    pub name: UpstreamName,
    /// Whose models it serves.
    pub vendor: Vendor,
    /// The rest.
    #[serde(flatten)]
    pub settings: VendorSettings,
}

impl<'de> Deserialize<'de> for MoreSettings {
    /// By hand, since what is flattened cannot refuse unknown fields.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = Map::<String, Value>::deserialize(deserializer)?;
        let name = map.remove("name").as_ref().and_then(Value::as_str).and_then(UpstreamName::parse);
        let vendor = map.remove("vendor").as_ref().and_then(Value::as_str).and_then(Vendor::from_name);
        // An error would show the value, which may be a secret.
        let settings = serde_json::from_value(Value::Object(map)).ok();
        match (name, vendor, settings) {
            (Some(name), Some(vendor), Some(settings)) => Ok(Self { name, vendor, settings }),
            _ => Err(D::Error::custom("not an upstream")),
        }
    }
}
