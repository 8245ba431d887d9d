//! Plan, code and review in one answer, in front of the simulated providers.

use aiduet_core::dialect::{Dialect, Endpoint};
use aiduet_core::duet::{Assignment, DuetOverrides, RuleKind};
use aiduet_core::keys::KeyLimits;
use aiduet_core::ledger::{Outcome, RequestRecord, Routing};
use aiduet_core::money::Money;
use aiduet_core::price::ModelId;
use aiduet_core::provider::Vendor;
use aiduet_core::testing::cents;
use aiduet_core::testing::fake_upstream::{Act, FakeUpstream};
use aiduet_core::usage::Stage;
use serde_json::{Value, json};

use super::site::{Form, GENERATING, Plan, Reply, Site, error, request, serving, upstream, with};

const OPUS: &str = "claude-opus-5-5";
const SOL: &str = "gpt-6.1-sol";
const CODE: &str = "Write a Rust function that parses a CSV file.";

/// A key that may use ensembles.
fn allowed() -> KeyLimits {
    KeyLimits {
        duet: DuetOverrides { ensemble: Some(true), ..DuetOverrides::default() },
        ..KeyLimits::default()
    }
}

/// A gateway with a simulated provider of each vendor.
async fn open(change: impl FnOnce(Plan) -> Plan) -> (Site, [FakeUpstream; 2]) {
    let (claude, gpt) = (serving().await, serving().await);
    let plan = Plan { limits: allowed(), ..Plan::new() }
        .upstream(upstream(Vendor::Anthropic, "claude", &claude.base_url()))
        .upstream(upstream(Vendor::OpenAi, "gpt", &gpt.base_url()));
    (change(plan).open().await, [claude, gpt])
}

fn ensemble(endpoint: Endpoint, form: Form) -> Value {
    let limit = match endpoint {
        Endpoint::ChatCompletions => "max_completion_tokens",
        Endpoint::Responses => "max_output_tokens",
        _ => "max_tokens",
    };
    let mut body = with(request(endpoint, "duet/ensemble", CODE), &json!({"stream": form.is_stream()}));
    body[limit] = json!(4_000);
    if endpoint == Endpoint::ChatCompletions && form.is_stream() {
        body["stream_options"] = json!({"include_usage": true});
    }
    body
}

/// What the sections say, by their headings.
fn sections(text: &str) -> Vec<(&str, &str)> {
    let parts = text.split("## ").skip(1);
    parts.map(|part| part.split_once("\n\n").unwrap()).map(|(name, said)| (name, said.trim())).collect()
}

/// The bodies that a provider was sent, free counts left out.
fn sent(provider: &FakeUpstream) -> Vec<Value> {
    let seen = provider.seen();
    let calls = seen.iter().filter(|seen| !seen.target.contains("count_tokens"));
    calls.map(|seen| serde_json::from_slice(&seen.body).unwrap()).collect()
}

/// What is said in a request of a provider, turn by turn.
fn turns(body: &Value) -> Vec<(String, String)> {
    let list = ["messages", "input"].iter().find_map(|name| body[*name].as_array()).unwrap();
    let text = |content: &Value| match content.as_str() {
        Some(text) => text.to_owned(),
        None => {
            let parts = content.as_array().unwrap().iter();
            parts.map(|part| part["text"].as_str().unwrap()).collect::<Vec<_>>().join("\n")
        }
    };
    list.iter().map(|turn| (turn["role"].as_str().unwrap().to_owned(), text(&turn["content"]))).collect()
}

fn stages(record: &RequestRecord) -> Vec<Stage> {
    let mut stages: Vec<Stage> = record.bill.lines.iter().map(|line| line.stage.unwrap()).collect();
    stages.dedup();
    stages
}

