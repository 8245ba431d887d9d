//! House rules: who may come in, from where, and to what.

use std::net::IpAddr;
use std::time::Duration;

use aiduet_core::dialect::{Dialect, Endpoint};
use aiduet_core::keys::{ApiKey, KeyLimits, KeyState, PlainApiKey};
use aiduet_core::testing::{SeededEntropy, model};
use http::Method;
use serde_json::json;

use super::House;
use super::call::{Api, Call, Reply};
use crate::databases::{Store, on_each_store};

on_each_store! {
    a_key_that_is_none_opens_nothing
    a_key_that_is_no_longer_good_opens_nothing
    a_key_opens_only_what_it_is_for
}

/// A call to each endpoint that is good but for the key.
fn calls() -> Vec<(Dialect, Call)> {
    let embeddings = json!({"model": "text-embedding-3-small", "input": "a"});
    let count = json!({"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "a"}]});
    let apis = Api::ALL.map(|api| (api.endpoint().dialect(), api.ask("Hello?")));
    let others = [
        (Dialect::OpenAi, Call::post(Endpoint::Embeddings, &embeddings)),
        (Dialect::Anthropic, Call::post(Endpoint::CountTokens, &count)),
        (Dialect::OpenAi, Call::post(Endpoint::InputTokens, &json!({"model": "gpt-5.6", "input": "a"}))),
        (Dialect::OpenAi, Call::get("/v1/models")),
        (Dialect::OpenAi, Call::get("/v1/models/gpt-5.6")),
        (Dialect::Anthropic, Call::get("/v1/models").header("anthropic-version", "2023-06-01")),
        (Dialect::OpenAi, Call::get("/v1/key")),
        (Dialect::OpenAi, Call::get("/v1/credits")),
        (Dialect::OpenAi, Call::get("/v1/generation?id=req_00000000000000000000000000000000")),
    ];
    apis.into_iter().chain(others).collect()
}

/// Checks a refusal: its status, its words in the dialect, and that it is not worth a repeat.
pub(super) fn assert_refused(dialect: Dialect, reply: &Reply, status: u16, code: &str) {
    let body = reply.json();
    assert_eq!((reply.status, &body["error"]["details"]["error_code"]), (status, &code.into()), "{body}");
    let kind = match (dialect, status) {
        (Dialect::OpenAi, 403) => "permission_error",
        (Dialect::OpenAi, _) => "invalid_request_error",
        (Dialect::Anthropic, 401) => "authentication_error",
        (Dialect::Anthropic, 403) => "permission_error",
        (Dialect::Anthropic, 404) => "not_found_error",
        (Dialect::Anthropic, 413) => "request_too_large",
        (Dialect::Anthropic, _) => "invalid_request_error",
    };
    assert_eq!(body["error"]["type"], kind, "{body}");
    match dialect {
        Dialect::OpenAi => assert_eq!(body["error"]["code"], code, "{body}"),
        Dialect::Anthropic => {
            assert_eq!(
                (&body["type"], &body["request_id"]),
                (&json!("error"), &json!(reply.header("request-id")))
            );
        }
    }
    assert_eq!((reply.header("x-should-retry"), reply.header("retry-after")), ("false", ""), "{body}");
    assert_eq!(reply.header("content-type"), "application/json");
    assert!(reply.header("x-request-id").starts_with("req_"));
}

async fn a_key_that_is_none_opens_nothing(store: Store) {
    let house = House::open(store).await;
    let good = house.customer().plain.clone();
    let unknown = PlainApiKey::generate(&SeededEntropy::new(99)).expose().to_owned();
    let (body, last) = good.split_at(good.len() - 1);
    let bad_checksum = format!("{body}{}", if last == "0" { "1" } else { "0" });
    let bearer = |key: &str| format!("Bearer {key}");
    let cases = [
        (vec![], "missing_api_key"),
        (vec![("x-api-key", String::new())], "missing_api_key"),
        (vec![("authorization", bearer(&bad_checksum))], "invalid_api_key"),
        (vec![("x-api-key", bad_checksum)], "invalid_api_key"),
        (vec![("authorization", bearer(&unknown))], "invalid_api_key"),
        (vec![("authorization", bearer("sk-other"))], "invalid_api_key"),
        (vec![("authorization", bearer(&format!("{good} {good}")))], "invalid_api_key"),
        (vec![("authorization", format!("Basic {good}"))], "invalid_api_key"),
        (vec![("authorization", good.clone())], "invalid_api_key"),
        (vec![("authorization", bearer(&good)), ("x-api-key", unknown.clone())], "invalid_api_key"),
        (vec![("x-api-key", good.clone()), ("x-api-key", unknown)], "invalid_api_key"),
        (
            vec![("authorization", bearer(&good)), ("authorization", "Basic eA==".to_owned())],
            "invalid_api_key",
        ),
    ];
    for (number, (headers, code)) in cases.into_iter().enumerate() {
        for (dialect, call) in calls() {
            let mut call = call.without_key();
            // So many wrong keys from one address would be noticed.
            call.peer = IpAddr::from([192, 0, 2, u8::try_from(number).unwrap()]);
            let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
            assert_refused(dialect, &house.send(call).await, 401, code);
        }
    }
    for headers in [
        vec![("x-api-key", good.clone())],
        vec![("authorization", format!("bearer  {good} "))],
        vec![("authorization", bearer(&good)), ("x-api-key", good.clone())],
    ] {
        let call = headers
            .iter()
            .fold(Api::Chat.ask("a").without_key(), |call, (name, value)| call.header(name, value));
        assert_eq!(house.send(call).await.status, 200, "{headers:?}");
    }
    assert_eq!(house.close().await.len(), 3);
}

#[tokio::test]
async fn what_is_no_key_is_not_looked_up() {
    let house = House::open(Store::Sqlite).await;
    let unknown = PlainApiKey::generate(&SeededEntropy::new(99));
    let call = |key: &str| Api::Chat.ask("a").without_key().header("x-api-key", key);
    house.stores.close().await.unwrap();
    let (digits, _last) = unknown.expose().split_at(unknown.expose().len() - 1);
    assert_eq!(house.send(call(&format!("{digits}!"))).await.status, 401);
    let reply = house.send(call(unknown.expose())).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, "2"), "the store is closed");
}

