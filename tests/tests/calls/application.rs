//! Calls that reach the back-ends of an application's own.

use std::time::Duration;

use goatherd::capability::cache::Caching;
use goatherd::capability::config::Config;
use goatherd::capability::db::{Caps, Databases};
use goatherd_tests::{NoDatabase, call, host_builder, limits, plugin};
use serde_json::json;

use crate::back_ends::{AskedSettings, EchoingDatabase, SharedMap};

#[tokio::test]
async fn an_application_can_put_in_back_ends_of_its_own() {
    let cache = SharedMap::default();
    let kept = cache.clone();
    let host = host_builder()
        .provider(NoDatabase)
        .provider(Caching::new(cache))
        .provider(Config::new(AskedSettings))
        .build()
        .unwrap();
    let plugin = plugin(
        &host,
        "probe",
        &["db:readwrite=*", "cache:readwrite", "config=site.*"],
        limits(),
    )
    .await;
    call(
        &plugin,
        "cache.set",
        json!({"key": "k", "value": "v", "ttl": 60}),
    )
    .await
    .unwrap();
    assert_eq!(
        kept.get("probe", "k"),
        Some((b"v".to_vec(), Some(Duration::from_secs(60))))
    );
    assert_eq!(
        call(&plugin, "cache.get", json!({"key": "k"}))
            .await
            .unwrap(),
        json!({"value": "v"})
    );
    call(&plugin, "cache.delete", json!({"key": "k"}))
        .await
        .unwrap();
    assert_eq!(kept.get("probe", "k"), None);
    let setting = async |key: &str| {
        call(&plugin, "config.get", json!({"key": key}))
            .await
            .unwrap()["value"]
            .clone()
    };
    assert_eq!(setting("site.name").await, "asked for site.name");
    assert_eq!(setting("plugin.colour").await, "probe asked for colour");
    // What a back-end of one's own says when it is out of order reaches the plugin as `unavailable`.
    let error = call(&plugin, "cache.get", json!({"key": "broken"}))
        .await
        .expect_err("it is broken");
    assert_eq!(error.code(), "unavailable");
    assert!(error.to_string().contains("the disk is full"), "{error}");
}

#[tokio::test]
async fn an_application_can_put_in_a_database_of_its_own() {
    let host = host_builder()
        .provider(Databases::new(EchoingDatabase, Caps::default()))
        .build()
        .unwrap();
    let granted = [
        "db:read=ticket,queue",
        "db:write=note",
        "cache:readwrite",
        "config",
    ];
    let plugin = plugin(&host, "probe", &granted, limits()).await;
    let params = json!([null, true, 1, 1.5, "text", {"blob": [0, 255]}]);
    let answer = call(
        &plugin,
        "db.query",
        json!({"sql": "anything", "params": params}),
    )
    .await
    .unwrap();
    assert_eq!(
        answer["rows"][0],
        json!([
            "probe reads ticket, queue and writes note",
            "anything",
            true
        ])
    );
    assert_eq!(
        answer["rows"][1], params,
        "values of each type arrive and come back"
    );
    for (function, args) in [
        ("db.execute", json!({"sql": "anything"})),
        (
            "db.transaction",
            json!({"statements": [{"sql": "anything"}]}),
        ),
    ] {
        let error = call(&plugin, function, args)
            .await
            .expect_err("it is out of order");
        assert_eq!(error.code(), "unavailable");
        assert!(
            error
                .to_string()
                .contains("the replica is read-only for now"),
            "{error}"
        );
    }
}
