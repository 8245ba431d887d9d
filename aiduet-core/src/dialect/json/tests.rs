use proptest::prelude::*;

use super::*;

const STRICT: Strictness = Strictness { depth_max: 8, items_max: 10, duplicates: Duplicates::Refuse };

fn read(text: &[u8]) -> Result<(), FaultKind> {
    let whole = || {
        let mut scanner = Scanner::new(text, STRICT)?;
        scanner.pass()?;
        scanner.finish()
    };
    whole().map_err(|fault: RequestFault| fault.kind)
}

#[test]
fn text_that_has_one_reading_passes() {
    for text in [
        r#" {"a" : [1 , -0.5e+3, "x\u00e9\n\ud83d\ude00", true,false,null , {} , [] ] } "#,
        "0",
        "-1.0E-2",
        r#""""#,
        "123456789012345678901234567890123456789012345678901234567890",
    ] {
        assert_eq!(read(text.as_bytes()), Ok(()), "{text}");
    }
}

#[test]
fn text_that_parsers_could_read_differently_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "}",
        "{}{}",
        "{} x",
        "[1,]",
        "[,1]",
        r#"{"a":1,}"#,
        r#"{"a" 1}"#,
        r#"{a:1}"#,
        r#"{'a':1}"#,
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "-",
        "NaN",
        "Infinity",
        "nul",
        "tru",
        "\"\t\"",
        "\"\n\"",
        r#""\x""#,
        r#""\u12g4""#,
        r#""\u+123""#,
        r#""\ud800""#,
        r#""\ud800\n""#,
        r#""\ud800\ud800""#,
        r#""\udc00""#,
        r#"""#,
        "\u{feff}{}",
        "// comment\n{}",
    ] {
        assert_eq!(read(text.as_bytes()), Err(FaultKind::Malformed), "{text}");
    }
    assert_eq!(read(b"\"\xff\""), Err(FaultKind::Malformed));
    assert_eq!(read(b"\"\xc0\xaf\""), Err(FaultKind::Malformed));
    assert_eq!(read(b"\"\xed\xa0\x80\""), Err(FaultKind::Malformed));
}

#[test]
fn structure_is_bounded() {
    assert_eq!(read(b"[[[[[[[[]]]]]]]]"), Ok(()));
    assert_eq!(read(b"[[[[[[[[[]]]]]]]]]"), Err(FaultKind::TooDeep));
    assert_eq!(read(b"[1,2,3,4,5,6,7,8,9,10]"), Ok(()));
    assert_eq!(read(b"[1,2,3,4,5,6,7,8,9,10,11]"), Err(FaultKind::TooLong));
    // Depth is that of the nesting, not a count of brackets.
    assert_eq!(read(b"[[],[],[],[],[],{},{},{},{},[]]"), Ok(()));
}

#[test]
fn a_special_byte_is_found_at_every_place_of_a_word() {
    for special in ["\"", "\\", "\u{1f}", "\u{0}"] {
        for at in 0..24 {
            let mut text = "x".repeat(24);
            text.insert_str(at, special);
            let mut scanner = Scanner::new(text.as_bytes(), STRICT).unwrap();
            scanner.run_of_plain_bytes();
            assert!(scanner.at <= at && at - scanner.at < 8, "{special:?} at {at}: {}", scanner.at);
        }
    }
}

#[test]
fn keys_match_however_they_are_written() {
    let mut scanner = Scanner::new(br#"{"mod\u0065l":"\u0061"}"#, STRICT).unwrap();
    let mut model = String::new();
    scanner
        .object(&["model"], |scanner, _name| {
            model = scanner.string()?.decode().into_owned();
            Ok(())
        })
        .unwrap();
    assert_eq!(model, "a");
}

proptest! {
    #[test]
    fn whatever_passes_is_json_to_another_parser_too(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if read(&bytes).is_ok() {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
        }
    }

    #[test]
    fn what_is_near_json_never_panics_and_agrees(text in r#"[\[\]{}",:0-9eE+.\\utrfalsn \-é]{0,40}"#) {
        let ours = read(text.as_bytes());
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        match ours {
            Ok(()) => prop_assert!(theirs, "{text}"),
            // The other parser ignores surrogates that stand alone when it throws strings away.
            Err(FaultKind::Malformed) => prop_assert!(!theirs || text.contains("\\u"), "{text}"),
            Err(_structure) => {}
        }
    }
}
