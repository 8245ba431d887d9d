//! Stop sequences where the provider has none: the text is cut here.

use super::reply::{Block, Event, Finish, Opening, Reply, Slot};

/// Cuts a stream at the first stop sequence. Stands behind the one that puts blocks in sequence.
#[derive(Default)]
pub(super) struct Cutter {
    stops: Vec<String>,
    /// The text block under way.
    text: Option<Slot>,
    /// The end of its text that may begin a stop sequence.
    held: String,
    met: Option<String>,
}

impl Cutter {
    pub(super) fn new(stops: Vec<String>) -> Self {
        Self { stops, ..Self::default() }
    }

    /// Whether it has nothing to do at all.
    pub(super) fn is_idle(&self) -> bool {
        self.stops.is_empty()
    }

    /// Takes a step; what may pass now is added to `out`.
    pub(super) fn push(&mut self, event: Event, out: &mut Vec<Event>) {
        if self.stops.is_empty() {
            out.push(event);
            return;
        }
        match event {
            Event::Finished(finish) => {
                out.push(Event::Finished(self.met.take().map_or(finish, Finish::StopSequence)));
            }
            event @ (Event::Began { .. } | Event::Ended | Event::Failed(_)) => out.push(event),
            _ if self.met.is_some() => {}
            Event::Opened(slot, opening) => {
                if matches!(opening, Opening::Text) {
                    self.text = Some(slot);
                }
                out.push(Event::Opened(slot, opening));
            }
            Event::Added(slot, text) if self.text == Some(slot) => self.add(slot, &text, out),
            Event::Closed(slot) if self.text == Some(slot) => {
                self.text = None;
                let rest = std::mem::take(&mut self.held);
                if !rest.is_empty() {
                    out.push(Event::Added(slot, rest));
                }
                out.push(Event::Closed(slot));
            }
            event @ (Event::Added(..) | Event::Sealed(..) | Event::Closed(_)) => out.push(event),
        }
    }

    fn add(&mut self, slot: Slot, text: &str, out: &mut Vec<Event>) {
        self.held.push_str(text);
        let (passing, met) = match find(&self.held, &self.stops) {
            Some((at, stop)) => (at, Some(stop.to_owned())),
            None => (self.held.len() - undecided(&self.held, &self.stops), None),
        };
        let rest = self.held.split_off(passing);
        let passing = std::mem::replace(&mut self.held, rest);
        if !passing.is_empty() {
            out.push(Event::Added(slot, passing));
        }
        if met.is_some() {
            self.met = met;
            self.held.clear();
            out.push(Event::Closed(slot));
        }
    }
}

/// Cuts a whole answer.
pub(super) fn cut(reply: &mut Reply, stops: &[String]) {
    let found = reply.blocks.iter_mut().enumerate().find_map(|(index, block)| match block {
        Block::Text(text) => find(text, stops).map(|(at, stop)| (index, at, stop)),
        Block::Refusal(_) | Block::Thought(_) | Block::Call(_) => None,
    });
    let Some((index, at, stop)) = found else { return };
    reply.blocks.truncate(index.saturating_add(1));
    if let Some(Block::Text(text)) = reply.blocks.last_mut() {
        text.truncate(at);
    }
    reply.finish = Finish::StopSequence(stop.to_owned());
}

/// The first stop sequence in a text, and where it begins.
fn find<'s>(text: &str, stops: &'s [String]) -> Option<(usize, &'s str)> {
    stops
        .iter()
        .filter_map(|stop| text.find(stop.as_str()).map(|at| (at, stop.as_str())))
        .min_by_key(|(at, _)| *at)
}

/// Length of the longest end of a text that begins a stop sequence.
fn undecided(text: &str, stops: &[String]) -> usize {
    let begins = |stop: &String| {
        let longest = stop.len().saturating_sub(1).min(text.len());
        (1..=longest)
            .rev()
            .find(|length| stop.get(..*length).is_some_and(|beginning| text.ends_with(beginning)))
    };
    stops.iter().filter_map(begins).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(stops: &[&str], pieces: &[&str]) -> (String, Finish) {
        let mut cutter = Cutter::new(stops.iter().map(ToString::to_string).collect());
        let mut out = Vec::new();
        cutter.push(Event::Opened(0, Opening::Text), &mut out);
        for piece in pieces {
            cutter.push(Event::Added(0, (*piece).to_owned()), &mut out);
        }
        cutter.push(Event::Closed(0), &mut out);
        cutter.push(Event::Finished(Finish::Done), &mut out);
        let mut text = String::new();
        let mut closed = 0;
        let mut finish = Finish::Unknown;
        for event in out {
            match event {
                Event::Added(_, piece) => text.push_str(&piece),
                Event::Closed(_) => closed += 1,
                Event::Finished(how) => finish = how,
                _ => {}
            }
        }
        assert_eq!(closed, 1);
        (text, finish)
    }

    #[test]
    fn a_match_that_is_split_over_two_pieces_cuts_there() {
        assert_eq!(
            pass(&["STOP"], &["one S", "TO", "P two"]),
            ("one ".into(), Finish::StopSequence("STOP".into()))
        );
    }

    #[test]
    fn what_only_looked_like_a_match_passes() {
        assert_eq!(pass(&["STOP"], &["one ST", "AR", " S"]), ("one STAR S".into(), Finish::Done));
        assert_eq!(pass(&["\u{e9}\u{e9}"], &["\u{e9}", "a"]), ("\u{e9}a".into(), Finish::Done));
    }

    #[test]
    fn the_first_of_several_wins() {
        assert_eq!(pass(&["zz", "b"], &["abzz"]), ("a".into(), Finish::StopSequence("b".into())));
    }
}
