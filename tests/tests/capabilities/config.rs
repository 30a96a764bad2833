//! Settings: which keys a grant covers, and a plugin's own configuration, which needs none.

use std::collections::BTreeMap;

use goatherd::Host;
use goatherd::capability::config::{Config, FixedSettings};
use goatherd_tests::{NoDatabase, call, host_builder};
use serde_json::{Value, json};

use crate::{probe_with, refusal};

fn host_with_settings() -> Host {
    let own = |value: Value| BTreeMap::from([("colour".to_owned(), value)]);
    let settings = FixedSettings {
        application: BTreeMap::from([
            ("site.name".to_owned(), json!("Helpdesk")),
            ("site.limits".to_owned(), json!({"max": 3})),
            ("site.on".to_owned(), json!(true)),
            ("mail.host".to_owned(), json!("mail.example")),
            ("plugin.colour".to_owned(), json!("not reachable")),
        ]),
        plugins: BTreeMap::from([
            ("probe".to_owned(), own(json!("red"))),
            ("bench".to_owned(), own(json!("blue"))),
        ]),
    };
    host_builder()
        .provider(NoDatabase)
        .provider(Config::new(settings))
        .build()
        .unwrap()
}

#[tokio::test]
async fn settings_in_scope_are_read_and_others_denied_by_name() {
    let host = host_with_settings();
    let plugin = probe_with(&host, &["cache:readwrite", "config=site.*"]).await;
    let value = async |key: &str| {
        call(&plugin, "config.get", json!({"key": key}))
            .await
            .unwrap()["value"]
            .clone()
    };
    assert_eq!(value("site.name").await, "Helpdesk");
    assert_eq!(value("site.limits").await, r#"{"max":3}"#);
    assert_eq!(value("site.on").await, "true");
    assert_eq!(value("site.absent").await, Value::Null);
    for key in ["mail.host", "sites.name", "Site.name", "absent"] {
        let (code, text) = refusal(&plugin, "config.get", json!({"key": key})).await;
        assert_eq!(code, "permission-denied", "{key}");
        assert!(
            text.contains("plugin \"probe\"")
                && text.contains(key)
                && text.contains("grant config"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_plugins_own_configuration_is_always_in_scope_and_nobody_elses() {
    let host = host_with_settings();
    let plugin = probe_with(&host, &["cache:readwrite", "config"]).await;
    let own = call(&plugin, "config.get", json!({"key": "plugin.colour"}))
        .await
        .unwrap();
    assert_eq!(own, json!({"value": "red"}));
    let absent = call(&plugin, "config.get", json!({"key": "plugin.size"}))
        .await
        .unwrap();
    assert_eq!(absent, json!({"value": null}));
    assert_eq!(
        refusal(&plugin, "config.get", json!({"key": "site.name"}))
            .await
            .0,
        "permission-denied"
    );
}

#[tokio::test]
async fn keys_that_are_none_are_refused() {
    let host = host_with_settings();
    let plugin = probe_with(&host, &["cache:readwrite", "config=*"]).await;
    for key in [String::new(), "k".repeat(257)] {
        assert_eq!(
            refusal(&plugin, "config.get", json!({"key": key})).await.0,
            "invalid-argument"
        );
    }
    call(&plugin, "config.get", json!({"key": "k".repeat(256)}))
        .await
        .unwrap();
}
