//! `goatherd inspect`: what is shown of a plugin, to programs and to people, and what is said of a file that is none.

use std::fs;

use goatherd_tests::{goatherd, guest_path, misregistered};
use serde_json::{Value, json};

use crate::{STATS, path, says};

#[test]
fn json_has_contract_imports_with_permissions_exports_and_registration() {
    let shown = goatherd(&["inspect", &path("probe"), "--json"]).result();
    assert_eq!(shown["contract_version"], "0.1.0");
    assert_eq!(shown["file"], path("probe"));
    assert_eq!(
        shown["bytes"],
        fs::metadata(guest_path("probe")).unwrap().len()
    );
    assert_eq!(shown["hash"].as_str().unwrap().len(), 64);
    assert_eq!(shown["error"], Value::Null);
    assert_eq!(
        shown["exports"],
        json!([
            "goatherd:plugin/guest@0.1.0",
            "goatherd:plugin/route-handler@0.1.0"
        ])
    );
    assert_eq!(shown["registration"]["name"], "probe");
    assert_eq!(shown["registration"]["routes"].as_array().unwrap().len(), 4);
    let import = |name: &str| {
        let all = shown["imports"].as_array().unwrap();
        all.iter()
            .find(|import| import["name"] == name)
            .unwrap_or_else(|| panic!("{name}: {shown}"))
            .clone()
    };
    assert_eq!(
        import("goatherd:plugin/log@0.1.0")["permission"],
        Value::Null
    );
    assert_eq!(import("goatherd:plugin/log@0.1.0")["link"], "always");
    for (interface, permission) in [
        ("db-read", "db:read"),
        ("db-write", "db:write"),
        ("cache-read", "cache:read"),
        ("config", "config"),
    ] {
        let import = import(&format!("goatherd:plugin/{interface}@0.1.0"));
        assert_eq!(
            (&import["link"], &import["permission"]),
            (&json!("by grant"), &json!(permission))
        );
    }
}

#[test]
fn text_says_the_same_to_people() {
    let outcome = goatherd(&["inspect", &path(STATS)]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    let line = |words: &[&str]| {
        let found = outcome
            .stdout
            .lines()
            .any(|line| words.iter().all(|word| line.contains(word)));
        assert!(found, "no line has {words:?}:\n{}", outcome.stdout);
    };
    line(&["plugin", "helpdesk-stats", "0.1.0"]);
    line(&["contract", "goatherd:plugin 0.1.0"]);
    line(&["goatherd:plugin/db-read@0.1.0", "by grant", "db:read"]);
    line(&["goatherd:plugin/context@0.1.0", "always"]);
    line(&["goatherd:plugin/guest@0.1.0"]);
    line(&["/api/plugins/helpdesk-stats/stats"]);
    line(&["db:read=ticket,queue"]);
}

#[test]
fn an_import_that_nobody_serves_is_shown_and_the_command_fails() {
    let outcome = goatherd(&["inspect", &path("stranger"), "--json"]);
    assert_eq!(outcome.status, Some(1));
    let shown: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let imports = shown["imports"].as_array().unwrap();
    let import = imports
        .iter()
        .find(|import| import["name"] == "acme:telepathy/mind@1.0.0")
        .unwrap();
    assert_eq!(import["link"], "never");
    assert_eq!(shown["registration"], Value::Null);
    assert_eq!(shown["error"]["code"], "invalid-argument");
    let told: Value = serde_json::from_str(&outcome.stderr).unwrap();
    assert_eq!(told["error"], shown["error"]);
    assert!(
        shown["error"]["message"]
            .as_str()
            .unwrap()
            .contains("acme:telepathy/mind@1.0.0")
    );
}

#[test]
fn every_mistake_of_a_registration_is_told_with_its_field() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.wasm");
    fs::write(&file, misregistered(b'm')).unwrap();
    let outcome = goatherd(&["inspect", file.to_str().unwrap()]);
    assert_eq!(outcome.status, Some(1));
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    let error: Value = serde_json::from_str(&outcome.stderr).unwrap();
    let fields = error["error"]["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["field"].as_str().unwrap());
    let mut fields: Vec<_> = fields.collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "jobs[0].schedule",
            "name",
            "routes[0].methods[0]",
            "routes[1].middleware[0]",
            "version"
        ]
    );
}

#[test]
fn what_is_no_plugin_is_one_line_of_json_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let cases = [
        (
            write("page.wasm", b"<!doctype html>"),
            "invalid-argument",
            "is not WebAssembly",
        ),
        (
            write("empty.wasm", b""),
            "invalid-argument",
            "is not WebAssembly",
        ),
        (path("bench.core"), "invalid-argument", "core module"),
        (path("foreign"), "invalid-argument", "not a plugin"),
        (path("future"), "invalid-argument", "0.9.0"),
        (
            folder
                .path()
                .join("absent.wasm")
                .to_str()
                .unwrap()
                .to_owned(),
            "not-found",
            "cannot be read",
        ),
    ];
    for (file, code, words) in cases {
        for arguments in [
            vec!["inspect", &file],
            vec!["inspect", "--json", &file],
            vec!["call", &file, "f"],
        ] {
            let error = goatherd(&arguments).error();
            assert_eq!(error["code"], code, "{file}");
            says(&error, words);
            says(&error, &file);
        }
    }
}
