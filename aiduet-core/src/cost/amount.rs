//! Amounts as providers write them, added up exactly.

use crate::money::Money;

/// Decimal places that are kept; reports have no amounts that small.
const PLACES: i32 = 30;
/// Parts of a nano-dollar in the sum.
const PER_NANO: i128 = 10_i128.pow(21);
const TEN: i128 = 10;

/// A sum of decimal amounts without rounding.
///
/// # Units
/// Dollars with 30 decimal places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExactSum(i128);

impl ExactSum {
    /// Adds an amount such as `12.5`, `-3` or `6.0e-05`, written in units of ten to the power of `unit`
    /// dollars: 0 for dollars, -2 for cents. `None` if it is no amount, or too large or too fine to be
    /// added exactly; the sum is then as it was.
    #[must_use = "an amount may not be added"]
    pub fn add(&mut self, text: &str, unit: i32) -> Option<()> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (sign, digits) = match mantissa.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let fraction = fraction.trim_end_matches('0');
        let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || digits.ends_with('.') || !is_plain(whole) || !is_plain(fraction) {
            return None;
        }
        let number: i128 = format!("{whole}{fraction}").parse().ok()?;
        let places = i32::try_from(fraction.len()).ok()?;
        let power = PLACES.checked_add(unit)?.checked_add(exponent)?.checked_sub(places)?;
        let added = if number == 0 { 0 } else { scaled(number, power)?.checked_mul(sign)? };
        self.0 = self.0.checked_add(added)?;
        Some(())
    }

    /// The sum, rounded once to the nearest nano-dollar; `None` if it does not fit.
    pub fn money(self) -> Option<Money> {
        let half = PER_NANO.checked_div(2)?;
        let nanos = self.0.checked_add(half)?.div_euclid(PER_NANO);
        i64::try_from(nanos).ok().map(Money::from_nanos)
    }
}

/// `number` times ten to the power of `power`, if that is whole.
fn scaled(number: i128, power: i32) -> Option<i128> {
    let factor = TEN.checked_pow(power.unsigned_abs())?;
    if power >= 0 {
        return number.checked_mul(factor);
    }
    (number.checked_rem(factor)? == 0).then(|| number.checked_div(factor)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(amounts: &[&str], unit: i32) -> Option<i64> {
        let mut sum = ExactSum::default();
        amounts.iter().try_for_each(|text| sum.add(text, unit))?;
        sum.money().map(Money::nanos)
    }

    #[test]
    fn amounts_are_added_exactly_however_they_are_written() {
        for (amounts, unit, nanos) in [
            (&["0.06"][..], 0, 60_000_000),
            (&["12"], 0, 12_000_000_000),
            (&["123.45"], -2, 1_234_500_000),
            (&["6e-05", "6.0E-05"], 0, 120_000),
            (&["1.5e3"], 0, 1_500_000_000_000),
            (&["0", "0.0", "-0"], 0, 0),
            (&["5", "-7.25"], 0, -2_250_000_000),
            // As floats these would not be.
            (&["0.1", "0.2"], 0, 300_000_000),
            (&["0.000000000333333333333333333333"; 3], 0, 1),
            (&["0.06089900000000000006"], 0, 60_899_000),
        ] {
            assert_eq!(sum(amounts, unit), Some(nanos), "{amounts:?}");
        }
    }

    #[test]
    fn what_is_no_amount_is_not_taken_for_one() {
        for text in
            ["", ".", "5.", ".5", "-", "+5", "1e", "e5", "1.2.3", "0x5", "NaN", "1 2", "null", "1e-31"]
        {
            assert_eq!(sum(&[text], 0), None, "{text}");
        }
        assert_eq!(sum(&["99999999999999999999"], 0), None, "too large");
    }
}
