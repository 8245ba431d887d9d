//! What goes over the wire to the provider and back, byte by byte.

use std::collections::BTreeSet;

use aiduet_core::dialect::Endpoint;
use aiduet_core::money::Money;
use aiduet_core::testing::fake_upstream::{Act, FakeUpstream, SeenRequest};
use aiduet_core::testing::provider::CREDENTIAL;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use super::House;
use super::call::{Api, Call};
use crate::databases::Store;

const JSON: (&str, &str) = ("content-type", "application/json");
const EVENTS: (&str, &str) = ("content-type", "text/event-stream");

/// A house whose provider always does the same, and what was seen of it.
async fn house(acts: Vec<Act>) -> (House, FakeUpstream) {
    let upstream = FakeUpstream::always(acts).await;
    let house = House::plan(Store::Memory).upstream(&upstream.base_url()).open().await;
    (house, upstream)
}

/// What an answer that comes whole says on each endpoint, as no serialiser would write it.
fn odd_answer(endpoint: Endpoint) -> &'static [u8] {
    match endpoint {
        Endpoint::ChatCompletions => {
            b"{ \"choices\" :[{\"index\":0,\"message\":{\"content\":\"\\u00e9\xc3\xa9\"},\"finish_reason\":\"stop\"}],\t\"n\":1.0e+2,\r\n\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2} }\n"
        }
        Endpoint::Responses => {
            b"{ \"status\" : \"completed\",\"big\":123456789012345678901234567890,\"output\":[],\"usage\":{\"input_tokens\":9,\"output_tokens\":2}}\r\n"
        }
        Endpoint::Embeddings => b"{\"data\" : [ ],\n\"usage\":{\"prompt_tokens\":9,\"total_tokens\":9}}",
        Endpoint::Messages => {
            b"{ \"content\":[ {\"type\":\"text\",\"text\":\"\\ud83d\\ude00\"} ] ,\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":9,\"output_tokens\":2} }"
        }
        Endpoint::CountTokens => b"{ \"input_tokens\" :9 }\n",
        Endpoint::InputTokens => b"{ \"input_tokens\" :9,\t\"object\":\"response.input_tokens\" }\n",
    }
}

/// A body on each endpoint, as no serialiser would write it.
fn odd_body(endpoint: Endpoint) -> &'static [u8] {
    match endpoint {
        Endpoint::ChatCompletions => {
            b"{ \"model\" :\t\"gpt-5.6\",\"messages\":[{\"role\":\"user\",\"content\":\"\\u00e9\xc3\xa9\"}],\"max_completion_tokens\":100 ,\"x\":123456789012345678901234567890,\"y\":1.0E+2 }\r\n"
        }
        Endpoint::Responses => {
            b"{ \"model\":\"gpt-5.6\" ,\"input\":\"\\ud83d\\ude00\", \"max_output_tokens\":100,\"z\":[ ] }\n"
        }
        Endpoint::Embeddings => b"{\"input\" : [\"a\" , \"b\"],\"model\":\"text-embedding-3-small\"}\n",
        Endpoint::Messages => {
            b"{\"max_tokens\":100 , \"model\":\"claude-haiku-4-5\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"later\":{\"a\" :1,\"b\":-0.0}}"
        }
        Endpoint::CountTokens => {
            b"{ \"model\":\"claude-haiku-4-5\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}] }"
        }
        Endpoint::InputTokens => b"{ \"model\":\"gpt-5.6\" ,\"input\":\"\\ud83d\\ude00\", \"z\":[ ] }\n",
    }
}

/// A body with a text put in behind its first brace.
fn with_members(body: &[u8], members: &str) -> Bytes {
    Bytes::from([&body[..1], members.as_bytes(), b",", &body[1..]].concat())
}

