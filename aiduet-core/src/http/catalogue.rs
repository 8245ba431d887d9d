//! `GET /v1/models`: what this key may use and what it costs, in the shape the client asks for.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::edge::ClientAddress;
use super::error::{HttpError, respond};
use super::reply::tell;
use super::{dialect_of, place};
use crate::app::App;
use crate::clock::Timestamp;
use crate::dialect::Dialect;
use crate::gateway::{Caller, Credentials, GatewayError};
use crate::price::{ModelLimits, PriceSheet, PricedModel, Rate, Rates};

/// Items on a page when the client does not say, as at Anthropic.
const PAGE_DEFAULT: usize = 20;
const PAGE_MAX: usize = 1_000;

/// The page that an Anthropic client asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Page {
    limit: Option<usize>,
    after_id: Option<String>,
    before_id: Option<String>,
}

/// A name that can be asked for, and what is behind it.
struct Listed {
    id: String,
    behind: Behind,
}

/// What answers to a name.
enum Behind {
    /// This model.
    Model(Arc<PricedModel>),
    /// One of these, which the duet chooses.
    Duet(Vec<Arc<PricedModel>>),
}

/// Who owns the names of the duet.
const DUET: &str = "aiduet";

pub(super) async fn list(
    State(app): State<App>,
    page: Result<Query<Page>, QueryRejection>,
    head: Parts,
) -> Response {
    let dialect = dialect_of(&head.uri, &head.headers);
    match usable(&app, &head, dialect).await {
        Ok((sheet, models)) => {
            let Query(page) = page.unwrap_or_default();
            let body = match dialect {
                Dialect::OpenAi => openai_list(&sheet, &models),
                Dialect::Anthropic => anthropic_list(&sheet, &models, &page),
            };
            tell(place(&app, dialect), body)
        }
        Err(error) => respond(place(&app, dialect), &error),
    }
}

pub(super) async fn find(State(app): State<App>, Path(id): Path<String>, head: Parts) -> Response {
    let dialect = dialect_of(&head.uri, &head.headers);
    let found = usable(&app, &head, dialect).await.and_then(|(sheet, models)| {
        let id = id.strip_suffix('/').unwrap_or(&id);
        let named = models.iter().find(|listed| listed.id == id);
        // Further names and dated snapshots are not listed.
        let known = || sheet.find(id).and_then(|model| models.iter().find(|it| it.id == model.id.as_str()));
        let listed = named.or_else(known).ok_or(HttpError::Gateway(GatewayError::ModelNotFound))?;
        Ok(match dialect {
            Dialect::OpenAi => openai_item(&sheet, listed),
            Dialect::Anthropic => anthropic_item(&sheet, listed),
        })
    });
    match found {
        Ok(item) => tell(place(&app, dialect), item),
        Err(error) => respond(place(&app, dialect), &error),
    }
}

/// The models that the caller's key may use, that have a price and an upstream, and that the
/// endpoints of the dialect reach; then the operator's names for them, and those of the duet.
async fn usable(
    app: &App,
    head: &Parts,
    dialect: Dialect,
) -> Result<(Arc<PriceSheet>, Vec<Listed>), HttpError> {
    let address = ClientAddress::of(&head.extensions);
    let credentials = Credentials { headers: &head.headers, address };
    let caller: Caller = app.gateway().authenticate_free(credentials).await?;
    let now = app.clock().now();
    let sheet = app.prices().sheet(now).await.map_err(GatewayError::from)?;
    let vendors: Vec<_> = app.gateway().vendors().collect();
    let is_usable = |model: &Arc<PricedModel>| {
        model.retires_at.is_none_or(|at| now < at)
            && vendors.contains(&model.vendor)
            && caller.key().limits.allows_model(&model.id)
            // What generates is reached from everywhere, by translation.
            && (model.generates() || dialect == Dialect::OpenAi)
    };
    let usable = sheet.models.values().filter(|model| is_usable(model));
    let mut listed: Vec<Listed> =
        usable.map(|model| Listed::model(model.id.as_str(), Arc::clone(model))).collect();
    for (name, models) in app.gateway().duet_names(caller.key()) {
        let mut models: Vec<_> = models
            .iter()
            .filter_map(|id| sheet.find(id.as_str()))
            .filter(|model| is_usable(model))
            .cloned()
            .collect();
        models.dedup_by(|model, before| model.id == before.id);
        if !models.is_empty() {
            listed.push(Listed { id: name.to_owned(), behind: Behind::Duet(models) });
        }
    }
    for (name, models) in app.gateway().aliases().iter() {
        let mut models = models.iter().filter_map(|id| sheet.find(id.as_str()));
        let Some(model) = models.find(|model| is_usable(model)).cloned() else { continue };
        listed.retain(|listed| listed.id != name);
        listed.push(Listed::model(name, model));
    }
    Ok((sheet, listed))
}

