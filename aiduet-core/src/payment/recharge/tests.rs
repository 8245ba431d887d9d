//! What follows from what.

use super::*;
use crate::id::derive;

const AT: Timestamp = Timestamp::from_millis(1_795_608_000_000);
const HOUR: Duration = Duration::from_hours(1);

const fn dollars(count: i64) -> Money {
    Money::from_nanos(count.saturating_mul(1_000_000_000))
}

const PLAN: RechargePlan =
    RechargePlan { threshold: dollars(5), amount: dollars(20), monthly_max: dollars(100) };

fn on() -> Recharge {
    let account = AccountId::from_uuid(uuid::Uuid::nil());
    let change = RechargeChange::SwitchOn { plan: PLAN, card: "pm_1".parse().unwrap(), at: AT };
    Recharge::first(account, &change).unwrap()
}

fn charge(label: &str, at: Timestamp) -> Charge {
    let top_up = TopUpId::from_uuid(derive(uuid::Uuid::nil(), label));
    Charge { top_up, amount: dollars(20), begun_at: at }
}

fn begin(recharge: &Recharge, charge: Charge) -> Option<Recharge> {
    recharge.after(&RechargeChange::Begin { charge, look_at: charge.begun_at.plus(HOUR) })
}

fn conclude(recharge: &Recharge, charge: Charge, outcome: ChargeOutcome) -> Recharge {
    recharge.after(&RechargeChange::Conclude { top_up: charge.top_up, outcome }).unwrap()
}

#[test]
fn the_gap_is_filled_in_whole_amounts_within_the_month_and_one_purchase() {
    let recharge = on();
    let size = |available: i64, most: i64| {
        recharge.size(dollars(available), (AT, dollars(most))).map(|size| size.nanos() / 1_000_000_000)
    };
    assert_eq!(size(5, 1_000), None);
    assert_eq!(size(4, 1_000), Some(20));
    assert_eq!(size(-15, 1_000), Some(20));
    assert_eq!(size(-16, 1_000), Some(40));
    assert_eq!(size(-500, 1_000), Some(100));
    assert_eq!(size(-500, 70), Some(60));
    assert_eq!(size(4, 19), None);
    let nearly = Recharge { bought: dollars(81), ..recharge.clone() };
    assert_eq!(nearly.size(dollars(0), (AT, dollars(1_000))), None);
    let next_month = AT.plus(HOUR * 24 * 10);
    assert_eq!(nearly.size(dollars(0), (next_month, dollars(1_000))), Some(dollars(20)));
}

#[test]
fn one_charge_at_a_time_and_never_above_the_month() {
    let mut recharge = on();
    for number in 0..5 {
        let one = charge(&format!("{number}"), AT);
        recharge = begin(&recharge, one).unwrap();
        assert!(begin(&recharge, charge("other", AT)).is_none(), "one is under way");
        let stale = charge("stale", AT).top_up;
        let outcome = ChargeOutcome::Paid;
        assert!(recharge.after(&RechargeChange::Conclude { top_up: stale, outcome }).is_none());
        recharge = conclude(&recharge, one, ChargeOutcome::Paid);
    }
    assert_eq!(recharge.bought_in_month_of(AT), dollars(100));
    assert!(begin(&recharge, charge("one too many", AT)).is_none());
    let next_month = AT.plus(HOUR * 24 * 10);
    let began = begin(&recharge, charge("next", next_month)).unwrap();
    assert_eq!(began.bought_in_month_of(next_month), dollars(20));
}

#[test]
fn a_card_that_refuses_is_tried_four_times() {
    let mut recharge = on();
    let mut now = AT;
    for (attempt, pause) in [1, 6, 24].into_iter().enumerate() {
        let one = charge(&format!("{attempt}"), now);
        recharge = begin(&recharge, one).unwrap();
        let outcome = ChargeOutcome::Refused { repeat: Repeat::Later, at: now };
        recharge = conclude(&recharge, one, outcome);
        assert_eq!((recharge.due_at, recharge.bought), (now.plus(HOUR * pause), Money::ZERO));
        let early = charge("early", now.plus(HOUR * pause).minus(Duration::from_millis(1)));
        assert!(begin(&recharge, early).is_none());
        now = now.plus(HOUR * pause);
    }
    let last = charge("last", now);
    recharge = begin(&recharge, last).unwrap();
    recharge = conclude(&recharge, last, ChargeOutcome::Refused { repeat: Repeat::Later, at: now });
    assert_eq!((recharge.switch, recharge.failures), (RechargeSwitch::Stopped, 4));
    assert!(begin(&recharge, charge("more", now.plus(HOUR * 999))).is_none());
}

#[test]
fn a_card_that_is_refused_for_good_is_tried_once() {
    let one = charge("one", AT);
    let begun = begin(&on(), one).unwrap();
    let outcome = ChargeOutcome::Refused { repeat: Repeat::Never, at: AT };
    assert_eq!(conclude(&begun, one, outcome).switch, RechargeSwitch::Stopped);
}

#[test]
fn a_charge_under_way_outlives_the_switch() {
    let one = charge("one", AT);
    let begun = begin(&on(), one).unwrap();
    let off = begun.after(&RechargeChange::SwitchOff).unwrap();
    assert_eq!(off.state, RechargeState::Charging(one));
    let again = RechargeChange::SwitchOn { plan: PLAN, card: "pm_2".parse().unwrap(), at: AT };
    let on_again = off.after(&again).unwrap();
    assert_eq!((on_again.state, on_again.due_at), (begun.state, begun.due_at));
    let done = conclude(&off, one, ChargeOutcome::Paid);
    assert_eq!((done.switch, done.state), (RechargeSwitch::Off, RechargeState::Idle));
    let asked = conclude(&begun, one, ChargeOutcome::NeedsConfirmation { look_at: AT });
    assert!(begin(&asked, charge("other", AT.plus(HOUR))).is_none(), "one is under way");
    assert_eq!(asked.after(&RechargeChange::SwitchOff).unwrap().state, RechargeState::Idle);
}
