//! What the simulated model says, before it is put into a wire format.

use serde_json::Value;

use super::cache::PromptCache;
use super::prompt::{Format, Prompt, Thinking, Tool, ToolChoice};
use super::seed::Seed;
use super::{schema, tokens};
use crate::dialect::Dialect;
use crate::usage::Usage;

const WORDS: [&str; 48] = [
    "amber", "basin", "candle", "delta", "ember", "fable", "garden", "harbor", "island", "juniper", "kettle",
    "lantern", "meadow", "nickel", "orchard", "pebble", "quarry", "river", "saddle", "timber", "umbrella",
    "valley", "willow", "yonder", "zephyr", "anchor", "bridge", "copper", "drizzle", "engine", "feather",
    "granite", "hollow", "indigo", "jacket", "kernel", "ladder", "marble", "needle", "ocean", "pillar",
    "quiet", "ribbon", "silver", "thread", "upland", "velvet", "winter",
];

/// Bytes of a piece of a tool's arguments.
const PIECE_BYTES: usize = 12;

/// Why a choice ended.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Finish {
    Stop,
    StopSequence(String),
    Length,
    ToolCalls,
    Refusal,
}

/// One part of a choice.
pub(super) enum Part {
    Thinking(String),
    Text(String),
    Refusal(String),
    Call(Call),
}

/// A call of a tool.
pub(super) struct Call {
    pub(super) name: String,
    /// JSON, or free text for a tool without a schema.
    pub(super) arguments: String,
    pub(super) is_free_text: bool,
}

impl Tool {
    fn call(&self, arguments: String) -> Call {
        Call { name: self.name.clone(), arguments, is_free_text: self.schema.is_none() }
    }
}

impl Part {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Thinking(text) | Self::Text(text) | Self::Refusal(text) => text,
            Self::Call(call) => &call.arguments,
        }
    }
}

/// One of the answers that were asked for.
pub(super) struct Choice {
    pub(super) parts: Vec<Part>,
    pub(super) finish: Finish,
}

/// The whole answer.
pub(super) struct Answer {
    pub(super) choices: Vec<Choice>,
    /// What was counted. The reported numbers may differ if the request asks for it.
    pub(super) usage: Usage,
}

/// Thinks up the answer.
pub(super) fn answer(prompt: &Prompt, dialect: Dialect, cache: &PromptCache) -> Answer {
    let mut usage = match dialect {
        Dialect::OpenAi => cache.automatic(prompt),
        Dialect::Anthropic => cache.explicit(prompt),
    };
    let seed = prompt.seed();
    let numbers = 0_u64..u64::try_from(prompt.choices).unwrap_or(1);
    let choices: Vec<Choice> =
        numbers.map(|number| Writer::new(prompt, dialect, seed.child("choice", number)).write()).collect();
    for part in choices.iter().flat_map(|choice| &choice.parts) {
        let tokens = tokens::count(part.text());
        usage.output = usage.output.saturating_add(tokens);
        if matches!(part, Part::Thinking(_)) {
            usage.reasoning = usage.reasoning.saturating_add(tokens);
        }
    }
    if let Some(count) = prompt.script.usage {
        usage = Usage { input: count, output: count, ..Usage::default() };
    }
    Answer { choices, usage }
}

struct Writer<'a> {
    prompt: &'a Prompt,
    dialect: Dialect,
    seed: Seed,
    /// Tokens that may still be written.
    left: u64,
    parts: Vec<Part>,
}

impl<'a> Writer<'a> {
    const fn new(prompt: &'a Prompt, dialect: Dialect, seed: Seed) -> Self {
        let left = match prompt.limit {
            Some(limit) => limit,
            None => u64::MAX,
        };
        Self { prompt, dialect, seed, left, parts: Vec::new() }
    }

    fn write(mut self) -> Choice {
        let finish = self.fill();
        Choice { parts: self.parts, finish }
    }

