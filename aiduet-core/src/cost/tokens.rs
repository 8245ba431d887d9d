//! Tokens of a day, as a provider counted them and as we recorded them.

use super::comparison::{TOLERANCE, TOLERANCE_PART};
use crate::clock::Timestamp;
use crate::money::Money;
use crate::price::{PricedModel, Rate};
use crate::provider::Vendor;
use crate::usage::TokenClass;

const PICO_PER_NANO: i128 = 1_000;

/// Tokens of a model on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayTokens {
    /// Prompt tokens, those read from and written to caches too.
    pub input: u64,
    /// Generated tokens, reasoning included.
    pub output: u64,
}

impl DayTokens {
    /// Adds tokens of a class.
    pub const fn add(&mut self, class: TokenClass, count: u64) {
        let sum = match class {
            TokenClass::Input
            | TokenClass::CacheRead
            | TokenClass::CacheWriteShort
            | TokenClass::CacheWriteLong => &mut self.input,
            TokenClass::Output => &mut self.output,
        };
        *sum = sum.saturating_add(count);
    }

    /// Adds those of another part of the day.
    pub const fn merge(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
    }

    /// What so many tokens cost at the list price of a model, in nano-USD, each as an uncached one.
    fn worth(self, model: &PricedModel) -> Money {
        let rates = model.standard.base;
        let cost = |count: u64, rate: Option<Rate>| {
            i128::from(count).saturating_mul(i128::from(rate.map_or(0, Rate::pico)))
        };
        let pico = cost(self.input, Some(rates.input)).saturating_add(cost(self.output, rates.output));
        let nanos = pico.checked_div(PICO_PER_NANO).unwrap_or_default();
        Money::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }
}

/// A model on a day, as its provider counted and as we recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenComparison {
    /// The first moment of the day (UTC).
    pub day: Timestamp,
    /// Whose model.
    pub vendor: Vendor,
    /// The model by its name in the catalogue; as the provider says it if we do not know it.
    pub model: String,
    /// What the provider counted.
    pub reported: DayTokens,
    /// What the requests that began on the day were billed for.
    pub recorded: DayTokens,
    /// The part of that which we counted ourselves, since the provider did not tell.
    pub estimated: DayTokens,
    /// What the difference costs at the list price; `None` for a model that has none.
    pub worth: Option<Money>,
}

impl TokenComparison {
    /// Compares.
    pub(super) fn of(
        (day, vendor, name): (Timestamp, Vendor, String),
        reported: DayTokens,
        (recorded, estimated): (DayTokens, DayTokens),
        model: Option<&PricedModel>,
    ) -> Self {
        let difference = DayTokens {
            input: reported.input.abs_diff(recorded.input),
            output: reported.output.abs_diff(recorded.output),
        };
        let worth = model.map(|model| difference.worth(model));
        Self { day, vendor, model: name, reported, recorded, estimated, worth }
    }

    /// Whether the difference is within the tolerance: worth a dollar, or 0.5 % of what is reported.
    pub fn is_clean(&self) -> bool {
        let is_close = |reported: u64, recorded: u64| {
            let part = reported.checked_div(TOLERANCE_PART.into()).unwrap_or_default();
            reported.abs_diff(recorded) <= part
        };
        self.worth.is_some_and(|worth| worth <= TOLERANCE)
            || (is_close(self.reported.input, self.recorded.input)
                && is_close(self.reported.output, self.recorded.output))
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;
    use crate::testing::price::sheet_from;

    #[test]
    fn a_dollar_or_half_a_percent_of_the_tokens_is_no_difference() {
        let sheet = sheet_from("2026-01-01");
        let mini = sheet.find("gpt-5.4-mini").unwrap();
        let per_dollar = |rate: Rate| 1_000_000_000_000 / rate.pico();
        let (input, output) =
            (per_dollar(mini.standard.base.input), per_dollar(mini.standard.base.output.unwrap()));
        for (reported, recorded, is_known, is_clean) in [
            ((0, 0), (0, 0), false, true),
            ((1, 0), (0, 0), false, false),
            ((1, 0), (0, 0), true, true),
            ((input, 0), (0, 0), true, true),
            ((0, output), (0, 0), true, true),
            // A dollar of each is two.
            ((input, output), (0, 0), true, false),
            ((0, 0), (input + input / 10, 0), true, false),
            ((1_000, 2_000), (995, 2_010), false, true),
            ((1_000, 2_000), (994, 2_000), false, false),
            ((1_000, 2_000), (1_000, 2_011), false, false),
        ] {
            let tokens = |(input, output)| DayTokens { input, output };
            let name = (Timestamp::from_millis(0), Vendor::OpenAi, "gpt-5.4-mini".to_owned());
            let model = is_known.then(|| mini.as_ref());
            let recorded = (tokens(recorded), DayTokens::default());
            let comparison = TokenComparison::of(name, tokens(reported), recorded, model);
            assert_eq!(comparison.is_clean(), is_clean, "{comparison:?}");
        }
    }
}
