//! Calls get back the names and the form that the client knows.

use super::conversation::InputKind;
use super::free;
use super::names::{ToolName, ToolNames};
use super::reply::{Block, Called, Event, Opening, Reply, Slot};

/// The arguments of a call without any.
const NOTHING: &str = "{}";

/// Translates the calls of a whole answer.
pub(super) fn resolve(reply: &mut Reply, names: &ToolNames) {
    for block in &mut reply.blocks {
        if let Block::Call(called) = block {
            let Called { name, namespace, input, arguments, .. } = called;
            let known = names.incoming(name);
            if (*input, known.input) == (InputKind::Object, InputKind::Free) {
                *arguments = free::unwrap(std::mem::take(arguments));
            } else if *input == InputKind::Object && arguments.trim().is_empty() {
                NOTHING.clone_into(arguments);
            }
            (*name, *namespace, *input) = (known.name, namespace.take().or(known.namespace), known.input);
        }
    }
}

/// Translates the calls of a stream. Stands behind the one that puts blocks in sequence.
#[derive(Default)]
pub(super) struct Resolver {
    /// A call whose free text must be taken out of its object first, and what has come of it.
    wrapped: Option<(Slot, String)>,
    /// A call of an object of which nothing has come yet.
    silent: Option<Slot>,
}

impl Resolver {
    /// Whether a piece of this block passes as it is; takes note that something came.
    pub(super) fn passes(&mut self, slot: Slot) -> bool {
        self.silent = self.silent.filter(|silent| *silent != slot);
        self.wrapped.as_ref().is_none_or(|(wrapped, _text)| *wrapped != slot)
    }

    /// Takes a step; what may pass now is added to `out`.
    pub(super) fn push(&mut self, event: Event, names: &ToolNames, out: &mut Vec<Event>) {
        match event {
            Event::Opened(slot, Opening::Call { id, name, namespace, input }) => {
                let ToolName { namespace: group, name, input: wanted } = names.incoming(&name);
                match (input, wanted) {
                    (InputKind::Object, InputKind::Free) => self.wrapped = Some((slot, String::new())),
                    (InputKind::Object, InputKind::Object) => self.silent = Some(slot),
                    (InputKind::Free, _) => {}
                }
                let namespace = namespace.or(group);
                out.push(Event::Opened(slot, Opening::Call { id, name, namespace, input: wanted }));
            }
            Event::Added(slot, piece) => {
                self.silent = self.silent.filter(|silent| *silent != slot);
                match &mut self.wrapped {
                    Some((wrapped, text)) if *wrapped == slot => text.push_str(&piece),
                    _ => out.push(Event::Added(slot, piece)),
                }
            }
            Event::Closed(slot) => {
                if let Some((_slot, text)) = self.wrapped.take_if(|(wrapped, _text)| *wrapped == slot) {
                    out.push(Event::Added(slot, free::unwrap(text)));
                }
                if self.silent.take_if(|silent| *silent == slot).is_some() {
                    out.push(Event::Added(slot, NOTHING.to_owned()));
                }
                out.push(Event::Closed(slot));
            }
            other => out.push(other),
        }
    }
}
