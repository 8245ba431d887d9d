//! Answers of the Responses API.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::super::answer::{
    AnswerBroken, CacheLife, Passage, named_frame, read_array, read_count, read_model, read_object,
    read_text, read_texts, scanner,
};
use super::super::fault::RequestFault;
use super::super::json::{Kind, Scanner, Span};
use super::super::meter::{MeterConfig, StreamError};
use super::super::reading::{Reading, StreamFault};
use super::super::sse::{Data, Event};
use super::super::text::TextEstimate;
use super::usage::{self, Counts};
use super::{error_of, fault_of, tier};
use crate::usage::{FinishReason, Usage, UsagePart};

type Read = Result<(), RequestFault>;

/// Keys whose strings the model has generated.
const GENERATED: [&str; 4] = ["text", "refusal", "arguments", "input"];

/// Finished items are kept up to this many bytes, for an answer that has to be cut.
const ITEMS_BYTES_MAX: usize = 64 << 10;

/// The reader of an answer.
#[derive(Default)]
pub(in crate::dialect) struct ResponsesAnswer {
    cache_life: CacheLife,
    id: Option<Box<str>>,
    created_at: u64,
    /// The number of the next event.
    next_number: u64,
    searches: u64,
    calls_tools: bool,
    /// Finished items as JSON; `None` once they are too large to keep.
    items: Option<Vec<Box<str>>>,
    last: Option<Bytes>,
    failure: Option<Bytes>,
}

/// What an event says.
#[derive(Default)]
struct Said {
    kind: Option<Box<str>>,
    response: Response,
    item: Option<Item>,
    item_json: Option<Span>,
    error_words: Vec<String>,
}

/// What a response object says.
#[derive(Default)]
struct Response {
    status: Option<Box<str>>,
    counts: Option<Counts>,
    searches: Option<u64>,
    clamped: bool,
    items: Vec<Item>,
    output: Option<Span>,
    incomplete: Option<Box<str>>,
    error_words: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Item {
    Call,
    Search,
    Other,
}

impl ResponsesAnswer {
    pub(in crate::dialect) fn new(config: &MeterConfig) -> Self {
        Self { cache_life: config.cache_life(), items: Some(Vec::new()), ..Self::default() }
    }

