//! What is malformed, contradictory or too large is refused at once: nothing held, nothing
//! forwarded, nothing recorded.

use aiduet_core::dialect::{Dialect, Endpoint};
use http::HeaderValue;
use serde_json::{Value, json};

use super::House;
use super::call::{Api, Call};
use super::doubles::{Head, ScriptedProvider};
use super::house::assert_refused;
use crate::databases::Store;

/// Ends a test whose provider must not be called.
pub(super) async fn assert_untouched(house: House, provider: &ScriptedProvider) {
    assert_eq!((provider.calls(), house.ledger.asked()), (0, vec![]), "nothing was forwarded or held");
    assert_eq!(house.close().await, [], "and nothing recorded");
}

/// The body of a good request without its last brace, to put something behind.
fn open_body(api: Api) -> String {
    let mut body = api.body("Hello?").to_string();
    body.pop();
    body
}

#[tokio::test]
async fn what_is_not_one_json_object_is_refused() {
    let (plan, provider) = House::scripted(Store::Memory);
    let house = plan.open().await;
    for api in Api::ALL {
        let good = api.body("Hello?").to_string();
        let mut bodies: Vec<Vec<u8>> = [
            "",
            " ",
            "null",
            "true",
            "1",
            "\"x\"",
            "[]",
            "[{}]",
            "{",
            "}",
            "{}}",
            "{]",
            "<html>",
            "{\"model\"}",
            "{\"model\":}",
            "{'model':'gpt-5.6'}",
            "{model:1}",
            "{\"a\":1,}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":01}",
            "{\"a\":+1}",
            "{\"a\":.5}",
            "{\"a\":1.}",
            "{\"a\":NaN}",
            "{\"a\":Infinity}",
            "{\"a\":0x1}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\\udc00\\ud800\"}",
            "{\"a\":\"",
            "{\"a\":tru}",
            "/* c */ {}",
            "{} // c",
            "{}{}",
            "\u{feff}{}",
            "{\"a\":1}\0",
        ]
        .iter()
        .map(|body| body.as_bytes().to_vec())
        .collect();
        bodies.push(format!("{good} x").into_bytes());
        bodies.push(format!("{good}{good}").into_bytes());
        bodies.push(good.replace("Hello?", "\u{1}").into_bytes());
        bodies.push([b"\xff\xfe".as_slice(), good.as_bytes()].concat());
        bodies.push(good.replace("Hello?", "?").replace('?', "\u{fffd}").into_bytes().repeat(2));
        bodies.push(good.encode_utf16().flat_map(u16::to_le_bytes).collect());
        // Bytes that are no UTF-8: a lone continuation, an overlong slash, a surrogate, a cut character.
        for bytes in [b"\x80".as_slice(), b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"] {
            let (before, after) = good.split_once("Hello?").unwrap();
            bodies.push([before.as_bytes(), bytes, after.as_bytes()].concat());
        }
        for body in bodies {
            let reply = house.send(Call::bytes(api.endpoint(), body)).await;
            assert_refused(api.endpoint().dialect(), &reply, 400, "invalid_request");
        }
    }
    assert_untouched(house, &provider).await;
}

