//! `goatherd call`: its result, its errors, its usage, and what its flags bring to the plugin.

use goatherd_tests::{Outcome, goatherd, helpdesk};
use serde_json::{Value, json};

use crate::{STATS_GRANT, call, path, probe, says, stats};

#[test]
fn a_result_is_one_line_of_json_on_standard_output() {
    let outcome = call(
        "hello-js",
        "hello",
        r#"{"name": "Ada"}"#,
        &["--language", "pt-br"],
    );
    assert_eq!(outcome.stdout.lines().count(), 1);
    assert_eq!(
        outcome.result(),
        json!({"greeting": "Hello, Ada!", "visits": 1, "language": "pt-BR"})
    );
}

#[test]
fn arguments_default_to_an_empty_object() {
    assert_eq!(
        goatherd(&["call", &path("hello-js"), "hello"]).result()["greeting"],
        "Hello, world!"
    );
}

#[test]
fn the_examples_answer_the_same_in_their_languages() {
    let cases = [
        ("hello", "{}"),
        ("hello", r#"{"name": "Zoë \"Z\" 北京"}"#),
        ("hello", r#"{"query": {"name": "Grace"}}"#),
        ("hello", r#"{"name": null}"#),
        ("hello", r#"{"name": 5}"#),
        ("hello", "[]"),
        ("hello", "null"),
        ("goodbye", "{}"),
    ];
    for (function, args) in cases {
        let [js, py, go] = ["hello-js", "hello-py", "hello-go"].map(|guest| {
            let outcome = call(guest, function, args, &["--language", "de"]);
            let answer = if outcome.status == Some(0) {
                outcome.result()
            } else {
                outcome.error()
            };
            (outcome.status, answer.to_string().replace(guest, "hello"))
        });
        assert_eq!(js, py, "{function} {args}");
        assert_eq!(js, go, "{function} {args}");
    }
}

#[test]
fn the_plugins_own_errors_keep_their_code_and_words() {
    let helpdesk = helpdesk();
    let error = call("hello-js", "no-such-function", "{}", &[]).error();
    assert_eq!(
        error,
        json!({"code": "not-found", "message": "hello-js has no function \"no-such-function\""})
    );
    let error = stats(
        &helpdesk,
        "queue",
        r#"{"name": "Nowhere"}"#,
        &["--grant", STATS_GRANT],
    )
    .error();
    assert_eq!(
        error,
        json!({"code": "helpdesk-stats:unknown-queue", "message": "there is no queue \"Nowhere\""})
    );
}

#[test]
fn arguments_that_are_not_json_are_refused_before_the_plugin_runs() {
    for args in ["", "{", "{'a': 1}", "hello", "{} {}"] {
        let error = call("hello-js", "hello", args, &[]).error();
        assert_eq!(error["code"], "invalid-argument", "{args}");
        says(&error, "not JSON");
    }
}

#[test]
fn wrong_usage_ends_with_2_and_says_how_it_is_right() {
    let hello = path("hello-js");
    let cases: &[&[&str]] = &[
        &[],
        &["fly"],
        &["call"],
        &["call", &hello],
        &["call", &hello, "hello", "{}", "{}"],
        &["call", &hello, "hello", "--grant"],
        &["call", &hello, "hello", "--grant", "db:fly=ticket"],
        &["call", &hello, "hello", "--grant", "teleport"],
        &["call", &hello, "hello", "--grant", "db:read="],
        &["call", &hello, "hello", "--timeout", "0"],
        &["call", &hello, "hello", "--timeout", "soon"],
        &["call", &hello, "hello", "--memory", "0"],
        &["call", &hello, "hello", "--language", "not a language"],
        &["inspect"],
        &["inspect", &hello, "--yaml"],
        &["wit", "extra"],
    ];
    for arguments in cases {
        let outcome = goatherd(arguments);
        assert_eq!(outcome.status, Some(2), "{arguments:?}: {outcome:?}");
        assert_eq!(outcome.stdout, "", "{arguments:?}");
        assert!(
            outcome.stderr.contains("--help") || outcome.stderr.contains("Usage"),
            "{arguments:?}: {}",
            outcome.stderr
        );
    }
    let outcome = goatherd(&["call", &hello, "hello", "--grant", "db:fly=ticket"]);
    assert!(
        outcome.stderr.contains("db:read, db:write or db:readwrite"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn help_is_on_standard_output_and_ends_with_0() {
    for arguments in [
        vec!["--help"],
        vec!["call", "--help"],
        vec!["inspect", "--help"],
        vec!["serve", "--help"],
        vec!["wit", "--help"],
    ] {
        let outcome = goatherd(&arguments);
        assert_eq!(
            (outcome.status, outcome.stderr.as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
        assert!(outcome.stdout.contains("Usage: goatherd"), "{arguments:?}");
    }
    let call = goatherd(&["call", "--help"]).stdout;
    for words in [
        "--grant <TYPE[:ACCESS][=SCOPE,…]>",
        "--database",
        "--timeout",
        "--memory",
    ] {
        assert!(call.contains(words), "{words} is not in:\n{call}");
    }
    assert!(goatherd(&["--help"]).stdout.contains("Exit status"));
}

#[test]
fn a_grant_that_is_missing_is_named_with_its_interface() {
    let error = call("probe", "echo", "{}", &["--grant", "config"]).error();
    assert_eq!(error["code"], "permission-denied");
    let expected = json!([
        {"interface": "goatherd:plugin/db-read@0.1.0", "permission": "db:read", "grant": "db:read=*"},
        {"interface": "goatherd:plugin/db-write@0.1.0", "permission": "db:write", "grant": "db:write=*"},
    ]);
    let mut missing = error["missing"].as_array().unwrap().clone();
    missing.sort_by_key(|missing| missing["interface"].as_str().unwrap().to_owned());
    assert_eq!(Value::Array(missing), expected);
}

#[test]
fn grants_may_be_repeated_and_add_up() {
    let helpdesk = helpdesk();
    let numbers = stats(
        &helpdesk,
        "stats",
        "{}",
        &["--grant", "db:read=ticket", "--grant", "db:read=queue"],
    )
    .result();
    assert_eq!(
        numbers["tickets"]["total"],
        helpdesk.number("SELECT COUNT(*) FROM ticket")
    );
}

#[test]
fn a_timeout_ends_a_call_and_is_told_by_its_code() {
    let helpdesk = helpdesk();
    let more = ["--timeout", "1"];
    let error = probe(&helpdesk, "spin", r#"{"ms": 20000}"#, &more).error();
    assert_eq!(error["code"], "timed-out");
    says(&error, "plugin \"probe\" failed in spin");
}

#[test]
fn the_organisation_reaches_the_plugin() {
    let helpdesk = helpdesk();
    let more = ["--org", "42"];
    let seen = probe(&helpdesk, "context", "{}", &more).result();
    assert_eq!((&seen["org_id"], &seen["user"]), (&json!(42), &Value::Null));
}

#[test]
fn the_plugins_log_is_shown_when_asked_for() {
    let outcome = call("hello-js", "hello", r#"{"name": "Ada"}"#, &["--show-log"]);
    assert_eq!(outcome.status, Some(0));
    let entries: Vec<Value> = outcome
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let entry = entries
        .iter()
        .find(|entry| entry["message"] == "greeted")
        .unwrap_or_else(|| panic!("{entries:?}"));
    assert_eq!(
        (&entry["level"], &entry["source"]),
        (&json!("info"), &json!("plugin"))
    );
    assert_eq!(entry["fields"], json!({"name": "Ada", "visits": "1"}));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::process::Stdio;
    let folder = tempfile::tempdir().unwrap();
    let mut child = Outcome::command(folder.path())
        .arg("wit")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}
