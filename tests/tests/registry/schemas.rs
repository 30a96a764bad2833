//! Settings checked by a plugin's configuration schema, and schemas that are attacks.

use std::time::{Duration, Instant};

use goatherd::contract::Json;
use goatherd::registry::{RegistryError, Schema, Schemas};
use serde_json::json;

use super::*;

fn compile(schema: Value) -> Schema {
    Schema::compile(&Json::from_value(&schema).unwrap()).unwrap_or_else(|error| panic!("{error}"))
}

/// Why a schema is refused.
fn refused(schema: Value) -> String {
    let compiled = Schema::compile(&Json::from_value(&schema).unwrap());
    compiled
        .err()
        .unwrap_or_else(|| panic!("it is compiled: {schema}"))
        .to_string()
}

fn newsletter() -> Schema {
    compile(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://example.org/newsletter.json",
        "type": "object",
        "properties": {
            "from": { "type": "string", "format": "email" },
            "double_optin": { "type": "boolean" },
            "limits": { "type": "object", "properties": { "day": { "$ref": "#/$defs/amount" }, "hour": { "$ref": "#/$defs/amount" } } },
            "token": { "type": "string", "pattern": "^[a-z]{4}$" }
        },
        "required": ["from"],
        "additionalProperties": false,
        "$defs": { "amount": { "type": "integer", "minimum": 1 } }
    }))
}

#[tokio::test]
async fn settings_that_do_not_fit_are_refused_with_one_line_for_each_wrong_field_and_nothing_is_stored()
 {
    for kind in StoreKind::all() {
        let schemas = Schemas::default();
        let service = Service::with_checked_store(kind.store().await, schemas.clone())
            .await
            .unwrap();
        service.register(record("newsletter")).await.unwrap();
        schemas.set("newsletter".parse().unwrap(), newsletter());
        let wrong = json!({
            "from": "news@acme.io", "double_optin": "yes", "limits": { "day": 0, "hour": 1.5 }, "frm": "x", "token": "s3cr3t"
        });
        let error = service
            .configure("newsletter", &object(wrong))
            .await
            .unwrap_err();
        let RegistryError::Config { slug, reason } = error else {
            panic!("{error}");
        };
        assert_eq!(slug.as_str(), "newsletter");
        let mut lines: Vec<&str> = reason.lines().collect();
        lines.sort_unstable();
        let starts = [
            "/double_optin: ",
            "/limits/day: ",
            "/limits/hour: ",
            "/token: ",
            "the settings: ",
        ];
        assert_eq!(lines.len(), starts.len(), "{reason}");
        for (line, start) in lines.iter().zip(starts) {
            assert!(line.starts_with(start), "{reason}");
        }
        assert!(
            reason.contains("frm") && !reason.contains("s3cr3t"),
            "places are shown, values are not: {reason}"
        );
        assert!(service.get("newsletter").unwrap().config.is_empty());
        let right = json!({ "from": "news@acme.io", "limits": { "day": 3 } });
        service
            .configure("newsletter", &object(right.clone()))
            .await
            .unwrap();
        // The whole is checked after merging: what is required cannot be removed.
        let error = service
            .configure("newsletter", &object(json!({ "from": null })))
            .await
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("\"from\" is a required property"),
            "{error}"
        );
        assert_eq!(json!(service.get("newsletter").unwrap().config), right);
    }
}

#[tokio::test]
async fn a_schema_is_that_of_one_plugin_and_goes_with_it() {
    let schemas = Schemas::default();
    let service = Service::with_checked_store(MemoryStore::default(), schemas.clone())
        .await
        .unwrap();
    schemas.set("newsletter".parse().unwrap(), newsletter());
    let anything = object(json!({ "anything": 1 }));
    service.register(record("other")).await.unwrap();
    service.configure("other", &anything).await.unwrap();
    let mut newsletter = record("newsletter");
    newsletter.config = anything.clone();
    service.register(newsletter.clone()).await.unwrap_err();
    schemas.remove("newsletter");
    service.register(newsletter).await.unwrap();
}

