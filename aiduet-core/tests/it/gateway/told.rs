//! What a customer is told: headers, receipts, balances, models and their prices.

use aiduet_core::dialect::Endpoint;
use aiduet_core::keys::{KeyLimits, SpendLimits};
use aiduet_core::money::Money;
use aiduet_core::testing::{cents, model};
use serde_json::{Value, json};

use super::call::{Api, Call, events, price};
use super::{House, MARGIN_BP};
use crate::databases::{Store, on_each_store};

on_each_store! {
    a_receipt_recomputes_to_the_nano_dollar
    a_receipt_is_shown_to_its_account_only
    balances_and_keys_are_told_as_they_are
    counting_tokens_is_free_and_needs_no_funds
}

fn amount(value: &Value) -> Money {
    value.as_str().unwrap().parse().unwrap()
}

async fn receipt(house: &House, id: &str) -> Value {
    let reply = house.send(Call::get(&format!("/v1/generation?id={id}"))).await;
    assert_eq!(reply.status, 200);
    reply.json()["data"].clone()
}

async fn a_receipt_recomputes_to_the_nano_dollar(store: Store) {
    for api in Api::ALL {
        let house = House::open(store).await;
        let long = "word ".repeat(6_000);
        // The second time the provider has the prompt in its cache.
        let texts = ["Hello?", &long, &long, "simulate:usage=7", "simulate:no_usage", "simulate:cut=9"];
        for (text, streamed) in texts.into_iter().flat_map(|text| [(text, false), (text, true)]) {
            let before = house.balance().await.available;
            let mut body = api.body(text);
            body["stream"] = streamed.into();
            body["service_tier"] = if api == Api::Messages { "standard_only" } else { "default" }.into();
            if api == Api::Messages {
                body["cache_control"] = json!({"type": "ephemeral"});
            }
            let reply = house.send(Call::post(api.endpoint(), &body)).await;
            let receipt = receipt(&house, reply.header("x-request-id")).await;
            let bill = &receipt["bill"];
            let margin = bill["margin_bp"].as_u64().unwrap();
            assert_eq!(margin, u64::from(MARGIN_BP));
            let items = bill["line_items"].as_array().unwrap();
            let lines: Vec<_> = items
                .iter()
                .map(|item| (item["quantity"].as_u64().unwrap(), item["rate_pico"].as_u64().unwrap()))
                .collect();
            let cost = amount(&receipt["cost"]);
            assert_eq!(price(&lines), cost, "{receipt}");
            assert_eq!(receipt["cost_nano"], cost.nanos());
            assert_eq!(before.checked_sub(house.balance().await.available).unwrap(), cost, "{receipt}");
            for item in items {
                let class = item["class"].as_str().unwrap();
                assert_eq!(item["quantity"], receipt["tokens"][class], "{receipt}");
                assert_eq!(item["model"], receipt["model"]);
            }
            assert_eq!((&receipt["streamed"], &receipt["status"]), (&json!(streamed), &json!(reply.status)));
            assert_eq!(receipt["endpoint"], api.endpoint().as_str());
            assert_eq!(receipt["key_id"], house.customer().key.id.to_string());
            let told = if streamed || reply.status != 200 { String::new() } else { cost.to_string() };
            assert_eq!(reply.header("x-aiduet-cost"), told, "{receipt}");
        }
        house.close().await;
    }
}

#[tokio::test]
async fn a_stream_of_chat_completions_tells_its_cost_to_who_asks_for_usage() {
    let house = House::open(Store::Memory).await;
    for (asked, told) in [(Some(true), true), (Some(false), false), (None, false)] {
        let mut body = Api::Chat.body("Hello?");
        body["stream"] = true.into();
        if let Some(asked) = asked {
            body["stream_options"] = json!({"include_usage": asked});
        }
        let mut answer = house.start(Call::post(Endpoint::ChatCompletions, &body)).await;
        let id = super::call::text(&answer.headers, "x-request-id").to_owned();
        let frames = answer.rest().await;
        let usage: Vec<_> = events(&frames)
            .into_iter()
            .filter_map(|mut event| event.get_mut("usage").map(Value::take))
            .collect();
        assert_eq!(usage.last().is_some_and(Value::is_object), told, "{asked:?}");
        if told {
            assert!(usage[..usage.len() - 1].iter().all(Value::is_null), "as OpenAI does it");
            let cost = receipt(&house, &id).await["cost"].clone();
            let text = String::from_utf8(frames.concat()).unwrap();
            assert!(text.contains(&format!("\"cost\":{}}}", cost.as_str().unwrap())), "{text}");
        } else {
            assert!(usage.is_empty());
        }
    }
    house.close().await;
}