#[tokio::test]
async fn bodies_pass_as_they_were_written() {
    for endpoint in Endpoint::ALL {
        let (house, upstream) = house(vec![Act::answer(200, &[JSON], odd_answer(endpoint))]).await;
        let reply = house.send(Call::bytes(endpoint, odd_body(endpoint))).await;
        assert_eq!((reply.status, &reply.body[..]), (200, odd_answer(endpoint)), "{endpoint:?}");
        let expected = match endpoint {
            Endpoint::Responses => with_members(odd_body(endpoint), "\"store\":false"),
            _ => Bytes::from_static(odd_body(endpoint)),
        };
        let seen = upstream.seen();
        assert_eq!((seen.len(), &seen[0].body), (1, &expected), "{endpoint:?}");
        assert_eq!(seen[0].target, endpoint.path());
        house.close().await;
    }
}

#[tokio::test]
async fn only_what_must_change_is_changed() {
    let chat = |text: &str| Bytes::from(text.to_owned());
    let cases = [
        (
            Endpoint::ChatCompletions,
            r#"{"model": "openai/gpt-5.6","store" :true, "messages": [],"max_tokens":9}"#,
            r#"{"model": "gpt-5.6","store" :false, "messages": [],"max_tokens":9}"#,
        ),
        (
            Endpoint::ChatCompletions,
            r#"{"stream":true, "model":"gpt-5.6","messages":[],"max_completion_tokens":9}"#,
            r#"{"stream_options":{"include_usage":true},"stream":true, "model":"gpt-5.6","messages":[],"max_completion_tokens":9}"#,
        ),
        (
            Endpoint::ChatCompletions,
            r#"{"stream":true,"stream_options" : { "include_usage" :false } ,"model":"gpt-5.6","messages":[],"max_completion_tokens":9}"#,
            r#"{"stream":true,"stream_options" : { "include_usage" :true } ,"model":"gpt-5.6","messages":[],"max_completion_tokens":9}"#,
        ),
        (
            Endpoint::Messages,
            r#"{"model":"anthropic/claude-haiku-4-5","max_tokens":9,"messages":[ ]}"#,
            r#"{"model":"claude-haiku-4-5","max_tokens":9,"messages":[ ]}"#,
        ),
        (
            Endpoint::Responses,
            r#"{"input":"a","model":"gpt-5.6","store": true}"#,
            r#"{"input":"a","model":"gpt-5.6","store": false}"#,
        ),
        (
            Endpoint::Embeddings,
            r#"{"model":"openai/text-embedding-3-small","input":"a"}"#,
            r#"{"model":"text-embedding-3-small","input":"a"}"#,
        ),
    ];
    for (endpoint, written, forwarded) in cases {
        let (house, upstream) =
            house(vec![Act::answer(400, &[JSON], b"{\"error\":{\"message\":\"no\"}}")]).await;
        house.send(Call::bytes(endpoint, chat(written))).await;
        assert_eq!(std::str::from_utf8(&upstream.seen()[0].body).unwrap(), forwarded);
        house.close().await;
    }
}