#[tokio::test]
async fn what_two_readers_could_read_differently_is_refused_by_name() {
    let (plan, provider) = House::scripted(Store::Memory);
    let house = plan.open().await;
    for api in Api::ALL {
        let limit = api.limit();
        let cases = [
            (r#""model":"gpt-4.1""#.to_owned(), "model"),
            (r#""mod\u0065l":"gpt-4.1""#.to_owned(), "model"),
            (format!(r#""{limit}":1"#), limit),
            (r#""stream":true,"stream":false"#.to_owned(), "stream"),
            (r#""stream":"true""#.to_owned(), "stream"),
            (r#""stream":1"#.to_owned(), "stream"),
            (r#""service_tier":"auto","service_tier":"auto""#.to_owned(), "service_tier"),
        ];
        for (members, field) in cases {
            let call = Call::bytes(api.endpoint(), format!("{},{members}}}", open_body(api)));
            let reply = house.send(call).await;
            assert_refused(api.endpoint().dialect(), &reply, 400, "invalid_request");
            let error = reply.json()["error"].clone();
            assert!(error["message"].as_str().unwrap().starts_with(field), "{error}");
            if api != Api::Messages {
                assert_eq!(error["param"], field);
            }
        }
        for number in ["-1", "-0", "1.5", "1e3", "1.0", "\"100\"", "true", "[]", "{}", "18446744073709551616"]
        {
            let body = api.body("Hello?").to_string().replace(":1000", &format!(":{number}"));
            assert!(body.contains(number));
            let reply = house.send(Call::bytes(api.endpoint(), body)).await;
            assert_refused(api.endpoint().dialect(), &reply, 400, "invalid_request");
            assert!(reply.json()["error"]["message"].as_str().unwrap().starts_with(limit), "{number}");
        }
    }
    assert_untouched(house, &provider).await;
}

#[tokio::test]
async fn what_nests_deeply_is_refused_at_once() {
    let (plan, provider) = House::scripted(Store::Memory);
    let house = plan.open().await;
    for api in Api::ALL {
        for depth in [65, 1_000, 1_000_000] {
            for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
                let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
                let body = format!("{},\"later\":{nested}}}", open_body(api));
                let reply = house.send(Call::bytes(api.endpoint(), body)).await;
                assert_refused(api.endpoint().dialect(), &reply, 400, "invalid_request");
                let unclosed = format!("{},\"later\":{}", open_body(api), open.repeat(depth));
                let reply = house.send(Call::bytes(api.endpoint(), unclosed)).await;
                assert_refused(api.endpoint().dialect(), &reply, 400, "invalid_request");
            }
        }
    }
    assert_untouched(house, &provider).await;
}

#[tokio::test]
async fn what_needs_state_or_has_no_price_is_refused_by_name() {
    use Api::{Chat, Messages, Responses};
    let (plan, provider) = House::scripted(Store::Memory);
    let house = plan.open().await;
    let file = json!([{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]);
    let cases = [
        (Responses, "previous_response_id", json!("resp_1"), "unsupported_parameter"),
        (Responses, "conversation", json!("conv_1"), "unsupported_parameter"),
        (Responses, "conversation", json!({"id": "conv_1"}), "unsupported_parameter"),
        (Responses, "background", json!(true), "unsupported_parameter"),
        (Responses, "prompt", json!({"id": "pmpt_1"}), "unsupported_parameter"),
        (Responses, "input", json!([{"type": "item_reference", "id": "msg_1"}]), "unsupported_parameter"),
        (
            Responses,
            "tools",
            json!([{"type": "file_search", "vector_store_ids": ["vs_1"]}]),
            "unsupported_parameter",
        ),
        (
            Responses,
            "tools",
            json!([{"type": "code_interpreter", "container": "cntr_1"}]),
            "unsupported_parameter",
        ),
        (Responses, "service_tier", json!("novel"), "unsupported_parameter"),
        (Responses, "reasoning", json!({"mode": "pro"}), "unsupported_parameter"),
        (Chat, "messages", file, "unsupported_parameter"),
        (Chat, "web_search_options", json!({}), "unsupported_parameter"),
        (Chat, "modalities", json!(["text", "audio"]), "unsupported_parameter"),
        (Messages, "container", json!("container_1"), "unsupported_parameter"),
        (Messages, "mcp_servers", json!([{"type": "url", "url": "https://a"}]), "unsupported_parameter"),
        (Messages, "fallbacks", json!("default"), "unsupported_parameter"),
        (Messages, "inference_geo", json!("mars"), "unsupported_parameter"),
        (Messages, "thread", json!({"type": "create"}), "thread_unsupported_request"),
    ];
    for (api, field, value, code) in cases {
        let mut body = api.body("Hello?");
        body[field] = value;
        let reply = house.send(Call::post(api.endpoint(), &body)).await;
        assert_refused(api.endpoint().dialect(), &reply, 400, code);
    }
    // They may be there as long as they say nothing.
    for (api, field) in
        [(Responses, "previous_response_id"), (Responses, "background"), (Messages, "container")]
    {
        let mut body = api.body("Hello?");
        body[field] = Value::Null;
        let feed = provider.begun(Head::WHOLE);
        feed.send(api.whole("Hello!", (9, 2)));
        feed.end();
        assert_eq!(house.send(Call::post(api.endpoint(), &body)).await.status, 200, "{field}");
    }
    assert_eq!(house.close().await.len(), 3);
}

#[tokio::test]
async fn what_a_request_must_have_is_asked_for_by_name() {
    let (plan, provider) = House::scripted(Store::Memory);
    let house = plan.open().await;
    for (endpoint, body, field) in [
        (Endpoint::ChatCompletions, json!({"messages": [], "n": 0}), "n"),
        (Endpoint::ChatCompletions, json!({"model": "gpt-5.6"}), "messages"),
        (Endpoint::Messages, json!({"model": "claude-haiku-4-5", "max_tokens": 9}), "messages"),
        (Endpoint::Messages, json!({"model": "claude-haiku-4-5", "messages": []}), "max_tokens"),
        (Endpoint::CountTokens, json!({"model": "claude-haiku-4-5"}), "messages"),
        (Endpoint::ChatCompletions, json!({"model": 5, "messages": []}), "model"),
        (Endpoint::ChatCompletions, json!({"model": "m".repeat(300), "messages": []}), "model"),
    ] {
        let reply = house.send(Call::post(endpoint, &body)).await;
        assert_refused(endpoint.dialect(), &reply, 400, "invalid_request");
        assert!(reply.json()["error"]["message"].as_str().unwrap().starts_with(field), "{field}");
    }
    let mut call = Api::Messages.ask("Hello?");
    call.headers.remove("anthropic-version");
    let reply = house.send(call).await;
    assert_refused(Dialect::Anthropic, &reply, 400, "invalid_request");
    assert!(reply.json()["error"]["message"].as_str().unwrap().starts_with("anthropic-version"));
    assert_untouched(house, &provider).await;
}

#[tokio::test]
async fn a_body_that_is_not_plain_json_is_not_read() {
    let (plan, provider) = House::scripted(Store::Memory);
    let house = plan.open().await;
    for api in Api::ALL {
        let dialect = api.endpoint().dialect();
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=a",
            "application/jsonp",
            "",
        ] {
            let mut call = api.ask("Hello?");
            call.headers.insert("content-type", HeaderValue::from_static(kind));
            let reply = house.send(call).await;
            assert_refused(dialect, &reply, 415, "unsupported_media_type");
            assert_eq!(reply.header("accept-encoding"), "", "the coding is not what is wrong");
        }
        // A second header must not hide behind the first one.
        let call = api.ask("Hello?").header("content-type", "text/plain");
        assert_refused(dialect, &house.send(call).await, 415, "unsupported_media_type");
    }
    assert_untouched(house, &provider).await;
}

/// A good call to every endpoint that takes a body.
fn with_bodies() -> Vec<(Dialect, Call)> {
    let hello = json!([{"role": "user", "content": "Hello?"}]);
    let embeddings = json!({"model": "text-embedding-3-small", "input": "a"});
    let count = json!({"model": "gpt-5.6", "messages": hello});
    let explain = |api: Api| Call { path: "/v1/duet/explain".to_owned(), ..api.ask("Hello?") };
    let others = [
        (Dialect::OpenAi, Call::post(Endpoint::Embeddings, &embeddings)),
        (Dialect::Anthropic, Call::post(Endpoint::CountTokens, &count)),
        (Dialect::OpenAi, Call::post(Endpoint::InputTokens, &json!({"model": "gpt-5.6", "input": "a"}))),
        (Dialect::OpenAi, explain(Api::Chat)),
        (Dialect::Anthropic, explain(Api::Messages)),
    ];
    Api::ALL.map(|api| (api.endpoint().dialect(), api.ask("Hello?"))).into_iter().chain(others).collect()
}

#[tokio::test]
async fn a_body_with_a_content_coding_is_not_read() {
    let (plan, provider) = House::scripted(Store::Memory);
    let house = plan.open().await;
    for (dialect, call) in with_bodies() {
        for codings in [
            &["gzip"][..],
            &["GZip"],
            &["deflate"],
            &["br"],
            &["zstd"],
            &["novel"],
            &["identity, gzip"],
            &["gzip, identity"],
            &["gzip,"],
            &["identity", "gzip"],
        ] {
            let call =
                codings.iter().fold(call.clone(), |call, coding| call.header("content-encoding", coding));
            let reply = house.send(call).await;
            assert_refused(dialect, &reply, 415, "unsupported_media_type");
            assert_eq!(reply.header("accept-encoding"), "identity", "what would have been taken");
        }
    }
    assert_untouched(house, &provider).await;
}

#[tokio::test]
async fn a_body_may_say_that_it_has_no_content_coding() {
    let house = House::open(Store::Memory).await;
    for (_dialect, call) in with_bodies() {
        for codings in [&[""][..], &["identity"], &["Identity"], &["identity, identity"], &["", "identity"]] {
            let call =
                codings.iter().fold(call.clone(), |call, coding| call.header("content-encoding", coding));
            let reply = house.send(call).await;
            assert_eq!((reply.status, reply.header("accept-encoding")), (200, ""), "{codings:?}");
        }
    }
    house.close().await;
}