    fn fill(&mut self) -> Finish {
        if self.prompt.script.refuses {
            return self.decline();
        }
        if self.left == 0 {
            return Finish::Length;
        }
        if self.prompt.thinking != Thinking::Off {
            let thought = words(self.seed.child("thinking", 0), 24);
            if self.push(thought, Part::Thinking).is_err() {
                return Finish::Length;
            }
        }
        let called = calls(self.prompt);
        if called.is_empty() { self.text() } else { self.call(called) }
    }

    fn decline(&mut self) -> Finish {
        if self.dialect == Dialect::OpenAi {
            self.parts.push(Part::Refusal("I cannot help with that (simulated).".to_owned()));
        }
        Finish::Refusal
    }

    fn call(&mut self, called: Vec<Call>) -> Finish {
        if self.dialect == Dialect::Anthropic && self.push("I use a tool.".to_owned(), Part::Text).is_err() {
            return Finish::Length;
        }
        for call in called {
            let cost = tokens::count(&call.arguments);
            if cost > self.left {
                return Finish::Length;
            }
            self.left = self.left.saturating_sub(cost);
            self.parts.push(Part::Call(call));
        }
        Finish::ToolCalls
    }

    fn text(&mut self) -> Finish {
        let mut text = self.whole_text();
        let stop = self.prompt.stops.iter().filter_map(|stop| Some((text.find(stop.as_str())?, stop))).min();
        let finish = match stop {
            Some((at, stop)) => {
                text.truncate(at);
                Finish::StopSequence(stop.clone())
            }
            None => Finish::Stop,
        };
        if self.push(text, Part::Text).is_err() { Finish::Length } else { finish }
    }

    fn whole_text(&self) -> String {
        if let Some(text) = &self.prompt.script.say {
            return text.clone();
        }
        match &self.prompt.format {
            Format::Schema(schema) => return schema::instance(schema).to_string(),
            Format::Object => return r#"{"answer":"simulated"}"#.to_owned(),
            Format::Text => {}
        }
        let seed = self.seed.child("text", 0);
        match self.prompt.script.chunks {
            Some(chunks) => words(seed, chunks),
            None => format!("This answer is simulated: {}.", words(seed, 24)),
        }
    }

    /// Adds a part, cut to what may still be written.
    fn push(&mut self, text: String, part: fn(String) -> Part) -> Result<(), ()> {
        let kept = tokens::truncate(&text, self.left);
        let whole = kept.len() == text.len();
        self.left = self.left.saturating_sub(tokens::count(kept));
        if whole {
            self.parts.push(part(text));
            return Ok(());
        }
        if !kept.is_empty() {
            self.parts.push(part(kept.to_owned()));
        }
        Err(())
    }
}

/// The calls that the model makes in this turn.
fn calls(prompt: &Prompt) -> Vec<Call> {
    if let Some(scripted) = &prompt.script.call {
        let callable = !prompt.has_result && !matches!(prompt.tool_choice, ToolChoice::Forbidden);
        let offered = prompt.tools.iter().find(|tool| callable && tool.name == scripted.tool);
        return offered.map(|tool| tool.call(scripted.arguments.clone())).into_iter().collect();
    }
    let arguments = |tool: &Tool| match &tool.schema {
        Some(schema) => schema::instance(schema).to_string(),
        None => "sample input".to_owned(),
    };
    called_tools(prompt).into_iter().map(|tool| tool.call(arguments(tool))).collect()
}

/// The tools that the model calls in this turn when no call is scripted.
fn called_tools(prompt: &Prompt) -> Vec<&Tool> {
    if prompt.has_result && prompt.script.calls.is_none() {
        return Vec::new();
    }
    let wanted = match (&prompt.tool_choice, prompt.script.calls) {
        (ToolChoice::Forbidden, _) => 0,
        (_, Some(calls)) => calls,
        (ToolChoice::Named(name), None) => {
            return prompt.tools.iter().filter(|tool| tool.name == *name).take(1).collect();
        }
        (ToolChoice::Required, None) if prompt.parallel => 2.min(prompt.tools.len()),
        (ToolChoice::Auto | ToolChoice::Required, None) => 1,
    };
    // Asked for more calls than there are tools, the model calls some again.
    prompt.tools.iter().cycle().take(if prompt.tools.is_empty() { 0 } else { wanted.min(64) }).collect()
}

