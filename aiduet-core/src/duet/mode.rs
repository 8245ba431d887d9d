//! The mode that a client is in, by its own signals.

use std::borrow::Cow;

use super::clients::{Client, Clients, Marker, Meaning, Scope};
use super::harness;
use super::phrases::Found;
use super::role::Role;
use super::turn::text_of;
use super::window;
use crate::dialect::{Outcome, Part, Speaker, Transcript};

/// What the signals of a client say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mode {
    /// The role that the client's mode or its system prompt means.
    pub(super) role: Option<(Client, Role)>,
    /// The client wants no changes.
    pub(super) never_code: bool,
    /// The client wants changes, unless the user clearly asks for something else.
    pub(super) prefer_code: bool,
}

/// A signal and the message in which it stands.
#[derive(Clone, Copy)]
struct Sighting<'c> {
    marker: &'c Marker,
    place: usize,
}

impl Mode {
    /// Reads the signals; `human` is the place of the last message of a person.
    pub(super) fn of(
        transcript: &Transcript<'_>,
        clients: &Clients,
        human: Option<usize>,
        system: &Found,
    ) -> Self {
        let mut mode = Self::default();
        let conversation = Conversation { transcript, clients };
        if let Some(place) = human {
            mode.read_last(&conversation, place);
        }
        if mode.role.is_none() {
            mode.role = conversation.plan_mode(human.unwrap_or(0));
        }
        mode.read_system(transcript, clients, system);
        mode
    }

    /// What holds for the last message of a person only.
    fn read_last(&mut self, conversation: &Conversation<'_, '_>, place: usize) {
        let markers = conversation.clients.markers.iter().filter(|marker| marker.scope == Scope::Last);
        for marker in markers {
            if conversation.has(marker, place) {
                match marker.meaning {
                    Meaning::NeverCode => self.never_code = true,
                    Meaning::PlanOn | Meaning::Plan => self.role = Some((marker.client, Role::Plan)),
                    Meaning::Review => self.role = Some((marker.client, Role::Review)),
                    Meaning::Code => self.role = Some((marker.client, Role::Code)),
                    Meaning::PreferCode => self.prefer_code = true,
                    Meaning::PlanOff => {}
                }
            }
        }
    }

    /// What the system prompt says.
    fn read_system(&mut self, transcript: &Transcript<'_>, clients: &Clients, found: &Found) {
        for marker in clients.markers.iter().filter(|marker| marker.in_system_prompt) {
            let starts = || system_texts(transcript).any(|text| marker.starts_text(&text));
            if (marker.has_starts() && !starts()) || !marker.all.holds(found) {
                continue;
            }
            let role = match marker.meaning {
                Meaning::NeverCode => {
                    self.never_code = true;
                    None
                }
                Meaning::PreferCode => {
                    self.prefer_code = true;
                    None
                }
                Meaning::Plan | Meaning::PlanOn => Some(Role::Plan),
                Meaning::Review => Some(Role::Review),
                Meaning::Code => Some(Role::Code),
                Meaning::PlanOff => None,
            };
            if self.role.is_none() {
                self.role = role.map(|role| (marker.client, role));
            }
        }
    }
}

/// The beginnings of the texts that stand before the conversation.
pub(super) fn system_texts<'t>(transcript: &'t Transcript<'_>) -> impl Iterator<Item = Cow<'t, str>> {
    let leading = transcript.messages().iter().take_while(|message| message.speaker == Speaker::System);
    let inner = leading.flat_map(|message| transcript.parts(message).iter().filter_map(text_of));
    transcript.system.iter().copied().chain(inner).map(window::head)
}

struct Conversation<'t, 'a> {
    transcript: &'t Transcript<'a>,
    clients: &'t Clients,
}

