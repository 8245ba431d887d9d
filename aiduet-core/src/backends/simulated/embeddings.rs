//! `POST /v1/embeddings`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::prompt::{limit_at, script, text_at};
use super::script::Script;
use super::seed::Seed;
use super::tokens;
use super::trouble::Trouble;

/// Most texts of one request.
const INPUTS_MAX: usize = 2_048;
/// Digits after the point of a component.
const SCALE: u64 = 100_000_000;

/// A request.
pub(super) struct Wanted {
    model: String,
    /// What each vector follows from, and its tokens.
    inputs: Vec<(Vec<u8>, u64)>,
    dimensions: usize,
    as_base64: bool,
    pub(super) script: Script,
}

/// Reads a request.
pub(super) fn read(body: &Value, model: String) -> Result<Wanted, Trouble> {
    let input = body.get("input").ok_or_else(|| Trouble::missing("input"))?;
    let inputs = inputs(input).ok_or_else(|| Trouble::wrong("input"))?;
    if inputs.is_empty() || inputs.len() > INPUTS_MAX {
        return Err(Trouble::wrong("input"));
    }
    let most = if model.contains("-large") { 3_072 } else { 1_536 };
    let dimensions = limit_at(body, "dimensions")?.unwrap_or(most);
    if dimensions == 0 || dimensions > most {
        return Err(Trouble::wrong("dimensions"));
    }
    let first_text = input.as_str().or_else(|| input.get(0)?.as_str()).unwrap_or_default();
    Ok(Wanted {
        script: script(&model, first_text)?,
        model,
        inputs,
        dimensions: usize::try_from(dimensions).unwrap_or(1),
        as_base64: text_at(body, "encoding_format") == Some("base64"),
    })
}

/// A text, token numbers, or several of either.
fn inputs(input: &Value) -> Option<Vec<(Vec<u8>, u64)>> {
    let text = |value: &Value| {
        let text = value.as_str().filter(|text| !text.is_empty())?;
        Some((text.as_bytes().to_vec(), tokens::count(text)))
    };
    let numbers = |value: &Value| {
        let numbers = value.as_array().filter(|numbers| !numbers.is_empty())?;
        let all: Option<Vec<u64>> = numbers.iter().map(Value::as_u64).collect();
        let bytes = all?.iter().flat_map(|number| number.to_le_bytes()).collect();
        Some((bytes, u64::try_from(numbers.len()).unwrap_or(u64::MAX)))
    };
    if let Some(one) = text(input).or_else(|| numbers(input)) {
        return Some(vec![one]);
    }
    input.as_array()?.iter().map(|one| text(one).or_else(|| numbers(one))).collect()
}

/// Writes an answer, and the tokens it counted.
pub(super) fn write(wanted: &Wanted) -> (String, u64) {
    let counted = wanted.inputs.iter().fold(0_u64, |sum, (_bytes, tokens)| sum.saturating_add(*tokens));
    let tokens = wanted.script.usage.unwrap_or(counted);
    let magnitude = magnitude(wanted.dimensions);
    let data: Vec<Value> = wanted
        .inputs
        .iter()
        .enumerate()
        .map(|(index, (bytes, _tokens))| {
            let embedding = vector(wanted, bytes, &magnitude);
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let mut answer = json!({"object": "list", "data": data, "model": wanted.model});
    if let Value::Object(fields) = &mut answer
        && !wanted.script.no_usage
    {
        fields.insert("usage".to_owned(), json!({"prompt_tokens": tokens, "total_tokens": tokens}));
    }
    (answer.to_string(), tokens)
}

/// The size of each component: every vector has length 1 and components that differ in sign only.
fn magnitude(dimensions: usize) -> f32 {
    let dimensions = u64::try_from(dimensions).unwrap_or(1).max(1);
    let digits = SCALE.saturating_mul(SCALE).checked_div(dimensions).unwrap_or(0).isqrt();
    if digits >= SCALE { 1.0 } else { format!("0.{digits:08}").parse().unwrap_or(1.0) }
}

fn vector(wanted: &Wanted, bytes: &[u8], magnitude: &f32) -> Value {
    let mut dice = Seed::of([wanted.model.as_bytes(), bytes]).dice();
    let components =
        (0..wanted.dimensions).map(|_| if dice.byte() < 128 { *magnitude } else { magnitude.copysign(-1.0) });
    if wanted.as_base64 {
        json!(STANDARD.encode(components.flat_map(f32::to_le_bytes).collect::<Vec<u8>>()))
    } else {
        components.map(|component| json!(component)).collect()
    }
}
