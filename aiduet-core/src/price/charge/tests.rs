use std::sync::Arc;

use super::*;
use crate::price::{Bill, ModelId};

const INTACT: UsageFlags = UsageFlags { estimated: false, clamped: false, unknown_model: false };

fn sheet() -> PriceSheet {
    PriceSheet::embedded().unwrap()
}

fn usd(text: &str) -> Money {
    text.parse().unwrap()
}

fn part(usage: Usage) -> UsagePart {
    UsagePart { usage, ..UsagePart::default() }
}

fn by(model: &str, usage: Usage) -> UsagePart {
    UsagePart { served_model: Some(model.into()), usage, ..UsagePart::default() }
}

fn charge_with(routed: &str, parts: &[UsagePart], margin: Margin) -> Charge {
    let sheet = sheet();
    let routed = sheet.find(routed).unwrap();
    let ask = Ask::default();
    let charge = charge(&ChargeRequest { sheet: &sheet, routed, ask: &ask, parts, margin }).unwrap();
    assert_eq!(charge.bill.recompute().unwrap(), charge.bill.charge, "a bill recomputes");
    charge
}

fn charge_of(routed: &str, parts: &[UsagePart]) -> Charge {
    charge_with(routed, parts, Margin::default())
}

#[track_caller]
fn assert_costs(routed: &str, usage: Usage, expected: &str) {
    let charge = charge_of(routed, &[part(usage)]);
    assert_eq!(charge.bill.charge, usd(expected), "{:?}", charge.bill.lines);
    assert_eq!((charge.flags, charge.unpriced), (INTACT, false));
    assert_eq!(charge.usage, usage);
}

#[test]
fn messages_with_a_cache_write_count_the_prompt_once() {
    let usage = Usage { input: 6, cache_write_short: 159_217, output: 2_745, ..Usage::default() };
    assert_costs("claude-opus-4-7", usage, "1.06376125");
    // The same numbers with the written tokens counted as input too: the mistake to avoid.
    let twice = Usage { input: 159_223, ..usage };
    assert_costs("claude-opus-4-7", twice, "1.85984625");
}

#[test]
fn chat_subsets_are_disjoint_and_reasoning_is_inside_the_output() {
    let usage = Usage {
        input: 2_000,
        cache_read: 6_000,
        cache_write_short: 2_000,
        output: 500,
        reasoning: 300,
        ..Usage::default()
    };
    assert_costs("gpt-6-sol", usage, "0.0152");
}

#[test]
fn a_prompt_above_the_threshold_prices_the_whole_request_higher() {
    let at = |input| Usage { input, output: 1_000, ..Usage::default() };
    assert_costs("gpt-6-sol", at(272_000), "0.554");
    assert_costs("gpt-6-sol", at(272_001), "1.103004");
}

#[test]
fn cache_reads_count_towards_the_size_of_the_prompt() {
    let at = |input, cache_read| Usage { input, cache_read, output: 100, ..Usage::default() };
    assert_costs("claude-haiku-5-5", at(99_000, 1_000), "0.00996");
    assert_costs("claude-haiku-5-5", at(1, 100_000), "0.0052505");
}

#[test]
fn multipliers_multiply_together_and_show_in_the_rates_of_the_lines() {
    let usage = Usage {
        input: 100,
        cache_write_short: 1_000,
        cache_write_long: 2_000,
        cache_read: 10_000,
        output: 500,
        ..Usage::default()
    };
    let modifiers = Modifiers { fast: true, us_inference: true, ..Modifiers::default() };
    let charge = charge_of("claude-opus-5-5", &[UsagePart { modifiers, ..part(usage) }]);
    assert_eq!(charge.bill.charge, usd("0.07348"));
    let rates: Vec<u64> = charge.bill.lines.iter().map(|line| line.rate.pico()).collect();
    assert_eq!(rates, [8_800_000, 440_000, 11_000_000, 17_600_000, 44_000_000]);
    assert!(!charge.unpriced);
}

#[test]
fn eight_tokens_of_an_embedding_cost_more_than_nothing() {
    let usage = Usage { input: 8, ..Usage::default() };
    assert_costs("text-embedding-3-small", usage, "0.00000016");
}

