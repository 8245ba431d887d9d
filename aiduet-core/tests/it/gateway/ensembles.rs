//! Plan, code and review in one answer: what each stage costs, whatever becomes of it.

use std::time::Duration;

use aiduet_core::duet::DuetOverrides;
use aiduet_core::keys::KeyLimits;
use aiduet_core::ledger::{Outcome, RequestRecord, SweepRequest, Swept};
use aiduet_core::money::Money;
use aiduet_core::provider::{ProviderError, Stage as CallStage};
use aiduet_core::testing::cents;
use aiduet_core::usage::Stage;
use bytes::Bytes;
use serde_json::{Value, json};

use super::call::{Api, Call, events, price};
use super::doubles::{Asked, Failure, Feed, Head, ScriptedProvider};
use super::{House, Plan};
use crate::databases::{Store, on_each_store};

on_each_store! {
    all_stages_are_held_once_and_paid_once
    a_review_that_fails_ends_the_answer_with_a_note_and_is_not_charged
    a_code_stage_that_fails_is_an_error_and_what_ran_is_paid
    code_that_breaks_off_is_paid_as_far_as_it_came
    a_plan_that_fails_costs_nothing
    a_client_that_leaves_stops_the_next_stage
    a_client_that_leaves_a_whole_answer_stops_the_next_stage
    what_a_process_that_dies_in_a_later_stage_has_noted_is_charged
    a_settlement_that_is_not_written_in_time_withholds_the_end
}

/// The usage of plan, code, review and repair.
const PLAN: (u64, u64) = (900, 40);
const CODE: (u64, u64) = (1_200, 300);
const REVIEW: (u64, u64) = (2_000, 30);
const REPAIR: (u64, u64) = (2_500, 200);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Whole,
    Stream,
}

const FORMS: [Form; 2] = [Form::Whole, Form::Stream];

fn scripted(store: Store) -> (Plan, std::sync::Arc<ScriptedProvider>) {
    let (plan, provider) = House::scripted(store);
    let duet = DuetOverrides { ensemble: Some(true), ..DuetOverrides::default() };
    (plan.limits(KeyLimits { duet, ..KeyLimits::default() }), provider)
}

fn call(api: Api, form: Form) -> Call {
    limited(api, form, 4_000)
}

fn limited(api: Api, form: Form, limit: u64) -> Call {
    let mut body = api.body("Write a parser.");
    body["model"] = "duet/ensemble".into();
    body[api.limit()] = limit.into();
    body["stream"] = (form == Form::Stream).into();
    for effort in ["reasoning", "reasoning_effort"] {
        body.as_object_mut().unwrap().remove(effort);
    }
    Call::post(api.endpoint(), &body)
}

/// The API on which a stage is served to a client.
const fn served_on(api: Api, stage: Stage) -> Api {
    match (stage, api) {
        (Stage::Plan | Stage::Review, _) => Api::Messages,
        (Stage::Code | Stage::Repair, Api::Chat) => Api::Chat,
        (Stage::Code | Stage::Repair, Api::Responses | Api::Messages) => Api::Responses,
    }
}

const fn usage(stage: Stage) -> (u64, u64) {
    match stage {
        Stage::Plan => PLAN,
        Stage::Code => CODE,
        Stage::Review => REVIEW,
        Stage::Repair => REPAIR,
    }
}

/// A stage that says something and ends.
fn says(provider: &ScriptedProvider, (client, stage): (Api, Stage), text: &str) {
    let feed = begins(provider, (client, stage), text);
    ends(&feed, (client, stage));
    feed.end();
}

/// A stage that has said something.
fn begins(provider: &ScriptedProvider, (client, stage): (Api, Stage), text: &str) -> Feed {
    let api = served_on(client, stage);
    let feed = provider.begun(Head::STREAM);
    feed.send(api.opening(usage(stage).0));
    for piece in text.split_inclusive(' ') {
        feed.send(api.piece(piece));
    }
    feed
}

fn ends(feed: &Feed, (client, stage): (Api, Stage)) {
    let api = served_on(client, stage);
    feed.send(api.before_last(usage(stage)));
    feed.send(api.last(usage(stage)));
}

