//! Embeddings: a request counts inputs, an answer counts a prompt.

use super::super::fault::RequestFault;
use super::super::head::RequestHead;
use super::super::json::{Braces, Kind, Scanner};

pub(in crate::dialect) fn read(
    scanner: &mut Scanner<'_>,
    head: &mut RequestHead,
) -> Result<Braces, RequestFault> {
    scanner.object(&["model", "input", "user"], |scanner, name| match name {
        "model" => head.read_model(scanner),
        "input" => read_input(scanner, head),
        _ => head.read_end_user(scanner),
    })
}

/// A text, a list of texts, a list of tokens, or a list of lists of tokens.
fn read_input(scanner: &mut Scanner<'_>, head: &mut RequestHead) -> Result<(), RequestFault> {
    const EXPECTED: RequestFault = RequestFault::invalid("expected a text, tokens, or a list of either");
    match scanner.peek()? {
        Kind::String => scanner.pass(),
        Kind::Array => {
            let mut separate = 0_u64;
            scanner.array(|item| {
                match item.peek()? {
                    Kind::String | Kind::Array => separate = separate.saturating_add(1),
                    Kind::Number => {}
                    Kind::Object | Kind::Bool | Kind::Null => return Err(EXPECTED),
                }
                item.pass()
            })?;
            head.inputs = separate.max(1);
            Ok(())
        }
        Kind::Object | Kind::Number | Kind::Bool | Kind::Null => Err(EXPECTED),
    }
}