/// The usage that an answer tells.
fn usage(endpoint: Endpoint, reply: &Reply) -> Value {
    if !reply.header("content-type").starts_with("text/event-stream") {
        return reply.json()["usage"].clone();
    }
    let events = reply.events();
    match endpoint {
        Endpoint::ChatCompletions => events.iter().rev().find(|event| event["usage"].is_object()),
        Endpoint::Responses => events.iter().rev().find(|event| event["type"] == "response.completed"),
        _ => events.iter().rev().find(|event| event["type"] == "message_delta"),
    }
    .map(|event| if endpoint == Endpoint::Responses { &event["response"]["usage"] } else { &event["usage"] })
    .unwrap()
    .clone()
}

/// Every identifier of the answer that a stream names.
fn identifiers(endpoint: Endpoint, reply: &Reply) -> Vec<String> {
    let mut ids: Vec<String> = reply
        .events()
        .iter()
        .filter_map(|event| {
            match endpoint {
                Endpoint::ChatCompletions => event["id"].as_str(),
                Endpoint::Responses => event["response"]["id"].as_str(),
                _ => event["message"]["id"].as_str(),
            }
            .map(ToOwned::to_owned)
        })
        .collect();
    ids.dedup();
    ids
}

#[tokio::test]
async fn plan_code_and_review_come_in_one_answer_on_every_surface() {
    for endpoint in GENERATING {
        for form in Form::BOTH {
            let (site, [claude, gpt]) = open(|plan| plan).await;
            let reply = site.ask(endpoint, &ensemble(endpoint, form)).await;
            let case = format!("{endpoint:?} {form:?}: {}", reply.text);
            assert_eq!(reply.status, 200, "{case}");
            let told =
                ["x-aiduet-role", "x-aiduet-model", "x-aiduet-provider"].map(|name| reply.header(name));
            assert_eq!(told, ["ensemble", SOL, "openai"], "{case}");
            let reason = "rule=override.alias; model=role; plan=role; review=role";
            assert_eq!(reply.header("x-aiduet-reason"), reason, "{case}");
            let said = reply.said(endpoint);
            let sections = sections(&said);
            let names: Vec<_> = sections.iter().map(|(name, _said)| *name).collect();
            assert_eq!(names, ["Plan", "Code", "Review"], "{case}");
            assert!(sections.iter().all(|(_name, said)| said.contains("simulated")), "{case}");
            if form.is_stream() {
                assert_eq!(identifiers(endpoint, &reply).len(), 1, "one message with one id: {case}");
                let silent =
                    if endpoint.dialect() == Dialect::OpenAi { ": keep-alive" } else { "event: ping" };
                assert_eq!(reply.text.matches(silent).count(), 2, "pings between stages: {case}");
            }
            // What each stage was sent: the request, what was said before, and its order.
            let (planned, coded) = (sent(&claude), sent(&gpt));
            assert_eq!((planned.len(), coded.len()), (2, 1), "{case}");
            let limit = |body: &Value| {
                let names = ["max_tokens", "max_completion_tokens", "max_output_tokens"];
                names.iter().find_map(|name| body[*name].as_u64()).unwrap()
            };
            assert_eq!(
                [limit(&planned[0]), limit(&coded[0]), limit(&planned[1])],
                [800, 2_600, 600],
                "{case}"
            );
            let (plan, code, review) = (turns(&planned[0]), turns(&coded[0]), turns(&planned[1]));
            assert!(plan[0].1.starts_with(CODE), "{case}");
            assert!(
                review.starts_with(&plan),
                "the prompt of the review begins with that of the plan: {case}"
            );
            assert!(code.contains(&("assistant".to_owned(), sections[0].1.to_owned())), "{case}");
            for said in [sections[0].1, sections[1].1] {
                assert!(review.contains(&("assistant".to_owned(), said.to_owned())), "{case}");
            }
            check_bill(&site, endpoint, &reply).await;
            site.close().await;
        }
    }
}

