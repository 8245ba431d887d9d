//! What it costs to look at requests and at streams: one thread, no sockets.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "prints its own timings"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use aiduet_core::content::Content;
use aiduet_core::dialect::{Endpoint, Meter, MeterConfig, inspect};
use aiduet_core::usage::Modifiers;
use bytes::Bytes;

/// Runs for about a second; returns the time of one run.
fn time(mut run: impl FnMut()) -> Duration {
    let begun = Instant::now();
    let mut runs = 0_u32;
    while begun.elapsed() < Duration::from_secs(1) {
        run();
        runs = runs.saturating_add(1);
    }
    begun.elapsed().checked_div(runs).unwrap_or_default()
}

fn show(what: &str, taken: Duration, bytes: usize, events: u128) {
    let nanos = taken.as_nanos().max(1);
    let bytes = u128::try_from(bytes).unwrap_or_default();
    println!("{what:<36} {:>8} MB/s {:>10} ns each", bytes * 1_000 / nanos, nanos / events.max(1));
}

fn chat_body(bytes: usize, sentence: &str) -> Content {
    let message = format!(r#"{{"role":"user","content":"{sentence}"}}"#);
    let messages = vec![message.as_str(); bytes / message.len()].join(",");
    Content::new(format!(r#"{{"model":"m","stream":true,"messages":[{messages}]}}"#).into())
}

fn bench_inspect() {
    let kinds = [
        ("ascii", "The quick brown fox jumps over the lazy dog. ".repeat(20)),
        ("code", r#"fn main() {\n    println!(\"{}\", 1);\n}\n"#.repeat(20)),
        ("han", "敏捷的棕色狐狸跳过了懒狗。".repeat(20)),
    ];
    for (kind, sentence) in kinds {
        for megabytes in [1, 32] {
            let body = chat_body(megabytes << 20, &sentence);
            let taken = time(|| {
                black_box(inspect(Endpoint::ChatCompletions, &body).expect("a good body"));
            });
            show(&format!("inspect {megabytes} MiB {kind}"), taken, body.len(), 1);
        }
    }
}

fn bench_meter(what: &str, config: MeterConfig, chunk: &str) {
    const CHUNKS: u128 = 1_000;
    let chunk = Bytes::from(chunk.to_owned());
    let taken = time(|| {
        let mut meter = Meter::new(config);
        for _ in 0..CHUNKS {
            black_box(meter.push(chunk.clone()));
        }
        assert!(!meter.reading().failed);
    });
    show(what, taken, chunk.len() * 1_000, CHUNKS);
}

fn main() {
    let config = |endpoint, relay_usage| MeterConfig {
        endpoint,
        relay_usage,
        long_cache: false,
        asked: Modifiers::default(),
    };
    let chat = r#"data: {"id":"chatcmpl-Aa1","object":"chat.completion.chunk","created":1790000000,"model":"gpt-6-sol","service_tier":"default","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"aB3xyz"}"#;
    let chat = format!("{chat}\n\n");
    let messages = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" word\"}}\n\n";
    let responses = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":4,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\" word\",\"logprobs\":[],\"obfuscation\":\"aB3xyz\"}\n\n";
    bench_meter("chat chunk, usage asked for", config(Endpoint::ChatCompletions, true), &chat);
    bench_meter("chat chunk, usage taken out", config(Endpoint::ChatCompletions, false), &chat);
    bench_meter("messages event", config(Endpoint::Messages, false), messages);
    bench_meter("responses event", config(Endpoint::Responses, false), responses);
    bench_inspect();
}
