//! What a plugin prints is in its log, and there is nothing in its environment.

use goatherd::Plugin;
use goatherd::capability::log::{Entry, Level, MESSAGE_BYTES, Source};
use goatherd::contract::{CallContext, Json};
use goatherd_tests::{host_builder, limits, plugin};

async fn printer() -> Plugin {
    let host = host_builder().build().unwrap();
    plugin(&host, "printer", &[], limits()).await
}

async fn said(function: &str, text: &str) -> Vec<Entry> {
    let printer = printer().await;
    let args = Json::parse(text).unwrap();
    printer
        .call(function, &args, CallContext::default())
        .await
        .unwrap();
    printer.log().entries()
}

#[tokio::test]
async fn what_is_printed_becomes_an_entry_a_line() {
    let entries = said("out", "[1,\n\n\"zwei\",\r\n3]").await;
    let lines: Vec<_> = entries.iter().map(|entry| entry.message.as_str()).collect();
    assert_eq!(lines, ["[1,", "\"zwei\",", "3]"]);
    for entry in &entries {
        assert_eq!((entry.source, entry.level), (Source::Stdout, Level::Info));
    }
}

#[tokio::test]
async fn standard_error_is_told_from_standard_output() {
    let entries = said("err", "\"oh\"").await;
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (entries[0].source, entries[0].level),
        (Source::Stderr, Level::Warn)
    );
}

#[tokio::test]
async fn writes_and_flushes_in_the_middle_of_a_line_do_not_break_it() {
    // The guest writes and flushes 4,096 bytes at a time.
    let entries = said("out", &format!("\"{}\"", "x".repeat(5_000))).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].message.len(), 5_002);
}

#[tokio::test]
async fn a_line_without_an_end_is_held_only_up_to_the_longest_message() {
    let long = format!("\"{}\"", "x".repeat(10 * MESSAGE_BYTES));
    let entries = said("out", &long).await;
    let total: usize = entries.iter().map(|entry| entry.message.len()).sum();
    assert_eq!(total, long.len(), "nothing is lost");
    for entry in &entries {
        assert!(entry.message.len() <= MESSAGE_BYTES);
    }
}

#[tokio::test]
async fn there_are_no_environment_variables_and_no_arguments() {
    let printer = printer().await;
    let count: u32 = printer
        .call_json("environment", &Json::default(), CallContext::default())
        .await
        .unwrap();
    assert_eq!(count, 0);
}
