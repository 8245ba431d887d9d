//! `aiduet models`

use aiduet_core::money::Money;
use aiduet_core::price::{PricedModel, Rate};
use serde_json::json;

use super::{Context, clock};
use crate::cli::Models;
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(context: &Context, verb: Models) -> Result<(), Failure> {
    match verb {
        Models::List => list(context).await,
    }
}

async fn list(context: &Context) -> Result<(), Failure> {
    let stores = context.stores().await?;
    let sheet = stores.prices.sheet(clock().now()).await.map_err(|error| Failure::of(&error))?;
    let rows: Vec<_> = sheet.models.values().map(|model| row(model)).collect();
    output::list(context.form, &rows)?;
    stores.close().await.map_err(|error| Failure::of(&error))
}

/// Rates of the standard tier, in dollars per million tokens.
fn row(model: &PricedModel) -> serde_json::Value {
    let rates = &model.standard.base;
    json!({
        "model": model.id,
        "provider": model.vendor,
        "input": per_million(Some(rates.input)),
        "cache_read": per_million(rates.cache_read),
        "output": per_million(rates.output),
        "context": model.limits.context_window,
        "max_output": model.limits.max_output,
        "endpoints": model.endpoints.iter().map(|endpoint| endpoint.as_str()).collect::<Vec<_>>(),
    })
}

/// A pico-dollar per token is a thousand nano-dollars per million.
fn per_million(rate: Option<Rate>) -> Option<String> {
    let nanos = rate?.pico().checked_mul(1_000).and_then(|nanos| i64::try_from(nanos).ok())?;
    let text = Money::from_nanos(nanos).to_string();
    Some(text.trim_end_matches('0').trim_end_matches('.').to_owned())
}
