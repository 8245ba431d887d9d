//! How models are named: as in the catalogue, with their vendor, by an alias, in a list.

use aiduet_core::dialect::Endpoint;
use aiduet_core::keys::KeyLimits;
use aiduet_core::price::ModelId;
use aiduet_core::provider::Vendor;
use aiduet_core::settings::Settings;
use aiduet_core::testing::fake_upstream::{Act, FakeUpstream};
use serde_json::{Value, json};

use super::site::{GENERATING, Plan, Site, error, request, serving, upstream, with};

fn aliases(settings: &mut Settings) {
    settings.routing.aliases = serde_json::from_value(json!({
        "fast": "gpt-5.4-mini",
        "best": ["claude-opus-4-6", "gpt-5.4"],
        "gpt-5.4-nano": ["claude-haiku-4-5"],
        "nobody": [],
    }))
    .unwrap();
}

async fn site(limits: KeyLimits) -> (Site, FakeUpstream) {
    let provider = serving().await;
    let site = Plan { limits, ..Plan::new() }
        .upstream(upstream(Vendor::OpenAi, "openai", &provider.base_url()))
        .upstream(upstream(Vendor::Anthropic, "anthropic", &provider.base_url()))
        .settings(aliases)
        .open()
        .await;
    (site, provider)
}

#[tokio::test]
async fn every_way_to_name_a_model_leads_to_it_from_every_endpoint() {
    let (site, provider) = site(KeyLimits::default()).await;
    for endpoint in GENERATING {
        for (written, model, sent) in [
            ("gpt-5.4-mini", "gpt-5.4-mini", "gpt-5.4-mini"),
            ("openai/gpt-5.4-mini", "gpt-5.4-mini", "gpt-5.4-mini"),
            ("claude-haiku-4-5-20251001", "claude-haiku-4-5", "claude-haiku-4-5-20251001"),
            ("anthropic/claude-haiku-4-5-20251001", "claude-haiku-4-5", "claude-haiku-4-5-20251001"),
            ("fast", "gpt-5.4-mini", "gpt-5.4-mini"),
            ("best", "claude-opus-4-6", "claude-opus-4-6"),
            ("gpt-5.4-nano", "claude-haiku-4-5", "claude-haiku-4-5"),
        ] {
            let reply = site.ask(endpoint, &request(endpoint, written, "Hello?")).await;
            let case = format!("{endpoint:?} {written}: {}", reply.text);
            assert_eq!((reply.status, reply.header("x-aiduet-model")), (200, model), "{case}");
            let body: Value = serde_json::from_slice(&provider.seen().last().unwrap().body).unwrap();
            assert_eq!(body["model"], sent, "{case}");
            assert_eq!(reply.json()["model"], sent, "{case}");
        }
        for unknown in ["nobody", "anthropic/gpt-5.4-mini", "gpt-5.4-mini-x", "anthropic/fast", "text"] {
            let reply = site.ask(endpoint, &request(endpoint, unknown, "Hello?")).await;
            assert_eq!(reply.status, 404, "{endpoint:?} {unknown}: {}", reply.text);
        }
    }
    site.close().await;
}

