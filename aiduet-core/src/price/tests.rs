//! Quotes and charges against arithmetic written a second time: from the text of the price file,
//! in plain integers, sharing no code with the library.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::money::Money;
use crate::usage::{Modifiers, ServiceTier, TokenClass, Usage, UsageFlags, UsagePart};

static FILE: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../data/prices.json")).unwrap());
static SHEET: LazyLock<PriceSheet> = LazyLock::new(|| PriceSheet::embedded().unwrap());

/// Decimal text times 10⁹, exactly.
fn billionths(text: &Value) -> Option<i128> {
    let text = text.as_str()?;
    let places = text.find('.').map_or(0, |point| text.len() - point - 1);
    let digits: i128 = text.replace('.', "").parse().unwrap();
    Some(digits * 10_i128.pow(9_u32.checked_sub(u32::try_from(places).unwrap()).unwrap()))
}

fn exact(numerator: i128, denominator: i128) -> i128 {
    assert_eq!(numerator % denominator, 0, "{numerator}/{denominator} is not whole");
    numerator / denominator
}

fn card(model: &Value, tier: ServiceTier) -> &Value {
    match tier {
        ServiceTier::Standard => model,
        ServiceTier::Batch => &model["batch"],
        ServiceTier::Flex => &model["service_tiers"]["flex"],
        ServiceTier::Priority => &model["service_tiers"]["priority"],
        ServiceTier::Ultrafast => &model["service_tiers"]["ultrafast"],
    }
}

/// The price that a row writes out for a class, in 10⁻⁹ USD per million tokens.
fn written(row: &Value, class: TokenClass) -> Option<i128> {
    let fields: &[&str] = match class {
        TokenClass::Input => &["input_per_mtok"],
        TokenClass::CacheRead => &["cached_input_per_mtok"],
        TokenClass::CacheWriteShort => &["cache_write_5m_per_mtok", "cache_write_30m_per_mtok"],
        TokenClass::CacheWriteLong => &["cache_write_1h_per_mtok", "cache_write_12h_per_mtok"],
        TokenClass::Output => &["output_per_mtok"],
    };
    fields.iter().find_map(|field| billionths(&row[*field]))
}

/// The price of a class, written or derived, in 10⁻⁹ USD per million tokens.
fn price(model: &Value, tier: ServiceTier, prompt: u64, class: TokenClass) -> i128 {
    let large = |row: &'static Value| -> Option<&'static Value> { row["tiers"].as_array()?.first() };
    let model: &'static Value = FILE["models"].as_array().unwrap().iter().find(|m| *m == model).unwrap();
    let own = card(model, tier);
    let threshold = large(model).and_then(|row| row["above_input_tokens"].as_u64());
    let is_large = threshold.is_some_and(|threshold| prompt > threshold);
    let input = |row: &Value| written(row, TokenClass::Input).unwrap();
    let of_small = |row: &Value| -> i128 {
        let is_write = matches!(class, TokenClass::CacheWriteShort | TokenClass::CacheWriteLong);
        match (written(row, class), written(model, class)) {
            (Some(price), _) => price,
            (None, Some(standard)) if is_write => exact(standard * input(row), input(model)),
            (None, _) => input(row),
        }
    };
    if !is_large {
        return of_small(own);
    }
    match large(own) {
        Some(row) => of_small(row),
        None => {
            let standard = large(model).unwrap();
            let class = if written(own, class).is_some() { class } else { TokenClass::Input };
            let small = written(own, class).unwrap();
            exact(small * written(standard, class).unwrap(), written(model, class).unwrap())
        }
    }
}

/// What a part costs in nano-USD, with the margin, rounded up.
fn oracle(model: &Value, part: &UsagePart, margin: u32) -> i128 {
    let UsagePart { served_model: _, usage, modifiers } = part;
    let tenths = |on: bool, name: &str| match (on, billionths(&model["multipliers"][name])) {
        (true, Some(factor)) => exact(factor, 100_000_000),
        _ => 10,
    };
    let factor = tenths(modifiers.fast, "speed_fast") * tenths(modifiers.us_inference, "inference_geo_us");
    // 10⁻⁹ USD per 10⁶ tokens, times factor·100, is 10⁻¹⁷ USD each; a search, 10⁻⁹ USD per 10³, 10⁻¹².
    let mut sum = 0_i128;
    for class in TokenClass::ALL {
        let tokens = i128::from(usage.of(class));
        if tokens > 0 {
            sum += tokens * price(model, modifiers.tier, usage.prompt(), class) * factor;
        }
    }
    if usage.web_searches > 0 {
        let fee = billionths(&model["per_request"]["web_search_per_1000"]).unwrap();
        sum += i128::from(usage.web_searches) * fee * 100_000;
    }
    let (scaled, unit) = (sum * i128::from(margin), 100_000_000 * 10_000);
    scaled / unit + i128::from(scaled % unit != 0)
}

