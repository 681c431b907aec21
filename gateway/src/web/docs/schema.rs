//! JSON schemas of the OpenAPI document, as a reader wants them: fields with their types in words, and an example.

use serde_json::{Map, Value, json};

use super::prose::Prose;

/// Schemas refer to each other; an example follows them this far.
const DEPTH_MAX: usize = 6;

/// The schemas of a document, by name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schemas<'a>(&'a Value);

/// One field of an object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) description: Prose,
}

/// A type in words; the named type among them, if any, is a link to its description.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) before: String,
    pub(super) named: Option<String>,
    pub(super) after: String,
}

impl Kind {
    fn plain(text: impl Into<String>) -> Self {
        Self {
            before: text.into(),
            ..Self::default()
        }
    }
}

impl<'a> Schemas<'a> {
    pub(super) fn of(document: &'a Value) -> Self {
        Self(&document["components"]["schemas"])
    }

    /// Every schema with its name, in order of name.
    pub(super) fn all(self) -> Vec<(&'a str, &'a Value)> {
        let schemas = self.0.as_object().into_iter().flatten();
        let mut schemas: Vec<_> = schemas
            .map(|(name, schema)| (name.as_str(), schema))
            .collect();
        schemas.sort_by_key(|(name, _)| *name);
        schemas
    }

    /// The schema that a reference means, or the schema itself.
    fn resolve(self, schema: &'a Value) -> &'a Value {
        match name_of(schema) {
            Some(name) => &self.0[name],
            None => schema,
        }
    }

    /// The fields of an object, those of its parts included.
    pub(super) fn fields(self, schema: &'a Value) -> Vec<Field> {
        let schema = self.resolve(schema);
        let parts = list(&schema["allOf"]).flat_map(|part| self.fields(part));
        let required: Vec<&str> = list(&schema["required"])
            .filter_map(Value::as_str)
            .collect();
        let own = schema["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, field)| Field {
                name: name.clone(),
                kind: kind(field),
                required: required.contains(&name.as_str()),
                description: Prose::of(self.description(field)),
            });
        parts.chain(own).collect()
    }

    /// What a schema says of itself, or else what the one it refers to says.
    pub(super) fn description(self, schema: &'a Value) -> &'a str {
        let said = schema["description"].as_str();
        let referred = || self.resolve(schema)["description"].as_str();
        said.or_else(referred).unwrap_or_default()
    }

    /// A value that fits the schema: its own example where it has one.
    pub(super) fn example(self, schema: &'a Value) -> Value {
        self.example_within(schema, DEPTH_MAX)
    }

    fn example_within(self, schema: &'a Value, depth: usize) -> Value {
        let schema = self.resolve(schema);
        let own = [
            &schema["example"],
            &schema["examples"][0],
            &schema["const"],
            &schema["default"],
            &schema["enum"][0],
        ];
        if let Some(own) = own.into_iter().find(|value| !value.is_null()) {
            return own.clone();
        }
        if depth == 0 {
            return Value::Null;
        }
        let alternative = list(&schema["oneOf"])
            .chain(list(&schema["anyOf"]))
            .find(|schema| !is_null(schema));
        if let Some(alternative) = alternative {
            return self.example_within(alternative, depth - 1);
        }
        match type_of(schema) {
            "array" => json!([self.example_within(&schema["items"], depth - 1)]),
            "integer" | "number" => schema["minimum"].as_i64().unwrap_or(1).into(),
            "boolean" => true.into(),
            "string" => "text".into(),
            _ => self.example_object(schema, depth),
        }
    }

    fn example_object(self, schema: &'a Value, depth: usize) -> Value {
        let mut object = Map::new();
        for part in list(&schema["allOf"]) {
            if let Value::Object(fields) = self.example_within(part, depth - 1) {
                object.extend(fields);
            }
        }
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            object.insert(name.clone(), self.example_within(field, depth - 1));
        }
        Value::Object(object)
    }
}

