//! What the headers of a request say about its ensemble.

use http::HeaderMap;

use super::shares::Reviewing;
use crate::gateway::GatewayError;
use crate::money::Money;

/// With the value `answer` the answer is what the code stage writes, and nothing else.
const ENSEMBLE: &str = "x-aiduet-ensemble";
/// How many times the code is repaired at most: `0` or `1`.
const ROUNDS: &str = "x-aiduet-rounds";
/// The most that the request may cost, in dollars.
const MAX_COST: &str = "x-aiduet-max-cost";

/// What of the stages the client sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// All of them, under headings.
    Everything,
    /// The answer alone.
    Answer,
}

/// Whether a review may have the code written again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rounds {
    None,
    One,
}

/// What a client wants of an ensemble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wishes {
    pub(super) manner: Manner,
    pub(super) rounds: Rounds,
    /// The most that it may cost.
    pub(super) ceiling: Option<Money>,
}

impl Wishes {
    /// Reads the headers.
    ///
    /// # Errors
    /// [`GatewayError::InvalidHeader`] for a value that means nothing, and for two of them.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, GatewayError> {
        let manner = match single(headers, ENSEMBLE)? {
            None => Manner::Everything,
            Some("answer") => Manner::Answer,
            Some(_) => return Err(invalid(ENSEMBLE)),
        };
        let rounds = match single(headers, ROUNDS)? {
            None | Some("0") => Rounds::None,
            Some("1") => Rounds::One,
            Some(_) => return Err(invalid(ROUNDS)),
        };
        let amount = |text: &str| text.parse().ok().filter(|amount: &Money| !amount.is_negative());
        let ceiling = match single(headers, MAX_COST)? {
            None => None,
            Some(text) => Some(amount(text).ok_or(invalid(MAX_COST))?),
        };
        Ok(Self { manner, rounds, ceiling })
    }

    /// A review that nobody sees, and from which nothing follows, is not made.
    pub(super) const fn reviewing(&self) -> Reviewing {
        match (self.manner, self.rounds) {
            (Manner::Answer, Rounds::None) => Reviewing::No,
            (Manner::Everything, _) | (Manner::Answer, Rounds::One) => Reviewing::Yes,
        }
    }
}

fn single<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>, GatewayError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(|text| Some(text.trim())).map_err(|_text| invalid(name)),
        (Some(_), Some(_)) => Err(invalid(name)),
    }
}

const fn invalid(name: &'static str) -> GatewayError {
    GatewayError::InvalidHeader { name }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(values: &[(&'static str, &'static str)]) -> Result<Wishes, &'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in values {
            headers.append(*name, HeaderValue::from_static(value));
        }
        Wishes::read(&headers).map_err(|error| match error {
            GatewayError::InvalidHeader { name } => name,
            _ => "another error",
        })
    }

    #[test]
    fn what_is_not_said_is_everything_and_no_repair() {
        let plain = Wishes { manner: Manner::Everything, rounds: Rounds::None, ceiling: None };
        assert_eq!(read(&[]), Ok(plain));
        assert_eq!(read(&[(ROUNDS, "0")]), Ok(plain));
        let quiet = Wishes { manner: Manner::Answer, rounds: Rounds::One, ..plain };
        assert_eq!(read(&[(ENSEMBLE, "answer"), (ROUNDS, " 1 ")]), Ok(quiet));
        let bounded = Wishes { ceiling: Some(Money::from_nanos(250_000_000)), ..plain };
        assert_eq!(read(&[(MAX_COST, "0.25")]), Ok(bounded));
    }

    #[test]
    fn what_means_nothing_is_refused_by_name() {
        for (name, value) in [
            (ENSEMBLE, "quiet"),
            (ENSEMBLE, ""),
            (ROUNDS, "2"),
            (ROUNDS, "-1"),
            (MAX_COST, "cheap"),
            (MAX_COST, "-1"),
            (MAX_COST, ""),
        ] {
            assert_eq!(read(&[(name, value)]), Err(name), "{value}");
        }
        assert_eq!(read(&[(ROUNDS, "0"), (ROUNDS, "1")]), Err(ROUNDS));
    }

    #[test]
    fn a_review_is_made_for_somebody() {
        for (values, expected) in [
            (&[][..], Reviewing::Yes),
            (&[(ENSEMBLE, "answer")], Reviewing::No),
            (&[(ENSEMBLE, "answer"), (ROUNDS, "1")], Reviewing::Yes),
        ] {
            assert_eq!(read(values).unwrap().reviewing(), expected, "{values:?}");
        }
    }
}
