//! Who may use which models for what, and how readily the duet changes between them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::role::Role;
use crate::clock::Timestamp;
use crate::money::Money;
use crate::price::{ModelId, PriceSheet};
use crate::provider::Vendor;
use crate::routing::Models;

/// What matters more when a change of family is not certain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preference {
    /// The model of the role.
    Quality,
    /// Both.
    #[default]
    Balanced,
    /// The warm cache.
    Cost,
}

impl Preference {
    /// How far the best role must be ahead of the next one for a change of family, in thousandths.
    pub const fn switch_margin(self) -> i32 {
        match self {
            Self::Quality => 0,
            Self::Balanced => 600,
            Self::Cost => 1_500,
        }
    }
}

/// What the operator decides: the section `[duet]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DuetConfig {
    /// Whether requests that name no model are served.
    pub enabled: bool,
    /// The models of each role, best first. Of several for `background` the one of the vendor
    /// whose API is called comes first.
    pub models: BTreeMap<Role, Models>,
    /// The most that a change of family may cost.
    pub max_switch_cost: Money,
    /// What matters more.
    pub prefer: Preference,
    /// How ensembles are served.
    pub ensemble: EnsembleConfig,
}

/// How `duet/ensemble` is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnsembleConfig {
    /// Whether it is served to keys that allow it.
    pub enabled: bool,
    /// How long all stages may take together.
    pub deadline: Duration,
    /// The output limit of a request that has none, in tokens.
    pub output_tokens: u64,
}

impl Default for EnsembleConfig {
    fn default() -> Self {
        Self { enabled: true, deadline: Duration::from_mins(3), output_tokens: 32_768 }
    }
}

/// 0.60 USD.
const MAX_SWITCH_COST: Money = Money::from_nanos(600_000_000);

const CLAUDE: &str = "claude-opus-5-5";
const GPT: &str = "gpt-6.1-sol";

impl Default for DuetConfig {
    fn default() -> Self {
        let defaults = [
            (Role::Plan, vec![CLAUDE]),
            (Role::Review, vec![CLAUDE]),
            (Role::Code, vec![GPT]),
            (Role::Chat, vec![GPT]),
            (Role::Background, vec!["claude-haiku-5-5", "gpt-6-luna"]),
        ];
        let models = defaults.into_iter().map(|(role, names)| {
            let models = names.into_iter().filter_map(|name| ModelId::parse(name).ok()).collect();
            (role, Models::Several(models))
        });
        Self {
            enabled: true,
            models: models.collect(),
            max_switch_cost: MAX_SWITCH_COST,
            prefer: Preference::default(),
            ensemble: EnsembleConfig::default(),
        }
    }
}

impl DuetConfig {
    /// The models that may be chosen and that a sheet of prices does not sell at this time, with the
    /// first role of each.
    pub fn unsold(&self, sheet: &PriceSheet, at: Timestamp) -> impl Iterator<Item = (Role, &ModelId)> {
        let models = self.models.iter().filter(|_all| self.enabled);
        let models = models.flat_map(|(role, models)| models.as_slice().iter().map(move |id| (*role, id)));
        models
            .filter(move |(_role, id)| !sheet.find_at(id.as_str(), at).is_some_and(|model| model.generates()))
    }
}

/// What an account or a key decides. `None` and what is empty: as decided elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DuetOverrides {
    /// Whether the duet may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Every request has this role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin_role: Option<Role>,
    /// The models of a role, best first.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<Role, Models>,
    /// The vendors whose models may be chosen.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub families: BTreeSet<Vendor>,
    /// The most that a change of family may cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_switch_cost: Option<Money>,
    /// What matters more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefer: Option<Preference>,
    /// Whether `duet/ensemble` may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ensemble: Option<bool>,
}

/// What holds for a request: the key before the account before the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether the duet may be used.
    pub enabled: bool,
    /// Every request has this role.
    pub pin_role: Option<Role>,
    /// The vendors whose models may be chosen; `None`: all.
    pub families: Option<BTreeSet<Vendor>>,
    /// The most that a change of family may cost.
    pub max_switch_cost: Money,
    /// What matters more.
    pub prefer: Preference,
    /// Whether `duet/ensemble` may be used.
    pub ensemble: bool,
    models: BTreeMap<Role, Models>,
}