impl Listed {
    fn model(id: &str, model: Arc<PricedModel>) -> Self {
        Self { id: id.to_owned(), behind: Behind::Model(model) }
    }

    fn owner(&self) -> &'static str {
        match &self.behind {
            Behind::Model(model) => model.vendor.as_str(),
            Behind::Duet(_) => DUET,
        }
    }

    /// What any of the models takes: the least of them.
    fn limit(&self, of: fn(&ModelLimits) -> Option<u64>) -> Option<u64> {
        self.models().iter().filter_map(|model| of(&model.limits)).min()
    }

    fn models(&self) -> &[Arc<PricedModel>] {
        match &self.behind {
            Behind::Model(model) => std::slice::from_ref(model),
            Behind::Duet(models) => models,
        }
    }

    /// When the last of the models is no longer served.
    fn retires_at(&self) -> Option<Timestamp> {
        self.models()
            .iter()
            .map(|model| model.retires_at)
            .max_by_key(|at| at.map_or(i64::MAX, Timestamp::millis))?
    }

    fn pricing(&self, sheet: &PriceSheet) -> Value {
        match &self.behind {
            Behind::Model(model) => pricing(sheet, |pick| json!(rate(model, pick).map(Rate::pico))),
            Behind::Duet(models) => pricing(sheet, |pick| {
                let rates = || models.iter().filter_map(|model| rate(model, pick)).map(Rate::pico);
                json!({"min": rates().min(), "max": rates().max()})
            }),
        }
    }
}

fn openai_list(sheet: &PriceSheet, models: &[Listed]) -> Value {
    let data: Vec<_> = models.iter().map(|model| openai_item(sheet, model)).collect();
    // Codex reads `models`; an empty list makes it use its built-in one.
    json!({"object": "list", "data": data, "models": []})
}

fn openai_item(sheet: &PriceSheet, listed: &Listed) -> Value {
    json!({
        "id": listed.id,
        "object": "model",
        "created": sheet.effective_from.seconds(),
        "owned_by": listed.owner(),
        "context_window": listed.limit(|limits| limits.context_window),
        "max_output_tokens": listed.limit(|limits| limits.max_output),
        "pricing": listed.pricing(sheet),
    })
}

fn anthropic_list(sheet: &PriceSheet, models: &[Listed], page: &Page) -> Value {
    let limit = page.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
    let position = |id: &String| models.iter().position(|model| model.id == *id);
    let end = page.before_id.as_ref().and_then(position).unwrap_or(models.len());
    let start = match page.after_id.as_ref().and_then(position) {
        Some(after) => after.saturating_add(1),
        None if page.before_id.is_some() => end.saturating_sub(limit),
        None => 0,
    };
    let shown: Vec<_> = models.iter().take(end).skip(start).take(limit).collect();
    json!({
        "data": shown.iter().map(|model| anthropic_item(sheet, model)).collect::<Vec<_>>(),
        "first_id": shown.first().map(|model| &model.id),
        "last_id": shown.last().map(|model| &model.id),
        "has_more": start.saturating_add(shown.len()) < end,
    })
}

fn anthropic_item(sheet: &PriceSheet, listed: &Listed) -> Value {
    let retires_at = listed.retires_at();
    json!({
        "type": "model",
        "id": listed.id,
        "display_name": listed.id,
        "created_at": sheet.effective_from.to_string(),
        "lifecycle": if retires_at.is_some() { "deprecated" } else { "active" },
        "retires_at": retires_at.map(|at| at.to_string()),
        "max_input_tokens": listed.limit(|limits| limits.max_input.or(limits.context_window)),
        "max_tokens": listed.limit(|limits| limits.max_output),
        "pricing": listed.pricing(sheet),
    })
}

/// Rates in pico-USD per token, as `class` writes each; of the duet the least and the most.
fn pricing(sheet: &PriceSheet, class: impl Fn(Pick) -> Value) -> Value {
    json!({
        "version": sheet.version,
        "unit": "pico_usd_per_token",
        "input": class(|rates| Some(rates.input)),
        "cache_read": class(|rates| rates.cache_read),
        "cache_write_short": class(|rates| rates.cache_write_short),
        "cache_write_long": class(|rates| rates.cache_write_long),
        "output": class(|rates| rates.output),
    })
}

/// One of the rates.
type Pick = fn(&Rates) -> Option<Rate>;

/// A rate of the standard service tier for small prompts.
fn rate(model: &PricedModel, pick: Pick) -> Option<Rate> {
    model.card(crate::usage::ServiceTier::Standard).and_then(|card| pick(&card.base))
}
