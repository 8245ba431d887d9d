//! The turn that a request carries on: the last message of a person, and what has happened since.

use std::borrow::Cow;

use super::clients::Clients;
use super::harness::{self, Pieces};
use super::prose::Prose;
use super::window;
use crate::dialect::{Call, Message, Part, Speaker, Text, Transcript};

/// A message of a person.
#[derive(Clone)]
pub(super) struct Human {
    /// Its place among the messages.
    pub(super) place: usize,
    pub(super) prose: Prose,
    pub(super) image: bool,
}

/// Whether the model has called tools since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Loop {
    /// It has not.
    #[default]
    None,
    /// It has looked at things.
    Looking,
    /// It has changed something.
    Editing,
}

/// The turn that a request carries on.
#[derive(Clone, Default)]
pub(super) struct Turn {
    pub(super) human: Option<Human>,
    pub(super) before: Option<Human>,
    pub(super) tool_loop: Loop,
    pub(super) previous: Previous,
    /// What the model said last before the last message of a person.
    pub(super) answer: Option<Prose>,
}

/// What the model said before the last message of a person.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Previous {
    /// It said something.
    pub(super) spoke: bool,
    /// It showed code or changed something.
    pub(super) code: bool,
}

/// What the last message on the side of the user says; most often it is read twice.
#[derive(Default)]
pub(super) struct Said<'t> {
    place: Option<usize>,
    texts: Vec<Cow<'t, str>>,
}

impl<'t> Said<'t> {
    pub(super) fn of(transcript: &'t Transcript<'_>) -> Self {
        let is_user = |message: &Message| message.speaker == Speaker::User;
        let place = transcript.messages().iter().rposition(is_user);
        let message = place.and_then(|place| transcript.messages().get(place));
        Self { place, texts: message.map(|message| texts(transcript, message)).unwrap_or_default() }
    }

    /// In one piece.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self.texts.as_slice() {
            [text] => Cow::Borrowed(text),
            texts => Cow::Owned(texts.join("\n")),
        }
    }
}

impl Turn {
    pub(super) fn of(transcript: &Transcript<'_>, clients: &Clients, said: &Said<'_>) -> Self {
        let human = last_human(transcript, transcript.messages().len(), clients, said);
        let since = human.as_ref().map_or(0, |human| human.place + 1);
        let tool_loop = tool_loop(transcript, since, clients);
        let end = human.as_ref().map_or(0, |human| human.place);
        let before = last_human(transcript, end, clients, said);
        let between = before.as_ref().map_or(0, |human| human.place)..end;
        let answer = answer(transcript, between.clone());
        let previous = previous(transcript, between, clients);
        Self { human, before, tool_loop, previous, answer }
    }
}

/// The last message of a person before a place.
fn last_human(transcript: &Transcript<'_>, end: usize, clients: &Clients, said: &Said<'_>) -> Option<Human> {
    let messages = transcript.messages().get(..end)?.iter().enumerate().rev();
    messages.filter(|(_place, message)| message.speaker == Speaker::User).find_map(|(place, message)| {
        let read: Vec<Cow<'_, str>>;
        let texts = if said.place == Some(place) {
            &said.texts
        } else {
            read = texts(transcript, message);
            &read
        };
        let pieces: Vec<Pieces<'_>> =
            texts.iter().map(|text| harness::split(text, &clients.blocks)).collect();
        let image = transcript.parts(message).iter().any(|part| matches!(part, Part::Image));
        let spoken = pieces.iter().any(Pieces::is_human);
        (spoken || image).then(|| Human {
            place,
            prose: Prose::of(pieces.iter().flat_map(|pieces| pieces.human.iter().copied())),
            image,
        })
    })
}

/// Both ends of each text of a message.
fn texts<'t>(transcript: &'t Transcript<'_>, message: &Message) -> Vec<Cow<'t, str>> {
    transcript.parts(message).iter().filter_map(text_of).map(window::ends).collect()
}

pub(super) const fn text_of<'a>(part: &Part<'a>) -> Option<Text<'a>> {
    match part {
        Part::Text(text) => Some(*text),
        _ => None,
    }
}

fn tool_loop(transcript: &Transcript<'_>, since: usize, clients: &Clients) -> Loop {
    let messages = transcript.messages().get(since..).unwrap_or_default();
    let answered = messages.iter().any(|message| message.speaker != Speaker::System);
    if !answered {
        return Loop::None;
    }
    let mut state = Loop::None;
    let mut model_spoke = false;
    for message in messages {
        match message.speaker {
            Speaker::Assistant => {
                model_spoke = true;
                if edits(transcript, message, clients) {
                    return Loop::Editing;
                }
                if transcript.parts(message).iter().any(|part| matches!(part, Part::Call(_))) {
                    state = Loop::Looking;
                }
            }
            Speaker::User | Speaker::Tool if model_spoke => state = Loop::Looking,
            Speaker::User | Speaker::Tool | Speaker::System => {}
        }
    }
    state
}

/// Whether a message of the model changes files.
fn edits(transcript: &Transcript<'_>, message: &Message, clients: &Clients) -> bool {
    transcript.parts(message).iter().any(|part| match part {
        Part::Call(call) => is_edit(call, clients),
        Part::Text(text) => {
            let raw = text.raw();
            raw.contains('<') && clients.tools.text_edits.iter().any(|tag| raw.contains(tag.as_str()))
        }
        _ => false,
    })
}

fn is_edit(call: &Call<'_>, clients: &Clients) -> bool {
    let named = call.name.is_some_and(|name| clients.tools.edits(&name.decode()));
    named || clients.tools.shell_edits.iter().any(|mark| call.input.contains(mark.as_str()))
}

fn answer(transcript: &Transcript<'_>, range: std::ops::Range<usize>) -> Option<Prose> {
    let messages = transcript.messages().get(range)?.iter().rev();
    messages.filter(|message| message.speaker == Speaker::Assistant).find_map(|message| {
        let texts = texts(transcript, message);
        (!texts.is_empty()).then(|| Prose::of(texts.iter().map(AsRef::as_ref)))
    })
}

fn previous(transcript: &Transcript<'_>, range: std::ops::Range<usize>, clients: &Clients) -> Previous {
    let mut previous = Previous::default();
    for message in transcript.messages().get(range).unwrap_or_default() {
        if message.speaker != Speaker::Assistant {
            continue;
        }
        let parts = transcript.parts(message);
        previous.spoke |= parts.iter().any(|part| matches!(part, Part::Text(_)));
        previous.code |= edits(transcript, message, clients)
            || parts.iter().filter_map(text_of).any(|text| text.raw().contains("```"));
    }
    previous
}
