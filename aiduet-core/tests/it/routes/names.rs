//! How models are named: as in the catalogue, with their vendor, by an alias, in a list.

use aiduet_core::dialect::Endpoint;
use aiduet_core::keys::KeyLimits;
use aiduet_core::price::ModelId;
use aiduet_core::provider::Vendor;
use aiduet_core::settings::Settings;
use aiduet_core::testing::fake_upstream::FakeUpstream;
use serde_json::{Value, json};

use super::site::{GENERATING, Plan, Site, request, serving, upstream, with};

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
