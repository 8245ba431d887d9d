//! Golden decisions: rules in their order, constraints, stickiness, cost, reasons.

use serde_json::{Value, json};

use super::super::{Constraint, DuetError, ModelReason, Preference, Role, RoleChoice, Session, Warm};
use super::world::World;
use crate::clock::Timestamp;
use crate::dialect::Endpoint;
use crate::money::Money;
use crate::price::ModelId;
use crate::provider::Vendor;

const OPUS: &str = "claude-opus-5-5";
const SOL: &str = "gpt-6.1-sol";

fn ask(text: &str) -> Value {
    json!({"messages": [{"role": "user", "content": text}]})
}

fn plan() -> Value {
    ask("Draft a migration plan with phases and a rollback strategy: should we move the API to Kubernetes?")
}

fn code() -> Value {
    ask("Write a Rust function that parses a CSV file.")
}

fn decided(world: &World, body: &Value) -> (Role, String, ModelReason) {
    let decision = world.decide(Endpoint::ChatCompletions, body).unwrap();
    (decision.role(), decision.model().id.as_str().to_owned(), decision.model_reason())
}

#[test]
fn each_role_has_its_model() {
    let world = World::new();
    assert_eq!(decided(&world, &plan()), (Role::Plan, OPUS.to_owned(), ModelReason::Role));
    assert_eq!(decided(&world, &code()), (Role::Code, SOL.to_owned(), ModelReason::Role));
    let titles = json!({"system": "You are a title generator.", "max_tokens": 20,
        "messages": [{"role": "user", "content": "hi"}]});
    let decision = world.decide(Endpoint::Messages, &titles).unwrap();
    assert_eq!(decision.model().id.as_str(), "claude-haiku-5-5");
    let titles = json!({"messages": [{"role": "system", "content": "You are a title generator."},
        {"role": "user", "content": "hi"}]});
    assert_eq!(decided(&world, &titles).1, "gpt-6-luna");
}

#[test]
fn header_alias_and_key_name_a_role_in_this_order() {
    let mut world = World::new();
    world.key.pin_role = Some(Role::Review);
    let reason =
        |world: &World| world.decide(Endpoint::ChatCompletions, &code()).unwrap().reason().to_string();
    assert_eq!(reason(&world), "rule=override.key; model=role");
    world.alias = RoleChoice::Role(Role::Plan);
    assert_eq!(reason(&world), "rule=override.alias; model=role");
    world.header = Some(RoleChoice::Role(Role::Chat));
    assert_eq!(reason(&world), "rule=override.header; model=role");
    world.header = Some(RoleChoice::Auto);
    assert!(reason(&world).starts_with("score code="), "{}", reason(&world));
}

#[test]
fn a_field_that_the_model_refuses_goes_to_another() {
    let world = World::new();
    let with = |field: &str, value: Value| {
        let mut body = plan();
        body[field] = value;
        body["tools"] = json!([{"type": "function", "function": {"name": "f"}}]);
        body
    };
    let forced = decided(&world, &with("tool_choice", json!("required")));
    assert_eq!(forced, (Role::Plan, SOL.to_owned(), ModelReason::Constraint(Constraint::ToolChoice)));
    let silent = decided(&world, &with("reasoning_effort", json!("none")));
    assert_eq!(silent.2, ModelReason::Constraint(Constraint::Thinking));
    for (field, value, constraint) in
        [("n", json!(2), Constraint::N), ("logprobs", json!(true), Constraint::Logprobs)]
    {
        assert_eq!(decided(&world, &with(field, value)).2, ModelReason::Constraint(constraint));
    }
    assert_eq!(decided(&world, &with("n", json!(1))).1, OPUS);
    assert_eq!(decided(&world, &with("tool_choice", json!("auto"))).1, OPUS);
}

