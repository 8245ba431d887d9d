//! What is new in a version of a policy, word by word.

use super::Block;

/// A piece of a text, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    /// In both versions.
    Kept(String),
    /// In the former version alone.
    Removed(String),
    /// In the newer version alone.
    Added(String),
}

/// The whole text of two versions: what stayed, what went, what came.
///
/// Lines are compared first. Where some went and others came at one place, those that say mostly the
/// same are shown as one, with the words that differ.
pub fn changes(former: &[Block], newer: &[Block]) -> Vec<Block<Vec<Span>>> {
    let (former, newer) = (lines(former), lines(newer));
    let mut written = Written::default();
    for step in align(&former, &newer) {
        match step {
            Step::Kept(line) => {
                written.settle();
                written.push(line.form, vec![Span::Kept(line.text.to_owned())]);
            }
            Step::Removed(line) => written.removed.push(line),
            Step::Added(line) => written.added.push(line),
        }
    }
    written.settle();
    written.blocks
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Heading,
    Paragraph,
    Item,
}

/// A heading, a paragraph or an item of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line<'t> {
    form: Form,
    text: &'t str,
}

fn lines(blocks: &[Block]) -> Vec<Line<'_>> {
    let of = blocks.iter().flat_map(|block| {
        let (form, texts) = match block {
            Block::Heading(text) => (Form::Heading, std::slice::from_ref(text)),
            Block::Paragraph(text) => (Form::Paragraph, std::slice::from_ref(text)),
            Block::List(items) => (Form::Item, items.as_slice()),
        };
        texts.iter().map(move |text| Line { form, text })
    });
    of.collect()
}

/// What has been compared, and the lines since the last one that stayed.
#[derive(Default)]
struct Written<'t> {
    blocks: Vec<Block<Vec<Span>>>,
    removed: Vec<Line<'t>>,
    added: Vec<Line<'t>>,
}

impl Written<'_> {
    fn push(&mut self, form: Form, spans: Vec<Span>) {
        match (form, self.blocks.last_mut()) {
            (Form::Heading, _) => self.blocks.push(Block::Heading(spans)),
            (Form::Paragraph, _) => self.blocks.push(Block::Paragraph(spans)),
            (Form::Item, Some(Block::List(items))) => items.push(spans),
            (Form::Item, _) => self.blocks.push(Block::List(vec![spans])),
        }
    }

    /// Writes the lines that went and came, in their order.
    fn settle(&mut self) {
        let removed = std::mem::take(&mut self.removed);
        let mut added = std::mem::take(&mut self.added).into_iter().peekable();
        // What goes on with the list above comes before another section that went.
        if removed.first().is_some_and(|line| line.form != Form::Item) {
            while let Some(Block::List(items)) = self.blocks.last_mut() {
                let Some(item) = added.next_if(|line| line.form == Form::Item) else { break };
                items.push(vec![Span::Added(item.text.to_owned())]);
            }
        }
        for line in removed {
            let mut rest = added.clone();
            let heir = rest.find_map(|candidate| reworded(line, candidate).map(|spans| (candidate, spans)));
            let Some((heir, spans)) = heir else {
                self.push(line.form, vec![Span::Removed(line.text.to_owned())]);
                continue;
            };
            while let Some(before) = added.next_if(|candidate| *candidate != heir) {
                self.push(before.form, vec![Span::Added(before.text.to_owned())]);
            }
            added.next();
            self.push(line.form, spans);
        }
        for line in added {
            self.push(line.form, vec![Span::Added(line.text.to_owned())]);
        }
    }
}

/// A line that became another one, if they have at least half of their text in common.
fn reworded(former: Line<'_>, newer: Line<'_>) -> Option<Vec<Span>> {
    if former.form != newer.form {
        return None;
    }
    let (mut spans, mut common) = (Vec::new(), 0);
    let compared = |text| words(text).into_iter().map(Word).collect::<Vec<_>>();
    for step in align(&compared(former.text), &compared(newer.text)) {
        match (step, spans.last_mut()) {
            (Step::Kept(Word(word)), last) => {
                common += word.len();
                match last {
                    Some(Span::Kept(text)) => text.push_str(word),
                    _ => spans.push(Span::Kept(word.to_owned())),
                }
            }
            (Step::Removed(Word(word)), Some(Span::Removed(text)))
            | (Step::Added(Word(word)), Some(Span::Added(text))) => {
                text.push_str(word);
            }
            (Step::Removed(Word(word)), _) => spans.push(Span::Removed(word.to_owned())),
            (Step::Added(Word(word)), _) => spans.push(Span::Added(word.to_owned())),
        }
    }
    (common * 4 >= former.text.len() + newer.text.len()).then_some(spans)
}

/// A word that is the same whether or not another one follows.
#[derive(Clone, Copy)]
struct Word<'t>(&'t str);

impl PartialEq for Word<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.trim_end() == other.0.trim_end()
    }
}

/// The words of a text, each with the space behind it. Where words are not parted by spaces, a letter
/// is a word.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut from = 0;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let end = at + letter.len_utf8();
        let is_last = letters.peek().is_none_or(|&(_, next)| is_word(letter) || is_word(next));
        let is_space =
            letter.is_whitespace() && letters.peek().is_some_and(|(_, next)| !next.is_whitespace());
        if is_last || is_space {
            words.push(&text[from..end]);
            from = end;
        }
    }
    words
}

/// Whether a letter is a word by itself: those of Chinese and Japanese, and their punctuation.
const fn is_word(letter: char) -> bool {
    matches!(letter, '\u{3000}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}')
}

