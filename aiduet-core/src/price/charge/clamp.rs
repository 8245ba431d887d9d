//! Reported numbers are held against what the model can do.

use crate::price::{Ask, PricedModel};
use crate::usage::Usage;

/// The limit of a model whose limits the catalogue does not know: twice the largest window that
/// it does know (1,050,000 tokens in November 2026).
const UNKNOWN_LIMIT: u64 = 2_100_000;

/// More searches than this in one part are not believed unless they were asked for.
const CREDIBLE_SEARCHES: u64 = 100;

/// The usage with every number that is beyond the model's limits brought down to them, and
/// whether there was one.
///
/// The limits are generous, for honest numbers can exceed those of one pass: a provider that
/// searches the web reads the prompt again after each search and reports the sum; several
/// choices add up; an embedding call carries many inputs.
pub fn clamp_usage(usage: &Usage, model: &PricedModel, ask: &Ask) -> (Usage, bool) {
    let web_searches = usage.web_searches.min(CREDIBLE_SEARCHES.max(ask.web_searches));
    let passes = if web_searches == usage.web_searches { web_searches.saturating_add(1) } else { 1 };
    let prompt = prompt_limit(model, ask).saturating_mul(passes);
    let output = output_limit(model, ask).saturating_mul(passes);
    let clamped = usage.at_most(prompt, output, web_searches);
    (clamped, clamped != *usage)
}

/// The longest prompt of one pass.
fn prompt_limit(model: &PricedModel, ask: &Ask) -> u64 {
    let window = model.limits.context_window.max(model.limits.max_input).unwrap_or(UNKNOWN_LIMIT);
    // The limit of an embedding model is that of one input, and a call carries many.
    if model.generates() { window } else { window.max(ask.input_tokens) }
}

/// The longest output of one pass, over all choices.
fn output_limit(model: &PricedModel, ask: &Ask) -> u64 {
    if !model.generates() {
        return 0;
    }
    let one_choice = model.limits.max_output.or(model.limits.context_window).unwrap_or(UNKNOWN_LIMIT);
    one_choice.max(ask.output_tokens)
}
