//! Labelled requests.

use aiduet_core::content::Content;
use aiduet_core::dialect::Endpoint;
use aiduet_core::duet::Role;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::FitError;

/// Requests that were written to learn from, two files for each language. Those who wrote them had
/// not seen the examples by which the router is judged (`data/README.md`).
pub const TRAINING: [&str; 6] = [
    include_str!("../data/train-en.jsonl"),
    include_str!("../data/train-en2.jsonl"),
    include_str!("../data/train-ja.jsonl"),
    include_str!("../data/train-ja2.jsonl"),
    include_str!("../data/train-zh.jsonl"),
    include_str!("../data/train-zh2.jsonl"),
];

/// How the names of requests to learn from begin.
pub(crate) const TRAINING_PREFIX: &str = "tr";

/// A request with the role that people gave it.
#[expect(missing_debug_implementations, reason = "holds content")]
pub struct Example {
    /// Its name: `ex-<language>-<role>-<number>`, or `tr-…` for one to learn from. Examples whose
    /// names differ in the language only are translations of each other.
    pub id: String,
    /// Its language.
    pub language: String,
    /// Its role.
    pub role: Role,
    /// The endpoint it goes to.
    pub endpoint: Endpoint,
    /// The body.
    pub body: Content,
}

impl Example {
    /// What its translations have in common: the number at the end of the name.
    pub fn number(&self) -> usize {
        self.id.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(0)
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    id: String,
    dialect: String,
    #[serde(borrow)]
    request: &'a RawValue,
    label: Role,
    lang: String,
}

/// Reads examples, one JSON object a line.
///
/// # Errors
/// [`FitError`] names the line.
pub fn read_examples(text: &str) -> Result<Vec<Example>, FitError> {
    let lines = text.lines().enumerate().filter(|(_place, line)| !line.trim().is_empty());
    lines
        .map(|(place, line)| {
            let Line { id, dialect, request, label, lang } = serde_json::from_str(line)
                .map_err(|error| FitError::new(format!("line {}: {error}", place + 1)))?;
            let body = request.get();
            let endpoint = match dialect.as_str() {
                "anthropic" => Endpoint::Messages,
                _ if has_input(body) => Endpoint::Responses,
                _ => Endpoint::ChatCompletions,
            };
            let body = Content::new(body.to_owned().into());
            Ok(Example { id, language: lang, role: label, endpoint, body })
        })
        .collect()
}

fn has_input(body: &str) -> bool {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow, default)]
        input: Option<&'a RawValue>,
    }
    serde_json::from_str(body).is_ok_and(|head: Head<'_>| head.input.is_some())
}
