//! Golden cases of `protocols.md` 15, both directions; streams cut at every byte.

mod chat_to_messages;
mod messages_to_responses;
mod others;
mod properties;
mod responses_to_messages;

use bytes::Bytes;

use super::*;
use crate::dialect::{Ending, StreamError, inspect};
use crate::money::Money;

/// The model's own limit in these tests.
const LIMIT: u64 = 64_000;

const USAGE: Usage = Usage {
    input: 100,
    cache_read: 2_000,
    cache_write_short: 300,
    cache_write_long: 0,
    output: 50,
    reasoning: 20,
    web_searches: 0,
};

fn target(model: &str) -> Target<'_> {
    Target {
        model,
        answer_model: "the-model",
        output_limit: LIMIT,
        end_user: None,
        cache_key: None,
        caching: Caching::AsAsked,
    }
}

fn content(text: &str) -> Content {
    Content::new(Bytes::copy_from_slice(text.as_bytes()))
}

fn text(content: &Content) -> String {
    String::from_utf8(content.expose().to_vec()).unwrap()
}

/// A request that the gateway accepts, translated.
fn try_request(from: Endpoint, to: Endpoint, model: &str, body: &str) -> Result<Translated, RequestFault> {
    let body = content(body);
    inspect(from, &body)?;
    request(from, to, &body, &target(model))
}

fn translated(from: Endpoint, to: Endpoint, model: &str, body: &str) -> Translated {
    match try_request(from, to, model, body) {
        Ok(translated) => translated,
        Err(fault) => panic!("{fault}"),
    }
}

fn refusal(from: Endpoint, to: Endpoint, model: &str, body: &str) -> RequestFault {
    match try_request(from, to, model, body) {
        Ok(translated) => panic!("not refused: {}", text(&translated.body)),
        Err(fault) => fault,
    }
}

fn answered(plan: &Plan, body: &str) -> String {
    let facts = Facts { created: 1_700_000_000, fallback_id: "fallback", usage: &USAGE, stages: &[] };
    text(&answer(plan, &content(body), &facts).unwrap())
}

/// What a client sees of a stream, the whole of it.
fn streamed(plan: &Plan, pieces: &[&[u8]]) -> String {
    let opened = Opened { created: 1_700_000_000, fallback_id: "fallback".to_owned() };
    let mut stream = Stream::new(plan.clone(), &opened).unwrap();
    let mut frames = Vec::new();
    for piece in pieces {
        frames.extend(stream.push(&Bytes::copy_from_slice(piece)));
    }
    let mut complete = stream.is_complete();
    if !complete {
        let (last, ending) = stream.end();
        frames.extend(last);
        complete = ending == Ending::Complete;
    }
    if complete {
        frames.push(Bytes::from_static(b"--- settled ---\n"));
        let cost = Some(Money::from_nanos(1_234_567));
        frames.extend(stream.release(&Settled { usage: &USAGE, stages: &[], cost }));
    } else {
        frames.push(Bytes::from_static(b"--- interrupted ---\n"));
    }
    frames.iter().map(|frame| std::str::from_utf8(frame).unwrap()).collect()
}

/// The same, for the stream in one piece, byte by byte, and cut in two.
fn streamed_however_cut(plan: &Plan, upstream: &str) -> String {
    let whole = streamed(plan, &[upstream.as_bytes()]);
    let bytes: Vec<&[u8]> = upstream.as_bytes().chunks(1).collect();
    assert_eq!(streamed(plan, &bytes), whole, "byte by byte");
    for at in (0..upstream.len()).step_by(7) {
        let (head, tail) = upstream.as_bytes().split_at(at);
        assert_eq!(streamed(plan, &[head, tail]), whole, "cut at {at}");
    }
    let returns = upstream.replace('\n', "\r\n");
    assert_eq!(streamed(plan, &[returns.as_bytes()]), whole, "with carriage returns");
    whole
}

/// Server-sent events named by their type.
fn named_events(events: &[&str]) -> String {
    events
        .iter()
        .map(|data| {
            let value: serde_json::Value = serde_json::from_str(data).unwrap();
            format!("event: {}\ndata: {data}\n\n", value["type"].as_str().unwrap())
        })
        .collect()
}

/// JSON on several lines; every token stays as it is.
fn lines(json: &str) -> String {
    let mut out = String::new();
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, letter) in json.char_indices() {
        let next = json[at + letter.len_utf8()..].chars().next();
        if quoted {
            out.push(letter);
            quoted = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            continue;
        }
        match letter {
            '"' => {
                quoted = true;
                out.push(letter);
            }
            '{' | '[' if !matches!(next, Some('}' | ']')) => {
                depth += 1;
                out.push(letter);
                out.push('\n');
                out.push_str(&"  ".repeat(depth));
            }
            '}' | ']' if !out.ends_with(['{', '[']) => {
                depth -= 1;
                out.push('\n');
                out.push_str(&"  ".repeat(depth));
                out.push(letter);
            }
            ',' => {
                out.push_str(",\n");
                out.push_str(&"  ".repeat(depth));
            }
            ':' => out.push_str(": "),
            _ => out.push(letter),
        }
    }
    out
}
