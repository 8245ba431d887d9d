//! Decimal text to whole numbers, exactly or not at all.

use super::Reason;
use crate::price::Factor;

/// A number as it is written: `digits × 10^-places`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: u64,
    places: u32,
}

impl Decimal {
    /// Reads `12`, `0.25`; no sign, no exponent, no bare point.
    pub(super) fn parse(text: &str) -> Result<Self, Reason> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !plain(whole) || !plain(fraction) {
            return Err("not a plain decimal number");
        }
        // Zeros at the end change nothing and would only use up the range.
        let fraction = fraction.trim_end_matches('0');
        let digits = format!("{whole}{fraction}").parse().map_err(|_too_large| "too large")?;
        let places = u32::try_from(fraction.len()).map_err(|_too_long| "too many decimals")?;
        Ok(Self { digits, places })
    }

    /// The number of units of `10^-unit_places`.
    pub(super) fn units(self, unit_places: u32) -> Result<u64, Reason> {
        let missing =
            unit_places.checked_sub(self.places).ok_or("not a whole number of pico-USD per unit")?;
        let scale = 10_u64.checked_pow(missing).ok_or("too large")?;
        self.digits.checked_mul(scale).ok_or("too large")
    }

    /// The number as a fraction.
    pub(super) fn factor(self) -> Result<Factor, Reason> {
        let denominator = 10_u64.checked_pow(self.places).ok_or("too many decimals")?;
        Factor::new(self.digits, denominator).ok_or("too many decimals")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_becomes_whole_units_exactly() {
        for (text, places, units) in [
            ("0", 6, 0),
            ("1", 6, 1_000_000),
            ("0.0025", 6, 2_500),
            ("0.000001", 6, 1),
            ("0.0000010000", 6, 1),
            ("31.250", 6, 31_250_000),
            ("18446744073709.551615", 6, u64::MAX),
        ] {
            assert_eq!(Decimal::parse(text).and_then(|d| d.units(places)), Ok(units), "{text}");
        }
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        for text in ["0.0000001", "1.0000005", "18446744073709.551616", "99999999999999999999"] {
            assert!(Decimal::parse(text).and_then(|d| d.units(6)).is_err(), "{text}");
        }
    }

    #[test]
    fn only_plain_decimals_are_read() {
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1_000", "1,5", " 1", "1.2.3", "NaN", "١"] {
            assert!(Decimal::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_multiplier_is_a_fraction() {
        assert_eq!(Decimal::parse("1.10").and_then(Decimal::factor).ok(), Factor::new(11, 10));
        assert_eq!(Decimal::parse("2").and_then(Decimal::factor).ok(), Factor::new(2, 1));
    }
}
