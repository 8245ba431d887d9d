use super::*;

/// The first events of a stream.
fn beginning(stream: &'static [u8], count: usize) -> &'static [u8] {
    let text = std::str::from_utf8(stream).unwrap();
    let end: usize = text.split_inclusive("\n\n").take(count).map(str::len).sum();
    &stream[..end]
}

fn begun(endpoint: Endpoint, stream: &'static [u8], count: usize) -> Meter {
    let mut meter = Meter::new(config(endpoint));
    meter.push(Bytes::from_static(beginning(stream, count)));
    assert!(!meter.is_complete());
    meter
}

fn error(kind: StreamFault) -> StreamError<'static> {
    StreamError { kind, message: "broken", request_id: "req_1" }
}

#[test]
fn case_22_a_stream_without_its_end_is_interrupted() {
    for (endpoint, stream) in STREAMS {
        for kept in 0..events(stream).len() {
            let run = run(config(endpoint), [beginning(stream, kept)]);
            // Of a chat the last chunk with a reason to finish is enough.
            let finished = run.reading.finish.is_some() && endpoint == Endpoint::ChatCompletions;
            let expected = if finished { Ending::Complete } else { Ending::Interrupted };
            assert_eq!(run.ending, expected, "{endpoint:?} {kept}");
        }
    }
}

#[test]
fn errors_end_a_stream_in_the_form_of_its_dialect() {
    let mut meter = begun(Endpoint::ChatCompletions, CHAT_TEXT, 2);
    let frames = json_events(&meter.close_with_error(error(StreamFault::Timeout)).concat());
    let told =
        json!({"message": "broken", "type": "server_error", "param": null, "code": "upstream_timeout"});
    assert_eq!(frames, [(None, json!({"error": told}))]);

    let mut meter = begun(Endpoint::Messages, MESSAGES_TEXT, 3);
    let frames = json_events(&meter.close_with_error(error(StreamFault::Overloaded)).concat());
    let told = json!({"type": "overloaded_error", "message": "broken"});
    let expected = json!({"type": "error", "error": told, "request_id": "req_1"});
    assert_eq!(frames, [(Some("error".into()), expected)]);

    let mut meter = begun(Endpoint::Responses, RESPONSES_TEXT, 5);
    let frames = json_events(&meter.close_with_error(error(StreamFault::Upstream)).concat());
    let (name, event) = &frames[0];
    assert_eq!((name.as_deref(), &event["sequence_number"]), (Some("response.failed"), &json!(5)));
    assert_eq!(event["response"]["error"], json!({"code": "upstream_error", "message": "broken"}));
    assert_eq!(event["response"]["id"], json!("resp_Fix1"));

    let mut meter = Meter::new(config(Endpoint::Responses));
    let frames = json_events(&meter.close_with_error(error(StreamFault::Upstream)).concat());
    let (name, event) = &frames[0];
    assert_eq!((name.as_deref(), &event["sequence_number"]), (Some("response.failed"), &json!(0)));
    assert_eq!(event["response"]["id"], json!("resp_1"));
}

#[test]
fn a_limit_ends_a_stream_in_the_form_of_its_dialect() {
    let mut meter = begun(Endpoint::ChatCompletions, CHAT_TEXT, 2);
    let frames = json_events(&meter.close_at_limit(Money::from_nanos(15), &USED).concat());
    assert_eq!(frames[0].1["choices"], json!([{"index": 0, "delta": {}, "finish_reason": "length"}]));
    assert_eq!(frames[0].1["id"], json!("chatcmpl-Fix1"));
    assert_eq!(frames[1].1, json!("[DONE]"));

    let mut meter = begun(Endpoint::Messages, MESSAGES_TOOL, 7);
    let frames = json_events(&meter.close_at_limit(Money::from_nanos(15), &USED).concat());
    let names: Vec<_> = frames.iter().map(|(name, _data)| name.clone().unwrap()).collect();
    assert_eq!(names, ["content_block_stop", "message_delta", "message_stop"]);
    assert_eq!(frames[0].1["index"], json!(1));
    assert_eq!(frames[1].1["delta"]["stop_reason"], json!("max_tokens"));

    let mut meter = begun(Endpoint::Responses, RESPONSES_TEXT, 5);
    let frames = json_events(&meter.close_at_limit(Money::from_nanos(15), &USED).concat());
    let (name, event) = &frames[0];
    assert_eq!((name.as_deref(), &event["sequence_number"]), (Some("response.incomplete"), &json!(5)));
    assert_eq!(event["response"]["status"], json!("incomplete"));
    assert_eq!(event["response"]["incomplete_details"], json!({"reason": "max_output_tokens"}));
    assert_eq!(event["response"]["output"], json!([]));

    let mut meter = begun(Endpoint::Responses, RESPONSES_TEXT, 9);
    let frames = json_events(&meter.close_at_limit(Money::from_nanos(15), &USED).concat());
    assert_eq!(frames[0].1["response"]["output"][0]["content"][0]["text"], json!("Hello"));
    assert_eq!(frames[0].1["sequence_number"], json!(9));
}