#[tokio::test]
async fn a_name_that_a_client_gives_its_own_user_does_not_go_out() {
    let (mut house, upstream) =
        house(vec![Act::answer(200, &[JSON], odd_answer(Endpoint::ChatCompletions))]).await;
    let second = house.admit(aiduet_core::testing::cents(100), Default::default()).await;
    let body = r#"{"model":"gpt-5.6","messages":[],"user":"alice@example.com","max_tokens":9}"#;
    let call = || Call::bytes(Endpoint::ChatCompletions, body);
    house.send(call()).await;
    house.send(call()).await;
    call().start(house.router.clone(), &second.plain).await.read().await;
    let names: Vec<String> = upstream
        .seen()
        .iter()
        .map(|seen| {
            assert!(!String::from_utf8_lossy(&seen.body).contains("alice"));
            let body: Value = serde_json::from_slice(&seen.body).unwrap();
            body["user"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(names[0], names[1], "one name for an account");
    assert_ne!(names[0], names[2], "and another for another one");
    house.close().await;
}

/// A stream as a pedant would write it: each kind of line end, comments, unknown events.
fn odd_stream(api: Api) -> String {
    let unknown = "event: later\r\ndata: {\"type\":\"later\",\r\ndata: \"a\":1}\r\n\r\n: comment\n\n";
    let rest = match api {
        Api::Chat => {
            "data:{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\u00e9\"}}]}\r\n\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
        }
        Api::Responses => {
            "event: response.output_text.delta\ndata: { \"type\":\"response.output_text.delta\",\"delta\":\"a\" }\n\nevent: response.completed\r\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"usage\":{\"input_tokens\":9,\"output_tokens\":2}}}\r\n\r\n"
        }
        Api::Messages => {
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{ \"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\nevent: message_delta\rdata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\r\revent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
        }
    };
    match api {
        // An object without choices is no chunk; clients of this API know no named events.
        Api::Chat => format!(": comment\n\n{rest}"),
        Api::Responses | Api::Messages => format!("{unknown}{rest}"),
    }
}

#[tokio::test]
async fn streams_pass_as_they_were_written_wherever_they_are_cut() {
    for api in Api::ALL {
        let stream = odd_stream(api);
        for size in [1, 2, 3, 7, 64, 4_096] {
            let mut acts = vec![Act::chunked_head(200, &[EVENTS])];
            acts.extend(stream.as_bytes().chunks(size).map(Act::chunk));
            acts.push(Act::chunk(b""));
            let (house, _upstream) = house(acts).await;
            let reply = house.send(api.stream("Hello?")).await;
            assert_eq!(std::str::from_utf8(&reply.body).unwrap(), stream, "{api:?} in pieces of {size}");
            house.close().await;
        }
    }
}

/// Headers that say who pays, who calls and from where, beside those that may pass.
fn telling(call: Call) -> Call {
    [
        ("x-api-key", ""),
        ("cookie", "session=1"),
        ("cf-connecting-ip", "192.0.2.1"),
        ("cf-ray", "1"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-host", "client.example"),
        ("forwarded", "for=192.0.2.1"),
        ("x-real-ip", "192.0.2.1"),
        ("true-client-ip", "192.0.2.1"),
        ("user-agent", "client/1"),
        ("origin", "https://client.example"),
        ("referer", "https://client.example/page"),
        ("traceparent", "00-1-1-00"),
        ("idempotency-key", "client-1"),
        ("openai-organization", "org-client"),
        ("openai-project", "proj-client"),
        ("anthropic-workspace-id", "wrkspc-client"),
        ("anthropic-user-profile-id", "client"),
        ("x-stainless-lang", "python"),
        ("x-aiduet-exact", "true"),
        ("proxy-authorization", "Basic client"),
        ("openai-beta", "assistants=v2"),
        ("anthropic-beta", "one, two"),
        ("anthropic-beta", "three"),
    ]
    .into_iter()
    .filter(|(_name, value)| !value.is_empty())
    .fold(call, |call, (name, value)| call.header(name, value))
}

fn names(headers: &HeaderMap) -> BTreeSet<&str> {
    headers.keys().map(http::HeaderName::as_str).collect()
}

#[tokio::test]
async fn nothing_of_the_caller_goes_out_but_feature_headers() {
    for endpoint in Endpoint::ALL {
        let (house, upstream) = house(vec![Act::answer(200, &[JSON], odd_answer(endpoint))]).await;
        let key = house.customer().plain.clone();
        let call = telling(Call::bytes(endpoint, odd_body(endpoint)));
        let reply = house.send(call.header("x-api-key", &key)).await;
        assert_eq!(reply.status, 200, "{endpoint:?}");
        let seen: &SeenRequest = &upstream.seen()[0];
        let common = ["accept", "accept-encoding", "content-length", "content-type", "host", "user-agent"];
        let of_dialect: &[&str] = match endpoint {
            Endpoint::Messages | Endpoint::CountTokens => {
                &["anthropic-beta", "anthropic-version", "x-api-key"]
            }
            _ => &["authorization", "openai-beta"],
        };
        let expected = common.iter().chain(of_dialect).copied().collect();
        assert_eq!(names(&seen.headers), expected, "{endpoint:?}");
        let shown = format!("{:?} {}", seen.headers, String::from_utf8_lossy(&seen.body));
        assert!(!shown.contains(&key[..20]), "{endpoint:?}");
        assert!(!shown.contains("client"), "{endpoint:?}: {shown}");
        let credential = seen.headers.get("authorization").or(seen.headers.get("x-api-key")).unwrap();
        assert!(credential.to_str().unwrap().ends_with(CREDENTIAL));
        house.close().await;
    }
}

#[tokio::test]
async fn nothing_of_the_operator_comes_back() {
    let told = [
        JSON,
        ("set-cookie", "upstream=1"),
        ("openai-organization", "org-operator"),
        ("openai-project", "proj-operator"),
        ("anthropic-organization-id", "org-operator"),
        ("x-ratelimit-remaining-requests", "9"),
        ("anthropic-ratelimit-requests-remaining", "9"),
        ("retry-after", "9"),
        ("x-should-retry", "true"),
        ("server", "upstream"),
        ("via", "1.1 upstream"),
        ("cf-ray", "1"),
        ("x-request-id", "req-upstream"),
        ("request-id", "req-upstream"),
        ("strict-transport-security", "max-age=1"),
        ("location", "https://upstream.example"),
    ];
    let common = [
        "access-control-allow-origin",
        "access-control-expose-headers",
        "cache-control",
        "content-type",
        "vary",
        "x-accel-buffering",
        "x-aiduet-model",
        "x-aiduet-provider",
        "x-request-id",
        "x-upstream-request-id",
    ];
    for api in Api::ALL {
        let of_dialect: &[&str] = if api == Api::Messages { &["request-id"] } else { &[] };
        for (streamed, extra) in
            [(false, &["content-length", "x-aiduet-balance", "x-aiduet-cost"][..]), (true, &[])]
        {
            let (body, call) = match streamed {
                true => (Bytes::from(odd_stream(api)), api.stream("Hello?")),
                false => (api.whole("Hello!", (9, 2)), api.ask("Hello?")),
            };
            let mut headers = told.to_vec();
            headers[0] = if streamed { EVENTS } else { JSON };
            let (house, _upstream) = house(vec![Act::answer(200, &headers, &body)]).await;
            let reply = house.send(call).await;
            let expected = common.iter().chain(of_dialect).chain(extra).copied().collect();
            assert_eq!(names(&reply.headers), expected, "{api:?}");
            assert_eq!(reply.header("x-upstream-request-id"), "req-upstream");
            assert_ne!(reply.header("x-request-id"), "req-upstream");
            house.close().await;
        }
    }
}

#[tokio::test]
async fn a_connection_serves_one_call_after_the_other() {
    const CALLS: usize = 16;
    for api in Api::ALL {
        for streamed in [true, false] {
            let acts = match streamed {
                true => {
                    let mut acts = vec![Act::chunked_head(200, &[EVENTS])];
                    let pieces = [api.opening(9), api.tokens(2), api.before_last((9, 2)), api.last((9, 2))];
                    acts.extend(pieces.iter().map(|piece| Act::chunk(piece)));
                    // The end of the body comes on its own.
                    acts.push(Act::Pause(std::time::Duration::from_millis(2)));
                    acts.push(Act::chunk(b""));
                    acts
                }
                false => vec![Act::answer(200, &[JSON], &api.whole("Hello!", (9, 2)))],
            };
            let (house, upstream) = house(acts).await;
            for _ in 0..CALLS {
                let call = if streamed { api.stream("Hello?") } else { api.ask("Hello?") };
                assert_eq!(house.send(call).await.status, 200);
                tokio::time::sleep(std::time::Duration::from_millis(4)).await;
            }
            assert_eq!(upstream.seen().len(), CALLS);
            assert!(upstream.connections() <= CALLS / 2, "{api:?}: {} connections", upstream.connections());
            let records = house.close().await;
            assert!(records.iter().all(|record| record.cost() > Money::ZERO));
        }
    }
}