#[test]
fn a_charge_rounds_up_once_over_all_lines() {
    // 20,000 pico-USD per token; 1 token is 20 nano-USD, with 0.01 % on top 20.002.
    let charge = charge_with(
        "text-embedding-3-small",
        &[part(Usage { input: 1, ..Usage::default() })],
        Margin(10_001),
    );
    assert_eq!(charge.bill.charge, Money::from_nanos(21));
    let many = vec![part(Usage { input: 1, ..Usage::default() }); 100];
    let charge = charge_with("text-embedding-3-small", &many, Margin(10_001));
    assert_eq!(charge.bill.charge, Money::from_nanos(2_001));
}

#[test]
fn cached_tokens_of_a_model_without_write_rates() {
    let usage = Usage { input: 600, cache_read: 400, output: 100, ..Usage::default() };
    assert_costs("gpt-4.1", usage, "0.0022");
    // What it reports as written costs the input rate: neither dropped nor counted twice.
    let written = Usage { input: 100, cache_write_short: 300, cache_write_long: 200, ..usage };
    assert_costs("gpt-4.1", written, "0.0022");
}

#[test]
fn cache_writes_with_two_lives_cost_each_its_own_rate() {
    let usage = Usage { input: 3_000, cache_read: 4_000, output: 100, ..Usage::default() };
    let split = Usage { cache_write_short: 2_000, cache_write_long: 1_000, ..usage };
    assert_costs("gpt-5.6", split, "0.0356");
    let unsplit = Usage { cache_write_short: 3_000, ..usage };
    assert_costs("gpt-5.6", unsplit, "0.0306");
    let no_details = Usage { input: 10_000, output: 100, ..Usage::default() };
    assert_costs("gpt-5.6", no_details, "0.042");
}

#[test]
fn every_pass_is_billed_with_its_own_model() {
    let pass = |input, output| by("claude-opus-5", Usage { input, output, ..Usage::default() });
    let charge = charge_of("claude-opus-5", &[pass(180_000, 3_500), pass(23_000, 1_000)]);
    assert_eq!(charge.bill.charge, usd("1.1275"));
    assert_eq!((charge.usage.input, charge.usage.output), (203_000, 4_500));
}

#[test]
fn the_size_of_the_prompt_is_that_of_each_pass() {
    let pass = || part(Usage { input: 200_000, ..Usage::default() });
    assert_eq!(charge_of("gpt-6-sol", &[pass(), pass()]).bill.charge, usd("0.8"));
}

#[test]
fn a_fallback_is_billed_at_the_rates_of_the_model_that_answered() {
    let answered = by("claude-opus-5", Usage { input: 1_000, output: 200, ..Usage::default() });
    let charge = charge_of("claude-fable-5", &[answered]);
    assert_eq!(charge.bill.charge, usd("0.01"));
    assert!(charge.bill.lines.iter().all(|line| line.model.as_str() == "claude-opus-5"));
}

#[test]
fn searches_are_billed_by_the_call() {
    let usage = Usage { input: 5_000, output: 300, web_searches: 2, ..Usage::default() };
    assert_costs("claude-opus-5", usage, "0.0525");
}

#[test]
fn the_tier_that_served_decides_not_the_one_that_was_asked() {
    let usage = Usage { input: 1_000, output: 100, ..Usage::default() };
    assert_costs("gpt-5.6-terra", usage, "0.0032");
    let modifiers = Modifiers { tier: ServiceTier::Flex, ..Modifiers::default() };
    let charge = charge_of("gpt-5.6-terra", &[UsagePart { modifiers, ..part(usage) }]);
    assert_eq!(charge.bill.charge, usd("0.0016"));
    assert!(charge.bill.lines.iter().all(|line| line.tier == ServiceTier::Flex));
}

#[test]
fn nothing_used_is_an_empty_bill() {
    for parts in [vec![], vec![part(Usage::default())]] {
        let charge = charge_of("claude-opus-5", &parts);
        assert_eq!((charge.bill.charge, charge.bill.lines.len()), (Money::ZERO, 0));
        assert_eq!(charge.flags, INTACT);
    }
}

