//! The stages of an ensemble beside the sum of what they used.

use serde::Serialize;

use crate::usage::{StageUsage, Usage};

/// Counts in the words of a dialect, and the stages that they are the sum of, in ours: a member that
/// clients pass over which do not know it.
#[derive(Serialize)]
pub(super) struct Listed<'a, W> {
    #[serde(flatten)]
    usage: W,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stages: Vec<StageWire<'a>>,
}

#[derive(Serialize)]
struct StageWire<'a> {
    stage: &'static str,
    model: &'a str,
    input_tokens: u64,
    cache_read_tokens: u64,
    cache_write_tokens: u64,
    output_tokens: u64,
}

impl<'a, W: Serialize> Listed<'a, W> {
    pub(super) fn new(usage: W, stages: &'a [StageUsage]) -> Self {
        Self { usage, stages: stages.iter().map(StageWire::of).collect() }
    }
}

impl<'a> StageWire<'a> {
    fn of(StageUsage { stage, model, usage }: &'a StageUsage) -> Self {
        let Usage { input, cache_read, cache_write_short, cache_write_long, output, .. } = *usage;
        Self {
            stage: stage.as_str(),
            model: model.as_str(),
            input_tokens: input,
            cache_read_tokens: cache_read,
            cache_write_tokens: cache_write_short.saturating_add(cache_write_long),
            output_tokens: output,
        }
    }
}