#[test]
fn nobody_left_is_an_error_that_names_the_field() {
    let mut world = World::new();
    world.key.families = [Vendor::Anthropic].into();
    world.key.models = [(Role::Code, vec![OPUS]), (Role::Chat, vec![OPUS])]
        .into_iter()
        .map(|(role, models)| {
            let models = models.into_iter().map(|model| ModelId::parse(model).unwrap()).collect();
            (role, crate::routing::Models::Several(models))
        })
        .collect();
    let mut body = code();
    body["tool_choice"] = json!("required");
    let error = world.decide(Endpoint::ChatCompletions, &body).unwrap_err();
    assert_eq!(error, DuetError::Unsupported { constraint: Constraint::ToolChoice });
    assert!(error.to_string().contains("tool_choice"));
    world.catalogue.forbidden = vec![OPUS];
    assert_eq!(world.decide(Endpoint::ChatCompletions, &code()).unwrap_err(), DuetError::NotAllowed);
    world.key.enabled = Some(false);
    assert_eq!(world.decide(Endpoint::ChatCompletions, &code()).unwrap_err(), DuetError::Disabled);
}

#[test]
fn policy_and_health_choose_another_model() {
    let mut world = World::new();
    world.key.families = [Vendor::OpenAi].into();
    assert_eq!(decided(&world, &plan()), (Role::Plan, SOL.to_owned(), ModelReason::Policy));
    world.key.families.clear();
    world.catalogue.down = vec![Vendor::Anthropic];
    assert_eq!(decided(&world, &plan()), (Role::Plan, SOL.to_owned(), ModelReason::Fallback));
    let decision = world.decide(Endpoint::ChatCompletions, &plan()).unwrap();
    assert_eq!(decision.alternatives().last().unwrap().id.as_str(), OPUS);
    world.catalogue.down = vec![Vendor::Anthropic, Vendor::OpenAi];
    assert_eq!(decided(&world, &plan()).1, OPUS, "nothing is left but to try");
    world.catalogue.down.clear();
    world.catalogue.forbidden = vec![OPUS];
    assert_eq!(decided(&world, &plan()).2, ModelReason::Policy);
}

/// A tool loop of a model, with a call whose identifier has this prefix.
fn tool_loop(prefix: &str) -> Value {
    let id = format!("{prefix}1");
    json!({"max_tokens": 100, "messages": [
        {"role": "user", "content": "Add a retry to the upload function in src/upload.ts."},
        {"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "Read", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "…"}]},
    ]})
}

#[test]
fn the_maker_of_open_calls_answers() {
    let world = World::new();
    let decision = world.decide(Endpoint::Messages, &tool_loop("toolu_")).unwrap();
    assert_eq!(decision.role(), Role::Code);
    assert_eq!(decision.model().id.as_str(), OPUS);
    assert_eq!(decision.model_reason(), ModelReason::StickyToolLoop);
    let decision = world.decide(Endpoint::Messages, &tool_loop("call_")).unwrap();
    assert_eq!(decision.model().id.as_str(), SOL);
    assert_eq!(decision.model_reason(), ModelReason::Role);
}

#[test]
fn an_approved_plan_may_be_executed_by_the_code_model() {
    let reminder = "<system-reminder>\nPlan mode is active.\n</system-reminder>";
    let body = json!({"max_tokens": 100, "messages": [
        {"role": "user", "content": [{"type": "text", "text": reminder}, {"type": "text", "text": "Make writes safe."}]},
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "toolu_1", "name": "ExitPlanMode", "input": {"plan": "1. Read"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1",
            "content": "User has approved your plan. You can now start coding."}]},
    ]});
    let decision = World::new().decide(Endpoint::Messages, &body).unwrap();
    assert_eq!(decision.model().id.as_str(), SOL);
    assert!(
        decision.reason().to_string().starts_with("rule=client_mode.claude_code.code; model=role; switch=")
    );
}

fn session(model: &str, used_at: Timestamp) -> Session {
    Session { role: Role::Code, model: ModelId::parse(model).unwrap(), tokens: 90_000, used_at, before: None }
}

