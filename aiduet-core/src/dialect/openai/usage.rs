//! Counts of OpenAI's protocols to disjoint classes.

use serde_json::{Value, json};

use super::super::answer::{CacheLife, read_count, read_object};
use super::super::fault::RequestFault;
use super::super::json::Scanner;
use crate::money::Money;
use crate::usage::Usage;

/// The numbers as they were written. Cached and written tokens are inside `prompt`, reasoning is
/// inside `output`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    prompt: Option<u64>,
    cached: Option<u64>,
    written: Option<u64>,
    written_short: Option<u64>,
    written_long: Option<u64>,
    output: Option<u64>,
    reasoning: Option<u64>,
    clamped: bool,
}

/// Both protocols use the same shape with other names.
const NAMES: [&str; 8] = [
    "prompt_tokens",
    "input_tokens",
    "prompt_tokens_details",
    "input_tokens_details",
    "completion_tokens",
    "output_tokens",
    "completion_tokens_details",
    "output_tokens_details",
];

impl Counts {
    /// Reads a usage object; `None` if the value is something else or counts nothing.
    pub(super) fn read(scanner: &mut Scanner<'_>) -> Result<Option<Self>, RequestFault> {
        let mut counts = Self::default();
        read_object(scanner, &NAMES, |scanner, name| counts.read_member(scanner, name))?;
        let counted = counts.prompt.is_some() || counts.output.is_some();
        Ok(counted.then_some(counts))
    }

    fn read_member(&mut self, scanner: &mut Scanner<'_>, name: &str) -> Result<(), RequestFault> {
        match name {
            "prompt_tokens" | "input_tokens" => self.prompt = read_count(scanner, &mut self.clamped)?,
            "completion_tokens" | "output_tokens" => self.output = read_count(scanner, &mut self.clamped)?,
            "prompt_tokens_details" | "input_tokens_details" => {
                let names = ["cached_tokens", "cache_write_tokens", "cache_write_tokens_details"];
                read_object(scanner, &names, |scanner, name| match name {
                    "cached_tokens" => set(&mut self.cached, scanner, &mut self.clamped),
                    "cache_write_tokens" => set(&mut self.written, scanner, &mut self.clamped),
                    _ => read_object(scanner, &["ttl_30m_tokens", "ttl_12h_tokens"], |scanner, name| {
                        let short = name == "ttl_30m_tokens";
                        let count = if short { &mut self.written_short } else { &mut self.written_long };
                        set(count, scanner, &mut self.clamped)
                    })
                    .map(drop),
                })?;
            }
            _ => {
                read_object(scanner, &["reasoning_tokens"], |scanner, _name| {
                    set(&mut self.reasoning, scanner, &mut self.clamped)
                })?;
            }
        }
        Ok(())
    }

    /// Disjoint classes, and whether a number was impossible. A prompt smaller than its parts is
    /// billed whole at the input rate. Writes whose life is not told apart have the long one if
    /// the request asked for it.
    pub(super) fn usage(&self, unsplit: CacheLife) -> (Usage, bool) {
        let Self { prompt, cached, written, written_short, written_long, output, reasoning, clamped } = *self;
        let (prompt, output) = (prompt.unwrap_or(0), output.unwrap_or(0));
        let cached = cached.unwrap_or(0);
        let by_life = written_short.unwrap_or(0).saturating_add(written_long.unwrap_or(0));
        let written = written.unwrap_or(by_life);
        let long = match (written_short, written_long) {
            (None, None) if unsplit == CacheLife::Long => written,
            _ => written_long.unwrap_or(0),
        };
        let reasoning_inside = reasoning.unwrap_or(0).min(output);
        let doubtful = clamped || long > written || reasoning.is_some_and(|count| count > output);
        let long = long.min(written);
        let rest = cached.checked_add(written).and_then(|parts| prompt.checked_sub(parts));
        let base = Usage { output, reasoning: reasoning_inside, ..Usage::default() };
        match rest {
            Some(input) => {
                let short = written.saturating_sub(long);
                let usage = Usage {
                    input,
                    cache_read: cached,
                    cache_write_short: short,
                    cache_write_long: long,
                    ..base
                };
                (usage, doubtful)
            }
            None => (Usage { input: prompt, ..base }, true),
        }
    }
}

fn set(count: &mut Option<u64>, scanner: &mut Scanner<'_>, clamped: &mut bool) -> Result<(), RequestFault> {
    *count = read_count(scanner, clamped)?;
    Ok(())
}

/// What a bill counts and its sum, as the last chunk of Chat Completions tells them.
pub(super) fn chat_object(usage: &Usage, cost: Money) -> String {
    let (prompt, output) = (usage.prompt(), usage.output);
    let Usage { cache_read, reasoning, .. } = usage;
    let (total, written) = (prompt.saturating_add(output), written(usage));
    format!(
        r#"{{"prompt_tokens":{prompt},"completion_tokens":{output},"total_tokens":{total},"prompt_tokens_details":{{"cached_tokens":{cache_read},"cache_write_tokens":{written}}},"completion_tokens_details":{{"reasoning_tokens":{reasoning}}},"cost":{cost}}}"#
    )
}

/// The same counts as a response tells them.
pub(super) fn responses_object(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.prompt(),
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": written(usage)},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt().saturating_add(usage.output),
    })
}

const fn written(usage: &Usage) -> u64 {
    usage.cache_write_short.saturating_add(usage.cache_write_long)
}
