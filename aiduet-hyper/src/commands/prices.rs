//! `aiduet prices`

use std::path::Path;

use aiduet_core::operator::{
    Consent, PriceDecided, PriceDecision, PriceFile, PriceReview, PriceStep, PriceWish,
};
use aiduet_core::price::{EditionMark, PriceDifference, PriceEdition, PriceVersion};
use serde_json::{Value, json};

use super::{Context, Desk, approvals};
use crate::cli::{PriceChange, Prices};
use crate::failure::Failure;
use crate::output::{self, Form};

pub(super) async fn run(context: &Context, verb: Prices) -> Result<(), Failure> {
    match verb {
        Prices::Publish(_) | Prices::Withdraw(_) => context.says_why()?,
        Prices::List | Prices::Draft { .. } | Prices::Diff { .. } => {}
    }
    let desk = context.desk().await?;
    match verb {
        Prices::List => {
            let files = desk.office.prices(&desk.act).await.map_err(|error| Failure::of(&error))?;
            output::list(context.form, &files.iter().map(row).collect::<Vec<_>>())?;
        }
        Prices::Draft { file } => {
            let text = read(&file)?;
            let drafted = desk.office.draft_prices(&desk.act, text).await;
            drafted_out(context.form, &drafted.map_err(|error| Failure::of(&error))?)?;
        }
        Prices::Diff { sheet } => {
            let differences = differences(&desk, &sheet).await?;
            output::list(context.form, &differences.iter().map(difference_row).collect::<Vec<_>>())?;
        }
        Prices::Publish(change) => decide(context, &desk, (PriceStep::Publish, change)).await?,
        Prices::Withdraw(change) => decide(context, &desk, (PriceStep::Withdraw, change)).await?,
    }
    desk.close().await
}

async fn differences(desk: &Desk, sheet: &str) -> Result<Vec<PriceDifference>, Failure> {
    let compared = match sheet.parse() {
        Ok(version) => {
            let review = desk.office.view_prices(&desk.act, PriceVersion(version)).await;
            review.map(|review| review.differences)
        }
        Err(_no_number) => desk.office.compare_prices(&desk.act, &read(Path::new(sheet))?).await,
    };
    compared.map_err(|error| Failure::of(&error))
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))
}

async fn decide(
    context: &Context,
    desk: &Desk,
    (step, change): (PriceStep, PriceChange),
) -> Result<(), Failure> {
    let PriceChange { version, sha256, break_glass } = change;
    let version = PriceVersion(version);
    let digest = match sha256 {
        Some(text) => text.parse().map_err(|error| Failure::Usage(format!("--sha256: {error}")))?,
        None => {
            let review = desk.office.view_prices(&desk.act, version).await;
            review.map_err(|error| Failure::of(&error))?.file.edition.digest
        }
    };
    let consent = if break_glass { Consent::BrokenGlass } else { Consent::Usual };
    let decision = PriceDecision { step, version, digest };
    let wish = PriceWish { decision, name: super::new_name(), consent };
    let decided = desk.office.decide_prices(&desk.act, wish).await;
    match decided.map_err(|error| Failure::of(&error))? {
        PriceDecided::Done(edition) => Ok(output::object(context.form, &edition_row(&edition))?),
        PriceDecided::Asked(approval) => {
            approvals::note_waiting();
            Ok(output::object(context.form, &approvals::row(&approval))?)
        }
    }
}

/// People get the sheet, and are told where its differences are.
fn drafted_out(form: Form, review: &PriceReview) -> Result<(), Failure> {
    let PriceReview { file, text: _, told: _, differences } = review;
    let mut row = row(file);
    match (form, &mut row) {
        (Form::Json, Value::Object(fields)) => {
            let rows = differences.iter().map(difference_row).collect();
            fields.insert("differences".to_owned(), Value::Array(rows));
        }
        _ => {
            let (count, version) = (differences.len(), file.edition.version.0);
            output::note(&format!("Prices that it changes: {count}. See: aiduet prices diff {version}"));
        }
    }
    Ok(output::object(form, &row)?)
}

fn difference_row(difference: &PriceDifference) -> Value {
    let PriceDifference { model, class, old, new } = difference;
    json!({
        "model": model,
        "class": class,
        "old": old.map(|price| price.to_string()),
        "new": new.map(|price| price.to_string()),
    })
}

fn row(file: &PriceFile) -> Value {
    let PriceFile { edition, state } = file;
    let mut row = edition_row(edition);
    if let Value::Object(fields) = &mut row {
        fields.insert("state".to_owned(), json!(state.as_str()));
    }
    row
}

fn edition_row(edition: &PriceEdition) -> Value {
    let PriceEdition { version, digest, effective_from, drafted, published, withdrawn } = edition;
    let by = |mark: Option<&EditionMark>| mark.map(|mark| mark.by.to_string());
    let at = |mark: Option<&EditionMark>| mark.map(|mark| mark.at.to_string());
    let published_mark = published.as_ref().map(|publication| &publication.mark);
    json!({
        "version": version,
        "sha256": digest.to_string(),
        "effective_from": effective_from.to_string(),
        "in_force_from": published.as_ref().map(|publication| publication.in_force_from.to_string()),
        "drafted_by": by(Some(drafted)),
        "drafted_at": at(Some(drafted)),
        "published_by": by(published_mark),
        "published_at": at(published_mark),
        "withdrawn_by": by(withdrawn.as_ref()),
        "withdrawn_at": at(withdrawn.as_ref()),
    })
}
