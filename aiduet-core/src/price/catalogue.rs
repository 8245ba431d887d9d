//! The price file, read exactly.

mod decimal;
mod file;
mod fill;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::de::IgnoredAny;

use self::decimal::Decimal;
use self::file::{
    CardFile, Kind, ModelFile, MultipliersFile, PerRequestFile, RatesFile, ServiceTiersFile, SheetFile,
};
use super::sheet::Name;
use super::{
    Factor, ModelId, ModelLimits, PriceError, PriceSheet, PriceVersion, PricedModel, Rate, RateCard, Rates,
    SizeTier,
};
use crate::clock::Timestamp;
use crate::dialect::Endpoint;
use crate::usage::ServiceTier;

/// Why a value of the file is refused.
type Reason = &'static str;

const SCHEMA: u32 = 1;
const UNIT: &str = "USD per million tokens, decimal strings";

/// Decimals of USD per million tokens that a pico-USD per token can hold.
const PER_MILLION_PLACES: u32 = 6;
/// Decimals of USD per thousand calls that a pico-USD per call can hold.
const PER_THOUSAND_PLACES: u32 = 9;

impl PriceSheet {
    /// The prices that come with the library.
    ///
    /// # Errors
    /// [`PriceError::InvalidCatalogue`]; never for a released library.
    pub fn embedded() -> Result<Self, PriceError> {
        Self::from_json(include_str!("../../data/prices.json"))
    }

    /// Reads prices in the format of the embedded file (`docs/prices.md`). Every price is taken
    /// exactly; a field that is not known, or a price that is not a whole number of pico-USD per
    /// unit, is refused.
    ///
    /// # Errors
    /// [`PriceError::InvalidCatalogue`] with the model and field, or the line and column.
    pub fn from_json(text: &str) -> Result<Self, PriceError> {
        let file: SheetFile = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        let place = |field: &str, reason| invalid(field.to_owned(), reason);
        if file.schema != SCHEMA {
            return Err(place("schema", "not a version that is known here"));
        }
        if file.currency != "USD" || file.unit != UNIT {
            return Err(place("unit", "not US dollars per million tokens"));
        }
        let as_of = date(&file.as_of).map_err(|reason| place("as_of", reason))?;
        let effective = match &file.effective_from {
            Some(day) => date(day).map_err(|reason| place("effective_from", reason))?,
            None => as_of,
        };
        let mut sheet = Self {
            version: version(effective).map_err(|reason| place("effective_from", reason))?,
            effective_from: midnight(effective).map_err(|reason| place("effective_from", reason))?,
            models: BTreeMap::new(),
            names: HashMap::new(),
        };
        for model in file.models {
            sheet.add(model)?;
        }
        Ok(sheet)
    }

    fn add(&mut self, file: ModelFile) -> Result<(), PriceError> {
        let names = std::iter::once(file.id.clone()).chain(file.names.exact.iter().cloned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names.dedup();
        let dated = file.names.dated_snapshots;
        let model = Arc::new(priced_model(&file).map_err(|fault| fault.of_model(&file.id))?);
        for name in names {
            let fault = |reason| invalid(format!("{}: match", model.id), reason);
            ModelId::parse(&name).map_err(|_invalid| fault("not a valid model name"))?;
            let entry = Name { model: Arc::clone(&model), dated: dated && name == model.id.as_str() };
            if self.names.insert(name.into(), entry).is_some() {
                return Err(fault("a name of two models"));
            }
        }
        self.models.insert(model.id.clone(), model);
        Ok(())
    }
}

/// Why a model is refused, and which of its fields it is about.
#[derive(Debug)]
struct Fault {
    field: String,
    reason: Reason,
}

impl Fault {
    fn of_model(self, id: &str) -> PriceError {
        invalid(format!("{id}: {}", self.field), self.reason)
    }
}

/// Names the field that a reason is about.
fn at(field: &str) -> impl Fn(Reason) -> Fault + '_ {
    move |reason| Fault { field: field.to_owned(), reason }
}

fn priced_model(file: &ModelFile) -> Result<PricedModel, Fault> {
    let id = ModelId::parse(&file.id).map_err(|_invalid| at("id")("not a valid model name"))?;
    let mut standard = rate_card(&file.standard, file.kind)?;
    fill::complete_standard(&mut standard).map_err(at("rates"))?;
    let mut cards = service_tiers(file)?;
    fill::complete_others(&mut cards, &standard).map_err(at("service_tiers"))?;
    let MultipliersFile { speed_fast, inference_geo_us, .. } = &file.multipliers;
    let PerRequestFile { web_search_per_1000, .. } = &file.per_request;
    Ok(PricedModel {
        id,
        vendor: file.provider,
        endpoints: endpoints(&file.endpoints).map_err(at("endpoints"))?,
        limits: ModelLimits {
            context_window: file.context_window,
            max_input: file.max_input_tokens,
            max_output: file.max_output_tokens,
        },
        standard,
        cards,
        fast: speed_fast.as_deref().map(multiplier).transpose().map_err(at("speed_fast"))?,
        us_inference: inference_geo_us
            .as_deref()
            .map(multiplier)
            .transpose()
            .map_err(at("inference_geo_us"))?,
        web_search: web_search_per_1000
            .as_deref()
            .map(|text| rate(text, PER_THOUSAND_PLACES))
            .transpose()
            .map_err(at("web_search_per_1000"))?,
        retires_at: file
            .deprecation_date
            .as_deref()
            .map(end_of_day)
            .transpose()
            .map_err(at("deprecation_date"))?,
    })
}

