//! What a plugin registers: kept over restarts, replaced where nothing is lost, refused where something would be.

use goatherd_tests::{fields, limits, load};
use serde_json::{Value, json};

use crate::{Place, get, named, on_both, probe, refused, set};

const GRANTED: &[&str] = &["custom_fields:readwrite=*"];

on_both!(
    a_type_changes_while_there_are_no_values,
    a_type_does_not_change_under_values,
    a_value_cannot_be_written_by_a_version_with_the_former_type,
    a_field_that_is_registered_no_more_keeps_its_values_for_later,
    fields_of_a_plugin_that_is_not_loaded_can_still_be_read_by_others,
    a_configuration_that_cannot_be_keeps_the_plugin_from_loading,
    several_nodes_register_at_the_same_time,
);

async fn version(host: &goatherd::Host, how: char) -> Result<goatherd::Plugin, String> {
    let loaded = load(
        host,
        "probe-fields",
        fields::guest("probe-fields", how),
        GRANTED,
        limits(),
    );
    loaded.await.map_err(|error| error.to_string())
}

async fn a_type_changes_while_there_are_no_values(place: Place) {
    let host = place.host().await;
    let numbers = version(&host, 'a').await.unwrap();
    set(&numbers, 1, json!([["number", {"integer": 1}]]))
        .await
        .unwrap();
    set(&numbers, 1, json!([["number", null]])).await.unwrap();
    let texts = version(&host, 'b').await.unwrap();
    set(&texts, 1, json!([["number", {"text": "one"}]]))
        .await
        .unwrap();
    assert_eq!(
        get(&texts, 1, &["number"]).await.unwrap()["number"],
        json!({"text": "one"})
    );
}

async fn a_type_does_not_change_under_values(place: Place) {
    let host = place.host().await;
    let numbers = version(&host, 'a').await.unwrap();
    set(
        &numbers,
        1,
        json!([["number", {"integer": 1}], ["text", {"text": "a"}]]),
    )
    .await
    .unwrap();
    let error = version(&host, 'b').await.expect_err("it is refused");
    for words in [
        "ticket/probe-fields:number",
        "integer",
        "text",
        "another name",
        "DELETE FROM goatherd_custom_value WHERE field_id = ",
    ] {
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(
        get(&numbers, 1, &["number"]).await.unwrap()["number"],
        json!({"integer": 1}),
        "all is as before"
    );
    set(&numbers, 1, json!([["number", {"integer": 2}]]))
        .await
        .unwrap();
}

async fn a_value_cannot_be_written_by_a_version_with_the_former_type(place: Place) {
    let host = place.host().await;
    let numbers = version(&host, 'a').await.unwrap();
    let texts = version(&host, 'b').await.unwrap();
    let text = refused(
        set(&numbers, 1, json!([["number", {"integer": 1}]])).await,
        "conflict",
    );
    assert!(text.contains("another type"), "{text}");
    refused(get(&numbers, 1, &["number"]).await, "conflict");
    set(&texts, 1, json!([["number", {"text": "a"}]]))
        .await
        .unwrap();
    set(&numbers, 1, json!([["percent", {"integer": 1}]]))
        .await
        .unwrap();
}

async fn a_field_that_is_registered_no_more_keeps_its_values_for_later(place: Place) {
    let host = place.host().await;
    let first = version(&host, 'a').await.unwrap();
    set(&first, 1, json!([["text", {"text": "kept"}]]))
        .await
        .unwrap();
    let without = version(&host, 'd').await.unwrap();
    refused(get(&without, 1, &["text"]).await, "not-found");
    refused(get(&without, 1, &[]).await, "not-found");
    let again = version(&host, 'a').await.unwrap();
    assert_eq!(
        get(&again, 1, &["text"]).await.unwrap()["text"],
        json!({"text": "kept"})
    );
}

async fn fields_of_a_plugin_that_is_not_loaded_can_still_be_read_by_others(place: Place) {
    {
        let host = place.host().await;
        let owner = named(&host, "crm", GRANTED).await;
        set(&owner, 1, json!([["percent", {"integer": 5}]]))
            .await
            .unwrap();
        owner.shutdown().await;
    }
    let host = place.host().await;
    let reader = probe(&host, &["custom_fields:readwrite=ticket/crm:percent"]).await;
    assert_eq!(
        get(&reader, 1, &["crm:percent"]).await.unwrap(),
        json!({"crm:percent": {"integer": 5}})
    );
    let text = refused(
        set(&reader, 1, json!([["crm:percent", {"integer": 101}]])).await,
        "invalid-argument",
    );
    assert!(text.contains("crm:percent: 101 is more than 100"), "{text}");
    let unknown = named(
        &host,
        "other",
        &[
            "custom_fields:read=ticket/crm:gone",
            "custom_fields:write=contact",
        ],
    )
    .await;
    refused(get(&unknown, 1, &["crm:gone"]).await, "not-found");
}

async fn a_configuration_that_cannot_be_keeps_the_plugin_from_loading(place: Place) {
    let host = place.host().await;
    let error = version(&host, 'c').await.expect_err("it is refused");
    assert!(
        error.contains("ticket/probe-fields:code") && error.contains("regex"),
        "{error}"
    );
    let plugin = version(&host, 'a').await.unwrap();
    // An expression that takes other engines for ever.
    let hostile = "a".repeat(4_000) + "!";
    let text = refused(
        set(&plugin, 1, json!([["slow", {"text": hostile}]])).await,
        "invalid-argument",
    );
    assert!(text.contains("slow: "), "{text}");
    set(&plugin, 1, json!([["slow", {"text": "a".repeat(4_000)}]]))
        .await
        .unwrap();
}

async fn several_nodes_register_at_the_same_time(place: Place) {
    let mut nodes = Vec::new();
    for _ in 0..4 {
        nodes.push(place.host().await);
    }
    let loads: Vec<_> = nodes
        .iter()
        .map(|host| {
            let host = host.clone();
            tokio::spawn(async move {
                let limits = limits().instances(1);
                let bytes = fields::guest("probe-fields", 'a');
                load(&host, "probe-fields", bytes, GRANTED, limits).await
            })
        })
        .collect();
    let mut plugins = Vec::new();
    for load in loads {
        plugins.push(
            load.await
                .unwrap()
                .unwrap_or_else(|error| panic!("{error}")),
        );
    }
    set(&plugins[0], 1, json!([["text", {"text": "a"}]]))
        .await
        .unwrap();
    for plugin in &plugins {
        assert_eq!(
            get(plugin, 1, &["text"]).await.unwrap()["text"],
            json!({"text": "a"})
        );
    }
    assert_ne!(get(&plugins[1], 1, &[]).await.unwrap(), Value::Null);
}