async fn a_receipt_is_shown_to_its_account_only(store: Store) {
    let mut house = House::open(store).await;
    let stranger = house.admit(cents(100), KeyLimits::default()).await;
    let id = house.send(Api::Chat.ask("Hello?")).await.id();
    assert_eq!(receipt(&house, &id.to_string()).await["id"], id.to_string());
    let ask = |query: &str| Call::get(&format!("/v1/generation{query}"));
    let theirs = ask(&format!("?id={id}")).start(house.router.clone(), &stranger.plain).await.read().await;
    assert_eq!((theirs.status, &theirs.json()["error"]["code"]), (404, &json!("not_found")));
    let unknown = house.send(ask("?id=req_00000000000000000000000000000000")).await;
    assert_eq!(
        unknown.json()["error"]["message"],
        theirs.json()["error"]["message"],
        "no way to tell them apart"
    );
    for query in ["", "?", "?id=", "?id=1", "?id=req_", "?id=%ff", "?id=a&id=b", "?identity=1"] {
        let reply = house.send(ask(query)).await;
        assert_eq!((reply.status, &reply.json()["error"]["param"]), (400, &json!("id")), "{query}");
    }
    house.close().await;
}

async fn balances_and_keys_are_told_as_they_are(store: Store) {
    let spend = SpendLimits { day: Some(cents(100)), total: Some(cents(200)), ..SpendLimits::default() };
    let limits = KeyLimits {
        spend,
        requests_per_minute: Some(60),
        models: vec![model("gpt-5.6")],
        networks: vec!["127.0.0.0/8".parse().unwrap()],
        ..KeyLimits::default()
    };
    let house = House::plan(store).limits(limits).open().await;
    let cost = amount(&json!(house.send(Api::Chat.ask("Hello?")).await.header("x-aiduet-cost")));
    let mut held = house.start(Api::Chat.stream("Hello?")).await;
    let hold = house.balance().await.held;
    assert!(hold > Money::ZERO);

    let credits = house.send(Call::get("/v1/credits")).await.json()["data"].clone();
    let available = [cost, hold].iter().fold(cents(500), |left, taken| left.checked_sub(*taken).unwrap());
    for (name, expected) in
        [("total_credits", cents(500)), ("total_usage", cost), ("held", hold), ("available", available)]
    {
        assert_eq!(
            (amount(&credits[name]), &credits[format!("{name}_nano")]),
            (expected, &json!(expected.nanos()))
        );
    }

    let key = house.send(Call::get("/v1/key")).await.json()["data"].clone();
    for period in ["day", "week", "month", "total"] {
        assert_eq!(amount(&key["usage"][period]), cost, "{key}");
    }
    let left = |limit: Money| limit.checked_sub(cost).unwrap().checked_sub(hold).unwrap().to_string();
    assert_eq!(
        key["remaining"],
        json!({"day": left(cents(100)), "week": null, "month": null, "total": left(cents(200))})
    );
    assert_eq!(key["limits"]["spend"]["day"], cents(100).to_string());
    assert_eq!(
        (&key["limits"]["requests_per_minute"], &key["limits"]["models"]),
        (&json!(60), &json!(["gpt-5.6"]))
    );
    assert_eq!(amount(&key["held"]), hold);
    let ours = &house.customer().key;
    assert_eq!((&key["label"], &key["last4"]), (&json!(ours.name), &json!(ours.last4)));
    assert!(!key.to_string().contains(&house.customer().plain));
    held.rest().await;
    house.close().await;
}