/// A stage of which no model can be reached.
fn fails(provider: &ScriptedProvider) {
    // The model of the role, and the one that would take over.
    for _model in 0..2 {
        provider.feed().begin(Err(ProviderError::Connect));
    }
}

/// The price of some stages together: one bill, rounded up once.
fn together(client: Api, stages: &[Stage]) -> Money {
    let lines = stages.iter().flat_map(|stage| {
        let (rates, (input, output)) = (served_on(client, *stage).rates(), usage(*stage));
        [(input, rates.input), (output, rates.output)]
    });
    price(&lines.collect::<Vec<_>>())
}

fn billed(record: &RequestRecord) -> Vec<Stage> {
    let mut stages: Vec<Stage> = record.bill.lines.iter().filter_map(|line| line.stage).collect();
    stages.dedup();
    stages
}

/// What an answer says.
fn said(api: Api, form: Form, body: &[u8]) -> String {
    let all = match form {
        Form::Stream => events(&[Bytes::copy_from_slice(body)]),
        Form::Whole => vec![serde_json::from_slice(body).unwrap()],
    };
    let text = |event: &Value| match (api, form) {
        (Api::Chat, Form::Stream) => event["choices"][0]["delta"]["content"].clone(),
        (Api::Chat, Form::Whole) => event["choices"][0]["message"]["content"].clone(),
        (Api::Responses, Form::Stream) if event["type"] == "response.output_text.delta" => {
            event["delta"].clone()
        }
        (Api::Responses, Form::Whole) => event["output"][0]["content"][0]["text"].clone(),
        (Api::Messages, Form::Stream) => event["delta"]["text"].clone(),
        (Api::Messages, Form::Whole) => event["content"][0]["text"].clone(),
        (Api::Responses, Form::Stream) => Value::Null,
    };
    all.iter().map(|event| text(event).as_str().unwrap_or_default().to_owned()).collect()
}

/// Why an answer ended.
fn reason(api: Api, form: Form, body: &[u8]) -> String {
    let all = match form {
        Form::Stream => events(&[Bytes::copy_from_slice(body)]),
        Form::Whole => vec![serde_json::from_slice(body).unwrap()],
    };
    let reason = |event: &Value| match (api, form) {
        (Api::Chat, _) => event["choices"][0]["finish_reason"].clone(),
        (Api::Responses, Form::Stream) => event["response"]["status"].clone(),
        (Api::Responses, Form::Whole) => event["status"].clone(),
        (Api::Messages, Form::Stream) => event["delta"]["stop_reason"].clone(),
        (Api::Messages, Form::Whole) => event["stop_reason"].clone(),
    };
    all.iter().rev().find_map(|event| reason(event).as_str().map(ToOwned::to_owned)).unwrap_or_default()
}

const ALL: &str = "## Plan\n\nfirst this\n\n## Code\n\nfn main\n\n## Review\n\nlooks good";

async fn all_stages_are_held_once_and_paid_once(store: Store) {
    for api in Api::ALL {
        for form in FORMS {
            let (plan, provider) = scripted(store);
            let house = plan.open().await;
            says(&provider, (api, Stage::Plan), "first this");
            says(&provider, (api, Stage::Code), "fn main");
            says(&provider, (api, Stage::Review), "looks good");
            let reply = house.send(call(api, form)).await;
            assert_eq!(reply.status, 200, "{api:?} {form:?}: {:?}", reply.body);
            assert_eq!(said(api, form, &reply.body), ALL, "{api:?} {form:?}");
            let cost = together(api, &[Stage::Plan, Stage::Code, Stage::Review]);
            let held = house.ledger.reserves()[0];
            let asked = [Asked::Reserve(held), Asked::Settle(cost)];
            assert_eq!(house.ledger.asked(), asked, "{api:?} {form:?}: one hold, one settlement");
            assert!(held > cost, "{api:?} {form:?}: {cost} of {held}");
            let records = house.close().await;
            assert_eq!(records.len(), 1, "one record");
            let record = &records[0];
            assert_eq!(record.outcome, Outcome::Completed, "{api:?} {form:?}");
            assert_eq!(billed(record), [Stage::Plan, Stage::Code, Stage::Review]);
            assert_eq!(record.usage.output, PLAN.1 + CODE.1 + REVIEW.1);
            assert_eq!(record.usage.prompt(), PLAN.0 + CODE.0 + REVIEW.0);
        }
    }
}

