use super::*;

#[test]
fn case_17_usage_that_nobody_asked_for_is_metered_and_not_relayed() {
    for stream in [CHAT_TEXT, CHAT_TOOLS, CHAT_USAGE_EVERYWHERE] {
        let run = run(config(Endpoint::ChatCompletions), [stream]);
        assert!(run.reading.final_usage);
        let relayed = json_events(&run.out);
        let (done, chunks) = relayed.split_last().unwrap();
        assert_eq!(done.1, json!("[DONE]"));
        let expected: Vec<Value> = json_events(stream)
            .into_iter()
            .filter(|(_name, data)| data["choices"].as_array().is_some_and(|choices| !choices.is_empty()))
            .map(|(_name, mut data)| {
                data.as_object_mut().unwrap().remove("usage");
                data
            })
            .collect();
        assert_eq!(chunks.iter().map(|(_name, data)| data.clone()).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn case_18_and_19_usage_that_was_asked_for_comes_once_with_its_cost() {
    for (stream, output) in [(CHAT_TEXT, 500), (CHAT_TOOLS, 500), (CHAT_USAGE_EVERYWHERE, 100)] {
        let config = MeterConfig { relay_usage: true, ..config(Endpoint::ChatCompletions) };
        let run = run(config, [stream]);
        assert_eq!(run.reading.parts[0].usage.output, output);
        let relayed = json_events(&run.out);
        let [chunks @ .., usage, done] = relayed.as_slice() else { panic!("too short") };
        assert_eq!(done.1, json!("[DONE]"));
        assert_eq!(usage.1["choices"], json!([]));
        assert_eq!(usage.1["id"], json!("chatcmpl-Fix1"));
        assert_eq!(usage.1["usage"]["completion_tokens"], json!(output));
        let text = String::from_utf8_lossy(&run.out).into_owned();
        assert!(text.contains(r#","cost":0.015200000}"#), "{text}");
        for (_name, chunk) in chunks {
            assert_eq!(chunk["usage"], Value::Null);
            assert_ne!(chunk["choices"], json!([]));
        }
    }
}

#[test]
fn chunks_pass_byte_for_byte_when_usage_was_asked_for() {
    let config = MeterConfig { relay_usage: true, ..config(Endpoint::ChatCompletions) };
    let run = run(config, [CHAT_TEXT]);
    assert_eq!(&run.out[..run.before_end], &CHAT_TEXT[..run.before_end]);
    assert!(run.before_end > CHAT_TEXT.len() / 2);
}

#[test]
fn streams_with_named_events_pass_byte_for_byte_and_the_end_is_held_back() {
    for (endpoint, stream) in STREAMS {
        if endpoint == Endpoint::ChatCompletions {
            continue;
        }
        let run = run(config(endpoint), [stream]);
        assert_eq!(run.out, stream);
        let held = &run.out[run.before_end..];
        assert_eq!(events(held).len(), 1, "{}", String::from_utf8_lossy(held));
    }
}

#[test]
fn case_20_cuts_change_nothing() {
    for (endpoint, stream) in STREAMS {
        let asked: &[bool] = if endpoint == Endpoint::ChatCompletions { &[false, true] } else { &[false] };
        for relay_usage in asked.iter().copied() {
            let config = MeterConfig { relay_usage, ..config(endpoint) };
            let expected = run(config, [stream]);
            let reading = format!("{:?}", expected.reading);
            let same = |other: &Run, what: &str| {
                assert_eq!(other.ending, expected.ending, "{what}");
                assert_eq!(format!("{:?}", other.reading), reading, "{what}");
                assert!(other.out == expected.out, "{what}: other bytes");
            };
            for cut in 0..=stream.len() {
                same(&run(config, [&stream[..cut], &stream[cut..]]), "one cut");
            }
            same(&run(config, stream.chunks(1)), "single bytes");
            same(&run(config, stream.chunks(7)), "sevens");
        }
    }
}

#[test]
fn case_20_other_ways_to_write_the_same_events_change_nothing() {
    for (endpoint, stream) in STREAMS {
        let text = std::str::from_utf8(stream).unwrap();
        let expected = run(config(endpoint), [stream]);
        let ways = [
            ("crlf", text.replace('\n', "\r\n")),
            ("cr", text.replace('\n', "\r")),
            ("comments", text.replace("data: ", ": a comment\ndata: ").replace("\n\n", "\n\n: another\n\n")),
            ("byte order mark", format!("\u{feff}{text}")),
            ("lines", text.replace("data: {", "data: {\ndata:")),
            ("no space", text.replace("data: ", "data:").replace("event: ", "event:")),
            ("fields", text.replace("data: ", "id: 1\nretry: 5\ndata: ")),
            ("no last blank line", text.trim_end().to_owned()),
            ("half of the last blank line", text[..text.len() - 1].to_owned()),
        ];
        for (way, text) in ways {
            for size in [1, 5, usize::MAX] {
                let run = run(config(endpoint), text.as_bytes().chunks(size));
                assert_eq!(run.ending, expected.ending, "{way}");
                assert_eq!(format!("{:?}", run.reading), format!("{:?}", expected.reading), "{way}");
                assert_eq!(json_events(&run.out), json_events(&expected.out), "{way}");
            }
        }
    }
}

#[test]
fn events_that_pass_side_by_side_leave_as_one_frame() {
    let mut meter = Meter::new(config(Endpoint::Messages));
    let frames = meter.push(Bytes::from_static(MESSAGES_TEXT));
    assert_eq!(frames.len(), 1);
    assert!(meter.is_complete());
    assert!(meter.push(Bytes::from_static(MESSAGES_TEXT)).is_empty(), "nothing passes after the end");
}

#[test]
fn unknown_events_and_fields_pass() {
    let stream = b"event: novelty\ndata: {\"type\":\"novelty\",\"a\":[1e400]}\n\n";
    for endpoint in [Endpoint::Messages, Endpoint::Responses] {
        let mut meter = Meter::new(config(endpoint));
        assert_eq!(meter.push(Bytes::from_static(stream)).concat(), stream);
        assert!(!meter.reading().failed);
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), size in 1_usize..40) {
        for endpoint in Endpoint::ALL {
            drop(run(config(endpoint), bytes.chunks(size)));
            let _read = Meter::new(config(endpoint)).read_whole(&bytes);
        }
    }

    #[test]
    fn a_damaged_stream_never_panics(
        which in 0_usize..STREAMS.len(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        size in 1_usize..100,
    ) {
        let (endpoint, stream) = STREAMS[which];
        let mut damaged = stream.to_vec();
        let at = at.index(damaged.len());
        damaged[at] = byte;
        let whole = run(config(endpoint), [damaged.as_slice()]);
        let parts = run(config(endpoint), damaged.chunks(size));
        prop_assert_eq!(whole.reading.parts, parts.reading.parts);
        prop_assert_eq!(whole.ending, parts.ending);
    }
}