fn words(seed: Seed, count: usize) -> String {
    let mut dice = seed.dice();
    let mut text = String::new();
    for number in 0..count {
        if number > 0 {
            text.push(' ');
        }
        text.push_str(dice.pick(&WORDS).copied().unwrap_or_default());
    }
    text
}

/// One step of the answer on the wire.
#[derive(Clone, Copy)]
pub(super) enum Step {
    /// The answer begins.
    Begin,
    /// A part of a choice begins.
    Open(Place),
    /// A piece of a part, by its byte range.
    Piece(Place, Range),
    /// A part of a choice ends.
    Close(Place),
    /// A choice ends.
    End(usize),
    /// The answer ends.
    Last,
}

/// A part of a choice, by their numbers.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) choice: usize,
    pub(super) part: usize,
}

/// A range of bytes.
#[derive(Clone, Copy)]
pub(super) struct Range {
    from: usize,
    to: usize,
}

impl Answer {
    /// The part at a place.
    pub(super) fn part(&self, place: Place) -> Option<&Part> {
        self.choices.get(place.choice)?.parts.get(place.part)
    }

    /// The piece of a part.
    pub(super) fn piece(&self, place: Place, range: Range) -> &str {
        self.part(place).and_then(|part| part.text().get(range.from..range.to)).unwrap_or_default()
    }

    /// The order of a stream. Choices take turns, piece by piece.
    pub(super) fn steps(&self) -> Vec<Step> {
        let mut rows: Vec<_> = self
            .choices
            .iter()
            .enumerate()
            .map(|(number, choice)| choice_steps(number, choice).into_iter())
            .collect();
        let mut steps = vec![Step::Begin];
        loop {
            let before = steps.len();
            steps.extend(rows.iter_mut().filter_map(Iterator::next));
            if steps.len() == before {
                break;
            }
        }
        steps.push(Step::Last);
        steps
    }
}

fn choice_steps(number: usize, choice: &Choice) -> Vec<Step> {
    let mut steps = Vec::new();
    for (part_number, part) in choice.parts.iter().enumerate() {
        let place = Place { choice: number, part: part_number };
        steps.push(Step::Open(place));
        let pieces: Vec<Range> = match part {
            Part::Call(call) => byte_pieces(&call.arguments),
            Part::Thinking(text) | Part::Text(text) | Part::Refusal(text) => word_pieces(text),
        };
        steps.extend(pieces.into_iter().map(|range| Step::Piece(place, range)));
        steps.push(Step::Close(place));
    }
    steps.push(Step::End(number));
    steps
}

/// A piece per word, the space before it included.
fn word_pieces(text: &str) -> Vec<Range> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for (at, _space) in text.match_indices(' ').filter(|(at, _space)| *at > 0) {
        pieces.push(Range { from, to: at });
        from = at;
    }
    pieces.push(Range { from, to: text.len() });
    pieces.retain(|range| range.from < range.to);
    pieces
}

/// Pieces of about the same size, cut between characters.
fn byte_pieces(text: &str) -> Vec<Range> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for (at, _c) in text.char_indices() {
        if at.saturating_sub(from) >= PIECE_BYTES {
            pieces.push(Range { from, to: at });
            from = at;
        }
    }
    if from < text.len() {
        pieces.push(Range { from, to: text.len() });
    }
    pieces
}

/// The arguments of a call as JSON.
pub(super) fn arguments(call: &Call) -> Value {
    serde_json::from_str(&call.arguments).unwrap_or_else(|_text| Value::Object(serde_json::Map::new()))
}
