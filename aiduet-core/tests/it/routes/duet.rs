//! Requests that name no model: the duet picks one, says why, and the rest is as for any other.

use aiduet_core::dialect::{Dialect, Endpoint};
use aiduet_core::duet::{DuetOverrides, Role, RuleKind};
use aiduet_core::keys::KeyLimits;
use aiduet_core::ledger::Routing;
use aiduet_core::money::Money;
use aiduet_core::price::ModelId;
use aiduet_core::provider::Vendor;
use aiduet_core::settings::Settings;
use aiduet_core::testing::cents;
use aiduet_core::testing::fake_upstream::{Act, FakeUpstream};
use serde_json::{Value, json};

use super::site::{Form, GENERATING, Plan, Reply, Site, error, request, serving, upstream, with};

const OPUS: &str = "claude-opus-5-5";
const SOL: &str = "gpt-6.1-sol";

const PLAN: &str =
    "Draft a migration plan with phases and a rollback strategy: should we move the API to Kubernetes?";
const CODE: &str = "Write a Rust function that parses a CSV file.";

/// A gateway with the simulated provider for both vendors.
async fn open(change: impl FnOnce(Plan) -> Plan) -> (Site, FakeUpstream) {
    let provider = serving().await;
    let plan = Plan::new()
        .upstream(upstream(Vendor::OpenAi, "openai", &provider.base_url()))
        .upstream(upstream(Vendor::Anthropic, "anthropic", &provider.base_url()));
    (change(plan).open().await, provider)
}

/// A request without a model.
fn nameless(endpoint: Endpoint, text: &str) -> Value {
    let mut body = request(endpoint, "", text);
    body.as_object_mut().unwrap().remove("model");
    body
}

/// Role, model and provider, as the headers tell them.
fn told(reply: &Reply) -> [&str; 3] {
    ["x-aiduet-role", "x-aiduet-model", "x-aiduet-provider"].map(|name| reply.header(name))
}

/// What was sent to the provider last.
fn sent(provider: &FakeUpstream) -> Value {
    serde_json::from_slice(&provider.seen().last().unwrap().body).unwrap()
}

#[track_caller]
fn is_a_reason(reason: &str) {
    assert!(!reason.is_empty() && reason.len() <= 256 && reason.is_ascii(), "{reason}");
}

