//! The committed weights are what the examples give, and they are good enough.
#![expect(clippy::print_stdout, reason = "continuous integration shows the tables")]

use aiduet_core::duet::Lexicon;
use fit_duet::{Example, FitConfig, Tally, Workshop, judge, read_examples, table};

const CLIENTS: &str = include_str!("../../../aiduet-core/data/duet/clients.toml");
const LEXICON: &str = include_str!("../../../aiduet-core/data/duet/lexicon.toml");
const EXAMPLES: &str = include_str!("../../../aiduet-core/data/duet/examples.jsonl");
const WEIGHTS: &str = include_str!("../../../aiduet-core/data/duet/weights.json");

/// Of a thousand unseen requests of all languages.
const FLOOR: u32 = 750;
/// Of a thousand unseen requests of one language.
const LANGUAGE_FLOOR: u32 = 700;

#[test]
fn the_committed_weights_are_those_of_the_examples() {
    let lexicon = Lexicon::from_toml(LEXICON).unwrap();
    let examples = read_examples(EXAMPLES).unwrap();
    let workshop = Workshop { clients: CLIENTS, lexicon: &lexicon, config: FitConfig::default() };
    let all: Vec<&Example> = examples.iter().collect();
    let weights = workshop.weigh(&all).unwrap();
    assert!(weights.to_json() == WEIGHTS, "run `cargo run -p fit-duet`");
    let router = workshop.router(lexicon.clone(), weights).unwrap();
    let outcomes = judge(&router, &all).unwrap();
    println!("requests of the fit\n{}", table(&outcomes));
    assert!(Tally::of(&outcomes, |_outcome| true).per_mille() >= 970);
}

#[test]
fn unseen_requests_are_told_apart() {
    let lexicon = Lexicon::from_toml(LEXICON).unwrap();
    let examples = read_examples(EXAMPLES).unwrap();
    let workshop = Workshop { clients: CLIENTS, lexicon: &lexicon, config: FitConfig::default() };
    let outcomes = workshop.cross_validate(&examples, 20).unwrap();
    println!("unseen requests\n{}", table(&outcomes));
    assert_eq!(outcomes.len(), 240);
    assert!(Tally::of(&outcomes, |_outcome| true).per_mille() >= FLOOR);
    for language in ["en", "ja", "zh"] {
        let tally = Tally::of(&outcomes, |outcome| outcome.language == language);
        assert!(tally.per_mille() >= LANGUAGE_FLOOR, "{language}");
    }
}
