//! Counts of the Messages API to disjoint classes.

use super::super::answer::{CacheLife, read_array, read_count, read_model, read_object, read_text};
use super::super::fault::RequestFault;
use super::super::json::Scanner;
use super::super::reading::Served;
use crate::usage::{Modifiers, ServiceTier, Usage, UsagePart};

type Read = Result<(), RequestFault>;

/// The numbers as they were written last. In a stream they come in pieces: what counts is the
/// last number of each field, except that a zero does not replace one that was there.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    input: Option<u64>,
    written: Option<u64>,
    written_short: Option<u64>,
    written_long: Option<u64>,
    read: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
    searches: Option<u64>,
    passes: Vec<Pass>,
    clamped: bool,
}

/// One pass of the provider: the answer itself, a compaction, an adviser, a fallback.
#[derive(Clone, Debug, Default)]
struct Pass {
    model: Option<Box<str>>,
    is_fallback: bool,
    counts: Counts,
}

const NAMES: [&str; 11] = [
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "cache_creation",
    "output_tokens",
    "output_tokens_details",
    "server_tool_use",
    "service_tier",
    "speed",
    "inference_geo",
    "iterations",
];

impl Counts {
    /// Reads a usage object over what was known before.
    pub(super) fn read(&mut self, scanner: &mut Scanner<'_>, modifiers: &mut Modifiers) -> Read {
        read_object(scanner, &NAMES, |scanner, name| match name {
            "service_tier" => {
                let tier = read_text(scanner)?.and_then(|word| served_tier(&word.decode()));
                modifiers.tier = tier.unwrap_or(modifiers.tier);
                Ok(())
            }
            "speed" => {
                let fast = read_text(scanner)?.map(|word| word.is("fast"));
                modifiers.fast = fast.unwrap_or(modifiers.fast);
                Ok(())
            }
            "inference_geo" => {
                let us = read_text(scanner)?.map(|word| word.is("us"));
                modifiers.us_inference = us.unwrap_or(modifiers.us_inference);
                Ok(())
            }
            "iterations" => {
                let mut passes = Vec::new();
                read_array(scanner, |pass| {
                    passes.push(Pass::read(pass)?);
                    Ok(())
                })?;
                if !passes.is_empty() {
                    self.passes = passes;
                }
                Ok(())
            }
            _ => self.read_number(scanner, name),
        })
        .map(drop)
    }

    fn read_number(&mut self, scanner: &mut Scanner<'_>, name: &str) -> Read {
        let clamped = &mut self.clamped;
        match name {
            "input_tokens" => overwrite(&mut self.input, scanner, clamped),
            "cache_creation_input_tokens" => overwrite(&mut self.written, scanner, clamped),
            "cache_read_input_tokens" => overwrite(&mut self.read, scanner, clamped),
            "output_tokens" => overwrite(&mut self.output, scanner, clamped),
            "cache_creation" => {
                let names = ["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"];
                let (short, long) = (&mut self.written_short, &mut self.written_long);
                read_object(scanner, &names, |scanner, name| match name {
                    "ephemeral_5m_input_tokens" => overwrite(short, scanner, clamped),
                    _ => overwrite(long, scanner, clamped),
                })
                .map(drop)
            }
            "output_tokens_details" => read_object(scanner, &["thinking_tokens"], |scanner, _name| {
                overwrite(&mut self.thinking, scanner, clamped)
            })
            .map(drop),
            _ => read_object(scanner, &["web_search_requests"], |scanner, _name| {
                overwrite(&mut self.searches, scanner, clamped)
            })
            .map(drop),
        }
    }

    /// Whether the provider counted anything.
    pub(super) const fn is_known(&self) -> bool {
        self.input.is_some() || self.output.is_some()
    }

    /// Disjoint classes by the model that ran, and whether a number was impossible.
    ///
    /// Passes are billed one by one where they are listed, since the sums leave some of them out.
    /// An attempt that generated nothing and was followed by a fallback is listed but not billed.
    pub(super) fn parts(&self, served: &Served, unsplit: CacheLife) -> (Vec<UsagePart>, bool) {
        let Served { model, modifiers } = served.clone();
        let (mut usage, mut clamped) = self.usage(unsplit);
        if self.passes.is_empty() {
            return (vec![UsagePart { served_model: model, usage, modifiers }], clamped);
        }
        let mut parts = Vec::new();
        for (index, pass) in self.passes.iter().enumerate() {
            let (counted, doubtful) = pass.counts.usage(unsplit);
            clamped |= doubtful;
            let replaced = self.passes.iter().skip(index + 1).any(|later| later.is_fallback);
            if counted.output > 0 || !replaced {
                let served_model = pass.model.clone().or_else(|| model.clone());
                parts.push(UsagePart { served_model, usage: counted, modifiers });
            }
        }
        // Searches are counted for the answer as a whole.
        let listed: u64 = parts.iter().map(|part| part.usage.web_searches).fold(0, u64::saturating_add);
        usage.web_searches = usage.web_searches.saturating_sub(listed);
        if let Some(last) = parts.last_mut() {
            last.usage.web_searches = last.usage.web_searches.saturating_add(usage.web_searches);
        }
        (parts, clamped)
    }

    fn usage(&self, unsplit: CacheLife) -> (Usage, bool) {
        let Self { input, written, written_short, written_long, read, output, thinking, searches, .. } = self;
        let by_life = written_short.unwrap_or(0).saturating_add(written_long.unwrap_or(0));
        let written = written.unwrap_or(by_life);
        let told_apart = written_short.is_some() || written_long.is_some();
        let long =
            if told_apart || unsplit == CacheLife::Short { written_long.unwrap_or(0) } else { written };
        let output = output.unwrap_or(0);
        let thinking = thinking.unwrap_or(0);
        let doubtful = self.clamped || by_life > written || thinking > output;
        let long = long.min(written);
        let usage = Usage {
            input: input.unwrap_or(0),
            cache_read: read.unwrap_or(0),
            cache_write_short: written.saturating_sub(long),
            cache_write_long: long,
            output,
            reasoning: thinking.min(output),
            web_searches: searches.unwrap_or(0),
        };
        (usage, doubtful)
    }
}

impl Pass {
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, RequestFault> {
        let mut pass = Self::default();
        let mut served = Served::default();
        let mut names = vec!["type", "model"];
        names.extend(NAMES.iter().filter(|name| **name != "iterations"));
        read_object(scanner, &names, |scanner, name| match name {
            "type" => {
                pass.is_fallback = read_text(scanner)?.is_some_and(|kind| kind.is("fallback_message"));
                Ok(())
            }
            "model" => read_model(scanner, &mut served),
            "service_tier" | "speed" | "inference_geo" => scanner.pass(),
            _ => pass.counts.read_number(scanner, name),
        })?;
        pass.model = served.model;
        Ok(pass)
    }
}

/// A missing number, or a zero after another number, says nothing.
fn overwrite(count: &mut Option<u64>, scanner: &mut Scanner<'_>, clamped: &mut bool) -> Read {
    if let Some(new) = read_count(scanner, clamped)?
        && (new > 0 || count.is_none())
    {
        *count = Some(new);
    }
    Ok(())
}

fn served_tier(word: &str) -> Option<ServiceTier> {
    match word {
        "standard" => Some(ServiceTier::Standard),
        "priority" => Some(ServiceTier::Priority),
        "batch" => Some(ServiceTier::Batch),
        _ => None,
    }
}
