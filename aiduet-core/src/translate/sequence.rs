//! One block at a time.

use std::collections::VecDeque;

use super::reply::{Event, Slot};

/// Puts blocks that come interleaved one after the other: the first that opens passes as it
/// comes, the others wait until it has closed.
#[derive(Default)]
pub(super) struct Sequence {
    open: Option<Slot>,
    waiting: VecDeque<(Slot, Vec<Event>)>,
}

impl Sequence {
    /// Takes a step; what may pass now is added to `out`.
    pub(super) fn push(&mut self, event: Event, out: &mut Vec<Event>) {
        let Some(slot) = event.slot() else {
            if matches!(event, Event::Finished(_) | Event::Ended) {
                self.finish(out);
            }
            out.push(event);
            return;
        };
        if self.open.is_some_and(|open| open != slot) {
            match self.waiting.iter_mut().find(|(waiting, _events)| *waiting == slot) {
                Some((_slot, events)) => events.push(event),
                None => self.waiting.push_back((slot, vec![event])),
            }
            return;
        }
        let closes = matches!(event, Event::Closed(_));
        self.open = Some(slot);
        out.push(event);
        if closes {
            self.open = None;
            self.next(out);
        }
    }

    /// Whether this block passes as it comes.
    pub(super) fn is_open(&self, slot: Slot) -> bool {
        self.open == Some(slot)
    }

    /// Lets the blocks that wait pass, up to one that is not whole yet.
    fn next(&mut self, out: &mut Vec<Event>) {
        while let Some((slot, events)) = self.waiting.pop_front() {
            let is_whole = matches!(events.last(), Some(Event::Closed(_)));
            out.extend(events);
            if !is_whole {
                self.open = Some(slot);
                return;
            }
        }
    }

    /// Closes what is open and lets everything pass.
    pub(super) fn finish(&mut self, out: &mut Vec<Event>) {
        while let Some(slot) = self.open.take() {
            out.push(Event::Closed(slot));
            self.next(out);
        }
    }
}
