use super::*;
use crate::price::PriceSheet;

fn quoted(model: &str, ask: &Ask) -> Result<Money, PriceError> {
    quote(PriceSheet::embedded().unwrap().find(model).unwrap(), ask, Margin::default())
}

fn usd(text: &str) -> Money {
    text.parse().unwrap()
}

const SMALL: Ask = Ask {
    input_tokens: 1_000,
    output_tokens: 100,
    modifiers: Modifiers { tier: ServiceTier::Standard, fast: false, us_inference: false },
    web_searches: 0,
    long_cache: false,
};

fn modified(modifiers: Modifiers) -> Ask {
    Ask { modifiers, ..SMALL }
}

#[test]
fn the_whole_prompt_is_taken_at_the_dearest_class() {
    // Short writes at 5 USD per million, output at 20.
    assert_eq!(quoted("gpt-5.6", &SMALL).unwrap(), usd("0.007"));
    assert_eq!(quoted("gpt-5.6", &Ask { long_cache: true, ..SMALL }).unwrap(), usd("0.012"));
    // No write rates: the input at 2, output at 8.
    assert_eq!(quoted("gpt-4.1", &Ask { long_cache: true, ..SMALL }).unwrap(), usd("0.0028"));
}

#[test]
fn a_bound_that_crosses_the_threshold_is_taken_at_the_higher_tier() {
    let at = |input_tokens| quoted("gpt-6-sol", &Ask { input_tokens, output_tokens: 0, ..SMALL }).unwrap();
    assert_eq!(at(272_000), usd("0.68"));
    assert_eq!(at(272_001), usd("1.360005"));
}

#[test]
fn a_cheaper_tier_is_quoted_at_the_standard_rates_it_may_be_served_at() {
    let flex = modified(Modifiers { tier: ServiceTier::Flex, ..Modifiers::default() });
    assert_eq!(quoted("gpt-5.6", &flex).unwrap(), quoted("gpt-5.6", &SMALL).unwrap());
    let priority = modified(Modifiers { tier: ServiceTier::Priority, ..Modifiers::default() });
    assert_eq!(quoted("gpt-5.6", &priority).unwrap(), usd("0.014"));
}

#[test]
fn multipliers_and_searches_are_in_the_quote() {
    let fast = modified(Modifiers { fast: true, us_inference: true, ..Modifiers::default() });
    // Writes at 5 and output at 20, times 2.2.
    assert_eq!(quoted("claude-opus-5-5", &fast).unwrap(), usd("0.0154"));
    let searching = Ask { web_searches: 3, ..fast };
    assert_eq!(quoted("claude-opus-5-5", &searching).unwrap(), usd("0.0454"));
}

#[test]
fn what_has_no_price_is_refused_by_name() {
    let refusals = [
        (
            "gpt-5.4-nano",
            modified(Modifiers { tier: ServiceTier::Priority, ..Modifiers::default() }),
            "the priority tier",
        ),
        ("claude-sonnet-5", modified(Modifiers { fast: true, ..Modifiers::default() }), "fast speed"),
        (
            "gpt-5.6",
            modified(Modifiers { us_inference: true, ..Modifiers::default() }),
            "inference in the USA",
        ),
        ("gpt-5.6-cyber", Ask { web_searches: 1, ..SMALL }, "web search"),
        ("text-embedding-3-small", SMALL, "output"),
    ];
    for (model, ask, missing) in refusals {
        assert!(
            matches!(quoted(model, &ask), Err(PriceError::Unpriced { what }) if what == missing),
            "{model}: {missing}"
        );
        let sheet = PriceSheet::embedded().unwrap();
        let priced = sheet.find(model).unwrap();
        assert_eq!(affordable_output(priced, &ask, Margin::default(), Money::MAX), None, "{model}");
    }
}

#[test]
fn an_embedding_is_quoted_without_output() {
    let ask = Ask { input_tokens: 8, output_tokens: 0, ..SMALL };
    assert_eq!(quoted("text-embedding-3-small", &ask).unwrap(), usd("0.00000016"));
}

#[test]
fn a_quote_beyond_the_range_is_an_error() {
    for tokens in [i64::MAX.unsigned_abs(), u64::MAX] {
        for ask in [
            Ask { input_tokens: tokens, ..SMALL },
            Ask { output_tokens: tokens, ..SMALL },
            Ask { web_searches: tokens, ..SMALL },
            Ask { input_tokens: tokens, output_tokens: tokens, web_searches: tokens, ..SMALL },
        ] {
            assert!(matches!(quoted("claude-opus-5", &ask), Err(PriceError::Overflow)), "{ask:?}");
        }
    }
}

#[test]
fn the_affordable_output_is_none_when_the_prompt_alone_is_too_much() {
    let sheet = PriceSheet::embedded().unwrap();
    let model = sheet.find("gpt-5.6").unwrap();
    let affordable = |funds: &str| affordable_output(model, &SMALL, Margin::default(), usd(funds));
    assert_eq!(affordable("0.004999999"), None);
    assert_eq!(affordable("0.005"), Some(0));
    assert_eq!(affordable("0.005019999"), Some(0));
    assert_eq!(affordable("0.00502"), Some(1));
    assert_eq!(affordable("0.007"), Some(100));
    assert_eq!(affordable("1000"), Some(100));
    assert_eq!(affordable("-1"), None);
}

#[test]
fn a_margin_of_nothing_makes_every_output_affordable() {
    let sheet = PriceSheet::embedded().unwrap();
    let model = sheet.find("gpt-5.6").unwrap();
    assert_eq!(affordable_output(model, &SMALL, Margin(0), Money::ZERO), Some(100));
    assert_eq!(quote(model, &SMALL, Margin(0)).unwrap(), Money::ZERO);
}
