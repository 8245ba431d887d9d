//! Answers of the Messages API.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::answer::{
    AnswerBroken, CacheLife, Passage, named_frame, read_array, read_model, read_object, read_text,
    read_texts, scanner,
};
use super::super::fault::RequestFault;
use super::super::json::{Kind, Scanner, Span, Text};
use super::super::meter::MeterConfig;
use super::super::reading::{Reading, StreamFault};
use super::super::sse::{Data, Event};
use super::super::text::TextEstimate;
use super::usage::Counts;
use crate::usage::FinishReason;

type Read = Result<(), RequestFault>;

/// Keys whose strings the model has generated.
const GENERATED: [&str; 4] = ["text", "thinking", "partial_json", "content"];

/// Blocks are opened one after the other; more open ones than this are not kept track of.
const OPEN_BLOCKS_MAX: usize = 64;

/// The reader of an answer.
#[derive(Default)]
pub(in crate::dialect) struct MessagesAnswer {
    cache_life: CacheLife,
    counts: Counts,
    begun: bool,
    /// Blocks that have begun and not ended.
    open_blocks: Vec<u64>,
    /// Numbers have come after the first ones.
    counted: bool,
    /// There is more than empty text.
    has_content: bool,
    last: Option<Bytes>,
    failure: Option<Bytes>,
}

/// What an event says.
#[derive(Default)]
struct Said {
    kind: Option<Box<str>>,
    index: Option<u64>,
    stop: Option<FinishReason>,
    has_usage: bool,
    block: Option<Block>,
    text: TextEstimate,
    error_type: Option<Box<str>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Text,
    /// Says that another model goes on; nothing was generated.
    Fallback,
    Other,
}

impl MessagesAnswer {
    pub(in crate::dialect) fn new(config: &MeterConfig) -> Self {
        Self { cache_life: config.cache_life(), ..Self::default() }
    }

    pub(in crate::dialect) fn event(
        &mut self,
        event: &Event<'_>,
        raw: &Bytes,
        reading: &mut Reading,
    ) -> Result<Passage, AnswerBroken> {
        let Some(data) = event.data.as_ref().map(Data::text) else { return Ok(Passage::Pass) };
        let said = self.read_event(data, reading)?;
        reading.text.plus(said.text);
        self.has_content |= !said.text.is_empty();
        match said.kind.as_deref().or(event.name).unwrap_or_default() {
            "message_start" => {
                self.begun = true;
                self.apply(reading);
            }
            "content_block_start" => {
                self.open_blocks.extend(said.index.filter(|_index| self.open_blocks.len() < OPEN_BLOCKS_MAX));
                self.has_content |= said.block == Some(Block::Other);
                reading.output_started |= said.block != Some(Block::Fallback);
            }
            "content_block_stop" => self.open_blocks.retain(|open| Some(*open) != said.index),
            "message_delta" => {
                reading.finish = said.stop.or(reading.finish);
                self.apply(reading);
                self.counted |= said.has_usage;
                reading.final_usage = self.counted && reading.finish.is_some();
                reading.refused_empty = self.is_refused_empty(reading);
            }
            "message_stop" => {
                self.last = Some(raw.clone());
                reading.final_usage = self.counted;
                return Ok(Passage::Hold);
            }
            "error" => {
                let fault = said.error_type.as_deref().map_or(StreamFault::Upstream, fault_of);
                reading.fail(fault);
                self.failure = (fault == StreamFault::Request).then(|| raw.clone());
                return Ok(Passage::Fail);
            }
            _ => {}
        }
        Ok(Passage::Pass)
    }

    /// Reads an answer that does not stream.
    pub(in crate::dialect) fn whole(
        &mut self,
        body: &str,
        reading: &mut Reading,
    ) -> Result<(), AnswerBroken> {
        let mut scanner = scanner(body);
        if scanner.peek()? != Kind::Object {
            return Err(AnswerBroken);
        }
        let mut content = None;
        let names = ["model", "usage", "stop_reason", "error", "content"];
        scanner.object(&names, |scanner, name| match name {
            "error" => {
                if let Some(kind) = read_error(scanner)? {
                    reading.fail(fault_of(&kind));
                }
                Ok(())
            }
            "model" => read_model(scanner, &mut reading.served),
            "usage" => self.counts.read(scanner, &mut reading.served.modifiers),
            "stop_reason" => {
                reading.finish = read_text(scanner)?.map(stop_reason);
                Ok(())
            }
            _ => {
                content = Some(self.read_content(scanner)?);
                Ok(())
            }
        })?;
        scanner.finish()?;
        self.apply(reading);
        reading.output_started = self.has_content;
        reading.final_usage = self.counts.is_known();
        reading.refused_empty = self.is_refused_empty(reading);
        if let (false, Some(content)) = (reading.final_usage, content.and_then(|span| body.get(span))) {
            read_texts(&mut super::super::answer::scanner(content), &GENERATED, &mut reading.text)?;
        }
        Ok(())
    }

    fn read_content(&mut self, scanner: &mut Scanner<'_>) -> Result<Span, RequestFault> {
        scanner.peek()?;
        let start = scanner.offset();
        read_array(scanner, |block| {
            let mut text = TextEstimate::default();
            let block = read_block(block, &mut text)?;
            self.has_content |= block == Some(Block::Other) || !text.is_empty();
            Ok(())
        })?;
        Ok(start..scanner.offset())
    }

