//! How long the duet takes for a decision, without reading the JSON: for a prompt of 4 KiB of human
//! text, and for a conversation of 1 MiB. The texts are those that the weights are fitted on, put
//! together in another way each time. The last row is the machine's own: arithmetic that takes as long as a decision.
//!
//! ```text
//! duet tools/fit-duet/data/a.jsonl …
//! ```
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "prints its own timings")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aiduet_core::clock::Timestamp;
use aiduet_core::content::Content;
use aiduet_core::dialect::{Endpoint, Transcript};
use aiduet_core::duet::{
    Availability, DuetConfig, DuetOverrides, DuetRequest, DuetRouter, Offer, OfferHealth, Policy, RoleChoice,
    Unavailable,
};
use aiduet_core::price::{ModelId, PriceSheet};
use serde_json::{Value, json};

type Failure = Box<dyn Error>;

const PROMPTS: usize = 1_000;
const CONVERSATIONS: usize = 50;
const ROUNDS: usize = 20;
const PROBE: u128 = 100_000;
const PROMPT_BYTES: usize = 4 << 10;
const CONVERSATION_BYTES: usize = 1 << 20;

#[derive(Debug)]
struct Everything(PriceSheet);

impl Availability for Everything {
    fn find(&self, model: &ModelId) -> Result<Offer, Unavailable> {
        let model = self.0.find(model.as_str()).ok_or(Unavailable::NotServed)?;
        Ok(Offer { model: Arc::clone(model), health: OfferHealth::Up })
    }
}

/// What people wrote, of the files of examples.
fn texts(files: impl Iterator<Item = String>) -> Result<Vec<String>, Failure> {
    let mut texts = Vec::new();
    for file in files {
        for line in std::fs::read_to_string(file)?.lines() {
            let example: Value = serde_json::from_str(line)?;
            let turns = example.pointer("/request/messages").and_then(Value::as_array).cloned();
            let last = turns.and_then(|turns| turns.last().cloned()).unwrap_or_default();
            let parts = last.get("content").cloned().unwrap_or_default();
            let parts = parts.as_array().cloned().unwrap_or_else(|| vec![json!({ "text": parts })]);
            texts.extend(parts.iter().filter_map(|part| Some(part.get("text")?.as_str()?.to_owned())));
        }
    }
    if texts.is_empty() { Err("no text in these files".into()) } else { Ok(texts) }
}

/// So many bytes of text, from the example with this number on.
fn prose(texts: &[String], from: usize, bytes: usize) -> String {
    let mut prose = String::new();
    for text in texts.iter().cycle().skip(from) {
        prose.push_str(text);
        prose.push('\n');
        if prose.len() >= bytes {
            break;
        }
    }
    let end = (0..=bytes).rev().find(|end| prose.is_char_boundary(*end)).unwrap_or_default();
    prose.truncate(end);
    prose
}

fn prompt(texts: &[String], round: usize) -> Value {
    json!({"max_tokens": 1_024, "messages": [{"role": "user", "content": prose(texts, round, PROMPT_BYTES)}]})
}

/// Turns of a coding agent, whose tools bring 16 KiB each.
fn conversation(texts: &[String], round: usize) -> Value {
    let turns = CONVERSATION_BYTES >> 14;
    let messages: Vec<_> = (0..turns)
        .flat_map(|turn| {
            let id = format!("toolu_{turn}");
            [
                json!({"role": "user", "content": prose(texts, round.saturating_add(turn), 400)}),
                json!({"role": "assistant", "content": [
                    {"type": "tool_use", "id": id, "name": "Read", "input": {"path": "src/main.rs"}}]}),
                json!({"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": id, "content": prose(texts, turn, 16 << 10)}]}),
                json!({"role": "assistant", "content": "Done."}),
            ]
        })
        .chain([json!({"role": "user", "content": prose(texts, round, 400)})])
        .collect();
    json!({"max_tokens": 1_024, "messages": messages})
}

