//! What providers say that they cost.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::value;
use crate::provider::Vendor;
use crate::secret::Secret;

/// What providers say that they cost; our records are held against it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CostSettings {
    /// Claude models.
    pub anthropic: CostReportSettings,
    /// GPT models.
    pub openai: CostReportSettings,
}

impl CostSettings {
    /// The settings for each vendor.
    pub const fn vendors(&self) -> [(Vendor, &CostReportSettings); 2] {
        [(Vendor::Anthropic, &self.anthropic), (Vendor::OpenAi, &self.openai)]
    }
}

/// The cost reports of one vendor; without a key they are not asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CostReportSettings {
    /// An admin key of the organization.
    #[serde(with = "value::secret")]
    pub admin_key: Option<Secret<String>>,
    /// A file with the key.
    pub admin_key_file: Option<PathBuf>,
    /// Another address.
    pub base_url: Option<String>,
    /// An unencrypted base URL on this machine is intended.
    pub allow_plain_http: bool,
}
