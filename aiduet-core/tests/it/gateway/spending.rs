//! Nobody spends more than they have, or than a key may, whatever runs at the same time.

use std::time::Duration;

use aiduet_core::keys::{KeyLimits, SpendLimits};
use aiduet_core::ledger::SpendPeriod;
use aiduet_core::money::Money;
use tokio::task::JoinSet;

use super::call::{Api, Reply};
use super::doubles::{Head, ScriptedProvider};
use super::funds::assert_refused;
use super::{Customer, House};
use crate::databases::{Store, on_each_store};

on_each_store! {
    a_key_spends_no_more_than_its_limits
    a_spend_limit_counts_what_is_held
    a_spend_limit_starts_anew_with_its_period
    an_account_spends_no_more_than_its_monthly_limit
    a_monthly_limit_counts_what_other_calls_hold
}

const DAY: Duration = Duration::from_hours(24);

async fn a_key_spends_no_more_than_its_limits(store: Store) {
    for api in Api::ALL {
        let worst = api.worst(&api.ask("Hello?").body, 1_000);
        let limit = Some(worst);
        let none = SpendLimits::default();
        for (spend, word) in [
            (SpendLimits { day: limit, ..none }, "daily"),
            (SpendLimits { week: limit, ..none }, "weekly"),
            (SpendLimits { month: limit, ..none }, "monthly"),
            (SpendLimits { total: limit, ..none }, "total"),
        ] {
            let limits = KeyLimits { spend, ..KeyLimits::default() };
            let mut house = House::plan(store).limits(limits).open().await;
            let other = house.admit(Money::ZERO, KeyLimits::default()).await;
            assert_eq!(house.send(api.ask("Hello?")).await.status, 200);
            // The rest of the limit does not cover the worst case again.
            let reply = house.send(api.ask("Hello?")).await;
            assert_refused(api, &reply, "key_limit_reached");
            let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
            assert!(message.contains(word), "{message}");
            assert_eq!(message.contains("starts anew at"), word != "total", "{message}");
            let reply = api.ask("Hello?").start(house.router.clone(), &other.plain).await.read().await;
            assert_refused(api, &reply, "insufficient_balance");
            house.close().await;
        }
    }
}

async fn a_spend_limit_counts_what_is_held(store: Store) {
    let api = Api::Messages;
    let (plan, provider) = House::scripted(store);
    let worst = api.worst(&api.ask("Hello?").body, 1_000);
    let day = worst.checked_add(Money::from_nanos(worst.nanos() / 2)).ok();
    let limits = KeyLimits { spend: SpendLimits { day, ..SpendLimits::default() }, ..KeyLimits::default() };
    let house = plan.limits(limits).open().await;
    assert_second_waits(api, house, &provider).await;
}

/// While a call runs there is no room for a second one, and the second one hears that this will pass.
async fn assert_second_waits(api: Api, house: House, provider: &ScriptedProvider) {
    let mut feed = provider.feed();
    let second = async {
        provider.called(1).await;
        provider.counts(1_000_000);
        assert_refused(api, &house.send(api.ask("Hello?")).await, "balance_held");
        feed.begin(Ok(Head::WHOLE));
        feed.send(api.whole("Hello!", (9, 2)));
        feed.end();
    };
    let (reply, ()) = tokio::join!(house.send(api.ask("Hello?")), second);
    assert_eq!(reply.status, 200);
    house.close().await;
}

async fn a_spend_limit_starts_anew_with_its_period(store: Store) {
    let api = Api::Chat;
    let day = Some(api.worst(&api.ask("Hello?").body, 1_000));
    let limits = KeyLimits { spend: SpendLimits { day, ..SpendLimits::default() }, ..KeyLimits::default() };
    let house = House::plan(store).limits(limits).open().await;
    assert_eq!(house.send(api.ask("Hello?")).await.status, 200);
    let reply = house.send(api.ask("Hello?")).await;
    assert_refused(api, &reply, "key_limit_reached");
    let midnight = house.factory.now().plus(DAY).to_string();
    let message = reply.json()["error"]["message"].to_string();
    assert!(message.contains(&format!("{}T00:00:00.000Z", &midnight[..10])), "{message}");
    house.factory.clock().advance(DAY);
    assert_eq!(house.send(api.ask("Hello?")).await.status, 200);
    house.close().await;
}

