//! What a provider's socket can do: silence, resets, garbage, bodies that are cut.

use std::time::Duration;

use aiduet_core::ledger::Outcome;
use aiduet_core::money::Money;
use aiduet_core::testing::fake_upstream::{Act, FakeUpstream, deserted_base_url};

use super::House;
use super::call::{Api, len};
use crate::databases::Store;

const JSON: (&str, &str) = ("content-type", "application/json");
const EVENTS: (&str, &str) = ("content-type", "text/event-stream");
/// How long these tests wait for a provider that is silent on purpose.
const SHORT: Duration = Duration::from_millis(500);

/// A house with a provider that does this; with little patience where it is silent.
async fn house(acts: &[Act]) -> (House, FakeUpstream) {
    let upstream = FakeUpstream::always(acts.to_vec()).await;
    let mut plan = House::plan(Store::Memory).upstream(&upstream.base_url());
    if acts.iter().any(|act| matches!(act, Act::Hang)) {
        for vendor in [&mut plan.settings.upstream.openai, &mut plan.settings.upstream.anthropic] {
            vendor.first_byte_timeout = SHORT;
            vendor.idle_timeout = SHORT;
        }
    }
    (plan.open().await, upstream)
}

#[tokio::test]
async fn a_socket_that_fails_before_the_answer_costs_nothing() {
    let cut = Act::send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{");
    for api in Api::ALL {
        for (acts, status, code) in [
            (vec![Act::Hang], 504, "upstream_timeout"),
            (vec![Act::Reset], 502, "upstream_error"),
            (vec![Act::Close], 502, "upstream_error"),
            (vec![Act::send("not HTTP at all\r\n\r\n"), Act::Close], 502, "upstream_error"),
            (vec![Act::send("HTTP/1.1 200"), Act::Close], 502, "upstream_error"),
            (vec![Act::send("HTTP/1.1 200"), Act::Hang], 504, "upstream_timeout"),
            (vec![cut.clone(), Act::Close], 502, "upstream_error"),
            (vec![cut.clone(), Act::Reset], 502, "upstream_error"),
            (vec![cut.clone(), Act::Hang], 504, "upstream_timeout"),
            (vec![Act::chunked_head(200, &[JSON]), Act::send("zz\r\n"), Act::Close], 502, "upstream_error"),
            (
                vec![Act::answer(200, &[JSON, ("content-encoding", "gzip")], b"\x1f\x8b")],
                502,
                "upstream_error",
            ),
            (vec![Act::answer(302, &[("location", "http://127.0.0.1:1/")], b"")], 502, "upstream_error"),
            (vec![Act::answer(200, &[JSON], b"")], 502, "upstream_error"),
        ] {
            let (house, _upstream) = Box::pin(house(&acts)).await;
            let reply = house.send(api.ask("Hello?")).await;
            let told = reply.json()["error"]["details"]["error_code"].clone();
            assert_eq!((reply.status, told.as_str()), (status, Some(code)), "{api:?}");
            let record = &house.close().await[0];
            assert_eq!((record.outcome, record.cost()), (Outcome::UpstreamError, Money::ZERO));
        }
        let house = House::plan(Store::Memory).upstream(&deserted_base_url().await).open().await;
        for call in [api.ask("Hello?"), api.stream("Hello?")] {
            let reply = house.send(call).await;
            assert_eq!((reply.status, reply.header("retry-after")), (503, "30"), "{api:?}");
        }
        house.close().await;
    }
}

#[tokio::test]
async fn a_socket_that_fails_in_mid_stream_costs_what_was_streamed() {
    for api in Api::ALL {
        for (last, cause) in [
            (vec![Act::Reset], "upstream_error"),
            (vec![Act::Close], "upstream_error"),
            (vec![Act::send("zz\r\n"), Act::Close], "upstream_error"),
            (vec![Act::chunk(b"")], "upstream_error"),
            (vec![Act::Hang], "upstream_timeout"),
        ] {
            let mut acts = vec![Act::chunked_head(200, &[EVENTS])];
            acts.extend([api.opening(9), api.tokens(5)].iter().map(|piece| Act::chunk(piece)));
            // A reset overtakes what was sent before it.
            acts.push(Act::Pause(Duration::from_millis(30)));
            acts.extend(last);
            let (house, _upstream) = Box::pin(house(&acts)).await;
            let reply = house.send(api.stream("Hello?")).await;
            assert_eq!(reply.status, 200);
            let text = String::from_utf8_lossy(&reply.body);
            let told = match (api, cause) {
                (Api::Messages, "upstream_timeout") => "timeout_error",
                (Api::Messages, _) => "api_error",
                (Api::Chat | Api::Responses, cause) => cause,
            };
            assert!(text.contains(told), "{api:?} {cause}: {text}");
            let record = &house.close().await[0];
            assert_eq!(record.outcome, Outcome::UpstreamInterrupted, "{api:?} {cause}");
            let prompt = if api == Api::Messages { 9 } else { len(&api.stream("Hello?").body).div_ceil(4) };
            assert_eq!(record.cost(), api.price((prompt, 5)), "{api:?} {cause}");
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_closes_the_call_where_nothing_is_read_on() {
    for api in Api::ALL {
        let mut acts = vec![Act::chunked_head(200, &[EVENTS])];
        acts.extend([api.opening(9), api.tokens(5)].iter().map(|piece| Act::chunk(piece)));
        acts.push(Act::Hang);
        let upstream = FakeUpstream::always(acts).await;
        let plan = House::plan(Store::Memory).upstream(&upstream.base_url());
        let policy = aiduet_core::gateway::DisconnectPolicy::Cancel;
        let house = plan.gateway(|gateway| gateway.disconnect = policy).open().await;
        let mut answer = house.start(api.stream("Hello?")).await;
        answer.next().await.unwrap();
        drop(answer);
        super::doubles::soon("the end of the connection", upstream.peers_left(1)).await;
        assert_eq!(house.close().await[0].outcome, Outcome::ClientDisconnectedEstimated);
    }
}
