//! What of a key can be changed.

use super::{ApiKey, KeyLimits, KeyState};

macro_rules! aspects {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// What of a key was changed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum KeyAspect {
            $($(#[$doc])* $name,)*
        }

        impl KeyAspect {
            /// Every aspect.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code in tables and answers.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The aspect with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }
    };
}

aspects! {
    /// It may be used again.
    Enabled = "enabled",
    /// It may not be used for now.
    Disabled = "disabled",
    /// Its name.
    Name = "name",
    /// How much it may spend.
    Spend = "spend",
    /// How many requests and tokens it may use in a minute, and at the same time.
    Rates = "rates",
    /// Which models it may use.
    Models = "models",
    /// Which endpoints it may use.
    Endpoints = "endpoints",
    /// From which networks it may be used.
    Networks = "networks",
    /// What the duet does for it.
    Duet = "duet",
}

impl KeyAspect {
    /// In what two states of a key differ.
    pub fn between(old: &ApiKey, new: &ApiKey) -> Vec<Self> {
        let is_off = |key: &ApiKey| matches!(key.state, KeyState::Disabled { .. });
        let rates =
            |limits: &KeyLimits| (limits.requests_per_minute, limits.tokens_per_minute, limits.concurrency);
        let differs = |aspect: &Self| match aspect {
            Self::Enabled => is_off(old) && !is_off(new),
            Self::Disabled => !is_off(old) && is_off(new),
            Self::Name => old.name != new.name,
            Self::Spend => old.limits.spend != new.limits.spend,
            Self::Rates => rates(&old.limits) != rates(&new.limits),
            Self::Models => old.limits.models != new.limits.models,
            Self::Endpoints => old.limits.endpoints != new.limits.endpoints,
            Self::Networks => old.limits.networks != new.limits.networks,
            Self::Duet => old.limits.duet != new.limits.duet,
        };
        Self::ALL.iter().copied().filter(differs).collect()
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;
    use crate::testing::Factory;

    #[test]
    fn what_differs_is_named_and_every_code_is_read_again() {
        let factory = Factory::new(1);
        let (_plain, old) = factory.api_key(factory.account_id());
        assert_eq!(KeyAspect::between(&old, &old), []);
        let limits = KeyLimits { requests_per_minute: Some(7), ..old.limits.clone() };
        let state = KeyState::Disabled { at: factory.now() };
        let new = ApiKey { name: "other".to_owned(), limits, state, ..old.clone() };
        let changed = [KeyAspect::Disabled, KeyAspect::Name, KeyAspect::Rates];
        assert_eq!(KeyAspect::between(&old, &new), changed);
        assert_eq!(
            KeyAspect::between(&new, &ApiKey { state: old.state, ..new.clone() }),
            [KeyAspect::Enabled]
        );
        for aspect in KeyAspect::ALL {
            assert_eq!(KeyAspect::from_code(aspect.as_str()), Some(*aspect));
        }
    }
}