impl Policy {
    /// What holds for a key of an account. An operator who has switched the duet or the ensemble
    /// off is not overruled, and neither is an account that has switched the duet off.
    pub fn of(config: &DuetConfig, account: &DuetOverrides, key: &DuetOverrides) -> Self {
        let mut models = config.models.clone();
        for overrides in [account, key] {
            models.extend(overrides.models.clone());
        }
        let listed = |overrides: &DuetOverrides| {
            Some(&overrides.families).filter(|families| !families.is_empty()).cloned()
        };
        let families = match (listed(account), listed(key)) {
            (Some(account), Some(key)) => Some(account.intersection(&key).copied().collect()),
            (account, key) => key.or(account),
        };
        let allowed = |choice: fn(&DuetOverrides) -> Option<bool>, default: bool| {
            choice(key).or_else(|| choice(account)).unwrap_or(default)
        };
        Self {
            enabled: config.enabled && account.enabled != Some(false) && key.enabled != Some(false),
            pin_role: key.pin_role.or(account.pin_role),
            families,
            max_switch_cost: key
                .max_switch_cost
                .or(account.max_switch_cost)
                .unwrap_or(config.max_switch_cost),
            prefer: key.prefer.or(account.prefer).unwrap_or(config.prefer),
            ensemble: config.ensemble.enabled && allowed(|overrides| overrides.ensemble, false),
            models,
        }
    }

    /// The models of a role, best first.
    pub fn models(&self, role: Role) -> &[ModelId] {
        self.models.get(&role).map(Models::as_slice).unwrap_or_default()
    }

    /// Whether models of this vendor may be chosen.
    pub fn allows(&self, vendor: Vendor) -> bool {
        self.families.as_ref().is_none_or(|families| families.contains(&vendor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_comes_before_the_account_before_the_operator() {
        let config = DuetConfig::default();
        let account = DuetOverrides {
            prefer: Some(Preference::Cost),
            max_switch_cost: Some(Money::from_nanos(5)),
            ..DuetOverrides::default()
        };
        let key: DuetOverrides =
            serde_json::from_str(r#"{"prefer":"quality","pin_role":"plan","models":{"plan":"gpt-6-astra"}}"#)
                .unwrap();
        let policy = Policy::of(&config, &account, &key);
        assert_eq!(policy.prefer, Preference::Quality);
        assert_eq!(policy.max_switch_cost, Money::from_nanos(5));
        assert_eq!(policy.pin_role, Some(Role::Plan));
        assert_eq!(policy.models(Role::Plan), [ModelId::parse("gpt-6-astra").unwrap()]);
        assert_eq!(policy.models(Role::Review), [ModelId::parse("claude-opus-5-5").unwrap()]);
        assert_eq!(policy.models(Role::Background).len(), 2);
    }

    #[test]
    fn what_is_switched_off_above_stays_off() {
        let on = DuetOverrides { enabled: Some(true), ensemble: Some(true), ..DuetOverrides::default() };
        let off = DuetOverrides { enabled: Some(false), ..DuetOverrides::default() };
        let config = DuetConfig::default();
        assert!(!Policy::of(&config, &off, &on).enabled);
        assert!(!Policy::of(&DuetConfig { enabled: false, ..config.clone() }, &on, &on).enabled);
        assert!(Policy::of(&config, &DuetOverrides::default(), &on).ensemble);
        assert!(!Policy::of(&config, &on, &off).enabled);
        let unsaid = DuetOverrides::default();
        assert!(!Policy::of(&config, &unsaid, &unsaid).ensemble, "nobody has asked for it");
        let ensemble = EnsembleConfig { enabled: false, ..config.ensemble };
        let never = DuetConfig { ensemble, ..config };
        assert!(!Policy::of(&never, &on, &on).ensemble, "the operator has switched it off");
    }

    #[test]
    fn families_that_both_allow_are_left() {
        let family = |vendors: &[Vendor]| DuetOverrides {
            families: vendors.iter().copied().collect(),
            ..DuetOverrides::default()
        };
        let config = DuetConfig::default();
        let all = DuetOverrides::default();
        let claude = family(&[Vendor::Anthropic]);
        for (account, key) in [(&all, &claude), (&claude, &all), (&claude, &claude)] {
            let policy = Policy::of(&config, account, key);
            assert!(policy.allows(Vendor::Anthropic) && !policy.allows(Vendor::OpenAi));
        }
        assert!(Policy::of(&config, &all, &all).allows(Vendor::OpenAi));
        let nothing = Policy::of(&config, &claude, &family(&[Vendor::OpenAi]));
        assert!(!nothing.allows(Vendor::Anthropic) && !nothing.allows(Vendor::OpenAi));
    }
}
