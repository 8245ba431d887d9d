//! The linear scorer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::DuetDataError;
use super::feature::{FEATURES, Feature, FeatureVector};
use super::role::Role;

/// How many roles are scored.
const ROLES: usize = Role::SCORED.len();

/// The version of the format.
const VERSION: u32 = 1;

/// The largest weight, in thousandths: sums of all features stay far inside an `i32`.
const WEIGHT_MAX: i32 = 1_000_000;

/// The weights of all features for all roles, in thousandths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// In the order of [`Role::SCORED`].
    bias: [i32; ROLES],
    /// In the order of [`Feature::ALL`].
    features: [[i32; ROLES]; FEATURES],
    /// Scores that are closer than this are no decision.
    margin: i32,
    /// What an instruction of the client to change files adds to `code`.
    prefer_code: i32,
}

/// One row of the file: a number for each scored role.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    code: i32,
    review: i32,
    plan: i32,
    chat: i32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WeightsFile {
    version: u32,
    margin: i32,
    prefer_code: i32,
    bias: Row,
    features: BTreeMap<Feature, Row>,
}

impl Row {
    const fn values(self) -> [i32; ROLES] {
        [self.code, self.review, self.plan, self.chat]
    }

    const fn of([code, review, plan, chat]: [i32; ROLES]) -> Self {
        Self { code, review, plan, chat }
    }
}

/// The scores of the scored roles, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scores([i32; ROLES]);

impl Scores {
    /// The score of a role; `None` for one that is not scored.
    pub fn of(&self, role: Role) -> Option<i32> {
        self.ranked().into_iter().find(|(known, _score)| *known == role).map(|(_role, score)| score)
    }

    /// The roles with their scores, best first; ties in the order of [`Role::SCORED`].
    pub fn ranked(&self) -> [(Role, i32); ROLES] {
        let [code, review, plan, chat] = self.0;
        let mut ranked = [(Role::Code, code), (Role::Review, review), (Role::Plan, plan), (Role::Chat, chat)];
        ranked.sort_by_key(|(_role, score)| std::cmp::Reverse(*score));
        ranked
    }

    /// The best role.
    pub fn best(&self) -> Role {
        let [(role, _score), ..] = self.ranked();
        role
    }

    /// How far the best role is ahead of the next one.
    pub fn lead(&self) -> i32 {
        let [(_best, first), (_next, second), ..] = self.ranked();
        first.saturating_sub(second)
    }

    /// The same with so much more for one role.
    #[must_use]
    pub(super) fn plus(self, role: Role, more: i32) -> Self {
        let mut scores = self.0;
        for (known, score) in Role::SCORED.iter().zip(&mut scores) {
            if *known == role {
                *score = score.saturating_add(more);
            }
        }
        Self(scores)
    }
}

impl Weights {
    /// Makes weights from a fit: for each role the bias and the weight of each feature.
    pub fn from_fit(
        bias: [i32; ROLES],
        features: impl IntoIterator<Item = [i32; ROLES]>,
        margin: i32,
        prefer_code: i32,
    ) -> Self {
        let mut rows = [[0; ROLES]; FEATURES];
        for (row, fitted) in rows.iter_mut().zip(features) {
            *row = fitted;
        }
        Self { bias, features: rows, margin, prefer_code }
    }

    /// Reads weights (`docs/duet.md`).
    ///
    /// # Errors
    /// [`DuetDataError`] for an unknown or missing feature, or a weight out of range.
    pub fn from_json(text: &str) -> Result<Self, DuetDataError> {
        let invalid = |reason: &str| DuetDataError::Weights { reason: reason.to_owned() };
        let file: WeightsFile = serde_json::from_str(text)
            .map_err(|error| DuetDataError::Weights { reason: error.to_string() })?;
        let WeightsFile { version, margin, prefer_code, bias, features } = file;
        if version != VERSION {
            return Err(invalid("not the version that is known"));
        }
        let mut rows = [[0; ROLES]; FEATURES];
        for (row, feature) in rows.iter_mut().zip(Feature::ALL) {
            *row = features.get(feature).ok_or_else(|| invalid("a feature is missing"))?.values();
        }
        let bias = bias.values();
        let small = |weight: &i32| weight.unsigned_abs() <= WEIGHT_MAX.unsigned_abs();
        let all_small = rows.iter().flatten().chain(&bias).chain([&margin, &prefer_code]).all(small);
        if !all_small || margin < 0 {
            return Err(invalid("a number is out of range"));
        }
        Ok(Self { bias, features: rows, margin, prefer_code })
    }

    /// Writes weights as they are read, one feature a line.
    pub fn to_json(&self) -> String {
        let row = |values: [i32; ROLES]| {
            let Row { code, review, plan, chat } = Row::of(values);
            format!("{{\"code\": {code}, \"review\": {review}, \"plan\": {plan}, \"chat\": {chat}}}")
        };
        let mut text = format!(
            "{{\n  \"version\": {VERSION},\n  \"margin\": {},\n  \"prefer_code\": {},\n  \"bias\": {},\n  \"features\": {{\n",
            self.margin,
            self.prefer_code,
            row(self.bias)
        );
        for (place, (feature, values)) in Feature::ALL.iter().zip(self.features).enumerate() {
            let comma = if place + 1 == FEATURES { "" } else { "," };
            text.push_str(&format!("    \"{}\": {}{comma}\n", feature.as_str(), row(values)));
        }
        text.push_str("  }\n}\n");
        text
    }

    /// Scores closer than this are no decision.
    pub const fn margin(&self) -> i32 {
        self.margin
    }

    pub(super) const fn prefer_code(&self) -> i32 {
        self.prefer_code
    }

    /// The scores of a request.
    pub fn scores(&self, vector: &FeatureVector) -> Scores {
        let mut scores = self.bias;
        for (row, value) in self.features.iter().zip(vector.values()) {
            for (score, weight) in scores.iter_mut().zip(row) {
                *score = score.saturating_add(weight.saturating_mul(*value));
            }
        }
        Scores(scores)
    }

    /// What a feature of this value adds to a role.
    pub fn contribution(&self, feature: Feature, value: i32, role: Role) -> i32 {
        let row = Feature::ALL.iter().zip(&self.features).find(|(known, _row)| **known == feature);
        let weight = row.and_then(|(_feature, row)| {
            Role::SCORED
                .iter()
                .zip(row)
                .find(|(known, _weight)| **known == role)
                .map(|(_role, weight)| *weight)
        });
        weight.unwrap_or(0).saturating_mul(value)
    }
}
