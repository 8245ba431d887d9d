//! How well roles are told in requests that a fit has not seen.

use std::collections::BTreeSet;

use aiduet_core::dialect::Transcript;
use aiduet_core::duet::{
    Asked, Carried, Clients, DuetRouter, FeatureVector, Lexicon, Reading, Role, Rule, Weights,
};

use crate::FitError;
use crate::example::{Example, TRAINING_PREFIX};
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

    /// Whether the example was written to learn from.
    pub fn is_training(&self) -> bool {
        self.id.starts_with(TRAINING_PREFIX)
    }
}

/// What a fit starts from.
#[expect(missing_debug_implementations, reason = "holds content")]
pub struct Workshop<'e> {
    router: DuetRouter,
    lexicon: Lexicon,
    config: FitConfig,
    studies: Vec<Study<'e>>,
}

/// An example, read.
struct Study<'e> {
    example: &'e Example,
    part: usize,
    reading: Reading,
    /// Whether the scorer decides about it, and no rule before it.
    is_scored: bool,
    /// The entries of the lexicon that it uses.
    entries: Vec<usize>,
}

impl<'e> Workshop<'e> {
    /// A workshop with the signals of clients, the words and the examples.
    ///
    /// # Errors
    /// [`FitError`] names what is wrong.
    pub fn new(
        clients: &str,
        lexicon: &Lexicon,
        examples: &'e [Example],
        config: FitConfig,
    ) -> Result<Self, FitError> {
        let clients = Clients::from_toml(clients).map_err(FitError::new)?;
        let lexicon = lexicon.clone();
        let router = DuetRouter::new(clients, lexicon.clone(), Weights::from_fit([0; 4], [], 0, 0));
        let studies = examples
            .iter()
            .map(|example| {
                let transcript = transcript(example)?;
                let rule = router.classify(&transcript, Asked::default()).rule;
                let reading = router.read(&transcript);
                Ok(Study {
                    example,
                    part: example.number() % config.folds,
                    is_scored: matches!(rule, Rule::Score | Rule::FollowUp(_) | Rule::Turn(Carried::Message)),
                    entries: router.entries(&reading),
                    reading,
                })
            })
            .collect::<Result<_, FitError>>()?;
        Ok(Self { router, lexicon, config, studies })
    }

    /// Fits weights to all examples.
    pub fn weigh(&self) -> Weights {
        self.weigh_some(&self.lexicon, &self.studies.iter().collect::<Vec<_>>())
    }

    /// A router with these weights and the whole lexicon.
    pub fn router(&self, weights: Weights) -> DuetRouter {
        self.router.with(self.lexicon.clone(), weights)
    }

    /// Judges every example by a fit to the others. They are dealt by their number, so that
    /// translations of one request are in the same fold; for each fold the lexicon is cut to the
    /// entries that occur in the other ones.
    ///
    /// # Errors
    /// [`FitError`] names an example that is no request.
    pub fn cross_validate(&self) -> Result<Vec<Outcome>, FitError> {
        let mut outcomes = Vec::new();
        for fold in 0..self.config.folds {
            let (held, rest): (Vec<&Study<'_>>, Vec<&Study<'_>>) =
                self.studies.iter().partition(|study| study.part == fold);
            let cut = self.lexicon.cut_to(&Uses::of(&rest, self.lexicon.len()).outside(fold));
            let weights = self.weigh_some(&cut, &rest);
            let held = held.iter().map(|study| study.example);
            outcomes.extend(judge(&self.router.with(cut, weights), held)?);
        }
        outcomes.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(outcomes)
    }

    /// Fits weights. Each example is seen twice: with every word, and with those words only that
    /// occur in other parts too. So the weights do not lean on words that happen to be in one
    /// example, and expect that a request has words that nobody listed.
    fn weigh_some(&self, lexicon: &Lexicon, studies: &[&Study<'_>]) -> Weights {
        let blank = || Weights::from_fit([0; 4], [], 0, 0);
        let uses = Uses::of(studies, lexicon.len());
        let whole = self.router.with(lexicon.clone(), blank());
        let mut rows = rows(&whole, studies);
        for part in 0..self.config.folds {
            let own: Vec<&Study<'_>> = studies.iter().copied().filter(|study| study.part == part).collect();
            let cut = self.router.with(lexicon.cut_to(&uses.outside(part)), blank());
            rows.extend(self::rows(&cut, &own));
        }
        fit(rows, self.config)
    }
}

/// The features of those examples about which the scorer is asked.
fn rows(router: &DuetRouter, studies: &[&Study<'_>]) -> Vec<(FeatureVector, Role)> {
    let scored = studies.iter().filter(|study| study.is_scored);
    scored.map(|study| (router.features(&study.reading), study.example.role)).collect()
}

/// In which parts of the examples each entry of the lexicon occurs.
struct Uses(Vec<BTreeSet<usize>>);

impl Uses {
    fn of(studies: &[&Study<'_>], entries: usize) -> Self {
        let mut uses = vec![BTreeSet::new(); entries];
        for study in studies {
            for entry in &study.entries {
                if let Some(parts) = uses.get_mut(*entry) {
                    parts.insert(study.part);
                }
            }
        }
        Self(uses)
    }

    /// Which entries occur in another part.
    fn outside(&self, part: usize) -> Vec<bool> {
        self.0.iter().map(|parts| parts.iter().any(|other| *other != part)).collect()
    }
}

fn transcript(example: &Example) -> Result<Transcript<'_>, FitError> {
    Transcript::read(example.endpoint, &example.body)
        .map_err(|fault| FitError::new(format!("{}: {fault}", example.id)))
}

/// What a router says about examples.
///
/// # Errors
/// [`FitError`] names an example that is no request.
pub fn judge<'e>(
    router: &DuetRouter,
    examples: impl IntoIterator<Item = &'e Example>,
) -> Result<Vec<Outcome>, FitError> {
    examples
        .into_iter()
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
