//! `fit-duet [--check] [directory]`: fits the weights in a directory of router data (by default
//! those of the library) to its examples, and writes them and the report; with `--check` it writes
//! nothing and fails if they would change.
#![expect(clippy::print_stdout, reason = "a command-line tool")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use aiduet_core::duet::Lexicon;
use fit_duet::{FitConfig, FitError, TRAINING, Workshop, judge, read_examples, report};

/// What is done with a fit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    /// It is written.
    Write,
    /// It is compared with what was written.
    Check,
}

fn main() -> ExitCode {
    let mut action = Action::Write;
    let mut directory = PathBuf::from("aiduet-core/data/duet");
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--check" => action = Action::Check,
            other => directory = PathBuf::from(other),
        }
    }
    match run(&directory, action) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            println!("the committed weights or report differ from what the examples give");
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(directory: &Path, action: Action) -> Result<bool, FitError> {
    let read = |name: &str| {
        std::fs::read_to_string(directory.join(name))
            .map_err(|error| FitError::new(format!("{name}: {error}")))
    };
    let clients = read("clients.toml")?;
    let lexicon = Lexicon::from_toml(&read("lexicon.toml")?).map_err(FitError::new)?;
    let mut examples = read_examples(&read("examples.jsonl")?)?;
    for training in TRAINING {
        examples.extend(read_examples(training)?);
    }
    let workshop = Workshop::new(&clients, &lexicon, &examples, FitConfig::default())?;
    let held = workshop.cross_validate()?;
    let weights = workshop.weigh();
    let seen = judge(&workshop.router(weights.clone()), &examples)?;
    let report = report(&held, &seen);
    println!("{report}");
    let mut same = true;
    for (name, text) in [("weights.json", weights.to_json()), ("report.md", report)] {
        same &= read(name).is_ok_and(|committed| committed == text);
        if action == Action::Write {
            std::fs::write(directory.join(name), text)
                .map_err(|error| FitError::new(format!("{name}: {error}")))?;
        }
    }
    Ok(same || action == Action::Write)
}
