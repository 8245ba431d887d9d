use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::price::{PriceError, PriceSheet, PricedModel, RateCard, Rates};
use crate::usage::ServiceTier;

/// A change of the file, and where it is or is reported.
type Change = (&'static str, fn(&mut Value));

fn raw_file() -> Value {
    serde_json::from_str(include_str!("../../../data/prices.json")).unwrap()
}

/// The embedded file with one change.
fn changed(change: impl FnOnce(&mut Value)) -> Result<PriceSheet, PriceError> {
    let mut file = raw_file();
    change(&mut file);
    PriceSheet::from_json(&file.to_string())
}

fn model<'a>(file: &'a mut Value, id: &str) -> &'a mut Value {
    file["models"].as_array_mut().unwrap().iter_mut().find(|model| model["id"] == id).unwrap()
}

fn refusal(result: Result<PriceSheet, PriceError>) -> (String, &'static str) {
    match result {
        Err(PriceError::InvalidCatalogue { model, reason }) => (model, reason),
        other => panic!("expected an invalid catalogue, not {other:?}"),
    }
}

/// Writes a rate the way the file does, so that the two texts can be compared.
fn decimal(pico: u64, places: usize) -> String {
    let padded = format!("{pico:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    let text = format!("{whole}.{fraction}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn per_million(pico: u64) -> String {
    decimal(pico, 6)
}

fn written(row: &Value) -> BTreeMap<String, String> {
    let fields = row.as_object().unwrap().iter();
    let rates = fields.filter(|(name, _)| name.ends_with("_per_mtok"));
    rates.map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned())).collect()
}

/// Every rate that the row of the file writes out is in `rates`, to the last digit.
fn assert_reproduced(rates: &Rates, row: &Value, place: &str) -> usize {
    let written = written(row);
    for (field, text) in &written {
        let rate = match field.as_str() {
            "input_per_mtok" => Some(rates.input),
            "cached_input_per_mtok" => rates.cache_read,
            "cache_write_5m_per_mtok" | "cache_write_30m_per_mtok" => rates.cache_write_short,
            "cache_write_1h_per_mtok" | "cache_write_12h_per_mtok" => rates.cache_write_long,
            "output_per_mtok" => rates.output,
            other => panic!("{place}: {other}"),
        };
        assert_eq!(rate.map(|rate| per_million(rate.pico())).as_ref(), Some(text), "{place}: {field}");
    }
    written.len()
}

fn assert_card_reproduced(card: &RateCard, row: &Value, place: &str) -> usize {
    let mut count = assert_reproduced(&card.base, row, place);
    for tier in row["tiers"].as_array().into_iter().flatten() {
        let above = tier["above_input_tokens"].as_u64().unwrap();
        let parsed = card.tiers.iter().find(|t| t.above_prompt_tokens == above).unwrap();
        count += assert_reproduced(&parsed.rates, tier, place);
    }
    count
}

fn card(model: &PricedModel, tier: ServiceTier) -> &RateCard {
    model.card(tier).unwrap()
}

#[test]
fn every_price_of_the_file_is_reproduced_to_the_digit() {
    let sheet = PriceSheet::embedded().unwrap();
    let text = include_str!("../../../data/prices.json");
    let file = raw_file();
    let models = file["models"].as_array().unwrap();
    assert_eq!(models.len(), 60);
    assert_eq!(sheet.models.len(), 60);
    let mut count = 0;
    for row in models {
        let id = row["id"].as_str().unwrap();
        let model = sheet.find(id).unwrap();
        assert_eq!(model.id.as_str(), id);
        count += assert_card_reproduced(&model.standard, row, id);
        let mut cards = vec![(ServiceTier::Batch, &row["batch"])];
        for (tier, name) in [
            (ServiceTier::Flex, "flex"),
            (ServiceTier::Priority, "priority"),
            (ServiceTier::Ultrafast, "ultrafast"),
        ] {
            cards.push((tier, &row["service_tiers"][name]));
        }
        for (tier, row) in cards {
            assert_eq!(model.card(tier).is_some(), row.is_object(), "{id} {tier:?}");
            if row.is_object() {
                count += assert_card_reproduced(card(model, tier), row, id);
            }
        }
        let fee = model.web_search.map(|fee| decimal(fee.pico(), 9));
        assert_eq!(fee.as_deref(), row["per_request"]["web_search_per_1000"].as_str(), "{id}");
        assert_eq!(model.retires_at.is_some(), row["deprecation_date"].is_string(), "{id}");
        for (limit, field) in [
            (model.limits.context_window, "context_window"),
            (model.limits.max_input, "max_input_tokens"),
            (model.limits.max_output, "max_output_tokens"),
        ] {
            assert_eq!(limit, row[field].as_u64(), "{id}");
        }
    }
    assert_eq!(count, text.matches("_per_mtok\"").count(), "every rate in the file was compared");
}

#[test]
fn every_name_of_the_file_finds_its_model() {
    let sheet = PriceSheet::embedded().unwrap();
    for row in raw_file()["models"].as_array().unwrap() {
        for name in row["match"]["exact"].as_array().unwrap() {
            assert_eq!(sheet.find(name.as_str().unwrap()).unwrap().id.as_str(), row["id"], "{name}");
        }
    }
}

