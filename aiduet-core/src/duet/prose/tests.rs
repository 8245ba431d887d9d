use super::*;

fn said(text: &str) -> Vec<(String, Ending)> {
    let prose = Prose::of([text]);
    let clauses = prose.clauses().iter();
    clauses.map(|clause| (prose.text[clause.start..clause.end].to_owned(), clause.ending)).collect()
}

#[test]
fn letters_are_those_of_unicode() {
    for letter in '\0'..=char::MAX {
        assert_eq!(is_letter(letter), letter.is_alphanumeric(), "{letter:?}");
    }
}

#[test]
fn clauses_end_at_marks_that_end_something() {
    use Ending::{Clause, Question, Sentence};
    for (text, expected) in [
        (
            "Why? Fix it, e.g. v1.5.",
            &[
                ("why?", Question),
                (" fix it,", Clause),
                (" e.g.", Sentence),
                (" v1.5.", Sentence),
                ("\n", Sentence),
            ][..],
        ),
        (
            "为什么？先设计，再写。",
            &[("为什么?", Question), ("先设计,", Clause), ("再写。", Sentence), ("\n", Sentence)],
        ),
        ("at 10:30: go", &[("at 10:30:", Clause), (" go\n", Sentence)]),
    ] {
        let expected: Vec<_> = expected.iter().map(|(said, ending)| ((*said).to_owned(), *ending)).collect();
        assert_eq!(said(text), expected, "{text}");
    }
}

#[test]
fn letters_weigh_by_how_long_they_take_to_read() {
    assert_eq!(Prose::of(["Fix it, 2 times!"]).weight, 11);
    assert_eq!(Prose::of(["修复它"]).weight, 6);
}

#[test]
fn of_a_long_text_both_ends_are_read() {
    let text = format!("first {}last", "word ".repeat(4_000));
    let prose = Prose::of([text.as_str()]);
    assert!(prose.text().len() <= 2 * END_BYTES + 1);
    assert!(prose.text().starts_with("first word") && prose.text().ends_with("word last\n"));
}

#[test]
fn lines_are_those_of_the_standard_library() {
    for text in ["", "\n", "a", "a\r", "a\nb", "a\r\n\r\nb\n", "\n\na\n"] {
        assert!(lines(text).eq(text.lines()), "{text:?}");
    }
}
