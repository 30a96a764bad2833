//! What the program shows of a plugin's output, whether the plugin works or not.

use std::path::Path;

use goatherd_tests::{Outcome, probe_wasi};
use serde_json::Value;

/// Runs the program on the guest, which does this in `register`.
fn run(register: u8, arguments: &[&str]) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("probe-wasi.wasm");
    std::fs::write(&file, probe_wasi("0.2.12", register)).unwrap();
    let mut arguments = arguments.to_vec();
    arguments.insert(1, path(&file));
    Outcome::of(Outcome::command(folder.path()).args(arguments))
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The log that `call --show-log` printed, and the error behind it.
fn log_and_error(outcome: &Outcome) -> (Vec<String>, Value) {
    let lines: Vec<Value> = outcome
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (error, log) = lines.split_last().unwrap();
    let messages = log.iter().map(|entry| entry["message"].as_str().unwrap());
    (
        messages.map(str::to_owned).collect(),
        error["error"].clone(),
    )
}

#[test]
fn inspect_shows_what_register_printed() {
    let outcome = run(b'n', &["inspect"]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("log of register"), "{outcome:?}");
    assert!(outcome.stdout.contains("  warn   no end\n"), "{outcome:?}");

    let outcome = run(b'n', &["inspect", "--json"]);
    let shown = outcome.result();
    let log = shown["log"].as_array().unwrap();
    assert_eq!(log.len(), 4);
    assert_eq!(
        (&log[3]["source"], &log[3]["message"]),
        (&"stderr".into(), &"no end".into())
    );
}

#[test]
fn inspect_shows_what_a_failing_register_printed_beside_the_error() {
    let outcome = run(b'f', &["inspect"]);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(
        outcome.stdout.contains("wasi:cli/stderr@0.2.12"),
        "{outcome:?}"
    );
    assert!(outcome.stdout.contains("at main.go:42"), "{outcome:?}");
    let error: Value = serde_json::from_str(&outcome.stderr).unwrap();
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("at main.go:42"), "{message}");
}

#[test]
fn call_shows_the_log_of_a_register_that_fails() {
    let outcome = run(b'f', &["call", "time", "--grant", "config", "--show-log"]);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let (log, error) = log_and_error(&outcome);
    assert!(log[0].starts_with("wall "), "{log:?}");
    assert!(log.contains(&"\tat main.go:42 +0x1f".to_owned()), "{log:?}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("register failed"), "{message}");
}

#[test]
fn the_error_of_a_failed_call_has_what_the_plugin_printed() {
    let outcome = run(b'n', &["call", "fail", "--grant", "config"]);
    let error = outcome.error();
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("panic: the cause\n\tat main.go:42"),
        "{message}"
    );
}

#[test]
fn call_shows_what_was_printed_in_register_in_init_and_in_the_call() {
    let outcome = run(b'n', &["call", "fail", "--grant", "config", "--show-log"]);
    let (log, _) = log_and_error(&outcome);
    let at = |text: &str| log.iter().position(|line| line.contains(text));
    let places = [at("wall "), at("initialised"), at("panic: the cause")];
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{log:?}"
    );
}