#[test]
fn a_change_of_family_costs_what_the_price_book_says() {
    let mut world = World::new();
    world.input_tokens = 100_000;
    world.header = Some(RoleChoice::Role(Role::Plan));
    world.session = Some(session(SOL, world.now));
    let decision = world.decide(Endpoint::ChatCompletions, &code()).unwrap();
    assert_eq!(decision.switch_cost(), Some(Money::from_nanos(490_000_000)));
    assert_eq!(decision.reason().to_string(), "rule=override.header; model=role; switch=0.4900");
    world.header = Some(RoleChoice::Role(Role::Code));
    world.session = Some(session(OPUS, world.now));
    let decision = world.decide(Endpoint::ChatCompletions, &code()).unwrap();
    assert_eq!(decision.switch_cost(), Some(Money::from_nanos(230_000_000)));
    let before = Warm { model: ModelId::parse(SOL).unwrap(), tokens: 80_000, read_at: world.now };
    world.session = Some(Session { before: Some(before), ..session(OPUS, world.now) });
    let decision = world.decide(Endpoint::ChatCompletions, &code()).unwrap();
    // 20,000 tokens written at 2.50, 80,000 read at 0.10, instead of 100,000 read at 0.20.
    assert_eq!(decision.switch_cost(), Some(Money::from_nanos(38_000_000)));
}

#[test]
fn a_dear_or_uncertain_change_is_not_made() {
    let mut world = World::new();
    world.input_tokens = 200_000;
    world.header = Some(RoleChoice::Role(Role::Plan));
    world.session = Some(session(SOL, world.now));
    assert_eq!(decided(&world, &code()), (Role::Plan, SOL.to_owned(), ModelReason::StickySession));
    world.key.max_switch_cost = Some(Money::from_nanos(2_000_000_000));
    assert_eq!(decided(&world, &code()).1, OPUS);
    world.session = Some(session(SOL, Timestamp::from_millis(0)));
    world.key.max_switch_cost = None;
    assert_eq!(decided(&world, &code()).1, OPUS, "what is an hour old is forgotten");
}

#[test]
fn an_uncertain_role_keeps_the_family() {
    let mut world = World::undecided();
    world.session = Some(session(OPUS, world.now));
    assert_eq!(decided(&world, &code()), (Role::Chat, OPUS.to_owned(), ModelReason::StickySession));
    let mut world = World::new();
    world.session = Some(session(OPUS, world.now));
    world.key.prefer = Some(Preference::Quality);
    assert_eq!(decided(&world, &code()).1, SOL);
}

#[test]
fn a_large_background_call_stays_where_it_is_cheaper() {
    let mut world = World::new();
    world.header = Some(RoleChoice::Role(Role::Background));
    world.session = Some(session(SOL, world.now));
    world.input_tokens = 20_001;
    assert_eq!(decided(&world, &code()).1, "gpt-6-luna", "a cheap model is cheaper than a warm cache");
    world
        .key
        .models
        .insert(Role::Background, crate::routing::Models::One(ModelId::parse("gpt-6-astra").unwrap()));
    assert_eq!(decided(&world, &code()).2, ModelReason::StickySession);
    world.input_tokens = 20_000;
    assert_eq!(decided(&world, &code()).1, "gpt-6-astra");
}

#[test]
fn the_explanation_tells_all_there_is() {
    let world = World::new();
    let decision = world.decide(Endpoint::ChatCompletions, &plan()).unwrap();
    let explanation = serde_json::to_value(decision.explanation()).unwrap();
    assert_eq!(explanation["role"], "plan");
    assert_eq!(explanation["candidates"][0], json!({"model": OPUS, "state": "chosen"}));
    assert_eq!(explanation["scores"].as_array().unwrap().len(), 4);
    assert!(explanation["features"].as_array().unwrap().iter().any(|feature| feature["feature"] == "design"));
    assert_eq!(explanation["reason"], decision.reason().to_string());
}