async fn a_review_that_fails_ends_the_answer_with_a_note_and_is_not_charged(store: Store) {
    for api in Api::ALL {
        for form in FORMS {
            for breaks_off in [false, true] {
                let (plan, provider) = scripted(store);
                let house = plan.open().await;
                says(&provider, (api, Stage::Plan), "first this");
                says(&provider, (api, Stage::Code), "fn main");
                if breaks_off {
                    let feed = begins(&provider, (api, Stage::Review), "it is ");
                    feed.fail(ProviderError::Broken { stage: CallStage::Body });
                    feed.end();
                } else {
                    fails(&provider);
                }
                let reply = house.send(call(api, form)).await;
                let case = format!("{api:?} {form:?} {breaks_off}");
                assert_eq!((reply.status, reason(api, form, &reply.body)), (200, done(api)), "{case}");
                let said = said(api, form, &reply.body);
                assert!(said.starts_with("## Plan\n\nfirst this\n\n## Code\n\nfn main"), "{case}: {said}");
                assert!(said.ends_with("*The review failed and is not charged.*"), "{case}: {said}");
                let records = house.close().await;
                assert_eq!(records[0].cost(), together(api, &[Stage::Plan, Stage::Code]), "{case}");
                assert_eq!(
                    (records[0].outcome, billed(&records[0])),
                    (Outcome::Completed, vec![Stage::Plan, Stage::Code])
                );
            }
        }
    }
}

/// What the end of an answer is called that came to its end.
fn done(api: Api) -> String {
    match api {
        Api::Chat => "stop",
        Api::Responses => "completed",
        Api::Messages => "end_turn",
    }
    .to_owned()
}

/// Checks that a stream ends with an error of its dialect, or a whole answer is one, which says that
/// something is charged.
fn assert_failed(api: Api, form: Form, (status, body): (u16, &[u8])) {
    let case = format!("{api:?} {form:?}: {}", String::from_utf8_lossy(body));
    match form {
        Form::Whole => {
            assert!(status >= 500, "{case}");
            let body: Value = serde_json::from_slice(body).unwrap();
            assert!(body["error"]["message"].as_str().unwrap().contains("are charged"), "{case}");
        }
        Form::Stream => {
            assert_eq!(status, 200, "{case}");
            let events = events(&[Bytes::copy_from_slice(body)]);
            let last = events.last().unwrap();
            match api {
                Api::Chat => assert!(last["error"].is_object(), "{case}"),
                Api::Responses => assert_eq!(last["type"], "response.failed", "{case}"),
                Api::Messages => assert_eq!(last["type"], "error", "{case}"),
            }
        }
    }
}

async fn a_code_stage_that_fails_is_an_error_and_what_ran_is_paid(store: Store) {
    for api in Api::ALL {
        for form in FORMS {
            let (plan, provider) = scripted(store);
            let house = plan.open().await;
            says(&provider, (api, Stage::Plan), "first this");
            fails(&provider);
            let reply = house.send(call(api, form)).await;
            assert_failed(api, form, (reply.status, &reply.body));
            if form == Form::Whole {
                assert_eq!(reply.header("x-should-retry"), "false", "a repeat would pay for the plan again");
            }
            let records = house.close().await;
            assert_eq!(records[0].outcome, Outcome::UpstreamInterrupted);
            assert_eq!(records[0].cost(), together(api, &[Stage::Plan]), "{api:?} {form:?}");
            assert_eq!(records[0].attempts.len(), 3);
        }
    }
}

async fn code_that_breaks_off_is_paid_as_far_as_it_came(store: Store) {
    for api in Api::ALL {
        for form in FORMS {
            let (plan, provider) = scripted(store);
            let house = plan.open().await;
            says(&provider, (api, Stage::Plan), "first this");
            let feed = begins(&provider, (api, Stage::Code), "fn main and more of it ");
            feed.fail(ProviderError::Broken { stage: CallStage::Body });
            feed.end();
            let reply = house.send(call(api, form)).await;
            assert_failed(api, form, (reply.status, &reply.body));
            let records = house.close().await;
            let record = &records[0];
            assert_eq!(
                (record.outcome, billed(record)),
                (Outcome::UpstreamInterrupted, vec![Stage::Plan, Stage::Code])
            );
            assert!(record.flags.estimated && record.cost() > together(api, &[Stage::Plan]));
            assert!(record.usage.output > PLAN.1 && record.usage.output < PLAN.1 + 20);
        }
    }
}

