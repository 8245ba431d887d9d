//! Values with units, written the way people write them: `"90d"`, `"32MiB"`, `"5.00 USD"`.

use std::time::Duration;

use crate::money::Money;

const DURATION_UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

const SIZE_UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// Sizes are written in powers of two.
const BINARY_UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Splits `90d` into a whole number and a unit.
fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// Writes an amount in the largest unit in which it is whole.
fn written(amount: u64, units: &[(&str, u64)]) -> String {
    let fits = |(_, factor): &&(&str, u64)| amount >= *factor && amount.is_multiple_of(*factor);
    let (name, factor) = units.iter().find(fits).or(units.last()).copied().unwrap_or(("", 1));
    format!("{}{name}", amount / factor)
}

/// Reads a duration such as `30s` or `90d`; `None` if it is not one.
pub fn parse_duration(text: &str) -> Option<Duration> {
    quantity(text, &DURATION_UNITS).map(Duration::from_millis)
}

/// Reads `5.00 USD`; the currency must be named.
pub(super) fn parse_money(text: &str) -> Option<Money> {
    text.trim().strip_suffix("USD")?.trim_end().parse().ok()
}

/// `#[serde(with)]` for a [`Duration`] as text.
pub(super) mod duration {
    use std::time::Duration;

    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(in crate::settings) fn serialize<S: Serializer>(
        value: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let millis = u64::try_from(value.as_millis()).unwrap_or(u64::MAX);
        let units = &super::DURATION_UNITS;
        let text = if millis == 0 { "0s".to_owned() } else { super::written(millis, units) };
        serializer.serialize_str(&text)
    }

    pub(in crate::settings) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse_duration(&text).ok_or_else(|| D::Error::custom("not a duration"))
    }
}

/// `#[serde(with)]` for a number of bytes as text.
pub(super) mod bytes_size {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(in crate::settings) fn serialize<S: Serializer>(
        value: &usize,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let bytes = u64::try_from(*value).unwrap_or(u64::MAX);
        serializer.serialize_str(&super::written(bytes, &super::BINARY_UNITS))
    }

    pub(in crate::settings) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<usize, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = super::quantity(&text, &super::SIZE_UNITS).and_then(|bytes| usize::try_from(bytes).ok());
        bytes.ok_or_else(|| D::Error::custom("not a size"))
    }
}

/// `#[serde(with)]` for an amount in dollars as text.
pub(super) mod dollars {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    use crate::money::Money;

    pub(in crate::settings) fn serialize<S: Serializer>(
        value: &Money,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value} USD"))
    }

    pub(in crate::settings) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Money, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse_money(&text).ok_or_else(|| D::Error::custom("not an amount in USD"))
    }
}

/// `#[serde(with)]` for an optional secret: read as text, never written back.
pub(super) mod secret {
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::Serializer;

    use crate::secret::Secret;

    #[expect(clippy::ref_option, reason = "the signature is serde's")]
    pub(in crate::settings) fn serialize<S: Serializer>(
        value: &Option<Secret<String>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(_) => serializer.serialize_str("[redacted]"),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::settings) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Secret<String>>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_numbers_with_a_unit() {
        for (text, millis) in
            [("90d", 7_776_000_000), ("30s", 30_000), ("2 h", 7_200_000), ("5m", 300_000), ("250ms", 250)]
        {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "30", "s", "1.5s", "-1s", "1w", "99999999999999999999s", "18446744073709551615d"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_whole_numbers_with_a_unit() {
        for (text, bytes) in [("32MiB", 33_554_432), ("1 KiB", 1_024), ("5MB", 5_000_000), ("7B", 7)] {
            assert_eq!(quantity(text, &SIZE_UNITS), Some(bytes), "{text}");
        }
        for text in ["", "32", "MiB", "1.5MiB", "1 XB"] {
            assert_eq!(quantity(text, &SIZE_UNITS), None, "{text}");
        }
    }

    #[test]
    fn money_names_its_currency_and_is_exact() {
        assert_eq!(parse_money("5.00 USD"), Some(Money::from_nanos(5_000_000_000)));
        assert_eq!(parse_money("0.000000001USD"), Some(Money::from_nanos(1)));
        for text in ["5.00", "5.00 EUR", "USD", "1e3 USD", "5,00 USD"] {
            assert_eq!(parse_money(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_are_written_in_the_largest_unit_that_is_exact() {
        assert_eq!(written(90_000, &DURATION_UNITS), "90s");
        assert_eq!(written(7_776_000_000, &DURATION_UNITS), "90d");
        assert_eq!(written(250, &DURATION_UNITS), "250ms");
    }
}
