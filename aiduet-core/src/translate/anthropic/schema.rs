//! Schemas of structured outputs: what Claude takes, and the one thing that is added.
//!
//! # Source
//! `protocols.md` 2.7, from Anthropic's "Structured outputs", read November 2026.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::super::json::{Members, Text, is_string, write_text};

/// Schemas nest at most as deep as requests.
const DEPTH_MAX: u32 = 64;

/// Keywords that are refused, each with what the caller is told.
const REFUSED: [(&str, &str); 14] = [
    ("minimum", "the chosen model does not take the keyword minimum"),
    ("maximum", "the chosen model does not take the keyword maximum"),
    ("exclusiveMinimum", "the chosen model does not take the keyword exclusiveMinimum"),
    ("exclusiveMaximum", "the chosen model does not take the keyword exclusiveMaximum"),
    ("multipleOf", "the chosen model does not take the keyword multipleOf"),
    ("minLength", "the chosen model does not take the keyword minLength"),
    ("maxLength", "the chosen model does not take the keyword maxLength"),
    ("maxItems", "the chosen model does not take the keyword maxItems"),
    ("uniqueItems", "the chosen model does not take the keyword uniqueItems"),
    ("contains", "the chosen model does not take the keyword contains"),
    ("minProperties", "the chosen model does not take the keyword minProperties"),
    ("maxProperties", "the chosen model does not take the keyword maxProperties"),
    ("patternProperties", "the chosen model does not take the keyword patternProperties"),
    ("propertyNames", "the chosen model does not take the keyword propertyNames"),
];

const OPEN: &str = "the chosen model takes only objects with additionalProperties: false";
const FEW: &str = "the chosen model takes minItems 0 or 1 only";
const RECURSIVE: &str = "the chosen model does not take recursive schemas ($ref)";
const MALFORMED: &str = "the schema is malformed";

/// What is wrong with a schema, for the caller.
pub(super) type Advice = &'static str;

/// References between definitions; `""` is the schema itself.
type References = BTreeMap<String, Vec<String>>;

#[derive(Default)]
struct Walk {
    references: References,
    definition: String,
    depth: u32,
}

/// The schema with `additionalProperties: false` added where an object does not say; otherwise as
/// it was written.
///
/// # Errors
/// Names the keyword that Claude does not take.
pub(super) fn closed(schema: &RawValue) -> Result<Cow<'_, RawValue>, Advice> {
    let mut walk = Walk::default();
    let closed = walk.schema(schema)?;
    check_references(&walk.references)?;
    match closed {
        Cow::Borrowed(_same) => Ok(Cow::Borrowed(schema)),
        Cow::Owned(text) => RawValue::from_string(text).map(Cow::Owned).map_err(|_json| MALFORMED),
    }
}

impl Walk {
    fn schema<'a>(&mut self, schema: &'a RawValue) -> Result<Cow<'a, str>, Advice> {
        if matches!(schema.get(), "true" | "false") {
            return Ok(Cow::Borrowed(schema.get()));
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(MALFORMED);
        }
        let members: Members<'a> = serde_json::from_str(schema.get()).map_err(|_json| MALFORMED)?;
        let mut written = Rewritten::default();
        let (mut is_object, mut says_closed) = (false, false);
        for (name, value) in members.0 {
            if let Some((_keyword, advice)) = REFUSED.iter().find(|(keyword, _advice)| *keyword == name) {
                return Err(advice);
            }
            match name.as_ref() {
                "type" => is_object |= names_object(value),
                "properties" => is_object = true,
                "additionalProperties" if value.get() != "false" => return Err(OPEN),
                "additionalProperties" => says_closed = true,
                "minItems" if !matches!(value.get(), "0" | "1") => return Err(FEW),
                "$ref" => self.refer(value)?,
                _ => {}
            }
            let value = self.member(&name, value)?;
            written.push(&name, value);
        }
        if is_object && !says_closed {
            written.push("additionalProperties", Cow::Owned("false".to_owned()));
        }
        self.depth -= 1;
        Ok(written.text(schema.get()))
    }

    fn member<'a>(&mut self, name: &str, value: &'a RawValue) -> Result<Cow<'a, str>, Advice> {
        match name {
            "properties" => self.map(value, None),
            "$defs" | "definitions" => self.map(value, Some(name)),
            "items" | "not" if !value.get().starts_with('[') => self.schema(value),
            "anyOf" | "oneOf" | "allOf" | "prefixItems" | "items" => self.list(value),
            _ => Ok(Cow::Borrowed(value.get())),
        }
    }

    fn map<'a>(&mut self, value: &'a RawValue, definitions: Option<&str>) -> Result<Cow<'a, str>, Advice> {
        let members: Members<'a> = serde_json::from_str(value.get()).map_err(|_json| MALFORMED)?;
        let mut written = Rewritten::default();
        for (name, schema) in members.0 {
            let outer = definitions
                .map(|kind| std::mem::replace(&mut self.definition, format!("#/{kind}/{}", pointer(&name))));
            let schema = self.schema(schema)?;
            if let Some(outer) = outer {
                self.definition = outer;
            }
            written.push(&name, schema);
        }
        Ok(written.text(value.get()))
    }

    fn list<'a>(&mut self, value: &'a RawValue) -> Result<Cow<'a, str>, Advice> {
        let schemas: Vec<&'a RawValue> = serde_json::from_str(value.get()).map_err(|_json| MALFORMED)?;
        let written = schemas.into_iter().map(|schema| self.schema(schema)).collect::<Result<Vec<_>, _>>()?;
        if written.iter().all(|schema| matches!(schema, Cow::Borrowed(_))) {
            return Ok(Cow::Borrowed(value.get()));
        }
        Ok(Cow::Owned(format!("[{}]", written.join(","))))
    }

    fn refer(&mut self, value: &RawValue) -> Result<(), Advice> {
        let target: Text<'_> = serde_json::from_str(value.get()).map_err(|_json| MALFORMED)?;
        let target = if target.is("#") { String::new() } else { target.decode().into_owned() };
        self.references.entry(self.definition.clone()).or_default().push(target);
        Ok(())
    }
}

