//! Fits the weights of the duet router to labelled requests, and measures how well they tell roles
//! in requests that they have not seen (`docs/duet.md`).
//!
//! Everything is deterministic: no randomness, sums in a fixed order, and only such operations on
//! floating-point numbers as IEEE 754 defines to the last bit. The same examples give the same
//! weights on every platform.

mod example;
mod fit;
mod folds;
mod report;

pub use example::{Example, TRAINING, read_examples};
pub use fit::{FitConfig, fit};
pub use folds::{Outcome, Workshop, judge};
pub use report::{Tally, report, table};

use std::fmt;

/// Why there is no fit.
#[derive(Debug)]
pub struct FitError(String);

impl FitError {
    /// An error with these words.
    pub fn new(what: impl fmt::Display) -> Self {
        Self(what.to_string())
    }
}

impl fmt::Display for FitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FitError {}
