//! `GET /models`: what there is and what it costs, for anyone.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::app::App;
use crate::clock::Timestamp;
use crate::dialect::Endpoint;
use crate::price::{
    Margin, ModelId, PriceError, PriceSheet, PriceVersion, PricedModel, Rate, RateCard, Rates, SizeTier,
};
use crate::provider::Vendor;
use crate::translate::reasons;

const UNIT: &str = "pico_usd_per_token";

/// The models of a price sheet.
#[derive(Serialize, ToSchema)]
pub(super) struct ModelList {
    #[schema(value_type = u32)]
    price_version: PriceVersion,
    #[schema(format = DateTime)]
    effective_from: String,
    /// Basis points of the provider's price that are charged: 10,000 is the price itself.
    #[schema(value_type = u32)]
    margin_bp: Margin,
    /// What the rates are in.
    unit: &'static str,
    data: Vec<Model>,
}

/// A model, with the provider's own prices.
#[derive(Serialize, ToSchema)]
struct Model {
    id: String,
    #[schema(value_type = String)]
    provider: Vendor,
    endpoints: Vec<&'static str>,
    #[schema(required)]
    context_window: Option<u64>,
    #[schema(required)]
    max_input: Option<u64>,
    #[schema(required)]
    max_output: Option<u64>,
    rates: RatesView,
    /// The rates of larger prompts, by ascending size.
    tiers: Vec<TierView>,
    #[schema(required)]
    web_search_pico: Option<u64>,
    /// Whether input that is cached has a price of its own.
    caches: bool,
    /// Whether it can reason before it answers; `null`: it is not known.
    #[schema(required)]
    reasons: Option<bool>,
    #[schema(required, format = DateTime)]
    retires_at: Option<String>,
}

/// `null`: the class costs what input costs; of output: the model generates nothing.
#[derive(Serialize, ToSchema)]
#[schema(as = Rates)]
struct RatesView {
    input: u64,
    #[schema(required)]
    cache_read: Option<u64>,
    #[schema(required)]
    cache_write_short: Option<u64>,
    #[schema(required)]
    cache_write_long: Option<u64>,
    #[schema(required)]
    output: Option<u64>,
}

/// The rates above a prompt size.
#[derive(Serialize, ToSchema)]
#[schema(as = SizeTier)]
struct TierView {
    above_prompt_tokens: u64,
    rates: RatesView,
}

impl From<&Rates> for RatesView {
    fn from(rates: &Rates) -> Self {
        let Rates { input, cache_read, cache_write_short, cache_write_long, output } = rates;
        let pico = |rate: &Option<Rate>| rate.map(Rate::pico);
        Self {
            input: input.pico(),
            cache_read: pico(cache_read),
            cache_write_short: pico(cache_write_short),
            cache_write_long: pico(cache_write_long),
            output: pico(output),
        }
    }
}

impl From<&SizeTier> for TierView {
    fn from(SizeTier { above_prompt_tokens, rates }: &SizeTier) -> Self {
        Self { above_prompt_tokens: *above_prompt_tokens, rates: RatesView::from(rates) }
    }
}

impl From<&PricedModel> for Model {
    fn from(model: &PricedModel) -> Self {
        let RateCard { base, tiers } = &model.standard;
        Self {
            id: model.id.as_str().to_owned(),
            provider: model.vendor,
            endpoints: model.endpoints.iter().copied().map(Endpoint::as_str).collect(),
            context_window: model.limits.context_window,
            max_input: model.limits.max_input,
            max_output: model.limits.max_output,
            rates: RatesView::from(base),
            tiers: tiers.iter().map(TierView::from).collect(),
            web_search_pico: model.web_search.map(Rate::pico),
            caches: base.cache_read.is_some(),
            reasons: if model.generates() { reasons(model.vendor, model.id.as_str()) } else { Some(false) },
            retires_at: model.retires_at.map(|at| at.to_string()),
        }
    }
}

/// The models that have a price now and an upstream here.
///
/// The rates are the provider's; what is charged is the sum of them times the margin.
#[utoipa::path(
    get, path = "/models", tag = "public", operation_id = "list_models",
    security(()),
    responses((status = OK, body = ModelList)),
)]
pub(super) async fn list(State(app): State<App>) -> Result<Json<ModelList>, Problem> {
    let now = app.clock().now();
    let sheet = app.prices().sheet(now).await.map_err(|error| Problem::internal(&error))?;
    let vendors: Vec<_> = app.gateway().vendors().collect();
    let PriceSheet { version, effective_from, models, .. } = sheet.as_ref();
    let is_served = |model: &&std::sync::Arc<PricedModel>| {
        model.retires_at.is_none_or(|at| now < at) && vendors.contains(&model.vendor)
    };
    Ok(Json(ModelList {
        price_version: *version,
        effective_from: effective_from.to_string(),
        margin_bp: app.gateway().margin(),
        unit: UNIT,
        data: models.values().filter(is_served).map(|model| Model::from(model.as_ref())).collect(),
    }))
}

