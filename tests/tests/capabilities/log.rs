//! The log: what an entry keeps, how much of it, and for how long it can be read.

use goatherd::Host;
use goatherd::capability::log::{Entry, Level, Source};
use goatherd::contract::CallContext;
use goatherd::contract::call::RequestId;
use goatherd_tests::{NoDatabase, call, call_in, host_builder, limits, probe};
use serde_json::{Value, json};

async fn log(host: &Host, lines: impl IntoIterator<Item = Value>) -> Vec<Entry> {
    let plugin = probe(host, limits()).await;
    for line in lines {
        call(&plugin, "log", line).await.unwrap();
    }
    plugin.log().entries()
}

fn own_host() -> Host {
    host_builder().provider(NoDatabase).build().unwrap()
}

#[tokio::test]
async fn entries_keep_level_message_fields_and_request() {
    let host = own_host();
    let plugin = probe(&host, limits()).await;
    let levels = [
        ("debug", Level::Debug),
        ("info", Level::Info),
        ("warn", Level::Warn),
        ("error", Level::Error),
    ];
    for (name, _) in levels {
        let context = CallContext::default()
            .request_id(RequestId::given(&format!("request-{name}")).unwrap());
        let line = json!({"level": name, "message": format!("said at {name}"), "fields": [["a", "1"], ["b", "<b>"], ["a", "2"]]});
        call_in(&plugin, context, "log", line).await.unwrap();
    }
    let entries = plugin.log().entries();
    assert_eq!(entries.len(), 4);
    for (entry, (name, level)) in entries.iter().zip(levels) {
        assert_eq!((entry.level, entry.source), (level, Source::Plugin));
        assert_eq!(entry.message, format!("said at {name}"));
        assert_eq!(
            entry.request_id.as_deref(),
            Some(format!("request-{name}").as_str())
        );
        let fields: Vec<_> = entry
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(fields, [("a", "1"), ("b", "<b>"), ("a", "2")]);
    }
}

#[tokio::test]
async fn long_messages_and_fields_and_too_many_of_them_are_cut() {
    let many: Vec<_> = (0..40)
        .map(|n| json!([format!("field {n}"), "é".repeat(2_000)]))
        .collect();
    let message = "é".repeat(10_000);
    let entries = log(
        &own_host(),
        [json!({"level": "info", "message": message, "fields": many})],
    )
    .await;
    let entry = &entries[0];
    let mark = "…".len();
    assert!(
        entry.message.len() <= 8 * 1024 + mark && entry.message.len() > 8_000,
        "{}",
        entry.message.len()
    );
    assert!(entry.message.ends_with('…'));
    assert_eq!(entry.fields.len(), 32);
    assert!(
        entry
            .fields
            .iter()
            .all(|(_, value)| value.len() <= 1024 + mark && value.len() > 1_000)
    );
}

#[tokio::test]
async fn the_newest_thousand_entries_are_kept() {
    let lines = (0..1_050).map(|n| json!({"level": "debug", "message": format!("line {n}")}));
    let entries = log(&own_host(), lines).await;
    assert_eq!(entries.len(), 1_000);
    assert_eq!(
        (entries[0].message.as_str(), entries[999].message.as_str()),
        ("line 50", "line 1049")
    );
}

#[tokio::test]
async fn a_plugins_log_can_be_read_after_it_is_gone() {
    let host = own_host();
    let name = {
        let plugin = probe(&host, limits()).await;
        call(
            &plugin,
            "log",
            json!({"level": "info", "message": "last words"}),
        )
        .await
        .unwrap();
        plugin.shutdown().await;
        plugin.name().clone()
    };
    assert!(
        host.logs()
            .of(&name)
            .entries()
            .iter()
            .any(|entry| entry.message == "last words")
    );
}
