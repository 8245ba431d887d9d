//! How often the router was right, as a table.

use std::collections::{BTreeMap, BTreeSet};

use aiduet_core::duet::Role;

use crate::folds::Outcome;

/// How many there were and how many were right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Right ones.
    pub right: u32,
    /// All.
    pub all: u32,
}

impl Tally {
    /// Right ones among those that `of` accepts.
    pub fn of(outcomes: &[Outcome], of: impl Fn(&Outcome) -> bool) -> Self {
        let mut tally = Self::default();
        for outcome in outcomes.iter().filter(|outcome| of(outcome)) {
            tally.all += 1;
            tally.right += u32::from(outcome.is_right());
        }
        tally
    }

    /// Tenths of a percent, rounded down.
    pub fn per_mille(self) -> u32 {
        (self.right * 1_000).checked_div(self.all).unwrap_or(1_000)
    }

    fn show(self) -> String {
        let rate = self.per_mille();
        format!("{}/{} {}.{} %", self.right, self.all, rate / 10, rate % 10)
    }
}

/// A table of roles and languages.
pub fn table(outcomes: &[Outcome]) -> String {
    let languages: BTreeSet<&str> = outcomes.iter().map(|outcome| outcome.language.as_str()).collect();
    let mut text = String::from("| Role |");
    for language in &languages {
        text.push_str(&format!(" {language} |"));
    }
    text.push_str(" all |\n|---|");
    text.push_str(&"---|".repeat(languages.len() + 1));
    text.push('\n');
    for role in [Role::Plan, Role::Review, Role::Code, Role::Chat] {
        text.push_str(&format!("| {role} |"));
        for language in &languages {
            let tally =
                Tally::of(outcomes, |outcome| outcome.expected == role && outcome.language == *language);
            text.push_str(&format!(" {} |", tally.show()));
        }
        text.push_str(&format!(" {} |\n", Tally::of(outcomes, |outcome| outcome.expected == role).show()));
    }
    text.push_str("| all |");
    for language in &languages {
        text.push_str(&format!(" {} |", Tally::of(outcomes, |outcome| outcome.language == *language).show()));
    }
    text.push_str(&format!(" {} |\n", Tally::of(outcomes, |_outcome| true).show()));
    text
}

/// The report of a fit: tables, and which examples were taken for something else.
pub fn report(held: &[Outcome], seen: &[Outcome]) -> String {
    let (training, examples): (Vec<Outcome>, Vec<Outcome>) =
        held.iter().cloned().partition(Outcome::is_training);
    let mut text = format!(
        "# Fit of the duet router\n\nMade by `cargo run -p fit-duet`; do not edit. Each request of the first two parts was judged by a fit\nthat had not seen it nor its translations, with the lexicon cut to the entries that occur in what the fit\nhad seen.\n\n## The examples\n\n{}\n{}\n",
        table(&examples),
        rules(&examples)
    );
    text.push_str("Taken for something else:\n\n");
    for outcome in examples.iter().filter(|outcome| !outcome.is_right()) {
        text.push_str(&format!("- {}: {} ({})\n", outcome.id, outcome.given, outcome.rule));
    }
    text.push_str(&format!(
        "\n## The requests that were written to learn from\n\n{}\n## Both, with the whole lexicon, by a fit that has seen them\n\n{}",
        table(&training),
        table(seen)
    ));
    text
}

fn rules(outcomes: &[Outcome]) -> String {
    let mut rules: BTreeMap<&str, Tally> = BTreeMap::new();
    for outcome in outcomes {
        let tally = rules.entry(outcome.rule.kind().as_str()).or_default();
        tally.all += 1;
        tally.right += u32::from(outcome.is_right());
    }
    let mut text = String::from("| Rule | right |\n|---|---|\n");
    for (rule, tally) in rules {
        text.push_str(&format!("| {rule} | {} |\n", tally.show()));
    }
    text
}
