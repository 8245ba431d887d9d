use super::*;

fn chat(usage: &Value, tier: &str) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "service_tier": tier,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": usage,
    })
}

fn messages(model: &str, usage: &Value) -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": model,
        "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "usage": usage,
    })
}

fn of_messages(model: &str, usage: &Value) -> Reading {
    whole(config(Endpoint::Messages), &messages(model, usage))
}

#[test]
fn case_1_a_cache_write_is_counted_once() {
    let run = run(config(Endpoint::Messages), [MESSAGES_TEXT]);
    assert_costs("claude-opus-4-7", &run.reading, "1.06376125");
    let usage = json!({"input_tokens": 6, "cache_creation_input_tokens": 159_217, "output_tokens": 2_745});
    assert_costs("claude-opus-4-7", &of_messages("claude-opus-4-7", &usage), "1.06376125");
}

#[test]
fn case_2_subsets_of_a_prompt_and_reasoning_are_not_added() {
    for stream in [CHAT_TEXT, CHAT_TOOLS] {
        let run = run(config(Endpoint::ChatCompletions), [stream]);
        assert_costs("gpt-6-sol", &run.reading, "0.0152");
    }
}

#[test]
fn case_3_and_7_and_12_whole_chat_answers() {
    let of = |usage: Value, tier| whole(config(Endpoint::ChatCompletions), &chat(&usage, tier));
    let large = |prompt| json!({"prompt_tokens": prompt, "completion_tokens": 1_000, "total_tokens": 0});
    assert_costs("gpt-6-sol", &of(large(272_000), "default"), "0.554");
    assert_costs("gpt-6-sol", &of(large(272_001), "default"), "1.103004");
    let cached = json!({
        "prompt_tokens": 1_000, "prompt_tokens_details": {"cached_tokens": 400}, "completion_tokens": 100,
        "completion_tokens_details": null,
    });
    assert_costs("gpt-4.1", &of(cached, "default"), "0.0022");

    let asked = Modifiers { tier: ServiceTier::Flex, ..Modifiers::default() };
    let flex = MeterConfig { asked, ..config(Endpoint::ChatCompletions) };
    let usage = json!({"prompt_tokens": 1_000, "completion_tokens": 100});
    assert_costs("gpt-5.6-terra", &whole(flex, &chat(&usage, "default")), "0.0032");
    assert_costs("gpt-5.6-terra", &whole(flex, &chat(&usage, "flex")), "0.0016");
    // What served is not told: what was asked for holds.
    assert_costs("gpt-5.6-terra", &whole(flex, &chat(&usage, "auto")), "0.0016");
    // In a stream of the other protocol the tier comes with the first event and with the last.
    let run = run(MeterConfig { asked, ..config(Endpoint::Responses) }, [RESPONSES_TEXT]);
    assert_costs("gpt-5.6-terra", &run.reading, "0.0032");
}

#[test]
fn case_4_and_5_and_11_whole_messages() {
    let haiku = |usage| of_messages("claude-haiku-5-5", &usage);
    let small = json!({"input_tokens": 99_000, "cache_read_input_tokens": 1_000, "output_tokens": 100});
    assert_costs("claude-haiku-5-5", &haiku(small), "0.00996");
    let large = json!({"input_tokens": 1, "cache_read_input_tokens": 100_000, "output_tokens": 100});
    assert_costs("claude-haiku-5-5", &haiku(large), "0.0052505");

    let run = run(config(Endpoint::Messages), [MESSAGES_TOOL]);
    assert_costs("claude-opus-5-5", &run.reading, "0.07348");
    assert_eq!(run.reading.parts[0].usage.reasoning, 400);

    let searched = json!({
        "input_tokens": 5_000, "output_tokens": 300,
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
    });
    assert_costs("claude-opus-5", &of_messages("claude-opus-5", &searched), "0.0525");
}

#[test]
fn case_6_an_embedding_costs_more_than_nothing() {
    let body = json!({
        "object": "list", "model": "text-embedding-3-small", "data": [{"embedding": "AAAA", "index": 0}],
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    });
    assert_costs("text-embedding-3-small", &whole(config(Endpoint::Embeddings), &body), "0.00000016");
}

