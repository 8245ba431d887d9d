use proptest::prelude::*;

use super::*;

fn split(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut splitter = Splitter::default();
    let mut events = Vec::new();
    for chunk in chunks {
        let mut start = 0;
        while let Some(end) = splitter.next_end(chunk, start) {
            splitter.keep(&chunk[start..end]).unwrap();
            events.push(splitter.take().to_vec());
            start = end;
        }
        splitter.keep(&chunk[start..]).unwrap();
    }
    events
}

fn data(raw: &str) -> Option<String> {
    parse(raw.as_bytes()).unwrap().data.map(|data| data.text().to_owned())
}

#[test]
fn every_kind_of_line_end_ends_an_event() {
    for text in ["data: a\n\ndata: b\n\n", "data: a\r\n\r\ndata: b\r\n\r\n", "data: a\r\rdata: b\r\r"] {
        let events = split(&[text.as_bytes()]);
        assert_eq!(events.len(), 2, "{text:?}");
        assert_eq!(events.concat(), text.as_bytes());
    }
    // A line feed that comes later belongs to the carriage return before it.
    let events = split(&[b"data: a\r", b"\ndata: b\r", b"\n\r", b"\ndata: c\n\n"]);
    assert_eq!(events.len(), 2);
    assert_eq!(data(std::str::from_utf8(&events[0]).unwrap()).as_deref(), Some("a\nb"));
    assert_eq!(data(std::str::from_utf8(&events[1]).unwrap()).as_deref(), Some("c"));
}

#[test]
fn fields_are_read_as_the_standard_says() {
    assert_eq!(data("data: a\ndata:b\ndata:  c\n\n").as_deref(), Some("a\nb\n c"));
    assert_eq!(data(": comment\nid: 7\nretry: 10\ndata: a\n\n").as_deref(), Some("a"));
    assert_eq!(data("\u{feff}data: a\n\n").as_deref(), Some("a"));
    assert_eq!(data("data\n\n").as_deref(), Some(""));
    assert_eq!(data(": only a comment\n\n"), None);
    let event = parse(b"event: ping\r\ndata: {}\r\n\r\n").unwrap();
    assert_eq!(event.name, Some("ping"));
    assert!(matches!(event.data, Some(Data::Line { at: 19, text: "{}" })));
}

#[test]
fn an_event_has_a_bounded_size() {
    let mut splitter = Splitter::default();
    let megabyte = vec![b'x'; 1 << 20];
    for _ in 0..4 {
        splitter.keep(&megabyte).unwrap();
    }
    assert_eq!(splitter.keep(b"x"), Err(AnswerBroken));
}

#[test]
fn bytes_that_are_not_text_are_no_event() {
    assert!(parse(b"data: \xff\n\n").is_err());
}

proptest! {
    #[test]
    fn cuts_change_nothing(text in "[a:\r\n ]{0,40}", cut in 0_usize..41) {
        let bytes = text.as_bytes();
        let cut = cut.min(bytes.len());
        let whole = split(&[bytes]);
        let parts = split(&[&bytes[..cut], &bytes[cut..]]);
        let texts = |events: &[Vec<u8>]| -> Vec<String> {
            events.iter().filter_map(|event| data(std::str::from_utf8(event).unwrap())).collect()
        };
        prop_assert_eq!(texts(&whole), texts(&parts));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for event in split(&[&bytes]) {
            drop(parse(&event));
        }
    }
}
