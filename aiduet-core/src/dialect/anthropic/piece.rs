//! Pieces of a stream of Messages.

use super::super::answer::{read_object, read_text, scanner};
use super::super::fault::RequestFault;
use super::super::json::{Kind, Scanner};
use super::super::piece::{Piece, PieceKind};

/// Reads an event, if it is a piece of a text, of shown reasoning or of the input of a call.
pub(crate) fn messages_piece(data: &str) -> Option<Piece<'_>> {
    let mut is_delta = false;
    let mut index = None;
    let mut found = None;
    let mut scanner = scanner(data);
    let read = read_object(&mut scanner, &["type", "index", "delta"], |scanner, name| {
        match name {
            "type" => is_delta = read_text(scanner)?.is_some_and(|kind| kind.is("content_block_delta")),
            "index" if scanner.peek()? == Kind::Number => index = scanner.number()?.parse().ok(),
            "delta" => found = read_delta(scanner)?,
            _ => scanner.pass()?,
        }
        Ok(())
    });
    let is_whole = matches!(read, Ok(true)) && scanner.finish().is_ok();
    let (kind, text) = found.filter(|_found| is_delta && is_whole)?;
    Some(Piece { kind, index: index?, part: 0, text: text.decode() })
}

type Found<'a> = Option<(PieceKind, super::super::json::Text<'a>)>;

fn read_delta<'a>(scanner: &mut Scanner<'a>) -> Result<Found<'a>, RequestFault> {
    let mut kind = None;
    let mut texts = [None; 3];
    let [text, thinking, input] = &mut texts;
    read_object(scanner, &["type", "text", "thinking", "partial_json"], |scanner, name| {
        let read = read_text(scanner)?;
        match name {
            "type" => kind = read,
            "text" => *text = read,
            "thinking" => *thinking = read,
            _ => *input = read,
        }
        Ok(())
    })?;
    let [text, thinking, input] = texts;
    let Some(kind) = kind else { return Ok(None) };
    let found = if kind.is("text_delta") {
        text.map(|text| (PieceKind::Text, text))
    } else if kind.is("input_json_delta") {
        input.map(|input| (PieceKind::Input, input))
    } else if kind.is("thinking_delta") {
        thinking.map(|thinking| (PieceKind::Thought, thinking))
    } else {
        None
    };
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_pieces_are_read() {
        let piece = |kind, index, text: &'static str| Some(Piece { kind, index, part: 0, text: text.into() });
        for (data, expected) in [
            (
                r#"{"type":"content_block_delta","index":3,"delta":{"type":"text_delta","text":"a\n\u00e9"}}"#,
                piece(PieceKind::Text, 3, "a\n\u{e9}"),
            ),
            (
                r#"{ "delta" : {"partial_json":"{\"a", "type":"input_json_delta"}, "x":[1], "index":1,"type":"content_block_delta"}"#,
                piece(PieceKind::Input, 1, "{\"a"),
            ),
            (
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
                piece(PieceKind::Thought, 0, "hm"),
            ),
            (
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}"#,
                None,
            ),
            (r#"{"type":"content_block_stop","index":0,"delta":{"type":"text_delta","text":"a"}}"#, None),
            (r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}"#, None),
            (r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}"#, None),
            (r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":1}}"#, None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(messages_piece(data), expected, "{data}");
        }
    }
}
