//! Which schemas OpenAI's strict mode takes: every object closed, every property required.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::super::json::{Members, Text};

/// Schemas nest at most as deep as requests.
const DEPTH_MAX: u32 = 64;

/// Whether strict mode takes a schema.
pub(super) fn is_strict(schema: &RawValue) -> bool {
    is_strict_at(schema, 0)
}

fn is_strict_at(schema: &RawValue, depth: u32) -> bool {
    if depth > DEPTH_MAX {
        return false;
    }
    let Ok(mut members) = serde_json::from_str::<Members<'_>>(schema.get()) else { return false };
    let properties = members.take("properties");
    let is_object = properties.is_some()
        || members.0.iter().any(|(name, kind)| name == "type" && kind.get() == "\"object\"");
    let closed = members.take("additionalProperties").is_some_and(|value| value.get() == "false");
    let required = members.take("required");
    if is_object && !(closed && all_required(properties, required)) {
        return false;
    }
    properties.is_none_or(|map| values_are_strict(map, depth))
        && members.0.iter().all(|(name, value)| match name.as_ref() {
            "$defs" | "definitions" => values_are_strict(value, depth),
            "items" | "not" => is_strict_at(value, depth.saturating_add(1)),
            "anyOf" | "allOf" | "oneOf" | "prefixItems" => {
                serde_json::from_str::<Vec<&RawValue>>(value.get()).is_ok_and(|schemas| {
                    schemas.iter().all(|schema| is_strict_at(schema, depth.saturating_add(1)))
                })
            }
            _ => true,
        })
}

fn values_are_strict(map: &RawValue, depth: u32) -> bool {
    serde_json::from_str::<Members<'_>>(map.get()).is_ok_and(|members| {
        members.0.iter().all(|(_name, schema)| is_strict_at(schema, depth.saturating_add(1)))
    })
}

fn all_required(properties: Option<&RawValue>, required: Option<&RawValue>) -> bool {
    let Some(properties) = properties else { return true };
    let Ok(properties) = serde_json::from_str::<Members<'_>>(properties.get()) else { return false };
    let required: Vec<Text<'_>> =
        required.and_then(|list| serde_json::from_str(list.get()).ok()).unwrap_or_default();
    let required: BTreeSet<_> = required.iter().map(Text::decode).collect();
    properties.0.iter().all(|(name, _schema)| required.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_closed_objects_with_all_required_are_strict() {
        for (schema, expected) in [
            (
                r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}"#,
                true,
            ),
            (
                r#"{"type":"object","properties":{"a":{"type":"string"}},"required":[],"additionalProperties":false}"#,
                false,
            ),
            (r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}"#, false),
            (r#"{"type":"array","items":{"type":"object","properties":{}}}"#, false),
            (r#"{"anyOf":[{"type":"string"},{"type":"integer"}]}"#, true),
            ("true", false),
        ] {
            let raw = RawValue::from_string(schema.to_owned()).unwrap();
            assert_eq!(is_strict(&raw), expected, "{schema}");
        }
    }
}
