//! How requests are answered that name no model.

use serde::{Deserialize, Serialize};

use super::value;
use crate::duet::{DuetConfig, Preference, Role};
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
        Self { enabled, prefer, max_switch_cost, models: RoleModels::default() }
    }
}

impl DuetSettings {
    /// The same for the duet.
    pub fn config(&self) -> DuetConfig {
        let Self { enabled, prefer, max_switch_cost, models } = self.clone();
        let RoleModels { plan, review, code, chat, background } = models;
        let models = [
            (Role::Plan, plan),
            (Role::Review, review),
            (Role::Code, code),
            (Role::Chat, chat),
            (Role::Background, background),
        ];
        DuetConfig { enabled, models: models.into(), max_switch_cost, prefer, ensemble: false }
    }
}
