//! `goatherd secret`: in by standard input, out to nobody but the plugin.

use std::io::Write as _;
use std::process::Stdio;

use goatherd_tests::{Helpdesk, Outcome, helpdesk};
use serde_json::json;

use crate::{path, says};

const KEY: &str = "sk_live_4eC39HqLyjWDarjtT1";

fn run(helpdesk: &Helpdesk, arguments: &[&str], input: &str) -> Outcome {
    let mut command = Outcome::command(helpdesk.folder());
    command
        .args(["--database", &helpdesk.path_text(), "secret"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let written = child.stdin.take().unwrap().write_all(input.as_bytes());
    written.unwrap();
    let output = child.wait_with_output().unwrap();
    Outcome {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What the plugin reads.
fn read(helpdesk: &Helpdesk, more: &[&str]) -> Outcome {
    let mut command = Outcome::command(helpdesk.folder());
    command
        .args(["--database", &helpdesk.path_text()])
        .args(["call", &path("probe-secrets"), "get", "{\"key\": \"api\"}"])
        .args(["--grant", "secure_config:readwrite"])
        .args(more);
    Outcome::of(&mut command)
}

#[test]
fn an_operator_sets_what_a_plugin_reads_and_sees_no_more_than_a_hint() {
    let helpdesk = helpdesk();
    let set = run(
        &helpdesk,
        &["set", "probe-secrets", "api"],
        &format!("{KEY}\n"),
    );
    assert_eq!(
        (set.status, set.stdout.as_str(), set.stderr.as_str()),
        (Some(0), "", "")
    );
    run(
        &helpdesk,
        &["set", "probe-secrets", "api", "--org", "7"],
        "for seven",
    );
    assert_eq!(read(&helpdesk, &[]).result()["value"], KEY);
    assert_eq!(
        read(&helpdesk, &["--org", "7"]).result()["value"],
        "for seven"
    );
    assert_eq!(read(&helpdesk, &["--org", "8"]).result()["value"], KEY);

    let list = run(&helpdesk, &["list", "probe-secrets", "--json"], "").result();
    assert_eq!(
        (&list[0]["key"], &list[0]["hint"]),
        (&json!("api"), &json!("…jtT1"))
    );
    assert!(
        !list.to_string().contains("sk_live") && !list.to_string().contains("seven"),
        "{list}"
    );

    let rotated = run(&helpdesk, &["rotate"], "").result();
    assert_eq!(rotated["resealed"], 2, "{rotated}");
    assert_eq!(
        rotated["forgotten"].as_array().unwrap().len(),
        1,
        "{rotated}"
    );
    assert_eq!(read(&helpdesk, &[]).result()["value"], KEY);

    let deleted = run(
        &helpdesk,
        &["delete", "probe-secrets", "api", "--org", "7"],
        "",
    );
    assert_eq!(deleted.status, Some(0), "{deleted:?}");
    assert_eq!(read(&helpdesk, &["--org", "7"]).result()["value"], KEY);
    let error = run(
        &helpdesk,
        &["delete", "probe-secrets", "api", "--org", "7"],
        "",
    )
    .error();
    says(&error, "there is no secret");
}

#[test]
fn what_is_no_secret_is_not_stored() {
    let helpdesk = helpdesk();
    says(
        &run(&helpdesk, &["set", "probe-secrets", "api"], "\n").error(),
        "standard input is empty",
    );
    let long = "x".repeat(5_000);
    let error = run(&helpdesk, &["set", "probe-secrets", "api"], &long).error();
    says(&error, "4096");
    assert!(!error.to_string().contains("xxxx"), "{error}");
    assert_eq!(
        run(&helpdesk, &["list", "probe-secrets", "--json"], "").result(),
        json!([])
    );
}