/// How one sequence becomes another.
enum Step<T> {
    Kept(T),
    Removed(T),
    Added(T),
}

/// The longest common subsequence, and what is beside it; what went before what came.
fn align<T: Copy + PartialEq>(former: &[T], newer: &[T]) -> Vec<Step<T>> {
    // How much is in common before a place of both, row by row.
    let mut rows = vec![vec![0_usize; newer.len() + 1]];
    for old in former {
        let mut row = vec![0];
        let mut left = 0;
        for (new, above) in newer.iter().zip(rows.last().into_iter().flat_map(|above| above.windows(2))) {
            let &[diagonal, up] = above else { continue };
            left = if old == new { diagonal + 1 } else { up.max(left) };
            row.push(left);
        }
        rows.push(row);
    }
    let common =
        |row: usize, column: usize| rows.get(row).and_then(|row| row.get(column)).copied().unwrap_or(0);
    let (mut row, mut column) = (former.len(), newer.len());
    let mut steps = Vec::with_capacity(row.max(column));
    loop {
        let old = former.get(..row).and_then(<[T]>::last);
        let new = newer.get(..column).and_then(<[T]>::last);
        match (old, new) {
            (Some(old), Some(new)) if old == new => {
                steps.push(Step::Kept(*new));
                (row, column) = (row - 1, column - 1);
            }
            (old, Some(new)) if old.is_none() || common(row, column - 1) >= common(row - 1, column) => {
                steps.push(Step::Added(*new));
                column -= 1;
            }
            (Some(old), _) => {
                steps.push(Step::Removed(*old));
                row -= 1;
            }
            (None, _) => break,
        }
    }
    steps.reverse();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMER: &str = "\
# Privacy
> The first version.
## What we keep
- The log. Deleted after 90 days.
- Sessions. Deleted 30 days after they end.
## Measurement
We count visits.
## Changes
We tell you 30 days before.
";
    const NEWER: &str = "\
# Privacy
> Shorter times, and no counting.
## What we keep
- The log. Deleted after 30 days.
- Sessions. Deleted 30 days after they end.
- Files that you asked for. Deleted after one day.
## Changes
We tell you 30 days before.
";

    fn blocks(source: &'static str) -> Vec<Block> {
        super::super::PolicyText::read(source).unwrap().blocks
    }

    fn kept(text: &str) -> Span {
        Span::Kept(text.to_owned())
    }

    fn removed(text: &str) -> Span {
        Span::Removed(text.to_owned())
    }

    fn added(text: &str) -> Span {
        Span::Added(text.to_owned())
    }

    #[test]
    fn a_new_version_is_read_beside_the_former_one() {
        let shown = changes(&blocks(FORMER), &blocks(NEWER));
        assert_eq!(
            shown,
            [
                Block::Heading(vec![kept("What we keep")]),
                Block::List(vec![
                    vec![kept("The log. Deleted after "), removed("90 "), added("30 "), kept("days.")],
                    vec![kept("Sessions. Deleted 30 days after they end.")],
                    vec![added("Files that you asked for. Deleted after one day.")],
                ]),
                Block::Heading(vec![removed("Measurement")]),
                Block::Paragraph(vec![removed("We count visits.")]),
                Block::Heading(vec![kept("Changes")]),
                Block::Paragraph(vec![kept("We tell you 30 days before.")]),
            ]
        );
    }

    #[test]
    fn a_version_has_nothing_new_beside_itself() {
        let same = changes(&blocks(NEWER), &blocks(NEWER));
        assert!(!format!("{same:?}").contains("Added") && !format!("{same:?}").contains("Removed"));
    }

    #[test]
    fn words_are_letters_where_nothing_parts_them() {
        assert_eq!(words("Deleted  after 90 days."), ["Deleted  ", "after ", "90 ", "days."]);
        assert_eq!(words("90 天后删除。"), ["90 ", "天", "后", "删", "除", "。"]);
        assert_eq!(words("{contact}へ"), ["{contact}", "へ"]);
        assert_eq!(words(""), [""; 0]);
    }

    #[test]
    fn both_versions_can_be_read_out_of_what_is_shown() {
        let (former, newer) = (
            "请求日志在 90 天后删除。会话在结束 30 天后删除。",
            "请求日志在 30 天后删除。会话在结束后删除。",
        );
        let line = |text| [Block::Paragraph(String::from(text))];
        let shown = changes(&line(former), &line(newer));
        let [Block::Paragraph(spans)] = shown.as_slice() else { panic!("{shown:?}") };
        let read = |leaves_out: fn(&Span) -> bool| {
            let texts = spans.iter().filter(|span| !leaves_out(span)).map(|span| match span {
                Span::Kept(text) | Span::Removed(text) | Span::Added(text) => text.as_str(),
            });
            texts.collect::<String>()
        };
        assert_eq!(read(|span| matches!(span, Span::Added(_))), former);
        assert_eq!(read(|span| matches!(span, Span::Removed(_))), newer);
        assert!(spans.len() > 3);
    }

    #[test]
    fn what_has_little_in_common_is_not_mixed() {
        let line = |text| [Block::Paragraph(String::from(text))];
        let shown = changes(&line("We count visits."), &line("Nobody follows you here at all."));
        let apart = [
            Block::Paragraph(vec![removed("We count visits.")]),
            Block::Paragraph(vec![added("Nobody follows you here at all.")]),
        ];
        assert_eq!(shown, apart);
    }
}
