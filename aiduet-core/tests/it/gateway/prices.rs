//! Prices that change while calls are under way, and the store of prices that is gone.

use std::sync::atomic::Ordering;
use std::time::Duration;

use aiduet_core::audit::AuditActor;
use aiduet_core::ledger::Outcome;
use aiduet_core::price::{EditionMark, EditionStep, PriceDraft, PriceEditions, PriceSheet, PriceVersion};
use aiduet_core::testing::price::multiplied_text_from;

use super::House;
use super::call::Api;
use super::doubles::Head;
use crate::databases::{Store, on_each_store};

on_each_store! {
    a_call_keeps_the_price_of_its_hold
    without_the_store_of_prices_new_calls_are_turned_away_after_a_minute
}

/// A sheet of today by which everything costs twice as much, published a minute ago.
async fn double_prices(house: &House) -> PriceVersion {
    let now = house.factory.now();
    let text = multiplied_text_from(&now.to_string()[..10], 2);
    let PriceSheet { version, effective_from, .. } = PriceSheet::from_json(&text).unwrap();
    let mark = EditionMark { by: AuditActor::System, at: now.minus(Duration::from_mins(1)) };
    let draft = PriceDraft { version, effective_from, text, drafted: mark.clone() };
    let digest = house.sheets.draft(draft).await.unwrap().digest;
    house.sheets.publish(EditionStep { version, digest, mark }, None).await.unwrap();
    version
}

async fn a_call_keeps_the_price_of_its_hold(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = House::scripted(store);
        let house = plan.open().await;
        let mut feed = provider.feed();
        let answer = async {
            provider.called(1).await;
            let version = double_prices(&house).await;
            house.factory.clock().advance(Duration::from_secs(5));
            assert_eq!(house.app.prices().sheet(house.factory.now()).await.unwrap().version, version);
            feed.begin(Ok(Head::WHOLE));
            feed.send(api.whole("Hello!", (9, 2)));
            feed.end();
            version
        };
        let (first, version) = tokio::join!(house.send(api.ask("Hello?")), answer);
        let feed = provider.begun(Head::WHOLE);
        feed.send(api.whole("Hello!", (9, 2)));
        feed.end();
        let second = house.send(api.ask("Hello?")).await;
        assert_eq!((first.status, second.status), (200, 200), "{api:?}");
        let records = house.close().await;
        let [before, after] = <[_; 2]>::try_from(records).unwrap();
        assert_eq!((before.cost(), after.cost()), (api.price((9, 2)), api.price((18, 4))), "{api:?}");
        assert!(before.bill.version < version && after.bill.version == version, "{api:?}");
    }
}

async fn without_the_store_of_prices_new_calls_are_turned_away_after_a_minute(store: Store) {
    let (plan, provider) = House::scripted(store);
    let house = plan.open().await;
    let answered = || {
        let feed = provider.begun(Head::WHOLE);
        feed.send(Api::Chat.whole("Hello!", (9, 2)));
        feed.end();
    };
    answered();
    assert_eq!(house.send(Api::Chat.ask("Hello?")).await.status, 200);
    house.sheets.is_down.store(true, Ordering::Release);
    house.factory.clock().advance(Duration::from_secs(55));
    answered();
    assert_eq!(house.send(Api::Chat.ask("Hello?")).await.status, 200);
    house.factory.clock().advance(Duration::from_secs(5));
    let calls = provider.calls();
    let refused = house.send(Api::Chat.ask("Hello?")).await;
    assert_eq!((refused.status, provider.calls()), (503, calls), "nothing goes out");
    assert!(!refused.header("retry-after").is_empty());
    house.sheets.is_down.store(false, Ordering::Release);
    house.factory.clock().advance(Duration::from_secs(5));
    answered();
    assert_eq!(house.send(Api::Chat.ask("Hello?")).await.status, 200);
    let records = house.close().await;
    assert!(records.iter().all(|record| record.outcome == Outcome::Completed), "{records:?}");
    assert_eq!(records.len(), 3, "what was turned away is not charged");
}