/// One record, whose stages add up to the usage that the answer and the receipt tell.
async fn check_bill(site: &Site, endpoint: Endpoint, reply: &Reply) {
    let records = site.records().await;
    let [record] = records.as_slice() else { panic!("{} records", records.len()) };
    let routing = Routing { role: Assignment::Ensemble, rule: RuleKind::Override };
    assert_eq!((record.duet, record.outcome, record.status), (Some(routing), Outcome::Completed, 200));
    assert_eq!((record.model.as_str(), record.vendor), (SOL, Vendor::OpenAi));
    assert_eq!(stages(record), [Stage::Plan, Stage::Code, Stage::Review]);
    assert_eq!(record.attempts.len(), 3);
    let receipt = site.get(&format!("/v1/generation?id={}", reply.header("x-request-id")), &[]).await.json();
    let receipt = &receipt["data"];
    assert_eq!((&receipt["role"], &receipt["model"]), (&json!("ensemble"), &json!(SOL)));
    // The receipt recomputes, margin and rounding once.
    let lines = receipt["bill"]["line_items"].as_array().unwrap();
    let pico: u128 = lines
        .iter()
        .map(|line| {
            u128::from(line["quantity"].as_u64().unwrap()) * u128::from(line["rate_pico"].as_u64().unwrap())
        })
        .sum();
    let margin = u128::from(receipt["bill"]["margin_bp"].as_u64().unwrap());
    assert_eq!((pico * margin).div_ceil(10_000 * 1_000), u128::from(receipt["cost_nano"].as_u64().unwrap()));
    let billed = receipt["bill"]["stages"].as_array().unwrap();
    let names: Vec<_> = billed.iter().map(|stage| (&stage["stage"], &stage["model"])).collect();
    let [plan, code, review, opus, sol] = ["plan", "code", "review", OPUS, SOL].map(|text| json!(text));
    assert_eq!(names, [(&plan, &opus), (&code, &sol), (&review, &opus)]);
    assert!(billed.iter().all(|stage| stage["price_version"] == receipt["bill"]["price_version"]));
    let amounts: u128 =
        billed.iter().map(|stage| stage["amount_pico"].as_str().unwrap().parse::<u128>().unwrap()).sum();
    assert_eq!(amounts, pico);
    // The answer tells the sum, with the stages beside it.
    let usage = usage(endpoint, reply);
    let told = usage["stages"].as_array().unwrap();
    assert_eq!(told.len(), 3, "{usage}");
    let sum = |name: &str| told.iter().map(|stage| stage[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum("output_tokens"), record.usage.output);
    let output = if endpoint == Endpoint::ChatCompletions { "completion_tokens" } else { "output_tokens" };
    assert_eq!(usage[output].as_u64(), Some(record.usage.output));
    let prompt = sum("input_tokens") + sum("cache_read_tokens") + sum("cache_write_tokens");
    assert_eq!(prompt, record.usage.prompt());
    if !record.stream {
        assert_eq!(reply.header("x-aiduet-cost"), record.cost().to_string());
    }
}

#[tokio::test]
async fn the_headings_are_in_the_language_of_the_request() {
    for (text, headings) in [
        ("请写一个解析 CSV 文件的 Rust 函数。", ["计划", "代码", "审查"]),
        ("CSVを解析するRust関数を書いてください。", ["計画", "コード", "レビュー"]),
    ] {
        let (site, _providers) = open(|plan| plan).await;
        let reply = site.ask(Endpoint::Messages, &request(Endpoint::Messages, "duet/ensemble", text)).await;
        let said = reply.said(Endpoint::Messages);
        let names: Vec<_> = sections(&said).iter().map(|(name, _said)| *name).collect();
        assert_eq!(names, headings, "{}", reply.text);
        site.close().await;
    }
}

#[tokio::test]
async fn the_quiet_manner_is_the_code_alone_and_pays_for_no_review() {
    for endpoint in GENERATING {
        for form in Form::BOTH {
            let (site, [claude, gpt]) = open(|plan| plan).await;
            let quiet = [("x-aiduet-ensemble", "answer")];
            let reply = site.ask_with(endpoint, &ensemble(endpoint, form), &quiet).await;
            let case = format!("{endpoint:?} {form:?}: {}", reply.text);
            assert_eq!((reply.status, reply.header("x-aiduet-role")), (200, "ensemble"), "{case}");
            let said = reply.said(endpoint);
            assert!(said.starts_with("This answer is simulated") && !said.contains("##"), "{case}");
            assert_eq!(said.matches("simulated").count(), 1, "{case}");
            assert_eq!((sent(&claude).len(), sent(&gpt).len()), (1, 1), "{case}");
            let records = site.close().await;
            assert_eq!(stages(&records[0]), [Stage::Plan, Stage::Code], "{case}");
        }
    }
}

#[tokio::test]
async fn a_form_of_the_answer_is_kept_in_the_quiet_manner_and_refused_in_the_other() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}},
        "required": ["a"], "additionalProperties": false});
    for (endpoint, members, field) in [
        (
            Endpoint::ChatCompletions,
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}}),
            "response_format",
        ),
        (
            Endpoint::Responses,
            json!({"text": {"format": {"type": "json_schema", "name": "x", "schema": schema}}}),
            "text.format",
        ),
        (
            Endpoint::Messages,
            json!({"output_config": {"format": {"type": "json_schema", "schema": schema}}}),
            "output_config.format",
        ),
    ] {
        let (site, [claude, _gpt]) = open(|plan| plan).await;
        let body = with(ensemble(endpoint, Form::Whole), &members);
        let refused = site.ask(endpoint, &body).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
        assert!(refused.json()["error"]["message"].as_str().unwrap().starts_with(field), "{}", refused.text);
        let reply = site.ask_with(endpoint, &body, &[("x-aiduet-ensemble", "answer")]).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let answer: Value = serde_json::from_str(&reply.said(endpoint)).unwrap();
        assert!(answer["a"].is_string(), "{answer}");
        assert!(sent(&claude)[0].get("output_config").is_none(), "the plan has no form");
        site.close().await;
    }
}

