//! What people are told of a change, and that nothing that takes something from them is left out.

use std::sync::Arc;

use super::*;
use crate::price::sheet::Name;
use crate::price::{Factor, PricedModel, Rate};
use crate::testing::price::midnight;
use crate::usage::ServiceTier;

fn sheets() -> [PriceSheet; 2] {
    [PriceSheet::embedded().unwrap(), PriceSheet::embedded().unwrap()]
}

fn at() -> Timestamp {
    midnight("2026-12-01")
}

/// The changes when the model of the newer sheet is another one.
fn changed(id: &str, change: impl FnOnce(&mut PricedModel)) -> (Vec<PriceDifference>, PriceChanges) {
    let [before, mut after] = sheets();
    let id = ModelId::parse(id).unwrap();
    let mut model = PricedModel::clone(&after.models[&id]);
    change(&mut model);
    let model = Arc::new(model);
    for name in after.names.values_mut().filter(|name| name.model.id == id) {
        name.model = Arc::clone(&model);
    }
    after.models.insert(id, model);
    (PriceDifference::between(&before, &after, at()), PriceChanges::between(&before, &after, at()))
}

fn of(raised: &[&str], lowered: &[&str], withdrawn: &[&str]) -> PriceChanges {
    let ids = |names: &[&str]| names.iter().map(|name| ModelId::parse(name).unwrap()).collect();
    PriceChanges { raised: ids(raised), lowered: ids(lowered), withdrawn: ids(withdrawn) }
}

const MODEL: &str = "gpt-5.6";

fn dearer(rate: Rate) -> Rate {
    Rate::from_pico(rate.pico() + 1)
}

fn cheaper(rate: Rate) -> Rate {
    Rate::from_pico(rate.pico() - 1)
}

#[test]
fn a_model_is_raised_when_any_of_its_prices_is() {
    assert_eq!(changed(MODEL, |_same| {}), (vec![], PriceChanges::default()));
    let (raised, lowered) = (of(&[MODEL], &[], &[]), of(&[], &[MODEL], &[]));
    assert!(!lowered.is_empty());
    for (rise, change) in [
        (
            true,
            (|model| model.standard.base.input = dearer(model.standard.base.input)) as fn(&mut PricedModel),
        ),
        (false, |model| model.standard.base.output = model.standard.base.output.map(cheaper)),
        (true, |model| {
            model.standard.base.input = cheaper(model.standard.base.input);
            model.standard.base.output = model.standard.base.output.map(dearer);
        }),
        (true, |model| model.cards.values_mut().for_each(|card| card.base.input = dearer(card.base.input))),
        (true, |model| model.cards.clear()),
        (true, |model| model.web_search = model.web_search.map(dearer)),
        (true, |model| model.web_search = None),
        (true, |model| model.fast = Factor::new(7, 1)),
        (true, |model| model.us_inference = Factor::new(12, 10)),
        (false, |model| {
            model.standard.tiers.iter_mut().for_each(|tier| tier.rates.input = cheaper(tier.rates.input));
        }),
        (true, |model| model.standard.tiers.iter_mut().for_each(|tier| tier.above_prompt_tokens -= 1)),
    ] {
        let (differences, changes) = changed(MODEL, change);
        assert_eq!(&changes, if rise { &raised } else { &lowered }, "{differences:?}");
        assert!(differences.iter().all(|difference| difference.model.as_str() == MODEL));
    }
}

#[test]
fn a_difference_names_the_class_and_both_prices() {
    let (differences, _changes) = changed(MODEL, |model| {
        model.standard.base.input = dearer(model.standard.base.input);
        let card = model.cards.get_mut(&ServiceTier::Flex).unwrap();
        card.base.output = card.base.output.map(cheaper);
        model.fast = Factor::new(6, 1);
        model.cards.remove(&ServiceTier::Priority);
    });
    let shown = differences.iter().map(|difference| {
        let text =
            |price: Option<crate::price::ListPrice>| price.map_or("-".to_owned(), |price| price.to_string());
        format!("{} {} {}", difference.class, text(difference.old), text(difference.new))
    });
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_name_that_goes_or_stands_for_another_model_is_a_change() {
    let [before, mut after] = sheets();
    let id = ModelId::parse(MODEL).unwrap();
    after.models.remove(&id);
    after.names.retain(|_name, known| known.model.id != id);
    assert_eq!(PriceChanges::between(&before, &after, at()), of(&[], &[], &[MODEL]));
    assert_eq!(PriceChanges::between(&after, &before, at()), PriceChanges::default(), "it is new");
    let rows = PriceDifference::between(&before, &after, at());
    assert!(rows.iter().all(|row| row.new.is_none()) && !rows.is_empty(), "{rows:?}");

    let latest = "gpt-latest";
    let [mut before, mut after] = sheets();
    let alias =
        |sheet: &PriceSheet, id: &str| Name { model: Arc::clone(&sheet.names[id].model), dated: false };
    before.names.insert(latest.into(), alias(&before, MODEL));
    assert_eq!(PriceChanges::between(&before, &after, at()), of(&[], &[], &[latest]));
    after.names.insert(latest.into(), alias(&after, MODEL));
    assert_eq!(PriceChanges::between(&before, &after, at()), PriceChanges::default());
    after.names.insert(latest.into(), alias(&after, "gpt-5.5-pro"));
    assert_eq!(PriceChanges::between(&before, &after, at()), of(&[latest], &[], &[]));
}

#[test]
fn a_model_that_its_vendor_has_retired_is_not_withdrawn() {
    let (_differences, changes) = changed(MODEL, |model| model.retires_at = Some(at()));
    assert_eq!(changes, of(&[], &[], &[MODEL]), "this sheet ends it");
    let later = |model: &mut PricedModel| model.retires_at = Some(midnight("2026-12-02"));
    assert_eq!(changed(MODEL, later).1, PriceChanges::default());
    let [mut before, after] = sheets();
    let retired = before.models.values().find(|model| model.id.as_str() == MODEL).unwrap();
    let retired = Arc::new(PricedModel { retires_at: Some(at()), ..PricedModel::clone(retired) });
    before.names.get_mut(MODEL).unwrap().model = retired;
    assert_eq!(PriceChanges::between(&before, &after, at()), PriceChanges::default());
}
