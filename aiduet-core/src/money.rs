//! Money in whole units of 10⁻⁹ US dollars.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Nano-dollars in one dollar.
const NANOS_PER_USD: i64 = 1_000_000_000;

/// Nano-dollars in one cent.
const NANOS_PER_CENT: i64 = 10_000_000;

/// An amount of US dollars; may be negative.
///
/// # Units
/// Nano-USD: one cent is 10,000,000. The largest amount is about 9.22 billion dollars.
///
/// # Wire shape
/// Serialises as the whole number of nano-dollars; [`Display`](fmt::Display) gives decimal
/// dollars with nine digits, for example `0.000421000`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(i64);

/// Which way a division goes that does not come out even.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the next whole unit upwards: charges.
    Up,
    /// To the next whole unit downwards: refunds.
    Down,
}

/// The sum or product does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("amount of money is out of range")]
pub struct MoneyOverflow;

impl crate::class::Classify for MoneyOverflow {
    fn class(&self) -> crate::class::ErrorClass {
        crate::class::ErrorClass::Invalid
    }
    fn retry(&self) -> crate::class::Retry {
        crate::class::Retry::Never
    }
}

/// The text is not an amount in dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an amount in dollars with at most nine decimals, such as 5.00")]
pub struct ParseMoneyError;

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount.
    pub const MAX: Self = Self(i64::MAX);

    /// An amount of nano-dollars.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// An amount of whole cents.
    ///
    /// # Errors
    /// [`MoneyOverflow`] above about 9.22 billion dollars.
    pub fn try_from_cents(cents: i64) -> Result<Self, MoneyOverflow> {
        cents.checked_mul(NANOS_PER_CENT).map(Self).ok_or(MoneyOverflow)
    }

    /// Divides an amount in 10⁻¹² dollars times `scale` down to nano-dollars, rounding once.
    ///
    /// # Errors
    /// [`MoneyOverflow`] if the result does not fit or `scale` is zero.
    pub fn from_pico(pico: i128, scale: u32, rounding: Rounding) -> Result<Self, MoneyOverflow> {
        let divisor = i128::from(scale).checked_mul(1_000).filter(|d| *d > 0).ok_or(MoneyOverflow)?;
        let down = pico.div_euclid(divisor);
        let even = pico.rem_euclid(divisor) == 0;
        let nanos = match rounding {
            Rounding::Up if !even => down.checked_add(1).ok_or(MoneyOverflow)?,
            Rounding::Up | Rounding::Down => down,
        };
        i64::try_from(nanos).map(Self).map_err(|_overflow| MoneyOverflow)
    }

    /// Nano-dollars.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole cents, rounded.
    pub const fn cents(self, rounding: Rounding) -> i64 {
        let down = self.0.div_euclid(NANOS_PER_CENT);
        match rounding {
            Rounding::Up if self.0.rem_euclid(NANOS_PER_CENT) != 0 => down.saturating_add(1),
            Rounding::Up | Rounding::Down => down,
        }
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyOverflow`] if it does not fit.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyOverflow> {
        self.0.checked_add(other.0).map(Self).ok_or(MoneyOverflow)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyOverflow`] if it does not fit.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyOverflow> {
        self.0.checked_sub(other.0).map(Self).ok_or(MoneyOverflow)
    }

    /// Whether the amount is below zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let unit = NANOS_PER_USD.unsigned_abs();
        write!(f, "{sign}{}.{:09}", nanos / unit, nanos % unit)
    }
}

/// Reads dollars: `5`, `5.00`, `-0.25`, at most nine decimals, no exponent.
impl FromStr for Money {
    type Err = ParseMoneyError;

    fn from_str(text: &str) -> Result<Self, ParseMoneyError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let decimal = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !decimal(whole) || !decimal(fraction) || fraction.len() > 9 {
            return Err(ParseMoneyError);
        }
        let nanos = format!("{whole}{fraction:0<9}").parse::<i64>().map_err(|_invalid| ParseMoneyError)?;
        Ok(Self(if negative { -nanos } else { nanos }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_and_parse_are_inverse() {
        for nanos in [0, 1, -1, 421_000, 5_000_000_000, -250_000_000, i64::MAX, -i64::MAX] {
            let money = Money::from_nanos(nanos);
            assert_eq!(money.to_string().parse(), Ok(money));
        }
    }

    #[test]
    fn parse_refuses_what_is_not_a_plain_decimal() {
        for text in ["", "-", "1.", ".5", "1e3", "+1", "1.0000000001", "1_000", "9300000000", "NaN", " 1"] {
            assert_eq!(text.parse::<Money>(), Err(ParseMoneyError), "{text}");
        }
    }

    #[test]
    fn pico_rounds_once_and_in_the_named_direction() {
        assert_eq!(Money::from_pico(1, 1, Rounding::Up), Ok(Money::from_nanos(1)));
        assert_eq!(Money::from_pico(1, 1, Rounding::Down), Ok(Money::ZERO));
        assert_eq!(Money::from_pico(2_000, 1, Rounding::Up), Ok(Money::from_nanos(2)));
        assert_eq!(Money::from_pico(10_000_001, 10_000, Rounding::Up), Ok(Money::from_nanos(2)));
        assert_eq!(Money::from_pico(i128::MAX, 1, Rounding::Up), Err(MoneyOverflow));
    }
}