#[tokio::test]
async fn of_a_list_the_first_that_may_be_used_answers() {
    let only = |id: &str| KeyLimits { models: vec![ModelId::parse(id).unwrap()], ..KeyLimits::default() };
    for endpoint in GENERATING {
        let (site, provider) = site(only("gpt-5.4")).await;
        for body in [
            with(request(endpoint, "best", "Hello?"), &json!({})),
            with(
                request(endpoint, "claude-opus-4-6", "Hello?"),
                &json!({"models": ["unknown", "openai/gpt-5.4"]}),
            ),
            with(request(endpoint, "unknown", "Hello?"), &json!({"models": ["best"]})),
            with(request(endpoint, "gpt-5.4", "Hello?"), &json!({"models": null})),
        ] {
            let reply = site.ask(endpoint, &body).await;
            assert_eq!((reply.status, reply.header("x-aiduet-model")), (200, "gpt-5.4"), "{}", reply.text);
            let seen = String::from_utf8_lossy(&provider.seen().last().unwrap().body).into_owned();
            assert!(!seen.contains("models"), "{seen}");
        }
        let mut nameless = request(endpoint, "", "Hello?");
        nameless.as_object_mut().unwrap().remove("model");
        let reply = site.ask(endpoint, &with(nameless, &json!({"models": ["gpt-5.4"]}))).await;
        assert_eq!((reply.status, reply.header("x-aiduet-model")), (200, "gpt-5.4"), "{}", reply.text);
        let body = with(request(endpoint, "claude-opus-4-6", "Hello?"), &json!({"models": ["unknown"]}));
        assert_eq!(site.ask(endpoint, &body).await.status, 403, "the error is that of the first");
        let body = with(request(endpoint, "unknown", "Hello?"), &json!({"models": ["claude-opus-4-6"]}));
        assert_eq!(site.ask(endpoint, &body).await.status, 404);
        site.close().await;
    }
}