/// What the bill of a cut answer counts.
const USED: Usage = Usage {
    input: 5,
    cache_read: 2,
    cache_write_short: 3,
    cache_write_long: 4,
    output: 7,
    reasoning: 6,
    web_searches: 0,
};

#[test]
fn a_stream_that_is_cut_tells_what_is_billed_to_who_asked() {
    let mut meter = Meter::new(MeterConfig { relay_usage: true, ..config(Endpoint::ChatCompletions) });
    meter.push(Bytes::from_static(beginning(CHAT_TEXT, 2)));
    let text = meter.close_at_limit(Money::from_nanos(15), &USED).concat();
    let frames = json_events(&text);
    assert_eq!(frames.len(), 3, "{frames:?}");
    assert_eq!(
        (&frames[0].1["choices"][0]["finish_reason"], &frames[0].1["usage"]),
        (&json!("length"), &Value::Null)
    );
    assert!(frames[0].1.get("usage").is_some(), "null, as in every chunk before");
    assert_eq!((&frames[1].1["id"], &frames[1].1["choices"]), (&json!("chatcmpl-Fix1"), &json!([])));
    let prompt = json!({"cached_tokens": 2, "cache_write_tokens": 7});
    let usage = &frames[1].1["usage"];
    assert_eq!(
        (&usage["prompt_tokens"], &usage["completion_tokens"], &usage["total_tokens"]),
        (&json!(14), &json!(7), &json!(21))
    );
    assert_eq!(
        (&usage["prompt_tokens_details"], &usage["completion_tokens_details"]),
        (&prompt, &json!({"reasoning_tokens": 6}))
    );
    assert!(String::from_utf8(text).unwrap().contains(r#""cost":0.000000015}"#));
    assert_eq!(frames[2].1, json!("[DONE]"));

    let mut meter = begun(Endpoint::ChatCompletions, CHAT_TEXT, 2);
    let frames = json_events(&meter.close_at_limit(Money::from_nanos(15), &USED).concat());
    assert!(frames.iter().all(|(_name, frame)| frame.get("usage").is_none()), "{frames:?}");

    let mut meter = begun(Endpoint::Responses, RESPONSES_TEXT, 5);
    let frames = json_events(&meter.close_at_limit(Money::from_nanos(15), &USED).concat());
    let usage = json!({
        "input_tokens": 14, "input_tokens_details": prompt, "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 6}, "total_tokens": 21,
    });
    assert_eq!(frames[0].1["response"]["usage"], usage);
}

#[test]
fn a_whole_answer_can_say_that_it_failed() {
    let error = json!({"code": "server_error", "message": "m"});
    let body = json!({"id": "resp_1", "status": "failed", "output": [], "error": error, "usage": null});
    let reading = whole(config(Endpoint::Responses), &body);
    assert_eq!((reading.failed, reading.failure), (true, Some(StreamFault::Upstream)));
    let reading = whole(config(Endpoint::ChatCompletions), &json!({"error": {"type": "server_error"}}));
    assert!(reading.failed && !reading.output_started);
    let reading =
        whole(config(Endpoint::Messages), &json!({"type": "error", "error": {"type": "overloaded_error"}}));
    assert_eq!(reading.failure, Some(StreamFault::Overloaded));
}

#[test]
fn an_error_of_the_provider_passes_only_if_it_is_about_the_request() {
    let chat = |kind: &str, code: Option<&str>| {
        let error = json!({"message": "org-secret", "type": kind, "param": null, "code": code});
        format!("data: {}\n\n", json!({"error": error}))
    };
    let messages = |kind: &str| {
        let error = json!({"type": "error", "error": {"type": kind, "message": "org-secret"}});
        format!("event: error\ndata: {error}\n\n")
    };
    let (chats, long) = (Endpoint::ChatCompletions, Some("context_length_exceeded"));
    for (endpoint, frame, failure) in [
        (chats, chat("server_error", None), StreamFault::Upstream),
        (chats, chat("tokens", Some("rate_limit_exceeded")), StreamFault::Unavailable),
        (chats, chat("insufficient_quota", Some("insufficient_quota")), StreamFault::Unavailable),
        (chats, chat("invalid_request_error", long), StreamFault::Request),
        (Endpoint::Messages, messages("overloaded_error"), StreamFault::Overloaded),
        (Endpoint::Messages, messages("billing_error"), StreamFault::Unavailable),
        (Endpoint::Messages, messages("invalid_request_error"), StreamFault::Request),
    ] {
        let mut meter = Meter::new(config(endpoint));
        assert!(meter.push(Bytes::from(frame.clone())).is_empty());
        assert_eq!((meter.reading().failed, meter.reading().failure), (true, Some(failure)));
        let told = meter.close_with_error(error(failure)).concat();
        let passes = failure == StreamFault::Request;
        assert_eq!(told == frame.as_bytes(), passes, "{frame}");
        assert!(passes || !String::from_utf8(told).unwrap().contains("secret"));
    }
}

#[test]
fn what_is_not_the_protocol_fails_after_what_was_good() {
    let good = beginning(MESSAGES_TEXT, 3);
    let mut meter = Meter::new(config(Endpoint::Messages));
    let out = meter.push(Bytes::from([good, b"data: <html>\n\n", good].concat()));
    assert_eq!(out.concat(), good);
    assert_eq!(meter.reading().failure, Some(StreamFault::Upstream));
    assert!(meter.push(Bytes::from_static(good)).is_empty());
}

#[test]
fn a_cut_stream_is_estimated_from_what_is_known() {
    let meter = begun(Endpoint::Messages, MESSAGES_TEXT, 5);
    let reading = meter.reading();
    assert!(!reading.final_usage && reading.output_started);
    let estimate = reading.estimate(1_000_000).usage;
    assert_eq!((estimate.input, estimate.cache_write_short), (6, 159_217));
    // 23 ASCII characters, two quotation marks at half a token, four Han ones and a space.
    assert_eq!(estimate.output, 12);

    let meter = begun(Endpoint::ChatCompletions, CHAT_TEXT, 3);
    let estimate = meter.reading().estimate(1_000).usage;
    assert_eq!((estimate.input, estimate.output), (1_000, 7));
    assert!(meter.reading().output_tokens_estimate() >= estimate.output);
}

#[test]
fn nothing_is_output_until_something_was_generated() {
    assert!(!begun(Endpoint::ChatCompletions, CHAT_TEXT, 1).reading().output_started);
    assert!(begun(Endpoint::ChatCompletions, CHAT_TEXT, 2).reading().output_started);
    assert!(!begun(Endpoint::Messages, MESSAGES_TEXT, 1).reading().output_started);
    assert!(begun(Endpoint::Messages, MESSAGES_TEXT, 2).reading().output_started);
    assert!(!begun(Endpoint::Responses, RESPONSES_TEXT, 2).reading().output_started);
    assert!(begun(Endpoint::Responses, RESPONSES_TEXT, 3).reading().output_started);
}

#[test]
fn keep_alives_are_events_that_clients_skip() {
    let frame = |endpoint| Meter::new(config(endpoint)).keep_alive();
    assert!(events(&frame(Endpoint::ChatCompletions)).is_empty());
    let ping = (Some("ping".into()), json!({"type": "ping"}));
    assert_eq!(json_events(&frame(Endpoint::Messages)), [ping]);
}