#[test]
fn case_8_cache_writes_of_responses_by_life() {
    let of = |details: Value, long_cache| {
        let usage = json!({"input_tokens": 5_000, "input_tokens_details": details, "output_tokens": 10});
        let body = json!({"id": "resp_1", "status": "completed", "output": [], "usage": usage});
        let reading = whole(MeterConfig { long_cache, ..config(Endpoint::Responses) }, &body);
        assert!(!reading.flags.clamped);
        reading.parts[0].usage
    };
    let expected = |input, short, long| Usage {
        input,
        cache_write_short: short,
        cache_write_long: long,
        output: 10,
        ..Usage::default()
    };
    let split = json!({
        "cache_write_tokens": 3_000, "cache_write_tokens_details": {"ttl_30m_tokens": 1_000, "ttl_12h_tokens": 2_000},
    });
    assert_eq!(of(split.clone(), false), expected(2_000, 1_000, 2_000));
    assert_eq!(of(split, true), expected(2_000, 1_000, 2_000));
    let unsplit = json!({"cache_write_tokens": 3_000, "cache_write_tokens_details": null});
    assert_eq!(of(unsplit.clone(), false), expected(2_000, 3_000, 0));
    assert_eq!(of(unsplit, true), expected(2_000, 0, 3_000));
    assert_eq!(of(Value::Null, true), expected(5_000, 0, 0));
}

#[test]
fn case_9_and_10_passes_are_billed_each_at_its_model() {
    let run = run(config(Endpoint::Messages), [MESSAGES_ITERATIONS]);
    assert_costs("claude-opus-5", &run.reading, "1.1275");

    let declined = json!({
        "input_tokens": 1_000, "output_tokens": 200,
        "iterations": [
            {"type": "message", "model": "claude-fable-5", "input_tokens": 1_000, "output_tokens": 0},
            {"type": "fallback_message", "model": "claude-opus-5", "input_tokens": 1_000, "output_tokens": 200},
        ],
    });
    assert_costs("claude-fable-5", &of_messages("claude-opus-5", &declined), "0.01");
    // Filling the cache generates nothing either, and is billed.
    let filled = json!({
        "input_tokens": 10, "output_tokens": 0,
        "iterations": [{"type": "message", "input_tokens": 10, "output_tokens": 0}],
    });
    assert_eq!(of_messages("claude-opus-5", &filled).parts[0].usage.input, 10);
}

/// A Messages stream with these numbers in its deltas.
fn deltas(usages: &[Value]) -> Reading {
    let mut stream = String::new();
    let mut add = |event: Value| {
        let name = event["type"].as_str().unwrap().to_owned();
        stream += &format!("event: {name}\ndata: {event}\n\n");
    };
    let usage = json!({"input_tokens": 50, "cache_read_input_tokens": 7, "output_tokens": 1});
    add(json!({"type": "message_start", "message": {"model": "claude-opus-5", "usage": usage}}));
    for usage in usages {
        add(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}));
    }
    add(json!({"type": "message_stop"}));
    run(config(Endpoint::Messages), [stream.as_bytes()]).reading
}

#[test]
fn case_13_numbers_of_a_stream_are_cumulative() {
    let reading = deltas(&[json!({"output_tokens": 10}), json!({"output_tokens": 25})]);
    assert_eq!(reading.parts[0].usage.output, 25);
}

#[test]
fn the_last_numbers_of_a_complete_stream_are_final() {
    let chunk = |delta: Value, finish: Value, usage: Value| {
        let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        format!("data: {}\n\n", json!({"choices": choices, "usage": usage}))
    };
    let counted =
        chunk(json!({"content": "a"}), Value::Null, json!({"prompt_tokens": 5, "completion_tokens": 1}));
    let last = chunk(json!({}), "stop".into(), Value::Null);
    let cut = run(config(Endpoint::ChatCompletions), [counted.as_bytes()]).reading;
    assert!(!cut.final_usage && cut.parts.len() == 1);
    for end in ["", "data: [DONE]\n\n"] {
        let whole =
            run(config(Endpoint::ChatCompletions), [counted.as_bytes(), last.as_bytes(), end.as_bytes()]);
        assert_eq!((whole.ending, whole.reading.final_usage), (Ending::Complete, true), "{end}");
    }
    // The first numbers of a message are not the last ones.
    assert!(!deltas(&[Value::Null]).final_usage);
    assert!(deltas(&[json!({"output_tokens": 3})]).final_usage);
}

#[test]
fn case_14_only_another_number_replaces_the_first() {
    let input = |usage| deltas(&[usage]).parts[0].usage.input;
    assert_eq!(input(json!({"output_tokens": 10})), 50);
    assert_eq!(input(json!({"input_tokens": null, "output_tokens": 10})), 50);
    assert_eq!(input(json!({"input_tokens": 0, "output_tokens": 10})), 50);
    assert_eq!(input(json!({"input_tokens": 60, "output_tokens": 10})), 60);
}