async fn an_account_spends_no_more_than_its_monthly_limit(store: Store) {
    for api in Api::ALL {
        let house = House::open(store).await;
        house.limit_month(api.worst(&api.ask("Hello?").body, 1_000)).await;
        assert_eq!(house.send(api.ask("Hello?")).await.status, 200);
        // The rest of the limit does not cover the worst case again.
        let reply = house.send(api.ask("Hello?")).await;
        assert_refused(api, &reply, "account_limit_reached");
        let end = SpendPeriod::Month.end(house.factory.now()).unwrap();
        let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(&format!("starts anew at {end}")), "{message}");
        house.factory.clock().advance(end.since(house.factory.now()));
        assert_eq!(house.send(api.ask("Hello?")).await.status, 200);
        house.close().await;
    }
}

async fn a_monthly_limit_counts_what_other_calls_hold(store: Store) {
    let api = Api::Messages;
    let (plan, provider) = House::scripted(store);
    let house = plan.open().await;
    let worst = api.worst(&api.ask("Hello?").body, 1_000);
    house.limit_month(Money::from_nanos(worst.nanos() / 2 * 3)).await;
    assert_second_waits(api, house, &provider).await;
}

/// Makes many calls at the same time, over several gateways; returns their answers.
async fn rush(houses: &[&House], customer: &Customer, count: usize) -> Vec<Reply> {
    let mut calls = JoinSet::new();
    for number in 0..count {
        let (api, house) = (Api::ALL[number % 3], houses[number % houses.len()]);
        let call = if number % 2 == 0 { api.ask("Hello?") } else { api.stream("Hello?") };
        let (router, key) = (house.router.clone(), customer.plain.clone());
        calls.spawn(async move { call.start(router, &key).await.read().await });
    }
    calls.join_all().await
}

/// How many were served; all others were refused for lack of funds, or because the ledger on a
/// loaded machine takes nobody else at the moment.
fn served(replies: &[Reply]) -> usize {
    for reply in replies {
        let code = || reply.json()["error"]["details"]["error_code"].as_str().unwrap().to_owned();
        let refusals = ["insufficient_balance", "balance_held", "service_unavailable"];
        let is_refusal = || refusals.contains(&code().as_str());
        assert!(reply.status == 200 || is_refusal(), "{}", reply.status);
    }
    replies.iter().filter(|reply| reply.status == 200).count()
}

/// Funds for about three calls at the same time.
fn scarce() -> Money {
    Money::from_nanos(3 * Api::Chat.worst(&Api::Chat.ask("Hello?").body, 1_000).nanos())
}

async fn many_calls_at_once(store: Store) {
    let house =
        House::plan(store).funds(scarce()).gateway(|gateway| gateway.account_concurrency = 500).open().await;
    let mut total = 0;
    for _ in 0..10 {
        let replies = rush(&[&house], house.customer(), 48).await;
        total += served(&replies);
        let balance = house.balance().await;
        assert!(!balance.available.is_negative() && balance.held == Money::ZERO);
    }
    assert!(total > 0 && total < 480, "{total} of 480 were served");
    assert_eq!(house.close().await.len(), total);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_calls_at_once_do_not_overspend_in_memory() {
    many_calls_at_once(Store::Memory).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_calls_at_once_do_not_overspend_in_sqlite() {
    many_calls_at_once(Store::Sqlite).await;
}

/// Two gateways, each with connections and a queue of its own, as two processes would have them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_gateways_on_one_database_do_not_overspend() {
    let plan = || House::plan(Store::Sqlite).gateway(|gateway| gateway.account_concurrency = 500);
    let first = plan().funds(scarce()).open().await;
    let second = plan().open_beside(&first).await;
    let mut total = 0;
    for _ in 0..10 {
        total += served(&rush(&[&first, &second], first.customer(), 48).await);
        let balance = first.balance().await;
        assert!(!balance.available.is_negative() && balance.held == Money::ZERO);
    }
    assert!(total > 0 && total < 480, "{total} of 480 were served");
    second.app.close().await;
    assert_eq!(first.close().await.len(), total);
}
