//! Values that are taken where they have the expected type, and passed over where they have not.

use super::fault::RequestFault;
use super::json::{Kind, Scanner, Text};

/// A string; `None` for anything else.
pub(super) fn read_text<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Text<'a>>, RequestFault> {
    if scanner.peek()? == Kind::String { scanner.string().map(Some) } else { scanner.pass().map(|()| None) }
}

/// A whole number; `None` for anything else.
pub(super) fn read_count(scanner: &mut Scanner<'_>) -> Result<Option<u64>, RequestFault> {
    if scanner.peek()? == Kind::Number {
        scanner.number().map(|number| number.parse().ok())
    } else {
        scanner.pass().map(|()| None)
    }
}

/// A text, or the first text of a list of blocks.
pub(super) fn first_text<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Text<'a>>, RequestFault> {
    let mut first = None;
    match scanner.peek()? {
        Kind::String => return scanner.string().map(Some),
        Kind::Array => drop(scanner.array(|block| {
            if first.is_some() || block.peek()? != Kind::Object {
                return block.pass();
            }
            block
                .object(&["text"], |block, _text| {
                    first = read_text(block)?;
                    Ok(())
                })
                .map(drop)
        })?),
        Kind::Object | Kind::Number | Kind::Bool | Kind::Null => scanner.pass()?,
    }
    Ok(first)
}