#[test]
fn case_15_a_refusal_is_free_only_if_nothing_was_generated() {
    let empty = run(config(Endpoint::Messages), [MESSAGES_REFUSAL]).reading;
    assert_eq!((empty.finish, empty.refused_empty), (Some(FinishReason::Refusal), true));
    let late = run(config(Endpoint::Messages), [MESSAGES_REFUSAL_LATE]).reading;
    assert_eq!((late.finish, late.refused_empty), (Some(FinishReason::Refusal), false));
    assert_costs("claude-opus-5", &late, "0.01");

    let mut body = messages("claude-opus-5", &json!({"input_tokens": 10, "output_tokens": 1}));
    body["stop_reason"] = "refusal".into();
    assert!(!whole(config(Endpoint::Messages), &body).refused_empty);
    body["content"] = json!([]);
    assert!(whole(config(Endpoint::Messages), &body).refused_empty);
    // The other vendor bills what it reports.
    let mut body = chat(&json!({"prompt_tokens": 10, "completion_tokens": 0}), "default");
    body["choices"] = json!([{"index": 0, "message": {"content": null}, "finish_reason": "content_filter"}]);
    assert!(!whole(config(Endpoint::ChatCompletions), &body).refused_empty);
}

#[test]
fn case_16_parts_larger_than_the_prompt_are_flagged_and_never_negative() {
    let usage = json!({
        "prompt_tokens": 100, "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 80, "cache_write_tokens": 30},
    });
    let reading = whole(config(Endpoint::ChatCompletions), &chat(&usage, "default"));
    assert_eq!(reading.parts[0].usage, Usage { input: 100, output: 5, ..Usage::default() });
    assert!(reading.flags.clamped);
}

#[test]
fn impossible_numbers_are_flagged() {
    for (written, taken) in [("-5", 0), ("1.5", 1), ("1e3", 1), ("1000000000000000000000", u64::MAX)] {
        let body = format!(r#"{{"choices":[],"usage":{{"prompt_tokens":{written},"completion_tokens":5}}}}"#);
        let mut meter = Meter::new(config(Endpoint::ChatCompletions));
        meter.read_whole(body.as_bytes()).unwrap();
        let reading = meter.reading();
        assert_eq!((reading.parts[0].usage.input, reading.flags.clamped), (taken, true), "{written}");
    }
    let usage = json!({"prompt_tokens": "7", "completion_tokens": 5});
    assert!(whole(config(Endpoint::ChatCompletions), &chat(&usage, "default")).flags.clamped);
    let usage =
        json!({"input_tokens": 1, "output_tokens": 5, "output_tokens_details": {"thinking_tokens": 6}});
    let reading = of_messages("claude-opus-5", &usage);
    assert_eq!((reading.parts[0].usage.reasoning, reading.flags.clamped), (5, true));
}

#[test]
fn searches_of_responses_are_counted_by_report_or_by_items() {
    let search = json!({"type": "web_search_call", "id": "ws_1"});
    let usage = json!({"input_tokens": 10, "output_tokens": 10});
    let mut body = json!({"id": "resp_1", "status": "completed", "output": [search, search], "usage": usage});
    let searches = |body: &Value| whole(config(Endpoint::Responses), body).parts[0].usage.web_searches;
    assert_eq!(searches(&body), 2);
    body["tool_usage"] = json!({"web_search": {"num_requests": 1}, "image_gen": null});
    assert_eq!(searches(&body), 1);
}

#[test]
fn an_answer_without_usage_is_estimated_from_its_text() {
    for usage in [Value::Null, json!({}), json!({"prompt_tokens": null})] {
        let mut body = chat(&usage, "priority");
        body["model"] = "gpt-6-sol".into();
        body["choices"][0]["message"]["content"] = "0123456789汉字".into();
        let reading = whole(config(Endpoint::ChatCompletions), &body);
        assert!(!reading.final_usage && reading.parts.is_empty());
        let UsagePart { served_model, usage, modifiers } = reading.estimate(11);
        assert_eq!((usage.input, usage.output), (11, 5));
        assert_eq!((served_model.as_deref(), modifiers.tier), (Some("gpt-6-sol"), ServiceTier::Priority));
    }
    let body = json!({"content": [{"type": "text", "text": "01234567"}], "stop_reason": "end_turn"});
    assert_eq!(whole(config(Endpoint::Messages), &body).estimate(1).usage.output, 2);
    let item = json!({"type": "message", "content": [{"type": "output_text", "text": "01234567"}]});
    let body = json!({"status": "completed", "output": [item]});
    assert_eq!(whole(config(Endpoint::Responses), &body).estimate(1).usage.output, 2);
}

#[test]
fn what_is_no_answer_is_refused() {
    for body in ["", "<html>", "[]", "null", "{\"usage\":", "{}x"] {
        for endpoint in Endpoint::ALL {
            assert_eq!(Meter::new(config(endpoint)).read_whole(body.as_bytes()), Err(AnswerBroken), "{body}");
        }
    }
}