#[tokio::test]
async fn models_are_listed_where_they_are_reached() {
    let (site, _provider) = site(KeyLimits::default()).await;
    let ids = |list: &Value| {
        let items = list["data"].as_array().unwrap();
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let openai = ids(&site.get("/v1/models", &[]).await.json());
    let version = [("anthropic-version", "2023-06-01")];
    let anthropic = ids(&site.get("/v1/models?limit=1000", &version).await.json());
    for id in ["gpt-5.4-mini", "claude-haiku-4-5", "fast", "best"] {
        assert!(openai.iter().any(|it| it == id) && anthropic.iter().any(|it| it == id), "{id}");
    }
    let embedding = "text-embedding-3-small";
    assert!(openai.iter().any(|id| id == embedding) && !anthropic.iter().any(|id| id == embedding));
    assert!(!openai.iter().any(|id| id == "nobody"));
    assert_eq!(openai.iter().filter(|id| *id == "gpt-5.4-nano").count(), 1);
    assert_eq!(site.get("/v1/models/fast", &[]).await.json()["owned_by"], "openai");
    assert_eq!(site.get("/v1/models/gpt-5.4-nano", &[]).await.json()["owned_by"], "anthropic");
    assert_eq!(
        site.get("/v1/models/claude-haiku-4-5-20251001", &version).await.json()["id"],
        "claude-haiku-4-5"
    );
    assert_eq!(site.get("/v1/models/nobody", &[]).await.status, 404);
    site.close().await;
}

#[tokio::test]
async fn tokens_are_counted_for_models_of_either_vendor() {
    let (site, provider) = site(KeyLimits::default()).await;
    let count = Endpoint::CountTokens;
    let text = "word ".repeat(400);
    let claude = site.ask(count, &request(count, "claude-haiku-4-5", &text)).await;
    assert_eq!((claude.status, provider.seen().len()), (200, 1));
    let gpt = site.ask(count, &request(count, "fast", &text)).await;
    assert_eq!((gpt.status, gpt.header("x-aiduet-model"), provider.seen().len()), (200, "gpt-5.4-mini", 1));
    let counted = gpt.json()["input_tokens"].as_u64().unwrap();
    assert!((400..700).contains(&counted), "{counted}");
    assert_eq!(site.ask(count, &request(count, "text-embedding-3-small", &text)).await.status, 400);
    assert!(site.close().await.is_empty());
}

#[tokio::test]
async fn input_is_counted_for_models_of_either_vendor() {
    let (site, provider) = site(KeyLimits::default()).await;
    let count = Endpoint::InputTokens;
    let text = "word ".repeat(400);
    let mut counts = Vec::new();
    for (model, answers, path) in [
        ("gpt-5.4-mini", "gpt-5.4-mini", "/v1/responses/input_tokens"),
        ("fast", "gpt-5.4-mini", "/v1/responses/input_tokens"),
        ("claude-haiku-4-5", "claude-haiku-4-5", "/v1/messages/count_tokens"),
    ] {
        let tools = json!([{"type": "function", "name": "find", "parameters": {"type": "object"}}]);
        let body = with(request(count, model, &text), &json!({"instructions": "Be brief.", "tools": tools}));
        let reply = site.ask(count, &body).await;
        assert_eq!((reply.status, reply.header("x-aiduet-model")), (200, answers), "{}", reply.text);
        assert_eq!((reply.header("x-aiduet-cost"), reply.header("x-aiduet-balance")), ("0.000000000", ""));
        let told = reply.json();
        assert_eq!((&told["object"], told.as_object().unwrap().len()), (&json!("response.input_tokens"), 2));
        counts.push(told["input_tokens"].as_u64().unwrap());
        let seen = provider.seen().pop().unwrap();
        assert_eq!(seen.target, path, "{model}");
        let asked: Value = serde_json::from_slice(&seen.body).unwrap();
        let members: Vec<_> = asked.as_object().unwrap().keys().map(String::as_str).collect();
        match path {
            "/v1/responses/input_tokens" => assert_eq!(members, ["input", "instructions", "model", "tools"]),
            _ => assert_eq!(members, ["messages", "model", "system", "tools"], "{asked}"),
        }
    }
    assert!(counts.iter().all(|tokens| (100..700).contains(tokens)), "{counts:?}");
    assert_eq!(provider.seen().len(), 3);
    assert_eq!(site.ask(count, &request(count, "text-embedding-3-small", &text)).await.status, 400);
    assert_eq!(site.ask(count, &request(count, "nobody", &text)).await.status, 404);
    let stateful = with(request(count, "gpt-5.4-mini", "a"), &json!({"previous_response_id": "resp_1"}));
    let refused = site.ask(count, &stateful).await;
    assert_eq!((refused.status, &refused.json()["error"]["param"]), (400, &json!("previous_response_id")));
    assert_eq!(provider.seen().len(), 3, "nobody was asked");
    assert!(site.close().await.is_empty(), "what is free has no record");
}

/// Whoever was asked, an error has the shape of the path.
#[tokio::test]
async fn a_count_that_fails_is_told_in_the_dialect_of_the_path() {
    let html = || vec![Act::answer(200, &[("content-type", "application/json")], b"<html>")];
    for (vendor, acts, status, (name, word)) in [
        (Vendor::OpenAi, error(400, "invalid_request_error"), 400, ("type", "invalid_request_error")),
        (Vendor::OpenAi, error(500, "server_error"), 502, ("code", "upstream_error")),
        (Vendor::Anthropic, error(400, "invalid_request_error"), 400, ("type", "invalid_request_error")),
        (Vendor::Anthropic, error(500, "api_error"), 502, ("code", "upstream_error")),
        (Vendor::Anthropic, error(529, "overloaded_error"), 503, ("code", "server_is_overloaded")),
        (Vendor::Anthropic, html(), 502, ("code", "upstream_error")),
    ] {
        let model = if vendor == Vendor::OpenAi { "gpt-5.4-mini" } else { "claude-haiku-4-5" };
        let provider = FakeUpstream::always(acts).await;
        let plan = Plan::new().upstream(upstream(vendor, "one", &provider.base_url()));
        let site = plan.open().await;
        let reply = site.ask(Endpoint::InputTokens, &request(Endpoint::InputTokens, model, "a")).await;
        let told = reply.json();
        assert_eq!((reply.status, &told["error"][name]), (status, &json!(word)), "{model}: {told}");
        assert!(vendor == Vendor::OpenAi || told.get("type").is_none(), "{told}");
        assert!(site.close().await.is_empty());
    }
}