#[test]
fn unknown_retired_dated_and_prefixed_names_are_told_apart() {
    let sheet = PriceSheet::embedded().unwrap();
    for unknown in
        ["gpt-7", "gpt-6.2-astra", "gpt-5.1-mini", "", "gpt", "gpt-5.6-", "gpt-5.6-mini", "GPT-5.6"]
    {
        assert!(sheet.find(unknown).is_none(), "{unknown}");
    }
    for (name, id) in [
        ("gpt-5.6", "gpt-5.6"),
        ("gpt-5.6-cyber", "gpt-5.6-cyber"),
        ("gpt-5.6-2026-07-01", "gpt-5.6"),
        ("gpt-5.6-20260701", "gpt-5.6"),
        ("claude-opus-5-20260801", "claude-opus-5"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
    ] {
        assert_eq!(sheet.find(name).unwrap().id.as_str(), id, "{name}");
    }
    for near in
        ["gpt-5.6-20261301", "gpt-5.6-2026070", "gpt-5.6-20260701-x", "claude-haiku-4-5-20251001-20251001"]
    {
        assert!(sheet.find(near).is_none(), "{near}");
    }
}

#[test]
fn a_retired_model_is_priced_until_its_last_day_is_over_and_then_only_for_billing() {
    let sheet = PriceSheet::embedded().unwrap();
    let end = 1_796_083_200_000; // 2026-12-01T00:00:00Z
    let at = |millis| sheet.find_at("claude-sonnet-4-5-20250929", Timestamp::from_millis(millis));
    assert!(at(end - 1).is_some());
    assert!(at(end).is_none());
    assert!(sheet.find("claude-sonnet-4-5").is_some());
}

#[test]
fn dates_at_the_end_of_a_name_match_only_where_the_file_allows_them() {
    let sheet = changed(|file| model(file, "gpt-5.6")["match"]["dated_snapshots"] = json!(false)).unwrap();
    assert!(sheet.find("gpt-5.6").is_some());
    assert!(sheet.find("gpt-5.6-2026-07-01").is_none());
}

#[test]
fn the_version_is_the_day_from_which_the_sheet_is_in_force() {
    let sheet = PriceSheet::embedded().unwrap();
    assert_eq!(sheet.version.0, 20_261_124);
    assert_eq!(sheet.effective_from.to_string(), "2026-11-24T00:00:00.000Z");
    let later = changed(|file| file["effective_from"] = json!("2026-12-24")).unwrap();
    assert_eq!(later.version.0, 20_261_224);
    assert_eq!(later.effective_from.to_string(), "2026-12-24T00:00:00.000Z");
}

#[test]
fn rates_that_the_file_leaves_out_follow_from_the_standard_card() {
    let sheet = PriceSheet::embedded().unwrap();
    let long = |id: &str, tier| card(sheet.find(id).unwrap(), tier).at(272_001).to_owned();
    let usd = |rate: Option<crate::price::Rate>| rate.map(|rate| per_million(rate.pico()));
    // Long prompts of a tier that the file gives for small ones only: ×2 in, ×1.5 out.
    let priority = long("gpt-5.5", ServiceTier::Priority);
    assert_eq!(per_million(priority.input.pico()), "25");
    assert_eq!(usd(priority.cache_read).as_deref(), Some("2.5"));
    assert_eq!(usd(priority.output).as_deref(), Some("112.5"));
    let flex = long("gpt-5.5-pro", ServiceTier::Flex);
    assert_eq!((per_million(flex.input.pico()), usd(flex.output)), ("30".into(), Some("135".into())));
    assert_eq!(flex.cache_read, None);
    // A long cache life that the row does not name: in the ratio of the input rates.
    assert_eq!(usd(long("gpt-5.6-cyber", ServiceTier::Standard).cache_write_long).as_deref(), Some("62.5"));
    let batch = |id: &str| card(sheet.find(id).unwrap(), ServiceTier::Batch).base;
    assert_eq!(usd(batch("gpt-5.6").cache_write_long).as_deref(), Some("5"));
    assert_eq!(usd(batch("claude-mythos-5").cache_write_long).as_deref(), Some("10"));
    // A cache read without a rate is no discount.
    assert_eq!(batch("gpt-4.1").cache_read, None);
}

#[test]
fn every_list_price_with_every_multiplier_is_a_whole_number() {
    let sheet = PriceSheet::embedded().unwrap();
    for model in sheet.models.values() {
        let factors = [model.fast, model.us_inference].map(|f| f.unwrap_or(crate::price::Factor::ONE));
        let both = factors[0].and(factors[1]).unwrap();
        for card in std::iter::once(&model.standard).chain(model.cards.values()) {
            for rates in card.up_to(u64::MAX) {
                for class in crate::usage::TokenClass::ALL {
                    let Some(rate) = rates.of(class) else { continue };
                    // Ten times the rate goes evenly through a factor with one decimal.
                    let tenfold = crate::price::Rate::from_pico(rate.pico() * 10);
                    let exact = both.apply(tenfold).unwrap().pico();
                    assert_eq!(both.apply(rate).unwrap().pico() * 10, exact, "{} {class:?}", model.id);
                }
            }
        }
    }
}

#[test]
fn a_price_that_cannot_be_held_exactly_is_refused() {
    let (place, reason) =
        refusal(changed(|file| model(file, "gpt-5.6")["input_per_mtok"] = json!("0.0000001")));
    assert_eq!(place, "gpt-5.6: input_per_mtok");
    assert_eq!(reason, "not a whole number of pico-USD per unit");
    let fee =
        changed(|file| model(file, "gpt-5.6")["per_request"]["web_search_per_1000"] = json!("0.0000000001"));
    assert_eq!(refusal(fee).0, "gpt-5.6: web_search_per_1000");
}

#[test]
fn a_number_or_another_shape_in_place_of_a_decimal_string_is_refused() {
    for value in [json!(4), json!(0.4), json!(null), json!("4e0"), json!("-4"), json!("")] {
        refusal(changed(|file| model(file, "gpt-5.6")["input_per_mtok"] = value));
    }
}

#[test]
fn a_field_that_could_change_a_price_is_never_ignored() {
    let changes: [Change; 9] = [
        ("sheet", |file| file["surcharge"] = json!("1")),
        ("model", |file| model(file, "gpt-5.6")["audio_input_per_mtok"] = json!("1")),
        ("batch", |file| model(file, "gpt-5.6")["batch"]["image_per_mtok"] = json!("1")),
        ("tier", |file| model(file, "gpt-5.6")["tiers"][0]["cache_write_2h_per_mtok"] = json!("1")),
        ("service tier", |file| {
            model(file, "gpt-5.6")["service_tiers"]["hyper"] =
                json!({"input_per_mtok": "1", "output_per_mtok": "1"});
        }),
        ("in a service tier", |file| model(file, "gpt-5.6")["service_tiers"]["flex"]["x"] = json!(1)),
        ("multiplier", |file| model(file, "gpt-5.6")["multipliers"]["speed_slow"] = json!("1")),
        ("per request", |file| model(file, "gpt-5.6")["per_request"]["call"] = json!("1")),
        ("match", |file| model(file, "gpt-5.6")["match"]["prefix"] = json!(true)),
    ];
    for (place, change) in changes {
        let (model, _) = refusal(changed(change));
        assert!(!model.is_empty(), "{place}");
    }
}

#[test]
fn a_price_that_is_given_twice_is_refused() {
    let text = raw_file().to_string();
    let twice = text.replacen("\"input_per_mtok\":\"", "\"input_per_mtok\":\"1\",\"input_per_mtok\":\"", 1);
    assert_ne!(text, twice);
    refusal(PriceSheet::from_json(&twice));
}

#[test]
fn a_contradiction_is_refused_and_named() {
    let changes: [Change; 12] = [
        ("schema", |file| file["schema"] = json!(2)),
        ("unit", |file| file["currency"] = json!("EUR")),
        ("unit", |file| file["unit"] = json!("USD per token")),
        ("as_of", |file| file["as_of"] = json!("24.11.2026")),
        ("gpt-5.6: match", |file| model(file, "gpt-5.6")["match"]["exact"] = json!(["gpt-5.6", "gpt-4o"])),
        ("gpt-5.6: endpoints", |file| model(file, "gpt-5.6")["endpoints"] = json!(["/v1/audio"])),
        ("gpt-5.6: rates", |file| {
            model(file, "gpt-5.6").as_object_mut().unwrap().remove("cache_write_12h_per_mtok");
            model(file, "gpt-5.6")["tiers"] = json!([]);
        }),
        ("gpt-5.6: cache_write", |file| model(file, "gpt-5.6")["cache_write_5m_per_mtok"] = json!("1")),
        ("gpt-5.6: output_per_mtok", |file| {
            model(file, "gpt-5.6").as_object_mut().unwrap().remove("output_per_mtok");
        }),
        ("claude-opus-5: speed_fast", |file| {
            model(file, "claude-opus-5")["multipliers"]["speed_fast"] = json!("0.5");
        }),
        ("gpt-5.6: tiers", |file| {
            let tier = model(file, "gpt-5.6")["tiers"][0].clone();
            model(file, "gpt-5.6")["tiers"].as_array_mut().unwrap().push(tier);
        }),
        ("gpt-5.6: flex.tiers", |file| {
            let card = &mut model(file, "gpt-5.6")["service_tiers"]["flex"];
            let tier = card["tiers"][0].clone();
            card["tiers"].as_array_mut().unwrap().push(tier);
        }),
    ];
    for (place, change) in changes {
        assert_eq!(refusal(changed(change)).0, place);
    }
}

#[test]
fn text_that_is_not_json_is_refused_by_position_without_a_quote_of_it() {
    let (place, reason) = refusal(PriceSheet::from_json("{\n  \"schema\" 1"));
    assert_eq!((place.as_str(), reason), ("line 2 column 12", "not JSON"));
}
