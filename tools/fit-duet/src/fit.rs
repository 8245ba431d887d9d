//! Multinomial logistic regression with an L2 penalty, by accelerated gradient descent.
#![expect(clippy::float_arithmetic, reason = "a fit is arithmetic on real numbers")]

use aiduet_core::duet::{FeatureVector, Role, Weights};

/// How many roles there are.
const ROLES: usize = Role::SCORED.len();

/// How a fit is made.
#[derive(Clone, Copy, Debug)]
pub struct FitConfig {
    /// The penalty on the square of a weight, for each example.
    pub penalty: f64,
    /// Steps.
    pub steps: u32,
    /// Scores that are closer than this, in thousandths, are no decision.
    pub margin: i32,
    /// What a client that wants edits adds to `code`, in thousandths.
    pub prefer_code: i32,
}

impl Default for FitConfig {
    fn default() -> Self {
        Self { penalty: 0.01, steps: 1_500, margin: 100, prefer_code: 1_500 }
    }
}

/// Weights of one feature for each role.
type Row = [f64; ROLES];

/// Fits weights to labelled features. The last row is the bias, which is not penalised.
pub fn fit(examples: &[(FeatureVector, Role)], config: FitConfig) -> Weights {
    let inputs: Vec<Vec<f64>> = examples.iter().map(|(vector, _role)| input(vector)).collect();
    let targets: Vec<Row> = examples.iter().map(|(_vector, role)| target(*role)).collect();
    let width = inputs.first().map_or(1, Vec::len);
    let step = step_size(&inputs, config.penalty);
    let mut rows: Vec<Row> = vec![[0.0; ROLES]; width];
    let mut ahead = rows.clone();
    for round in 0..config.steps {
        let gradient = gradient(&inputs, &targets, &ahead, config.penalty);
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

fn input(vector: &FeatureVector) -> Vec<f64> {
    vector.values().iter().map(|value| f64::from(*value)).chain([1.0]).collect()
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
fn step_size(inputs: &[Vec<f64>], penalty: f64) -> f64 {
    let square = |input: &Vec<f64>| input.iter().map(|value| value * value).sum::<f64>();
    let total: f64 = inputs.iter().map(square).sum();
    let count = count(inputs.len());
    1.0 / (0.5 * total / count + penalty)
}

fn gradient(inputs: &[Vec<f64>], targets: &[Row], rows: &[Row], penalty: f64) -> Vec<Row> {
    let last = rows.len().saturating_sub(1);
    let mut gradient: Vec<Row> = rows
        .iter()
        .enumerate()
        .map(|(place, row)| if place == last { [0.0; ROLES] } else { row.map(|weight| weight * penalty) })
        .collect();
    let share = 1.0 / count(inputs.len());
    for (input, target) in inputs.iter().zip(targets) {
        let mut likely = softmax(scores(input, rows));
        for (likely, target) in likely.iter_mut().zip(target) {
            *likely = (*likely - target) * share;
        }
        for (value, slope) in input.iter().zip(&mut gradient) {
            if *value != 0.0 {
                for (slope, error) in slope.iter_mut().zip(&likely) {
                    *slope += value * error;
                }
            }
        }
    }
    gradient
}

fn scores(input: &[f64], rows: &[Row]) -> Row {
    let mut scores = [0.0; ROLES];
    for (value, row) in input.iter().zip(rows) {
        if *value != 0.0 {
            for (score, weight) in scores.iter_mut().zip(row) {
                *score += value * weight;
            }
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

fn count(length: usize) -> f64 {
    f64::from(u32::try_from(length).unwrap_or(u32::MAX).max(1))
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
