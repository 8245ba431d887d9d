//! The words of an answer alone, for an answer that is made of several.

use bytes::Bytes;

use super::reply::{Event, Opening, Slot};

/// Passes texts and refusals as they are, without any form around them, and leaves reasoning out: it
/// belongs to a conversation that the client never sees.
#[derive(Default)]
pub(super) struct Writer {
    /// The block under way, if it is spoken.
    spoken: Option<Slot>,
}

impl Writer {
    /// Writes a step. An answer that has begun is told by an empty frame.
    pub(super) fn write(&mut self, event: Event, out: &mut Vec<Bytes>) {
        match event {
            Event::Began { .. } => out.push(Bytes::new()),
            Event::Opened(slot, Opening::Text | Opening::Refusal) => self.spoken = Some(slot),
            Event::Added(slot, text) => self.add(slot, &text, out),
            Event::Opened(_, Opening::Thought { .. } | Opening::Call { .. }) | Event::Closed(_) => {
                self.spoken = None;
            }
            Event::Sealed(..) | Event::Finished(_) | Event::Ended | Event::Failed(_) => {}
        }
    }

    /// Writes one more piece of a block.
    pub(super) fn add(&self, slot: Slot, text: &str, out: &mut Vec<Bytes>) {
        if self.spoken == Some(slot) {
            out.push(Bytes::copy_from_slice(text.as_bytes()));
        }
    }
}