    fn read_event(&mut self, data: &str, reading: &mut Reading) -> Result<Said, AnswerBroken> {
        let mut said = Said::default();
        let mut scanner = scanner(data);
        if scanner.peek()? != Kind::Object {
            return Err(AnswerBroken);
        }
        let names = ["type", "index", "message", "delta", "content_block", "usage", "error"];
        scanner.object(&names, |scanner, name| {
            match name {
                "type" => said.kind = read_text(scanner)?.map(|kind| kind.decode().into()),
                "index" if scanner.peek()? == Kind::Number => said.index = scanner.number()?.parse().ok(),
                "message" => drop(read_object(scanner, &["model", "usage"], |scanner, name| match name {
                    "model" => read_model(scanner, &mut reading.served),
                    _ => self.counts.read(scanner, &mut reading.served.modifiers),
                })?),
                "delta" => read_delta(scanner, &mut said)?,
                "content_block" => said.block = read_block(scanner, &mut said.text)?,
                "usage" => {
                    said.has_usage = scanner.peek()? == Kind::Object;
                    self.counts.read(scanner, &mut reading.served.modifiers)?;
                }
                "error" => said.error_type = read_error(scanner)?,
                _ => scanner.pass()?,
            }
            Ok(())
        })?;
        scanner.finish()?;
        Ok(said)
    }

    fn apply(&self, reading: &mut Reading) {
        if self.counts.is_known() {
            (reading.parts, reading.flags.clamped) = self.counts.parts(&reading.served, self.cache_life);
        }
    }

    fn is_refused_empty(&self, reading: &Reading) -> bool {
        reading.finish == Some(FinishReason::Refusal) && !self.has_content
    }

    pub(in crate::dialect) fn release(&mut self) -> Vec<Bytes> {
        self.last.take().into_iter().collect()
    }

    pub(in crate::dialect) fn close_with_error(
        &mut self,
        kind: StreamFault,
        message: &str,
        request_id: &str,
    ) -> Vec<Bytes> {
        let frame = self.failure.take().unwrap_or_else(|| {
            let error = json!({"type": error_type(kind), "message": message});
            named_frame("error", &json!({"type": "error", "error": error, "request_id": request_id}))
        });
        vec![frame]
    }

    /// Ends open blocks, then the message, as a length limit does.
    pub(in crate::dialect) fn close_at_limit(&mut self, reading: &Reading) -> Vec<Bytes> {
        let stop = |index: &u64| {
            named_frame("content_block_stop", &json!({"type": "content_block_stop", "index": index}))
        };
        let mut frames: Vec<Bytes> = self.open_blocks.iter().map(stop).collect();
        if self.begun {
            let delta = json!({
                "type": "message_delta",
                "delta": {"stop_reason": "max_tokens", "stop_sequence": Value::Null},
                "usage": {"output_tokens": reading.output_tokens_estimate()},
            });
            frames.push(named_frame("message_delta", &delta));
        }
        frames.push(named_frame("message_stop", &json!({"type": "message_stop"})));
        frames
    }
}

/// The type of an error.
fn read_error(scanner: &mut Scanner<'_>) -> Result<Option<Box<str>>, RequestFault> {
    let mut error_type = None;
    let is_object = read_object(scanner, &["type"], |scanner, _name| {
        error_type = read_text(scanner)?.map(|kind| kind.decode().into());
        Ok(())
    })?;
    Ok(error_type.or_else(|| is_object.then(Box::default)))
}

fn read_delta(scanner: &mut Scanner<'_>, said: &mut Said) -> Read {
    read_object(scanner, &["stop_reason", "text", "thinking", "partial_json"], |scanner, name| {
        let text = read_text(scanner)?;
        match (name, text) {
            ("stop_reason", text) => said.stop = text.map(stop_reason),
            (_, Some(text)) => said.text.add(text),
            (_, None) => {}
        }
        Ok(())
    })
    .map(drop)
}

fn read_block(scanner: &mut Scanner<'_>, estimate: &mut TextEstimate) -> Result<Option<Block>, RequestFault> {
    let mut block = Block::Other;
    let is_object = read_object(scanner, &["type", "text"], |scanner, name| {
        let word = read_text(scanner)?;
        match (name, word) {
            ("type", Some(kind)) if kind.is("text") => block = Block::Text,
            ("type", Some(kind)) if kind.is("fallback") => block = Block::Fallback,
            ("text", Some(text)) => estimate.add(text),
            _ => {}
        }
        Ok(())
    })?;
    Ok(is_object.then_some(block))
}

fn stop_reason(word: Text<'_>) -> FinishReason {
    match word.decode().as_ref() {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::Refusal,
        "pause_turn" => FinishReason::Pause,
        _ => FinishReason::Other,
    }
}

/// What the type of an error says about whose trouble it is.
fn fault_of(error_type: &str) -> StreamFault {
    match error_type {
        "overloaded_error" => StreamFault::Overloaded,
        "rate_limit_error" | "billing_error" | "authentication_error" | "permission_error" => {
            StreamFault::Unavailable
        }
        "timeout_error" => StreamFault::Timeout,
        "invalid_request_error" | "request_too_large" => StreamFault::Request,
        _ => StreamFault::Upstream,
    }
}

pub(in crate::dialect) const fn error_type(kind: StreamFault) -> &'static str {
    match kind {
        StreamFault::Upstream | StreamFault::Request | StreamFault::Unavailable => "api_error",
        StreamFault::Timeout => "timeout_error",
        StreamFault::Overloaded => "overloaded_error",
    }
}