#[test]
fn a_schema_that_leads_elsewhere_is_refused_and_nothing_is_asked_for_it() {
    for (schema, part) in [
        (json!({ "$ref": "http://127.0.0.1:1/schema.json" }), "/$ref"),
        (
            json!({ "properties": { "a": { "$ref": "file:///etc/passwd" } } }),
            "/properties/a/$ref",
        ),
        (
            json!({ "allOf": [{ "$ref": "other.json#/a" }] }),
            "/allOf/0/$ref",
        ),
        (
            json!({ "$ref": "https://json-schema.org/draft/2020-12/schema" }),
            "is elsewhere",
        ),
        (json!({ "$ref": "#/$defs/missing" }), "leads to nothing"),
        (
            json!({ "$ref": "#anchor", "$defs": { "a": { "$anchor": "anchor" } } }),
            "$",
        ),
        (json!({ "$dynamicRef": "#/a" }), "/$dynamicRef"),
        (
            json!({ "$defs": { "a": { "$id": "https://example.org/" } } }),
            "/$defs/a/$id",
        ),
        (
            json!({ "$schema": "http://json-schema.org/draft-07/schema#" }),
            "another draft",
        ),
        (
            json!({ "$schema": "https://example.org/meta" }),
            "another draft",
        ),
        (json!({ "type": "text" }), "no JSON Schema"),
        (json!({ "properties": 3 }), "no JSON Schema"),
        (json!({ "pattern": "(" }), "no JSON Schema"),
    ] {
        let error = refused(schema.clone());
        assert!(error.contains(part), "{schema}: {error}");
    }
    // As data and as the names of settings the same words are harmless.
    let schema = compile(json!({
        "properties": { "$ref": { "type": "string" }, "$id": { "const": { "$ref": "http://example.org/" } } },
        "default": { "$ref": "http://example.org/" }
    }));
    schema
        .check(&object(json!({ "$ref": "http://example.org/" })))
        .unwrap();
    schema.check(&object(json!({ "$ref": 3 }))).unwrap_err();
}

#[test]
fn a_schema_that_would_never_end_is_refused() {
    let circle = json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "allOf": [{ "$ref": "#/$defs/a" }] } } });
    for schema in [
        json!({ "$ref": "#" }),
        json!({ "allOf": [{ "$ref": "#" }] }),
        json!({ "properties": { "child": { "$ref": "#" } } }),
        circle,
    ] {
        let error = refused(schema.clone());
        assert!(error.contains("refers to itself"), "{schema}: {error}");
    }
}

#[test]
fn a_schema_that_would_take_too_long_is_refused_before_it_is_compiled() {
    // Each definition refers twice to the next: 2^30 checks.
    let mut doubling = Map::new();
    let mut chain = Map::new();
    for number in 0..30 {
        let next = json!({ "$ref": format!("#/$defs/d{}", number + 1) });
        doubling.insert(format!("d{number}"), json!({ "allOf": [next, next] }));
    }
    doubling.insert("d30".to_owned(), json!(true));
    for number in 0..2_000 {
        chain.insert(
            format!("d{number}"),
            json!({ "$ref": format!("#/$defs/d{}", number + 1) }),
        );
    }
    chain.insert("d2000".to_owned(), json!(true));
    let mut deep = json!({});
    for _ in 0..40 {
        deep = json!({ "not": deep });
    }
    let wide: Vec<Value> = (0..20_000).map(|_| json!(true)).collect();
    for (schema, part) in [
        (
            json!({ "$ref": "#/$defs/d0", "$defs": doubling }),
            "10000 schemas",
        ),
        (
            json!({ "$ref": "#/$defs/d0", "$defs": chain }),
            "deeper than 100",
        ),
        (deep, "deeper than 32"),
        (json!({ "enum": ["x".repeat(70_000)] }), "at most 65536"),
        (json!({ "anyOf": wide }), "at most 65536"),
        (
            json!({ "pattern": "((a{100}){100}){100}" }),
            "no JSON Schema",
        ),
    ] {
        let began = Instant::now();
        let error = refused(schema);
        assert!(error.contains(part), "{error}");
        assert!(began.elapsed() < Duration::from_secs(5), "{part}");
    }
}

#[test]
fn a_pattern_and_settings_made_to_take_long_do_not() {
    let schema = compile(json!({ "properties": { "a": { "pattern": "^(a+)+$" } } }));
    let began = Instant::now();
    schema
        .check(&object(json!({ "a": "a".repeat(50_000) + "!" })))
        .unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(5));
    let huge = object(json!({ "a": "a".repeat(300_000) }));
    assert!(schema.check(&huge).unwrap_err().contains("at most 262144"));
}

#[test]
fn many_mistakes_are_named_up_to_a_number() {
    let schema = compile(json!({ "additionalProperties": { "type": "integer" } }));
    let wrong: Map<String, Value> = (0..1_000)
        .map(|number| (format!("key\n{number}"), json!("x")))
        .collect();
    let reason = schema.check(&wrong).unwrap_err();
    assert_eq!(reason.lines().count(), 21, "{reason}");
    assert!(reason.ends_with("and more"));
}