#[tokio::test]
async fn only_keys_that_allow_it_may_ask_for_an_ensemble() {
    let unsaid = open(|plan| Plan { limits: KeyLimits::default(), ..plan }).await;
    let by_operator = open(|plan| plan.settings(|settings| settings.duet.ensemble.enabled = false)).await;
    let no_duet = KeyLimits {
        duet: DuetOverrides { enabled: Some(false), ensemble: Some(true), ..DuetOverrides::default() },
        ..KeyLimits::default()
    };
    let no_duet = open(|plan| Plan { limits: no_duet, ..plan }).await;
    for ((site, [claude, gpt]), status, code) in [
        (unsaid, 403, "model_not_allowed"),
        (by_operator, 404, "model_not_found"),
        (no_duet, 400, "invalid_request"),
    ] {
        for endpoint in GENERATING {
            let reply = site.ask(endpoint, &ensemble(endpoint, Form::Whole)).await;
            let told = &reply.json()["error"]["details"]["error_code"];
            assert_eq!((reply.status, told), (status, &json!(code)), "{}", reply.text);
            let tools = match endpoint {
                Endpoint::Messages => json!({"tools": [{"name": "f", "input_schema": {"type": "object"}}]}),
                _ => json!({"tools": [{"type": "function", "name": "f"}]}),
            };
            let reply = site.ask(endpoint, &with(ensemble(endpoint, Form::Whole), &tools)).await;
            assert_eq!(reply.status, status, "who may not is not told more: {}", reply.text);
        }
        let listed = site.get("/v1/models", &[]).await.text;
        assert!(!listed.contains("duet/ensemble"), "{listed}");
        assert!(claude.seen().is_empty() && gpt.seen().is_empty());
        assert!(site.close().await.is_empty(), "refusals leave no trace");
    }
}

