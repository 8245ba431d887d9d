//! Tools that take free text, where only objects are taken: the text is the one member of an
//! object, on the way out and in histories, and is taken out of it again on the way back.

use serde_json::value::RawValue;

use super::conversation::Grammar;
use super::json::{Members, Text, write_text};

/// The member that carries the text.
const MEMBER: &str = "input";

/// The schema of such an object.
pub(super) fn schema() -> Box<RawValue> {
    let text = format!(
        r#"{{"type":"object","properties":{{"{MEMBER}":{{"type":"string"}}}},"required":["{MEMBER}"],"additionalProperties":false}}"#
    );
    RawValue::from_string(text).unwrap_or_else(|_json| RawValue::NULL.to_owned())
}

/// What the tool is told to be, with its grammar, which nobody enforces.
pub(super) fn describe<'a>(
    description: Option<&Text<'a>>,
    grammar: Option<&Grammar<'_>>,
) -> Option<Text<'a>> {
    let Some(Grammar { syntax, definition }) = grammar else { return description.cloned() };
    let description = description.map(Text::decode).unwrap_or_default();
    Some(Text::from(format!(
        "{description}\n\nThe text of `{MEMBER}` must follow this grammar ({}):\n{}",
        syntax.decode(),
        definition.decode()
    )))
}

/// The text as an object.
pub(super) fn wrap(text: &Text<'_>) -> String {
    format!("{{\"{MEMBER}\":{}}}", write_text(text))
}

/// The text of an object; whatever a model wrote in its place, if it is none.
pub(super) fn unwrap(arguments: String) -> String {
    let text = serde_json::from_str::<Members<'_>>(&arguments)
        .ok()
        .and_then(|mut members| members.read::<Text<'_>>(MEMBER).ok().flatten())
        .map(|text| text.into_decoded().into_owned());
    text.unwrap_or(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_text_goes_there_and_back() {
        let text = "*** Begin Patch\n\"a\" \\ \u{1F980}";
        assert_eq!(unwrap(wrap(&Text::from(text))), text);
        assert_eq!(unwrap("{\"other\":1}".to_owned()), "{\"other\":1}");
        assert_eq!(unwrap("not json".to_owned()), "not json");
    }
}