#[tokio::test]
async fn an_address_has_only_so_many_tries() {
    let house = House::open(Store::Memory).await;
    let from = |last: u8, call: Call| Call { peer: IpAddr::from([192, 0, 2, last]), ..call };
    let wrong = || Api::Messages.ask("a").without_key().header("x-api-key", "wrong");
    for _ in 0..30 {
        assert_eq!(house.send(from(1, wrong())).await.status, 401);
    }
    let reply = house.send(from(1, Api::Messages.ask("a"))).await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, "60"));
    assert_eq!(house.send(from(2, Api::Messages.ask("a"))).await.status, 200, "a neighbour is not to blame");
    house.factory.clock().advance(Duration::from_mins(1));
    assert_eq!(house.send(from(1, Api::Messages.ask("a"))).await.status, 200);
    house.close().await;
}

async fn a_key_that_is_no_longer_good_opens_nothing(store: Store) {
    let house = House::open(store).await;
    let account = house.customer().account;
    let hour = Duration::from_hours(1);
    let start = house.factory.now();
    let (past, later) = (start.minus(hour), start.plus(hour));
    let cases = [
        (KeyState::Rotated { until: later }, None, None),
        (KeyState::Active, Some(later), None),
        (KeyState::Revoked { at: past }, None, Some("key_revoked")),
        (KeyState::Disabled { at: past }, None, Some("key_revoked")),
        (KeyState::Rotated { until: past }, None, Some("key_revoked")),
        (KeyState::Active, Some(past), Some("key_expired")),
    ];
    let mut good = Vec::new();
    for (state, expires_at, code) in cases {
        let (plain, key) = house.factory.api_key(account);
        house.stores.keys.insert(ApiKey { state, expires_at, ..key }).await.unwrap();
        for (dialect, call) in calls() {
            let reply = house.send(call.without_key().header("x-api-key", plain.expose())).await;
            match code {
                Some(code) => assert_refused(dialect, &reply, 401, code),
                None => assert_ne!(reply.status, 401),
            }
        }
        good.extend(code.is_none().then_some(plain));
    }
    house.factory.clock().advance(hour);
    for (plain, code) in good.iter().zip(["key_revoked", "key_expired"]) {
        for (dialect, call) in calls() {
            let reply = house.send(call.without_key().header("x-api-key", plain.expose())).await;
            assert_refused(dialect, &reply, 401, code);
        }
    }
    // A key of which somebody else has said that it is revoked: within five seconds.
    assert_eq!(house.send(Api::Chat.ask("a")).await.status, 200);
    let key = ApiKey { state: KeyState::Revoked { at: house.factory.now() }, ..house.customer().key.clone() };
    house.stores.keys.update(key).await.unwrap();
    house.factory.clock().advance(Duration::from_secs(5));
    assert_refused(Dialect::OpenAi, &house.send(Api::Chat.ask("a")).await, 401, "key_revoked");
    // Two keys that still worked have spent, and this audit knows one.
    house.app.close().await;
}