/// Sheets before the one in force that are looked through for the prices of a model.
const SHEETS_MAX: usize = 50;

/// What a model costs, has cost and will cost.
#[derive(Serialize, ToSchema)]
pub(super) struct ModelPrices {
    model: String,
    /// Basis points of the provider's price that are charged: 10,000 is the price itself.
    #[schema(value_type = u32)]
    margin_bp: Margin,
    /// What the rates are in.
    unit: &'static str,
    /// Newest first; one for each change of the prices of this model.
    data: Vec<DatedPrices>,
}

/// The prices of a model from a moment on.
#[derive(Serialize, ToSchema)]
struct DatedPrices {
    #[schema(value_type = u32)]
    price_version: PriceVersion,
    #[schema(format = DateTime)]
    effective_from: String,
    /// Whether they are charged now.
    in_force: bool,
    rates: RatesView,
    /// The rates of larger prompts, by ascending size.
    tiers: Vec<TierView>,
    #[schema(required)]
    web_search_pico: Option<u64>,
}

/// What a model costs, has cost and will cost, newest first.
///
/// The rates are the provider's; what is charged is the sum of them times the margin.
#[utoipa::path(
    get, path = "/models/{id}/prices", tag = "public", operation_id = "list_model_prices",
    security(()),
    params(("id" = String, Path)),
    responses((status = OK, body = ModelPrices)),
)]
pub(super) async fn prices(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<ModelPrices>, Problem> {
    let id = ModelId::parse(&id).map_err(|_foreign| Problem::NOT_FOUND)?;
    let now = app.clock().now();
    let sheets = sheets(&app, now).await.map_err(|error| Problem::internal(&error))?;
    let in_force = sheets.iter().rev().find(|sheet| sheet.effective_from <= now).map(|sheet| sheet.version);
    let mut data: Vec<DatedPrices> = Vec::new();
    let mut last: Option<&PricedModel> = None;
    for sheet in &sheets {
        let model = sheet.models.get(&id).map(AsRef::as_ref);
        let is_same = |before: &PricedModel, model: &PricedModel| {
            before.standard == model.standard && before.web_search == model.web_search
        };
        match (last, model) {
            (Some(before), Some(model)) if is_same(before, model) => {}
            (_, Some(model)) => data.push(DatedPrices::of(sheet, model)),
            (_, None) => {}
        }
        last = model;
        if Some(sheet.version) == in_force
            && model.is_some()
            && let Some(price) = data.last_mut()
        {
            price.in_force = true;
        }
    }
    if data.is_empty() {
        return Err(Problem::NOT_FOUND);
    }
    data.reverse();
    let margin_bp = app.gateway().margin();
    Ok(Json(ModelPrices { model: id.as_str().to_owned(), margin_bp, unit: UNIT, data }))
}

/// The sheets that were, are and will be in force, oldest first.
async fn sheets(app: &App, now: Timestamp) -> Result<Vec<std::sync::Arc<PriceSheet>>, PriceError> {
    let book = app.prices();
    let mut all = vec![book.sheet(now).await?];
    while let Some(oldest) = all.last().filter(|_oldest| all.len() <= SHEETS_MAX) {
        match book.sheet(oldest.effective_from.minus(Duration::from_millis(1))).await {
            Ok(sheet) => all.push(sheet),
            Err(PriceError::NoSheet) => break,
            Err(error) => return Err(error),
        }
    }
    all.reverse();
    all.extend(book.upcoming(now).await?);
    Ok(all)
}

impl DatedPrices {
    fn of(sheet: &PriceSheet, model: &PricedModel) -> Self {
        let RateCard { base, tiers } = &model.standard;
        Self {
            price_version: sheet.version,
            effective_from: sheet.effective_from.to_string(),
            in_force: false,
            rates: RatesView::from(base),
            tiers: tiers.iter().map(TierView::from).collect(),
            web_search_pico: model.web_search.map(Rate::pico),
        }
    }
}
