//! Answers of Chat Completions, and of Embeddings, which report usage in the same words.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::answer::{
    AnswerBroken, CacheLife, Passage, read_array, read_model, read_object, read_text, read_texts, scanner,
    unnamed_frame, with_data,
};
use super::super::fault::RequestFault;
use super::super::json::{Kind, Scanner, Span, Text};
use super::super::meter::MeterConfig;
use super::super::reading::{Reading, StreamFault};
use super::super::sse::{Data, Event};
use super::super::text::TextEstimate;
use super::chat_request::CHOICES_MAX;
use super::tier;
use super::usage::{self, Counts};
use super::{error_of, fault_of};
use crate::money::Money;
use crate::usage::{FinishReason, Usage, UsagePart};

type Read = Result<(), RequestFault>;

/// Longest value of a repeated field that is kept, in bytes.
const ENVELOPE_BYTES_MAX: usize = 512;

const DONE: &str = "[DONE]";

/// Keys whose strings the model has generated.
const GENERATED: [&str; 6] = ["content", "refusal", "reasoning_content", "reasoning", "arguments", "input"];

/// The reader of an answer.
#[derive(Default)]
pub(in crate::dialect) struct ChatAnswer {
    relay_usage: bool,
    cache_life: CacheLife,
    usage_chunk: Option<UsageChunk>,
    envelope: Envelope,
    begun: BTreeSet<u64>,
    finished: BTreeSet<u64>,
    done: Option<Bytes>,
    failure: Option<Bytes>,
}

/// The chunk with the usage, without choices, cut where its cost belongs.
struct UsageChunk {
    head: String,
    tail: String,
}

/// What all chunks of an answer repeat, as JSON.
#[derive(Default)]
struct Envelope {
    id: Option<Box<str>>,
    created: Option<Box<str>>,
    model: Option<Box<str>>,
}

/// What a chunk, or a whole answer, says.
#[derive(Default)]
struct Chunk {
    choices: Option<Span>,
    choice_count: u32,
    usage_member: Option<UsageMember>,
    counts: Option<Counts>,
    error: Option<StreamFault>,
    text: TextEstimate,
    begun: Vec<u64>,
    finished: Vec<u64>,
    finish: Option<FinishReason>,
}

struct UsageMember {
    key_start: usize,
    value: Span,
}

impl ChatAnswer {
    pub(in crate::dialect) fn new(config: &MeterConfig) -> Self {
        Self { relay_usage: config.relay_usage, cache_life: config.cache_life(), ..Self::default() }
    }

    pub(in crate::dialect) fn event(
        &mut self,
        event: &Event<'_>,
        raw: &Bytes,
        reading: &mut Reading,
    ) -> Result<Passage, AnswerBroken> {
        let Some(data) = event.data.as_ref().map(Data::text) else { return Ok(Passage::Pass) };
        if data.trim() == DONE {
            self.done = Some(raw.clone());
            self.conclude(reading);
            return Ok(Passage::Hold);
        }
        let chunk = self.read(data, reading)?;
        if let Some(fault) = chunk.error {
            reading.fail(fault);
            self.failure = (fault == StreamFault::Request).then(|| raw.clone());
            return Ok(Passage::Fail);
        }
        self.begun.extend(chunk.begun.iter().filter(|index| **index < CHOICES_MAX));
        self.finished.extend(chunk.finished.iter().filter(|index| **index < CHOICES_MAX));
        let Some(member) = &chunk.usage_member else { return Ok(Passage::Pass) };
        if chunk.counts.is_some() {
            self.usage_chunk = UsageChunk::cut(data, &chunk, member);
            if chunk.choice_count == 0 {
                return Ok(Passage::Drop);
            }
        }
        Ok(match (self.relay_usage, chunk.counts) {
            (true, None) => Passage::Pass,
            (true, Some(_)) => Passage::Replace(with_data(event, raw, &replace(data, &member.value, "null"))),
            (false, _) => {
                Passage::Replace(with_data(event, raw, &replace(data, &whole_member(data, member), "")))
            }
        })
    }

    /// Reads an answer that does not stream.
    pub(in crate::dialect) fn whole(
        &mut self,
        body: &str,
        reading: &mut Reading,
    ) -> Result<(), AnswerBroken> {
        let chunk = self.read(body, reading)?;
        reading.final_usage = chunk.counts.is_some();
        if let Some(fault) = chunk.error {
            reading.fail(fault);
        }
        Ok(())
    }