async fn a_key_opens_only_what_it_is_for(store: Store) {
    let limits = KeyLimits {
        models: vec![model("claude-haiku-4-5"), model("gpt-5.6")],
        endpoints: vec![Endpoint::Messages, Endpoint::Responses],
        networks: vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
        ..KeyLimits::default()
    };
    let house = House::plan(store).limits(limits).open().await;
    let from = |peer: &str, call: Call| Call { peer: peer.parse().unwrap(), ..call };
    for peer in ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7"] {
        assert_eq!(house.send(from(peer, Api::Messages.ask("a"))).await.status, 200, "{peer}");
    }
    for peer in ["198.51.100.7", "127.0.0.1", "::1"] {
        let call = Api::Messages
            .ask("a")
            .header("x-forwarded-for", "192.0.2.7")
            .header("cf-connecting-ip", "192.0.2.7");
        let reply = house.send(from(peer, call)).await;
        assert_refused(Dialect::Anthropic, &reply, 403, "ip_not_allowed");
        let reply = house.send(from(peer, Call::get("/v1/credits"))).await;
        assert_refused(Dialect::OpenAi, &reply, 403, "ip_not_allowed");
    }
    let inside = |call| from("192.0.2.7", call);
    assert_refused(
        Dialect::OpenAi,
        &house.send(inside(Api::Chat.ask("a"))).await,
        403,
        "endpoint_not_allowed",
    );
    let mut body = Api::Messages.body("a");
    body["model"] = "claude-opus-5".into();
    let dearer = || inside(Call::post(Endpoint::Messages, &body));
    assert_refused(Dialect::Anthropic, &house.send(dearer()).await, 403, "model_not_allowed");
    body.as_object_mut().unwrap().remove("max_tokens");
    let count = inside(Call::post(Endpoint::CountTokens, &body));
    assert_refused(Dialect::Anthropic, &house.send(count).await, 403, "model_not_allowed");
    body["model"] = "claude-haiku-4-5".into();
    assert_eq!(
        house.send(inside(Call::post(Endpoint::CountTokens, &body))).await.status,
        200,
        "goes with messages"
    );
    let listed = house.send(inside(Call::get("/v1/models"))).await.json();
    let ids: Vec<_> = listed["data"].as_array().unwrap().iter().map(|model| model["id"].clone()).collect();
    assert_eq!(ids, ["claude-haiku-4-5", "gpt-5.6"]);
    let reply = house.send(inside(Call::get("/v1/models/claude-opus-5"))).await;
    assert_refused(Dialect::OpenAi, &reply, 404, "model_not_found");
    assert_eq!(house.close().await.len(), 3, "refusals leave no trace");
}

#[tokio::test]
async fn what_does_not_exist_is_said_so_in_the_clients_dialect() {
    let house = House::open(Store::Memory).await;
    let anthropic = |call: Call| call.header("anthropic-version", "2023-06-01");
    for path in ["/v1/nothing", "/v1/v1/messages", "/v1/chat", "/v1/responses/resp_1", "/nothing"] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let reply = house.send(Call::new(method, path)).await;
            assert_refused(Dialect::OpenAi, &reply, 404, "not_found");
        }
        assert_refused(Dialect::Anthropic, &house.send(anthropic(Call::get(path))).await, 404, "not_found");
    }
    let under_messages = Call::new(Method::POST, "/v1/messages/batches");
    assert_refused(Dialect::Anthropic, &house.send(under_messages).await, 404, "not_found");
    for api in Api::ALL {
        let reply = house.send(Call::get(api.endpoint().path())).await;
        assert_refused(api.endpoint().dialect(), &reply, 405, "method_not_allowed");
    }
    for (dialect, name) in [(Dialect::OpenAi, "gpt-nothing"), (Dialect::OpenAi, "anthropic/gpt-5.6")] {
        let mut body = Api::Chat.body("a");
        body["model"] = name.into();
        assert_refused(
            dialect,
            &house.send(Call::post(Endpoint::ChatCompletions, &body)).await,
            404,
            "model_not_found",
        );
    }
    assert!(house.close().await.is_empty());
}

#[tokio::test]
async fn clients_that_only_look_get_a_quick_answer() {
    let house = House::open(Store::Memory).await;
    for path in ["/", "/api/hello", "/health"] {
        for method in [Method::HEAD, Method::GET] {
            let reply = house.send(Call::new(method, path).without_key()).await;
            assert_eq!(reply.status, 200, "{path}");
        }
    }
    let reply = house
        .send(Call::get("/v1/responses").header("upgrade", "websocket").header("connection", "upgrade"))
        .await;
    assert_refused(Dialect::OpenAi, &reply, 426, "upgrade_refused");
    let preflight = Call::new(Method::OPTIONS, "/v1/messages")
        .without_key()
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,anthropic-version");
    let reply = house.send(preflight).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, "*"));
    assert_eq!(reply.header("access-control-allow-headers"), "authorization,anthropic-version");
    house.close().await;
}

#[tokio::test]
async fn a_slash_at_the_end_of_a_path_changes_nothing() {
    let house = House::open(Store::Memory).await;
    for path in ["/health", "/api/hello", "/v1/models", "/v1/models/gpt-5.6", "/v1/key", "/v1/credits"] {
        let plain = house.send(Call::get(path)).await;
        let slashed = house.send(Call::get(&format!("{path}/"))).await;
        assert_eq!((slashed.status, &slashed.body), (200, &plain.body), "{path}");
    }
    for api in Api::ALL {
        let mut call = api.ask("Hello?");
        call.path.push('/');
        assert_eq!(house.send(call).await.status, 200, "{api:?}");
    }
    let metrics = house.app.metrics().render();
    assert!(metrics.contains(r#"route="/v1/models""#) && !metrics.contains(r#"/v1/models/""#));
    house.close().await;
}
