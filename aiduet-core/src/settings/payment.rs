//! How credit is sold.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::value;
use crate::money::Money;
use crate::payment::TopUpRules;
use crate::secret::Secret;

/// How credit is sold.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaymentSettings {
    /// The smallest purchase.
    #[serde(with = "value::dollars")]
    pub topup_min: Money,
    /// The largest purchase.
    #[serde(with = "value::dollars")]
    pub topup_max: Money,
    /// The card company; without a key no credit is sold.
    pub stripe: StripeSettings,
}

impl Default for PaymentSettings {
    fn default() -> Self {
        let TopUpRules { amount_min, amount_max, .. } = TopUpRules::default();
        Self { topup_min: amount_min, topup_max: amount_max, stripe: StripeSettings::default() }
    }
}

/// Stripe.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StripeSettings {
    /// A restricted key.
    #[serde(with = "value::secret")]
    pub secret_key: Option<Secret<String>>,
    /// A file with the key.
    pub secret_key_file: Option<PathBuf>,
    /// What messages are signed with.
    #[serde(with = "value::secret")]
    pub webhook_secret: Option<Secret<String>>,
    /// A file with the signing secret.
    pub webhook_secret_file: Option<PathBuf>,
    /// The signing secret before it was changed, for as long as both are in use.
    #[serde(with = "value::secret")]
    pub webhook_secret_previous: Option<Secret<String>>,
    /// A file with the signing secret before it was changed.
    pub webhook_secret_previous_file: Option<PathBuf>,
    /// Another address, for a fake on this machine.
    pub base_url: Option<String>,
    /// Whether Stripe computes tax on top of the credit.
    pub automatic_tax: bool,
}