/// Writes the request of a number.
type Write = fn(&[String], usize) -> Value;

fn measure(
    name: &str,
    (router, everything, texts): (&DuetRouter, &Everything, &[String]),
    (requests, write): (usize, Write),
) -> Result<Duration, Failure> {
    let policy = Policy::of(&DuetConfig::default(), &DuetOverrides::default(), &DuetOverrides::default());
    let bodies: Vec<_> =
        (0..requests).map(|request| Content::new(write(texts, request).to_string().into())).collect();
    print_row(name, &bodies, |body| {
        let transcript = Transcript::read(Endpoint::Messages, body).map_err(|_fault| "not a request")?;
        let begun = Instant::now();
        let decision = router.decide(DuetRequest {
            transcript: &transcript,
            header: None,
            alias: RoleChoice::Auto,
            policy: &policy,
            availability: everything,
            session: None,
            input_tokens: 1_000,
            now: Timestamp::from_millis(1_790_000_000_000),
        });
        let time = begun.elapsed();
        std::hint::black_box(decision?);
        Ok(time)
    })
}

/// Takes the times of all, round after round, prints them in a row, and returns the median.
fn print_row<T>(
    name: &str,
    all: &[T],
    time_of: impl Fn(&T) -> Result<Duration, Failure>,
) -> Result<Duration, Failure> {
    let mut times = Vec::with_capacity(all.len().saturating_mul(ROUNDS));
    let mut fastest = vec![Duration::MAX; all.len()];
    for _round in 0..ROUNDS {
        for (one, fastest) in all.iter().zip(&mut fastest) {
            let time = time_of(one)?;
            times.push(time);
            *fastest = time.min(*fastest);
        }
    }
    let ([p50, p99, longest], [_, own, _]) = (percentiles(&mut times), percentiles(&mut fastest));
    let [p50_us, p99, longest, own] = [p50, p99, longest, own].map(|time| time.as_micros());
    println!("| {name} | {} | {p50_us} | {p99} | {longest} | {own} |", times.len());
    Ok(p50)
}

/// The median, the 99th percentile and the longest.
fn percentiles(times: &mut [Duration]) -> [Duration; 3] {
    times.sort_unstable();
    [500, 990, 1_000].map(|permille| {
        let place = times.len().saturating_sub(1).saturating_mul(permille) / 1_000;
        times.get(place).copied().unwrap_or_default()
    })
}

/// What interruptions by other programs and by the host of a virtual machine add to something that takes so long
/// and hardly touches memory.
fn measure_machine(name: &str, time: Duration) -> Result<Duration, Failure> {
    let take_steps = |count: u128| {
        let begun = Instant::now();
        let sum = (0..count).fold(1_u64, |sum, _step| std::hint::black_box(sum).wrapping_mul(3));
        std::hint::black_box(sum);
        begun.elapsed()
    };
    let probe = (0..ROUNDS).map(|_round| take_steps(PROBE)).min().unwrap_or_default();
    let count = PROBE.saturating_mul(time.as_nanos()) / probe.as_nanos().max(1);
    print_row(name, &[(); PROMPTS], |()| Ok(take_steps(count)))
}

fn main() -> Result<(), Failure> {
    let texts = texts(std::env::args().skip(1))?;
    let router = DuetRouter::embedded()?;
    let everything = Everything(PriceSheet::embedded()?);
    println!("| Request | decisions | p50 µs | p99 µs | longest µs | p99 of the fastest rounds µs |");
    println!("|---|---|---|---|---|---|");
    let tools = (&router, &everything, texts.as_slice());
    let median = measure("4 KiB of human text", tools, (PROMPTS, prompt))?;
    measure("a conversation of 1 MiB", tools, (CONVERSATIONS, conversation))?;
    measure_machine("arithmetic as long as for 4 KiB", median)?;
    Ok(())
}