/// A model of the file, with a tier that it has and modifiers that it has a price for.
fn model_and_modifiers() -> impl Strategy<Value = (&'static Value, Modifiers)> {
    let tiers = [
        ServiceTier::Standard,
        ServiceTier::Batch,
        ServiceTier::Flex,
        ServiceTier::Priority,
        ServiceTier::Ultrafast,
    ];
    (0..60_usize, any::<proptest::sample::Index>(), any::<bool>(), any::<bool>()).prop_map(
        move |(model, tier, fast, us)| {
            let model = &FILE["models"][model];
            let tiers: Vec<_> = tiers.into_iter().filter(|tier| card(model, *tier).is_object()).collect();
            let has = |name: &str| model["multipliers"][name].is_string();
            let modifiers = Modifiers {
                tier: *tier.get(&tiers),
                fast: fast && has("speed_fast"),
                us_inference: us && has("inference_geo_us"),
            };
            (model, modifiers)
        },
    )
}

fn priced(model: &Value) -> &'static Arc<PricedModel> {
    SHEET.find(model["id"].as_str().unwrap()).unwrap()
}

/// Prompt sizes around the thresholds, and small ones.
fn prompt_size() -> impl Strategy<Value = u64> {
    prop_oneof![0..50_u64, 0..8_000_u64, 99_990..100_010_u64, 271_990..272_010_u64, 0..900_000_u64]
}

/// A prompt split over the four classes, output and searches, all within the model's limits.
fn usage_within(model: &'static Value, bound: &Ask) -> impl Strategy<Value = Usage> + use<> {
    let bound = *bound;
    let window = ["context_window", "max_input_tokens"].map(|f| model[f].as_u64().unwrap_or(2_100_000));
    let prompt = bound.input_tokens.min(window[0].max(window[1]));
    let output = bound.output_tokens;
    let share = 0..=1_000_000_u64;
    (0..=prompt, share.clone(), share.clone(), share, 0..=output, 0..=bound.web_searches).prop_map(
        move |(prompt, read, short, long, output, web_searches)| {
            let take = |left: u64, share: u64| left * share / 1_000_000;
            let cache_read = take(prompt, read);
            let cache_write_short = take(prompt - cache_read, short);
            let rest = prompt - cache_read - cache_write_short;
            let cache_write_long = if bound.long_cache { take(rest, long) } else { 0 };
            let input = rest - cache_write_long;
            let reasoning = output / 2;
            Usage { input, cache_read, cache_write_short, cache_write_long, output, reasoning, web_searches }
        },
    )
}

fn ask_for(model: &'static Value, modifiers: Modifiers) -> impl Strategy<Value = Ask> + use<> {
    let generates = model["output_per_mtok"].is_string();
    let searches = model["per_request"]["web_search_per_1000"].is_string();
    let output = if generates { 0..=100_000_u64 } else { 0..=0 };
    (prompt_size(), output, if searches { 0..=20_u64 } else { 0..=0 }, any::<bool>()).prop_map(
        move |(input_tokens, output_tokens, web_searches, long_cache)| Ask {
            input_tokens,
            output_tokens,
            modifiers,
            web_searches,
            long_cache,
        },
    )
}

/// An ask, and a use of the call that is within it and served as asked.
fn call() -> impl Strategy<Value = (&'static Value, Ask, Usage)> {
    model_and_modifiers()
        .prop_flat_map(|(model, modifiers)| (Just(model), ask_for(model, modifiers)))
        .prop_flat_map(|(model, ask)| (Just(model), Just(ask), usage_within(model, &ask)))
}

fn margin() -> impl Strategy<Value = u32> {
    prop_oneof![Just(10_000), 0..30_000_u32]
}

fn charge_one(model: &Value, ask: &Ask, part: &UsagePart, margin: u32) -> Charge {
    let (sheet, routed, parts) = (&*SHEET, priced(model), std::slice::from_ref(part));
    charge(&ChargeRequest { sheet, routed, ask, parts, margin: Margin(margin) }).unwrap()
}

