//! `GET /models`: what there is and what it costs, for anyone.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::app::App;
use crate::dialect::Endpoint;
use crate::price::{Margin, PriceSheet, PriceVersion, PricedModel, Rate, RateCard, Rates, SizeTier};
use crate::provider::Vendor;

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

impl From<&PricedModel> for Model {
    fn from(model: &PricedModel) -> Self {
        let RateCard { base, tiers } = &model.standard;
        let tier = |tier: &SizeTier| TierView {
            above_prompt_tokens: tier.above_prompt_tokens,
            rates: RatesView::from(&tier.rates),
        };
        Self {
            id: model.id.as_str().to_owned(),
            provider: model.vendor,
            endpoints: model.endpoints.iter().copied().map(Endpoint::as_str).collect(),
            context_window: model.limits.context_window,
            max_input: model.limits.max_input,
            max_output: model.limits.max_output,
            rates: RatesView::from(base),
            tiers: tiers.iter().map(tier).collect(),
            web_search_pico: model.web_search.map(Rate::pico),
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
        unit: "pico_usd_per_token",
        data: models.values().filter(is_served).map(|model| Model::from(model.as_ref())).collect(),
    }))
}
