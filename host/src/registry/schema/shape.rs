//! What a schema may look like, so that checking with it ends, and soon.
//!
//! A few hundred bytes of JSON Schema can take forever: a schema that refers to itself in place, or a chain of definitions
//! that each refer twice to the next. So references must lead into the schema itself and never in a cycle, and the schema
//! as it would be with every reference written out is counted, and bounded. What checking costs is then at most that number
//! for each value of the settings. A tree of any depth cannot be described so; settings of plugins have not needed it.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::SchemaError;

/// How deep arrays and objects may stand inside each other.
const DEPTH: usize = 32;
/// The most schemas within a schema, with every reference written out.
const WEIGHT: u64 = 10_000;
/// How deep schemas may stand inside each other with every reference written out.
const WAY: usize = 100;
/// The address of the only draft, with or without an empty fragment.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Keywords whose value is a schema.
const ONE: [&str; 12] = [
    "items",
    "contains",
    "additionalProperties",
    "unevaluatedItems",
    "unevaluatedProperties",
    "propertyNames",
    "not",
    "if",
    "then",
    "else",
    "contentSchema",
    "additionalItems",
];
/// Keywords whose value is an array of schemas.
const LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords whose value is an object of schemas.
const NAMED: [&str; 6] = [
    "properties",
    "patternProperties",
    "dependentSchemas",
    "$defs",
    "definitions",
    "dependencies",
];
/// Keywords with which a schema can lead elsewhere than it seems.
const ELSEWHERE: [&str; 6] = [
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "$recursiveAnchor",
    "$recursiveRef",
    "$vocabulary",
];

/// Refuses a schema that could take long.
pub(super) fn check(root: &Value) -> Result<(), SchemaError> {
    if is_deeper(root, DEPTH) {
        return Err(refused(
            "",
            format!("it is nested deeper than {DEPTH} levels"),
        ));
    }
    if let Some(draft) = root.get("$schema") {
        let known = draft.as_str().map(|text| text.trim_end_matches('#')) == Some(DRAFT);
        if !known {
            return Err(refused(
                "/$schema",
                format!("it is of another draft; write \"{DRAFT}\""),
            ));
        }
    }
    let mut walk = Walk {
        root,
        weights: HashMap::new(),
        way: 0,
    };
    walk.weigh(root, "").map(drop)
}

fn refused(pointer: &str, reason: impl Into<String>) -> SchemaError {
    SchemaError::Refused {
        pointer: pointer.chars().take(200).collect(),
        reason: reason.into(),
    }
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    let below = |value: &Value| levels == 0 || is_deeper(value, levels - 1);
    match value {
        Value::Array(items) => items.iter().any(below),
        Value::Object(fields) => fields.values().any(below),
        _ => false,
    }
}

struct Walk<'a> {
    root: &'a Value,
    /// What each schema weighs, by its address; none while it is being weighed.
    weights: HashMap<*const Value, Option<u64>>,
    /// How deep it is now.
    way: usize,
}

impl<'a> Walk<'a> {
    /// How many schemas a schema is with every reference written out.
    fn weigh(&mut self, schema: &'a Value, pointer: &str) -> Result<u64, SchemaError> {
        match self.weights.get(&std::ptr::from_ref(schema)) {
            Some(Some(weight)) => return Ok(*weight),
            Some(None) => {
                return Err(refused(
                    pointer,
                    "it refers to itself; write it without a cycle",
                ));
            }
            None => {}
        }
        if self.way >= WAY {
            return Err(refused(
                pointer,
                format!("it is deeper than {WAY} schemas with every reference written out"),
            ));
        }
        self.way += 1;
        self.weights.insert(std::ptr::from_ref(schema), None);
        let mut weight: u64 = 1;
        if let Value::Object(keywords) = schema {
            for (keyword, value) in keywords {
                let pointer = format!("{pointer}/{}", escaped(keyword));
                weight = weight.saturating_add(self.weigh_keyword(keyword, value, &pointer)?);
            }
        }
        if weight > WEIGHT {
            return Err(refused(
                pointer,
                format!("it is more than {WEIGHT} schemas with every reference written out"),
            ));
        }
        self.weights
            .insert(std::ptr::from_ref(schema), Some(weight));
        self.way -= 1;
        Ok(weight)
    }

    fn weigh_keyword(
        &mut self,
        keyword: &str,
        value: &'a Value,
        pointer: &str,
    ) -> Result<u64, SchemaError> {
        if ELSEWHERE.contains(&keyword) || (keyword == "$id" && pointer != "/$id") {
            return Err(refused(
                pointer,
                "is a keyword that this host does not run; refer with $ref and a JSON pointer",
            ));
        }
        let mut weight: u64 = 0;
        let mut add = |more: u64| weight = weight.saturating_add(more);
        match value {
            Value::String(target) if keyword == "$ref" => {
                add(self.weigh(self.target(target, pointer)?, pointer)?);
            }
            Value::Object(fields) if NAMED.contains(&keyword) => {
                for (name, schema) in fields {
                    add(self.weigh(schema, &format!("{pointer}/{}", escaped(name)))?);
                }
            }
            Value::Array(schemas) if LIST.contains(&keyword) || ONE.contains(&keyword) => {
                for (index, schema) in schemas.iter().enumerate() {
                    add(self.weigh(schema, &format!("{pointer}/{index}"))?);
                }
            }
            schema if ONE.contains(&keyword) => add(self.weigh(schema, pointer)?),
            _ => {}
        }
        Ok(weight)
    }

    /// What a reference leads to.
    fn target(&self, reference: &str, pointer: &str) -> Result<&'a Value, SchemaError> {
        let shown: String = reference.chars().take(100).collect();
        let Some(fragment) = reference.strip_prefix('#') else {
            return Err(refused(
                pointer,
                format!("{shown:?} is elsewhere; write what it has under $defs and refer to that"),
            ));
        };
        let path = percent_decode_str(fragment).decode_utf8().ok();
        let found = path.and_then(|path| self.root.pointer(&path));
        found.ok_or_else(|| {
            refused(
                pointer,
                format!(
                    "{shown:?} leads to nothing; write a JSON pointer such as \"#/$defs/name\""
                ),
            )
        })
    }
}

/// A name as a part of a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