const fn served(usage: Usage, modifiers: Modifiers) -> UsagePart {
    UsagePart { served_model: None, usage, modifiers }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_charge_is_what_plain_arithmetic_on_the_file_gives((model, ask, usage) in call(), margin in margin()) {
        let part = served(usage, ask.modifiers);
        let charge = charge_one(model, &ask, &part, margin);
        prop_assert_eq!(i128::from(charge.bill.charge.nanos()), oracle(model, &part, margin));
        prop_assert_eq!(charge.bill.recompute().unwrap(), charge.bill.charge);
        prop_assert_eq!((charge.flags, charge.unpriced), (UsageFlags::default(), false));
        prop_assert_eq!(charge.usage, usage);
    }

    #[test]
    fn a_quote_covers_every_use_within_the_ask(
        (model, ask, usage) in call(),
        margin in margin(),
        (downgraded, slow, elsewhere) in any::<(bool, bool, bool)>(),
    ) {
        let quote = quote(priced(model), &ask, Margin(margin)).unwrap();
        let Modifiers { tier, fast, us_inference } = ask.modifiers;
        let modifiers = Modifiers {
            tier: if downgraded { ServiceTier::Standard } else { tier },
            fast: fast && !slow,
            us_inference: us_inference && !elsewhere,
        };
        let charge = charge_one(model, &ask, &served(usage, modifiers), margin);
        prop_assert!(charge.bill.charge <= quote, "{:?} > {quote:?}", charge.bill);
    }

    #[test]
    fn more_tokens_of_any_class_never_cost_less(
        (model, ask, usage) in call(), more in 1..5_000_u64, margin in margin(),
    ) {
        let cost = |usage| charge_one(model, &ask, &served(usage, ask.modifiers), margin).bill.charge;
        for larger in [
            Usage { input: usage.input + more, ..usage },
            Usage { cache_read: usage.cache_read + more, ..usage },
            Usage { cache_write_short: usage.cache_write_short + more, ..usage },
            Usage { cache_write_long: usage.cache_write_long + more, ..usage },
            Usage { output: usage.output + more, ..usage },
        ] {
            let model_limit = model["context_window"].as_u64().unwrap_or(u64::MAX);
            prop_assume!(larger.prompt() <= model_limit);
            prop_assert!(cost(larger) >= cost(usage), "{larger:?}");
        }
    }

    #[test]
    fn the_affordable_output_is_the_exact_boundary(
        (model, ask, _) in call(), margin in margin(), share in 0..1_100_i64, off in -2..=2_i64,
    ) {
        let model = priced(model);
        let quoted = |output_tokens| quote(model, &Ask { output_tokens, ..ask }, Margin(margin)).unwrap();
        let (most, least) = (quoted(ask.output_tokens).nanos(), quoted(0).nanos());
        let funds = Money::from_nanos(least + (most - least) * share / 1_000 + off);
        match affordable_output(model, &ask, Margin(margin), funds) {
            None => prop_assert!(quoted(0) > funds),
            Some(output) => {
                prop_assert!(output <= ask.output_tokens);
                prop_assert!(quoted(output) <= funds);
                prop_assert!(output == ask.output_tokens || quoted(output + 1) > funds);
            }
        }
    }

    #[test]
    fn any_reported_numbers_give_a_charge_that_is_bounded_and_not_negative(
        (model, ask, _) in call(),
        numbers in prop::array::uniform7(prop_oneof![0..u64::MAX, Just(u64::MAX), 0..1_000_u64]),
        name in prop_oneof![Just(None), "[a-z0-9.-]{0,20}".prop_map(|name| Some(name.into_boxed_str()))],
        (fast, us_inference) in any::<(bool, bool)>(),
    ) {
        let [input, cache_read, cache_write_short, cache_write_long, output, reasoning, web_searches] = numbers;
        let usage =
            Usage { input, cache_read, cache_write_short, cache_write_long, output, reasoning, web_searches };
        let modifiers = Modifiers { fast, us_inference, ..ask.modifiers };
        let charge = charge_one(model, &ask, &UsagePart { served_model: name, usage, modifiers }, 10_000);
        prop_assert!(charge.bill.charge >= Money::ZERO);
        // 101 passes of the largest window, at most 1,000 USD per million tokens.
        prop_assert!(charge.bill.charge < Money::try_from_cents(101 * 5 * 100_000).unwrap());
    }
}