    fn read(&mut self, data: &str, reading: &mut Reading) -> Result<Chunk, AnswerBroken> {
        let mut chunk = Chunk::default();
        let mut scanner = scanner(data);
        let names = ["id", "created", "model", "choices", "usage", "service_tier", "error"];
        if scanner.peek()? != Kind::Object {
            return Err(AnswerBroken);
        }
        scanner.object(&names, |scanner, name| match name {
            "choices" => {
                scanner.peek()?;
                let start = scanner.offset();
                chunk.choice_count = read_array(scanner, |choice| read_choice(choice, &mut chunk))?;
                chunk.choices = Some(start..scanner.offset());
                Ok(())
            }
            "usage" => chunk.read_usage(scanner),
            "error" => {
                chunk.error = read_error(scanner)?;
                Ok(())
            }
            "service_tier" => {
                let tier = read_text(scanner)?.and_then(|word| tier::served(&word.decode()));
                reading.served.modifiers.tier = tier.unwrap_or(reading.served.modifiers.tier);
                Ok(())
            }
            _ => {
                scanner.peek()?;
                let start = scanner.offset();
                if name == "model" { read_model(scanner, &mut reading.served) } else { scanner.pass() }?;
                self.envelope.note(name, scanner.since(start));
                Ok(())
            }
        })?;
        scanner.finish()?;
        self.apply(&chunk, reading);
        Ok(chunk)
    }

    fn apply(&self, chunk: &Chunk, reading: &mut Reading) {
        reading.text.plus(chunk.text);
        reading.output_started |= !chunk.text.is_empty();
        reading.finish = chunk.finish.or(reading.finish);
        if let Some(counts) = &chunk.counts {
            let (usage, clamped) = counts.usage(self.cache_life);
            reading.flags.clamped = clamped;
            let served_model = reading.served.model.clone();
            reading.parts = vec![UsagePart { served_model, usage, modifiers: reading.served.modifiers }];
            reading.final_usage = chunk.choice_count == 0 || reading.finish.is_some();
        }
        // The tier can become known after the usage.
        if let Some(part) = reading.parts.first_mut() {
            part.modifiers = reading.served.modifiers;
        }
    }

    /// Whether the answer was complete, although the provider did not say so.
    pub(in crate::dialect) fn ended(&self, reading: &mut Reading) -> bool {
        let ended = !self.finished.is_empty() && self.begun.is_subset(&self.finished);
        if ended {
            self.conclude(reading);
        }
        ended
    }

    /// Nothing comes any more, so the last numbers are the final ones.
    fn conclude(&self, reading: &mut Reading) {
        reading.final_usage |= self.usage_chunk.is_some();
    }

    pub(in crate::dialect) fn release(&mut self, cost: Money) -> Vec<Bytes> {
        let usage = self.usage_chunk.take().filter(|_chunk| self.relay_usage);
        let done = self.done.take().unwrap_or_else(|| unnamed_frame(DONE));
        usage.map(|chunk| unnamed_frame(&chunk.with_cost(cost))).into_iter().chain([done]).collect()
    }

    pub(in crate::dialect) fn close_with_error(&mut self, error: &Value) -> Vec<Bytes> {
        vec![self.failure.take().unwrap_or_else(|| unnamed_frame(&json!({"error": error}).to_string()))]
    }

