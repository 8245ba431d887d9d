//! Keys of an account that is suspended: they open nothing, what costs and what is free alike.

use aiduet_core::dialect::{Dialect, Endpoint};
use aiduet_core::ledger::Reserving;
use serde_json::json;

use super::House;
use super::call::{Api, Call};
use super::house::assert_refused;
use crate::databases::{Store, on_each_store};

on_each_store! {
    the_keys_of_a_suspended_account_open_nothing
}

/// A good call to every route that takes a key, and the dialect that the route answers in. `id` is a
/// request that has a receipt.
fn calls(id: &str) -> Vec<(Dialect, Call)> {
    let hello = json!([{"role": "user", "content": "Hello?"}]);
    let embeddings = json!({"model": "text-embedding-3-small", "input": "a"});
    let explain = |api: Api| Call { path: "/v1/duet/explain".to_owned(), ..api.ask("Hello?") };
    let mut calls: Vec<_> = Api::ALL
        .into_iter()
        .flat_map(|api| {
            [api.ask("Hello?"), api.stream("Hello?")].map(|call| (api.endpoint().dialect(), call))
        })
        .collect();
    calls.push((Dialect::OpenAi, Call::post(Endpoint::Embeddings, &embeddings)));
    for model in ["claude-haiku-4-5", "gpt-5.6"] {
        let count = json!({"model": model, "messages": hello});
        calls.push((Dialect::Anthropic, Call::post(Endpoint::CountTokens, &count)));
    }
    for model in ["gpt-5.6", "claude-haiku-4-5"] {
        let count = json!({"model": model, "input": "Hello?"});
        calls.push((Dialect::OpenAi, Call::post(Endpoint::InputTokens, &count)));
    }
    calls.push((Dialect::OpenAi, explain(Api::Chat)));
    calls.push((Dialect::Anthropic, explain(Api::Messages)));
    for path in ["/v1/models", "/v1/models/gpt-5.6", "/v1/key", "/v1/credits"] {
        calls.push((Dialect::OpenAi, Call::get(path)));
        calls.push((Dialect::Anthropic, Call::get(path).header("anthropic-version", "2023-06-01")));
    }
    calls.push((Dialect::OpenAi, Call::get(&format!("/v1/generation?id={id}"))));
    calls
}

async fn the_keys_of_a_suspended_account_open_nothing(store: Store) {
    let house = House::open(store).await;
    let account = house.customer().account;
    let id = house.send(Api::Chat.ask("Hello?")).await.id().to_string();
    let set = async |reserving| house.stores.ledger.set_reserving(account, reserving).await.unwrap();
    for (_dialect, call) in calls(&id) {
        let path = call.path.clone();
        assert_eq!(house.send(call).await.status, 200, "{path} is open to an account in good standing");
    }
    set(Reserving::Frozen).await;
    for (dialect, call) in calls(&id) {
        assert_refused(dialect, &house.send(call).await, 403, "account_suspended");
    }
    set(Reserving::Allowed).await;
    for (_dialect, call) in calls(&id) {
        assert_eq!(house.send(call).await.status, 200);
    }
    house.close().await;
}
