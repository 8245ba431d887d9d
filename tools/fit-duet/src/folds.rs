//! How well roles are told in requests that a fit has not seen.

use std::collections::BTreeSet;

use aiduet_core::dialect::Transcript;
use aiduet_core::duet::{Asked, Carried, Clients, DuetRouter, FeatureVector, Lexicon, Role, Rule, Weights};

use crate::FitError;
use crate::example::Example;
use crate::fit::{FitConfig, fit};

/// What the router said about an example.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The example.
    pub id: String,
    /// Its language.
    pub language: String,
    /// The role it has.
    pub expected: Role,
    /// The role the router said.
    pub given: Role,
    /// The rule that decided.
    pub rule: Rule,
}

impl Outcome {
    /// Whether the router was right.
    pub fn is_right(&self) -> bool {
        self.expected == self.given
    }
}

/// What a fit starts from.
#[derive(Clone, Copy, Debug)]
pub struct Workshop<'d> {
    /// The signals of clients, as their file has them.
    pub clients: &'d str,
    /// The words.
    pub lexicon: &'d Lexicon,
    /// How to fit.
    pub config: FitConfig,
}

impl Workshop<'_> {
    /// A router with these weights, whose lexicon is cut.
    ///
    /// # Errors
    /// [`FitError`] if the signals of clients are wrong.
    pub fn router(&self, lexicon: Lexicon, weights: Weights) -> Result<DuetRouter, FitError> {
        let clients = Clients::from_toml(self.clients).map_err(FitError::new)?;
        Ok(DuetRouter::new(clients, lexicon, weights))
    }

    /// Fits weights to examples. Each is seen twice: with every word, and with those words only
    /// that occur in other examples too, translations apart. So the weights do not lean on words
    /// that happen to be in one example, and expect that a request has words that nobody listed.
    ///
    /// # Errors
    /// [`FitError`] names an example that is no request.
    pub fn weigh(&self, examples: &[&Example]) -> Result<Weights, FitError> {
        let blank = Weights::from_fit([0; 4], [], 0, 0);
        let whole = self.router(self.lexicon.clone(), blank.clone())?;
        let uses = Uses::of(&whole, examples, self.lexicon.len())?;
        let mut rows = scored(&whole, examples)?;
        let numbers: BTreeSet<usize> = examples.iter().map(|example| example.number()).collect();
        for number in numbers {
            let cut = self.lexicon.cut_to(&uses.elsewhere(number));
            let router = self.router(cut, blank.clone())?;
            let own: Vec<&Example> =
                examples.iter().copied().filter(|example| example.number() == number).collect();
            rows.extend(scored(&router, &own)?);
        }
        Ok(fit(&rows, self.config))
    }

    /// Judges every example by a fit to the others: the examples are dealt into `folds` by their
    /// number, so that translations of one request are in the same fold; for each fold the lexicon
    /// is cut to the entries that occur in the other ones.
    ///
    /// # Errors
    /// [`FitError`] names an example that is no request.
    pub fn cross_validate(&self, examples: &[Example], folds: usize) -> Result<Vec<Outcome>, FitError> {
        let whole = self.router(self.lexicon.clone(), Weights::from_fit([0; 4], [], 0, 0))?;
        let mut outcomes = Vec::new();
        for fold in 0..folds {
            let (held, rest): (Vec<&Example>, Vec<&Example>) =
                examples.iter().partition(|example| example.number() % folds == fold);
            let seen = Uses::of(&whole, &rest, self.lexicon.len())?.anywhere();
            let cut = self.lexicon.cut_to(&seen);
            let weights = Workshop { lexicon: &cut, ..*self }.weigh(&rest)?;
            outcomes.extend(judge(&self.router(cut, weights)?, &held)?);
        }
        outcomes.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(outcomes)
    }
}

/// In which examples, by their numbers, each entry of the lexicon occurs.
struct Uses(Vec<BTreeSet<usize>>);

impl Uses {
    fn of(router: &DuetRouter, examples: &[&Example], entries: usize) -> Result<Self, FitError> {
        let mut uses = vec![BTreeSet::new(); entries];
        for example in examples {
            for entry in router.entries(&transcript(example)?) {
                if let Some(numbers) = uses.get_mut(entry) {
                    numbers.insert(example.number());
                }
            }
        }
        Ok(Self(uses))
    }

    fn anywhere(&self) -> Vec<bool> {
        self.0.iter().map(|numbers| !numbers.is_empty()).collect()
    }

    fn elsewhere(&self, number: usize) -> Vec<bool> {
        self.0.iter().map(|numbers| numbers.iter().any(|other| *other != number)).collect()
    }
}

fn transcript(example: &Example) -> Result<Transcript<'_>, FitError> {
    Transcript::read(example.endpoint, &example.body)
        .map_err(|fault| FitError::new(format!("{}: {fault}", example.id)))
}

/// The features of those examples about which the scorer is asked, and no rule before it.
fn scored(router: &DuetRouter, examples: &[&Example]) -> Result<Vec<(FeatureVector, Role)>, FitError> {
    let mut scored = Vec::new();
    for example in examples {
        let transcript = transcript(example)?;
        let rule = router.classify(&transcript, Asked::default()).rule;
        if matches!(rule, Rule::Score | Rule::FollowUp(_) | Rule::Turn(Carried::Message)) {
            scored.push((router.features(&transcript), example.role));
        }
    }
    Ok(scored)
}

/// What a router says about examples.
///
/// # Errors
/// [`FitError`] names an example that is no request.
pub fn judge(router: &DuetRouter, examples: &[&Example]) -> Result<Vec<Outcome>, FitError> {
    examples
        .iter()
        .map(|example| {
            let verdict = router.classify(&transcript(example)?, Asked::default());
            Ok(Outcome {
                id: example.id.clone(),
                language: example.language.clone(),
                expected: example.role,
                given: verdict.role,
                rule: verdict.rule,
            })
        })
        .collect()
}