impl<'t> Conversation<'t, '_> {
    /// Whether plan mode is on, or was left since the last message of a person.
    fn plan_mode(&self, human: usize) -> Option<(Client, Role)> {
        let latest = self.latest(self.transcript.messages().len())?;
        let client = latest.marker.client;
        if latest.marker.meaning == Meaning::PlanOn {
            return Some((client, Role::Plan));
        }
        if latest.place < human {
            return None;
        }
        // A client that tells its mode in every message has left plan mode only if it was on before.
        let was_on = || {
            let earlier = self.latest(human);
            earlier.is_some_and(|earlier| earlier.marker.meaning == Meaning::PlanOn)
        };
        (!latest.marker.is_standing() || was_on()).then_some((client, Role::Code))
    }

    /// The latest signal about plan mode before a place.
    fn latest(&self, end: usize) -> Option<Sighting<'t>> {
        (0..end).rev().find_map(|place| {
            let marker = self.sighted(place)?;
            Some(Sighting { marker, place })
        })
    }

    fn lasting(&self) -> impl Iterator<Item = &'t Marker> {
        let plans = |marker: &&Marker| matches!(marker.meaning, Meaning::PlanOn | Meaning::PlanOff);
        self.clients.markers.iter().filter(plans).filter(|marker| marker.scope == Scope::Lasting)
    }

    /// The last signal about plan mode in a message.
    fn sighted(&self, place: usize) -> Option<&'t Marker> {
        let message = self.transcript.messages().get(place)?;
        let parts = self.transcript.parts(message).iter().rev();
        match message.speaker {
            Speaker::System => parts.filter_map(text_of).find_map(|text| {
                let text = window::head(text);
                self.lasting().find(|marker| marker.in_system_message && marker.starts_text(&text))
            }),
            Speaker::User | Speaker::Tool => parts.into_iter().find_map(|part| match part {
                Part::Text(text) if message.speaker == Speaker::User && may_hold_block(text.raw()) => {
                    let text = window::ends(*text);
                    self.in_blocks(&text)
                }
                Part::Outcome(outcome) => self.lasting().find(|marker| self.approves(marker, outcome)),
                _ => None,
            }),
            Speaker::Assistant => None,
        }
    }

    fn in_blocks(&self, text: &str) -> Option<&'t Marker> {
        let pieces = harness::split(text, &self.clients.blocks);
        pieces.blocks.iter().rev().filter(|block| block.trusted).find_map(|block| {
            self.lasting().find(|marker| marker.is_in(block.tag) && marker.matches(block.inside))
        })
    }

    /// Whether the result of a call approves a plan. The call is found by its identifier.
    fn approves(&self, marker: &Marker, outcome: &Outcome<'_>) -> bool {
        let Some(tool) = &marker.in_outcome_of else { return false };
        let (Some(id), Some(text)) = (outcome.call, outcome.text) else { return false };
        marker.starts_text(&window::head(text))
            && self.transcript.all_parts().iter().any(|part| match part {
                Part::Call(call) => {
                    call.id.is_some_and(|known| known.decode() == id.decode())
                        && call.name.is_some_and(|name| name.is(tool))
                }
                _ => false,
            })
    }

    /// Whether a message has a marker in a block.
    fn has(&self, marker: &Marker, place: usize) -> bool {
        let Some(message) = self.transcript.messages().get(place) else { return false };
        self.transcript.parts(message).iter().filter_map(text_of).any(|text| {
            may_hold_block(text.raw()) && {
                let text = window::ends(text);
                let pieces = harness::split(&text, &self.clients.blocks);
                pieces
                    .blocks
                    .iter()
                    .any(|block| block.trusted && marker.is_in(block.tag) && marker.matches(block.inside))
            }
        })
    }
}

/// Whether a text as it is written may hold a block that counts: it begins or ends with a tag. A
/// backslash begins an escaped line break or an escaped `<`.
fn may_hold_block(raw: &str) -> bool {
    let raw = raw.trim_ascii();
    raw.starts_with(['<', '[', '\\'])
        || [">", "\\n", "\\u003e", "\\u003E"].iter().any(|end| raw.ends_with(end))
}