async fn counting_tokens_is_free_and_needs_no_funds(store: Store) {
    let house = House::plan(store).funds(Money::ZERO).open().await;
    let body = json!({"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "Hello there"}]});
    let reply = house.send(Call::post(Endpoint::CountTokens, &body)).await;
    assert_eq!(reply.status, 200);
    assert!(reply.json()["input_tokens"].as_u64().unwrap() > 0);
    assert_eq!(reply.header("x-aiduet-cost"), "0.000000000");
    assert_eq!(house.ledger.asked(), []);
    assert_eq!(house.close().await, []);
}

#[tokio::test]
async fn every_answer_names_its_request_model_and_provider() {
    let house = House::open(Store::Memory).await;
    let mut ids = std::collections::HashSet::new();
    for api in Api::ALL {
        for call in
            [api.ask("a"), api.stream("a"), api.ask("simulate:status=400"), api.ask("simulate:status=500")]
        {
            let reply = house.send(call).await;
            assert!(ids.insert(reply.id()), "each its own");
            let anthropic = if api == Api::Messages { reply.header("x-request-id") } else { "" };
            assert_eq!(reply.header("request-id"), anthropic);
            if reply.status == 200 {
                let expected = if api == Api::Messages {
                    ("claude-haiku-4-5", "anthropic")
                } else {
                    ("gpt-5.6", "openai")
                };
                assert_eq!((reply.header("x-aiduet-model"), reply.header("x-aiduet-provider")), expected);
            }
        }
    }
    house.close().await;
}

#[tokio::test]
async fn models_are_listed_in_the_shape_of_the_client() {
    let house = House::open(Store::Memory).await;
    let list = house.send(Call::get("/v1/models")).await.json();
    assert_eq!((&list["object"], &list["models"]), (&json!("list"), &json!([])), "Codex reads `models`");
    let all = list["data"].as_array().unwrap();
    let entry = all.iter().find(|model| model["id"] == "gpt-5.6").unwrap();
    assert_eq!((&entry["object"], &entry["owned_by"]), (&json!("model"), &json!("openai")));
    assert_eq!(entry["pricing"]["input"], 4_000_000);
    assert_eq!(house.send(Call::get("/v1/models/gpt-5.6")).await.json(), *entry);

    let anthropic = |path: &str| Call::get(path).header("anthropic-version", "2023-06-01");
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = house.send(anthropic(&format!("/v1/models?limit=7{after}"))).await.json();
        let data = page["data"].as_array().unwrap();
        assert!(data.len() <= 7 && data[0]["type"] == "model");
        assert_eq!((&page["first_id"], &page["last_id"]), (&data[0]["id"], &data[data.len() - 1]["id"]));
        seen.extend(data.iter().map(|model| model["id"].clone()));
        if page["has_more"] == false {
            break;
        }
        after = format!("&after_id={}", page["last_id"].as_str().unwrap());
    }
    let generates = |model: &&Value| !model["id"].as_str().unwrap().starts_with("text-embedding");
    assert_eq!(
        seen,
        all.iter().filter(generates).map(|model| model["id"].clone()).collect::<Vec<_>>(),
        "all pages are the list of what Messages reaches"
    );
    let page = house
        .send(anthropic(&format!("/v1/models?limit=2&before_id={}", seen[5].as_str().unwrap())))
        .await
        .json();
    assert_eq!(
        page["data"].as_array().unwrap().iter().map(|model| model["id"].clone()).collect::<Vec<_>>(),
        seen[3..5]
    );
    assert_eq!(house.send(anthropic("/v1/models")).await.json()["data"].as_array().unwrap().len(), 20);
    let entry = house.send(anthropic("/v1/models/claude-haiku-4-5")).await.json();
    assert_eq!((&entry["type"], &entry["max_tokens"]), (&json!("model"), &json!(64_000)));
    assert_eq!(entry["pricing"]["output"], 5_000_000);
    let dated = house.send(anthropic("/v1/models/claude-haiku-4-5-20251001")).await.json();
    assert_eq!(dated["id"], "claude-haiku-4-5");
    let missing = house.send(anthropic("/v1/models/claude-nothing")).await;
    assert_eq!((missing.status, &missing.json()["error"]["type"]), (404, &json!("not_found_error")));
    house.close().await;
}