#[test]
fn classes_without_tokens_have_no_line() {
    let charge = charge_of("gpt-5.6", &[part(Usage { output: 1, ..Usage::default() })]);
    let kinds: Vec<LineKind> = charge.bill.lines.iter().map(|line| line.kind).collect();
    assert_eq!(kinds, [LineKind::Tokens(TokenClass::Output)]);
}

#[test]
fn a_model_nobody_knows_is_billed_as_the_routed_one_and_flagged() {
    let usage = Usage { input: 1_000, output: 100, ..Usage::default() };
    let charge = charge_of("gpt-5.6-terra", &[by("gpt-5.6-terra-secret-build", usage)]);
    assert_eq!(charge.bill.charge, usd("0.0032"));
    assert_eq!(charge.flags, UsageFlags { unknown_model: true, ..INTACT });
    assert!(charge.bill.lines.iter().all(|line| line.model.as_str() == "gpt-5.6-terra"));
    let snapshot = charge_of("gpt-5.6-terra", &[by("gpt-5.6-terra-2026-07-01", usage)]);
    assert_eq!(snapshot.flags, INTACT);
}

#[test]
fn a_tier_speed_or_place_without_a_price_costs_the_standard_rate_and_is_reported() {
    let usage = Usage { input: 1_000_000, ..Usage::default() };
    for modifiers in [
        Modifiers { tier: ServiceTier::Priority, ..Modifiers::default() },
        Modifiers { fast: true, ..Modifiers::default() },
        Modifiers { us_inference: true, ..Modifiers::default() },
    ] {
        let model = if modifiers.us_inference { "claude-opus-4-5" } else { "claude-sonnet-5" };
        let charge = charge_of(model, &[UsagePart { modifiers, ..part(usage) }]);
        let rates: Vec<_> = charge.bill.lines.iter().map(|line| (line.tier, line.rate.pico())).collect();
        let list = if modifiers.us_inference { 5_000_000 } else { 2_000_000 };
        assert_eq!(rates, [(ServiceTier::Standard, list)], "{modifiers:?}");
        assert!(charge.unpriced);
    }
}

#[test]
fn a_search_without_a_price_costs_the_dearest_one_and_is_reported() {
    let usage = Usage { web_searches: 1, ..Usage::default() };
    let charge = charge_of("gpt-5.6-cyber", &[part(usage)]);
    assert_eq!((charge.bill.charge, charge.unpriced), (usd("0.025"), true));
    // Another model than the routed one answered: the fee that was quoted.
    let charge = charge_of("gpt-5.6", &[by("gpt-5.6-cyber", usage)]);
    assert_eq!((charge.bill.charge, charge.unpriced), (usd("0.01"), true));
}

#[test]
fn impossible_counts_are_clamped_to_what_the_model_can_do() {
    let absurd = 1_000_000_000_000_000_000;
    for number in [absurd, i64::MAX.unsigned_abs(), u64::MAX] {
        let usage = Usage {
            input: number,
            cache_read: number,
            cache_write_short: number,
            cache_write_long: number,
            output: number,
            reasoning: number,
            web_searches: number,
        };
        let charge = charge_of("claude-opus-5", &[part(usage)]);
        assert_eq!(charge.flags, UsageFlags { clamped: true, ..INTACT });
        // 1,000,000 in, 128,000 out, 100 searches.
        assert_eq!(charge.bill.charge, usd("9.2"));
        assert_eq!(charge.usage.prompt(), 1_000_000);
        assert_eq!(charge.usage.reasoning, 128_000);
    }
}

#[test]
fn a_count_is_clamped_only_above_the_limit() {
    let sheet = sheet();
    let model = sheet.find("claude-opus-5").unwrap();
    let at = |input, output| Usage { input, output, ..Usage::default() };
    let clamp = |usage: Usage, ask: Ask| clamp_usage(&usage, model, &ask);
    assert_eq!(clamp(at(1_000_000, 128_000), Ask::default()), (at(1_000_000, 128_000), false));
    assert_eq!(clamp(at(1_000_001, 128_000), Ask::default()), (at(1_000_000, 128_000), true));
    assert_eq!(clamp(at(1_000_000, 128_001), Ask::default()), (at(1_000_000, 128_000), true));
    let choices = Ask { output_tokens: 512_000, ..Ask::default() };
    assert_eq!(clamp(at(1, 512_000), choices), (at(1, 512_000), false));
    assert_eq!(clamp(at(1, 512_001), choices), (at(1, 512_000), true));
}