#[tokio::test]
async fn what_an_ensemble_cannot_do_is_refused_by_name_before_anything_is_held() {
    let (site, [claude, gpt]) = open(|plan| plan).await;
    let function = json!({"name": "f", "parameters": {"type": "object", "properties": {}}});
    let flat = json!({"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}});
    for (endpoint, members, field) in [
        (Endpoint::ChatCompletions, json!({"tools": [{"type": "function", "function": function}]}), "tools"),
        (Endpoint::ChatCompletions, json!({"functions": [function]}), "tools"),
        (Endpoint::Responses, json!({"tools": [flat]}), "tools"),
        (Endpoint::Messages, json!({"tools": [{"name": "f", "input_schema": {"type": "object"}}]}), "tools"),
        (Endpoint::ChatCompletions, json!({"n": 2}), "n"),
        (Endpoint::Messages, json!({"models": ["gpt-5.4-mini"]}), "models"),
    ] {
        for form in Form::BOTH {
            let reply = site.ask(endpoint, &with(ensemble(endpoint, form), &members)).await;
            let body = reply.json();
            let told = &body["error"]["details"]["error_code"];
            assert_eq!((reply.status, told), (400, &json!("unsupported_parameter")), "{}", reply.text);
            assert!(body["error"]["message"].as_str().unwrap().starts_with(field), "{}", reply.text);
            if endpoint.dialect() == Dialect::OpenAi {
                assert_eq!(body["error"]["param"], field, "{}", reply.text);
            }
        }
    }
    for (endpoint, limit) in [
        (Endpoint::ChatCompletions, "max_completion_tokens"),
        (Endpoint::Responses, "max_output_tokens"),
        (Endpoint::Messages, "max_tokens"),
    ] {
        let reply = site.ask(endpoint, &with(ensemble(endpoint, Form::Whole), &json!({limit: 767}))).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        assert!(reply.json()["error"]["message"].as_str().unwrap().starts_with(limit), "{}", reply.text);
        for (header, value) in
            [("x-aiduet-ensemble", "loud"), ("x-aiduet-rounds", "2"), ("x-aiduet-max-cost", "little")]
        {
            let reply = site.ask_with(endpoint, &ensemble(endpoint, Form::Whole), &[(header, value)]).await;
            assert_eq!(reply.status, 400, "{}", reply.text);
            assert!(reply.text.contains(header), "{}", reply.text);
        }
    }
    assert!(claude.seen().is_empty() && gpt.seen().is_empty());
    assert!(site.close().await.is_empty());
}

#[tokio::test]
async fn a_role_in_the_header_comes_before_the_name() {
    let (site, [claude, gpt]) = open(|plan| plan).await;
    let endpoint = Endpoint::ChatCompletions;
    for (role, expected) in [("plan", "plan"), ("auto", "code")] {
        let reply =
            site.ask_with(endpoint, &ensemble(endpoint, Form::Whole), &[("x-aiduet-role", role)]).await;
        assert_eq!((reply.status, reply.header("x-aiduet-role")), (200, expected), "{}", reply.text);
    }
    let reply =
        site.ask_with(endpoint, &ensemble(endpoint, Form::Whole), &[("x-aiduet-role", "ensemble")]).await;
    assert_eq!(reply.status, 400, "an ensemble is asked for by its name: {}", reply.text);
    assert_eq!((sent(&claude).len(), sent(&gpt).len()), (1, 1));
    site.close().await;
}

#[tokio::test]
async fn what_may_cost_more_than_the_client_allows_is_refused_before_it_starts() {
    let (site, [claude, gpt]) = open(|plan| plan).await;
    for endpoint in GENERATING {
        for form in Form::BOTH {
            let reply =
                site.ask_with(endpoint, &ensemble(endpoint, form), &[("x-aiduet-max-cost", "0.001")]).await;
            // As every refusal for money: Codex repeats a 402.
            let status = if endpoint == Endpoint::Responses { 429 } else { 402 };
            let told = &reply.json()["error"]["details"]["error_code"];
            assert_eq!((reply.status, told), (status, &json!("max_cost_exceeded")), "{}", reply.text);
            assert_eq!(reply.header("x-should-retry"), "false");
        }
    }
    assert!(claude.seen().is_empty() && gpt.seen().is_empty());
    let endpoint = Endpoint::Messages;
    let explained = site
        .post("/v1/duet/explain", &ensemble(endpoint, Form::Whole), &[("anthropic-version", "2023-06-01")])
        .await;
    let most = explained.json()["estimate"]["price_max"].as_str().unwrap().to_owned();
    let reply =
        site.ask_with(endpoint, &ensemble(endpoint, Form::Whole), &[("x-aiduet-max-cost", &most)]).await;
    assert_eq!(reply.status, 200, "the bound that is explained is the one that holds: {}", reply.text);
    let records = site.close().await;
    assert!(records[0].cost() < most.parse().unwrap());
}

#[tokio::test]
async fn an_ensemble_is_explained_and_listed_for_who_may_use_it() {
    let (site, [claude, gpt]) = open(|plan| plan).await;
    for (endpoint, headers) in
        [(Endpoint::ChatCompletions, &[][..]), (Endpoint::Messages, &[("anthropic-version", "2023-06-01")])]
    {
        let reply = site.post("/v1/duet/explain", &ensemble(endpoint, Form::Whole), headers).await;
        let told = reply.json();
        assert_eq!((reply.status, &told["role"], &told["model"]), (200, &json!("ensemble"), &json!(SOL)));
        let cast: Vec<_> =
            told["cast"].as_array().unwrap().iter().map(|it| (&it["role"], &it["model"])).collect();
        let [plan, code, review, opus, sol] = ["plan", "code", "review", OPUS, SOL].map(|text| json!(text));
        assert_eq!(cast, [(&plan, &opus), (&code, &sol), (&review, &opus)], "{told}");
        assert_eq!(told["estimate"]["output_tokens_max"], 4_000, "{told}");
        assert!(told["estimate"]["price_max_nano"].as_i64().unwrap() > 0, "{told}");
        let item = site.get("/v1/models/duet/ensemble", headers).await;
        assert_eq!((item.status, &item.json()["id"]), (200, &json!("duet/ensemble")), "{}", item.text);
    }
    // A count is for the model that writes the answer.
    let count = with(request(Endpoint::CountTokens, "duet/ensemble", CODE), &json!({}));
    let counted = site.ask(Endpoint::CountTokens, &count).await;
    assert_eq!((counted.status, counted.header("x-aiduet-model")), (200, SOL), "{}", counted.text);
    assert!(claude.seen().is_empty() && gpt.seen().is_empty(), "no call, no charge");
    assert!(site.close().await.is_empty());
}

#[tokio::test]
async fn within_a_stage_another_model_takes_over() {
    for (failing, expected) in [(Vendor::Anthropic, [SOL, SOL, SOL]), (Vendor::OpenAi, [OPUS, OPUS, OPUS])] {
        for form in Form::BOTH {
            let broken = FakeUpstream::always(error(500, "api_error")).await;
            let healthy = serving().await;
            let url = |vendor| if vendor == failing { broken.base_url() } else { healthy.base_url() };
            let site = Plan { limits: allowed(), ..Plan::new() }
                .upstream(upstream(Vendor::Anthropic, "claude", &url(Vendor::Anthropic)))
                .upstream(upstream(Vendor::OpenAi, "gpt", &url(Vendor::OpenAi)))
                .open()
                .await;
            let reply = site.ask(Endpoint::Messages, &ensemble(Endpoint::Messages, form)).await;
            let case = format!("{failing:?} {form:?}: {}", reply.text);
            assert_eq!(reply.status, 200, "{case}");
            assert_eq!(sections(&reply.said(Endpoint::Messages)).len(), 3, "{case}");
            let records = site.close().await;
            let record = &records[0];
            let mut models: Vec<(Stage, &str)> =
                record.bill.lines.iter().map(|line| (line.stage.unwrap(), line.model.as_str())).collect();
            models.dedup();
            let stages = [Stage::Plan, Stage::Code, Stage::Review];
            assert_eq!(models, stages.into_iter().zip(expected).collect::<Vec<_>>(), "{case}");
            assert_eq!((record.model.as_str(), record.outcome), (expected[1], Outcome::Completed), "{case}");
        }
    }
}

#[tokio::test]
async fn an_ensemble_that_cannot_begin_is_an_error_of_the_provider_and_costs_nothing() {
    for endpoint in GENERATING {
        for form in Form::BOTH {
            for (fault, status) in [(error(500, "api_error"), 502), (vec![Act::Reset], 502)] {
                let failing = FakeUpstream::always(fault).await;
                let site = Plan { limits: allowed(), ..Plan::new() }
                    .upstream(upstream(Vendor::Anthropic, "claude", &failing.base_url()))
                    .upstream(upstream(Vendor::OpenAi, "gpt", &failing.base_url()))
                    .settings(|settings| settings.routing.repeats_max = 0)
                    .open()
                    .await;
                let reply = site.ask(endpoint, &ensemble(endpoint, form)).await;
                assert_eq!(reply.status, status, "{endpoint:?} {form:?}: {}", reply.text);
                let records = site.close().await;
                assert_eq!((records[0].outcome, records[0].cost()), (Outcome::UpstreamError, Money::ZERO));
                assert_eq!(records[0].duet.unwrap().role, Assignment::Ensemble);
            }
        }
    }
}

#[tokio::test]
async fn the_limit_is_lowered_to_what_the_funds_cover_unless_it_must_be_exact() {
    let (site, _providers) = open(|plan| Plan { funds: cents(10), ..plan }).await;
    let endpoint = Endpoint::Messages;
    let body = with(ensemble(endpoint, Form::Whole), &json!({"max_tokens": 30_000}));
    let exact = site.ask_with(endpoint, &body, &[("x-aiduet-exact", "true")]).await;
    assert_eq!(exact.status, 402, "{}", exact.text);
    let reply = site.ask(endpoint, &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let lowered: u64 = reply.header("x-aiduet-max-tokens").parse().unwrap();
    assert!((1_024..30_000).contains(&lowered), "{lowered}");
    site.close().await;

    let (site, [claude, gpt]) = open(|plan| Plan { funds: cents(1), ..plan }).await;
    let poor = site.ask(endpoint, &body).await;
    assert_eq!(poor.status, 402, "{}", poor.text);
    assert!(sent(&claude).is_empty() && sent(&gpt).is_empty());
    site.close().await;
}

#[tokio::test]
async fn families_and_models_of_a_key_hold_for_every_stage() {
    let only = KeyLimits { models: vec![ModelId::parse(SOL).unwrap()], ..allowed() };
    let families = KeyLimits {
        duet: DuetOverrides { families: [Vendor::OpenAi].into(), ..allowed().duet },
        ..KeyLimits::default()
    };
    for limits in [only, families] {
        let (site, [claude, gpt]) = open(|plan| Plan { limits, ..plan }).await;
        let reply = site.ask(Endpoint::Responses, &ensemble(Endpoint::Responses, Form::Whole)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let reason = "rule=override.alias; model=role; plan=policy; review=policy";
        assert_eq!(reply.header("x-aiduet-reason"), reason);
        assert_eq!((sent(&claude).len(), sent(&gpt).len()), (0, 3));
        site.close().await;
    }
}
