use proptest::prelude::*;

use super::super::wishes::Manner;
use super::*;
use crate::price::{Bill, ChargeRequest, PriceSheet, charge};
use crate::usage::{Usage, UsagePart};

const MODELS: [&str; 4] = ["claude-opus-5-5", "gpt-6.1-sol", "claude-haiku-5-5", "gpt-5.4-mini"];

fn budget(models: [&str; 3], prompts: [u64; 3], (wishes, margin): (Wishes, u32)) -> Budget {
    let sheet = PriceSheet::embedded().unwrap();
    let demand = |place: usize| Demand {
        model: Arc::clone(sheet.find(models[place]).unwrap()),
        ask: Ask { input_tokens: prompts[place], ..Ask::default() },
    };
    Budget { plan: demand(0), code: demand(1), review: demand(2), wishes, margin: Margin(margin) }
}

fn wishes() -> impl Strategy<Value = Wishes> {
    let manner = prop_oneof![Just(Manner::Everything), Just(Manner::Answer)];
    let rounds = prop_oneof![Just(Rounds::None), Just(Rounds::One)];
    (manner, rounds).prop_map(|(manner, rounds)| Wishes { manner, rounds, ceiling: None })
}

fn model() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&MODELS[..])
}

/// A part of so much, in thousandths.
fn part(of: u64, share: u64) -> u64 {
    u64::try_from(u128::from(of) * u128::from(share) / 1_000).unwrap()
}

/// What a stage uses that stays within what it asks: the prompt in any class, the output in any number.
fn used(ask: &Ask, [prompt, written, read, output]: [u64; 4], output_max: u64) -> Usage {
    let prompt = part(ask.input_tokens, prompt);
    let written = part(prompt, written);
    let read = part(prompt - written, read);
    Usage {
        input: prompt - written - read,
        cache_read: read,
        cache_write_short: written,
        output: part(output_max, output),
        ..Usage::default()
    }
}

proptest! {
    /// The bill of all stages together, with margin and rounding once, is within the one hold.
    #[test]
    fn whatever_the_stages_use_is_within_what_is_held(
        (models, prompts) in ([model(), model(), model()], prop::array::uniform3(1_u64..200_000)),
        (wishes, margin) in (wishes(), 10_000_u32..20_000),
        limit in 768_u64..400_000,
        uses in prop::array::uniform4(prop::array::uniform4(0_u64..=1_000)),
    ) {
        let budget = budget(models, prompts, (wishes, margin));
        let shares = budget.shares(limit).unwrap();
        let held = budget.most_from(Stage::Plan, &shares).unwrap();
        let sheet = PriceSheet::embedded().unwrap();
        let mut bill = Bill { margin: budget.margin, ..Bill::default() };
        let (mut written, mut output_in_all) = (0, 0);
        for (stage, shares_used) in Stage::ALL.into_iter().zip(uses) {
            if !budget.has(stage) {
                continue;
            }
            let ask = budget.ask(stage, &shares);
            let most = if stage == Stage::Repair { shares.code - written } else { ask.output_tokens };
            let usage = used(&ask, shares_used, most);
            if stage == Stage::Code {
                written = usage.output;
            }
            output_in_all += usage.output;
            let ask = Ask { output_tokens: most, ..ask };
            let parts = [UsagePart { usage, ..UsagePart::default() }];
            let routed = budget.model(stage);
            let request = ChargeRequest { sheet: &sheet, routed, ask: &ask, parts: &parts, margin: budget.margin };
            bill.lines.extend(charge(&request).unwrap().bill.lines);
            // What is held for the stages behind is what is left, at least.
            let behind = budget.most_behind(stage, &shares).unwrap();
            prop_assert!(bill.recompute().unwrap().checked_add(behind).unwrap() <= held.checked_add(Money::from_nanos(4)).unwrap());
        }
        prop_assert!(bill.recompute().unwrap() <= held, "{} of {held}", bill.recompute().unwrap());
        prop_assert!(output_in_all <= limit);
    }

    #[test]
    fn a_lowered_limit_is_the_largest_that_the_funds_cover(
        wishes in wishes(),
        most in 1_100_u64..200_000,
        funds in 0_i64..4_000_000_000,
    ) {
        let budget = budget([MODELS[0], MODELS[1], MODELS[0]], [5_000; 3], (wishes, 10_500));
        let funds = Money::from_nanos(funds);
        let cost = |limit| {
            budget.most_from(Stage::Plan, &budget.shares(limit).unwrap()).unwrap()
        };
        match budget.affordable((most, 1_024), funds) {
            Some(limit) => {
                prop_assert!((1_024..=most).contains(&limit) && cost(limit) <= funds);
                prop_assert!(limit == most || cost(limit + 1) > funds);
            }
            None => prop_assert!(cost(1_024) > funds),
        }
    }
}

#[test]
fn a_repair_takes_what_the_code_has_left_of_its_share() {
    let shares = Shares { plan: 256, code: 1_000, review: 256 };
    assert_eq!(Budget::left_for_repair(&shares, 700), Some(300));
    assert_eq!(Budget::left_for_repair(&shares, 745), None, "too little to write anything");
    assert_eq!(Budget::left_for_repair(&shares, 1_001), None);
}

#[test]
fn stages_that_there_are_not_cost_nothing() {
    let quiet = Wishes { manner: Manner::Answer, rounds: Rounds::None, ceiling: None };
    let all = Wishes { manner: Manner::Everything, rounds: Rounds::One, ceiling: None };
    let most = |wishes: Wishes| {
        let budget = budget([MODELS[0], MODELS[1], MODELS[0]], [1_000; 3], (wishes, 10_000));
        budget.most_from(Stage::Plan, &budget.shares(10_000).unwrap()).unwrap()
    };
    let once = Wishes { rounds: Rounds::None, ..all };
    assert!(most(quiet) < most(once) && most(once) < most(all));
}

#[test]
fn a_prompt_may_have_what_the_stages_before_it_say_and_the_code_no_more_than_its_model_writes() {
    let all = Wishes { manner: Manner::Everything, rounds: Rounds::One, ceiling: None };
    let budget = budget([MODELS[0], MODELS[1], MODELS[0]], [1_000, 1_100, 1_200], (all, 10_000));
    let shares = Shares { plan: 300, code: 2_000, review: 400 };
    let asked = Stage::ALL.map(|stage| budget.ask(stage, &shares));
    let prompts = asked.map(|ask| ask.input_tokens);
    assert_eq!(prompts, [1_000, 1_100 + 6 * 300, 1_200 + 6 * 2_300, 1_100 + 6 * 2_700]);
    assert_eq!(asked.map(|ask| ask.output_tokens), [300, 2_000, 400, 0]);
    let most = budget.model(Stage::Code).limits.max_output.unwrap();
    assert_eq!(budget.shares(10 * most).unwrap().code, most);
}
