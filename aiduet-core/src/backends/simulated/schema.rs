//! Values that fit a JSON schema.

use serde_json::{Map, Value, json};

const DEPTH_MAX: usize = 16;
const ITEMS_MAX: u64 = 64;

/// A value that fits the schema, as far as the schema uses the common keywords.
pub(super) fn instance(schema: &Value) -> Value {
    Sampler { root: schema }.sample(schema, "value", 0)
}

struct Sampler<'a> {
    root: &'a Value,
}

impl<'a> Sampler<'a> {
    fn sample(&self, schema: &'a Value, name: &str, depth: usize) -> Value {
        if depth > DEPTH_MAX {
            return Value::Null;
        }
        if let Some(target) = self.reference(schema) {
            return self.sample(target, name, depth.saturating_add(1));
        }
        if let Some(fixed) = schema.get("const").or_else(|| schema.get("enum")?.get(0)) {
            return fixed.clone();
        }
        if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
            return self.merged(all, name, depth);
        }
        let chosen = ["anyOf", "oneOf"].into_iter().find_map(|word| schema.get(word)?.as_array());
        if let Some(choices) = chosen {
            let is_null = |choice: &&Value| kind(choice) == Some("null");
            let choice = choices.iter().find(|choice| !is_null(choice)).or_else(|| choices.first());
            return choice.map_or(Value::Null, |choice| self.sample(choice, name, depth.saturating_add(1)));
        }
        match kind(schema) {
            Some("object") => self.object(schema, depth),
            Some("array") => self.array(schema, name, depth),
            Some("integer" | "number") => number(schema),
            Some("boolean") => Value::Bool(true),
            Some("null") => Value::Null,
            Some("string") => string(schema, name),
            _ if schema.get("properties").is_some() => self.object(schema, depth),
            _ => string(schema, name),
        }
    }

    fn reference(&self, schema: &Value) -> Option<&'a Value> {
        let pointer = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
        self.root.pointer(pointer)
    }

    fn merged(&self, all: &'a [Value], name: &str, depth: usize) -> Value {
        let mut merged = Map::new();
        let mut last = Value::Null;
        for part in all {
            last = self.sample(part, name, depth.saturating_add(1));
            if let Value::Object(fields) = &mut last {
                merged.append(fields);
            }
        }
        if merged.is_empty() { last } else { Value::Object(merged) }
    }

    /// Exactly the required properties; all where none is required.
    fn object(&self, schema: &'a Value, depth: usize) -> Value {
        let properties = schema.get("properties").and_then(Value::as_object);
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map_or_else(Vec::new, |names| names.iter().filter_map(Value::as_str).collect());
        let wanted = |name: &str| required.is_empty() || required.contains(&name);
        let mut fields: Map<String, Value> = properties
            .into_iter()
            .flatten()
            .filter(|(name, _property)| wanted(name))
            .map(|(name, property)| (name.clone(), self.sample(property, name, depth.saturating_add(1))))
            .collect();
        for name in required {
            fields.entry(name).or_insert_with(|| json!("sample"));
        }
        Value::Object(fields)
    }

    fn array(&self, schema: &'a Value, name: &str, depth: usize) -> Value {
        let limit = |word: &str| schema.get(word).and_then(Value::as_u64);
        let wanted =
            limit("minItems").unwrap_or(1).max(1).min(limit("maxItems").unwrap_or(u64::MAX)).min(ITEMS_MAX);
        let Some(items) = schema.get("items").filter(|items| items.is_object()) else { return json!([]) };
        (0..wanted).map(|_| self.sample(items, name, depth.saturating_add(1))).collect()
    }
}

/// The type; of several, the first that is not null.
fn kind(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::Array(kinds) => {
            let mut names = kinds.iter().filter_map(Value::as_str);
            names.clone().find(|name| *name != "null").or_else(|| names.next())
        }
        kind => kind.as_str(),
    }
}

fn string(schema: &Value, name: &str) -> Value {
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => "2026-01-01T00:00:00Z".to_owned(),
        Some("date") => "2026-01-01".to_owned(),
        Some("time") => "00:00:00Z".to_owned(),
        Some("email") => "sample@example.com".to_owned(),
        Some("uri" | "url") => "https://example.com/sample".to_owned(),
        Some("uuid") => "00000000-0000-4000-8000-000000000000".to_owned(),
        _ => format!("sample {name}"),
    };
    let limit =
        |word: &str| schema.get(word).and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
    let least = limit("minLength").unwrap_or(0).min(4_096);
    let padded = text.chars().chain(std::iter::repeat('x'));
    let length = text.chars().count().max(least).min(limit("maxLength").unwrap_or(usize::MAX));
    Value::String(padded.take(length).collect())
}

fn number(schema: &Value) -> Value {
    let whole = |word: &str| schema.get(word).and_then(Value::as_i64);
    let least = whole("minimum").or_else(|| whole("exclusiveMinimum").map(|least| least.saturating_add(1)));
    let most = whole("maximum").or_else(|| whole("exclusiveMaximum").map(|most| most.saturating_sub(1)));
    if let Some(step) = whole("multipleOf").filter(|step| *step > 0) {
        let from = least.unwrap_or(step);
        let rest = from.rem_euclid(step);
        return json!(if rest == 0 { from } else { from.saturating_add(step.saturating_sub(rest)) });
    }
    match (least, most) {
        (Some(least), _) => json!(least),
        (None, Some(most)) => json!(most.min(1)),
        // Bounds that are not whole numbers are themselves in range.
        (None, None) => {
            schema.get("minimum").or_else(|| schema.get("maximum")).cloned().unwrap_or_else(|| json!(1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_required_properties_are_there_with_their_types() {
        let schema = json!({
            "type": "object",
            "required": ["city", "days", "unit", "when", "tags", "place", "ready"],
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer", "minimum": 3},
                "unit": {"enum": ["c", "f"]},
                "when": {"type": ["null", "string"], "format": "date"},
                "tags": {"type": "array", "minItems": 2, "items": {"type": "string", "maxLength": 3}},
                "place": {"$ref": "#/$defs/place"},
                "ready": {"anyOf": [{"type": "null"}, {"type": "boolean"}]},
                "optional": {"type": "string"},
            },
            "$defs": {"place": {"type": "object", "properties": {"lat": {"type": "number", "exclusiveMinimum": 0}}}},
        });
        let expected = json!({
            "city": "sample city", "days": 3, "unit": "c", "when": "2026-01-01",
            "tags": ["sam", "sam"], "place": {"lat": 1}, "ready": true,
        });
        assert_eq!(instance(&schema), expected);
    }

    #[test]
    fn a_schema_that_holds_itself_ends() {
        let schema = json!({"type": "object", "properties": {"next": {"$ref": "#"}}});
        assert!(instance(&schema).is_object());
        assert_eq!(instance(&json!({"type": "integer", "multipleOf": 5, "minimum": 7})), json!(10));
        assert_eq!(instance(&json!({})), json!("sample value"));
    }
}
