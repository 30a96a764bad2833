//! What a plugin said before it failed is in its log, and in the error for those who run it.

use goatherd::Plugin;
use goatherd::capability::log::{Entry, Source};
use goatherd::runtime::{CallError, LoadError};
use goatherd_tests::{call, host, host_builder, limits, load, probe_wasi};
use serde_json::json;

use crate::messages;

async fn plugin() -> Plugin {
    let host = host_builder().build().unwrap();
    let bytes = probe_wasi("0.2.12", b'n');
    load(&host, "probe-wasi.wasm", bytes, &["config"], limits())
        .await
        .unwrap()
}

async fn failing(plugin: &Plugin, function: &str) -> CallError {
    let outcome = call(plugin, function, json!({})).await;
    outcome.expect_err("it traps")
}

/// What the plugin itself printed on standard error.
fn printed(entries: &[Entry]) -> Vec<&str> {
    let entries = entries.iter();
    entries
        .filter(|entry| entry.source == Source::Stderr)
        .map(|entry| entry.message.as_str())
        .collect()
}

#[tokio::test]
async fn a_trap_is_told_with_what_was_printed_before_it() {
    let plugin = plugin().await;
    let error = failing(&plugin, "fail").await;
    assert_eq!(
        error.to_string(),
        "plugin \"probe-wasi\" failed in fail: it panicked or aborted; it said:\n\
         panic: the cause\n\tat main.go:42 +0x1f"
    );
}

#[tokio::test]
async fn fragments_become_an_entry_a_line_and_the_last_line_ends_with_the_trap() {
    let plugin = plugin().await;
    failing(&plugin, "fail").await;
    let entries = plugin.log().entries();
    let printed = printed(&entries);
    assert_eq!(
        printed[1..],
        ["panic: the cause", "\tat main.go:42 +0x1f"],
        "after what `register` printed"
    );
    let last = entries.last().unwrap();
    assert_eq!(last.source, Source::Host, "the trap comes last: {last:?}");
}

#[tokio::test]
async fn what_an_earlier_call_printed_is_not_told_of_a_trap() {
    let plugin = plugin().await;
    call(&plugin, "complain", json!({})).await.unwrap();
    let error = failing(&plugin, "abort").await;
    assert_eq!(
        error.to_string(),
        "plugin \"probe-wasi\" failed in abort: it panicked or aborted"
    );
}

#[tokio::test]
async fn other_plugins_and_visitors_are_not_told_what_was_printed() {
    let plugin = plugin().await;
    let error = failing(&plugin, "fail").await;
    let told = error.to_contract().to_string();
    assert!(told.contains("it panicked or aborted"), "{told}");
    assert!(!told.contains("the cause"), "{told}");
}

#[tokio::test]
async fn a_failing_register_is_told_with_what_it_printed_and_its_log_is_kept() {
    let host = host_builder().build().unwrap();
    let component = host
        .compile("probe-wasi.wasm", probe_wasi("0.2.12", b'f'))
        .await
        .unwrap();
    let error = host.describe(&component).await.expect_err("it traps");
    assert!(matches!(error, LoadError::Register { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("register failed: it panicked"), "{text}");
    assert!(text.contains("\tat main.go:42"), "{text}");

    let log = host.logs().of_register(&component.hash());
    assert!(messages(&log)[0].starts_with("wall "), "{log:?}");
    assert_eq!(
        printed(&log),
        ["no endpanic: the cause", "\tat main.go:42 +0x1f"],
        "one stream, one line"
    );
}

#[tokio::test]
async fn a_gated_function_that_register_calls_is_named() {
    let component = host()
        .compile("probe-wasi.wasm", probe_wasi("0.2.12", b'g'))
        .await
        .unwrap();
    let error = host().describe(&component).await.expect_err("it traps");
    let text = error.to_string();
    assert!(text.contains("goatherd:plugin/config@0.1.0#get"), "{text}");
    assert!(text.contains("needs a grant"), "{text}");
}
