//! From the provider's bytes to the bill: every golden case on usage, and streams cut anywhere.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::price::{Ask, Charge, ChargeRequest, Margin, PriceSheet, charge};
use crate::usage::{FinishReason, ServiceTier, Usage, UsagePart};

mod closing;
mod golden;
mod streams;

static SHEET: LazyLock<PriceSheet> = LazyLock::new(|| PriceSheet::embedded().unwrap());

fn config(endpoint: Endpoint) -> MeterConfig {
    MeterConfig { endpoint, relay_usage: false, long_cache: false, asked: Modifiers::default() }
}

fn usd(text: &str) -> Money {
    text.parse().unwrap()
}

/// What the reading is charged at, by the price catalogue.
fn charge_of(model: &str, reading: &Reading) -> Charge {
    let routed = SHEET.find(model).unwrap();
    let ask = Ask::default();
    let request =
        ChargeRequest { sheet: &SHEET, routed, ask: &ask, parts: &reading.parts, margin: Margin::default() };
    charge(&request).unwrap()
}

#[track_caller]
fn assert_costs(model: &str, reading: &Reading, expected: &str) {
    assert!(reading.final_usage);
    let charge = charge_of(model, reading);
    assert_eq!(charge.bill.charge, usd(expected), "{:?}", charge.bill.lines);
    assert_eq!(charge.flags, crate::usage::UsageFlags::default());
    assert!(!charge.unpriced);
}

fn whole(config: MeterConfig, body: &Value) -> Reading {
    let mut meter = Meter::new(config);
    meter.read_whole(body.to_string().as_bytes()).unwrap();
    meter.reading().clone()
}

/// A stream from its first byte to its end.
struct Run {
    out: Vec<u8>,
    before_end: usize,
    reading: Reading,
    ending: Ending,
}

fn run<'a>(config: MeterConfig, chunks: impl IntoIterator<Item = &'a [u8]>) -> Run {
    let mut meter = Meter::new(config);
    let mut out = Vec::new();
    for chunk in chunks {
        out.extend(meter.push(Bytes::copy_from_slice(chunk)).concat());
    }
    let before_end = out.len();
    let ending = if meter.is_complete() { Ending::Complete } else { meter.end() };
    let frames = match ending {
        Ending::Complete => meter.release(Money::from_nanos(15_200_000)),
        Ending::Interrupted => meter.close_with_error(StreamError {
            kind: meter.reading().failure.unwrap_or(StreamFault::Upstream),
            message: "broken",
            request_id: "req_1",
        }),
    };
    out.extend(frames.concat());
    Run { out, before_end, reading: meter.reading().clone(), ending }
}

/// The events of a stream, read by other code than the library's: name and data.
fn events(bytes: &[u8]) -> Vec<(Option<String>, String)> {
    let text = std::str::from_utf8(bytes).unwrap().trim_start_matches('\u{feff}');
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut events = Vec::new();
    for block in text.split("\n\n") {
        let field = |line: &str, name: &str| {
            line.strip_prefix(name).map(|rest| rest.strip_prefix(' ').unwrap_or(rest).to_owned())
        };
        let data: Vec<String> = block.lines().filter_map(|line| field(line, "data:")).collect();
        if !data.is_empty() {
            events.push((block.lines().find_map(|line| field(line, "event:")), data.join("\n")));
        }
    }
    events
}

fn json_events(bytes: &[u8]) -> Vec<(Option<String>, Value)> {
    let parse = |data: String| serde_json::from_str(&data).unwrap_or(Value::String(data));
    events(bytes).into_iter().map(|(name, data)| (name, parse(data))).collect()
}

const CHAT_TEXT: &[u8] = include_bytes!("../../../tests/fixtures/openai/chat_text.sse");
const CHAT_TOOLS: &[u8] = include_bytes!("../../../tests/fixtures/openai/chat_tools.sse");
const CHAT_USAGE_EVERYWHERE: &[u8] =
    include_bytes!("../../../tests/fixtures/openai/chat_usage_everywhere.sse");
const RESPONSES_TEXT: &[u8] = include_bytes!("../../../tests/fixtures/openai/responses_text.sse");
const RESPONSES_FAILED: &[u8] = include_bytes!("../../../tests/fixtures/openai/responses_failed.sse");
const MESSAGES_TEXT: &[u8] = include_bytes!("../../../tests/fixtures/anthropic/text_cached.sse");
const MESSAGES_TOOL: &[u8] = include_bytes!("../../../tests/fixtures/anthropic/thinking_tool.sse");
const MESSAGES_REFUSAL: &[u8] = include_bytes!("../../../tests/fixtures/anthropic/refusal_empty.sse");
const MESSAGES_REFUSAL_LATE: &[u8] =
    include_bytes!("../../../tests/fixtures/anthropic/refusal_after_text.sse");
const MESSAGES_ITERATIONS: &[u8] = include_bytes!("../../../tests/fixtures/anthropic/iterations.sse");

const STREAMS: [(Endpoint, &[u8]); 10] = [
    (Endpoint::ChatCompletions, CHAT_TEXT),
    (Endpoint::ChatCompletions, CHAT_TOOLS),
    (Endpoint::ChatCompletions, CHAT_USAGE_EVERYWHERE),
    (Endpoint::Responses, RESPONSES_TEXT),
    (Endpoint::Responses, RESPONSES_FAILED),
    (Endpoint::Messages, MESSAGES_TEXT),
    (Endpoint::Messages, MESSAGES_TOOL),
    (Endpoint::Messages, MESSAGES_REFUSAL),
    (Endpoint::Messages, MESSAGES_REFUSAL_LATE),
    (Endpoint::Messages, MESSAGES_ITERATIONS),
];