async fn a_plan_that_fails_costs_nothing(store: Store) {
    for api in Api::ALL {
        for form in FORMS {
            let (plan, provider) = scripted(store);
            let house = plan.open().await;
            fails(&provider);
            let reply = house.send(call(api, form)).await;
            assert_eq!(reply.status, 503, "{api:?} {form:?}");
            assert!(String::from_utf8_lossy(&reply.body).contains("Nothing was charged"));
            let records = house.close().await;
            assert_eq!((records[0].outcome, records[0].cost()), (Outcome::UpstreamError, Money::ZERO));
        }
    }
}

async fn a_client_that_leaves_stops_the_next_stage(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = scripted(store);
        let house = plan.open().await;
        let feed = begins(&provider, (api, Stage::Plan), "first ");
        let mut answer = house.start(call(api, Form::Stream)).await;
        answer.next().await.unwrap();
        drop(answer);
        feed.send(Api::Messages.piece("this"));
        ends(&feed, (api, Stage::Plan));
        house.ledger.closed(1).await;
        assert_eq!(provider.calls(), 1, "{api:?}: no code is written for nobody");
        let records = house.close().await;
        assert_eq!(records[0].outcome, Outcome::ClientDisconnected, "{api:?}");
        assert_eq!(records[0].cost(), together(api, &[Stage::Plan]), "{api:?}: what ran is paid");
    }
}

async fn a_client_that_leaves_a_whole_answer_stops_the_next_stage(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = scripted(store);
        let house = plan.open().await;
        let feed = begins(&provider, (api, Stage::Plan), "first ");
        {
            let mut answer = std::pin::pin!(house.start(call(api, Form::Whole)));
            tokio::select! {
                _answer = &mut answer => panic!("nothing has ended"),
                () = provider.called(1) => {}
            }
        }
        ends(&feed, (api, Stage::Plan));
        house.ledger.closed(1).await;
        assert_eq!(provider.calls(), 1, "{api:?}");
        let records = house.close().await;
        assert_eq!(records[0].outcome, Outcome::ClientDisconnected, "{api:?}");
        assert_eq!(records[0].cost(), together(api, &[Stage::Plan]), "{api:?}");
    }
}

async fn what_a_process_that_dies_in_a_later_stage_has_noted_is_charged(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = scripted(store);
        let house = plan.open().await;
        says(&provider, (api, Stage::Plan), "first this");
        let code = provider.feed();
        let mut answer = house.start(call(api, Form::Stream)).await;
        let read = async {
            loop {
                answer.next().await.unwrap();
            }
        };
        tokio::select! {
            () = provider.called(2) => {}
            () = read => {}
        }
        // No process of these tests says that it is alive, so all their holds may be swept.
        let all = SweepRequest { dead_after: Duration::ZERO, limit: 10 };
        assert_eq!(house.stores.custody.sweep(all).await.unwrap(), Swept { recovered: 1, lost: 0 });
        let balance = house.balance().await;
        assert_eq!((balance.used, balance.held), (together(api, &[Stage::Plan]), Money::ZERO), "{api:?}");
        let account = house.customer().account;
        let found = house.stores.requests.find(account, answer.id()).await.unwrap().unwrap();
        assert_eq!((found.outcome, found.cost()), (Outcome::Recovered, balance.used));
        // It was not dead after all: the difference is charged, and nothing twice.
        let mut code = code;
        code.begin(Ok(Head::STREAM));
        let on = served_on(api, Stage::Code);
        for piece in [on.opening(CODE.0), on.piece("fn main"), on.before_last(CODE), on.last(CODE)] {
            code.send(piece);
        }
        says(&provider, (api, Stage::Review), "looks good");
        answer.rest().await;
        let records = house.close().await;
        assert_eq!((records.len(), records[0].outcome), (1, Outcome::Completed));
        assert_eq!(records[0].cost(), together(api, &[Stage::Plan, Stage::Code, Stage::Review]), "{api:?}");
    }
}