    pub(in crate::dialect) fn event(
        &mut self,
        event: &Event<'_>,
        raw: &Bytes,
        reading: &mut Reading,
    ) -> Result<Passage, AnswerBroken> {
        let Some(data) = event.data.as_ref().map(Data::text) else { return Ok(Passage::Pass) };
        let said = self.read_event(data, reading)?;
        let kind = said.kind.as_deref().or(event.name).unwrap_or_default();
        match kind {
            "response.output_item.added" => reading.output_started = true,
            "response.output_item.done" => {
                self.note(said.item);
                self.keep(said.item_json.and_then(|span| data.get(span)).unwrap_or("null"));
            }
            "response.completed" | "response.incomplete" => {
                self.apply(&said.response, reading);
                self.last = Some(raw.clone());
                return Ok(Passage::Hold);
            }
            "response.failed" | "error" => {
                self.apply(&said.response, reading);
                let words = if kind == "error" { said.error_words } else { said.response.error_words };
                let fault = fault_of(&words);
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
        let mut response = Response::default();
        self.read_response(&mut scanner, &mut response, reading)?;
        scanner.finish()?;
        self.apply(&response, reading);
        if let (None, Some(output)) = (&response.counts, response.output.and_then(|span| body.get(span))) {
            read_texts(&mut super::super::answer::scanner(output), &GENERATED, &mut reading.text)?;
        }
        if response.status.as_deref() == Some("failed") {
            reading.fail(fault_of(&response.error_words));
        }
        Ok(())
    }

    fn read_event(&mut self, data: &str, reading: &mut Reading) -> Result<Said, AnswerBroken> {
        let mut said = Said::default();
        let mut scanner = scanner(data);
        if scanner.peek()? != Kind::Object {
            return Err(AnswerBroken);
        }
        let names = ["type", "sequence_number", "delta", "item", "response", "error", "code"];
        let mut delta = TextEstimate::default();
        scanner.object(&names, |scanner, name| {
            match name {
                "type" => said.kind = read_text(scanner)?.map(|kind| kind.decode().into()),
                "sequence_number" if scanner.peek()? == Kind::Number => {
                    let number: u64 = scanner.number()?.parse().unwrap_or(self.next_number);
                    self.next_number = number.saturating_add(1);
                }
                "delta" => {
                    if let Some(text) = read_text(scanner)? {
                        delta.add(text);
                    }
                }
                "item" => {
                    scanner.peek()?;
                    let start = scanner.offset();
                    said.item = read_item(scanner)?;
                    said.item_json = Some(start..scanner.offset());
                }
                "response" => self.read_response(scanner, &mut said.response, reading)?,
                "error" => read_words(scanner, &mut said.error_words)?,
                "code" => said.error_words.extend(read_text(scanner)?.map(|word| word.decode().into_owned())),
                _ => scanner.pass()?,
            }
            Ok(())
        })?;
        scanner.finish()?;
        reading.output_started |= !delta.is_empty();
        reading.text.plus(delta);
        Ok(said)
    }

    fn read_response(
        &mut self,
        scanner: &mut Scanner<'_>,
        response: &mut Response,
        reading: &mut Reading,
    ) -> Read {
        let names = [
            "id",
            "created_at",
            "model",
            "status",
            "usage",
            "tool_usage",
            "service_tier",
            "output",
            "incomplete_details",
            "error",
        ];
        read_object(scanner, &names, |scanner, name| {
            match name {
                "id" => {
                    let id = read_text(scanner)?.map(|id| id.decode().into());
                    self.id = self.id.take().or(id);
                }
                "created_at" if scanner.peek()? == Kind::Number => {
                    self.created_at = scanner.number()?.parse().unwrap_or(self.created_at);
                }
                "model" => read_model(scanner, &mut reading.served)?,
                "status" => response.status = read_text(scanner)?.map(|status| status.decode().into()),
                "usage" => response.counts = Counts::read(scanner)?,
                "tool_usage" => read_tool_usage(scanner, response)?,
                "service_tier" => {
                    let tier = read_text(scanner)?.and_then(|word| tier::served(&word.decode()));
                    reading.served.modifiers.tier = tier.unwrap_or(reading.served.modifiers.tier);
                }
                "output" => {
                    scanner.peek()?;
                    let start = scanner.offset();
                    read_array(scanner, |item| {
                        response.items.extend(read_item(item)?);
                        Ok(())
                    })?;
                    response.output = Some(start..scanner.offset());
                }
                "incomplete_details" => drop(read_object(scanner, &["reason"], |scanner, _name| {
                    response.incomplete = read_text(scanner)?.map(|reason| reason.decode().into());
                    Ok(())
                })?),
                "error" => read_words(scanner, &mut response.error_words)?,
                _ => scanner.pass()?,
            }
            Ok(())
        })?;
        Ok(())
    }

    fn note(&mut self, item: Option<Item>) {
        match item {
            Some(Item::Search) => self.searches = self.searches.saturating_add(1),
            Some(Item::Call) => self.calls_tools = true,
            Some(Item::Other) | None => {}
        }
    }

    fn keep(&mut self, item: &str) {
        let Some(items) = self.items.as_mut() else { return };
        let kept: usize = items.iter().map(|item| item.len()).sum();
        if kept.saturating_add(item.len()) > ITEMS_BYTES_MAX {
            self.items = None;
        } else {
            items.push(item.into());
        }
    }

    /// Takes the numbers of the last event, or of a whole answer.
    fn apply(&mut self, response: &Response, reading: &mut Reading) {
        let listed = response.items.iter().filter(|item| **item == Item::Search).count();
        let counted = self.searches.max(u64::try_from(listed).unwrap_or(u64::MAX));
        let web_searches = response.searches.unwrap_or(counted);
        let calls_tools = self.calls_tools || response.items.contains(&Item::Call);
        reading.output_started |= !response.items.is_empty();
        reading.finish = match (response.status.as_deref(), response.incomplete.as_deref()) {
            (Some("completed"), _) if calls_tools => Some(FinishReason::ToolCalls),
            (Some("completed"), _) => Some(FinishReason::Stop),
            (Some("incomplete"), Some("max_output_tokens")) => Some(FinishReason::Length),
            (Some("incomplete"), Some("content_filter")) => Some(FinishReason::Refusal),
            (Some("incomplete"), _) => Some(FinishReason::Other),
            _ => reading.finish,
        };
        if let Some(counts) = &response.counts {
            let (usage, clamped) = counts.usage(self.cache_life);
            reading.flags.clamped = clamped || response.clamped;
            let usage = Usage { web_searches, ..usage };
            let served_model = reading.served.model.clone();
            reading.parts = vec![UsagePart { served_model, usage, modifiers: reading.served.modifiers }];
            reading.final_usage = true;
        }
    }

    pub(in crate::dialect) fn release(&mut self) -> Vec<Bytes> {
        self.last.take().into_iter().collect()
    }

    /// Clients act on `response.failed` and not on a bare `error`, also where nothing has come before.
    pub(in crate::dialect) fn close_with_error(
        &mut self,
        error: StreamError<'_>,
        reading: &Reading,
    ) -> Vec<Bytes> {
        if let Some(failure) = self.failure.take() {
            return vec![failure];
        }
        let StreamError { kind, message, request_id } = error;
        let (_type, code) = error_of(kind);
        let number = self.next_number;
        let stem = request_id.strip_prefix("req_").unwrap_or(request_id);
        self.id.get_or_insert_with(|| format!("resp_{stem}").into());
        let mut response = self.response("failed", reading);
        response.insert("error".to_owned(), json!({"code": code, "message": message}));
        let event = json!({"type": "response.failed", "sequence_number": number, "response": response});
        vec![named_frame("response.failed", &event)]
    }

    pub(in crate::dialect) fn close_at_limit(&mut self, usage: &Usage, reading: &Reading) -> Vec<Bytes> {
        let mut response = self.response("incomplete", reading);
        response.insert("usage".to_owned(), usage::responses_object(usage));
        response.insert("incomplete_details".to_owned(), json!({"reason": "max_output_tokens"}));
        let number = self.next_number;
        let event = json!({"type": "response.incomplete", "sequence_number": number, "response": response});
        vec![named_frame("response.incomplete", &event)]
    }

    /// A response object with what every client reads of one. Its output is what was finished,
    /// or empty if that is large; the client has it from the stream.
    fn response(&self, status: &str, reading: &Reading) -> Map<String, Value> {
        let items = self.items.iter().flatten();
        let output: Vec<Value> = items.filter_map(|item| serde_json::from_str(item).ok()).collect();
        let members = [
            ("id", json!(self.id.as_deref().unwrap_or("resp_"))),
            ("object", json!("response")),
            ("created_at", json!(self.created_at)),
            ("status", json!(status)),
            ("error", Value::Null),
            ("incomplete_details", Value::Null),
            ("model", json!(reading.served.model.as_deref().unwrap_or_default())),
            ("output", Value::Array(output)),
            ("parallel_tool_calls", json!(true)),
            ("tool_choice", json!("auto")),
            ("tools", json!([])),
            ("store", json!(false)),
            ("metadata", json!({})),
            ("usage", Value::Null),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn read_item(scanner: &mut Scanner<'_>) -> Result<Option<Item>, RequestFault> {
    let mut item = Item::Other;
    let is_object = read_object(scanner, &["type"], |scanner, _name| {
        let kind = read_text(scanner)?;
        item = match kind.as_ref().map(|kind| kind.decode()).as_deref() {
            Some("function_call" | "custom_tool_call") => Item::Call,
            Some("web_search_call") => Item::Search,
            _ => Item::Other,
        };
        Ok(())
    })?;
    Ok(is_object.then_some(item))
}

fn read_tool_usage(scanner: &mut Scanner<'_>, response: &mut Response) -> Read {
    read_object(scanner, &["web_search"], |scanner, _name| {
        read_object(scanner, &["num_requests"], |scanner, _name| {
            response.searches = read_count(scanner, &mut response.clamped)?;
            Ok(())
        })
        .map(drop)
    })
    .map(drop)
}

fn read_words(scanner: &mut Scanner<'_>, words: &mut Vec<String>) -> Read {
    read_object(scanner, &["type", "code"], |scanner, _name| {
        words.extend(read_text(scanner)?.map(|word| word.decode().into_owned()));
        Ok(())
    })
    .map(drop)
}
