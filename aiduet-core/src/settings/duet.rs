//! How requests are answered that name no model.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::value;
use crate::duet::{DuetConfig, EnsembleConfig, Preference, Role};
use crate::money::Money;
use crate::routing::Models;

/// How requests are answered that name no model.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DuetSettings {
    /// Whether they are answered at all.
    pub enabled: bool,
    /// What matters more when a change of family is not certain.
    pub prefer: Preference,
    /// The most that a change of family may cost.
    #[serde(with = "value::dollars")]
    pub max_switch_cost: Money,
    /// The models of each role, best first.
    pub models: RoleModels,
    /// Plan, code and review in one answer: `duet/ensemble`.
    pub ensemble: EnsembleSettings,
}

/// Plan, code and review in one answer: `duet/ensemble`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnsembleSettings {
    /// Whether it is served to keys that allow it.
    pub enabled: bool,
    /// How long all stages may take together.
    #[serde(with = "value::duration")]
    pub deadline: Duration,
    /// The output limit of a request that has none, in tokens.
    pub output_tokens: u64,
}

impl Default for EnsembleSettings {
    fn default() -> Self {
        let EnsembleConfig { enabled, deadline, output_tokens } = EnsembleConfig::default();
        Self { enabled, deadline, output_tokens }
    }
}

/// The models of each role, best first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoleModels {
    /// For decisions and designs.
    pub plan: Models,
    /// For judgements and diagnoses.
    pub review: Models,
    /// For what goes into files and shells.
    pub code: Models,
    /// For everything else.
    pub chat: Models,
    /// For calls that clients make by themselves; of several the one of the vendor whose API is
    /// called comes first.
    pub background: Models,
}

impl Default for RoleModels {
    fn default() -> Self {
        let mut models = DuetConfig::default().models;
        let mut of = |role| models.remove(&role).unwrap_or(Models::Several(Vec::new()));
        Self {
            plan: of(Role::Plan),
            review: of(Role::Review),
            code: of(Role::Code),
            chat: of(Role::Chat),
            background: of(Role::Background),
        }
    }
}

impl Default for DuetSettings {
    fn default() -> Self {
        let DuetConfig { enabled, models: _, max_switch_cost, prefer, ensemble: _ } = DuetConfig::default();
        let (models, ensemble) = (RoleModels::default(), EnsembleSettings::default());
        Self { enabled, prefer, max_switch_cost, models, ensemble }
    }
}

impl DuetSettings {
    /// The same for the duet.
    pub fn config(&self) -> DuetConfig {
        let Self { enabled, prefer, max_switch_cost, models, ensemble } = self.clone();
        let RoleModels { plan, review, code, chat, background } = models;
        let models = [
            (Role::Plan, plan),
            (Role::Review, review),
            (Role::Code, code),
            (Role::Chat, chat),
            (Role::Background, background),
        ];
        DuetConfig { enabled, models: models.into(), max_switch_cost, prefer, ensemble: ensemble.config() }
    }
}

impl EnsembleSettings {
    const fn config(&self) -> EnsembleConfig {
        let &Self { enabled, deadline, output_tokens } = self;
        EnsembleConfig { enabled, deadline, output_tokens }
    }
}