/// The cards besides the standard one, by their service tier.
fn service_tiers(file: &ModelFile) -> Result<BTreeMap<ServiceTier, RateCard>, Fault> {
    let ServiceTiersFile { flex, priority, ultrafast } = &file.service_tiers;
    let written = [
        (ServiceTier::Batch, &file.batch),
        (ServiceTier::Flex, flex),
        (ServiceTier::Priority, priority),
        (ServiceTier::Ultrafast, ultrafast),
    ];
    let mut cards = BTreeMap::new();
    for (tier, card) in written {
        if let Some(card) = card {
            let card = rate_card(card, file.kind).map_err(|fault| Fault {
                field: format!("{}.{}", tier.as_str(), fault.field),
                reason: fault.reason,
            })?;
            cards.insert(tier, card);
        }
    }
    Ok(cards)
}

fn rate_card(file: &CardFile, kind: Kind) -> Result<RateCard, Fault> {
    let CardFile { base, tiers, unknown } = file;
    all_known(unknown)?;
    let mut sizes: Vec<SizeTier> = Vec::with_capacity(tiers.len());
    for tier in tiers {
        all_known(&tier.unknown)?;
        if sizes.last().is_some_and(|last| last.above_prompt_tokens >= tier.above_input_tokens) {
            return Err(at("tiers")("not in ascending order of size"));
        }
        let rates = rates(&tier.rates, kind)?;
        sizes.push(SizeTier { above_prompt_tokens: tier.above_input_tokens, rates });
    }
    Ok(RateCard { base: rates(base, kind)?, tiers: sizes })
}

fn all_known(unknown: &BTreeMap<String, IgnoredAny>) -> Result<(), Fault> {
    match unknown.keys().next() {
        Some(field) => Err(at(field)("not a field that is known here")),
        None => Ok(()),
    }
}

fn rates(file: &RatesFile, kind: Kind) -> Result<Rates, Fault> {
    let RatesFile {
        input_per_mtok,
        cached_input_per_mtok,
        cache_write_5m_per_mtok,
        cache_write_30m_per_mtok,
        cache_write_1h_per_mtok,
        cache_write_12h_per_mtok,
        output_per_mtok,
    } = file;
    match (kind, output_per_mtok) {
        (Kind::Chat, None) => return Err(at("output_per_mtok")("missing")),
        (Kind::Embedding, Some(_)) => return Err(at("output_per_mtok")("an embedding has no output")),
        (Kind::Chat, Some(_)) | (Kind::Embedding, None) => {}
    }
    let optional = |text: &Option<String>, field| {
        text.as_deref().map(|text| rate(text, PER_MILLION_PLACES)).transpose().map_err(at(field))
    };
    let one_of = |one, other| match (one, other) {
        (Some(_), Some(_)) => Err(at("cache_write")("two prices for one life")),
        (one, other) => Ok(one.or(other)),
    };
    Ok(Rates {
        input: rate(input_per_mtok, PER_MILLION_PLACES).map_err(at("input_per_mtok"))?,
        cache_read: optional(cached_input_per_mtok, "cached_input_per_mtok")?,
        cache_write_short: one_of(
            optional(cache_write_5m_per_mtok, "cache_write_5m_per_mtok")?,
            optional(cache_write_30m_per_mtok, "cache_write_30m_per_mtok")?,
        )?,
        cache_write_long: one_of(
            optional(cache_write_1h_per_mtok, "cache_write_1h_per_mtok")?,
            optional(cache_write_12h_per_mtok, "cache_write_12h_per_mtok")?,
        )?,
        output: optional(output_per_mtok, "output_per_mtok")?,
    })
}

fn rate(text: &str, places: u32) -> Result<Rate, Reason> {
    Decimal::parse(text)?.units(places).map(Rate::from_pico)
}

/// A factor that never makes a call cheaper: a quote covers the call without it too.
fn multiplier(text: &str) -> Result<Factor, Reason> {
    let factor = Decimal::parse(text)?.factor()?;
    if factor.is_discount() { Err("a multiplier below 1") } else { Ok(factor) }
}

fn endpoints(paths: &[String]) -> Result<Vec<Endpoint>, Reason> {
    let mut endpoints = Vec::with_capacity(paths.len() + 1);
    for path in paths {
        let known = Endpoint::ALL.into_iter().find(|endpoint| endpoint.path() == path);
        endpoints.push(known.ok_or("not an endpoint of the gateway")?);
    }
    // Whoever serves messages counts their tokens; that is free and not in the file.
    if endpoints.contains(&Endpoint::Messages) && !endpoints.contains(&Endpoint::CountTokens) {
        endpoints.push(Endpoint::CountTokens);
    }
    Ok(endpoints)
}

fn date(text: &str) -> Result<Date, Reason> {
    text.parse().map_err(|_invalid| "not a date such as 2026-11-24")
}

fn midnight(date: Date) -> Result<Timestamp, Reason> {
    let start = date.to_zoned(TimeZone::UTC).map_err(|_invalid| "a date out of range")?;
    Ok(Timestamp::from_millis(start.timestamp().as_millisecond()))
}

/// The model is served until the day is over in UTC.
fn end_of_day(text: &str) -> Result<Timestamp, Reason> {
    midnight(date(text)?.tomorrow().map_err(|_invalid| "a date out of range")?)
}

/// The day from which a sheet is in force, as a number: 20261124.
fn version(date: Date) -> Result<PriceVersion, Reason> {
    let digits = date.strftime("%Y%m%d").to_string();
    digits.parse().map(PriceVersion).map_err(|_invalid| "a date out of range")
}

fn unreadable(error: &serde_json::Error) -> PriceError {
    let reason = if error.is_data() {
        "a field is unknown, missing, given twice or of the wrong type"
    } else {
        "not JSON"
    };
    invalid(format!("line {} column {}", error.line(), error.column()), reason)
}

const fn invalid(model: String, reason: Reason) -> PriceError {
    PriceError::InvalidCatalogue { model, reason }
}