async fn a_settlement_that_is_not_written_in_time_withholds_the_end(store: Store) {
    for api in Api::ALL {
        let (plan, provider) = scripted(store);
        let house = plan.gateway(|gateway| gateway.settle_wait = Duration::from_millis(50)).open().await;
        says(&provider, (api, Stage::Plan), "first this");
        says(&provider, (api, Stage::Code), "fn main");
        says(&provider, (api, Stage::Review), "looks good");
        house.ledger.fail_closings([Some(Failure::Before), Some(Failure::After), Some(Failure::Before)]);
        let reply = house.send(call(api, Form::Stream)).await;
        assert_ne!(
            reason(api, Form::Stream, &reply.body),
            done(api),
            "{api:?}: not ended as if it were whole"
        );
        house.ledger.closed(1).await;
        let records = house.close().await;
        let cost = together(api, &[Stage::Plan, Stage::Code, Stage::Review]);
        assert_eq!((records.len(), records[0].cost()), (1, cost), "{api:?}: written in the background, once");
    }
}

#[tokio::test]
async fn a_review_that_finds_a_blocking_defect_has_the_code_written_once_more() {
    for api in Api::ALL {
        for form in FORMS {
            for (rounds, verdict, calls) in [("1", "BLOCKING", 4), ("1", "OK", 3), ("0", "BLOCKING", 3)] {
                for quiet in [false, true] {
                    let (plan, provider) = scripted(Store::Memory);
                    let house = plan.open().await;
                    let is_reviewed = !(quiet && rounds == "0");
                    says(&provider, (api, Stage::Plan), "first this");
                    says(&provider, (api, Stage::Code), "fn main");
                    if is_reviewed {
                        says(&provider, (api, Stage::Review), &format!("bad\nVERDICT: {verdict}"));
                    }
                    if calls == 4 {
                        says(&provider, (api, Stage::Repair), "fn better");
                    }
                    let mut call = call(api, form).header("x-aiduet-rounds", rounds);
                    if quiet {
                        call = call.header("x-aiduet-ensemble", "answer");
                    }
                    let reply = house.send(call).await;
                    let case = format!("{api:?} {form:?} {rounds} {verdict} {quiet}");
                    assert_eq!(reply.status, 200, "{case}: {:?}", reply.body);
                    let said = said(api, form, &reply.body);
                    match (quiet, calls) {
                        (true, 4) => assert_eq!(said, "fn better", "{case}"),
                        (true, _) => assert_eq!(said, "fn main", "{case}"),
                        (false, 4) => assert!(said.ends_with("\n\n## Repair\n\nfn better"), "{case}: {said}"),
                        (false, _) => {
                            assert!(said.ends_with(&format!("VERDICT: {verdict}")), "{case}: {said}")
                        }
                    }
                    let mut stages = vec![Stage::Plan, Stage::Code];
                    stages.extend(is_reviewed.then_some(Stage::Review));
                    stages.extend((calls == 4).then_some(Stage::Repair));
                    assert_eq!(provider.calls(), stages.len(), "{case}");
                    let asked = house.ledger.asked().len();
                    assert_eq!(asked, 2, "{case}: one hold, one settlement");
                    let records = house.close().await;
                    assert_eq!(
                        (billed(&records[0]), records[0].cost()),
                        (stages.clone(), together(api, &stages))
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn a_repair_that_fails_leaves_the_code_as_it_was() {
    for quiet in [false, true] {
        let (plan, provider) = scripted(Store::Memory);
        let house = plan.open().await;
        let api = Api::Messages;
        says(&provider, (api, Stage::Plan), "first this");
        says(&provider, (api, Stage::Code), "fn main");
        says(&provider, (api, Stage::Review), "bad\nVERDICT: BLOCKING");
        let feed = begins(&provider, (api, Stage::Repair), "fn bet");
        feed.fail(ProviderError::Broken { stage: CallStage::Body });
        feed.end();
        let mut call = call(api, Form::Stream).header("x-aiduet-rounds", "1");
        if quiet {
            call = call.header("x-aiduet-ensemble", "answer");
        }
        let reply = house.send(call).await;
        let said = said(api, Form::Stream, &reply.body);
        match quiet {
            true => assert_eq!(said, "fn main"),
            false => assert!(said.ends_with("*The repair failed and is not charged.*"), "{said}"),
        }
        let records = house.close().await;
        assert_eq!(records[0].outcome, Outcome::Completed);
        assert_eq!(records[0].cost(), together(api, &[Stage::Plan, Stage::Code, Stage::Review]));
    }
}

#[tokio::test]
async fn the_answer_ends_as_the_code_did() {
    for (api, expected) in
        [(Api::Chat, "length"), (Api::Responses, "incomplete"), (Api::Messages, "max_tokens")]
    {
        for form in FORMS {
            let (plan, provider) = scripted(Store::Memory);
            let house = plan.open().await;
            says(&provider, (api, Stage::Plan), "first this");
            let on = served_on(api, Stage::Code);
            let feed = begins(&provider, (api, Stage::Code), "fn ma");
            match on {
                Api::Chat => {
                    let cut = json!({
                        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5.6",
                        "choices": [{"index": 0, "delta": {}, "finish_reason": "length"}], "usage": null,
                    });
                    feed.send(format!("data: {cut}\n\n"));
                    feed.send(on.last(CODE));
                }
                _ => {
                    let cut = json!({"type": "response.incomplete", "sequence_number": 9, "response": {
                        "id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-5.6",
                        "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"},
                        "output": [], "usage": {"input_tokens": CODE.0, "output_tokens": CODE.1,
                            "total_tokens": CODE.0 + CODE.1},
                    }});
                    feed.send(format!("event: response.incomplete\ndata: {cut}\n\n"));
                }
            }
            feed.end();
            says(&provider, (api, Stage::Review), "looks good");
            let reply = house.send(call(api, form)).await;
            assert_eq!(reason(api, form, &reply.body), expected, "{api:?} {form:?}: {:?}", reply.body);
            assert!(said(api, form, &reply.body).ends_with("looks good"));
            house.close().await;
        }
    }
}

#[tokio::test]
async fn one_deadline_holds_for_all_stages() {
    let brief = |plan: Plan| {
        let mut plan = plan;
        plan.settings.duet.ensemble.deadline = Duration::from_millis(300);
        plan
    };
    for api in Api::ALL {
        for form in FORMS {
            // The code hangs before its head, and in the middle; the review hangs.
            for (hangs, begun) in [(Stage::Code, false), (Stage::Code, true), (Stage::Review, false)] {
                let (plan, provider) = scripted(Store::Memory);
                let house = brief(plan).open().await;
                says(&provider, (api, Stage::Plan), "first this");
                if hangs == Stage::Review {
                    says(&provider, (api, Stage::Code), "fn main");
                }
                let _silent: Vec<Feed> = match begun {
                    true => vec![begins(&provider, (api, hangs), "fn ")],
                    false => vec![provider.feed(), provider.feed()],
                };
                let reply = house.send(call(api, form)).await;
                let case = format!("{api:?} {form:?} {hangs:?} {begun}");
                if hangs == Stage::Review {
                    assert_eq!(reply.status, 200, "{case}");
                    assert!(said(api, form, &reply.body).ends_with("is not charged.*"), "{case}");
                } else {
                    assert_failed(api, form, (reply.status, &reply.body));
                    assert!(form == Form::Stream || reply.status == 504, "{case}: {}", reply.status);
                }
                let records = house.close().await;
                let mut paid = vec![Stage::Plan];
                paid.extend((begun || hangs == Stage::Review).then_some(Stage::Code));
                assert_eq!(billed(&records[0]), paid, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn a_client_hears_something_while_a_stage_is_silent() {
    for (api, silent) in
        [(Api::Chat, ": keep-alive"), (Api::Responses, ": keep-alive"), (Api::Messages, "event: ping")]
    {
        let (plan, provider) = scripted(Store::Memory);
        let house = plan.gateway(|gateway| gateway.keep_alive = Duration::from_millis(20)).open().await;
        says(&provider, (api, Stage::Plan), "first this");
        let mut code = provider.feed();
        let mut answer = house.start(call(api, Form::Stream)).await;
        let mut pings = 0;
        while pings < 4 {
            let frame = answer.next().await.unwrap();
            pings += usize::from(frame.starts_with(silent.as_bytes()));
        }
        code.begin(Ok(Head::STREAM));
        code.send(served_on(api, Stage::Code).opening(CODE.0));
        ends(&code, (api, Stage::Code));
        answer.rest().await;
        house.close().await;
    }
}

#[tokio::test]
async fn a_process_that_stops_charges_what_ran_and_says_so() {
    for api in Api::ALL {
        let (plan, provider) = scripted(Store::Memory);
        let house = plan.open().await;
        says(&provider, (api, Stage::Plan), "first this");
        let _code = provider.feed();
        let mut answer = house.start(call(api, Form::Stream)).await;
        let mut frames = Vec::new();
        while provider.calls() < 2 {
            frames.push(answer.next().await.unwrap());
            tokio::task::yield_now().await;
        }
        house.app.gateway().interrupt();
        frames.extend(answer.rest().await);
        assert_failed(api, Form::Stream, (200, &frames.concat()));
        let records = house.close().await;
        assert_eq!(records[0].outcome, Outcome::UpstreamInterrupted, "{api:?}");
        assert_eq!(records[0].cost(), together(api, &[Stage::Plan]), "{api:?}");
    }
}

#[tokio::test]
async fn a_model_that_takes_over_is_not_called_above_what_the_client_allows() {
    /// So much that what the plan leaves of its share does not pay for the dearer model.
    const LONG: u64 = 40_000;
    let api = Api::Messages;
    let explained = {
        let (plan, _provider) = scripted(Store::Memory);
        let house = plan.open().await;
        let mut explain = limited(api, Form::Whole, LONG);
        explain.path = "/v1/duet/explain".to_owned();
        let told = house.send(explain).await.json();
        house.close().await;
        told["estimate"]["price_max"].as_str().unwrap().to_owned()
    };
    for (ceiling, takes_over) in [(Some(&*explained), false), (None, true)] {
        let (plan, provider) = scripted(Store::Memory);
        let house = plan.open().await;
        says(&provider, (api, Stage::Plan), "first this");
        provider.feed().begin(Err(ProviderError::Connect));
        if takes_over {
            // The dearer model writes the code.
            says(&provider, (api, Stage::Review), "fn main");
            says(&provider, (api, Stage::Review), "looks good");
        }
        let call = limited(api, Form::Whole, LONG);
        let call = ceiling.into_iter().fold(call, |call, most| call.header("x-aiduet-max-cost", most));
        let reply = house.send(call).await;
        assert_eq!(reply.status == 200, takes_over, "{:?}", reply.body);
        let held = house.ledger.reserves();
        assert_eq!(held.len(), if takes_over { 2 } else { 1 }, "the hold follows the route: {held:?}");
        let records = house.close().await;
        assert!(ceiling.is_none_or(|most| held[0] <= most.parse().unwrap()));
        assert_eq!(records[0].attempts.len(), if takes_over { 4 } else { 2 });
    }
}

#[tokio::test]
async fn an_empty_code_is_not_reviewed() {
    let (plan, provider) = scripted(Store::Memory);
    let house = plan.open().await;
    let api = Api::Messages;
    says(&provider, (api, Stage::Plan), "first this");
    says(&provider, (api, Stage::Code), "");
    let reply = house.send(call(api, Form::Whole)).await;
    assert_eq!((reply.status, provider.calls()), (200, 2));
    let records = house.close().await;
    assert_eq!(records[0].cost(), together(api, &[Stage::Plan, Stage::Code]));
}

#[tokio::test]
async fn whoever_cannot_pay_all_stages_gets_none() {
    let (plan, provider) = scripted(Store::Memory);
    let house = plan.funds(cents(1)).open().await;
    for api in Api::ALL {
        let reply = house.send(call(api, Form::Stream)).await;
        assert_eq!(reply.status, if api == Api::Responses { 429 } else { 402 }, "{:?}", reply.body);
    }
    assert_eq!(provider.calls(), 0);
    assert!(house.close().await.is_empty());
}