    /// Ends every open choice as a length limit does; then tells what the bill counts, and its sum,
    /// to who asked for usage.
    pub(in crate::dialect) fn close_at_limit(&mut self, cost: Money, usage: &Usage) -> Vec<Bytes> {
        let no_usage = if self.relay_usage { r#","usage":null"# } else { "" };
        let cut = self
            .begun
            .difference(&self.finished)
            .map(|index| format!(r#"[{{"index":{index},"delta":{{}},"finish_reason":"length"}}]{no_usage}"#));
        let told = self.relay_usage.then(|| format!(r#"[],"usage":{}"#, usage::chat_object(usage, cost)));
        let chunks = cut.chain(told).map(|rest| unnamed_frame(&self.envelope.chunk(&rest)));
        chunks.chain([unnamed_frame(DONE)]).collect()
    }
}

impl Envelope {
    /// A chunk of the same answer, from its choices on.
    fn chunk(&self, choices: &str) -> String {
        let id = self.id.as_deref().unwrap_or(r#""chatcmpl-""#);
        let created = self.created.as_deref().unwrap_or("0");
        let model = self.model.as_deref().unwrap_or(r#""""#);
        format!(
            r#"{{"id":{id},"object":"chat.completion.chunk","created":{created},"model":{model},"choices":{choices}}}"#
        )
    }

    fn note(&mut self, name: &str, json: &str) {
        let slot = match name {
            "id" => &mut self.id,
            "created" => &mut self.created,
            _ => &mut self.model,
        };
        if slot.is_none() && json.len() <= ENVELOPE_BYTES_MAX {
            *slot = Some(json.into());
        }
    }
}

impl Chunk {
    fn read_usage(&mut self, scanner: &mut Scanner<'_>) -> Read {
        let key_start = scanner.key_start();
        scanner.peek()?;
        let start = scanner.offset();
        self.counts = Counts::read(scanner)?;
        let value = start..scanner.offset();
        self.usage_member = Some(UsageMember { key_start, value });
        Ok(())
    }
}

fn read_choice(scanner: &mut Scanner<'_>, chunk: &mut Chunk) -> Read {
    let mut index = 0;
    let mut finish = None;
    read_object(scanner, &["index", "delta", "message", "finish_reason"], |scanner, name| {
        match name {
            "index" if scanner.peek()? == Kind::Number => index = scanner.number()?.parse().unwrap_or(0),
            "delta" | "message" => read_texts(scanner, &GENERATED, &mut chunk.text)?,
            "finish_reason" => finish = read_text(scanner)?.map(finish_reason),
            _ => scanner.pass()?,
        }
        Ok(())
    })?;
    chunk.begun.push(index);
    if finish.is_some() {
        chunk.finished.push(index);
        chunk.finish = finish;
    }
    Ok(())
}

/// An error that says something: SDKs raise on those only.
fn read_error(scanner: &mut Scanner<'_>) -> Result<Option<StreamFault>, RequestFault> {
    let mut words = Vec::new();
    let says = scanner.peek()? != Kind::Null;
    read_object(scanner, &["type", "code"], |scanner, _name| {
        words.extend(read_text(scanner)?.map(|word| word.decode().into_owned()));
        Ok(())
    })?;
    Ok(says.then(|| fault_of(&words)))
}

fn finish_reason(word: Text<'_>) -> FinishReason {
    match word.decode().as_ref() {
        "stop" => FinishReason::Stop,
        "length" => FinishReason::Length,
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        "content_filter" => FinishReason::Refusal,
        _ => FinishReason::Other,
    }
}

impl UsageChunk {
    fn cut(data: &str, chunk: &Chunk, member: &UsageMember) -> Option<Self> {
        let end = member.value.end.checked_sub(1)?;
        let (head, tail) = data.split_at_checked(end)?;
        let choices = chunk.choices.clone().unwrap_or(0..0);
        let is_before = choices.end <= end;
        let head_choices = if is_before { choices.clone() } else { 0..0 };
        let tail_choices =
            if is_before { 0..0 } else { choices.start.checked_sub(end)?..choices.end.checked_sub(end)? };
        let empty = |text: &str, span: &Span| {
            if span.is_empty() { text.to_owned() } else { replace(text, span, "[]") }
        };
        Some(Self { head: empty(head, &head_choices), tail: empty(tail, &tail_choices) })
    }

    fn with_cost(self, cost: Money) -> String {
        let Self { head, tail } = self;
        format!("{},\"cost\":{cost}{tail}", head.trim_end())
    }
}

fn replace(text: &str, span: &Span, with: &str) -> String {
    let before = text.get(..span.start).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    [before, with, after].concat()
}

/// The member with the comma that belongs to it.
fn whole_member(data: &str, member: &UsageMember) -> Span {
    let after = data.get(member.value.end..).unwrap_or_default();
    let rest = after.trim_ascii_start();
    if let Some(behind) = rest.strip_prefix(',') {
        return member.key_start..data.len() - behind.trim_ascii_start().len();
    }
    let before = data.get(..member.key_start).unwrap_or_default().trim_ascii_end();
    before.strip_suffix(',').unwrap_or(before).len()..member.value.end
}

/// The error of a stream in this protocol's words.
pub(in crate::dialect) fn error_value(kind: StreamFault, message: &str) -> Value {
    let (kind, code) = error_of(kind);
    json!({"message": message, "type": kind, "param": null, "code": code})
}
