//! Names of the operator for models.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::price::ModelId;

/// Names of the operator for models: each stands for one model or for several, of which the first
/// that can serve is taken and the others follow when it fails.
///
/// An alias may have the name of a model; then it is what the operator says it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Aliases(Arc<BTreeMap<String, Models>>);

/// One model, or several in the order in which they are tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Models {
    /// One.
    One(ModelId),
    /// Several.
    Several(Vec<ModelId>),
}

impl Models {
    /// The models, in order.
    pub const fn as_slice(&self) -> &[ModelId] {
        match self {
            Self::One(model) => std::slice::from_ref(model),
            Self::Several(models) => models.as_slice(),
        }
    }
}

impl Aliases {
    /// The models that a name stands for, if it is an alias.
    pub fn find(&self, name: &str) -> Option<&[ModelId]> {
        self.0.get(name).map(Models::as_slice)
    }

    /// Every alias with its models.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[ModelId])> {
        self.0.iter().map(|(name, models)| (name.as_str(), models.as_slice()))
    }
}

impl FromIterator<(String, Models)> for Aliases {
    fn from_iter<T: IntoIterator<Item = (String, Models)>>(aliases: T) -> Self {
        Self(Arc::new(aliases.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_stands_for_one_or_several() {
        let text = r#"{"fast":"gpt-6-luna","best":["claude-opus-5-5","gpt-6.1-sol"]}"#;
        let aliases: Aliases = serde_json::from_str(text).unwrap();
        let names = |alias: &str| {
            aliases.find(alias).map(|models| models.iter().map(ModelId::as_str).collect::<Vec<_>>())
        };
        assert_eq!(names("fast"), Some(vec!["gpt-6-luna"]));
        assert_eq!(names("best"), Some(vec!["claude-opus-5-5", "gpt-6.1-sol"]));
        assert_eq!(names("other"), None);
        assert_eq!(
            serde_json::to_string(&aliases).unwrap(),
            r#"{"best":["claude-opus-5-5","gpt-6.1-sol"],"fast":"gpt-6-luna"}"#
        );
    }
}
