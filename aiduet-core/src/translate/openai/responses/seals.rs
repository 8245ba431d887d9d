//! Sealed reasoning among items.

use serde::Deserialize;

use super::super::super::json::{Text, lax};
use super::super::super::seal::PREFIX;

#[derive(Deserialize)]
struct ItemWire<'a> {
    #[serde(borrow, default, deserialize_with = "lax")]
    r#type: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lax")]
    encrypted_content: Option<Text<'a>>,
}

/// The item, unless it is sealed reasoning.
pub(in crate::translate) fn without_seals(item: &str) -> Option<String> {
    let sealed =
        serde_json::from_str::<ItemWire<'_>>(item).is_ok_and(|ItemWire { r#type, encrypted_content }| {
            r#type.is_some_and(|kind| kind.is("reasoning"))
                && encrypted_content.is_some_and(|proof| proof.decode().starts_with(PREFIX))
        });
    (!sealed).then(|| item.to_owned())
}