#[tokio::test]
async fn without_a_model_the_role_decides_in_every_dialect_streamed_or_whole() {
    for endpoint in GENERATING {
        for form in Form::BOTH {
            let (site, provider) = open(|plan| plan).await;
            for (text, expected) in [(PLAN, ["plan", OPUS, "anthropic"]), (CODE, ["code", SOL, "openai"])] {
                for name in [None, Some("duet")] {
                    let body = match name {
                        None => nameless(endpoint, text),
                        Some(name) => request(endpoint, name, text),
                    };
                    let reply = site.ask(endpoint, &with(body, &json!({"stream": form.is_stream()}))).await;
                    let case = format!("{endpoint:?} {form:?} {name:?}: {}", reply.text);
                    assert_eq!((reply.status, told(&reply)), (200, expected), "{case}");
                    is_a_reason(reply.header("x-aiduet-reason"));
                    assert!(reply.header("x-aiduet-reason").contains("; model=role"), "{case}");
                    assert!(!reply.said(endpoint).is_empty(), "{case}");
                    assert_eq!(sent(&provider)["model"], expected[1], "{case}");
                    assert!(reply.text.contains(&format!("\"model\":\"{}\"", expected[1])), "{case}");
                }
            }
            let records = site.close().await;
            assert_eq!(records.len(), 4);
            for record in records {
                let routing = record.duet.unwrap();
                let model = if routing.role == Role::Plan.into() { OPUS } else { SOL };
                assert_eq!((record.model.as_str(), routing.rule), (model, RuleKind::Score));
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_the_model_reaches_the_provider_as_it_was_written() {
    let (site, provider) = open(|plan| plan).await;
    let odd = r#"{ "max_tokens" :64, "messages":[{"role":"user","content":"Write a Rust function that parses CSV é \u00e9"}] , "unknown_field" : [1,2 , 3.0]}"#;
    let reply = site.ask_text(Endpoint::Messages, odd, &[("x-aiduet-role", "plan")]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let body = String::from_utf8(provider.seen()[0].body.to_vec()).unwrap();
    assert_eq!(body, odd.replacen('{', &format!("{{\"model\":\"{OPUS}\","), 1));
    let odd = odd.replacen('{', "{\"model\" : \"duet/plan\" ,", 1);
    let reply = site.ask_text(Endpoint::Messages, &odd, &[]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let body = String::from_utf8(provider.seen()[1].body.to_vec()).unwrap();
    assert_eq!(body, odd.replacen("duet/plan", OPUS, 1));
    site.close().await;
}

#[tokio::test]
async fn a_role_is_named_by_header_alias_or_key_in_this_order() {
    let pinned = KeyLimits {
        duet: DuetOverrides { pin_role: Some(Role::Review), ..DuetOverrides::default() },
        ..KeyLimits::default()
    };
    let (site, _provider) = open(|plan| Plan { limits: pinned, ..plan }).await;
    let endpoint = Endpoint::ChatCompletions;
    for (model, header, role, rule) in [
        ("duet", None, "review", "rule=override.key; model=role"),
        ("duet/plan", None, "plan", "rule=override.alias; model=role"),
        ("duet/code", None, "code", "rule=override.alias; model=role"),
        ("duet/review", None, "review", "rule=override.alias; model=role"),
        ("duet/plan", Some("code"), "code", "rule=override.header; model=role"),
        ("duet", Some("background"), "background", "rule=override.header; model=role"),
    ] {
        // A conversation of its own each time, so that none is left for another model.
        let conversation = format!("{model} {header:?}");
        let mut headers = vec![("x-session-id", conversation.as_str())];
        headers.extend(header.map(|role| ("x-aiduet-role", role)));
        let reply = site.ask_with(endpoint, &request(endpoint, model, CODE), &headers).await;
        let case = format!("{model} {header:?}: {}", reply.text);
        assert_eq!(reply.status, 200, "{case}");
        assert_eq!((reply.header("x-aiduet-role"), reply.header("x-aiduet-reason")), (role, rule), "{case}");
    }
    let plan = request(endpoint, "duet/plan", CODE);
    let auto = site.ask_with(endpoint, &plan, &[("x-aiduet-role", "auto")]).await;
    assert_eq!(auto.header("x-aiduet-role"), "code");
    assert!(auto.header("x-aiduet-reason").starts_with("score code="), "{:?}", auto.headers);
    let records = site.close().await;
    let background =
        records.iter().find(|record| record.duet.unwrap().role == Role::Background.into()).unwrap();
    assert_eq!(background.model.as_str(), "gpt-6-luna");
}

#[tokio::test]
async fn who_names_a_model_gets_it_whatever_the_header_says() {
    let (site, _provider) = open(|plan| {
        plan.settings(|settings: &mut Settings| {
            settings.routing.aliases = serde_json::from_value(json!({"duet": "gpt-5.4-mini"})).unwrap();
        })
    })
    .await;
    for endpoint in GENERATING {
        for (written, model) in [("claude-haiku-4-5", "claude-haiku-4-5"), ("duet", "gpt-5.4-mini")] {
            let body = request(endpoint, written, PLAN);
            for role in ["code", "no such role"] {
                let reply = site.ask_with(endpoint, &body, &[("x-aiduet-role", role)]).await;
                assert_eq!((reply.status, reply.header("x-aiduet-model")), (200, model), "{}", reply.text);
                assert!(!reply.headers.contains_key("x-aiduet-role"));
                assert!(!reply.headers.contains_key("x-aiduet-reason"));
            }
        }
    }
    assert!(site.close().await.iter().all(|record| record.duet.is_none()));
}

#[tokio::test]
async fn what_the_duet_cannot_do_is_refused_before_anything_is_held() {
    let (site, provider) = open(|plan| plan).await;
    for endpoint in GENERATING {
        let code = |reply: &Reply| reply.json()["error"]["details"]["error_code"].clone();
        let unknown = site.ask_with(endpoint, &nameless(endpoint, CODE), &[("x-aiduet-role", "cook")]).await;
        assert_eq!((unknown.status, code(&unknown)), (400, json!("invalid_request")));
        for role in Role::ALL.map(Role::as_str).into_iter().chain(["auto"]) {
            assert!(unknown.text.contains(role), "{}", unknown.text);
        }
        assert!(!unknown.text.contains("cook"));
        for name in ["duet/cook", "duet/chat", "duet/"] {
            let reply = site.ask(endpoint, &request(endpoint, name, CODE)).await;
            assert_eq!((reply.status, code(&reply)), (404, json!("model_not_found")), "{name}");
        }
        let ensemble = site.ask(endpoint, &request(endpoint, "duet/ensemble", CODE)).await;
        assert_eq!((ensemble.status, code(&ensemble)), (403, json!("model_not_allowed")));
    }
    let embeddings = Endpoint::Embeddings;
    let reply = site.ask(embeddings, &request(embeddings, "duet", "text")).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    let reply = site.ask(embeddings, &nameless(embeddings, "text")).await;
    assert!(reply.status == 400 && reply.text.contains("model"), "{}", reply.text);
    assert!(provider.seen().is_empty());
    assert!(site.close().await.is_empty());
}

#[tokio::test]
async fn operator_and_key_can_switch_the_duet_off() {
    let off = DuetOverrides { enabled: Some(false), ..DuetOverrides::default() };
    let by_key = open(|plan| Plan { limits: KeyLimits { duet: off, ..KeyLimits::default() }, ..plan }).await;
    let by_operator = open(|plan| plan.settings(|settings| settings.duet.enabled = false)).await;
    for (site, _provider) in [by_key, by_operator] {
        for body in [nameless(Endpoint::Messages, CODE), request(Endpoint::Messages, "duet", CODE)] {
            let reply = site.ask(Endpoint::Messages, &body).await;
            assert_eq!(reply.status, 400, "{}", reply.text);
            assert!(reply.text.contains("Name a model"), "{}", reply.text);
        }
        assert_eq!(site.get("/v1/models/duet", &[]).await.status, 404);
        site.close().await;
    }
}

#[tokio::test]
async fn the_models_of_a_key_and_its_families_hold_for_the_duet() {
    let only = |id: &str| KeyLimits { models: vec![ModelId::parse(id).unwrap()], ..KeyLimits::default() };
    let families = KeyLimits {
        duet: DuetOverrides { families: [Vendor::OpenAi].into(), ..DuetOverrides::default() },
        ..KeyLimits::default()
    };
    for limits in [only(SOL), families] {
        let (site, _provider) = open(|plan| Plan { limits, ..plan }).await;
        let reply = site.ask(Endpoint::Messages, &nameless(Endpoint::Messages, PLAN)).await;
        assert_eq!((reply.status, told(&reply)), (200, ["plan", SOL, "openai"]), "{}", reply.text);
        assert!(reply.header("x-aiduet-reason").ends_with("; model=policy"), "{:?}", reply.headers);
        site.close().await;
    }
    let (site, _provider) = open(|plan| Plan { limits: only("claude-haiku-4-5"), ..plan }).await;
    let reply = site.ask(Endpoint::Messages, &nameless(Endpoint::Messages, PLAN)).await;
    assert_eq!(reply.status, 403, "{}", reply.text);
    site.close().await;
}

#[tokio::test]
async fn a_field_that_a_model_cannot_honour_goes_to_one_that_can() {
    let (site, _provider) = open(|plan| plan).await;
    let tool = json!({"type": "function", "function": {"name": "answer", "parameters": {"type": "object"}}});
    let forced = json!({"tools": [tool], "tool_choice": "required"});
    let endpoint = Endpoint::ChatCompletions;
    let reply = site.ask(endpoint, &with(request(endpoint, "duet/plan", PLAN), &forced)).await;
    assert_eq!((reply.status, told(&reply)), (200, ["plan", SOL, "openai"]), "{}", reply.text);
    assert_eq!(reply.header("x-aiduet-reason"), "rule=override.alias; model=constraint.tool_choice");
    site.close().await;

    let families = KeyLimits {
        duet: DuetOverrides { families: [Vendor::Anthropic].into(), ..DuetOverrides::default() },
        ..KeyLimits::default()
    };
    let (site, provider) = open(|plan| Plan { limits: families, ..plan }).await;
    let reply = site.ask(endpoint, &with(request(endpoint, "duet/plan", PLAN), &json!({"n": 2}))).await;
    assert_eq!((reply.status, reply.json()["error"]["param"].clone()), (400, json!("n")), "{}", reply.text);
    assert!(provider.seen().is_empty());
    site.close().await;
}

#[tokio::test]
async fn when_the_vendor_of_the_role_fails_the_other_one_answers() {
    for endpoint in GENERATING {
        for form in Form::BOTH {
            for fault in [error(500, "api_error"), vec![Act::Reset]] {
                let failing = FakeUpstream::always(fault).await;
                let healthy = serving().await;
                let site = Plan::new()
                    .upstream(upstream(Vendor::Anthropic, "failing", &failing.base_url()))
                    .upstream(upstream(Vendor::OpenAi, "healthy", &healthy.base_url()))
                    .open()
                    .await;
                let body = with(nameless(endpoint, PLAN), &json!({"stream": form.is_stream()}));
                let reply = site.ask(endpoint, &body).await;
                let case = format!("{endpoint:?} {form:?}: {}", reply.text);
                assert_eq!((reply.status, told(&reply)), (200, ["plan", SOL, "openai"]), "{case}");
                is_a_reason(reply.header("x-aiduet-reason"));
                assert!(reply.header("x-aiduet-reason").ends_with("; model=fallback"), "{case}");
                assert!(!reply.said(endpoint).is_empty(), "{case}");
                let records = site.close().await;
                let [record] = records.as_slice() else { panic!("{case}") };
                assert_eq!(record.model.as_str(), SOL, "{case}");
                assert_eq!(
                    record.duet,
                    Some(Routing { role: Role::Plan.into(), rule: RuleKind::Score }),
                    "{case}"
                );
                let failures = record.attempts.iter().filter(|it| it.upstream.as_str() == "failing");
                assert_eq!(failures.count(), 1, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn a_gateway_with_one_vendor_answers_every_role() {
    let provider = serving().await;
    let site = Plan::new().upstream(upstream(Vendor::OpenAi, "openai", &provider.base_url())).open().await;
    for text in [PLAN, CODE] {
        let reply = site.ask(Endpoint::Messages, &nameless(Endpoint::Messages, text)).await;
        assert_eq!((reply.status, reply.header("x-aiduet-model")), (200, SOL), "{}", reply.text);
    }
    site.close().await;
}

#[tokio::test]
async fn a_client_may_fall_back_from_the_duet_to_models_of_its_own() {
    let failing = FakeUpstream::always(error(500, "api_error")).await;
    let healthy = serving().await;
    let site = Plan::new()
        .upstream(upstream(Vendor::Anthropic, "failing", &failing.base_url()))
        .upstream(upstream(Vendor::OpenAi, "healthy", &healthy.base_url()))
        .settings(|settings| {
            let opus = serde_json::from_value(json!(OPUS)).unwrap();
            settings.duet.models.code = opus;
            settings.duet.models.chat = serde_json::from_value(json!([])).unwrap();
        })
        .open()
        .await;
    let endpoint = Endpoint::Responses;
    let body = with(request(endpoint, "duet", CODE), &json!({"models": ["gpt-5.4-mini"]}));
    let reply = site.ask(endpoint, &body).await;
    assert_eq!((reply.status, reply.header("x-aiduet-model")), (200, "gpt-5.4-mini"), "{}", reply.text);
    assert!(reply.header("x-aiduet-reason").ends_with("; model=fallback"));
    site.close().await;
}

#[tokio::test]
async fn what_is_held_is_the_price_of_the_chosen_model() {
    let (site, provider) = open(|plan| Plan { funds: cents(2), ..plan }).await;
    let endpoint = Endpoint::Messages;
    let small = with(nameless(endpoint, PLAN), &json!({"max_tokens": 1_800}));
    let exact = [("x-aiduet-exact", "true")];
    let reply = site.ask_with(endpoint, &small, &[exact[0], ("x-aiduet-role", "plan")]).await;
    assert_eq!(reply.status, 402, "the dear model is not covered: {}", reply.text);
    let reply = site.ask_with(endpoint, &small, &[exact[0], ("x-aiduet-role", "background")]).await;
    assert_eq!((reply.status, told(&reply)), (200, ["background", "claude-haiku-5-5", "anthropic"]));
    assert_eq!(provider.seen().len(), 1);
    site.close().await;
}

#[tokio::test]
async fn tokens_are_counted_for_the_model_that_would_be_chosen() {
    let (site, provider) = open(|plan| plan).await;
    let count = Endpoint::CountTokens;
    for (text, expected, calls) in
        [(PLAN, ["plan", OPUS, "anthropic"], 1), (CODE, ["code", SOL, "openai"], 1)]
    {
        let reply = site.ask(count, &nameless(count, text)).await;
        assert_eq!((reply.status, told(&reply)), (200, expected), "{}", reply.text);
        assert!(reply.json()["input_tokens"].as_u64().unwrap() > 5);
        is_a_reason(reply.header("x-aiduet-reason"));
        assert_eq!(provider.seen().len(), calls);
    }
    assert!(site.close().await.is_empty());
}

#[tokio::test]
async fn the_duet_and_its_aliases_are_listed_with_the_range_of_their_prices() {
    let (site, _provider) = open(|plan| plan).await;
    let version = [("anthropic-version", "2023-06-01")];
    let openai = site.get("/v1/models", &[]).await.json();
    let anthropic = site.get("/v1/models?limit=1000", &version).await.json();
    for list in [&openai, &anthropic] {
        let items = list["data"].as_array().unwrap();
        for name in ["duet", "duet/plan", "duet/code", "duet/review"] {
            assert_eq!(items.iter().filter(|item| item["id"] == name).count(), 1, "{name}");
        }
    }
    let price = |model: &str| openai["data"].as_array().unwrap().iter().find(|it| it["id"] == model).unwrap();
    let input = |model: &str| price(model)["pricing"]["input"].clone();
    let duet = site.get("/v1/models/duet", &[]).await.json();
    assert_eq!(duet["owned_by"], "aiduet");
    let all = [OPUS, SOL, "claude-haiku-5-5", "gpt-6-luna"].map(|model| input(model).as_u64().unwrap());
    let (least, most) = (all.iter().min().unwrap(), all.iter().max().unwrap());
    assert_eq!(duet["pricing"]["input"], json!({"min": least, "max": most}));
    let plan = site.get("/v1/models/duet/plan", &version).await.json();
    assert_eq!(plan["pricing"]["input"], json!({"min": input(OPUS), "max": input(OPUS)}));
    assert_eq!((plan["type"].as_str(), plan["id"].as_str()), (Some("model"), Some("duet/plan")));
    assert_eq!(site.get("/v1/models/duet/cook", &[]).await.status, 404);
    site.close().await;

    let only = KeyLimits { models: vec![ModelId::parse(SOL).unwrap()], ..KeyLimits::default() };
    let (site, _provider) = open(|plan| Plan { limits: only, ..plan }).await;
    let names = site.get("/v1/models", &[]).await.text;
    assert!(names.contains("duet/code") && !names.contains("duet/plan"), "{names}");
    site.close().await;
}

#[tokio::test]
async fn the_receipt_names_the_role_and_the_rule() {
    let (site, _provider) = open(|plan| plan).await;
    let endpoint = Endpoint::Responses;
    for (body, role, rule) in [
        (request(endpoint, "duet/review", CODE), json!("review"), json!("override")),
        (nameless(endpoint, CODE), json!("code"), json!("score")),
        (request(endpoint, SOL, CODE), Value::Null, Value::Null),
    ] {
        let reply = site.ask(endpoint, &body).await;
        let id = reply.header("x-request-id");
        let receipt = site.get(&format!("/v1/generation?id={id}"), &[]).await.json()["data"].clone();
        assert_eq!((&receipt["role"], &receipt["role_rule"]), (&role, &rule), "{receipt}");
    }
    site.close().await;
}

#[tokio::test]
async fn browsers_may_read_the_headers() {
    let (site, _provider) = open(|plan| plan).await;
    let endpoint = Endpoint::ChatCompletions;
    let origin = [("origin", "https://example.com")];
    let reply = site.ask_with(endpoint, &nameless(endpoint, CODE), &origin).await;
    assert_eq!((reply.status, reply.header("access-control-expose-headers")), (200, "*"));
    site.close().await;
}

#[tokio::test]
async fn no_word_of_a_request_is_in_a_header() {
    let (site, _provider) = open(|plan| plan).await;
    let canaries = ["zanzibarquokka", "fjordglyph", "wyvernplumb"];
    for endpoint in GENERATING {
        let text = format!("Write a Rust function {} that parses a CSV file. {}", canaries[0], canaries[1]);
        let body = with(nameless(endpoint, &text), &json!({"metadata": {"user_id": canaries[2]}}));
        let reply = site.ask(endpoint, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let headers = format!("{:?}", reply.headers).to_lowercase();
        for canary in canaries {
            assert!(!headers.contains(canary), "{endpoint:?}: {headers}");
        }
        let dialect = endpoint.dialect();
        assert!(dialect == Dialect::OpenAi || reply.headers.contains_key("request-id"));
    }
    let records = format!("{:?}", site.close().await).to_lowercase();
    assert!(canaries.iter().all(|canary| !records.contains(canary)));
}

#[tokio::test]
async fn a_model_without_a_price_is_refused_at_the_start() {
    let mut settings = Settings::default();
    settings.database.url = Some("memory:".to_owned().into());
    settings.duet.models.review = serde_json::from_value(json!([OPUS, "no-such-model"])).unwrap();
    let built = aiduet_core::app::AppBuilder::new(settings.clone()).upstreams(vec![]).build().await;
    let error = format!("{}", built.unwrap_err());
    assert!(error.contains("upstream"), "{error}");
    let upstreams = vec![upstream(Vendor::OpenAi, "openai", "http://127.0.0.1:1")];
    let builder = aiduet_core::app::AppBuilder::new(settings.clone()).upstreams(upstreams.clone());
    let error = format!("{}", builder.build().await.unwrap_err());
    assert!(error.contains("duet.models.review") && error.contains("no-such-model"), "{error}");
    settings.duet.enabled = false;
    aiduet_core::app::AppBuilder::new(settings).upstreams(upstreams).build().await.unwrap();
}

/// A conversation in which a model has called a tool, and the client has run it.
fn tool_loop(endpoint: Endpoint, call: &str) -> Value {
    let schema = json!({"type": "object", "properties": {"path": {"type": "string"}}});
    match endpoint {
        Endpoint::ChatCompletions => json!({
            "tools": [{"type": "function", "function": {"name": "read_file", "parameters": schema}}],
            "messages": [
                {"role": "user", "content": CODE},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": call, "type": "function", "function": {"name": "read_file", "arguments": "{}"}},
                ]},
                {"role": "tool", "tool_call_id": call, "content": "fn main() {}"},
            ],
        }),
        Endpoint::Responses => json!({
            "tools": [{"type": "function", "name": "read_file", "parameters": schema}],
            "input": [
                {"role": "user", "content": CODE},
                {"type": "function_call", "call_id": call, "name": "read_file", "arguments": "{}"},
                {"type": "function_call_output", "call_id": call, "output": "fn main() {}"},
            ],
        }),
        _ => json!({
            "max_tokens": 500,
            "tools": [{"name": "read_file", "input_schema": schema}],
            "messages": [
                {"role": "user", "content": CODE},
                {"role": "assistant", "content": [
                    {"type": "tool_use", "id": call, "name": "read_file", "input": {}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": call, "content": "fn main() {}"},
                ]},
            ],
        }),
    }
}

#[tokio::test]
async fn the_model_that_made_the_open_calls_answers() {
    let (site, _provider) = open(|plan| plan).await;
    for endpoint in GENERATING {
        for (call, model, reason) in [
            ("toolu_01A09q90qw90lq917835lq9", OPUS, "model=sticky.tool_loop"),
            ("call_8Xk2Lr0bN4qTz6vYw1uE3sPd", SOL, "model=role"),
        ] {
            let reply = site.ask(endpoint, &tool_loop(endpoint, call)).await;
            let case = format!("{endpoint:?} {call}: {}", reply.text);
            assert_eq!((reply.status, reply.header("x-aiduet-model")), (200, model), "{case}");
            assert!(reply.header("x-aiduet-reason").ends_with(reason), "{case} {:?}", reply.headers);
            assert_eq!(reply.header("x-aiduet-role"), "code", "{case}");
        }
    }
    site.close().await;
}

/// A short agreement, which no rule and no score decides alone.
fn turns(texts: &[&str]) -> Value {
    let roles = ["user", "assistant"].iter().cycle();
    let messages = roles.zip(texts).map(|(role, text)| json!({"role": role, "content": text}));
    json!({"max_tokens": 500, "messages": messages.collect::<Vec<_>>()})
}

#[tokio::test]
async fn a_conversation_stays_with_its_model_while_a_change_is_dear() {
    let limits = KeyLimits {
        duet: DuetOverrides { max_switch_cost: Some(Money::ZERO), ..DuetOverrides::default() },
        ..KeyLimits::default()
    };
    for endpoint in [Endpoint::Messages, Endpoint::ChatCompletions] {
        let (site, _provider) = open(|plan| Plan { limits: limits.clone(), ..plan }).await;
        let session = [("x-claude-code-session-id", "one")];
        let first = site.ask_with(endpoint, &turns(&[PLAN]), &session).await;
        assert_eq!((first.status, told(&first)), (200, ["plan", OPUS, "anthropic"]), "{}", first.text);
        let on = turns(&[PLAN, "Here is the plan.", CODE]);
        let second = site.ask_with(endpoint, &on, &session).await;
        assert_eq!((second.status, told(&second)), (200, ["code", OPUS, "anthropic"]), "{}", second.text);
        assert!(second.header("x-aiduet-reason").ends_with("; model=sticky.session"), "{:?}", second.headers);
        // Known by how it began, another conversation is another one.
        let other = site.ask_with(endpoint, &on, &[("x-claude-code-session-id", "two")]).await;
        assert_eq!(told(&other), ["code", SOL, "openai"]);
        // A count says the same and remembers nothing.
        if endpoint == Endpoint::Messages {
            let mut body = on.clone();
            body.as_object_mut().unwrap().remove("max_tokens");
            let count = site.ask_with(Endpoint::CountTokens, &body, &session).await;
            assert_eq!((count.status, told(&count)), (200, ["code", OPUS, "anthropic"]), "{}", count.text);
        }
        site.close().await;
    }
}

#[tokio::test]
async fn a_change_that_is_paid_for_is_told_with_its_price() {
    let (site, _provider) = open(|plan| plan).await;
    let session = [("x-session-id", "one")];
    let endpoint = Endpoint::Messages;
    site.ask_with(endpoint, &turns(&[PLAN]), &session).await;
    let on = turns(&[PLAN, "Here is the plan.", CODE]);
    let reply = site.ask_with(endpoint, &on, &[session[0], ("x-aiduet-role", "code")]).await;
    assert_eq!((reply.status, told(&reply)), (200, ["code", SOL, "openai"]), "{}", reply.text);
    let reason = reply.header("x-aiduet-reason");
    assert!(reason.starts_with("rule=override.header; model=role; switch=0.0"), "{reason}");
    site.close().await;
}

#[tokio::test]
async fn another_account_does_not_inherit_a_conversation_and_a_failed_answer_begins_none() {
    let failing = FakeUpstream::always(error(400, "invalid_request_error")).await;
    let site = Plan::new()
        .upstream(upstream(Vendor::OpenAi, "openai", &failing.base_url()))
        .upstream(upstream(Vendor::Anthropic, "anthropic", &failing.base_url()))
        .open()
        .await;
    let endpoint = Endpoint::Messages;
    let session = [("x-session-id", "one"), ("x-aiduet-role", "plan")];
    let reply = site.ask_with(endpoint, &turns(&[PLAN]), &session).await;
    assert_eq!((reply.status, told(&reply)), (400, ["plan", OPUS, "anthropic"]));
    let on = turns(&[PLAN, "Here is the plan.", CODE]);
    let reply = site.ask_with(endpoint, &on, &[session[0]]).await;
    assert_eq!(told(&reply), ["code", SOL, "openai"]);
    assert!(reply.header("x-aiduet-reason").ends_with("; model=role"), "{:?}", reply.headers);
    site.close().await;
}

#[tokio::test]
async fn a_decision_is_explained_without_a_call_or_a_charge() {
    let (site, provider) = open(|plan| plan).await;
    let version = [("anthropic-version", "2023-06-01")];
    for (endpoint, headers) in
        [(Endpoint::ChatCompletions, &[][..]), (Endpoint::Responses, &[]), (Endpoint::Messages, &version[..])]
    {
        for model in [None, Some("duet"), Some("gpt-5.4-mini"), Some("no-such-model")] {
            let body = model.map_or_else(|| nameless(endpoint, PLAN), |name| request(endpoint, name, PLAN));
            let reply = site.post("/v1/duet/explain", &body, headers).await;
            let case = format!("{endpoint:?} {model:?}: {}", reply.text);
            assert_eq!(reply.status, 200, "{case}");
            let told = reply.json();
            assert_eq!((told["role"].as_str(), told["model"].as_str()), (Some("plan"), Some(OPUS)), "{case}");
            assert_eq!(told["candidates"][0], json!({"model": OPUS, "state": "chosen"}), "{case}");
            assert!(!told["features"].as_array().unwrap().is_empty(), "{case}");
            assert_eq!(told["scores"][0]["role"], "plan", "{case}");
            assert_eq!(told["estimate"]["endpoint"], endpoint.as_str(), "{case}");
            assert!(told["estimate"]["price_max_nano"].as_i64().unwrap() > 0, "{case}");
            assert_eq!(reply.header("cache-control"), "no-store", "{case}");
            assert!(!reply.text.contains("Kubernetes"), "{case}");
        }
    }
    let code = site.post("/v1/duet/explain", &request(Endpoint::Messages, "duet/code", PLAN), &version).await;
    assert_eq!(code.json()["reason"], "rule=override.alias; model=role");
    let unknown = request(Endpoint::Messages, "duet/cook", PLAN);
    assert_eq!(site.post("/v1/duet/explain", &unknown, &version).await.status, 404);
    assert!(provider.seen().is_empty());
    let balance = site.stores.ledger.balance(site.account).await.unwrap();
    assert_eq!((balance.used, balance.held), (Money::ZERO, Money::ZERO));
    assert!(site.close().await.is_empty());
}

#[tokio::test]
async fn an_explanation_needs_a_key_and_counts_against_its_rate() {
    let limits = KeyLimits { requests_per_minute: Some(2), ..KeyLimits::default() };
    let (site, _provider) = open(|plan| Plan { limits, ..plan }).await;
    let body = nameless(Endpoint::ChatCompletions, PLAN);
    let statuses = [(); 3].map(|()| site.post("/v1/duet/explain", &body, &[]));
    let mut seen = Vec::new();
    for status in statuses {
        let reply = status.await;
        seen.push((reply.status, reply.header("x-ratelimit-remaining-requests").to_owned()));
    }
    assert_eq!(seen, [(200, "1".to_owned()), (200, "0".to_owned()), (429, String::new())]);
    let stranger = site.post_as("sk-duet-nobody", "/v1/duet/explain", &body).await;
    assert_eq!(stranger.status, 401);
    let nonsense = site.post("/v1/duet/explain", &json!([1]), &[]).await;
    assert_eq!(nonsense.status, 400, "{}", nonsense.text);
    site.close().await;
}