/// Members of an object that may have changed.
#[derive(Default)]
struct Rewritten<'a> {
    members: Vec<(String, Cow<'a, str>)>,
}

impl<'a> Rewritten<'a> {
    fn push(&mut self, name: &str, value: Cow<'a, str>) {
        self.members.push((write_text(name), value));
    }

    fn text(self, original: &'a str) -> Cow<'a, str> {
        if self.members.iter().all(|(_name, value)| matches!(value, Cow::Borrowed(_))) {
            return Cow::Borrowed(original);
        }
        let members: Vec<String> =
            self.members.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        Cow::Owned(format!("{{{}}}", members.join(",")))
    }
}

fn names_object(value: &RawValue) -> bool {
    if is_string(value) {
        return value.get() == "\"object\"";
    }
    serde_json::from_str::<Vec<Text<'_>>>(value.get())
        .is_ok_and(|kinds| kinds.iter().any(|kind| kind.is("object")))
}

/// A name inside a JSON pointer.
fn pointer(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Refuses circles. Each definition is left for good once all that it leads to is known.
fn check_references(references: &References) -> Result<(), Advice> {
    let mut done: BTreeMap<&str, bool> = BTreeMap::new();
    for start in references.keys() {
        let mut path: Vec<(&str, usize)> = vec![(start, 0)];
        while let Some((node, next)) = path.pop() {
            if next == 0 {
                match done.get(node) {
                    Some(true) => continue,
                    Some(false) => return Err(RECURSIVE),
                    None => drop(done.insert(node, false)),
                }
            }
            match references.get(node).and_then(|targets| targets.get(next)) {
                Some(target) => {
                    path.push((node, next + 1));
                    path.push((target, 0));
                }
                None => drop(done.insert(node, true)),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: &str) -> Result<String, Advice> {
        let schema = RawValue::from_string(schema.to_owned()).unwrap();
        closed(&schema).map(|closed| closed.get().to_owned())
    }

    #[test]
    fn objects_are_closed_and_all_else_stays_as_written() {
        let open = r#"{"type":"object","properties":{"a":{"type":"object","properties":{}},"minimum":{ "enum":[1.0,2e2]}}}"#;
        let closed = r#"{"type":"object","properties":{"a":{"type":"object","properties":{},"additionalProperties":false},"minimum":{ "enum":[1.0,2e2]}},"additionalProperties":false}"#;
        assert_eq!(check(open).unwrap(), closed);
        let same = r#"{ "type" : "object", "properties" : {}, "additionalProperties" : false }"#;
        assert_eq!(check(same).unwrap(), same);
    }

    #[test]
    fn keywords_that_claude_does_not_take_are_named() {
        for (schema, word) in [
            (r#"{"type":"integer","minimum":1}"#, "minimum"),
            (r#"{"type":"array","items":{"type":"string","maxLength":3}}"#, "maxLength"),
            (r#"{"type":"array","minItems":2}"#, "minItems"),
            (r#"{"anyOf":[{"type":"object","additionalProperties":true}]}"#, "additionalProperties"),
            (r##"{"type":"object","properties":{"next":{"$ref":"#"}}}"##, "$ref"),
            (r##"{"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"$ref":"#/$defs/a"}}}"##, "$ref"),
        ] {
            assert!(check(schema).unwrap_err().contains(word), "{schema}");
        }
    }

    #[test]
    fn references_without_a_circle_pass() {
        let schema = r##"{"$defs":{"a":{"type":"string"},"b":{"$ref":"#/$defs/a"}},"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/b"}]}"##;
        assert_eq!(check(schema).unwrap(), schema);
    }
}