#[test]
fn each_search_allows_for_another_pass() {
    let sheet = sheet();
    let model = sheet.find("claude-opus-5").unwrap();
    let usage = Usage { input: 2_000_000, web_searches: 1, ..Usage::default() };
    assert_eq!(clamp_usage(&usage, model, &Ask::default()), (usage, false));
    let (clamped, _) = clamp_usage(&Usage { input: 2_000_001, ..usage }, model, &Ask::default());
    assert_eq!(clamped, usage);
}

#[test]
fn an_embedding_call_carries_many_inputs_but_no_output() {
    let sheet = sheet();
    let model = sheet.find("text-embedding-3-small").unwrap();
    let ask = Ask { input_tokens: 300_000, ..Ask::default() };
    let usage = Usage { input: 300_000, ..Usage::default() };
    assert_eq!(clamp_usage(&usage, model, &ask), (usage, false));
    assert_eq!(clamp_usage(&Usage { input: 300_001, output: 5, ..usage }, model, &ask), (usage, true));
}

#[test]
fn a_model_without_limits_still_has_a_generous_one() {
    let usage = Usage { input: u64::MAX, output: u64::MAX, ..Usage::default() };
    let charge = charge_of("gpt-5.5-cyber", &[part(usage)]);
    assert_eq!((charge.usage.input, charge.usage.output), (2_100_000, 2_100_000));
    assert!(charge.flags.clamped);
}

#[test]
fn a_bill_that_was_tampered_with_does_not_recompute() {
    let mut bill = charge_of("gpt-5.6", &[part(Usage { input: 10, output: 7, ..Usage::default() })]).bill;
    assert_eq!(bill.recompute().unwrap(), bill.charge);
    bill.lines[0].quantity += 1;
    assert_ne!(bill.recompute().unwrap(), bill.charge);
}

#[test]
fn a_bill_beyond_the_range_is_an_error_not_a_wrapped_number() {
    let line = LineItem {
        stage: None,
        model: ModelId::parse("m").unwrap(),
        kind: LineKind::WebSearches,
        quantity: u64::MAX,
        rate: Rate::from_pico(u64::MAX),
        tier: ServiceTier::Standard,
    };
    for lines in [1, 2] {
        let bill = Bill { lines: vec![line.clone(); lines], ..Bill::default() };
        assert!(matches!(bill.recompute(), Err(PriceError::Overflow)));
    }
    let large = LineItem { quantity: i64::MAX.unsigned_abs(), rate: Rate::from_pico(5_000_000), ..line };
    let bill = Bill { lines: vec![large], ..Bill::default() };
    assert!(matches!(bill.recompute(), Err(PriceError::Overflow)));
}

#[test]
fn a_bill_survives_storage_as_json() {
    let usage = Usage { input: 10, cache_read: 3, output: 7, web_searches: 1, ..Usage::default() };
    let bill = charge_of("gpt-5.6", &[part(usage)]).bill;
    let stored = serde_json::to_string(&bill).unwrap();
    assert_eq!(serde_json::from_str::<Bill>(&stored).unwrap(), bill);
}

#[test]
fn a_search_is_an_error_only_if_no_model_has_a_fee() {
    let mut file: serde_json::Value =
        serde_json::from_str(include_str!("../../../data/prices.json")).unwrap();
    for model in file["models"].as_array_mut().unwrap() {
        model.as_object_mut().unwrap().remove("per_request");
    }
    let sheet = PriceSheet::from_json(&file.to_string()).unwrap();
    let routed: &Arc<PricedModel> = sheet.find("gpt-5.6").unwrap();
    let parts = [part(Usage { web_searches: 1, ..Usage::default() })];
    let request = ChargeRequest {
        sheet: &sheet,
        routed,
        ask: &Ask::default(),
        parts: &parts,
        margin: Margin::default(),
    };
    assert!(matches!(charge(&request), Err(PriceError::Unpriced { what: "web search" })));
}
