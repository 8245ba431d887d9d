//! The committed weights are what the examples give, and they are good enough.
#![expect(clippy::print_stdout, reason = "continuous integration shows the tables")]

use aiduet_core::duet::Lexicon;
use fit_duet::{Example, FitConfig, FitError, Outcome, TRAINING, Tally, Workshop, read_examples, table};

const CLIENTS: &str = include_str!("../../../aiduet-core/data/duet/clients.toml");
const LEXICON: &str = include_str!("../../../aiduet-core/data/duet/lexicon.toml");
const EXAMPLES: &str = include_str!("../../../aiduet-core/data/duet/examples.jsonl");
const WEIGHTS: &str = include_str!("../../../aiduet-core/data/duet/weights.json");

/// Of a thousand examples that the fit has not seen, in all languages.
const FLOOR: u32 = 915;
/// Of a thousand examples of one language.
const LANGUAGE_FLOOR: u32 = 895;

fn all_examples() -> Result<Vec<Example>, FitError> {
    let mut examples = read_examples(EXAMPLES)?;
    for training in TRAINING {
        examples.extend(read_examples(training)?);
    }
    Ok(examples)
}

fn workshop(examples: &[Example]) -> Result<Workshop<'_>, FitError> {
    let lexicon = Lexicon::from_toml(LEXICON).map_err(FitError::new)?;
    Workshop::new(CLIENTS, &lexicon, examples, FitConfig::default())
}

#[test]
fn the_committed_weights_are_those_of_the_examples() {
    let examples = all_examples().unwrap();
    assert!(workshop(&examples).unwrap().weigh().to_json() == WEIGHTS, "run `cargo run -p fit-duet`");
}

#[test]
fn unseen_requests_are_told_apart() {
    let examples = all_examples().unwrap();
    let outcomes = workshop(&examples).unwrap().cross_validate().unwrap();
    let (training, judged): (Vec<Outcome>, Vec<Outcome>) =
        outcomes.into_iter().partition(Outcome::is_training);
    println!("unseen examples\n{}", table(&judged));
    println!("unseen requests of those written to learn from\n{}", table(&training));
    assert_eq!(judged.len(), 240);
    let rate = |language: Option<&str>| {
        Tally::of(&judged, |outcome| language.is_none_or(|language| outcome.language == language)).per_mille()
    };
    assert!(rate(None) >= FLOOR, "{}", rate(None));
    for language in ["en", "ja", "zh"] {
        assert!(rate(Some(language)) >= LANGUAGE_FLOOR, "{language}: {}", rate(Some(language)));
    }
}