/// The type of a value in words.
pub(super) fn kind(schema: &Value) -> Kind {
    if let Some(name) = name_of(schema) {
        return Kind {
            named: Some(name.to_owned()),
            ..Kind::default()
        };
    }
    let mut alternatives = list(&schema["oneOf"])
        .chain(list(&schema["anyOf"]))
        .chain(list(&schema["allOf"]));
    if let Some(first) = alternatives.find(|schema| !is_null(schema)) {
        return kind(first);
    }
    let text = match (type_of(schema), schema["format"].as_str()) {
        ("array", _) => {
            let items = kind(&schema["items"]);
            return Kind {
                before: format!("list of {}", items.before),
                ..items
            };
        }
        ("string", _) if schema["enum"].is_array() => one_of(&schema["enum"]),
        ("string", Some("date-time")) => "time".to_owned(),
        ("string", _) => "text".to_owned(),
        ("integer", _) => "whole number".to_owned(),
        ("boolean", _) => "true or false".to_owned(),
        ("", _) => "any".to_owned(),
        (other, _) => other.to_owned(),
    };
    Kind::plain(text)
}

fn one_of(values: &Value) -> String {
    let values: Vec<&str> = list(values).filter_map(Value::as_str).collect();
    values.join(" · ")
}

/// The name of the schema that a reference means; one that may be absent as well counts as the reference.
fn name_of(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// The type, without the possibility of null.
fn type_of(schema: &Value) -> &str {
    let types = list(&schema["type"]).chain(schema["type"].is_string().then_some(&schema["type"]));
    types
        .filter_map(Value::as_str)
        .find(|name| *name != "null")
        .unwrap_or_default()
}

fn is_null(schema: &Value) -> bool {
    schema["type"] == "null"
}

pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_said_in_words() {
        fn check(schema: &Value, before: &str, named: Option<&str>) {
            let kind = kind(schema);
            assert_eq!(
                (kind.before.as_str(), kind.named.as_deref()),
                (before, named),
                "{schema}"
            );
        }

        check(&json!({"type": "string"}), "text", None);
        check(
            &json!({"type": ["string", "null"], "format": "date-time"}),
            "time",
            None,
        );
        check(
            &json!({"type": "string", "enum": ["open", "paid"]}),
            "open · paid",
            None,
        );
        check(
            &json!({"$ref": "#/components/schemas/Amount"}),
            "",
            Some("Amount"),
        );
        check(
            &json!({"type": "array", "items": {"$ref": "#/x/Order"}}),
            "list of ",
            Some("Order"),
        );
        check(
            &json!({"oneOf": [{"type": "null"}, {"$ref": "#/x/Payment"}]}),
            "",
            Some("Payment"),
        );
        check(&json!({}), "any", None);
    }

    #[test]
    fn an_example_follows_references_and_ends() {
        let document = json!({"components": {"schemas": {
            "Amount": {"type": "object", "example": {"amount": 1250, "currency": "CNY"}},
            "Order": {"type": "object", "required": ["amount"], "properties": {
                "amount": {"$ref": "#/components/schemas/Amount", "description": "What is owed."},
                "numbers": {"type": "array", "items": {"type": "integer"}},
            }},
            "Endless": {"type": "object", "properties": {"again": {"$ref": "#/components/schemas/Endless"}}},
        }}});
        let schemas = Schemas::of(&document);
        let order = json!({"$ref": "#/components/schemas/Order"});
        let amount = json!({"amount": 1250, "currency": "CNY"});
        assert_eq!(
            schemas.example(&order),
            json!({"amount": amount, "numbers": [1]})
        );
        let fields = schemas.fields(&order);
        assert_eq!(
            (fields[0].name.as_str(), fields[0].required),
            ("amount", true)
        );
        assert_eq!(fields[0].description, Prose::of("What is owed."));
        assert!(
            schemas
                .example(&json!({"$ref": "#/components/schemas/Endless"}))
                .is_object()
        );
    }
}
