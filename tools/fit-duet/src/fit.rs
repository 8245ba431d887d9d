//! Multinomial logistic regression with an L2 penalty, by accelerated gradient descent.
#![expect(clippy::float_arithmetic, reason = "a fit is arithmetic on real numbers")]

use std::collections::BTreeMap;

use aiduet_core::duet::{Feature, FeatureVector, Role, Weights};

/// How many roles there are.
const ROLES: usize = Role::SCORED.len();

/// How a fit is made.
#[derive(Clone, Copy, Debug)]
pub struct FitConfig {
    /// The penalty on the square of a weight, for each example.
    pub penalty: f64,
    /// Steps.
    pub steps: u32,
    /// Into how many parts the examples are dealt.
    pub folds: usize,
    /// Scores that are closer than this, in thousandths, are no decision.
    pub margin: i32,
    /// What a client that wants edits adds to `code`, in thousandths.
    pub prefer_code: i32,
}

impl Default for FitConfig {
    fn default() -> Self {
        Self { penalty: 0.003, steps: 600, folds: 20, margin: 100, prefer_code: 1_500 }
    }
}

/// Weights of one feature for each role.
type Row = [f64; ROLES];

/// Labelled features that occur so many times: the values that are not nought, by place.
struct Sample {
    values: Vec<(usize, f64)>,
    target: Row,
    times: f64,
}

/// Fits weights to labelled features. The last row is the bias, which is not penalised.
pub fn fit(examples: impl IntoIterator<Item = (FeatureVector, Role)>, config: FitConfig) -> Weights {
    let samples = samples(examples);
    let width = Feature::ALL.len() + 1;
    let total: f64 = samples.iter().map(|sample| sample.times).sum();
    let step = step_size(&samples, total, config.penalty);
    let mut rows: Vec<Row> = vec![[0.0; ROLES]; width];
    let mut ahead = rows.clone();
    for round in 0..config.steps {
        let gradient = gradient(&samples, total, &ahead, config.penalty);
        let round = f64::from(round);
        let momentum = round / (round + 3.0);
        for ((row, ahead), slope) in rows.iter_mut().zip(&mut ahead).zip(&gradient) {
            for ((weight, ahead), slope) in row.iter_mut().zip(ahead.iter_mut()).zip(slope) {
                let next = *ahead - step * slope;
                *ahead = next + momentum * (next - *weight);
                *weight = next;
            }
        }
    }
    let bias = rows.pop().map(rounded).unwrap_or_default();
    Weights::from_fit(bias, rows.into_iter().map(rounded), config.margin, config.prefer_code)
}

fn samples(examples: impl IntoIterator<Item = (FeatureVector, Role)>) -> Vec<Sample> {
    let mut times: BTreeMap<(Vec<i32>, Role), u32> = BTreeMap::new();
    for (vector, role) in examples {
        *times.entry((vector.values().to_vec(), role)).or_default() += 1;
    }
    let sample = |((vector, role), times): ((Vec<i32>, Role), u32)| {
        let bias = (vector.len(), 1.0);
        let values = vector.into_iter().enumerate().filter(|(_place, value)| *value != 0);
        Sample {
            values: values.map(|(place, value)| (place, f64::from(value))).chain([bias]).collect(),
            target: target(role),
            times: f64::from(times),
        }
    };
    times.into_iter().map(sample).collect()
}

fn target(role: Role) -> Row {
    let mut row = [0.0; ROLES];
    for (slot, known) in row.iter_mut().zip(Role::SCORED) {
        *slot = f64::from(u8::from(known == role));
    }
    row
}

/// A step that is short enough for the steepest direction: the curvature is at most half of the
/// mean square of the inputs.
fn step_size(samples: &[Sample], total: f64, penalty: f64) -> f64 {
    let square = |sample: &Sample| {
        sample.times * sample.values.iter().map(|(_place, value)| value * value).sum::<f64>()
    };
    let squares: f64 = samples.iter().map(square).sum();
    1.0 / (0.5 * squares / total.max(1.0) + penalty)
}

fn gradient(samples: &[Sample], total: f64, rows: &[Row], penalty: f64) -> Vec<Row> {
    let last = rows.len().saturating_sub(1);
    let mut gradient: Vec<Row> = rows
        .iter()
        .enumerate()
        .map(|(place, row)| if place == last { [0.0; ROLES] } else { row.map(|weight| weight * penalty) })
        .collect();
    for sample in samples {
        let share = sample.times / total;
        let mut likely = softmax(scores(&sample.values, rows));
        for (likely, target) in likely.iter_mut().zip(sample.target) {
            *likely = (*likely - target) * share;
        }
        for (place, value) in &sample.values {
            let Some(slope) = gradient.get_mut(*place) else { continue };
            for (slope, error) in slope.iter_mut().zip(&likely) {
                *slope += value * error;
            }
        }
    }
    gradient
}

fn scores(values: &[(usize, f64)], rows: &[Row]) -> Row {
    let mut scores = [0.0; ROLES];
    for (place, value) in values {
        let Some(row) = rows.get(*place) else { continue };
        for (score, weight) in scores.iter_mut().zip(row) {
            *score += value * weight;
        }
    }
    scores
}

fn softmax(scores: Row) -> Row {
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let raised = scores.map(|score| exp(score - most));
    let sum: f64 = raised.iter().sum();
    raised.map(|value| value / sum)
}

/// e to the power of a number that is not positive, the same on every platform: the one of the
/// standard library may differ in the last bit. (1 + x/2¹⁰ + …)^(2¹⁰), four terms of the series.
fn exp(exponent: f64) -> f64 {
    if exponent < -700.0 {
        return 0.0;
    }
    let part = exponent / 1_024.0;
    let mut value = 1.0 + part * (1.0 + part / 2.0 * (1.0 + part / 3.0 * (1.0 + part / 4.0)));
    for _ in 0..10 {
        value *= value;
    }
    value
}

/// Thousandths.
fn rounded(row: Row) -> [i32; ROLES] {
    row.map(|weight| {
        let thousandths = (weight * 1_000.0).round().clamp(-1e6, 1e6);
        #[expect(clippy::cast_possible_truncation, reason = "a whole number in range")]
        {
            thousandths as i32
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_e_are_right() {
        for exponent in [0.0, -0.001, -1.0, -5.5, -30.0] {
            let expected = f64::exp(exponent);
            assert!((exp(exponent) - expected).abs() <= expected * 1e-6, "{exponent}");
        }
        assert!(exp(-1_000.0) < 1e-300);
    }
}
