//! Pieces of a stream of the Responses API.

use super::super::answer::{read_object, read_text, scanner};
use super::super::fault::RequestFault;
use super::super::json::{Kind, Scanner};
use super::super::piece::{Piece, PieceKind};

/// Reads an event, if it is a piece of a text, of shown reasoning or of the input of a call.
pub(crate) fn responses_piece(data: &str) -> Option<Piece<'_>> {
    let mut kind = None;
    let (mut index, mut part) = (None, None);
    let mut found = None;
    let mut scanner = scanner(data);
    let names = ["type", "output_index", "content_index", "delta"];
    let read = read_object(&mut scanner, &names, |scanner, name| {
        match name {
            "type" => {
                kind = read_text(scanner)?.and_then(|kind| {
                    KINDS.iter().find(|(name, _kind)| kind.is(name)).map(|(_name, kind)| *kind)
                });
            }
            "output_index" => index = read_index(scanner)?,
            "content_index" => part = read_index(scanner)?,
            _ => found = read_text(scanner)?,
        }
        Ok(())
    });
    let is_whole = matches!(read, Ok(true)) && scanner.finish().is_ok();
    let (kind, text) = kind.zip(found).filter(|_found| is_whole)?;
    // Only texts are parts of an item.
    let part = if kind == PieceKind::Text { part.unwrap_or(0) } else { 0 };
    Some(Piece { kind, index: index?, part, text: text.decode() })
}

const KINDS: [(&str, PieceKind); 4] = [
    ("response.output_text.delta", PieceKind::Text),
    ("response.function_call_arguments.delta", PieceKind::Input),
    ("response.custom_tool_call_input.delta", PieceKind::Input),
    ("response.reasoning_summary_text.delta", PieceKind::Thought),
];

fn read_index(scanner: &mut Scanner<'_>) -> Result<Option<u32>, RequestFault> {
    if scanner.peek()? != Kind::Number {
        return scanner.pass().map(|()| None);
    }
    Ok(scanner.number()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_pieces_are_read() {
        for (data, expected) in [
            (
                r#"{"type":"response.output_text.delta","sequence_number":7,"item_id":"msg_1","output_index":2,"content_index":1,"delta":"\"a\"","logprobs":[]}"#,
                Some((PieceKind::Text, 2, 1, "\"a\"")),
            ),
            (
                r#"{"type":"response.function_call_arguments.delta","output_index":1,"content_index":4,"delta":"{"}"#,
                Some((PieceKind::Input, 1, 0, "{")),
            ),
            (
                r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":1,"delta":"hm"}"#,
                Some((PieceKind::Thought, 0, 0, "hm")),
            ),
            (r#"{"type":"response.refusal.delta","output_index":0,"delta":"no"}"#, None),
            (r#"{"type":"response.output_text.delta","delta":"a"}"#, None),
            (r#"{"type":"response.output_text.delta","output_index":"0","delta":"a"}"#, None),
            (r#"{"type":"response.output_text.delta","output_index":0,"delta":null}"#, None),
            (r#"{"type":"response.output_text.delta","output_index":0,"delta":"a"} x"#, None),
            ("null", None),
        ] {
            let read = responses_piece(data);
            let read = read.as_ref().map(|it| (it.kind, it.index, it.part, it.text.as_ref()));
            assert_eq!(read, expected, "{data}");
        }
    }
}
