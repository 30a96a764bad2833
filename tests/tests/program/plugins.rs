//! `goatherd plugin`, `capability`, `keygen`, `sign`, `verify` and `pack`: what operators and authors do.

use std::path::{Path, PathBuf};

use goatherd_tests::{Outcome, guest, steady};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::says;

/// A folder with an empty application's database and a directory of plugins.
struct PluginFolder(TempDir);

impl PluginFolder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        drop(std::fs::File::create(folder.path().join("app.db")).unwrap());
        std::fs::create_dir(folder.path().join("plugins")).unwrap();
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, file: &str, bytes: &[u8]) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        let mut command = Outcome::command(self.path());
        command.env("GOATHERD_UNPACKED", self.path().join("unpacked"));
        Outcome::of(command.args(["--database", "app.db"]).args(arguments))
    }

    fn listed(&self) -> Value {
        self.run(&["plugin", "list", "--json"]).result()
    }

    /// A plugin's folder, outside of the directory of plugins.
    fn source(&self, version: u8) {
        self.write("steady-a/steady-a.wasm", &steady('a', version, b'n'));
        let manifest = format!("name: steady-a\nversion: {version}.0.0\nruntime: wasm\n");
        self.write("steady-a/plugin.yaml", manifest.as_bytes());
    }
}

#[test]
fn a_plugin_is_listed_approved_switched_and_blocked_and_the_trail_says_by_whom() {
    let folder = PluginFolder::new();
    folder.write("plugins/a.wasm", &steady('a', 1, b'n'));
    folder.write("plugins/broken.wasm", b"\0asm");
    let listed = folder.listed();
    assert_eq!(listed[0]["name"], "steady-a");
    assert_eq!(listed[0]["version"], "1.0.0");
    assert_eq!(listed[0]["state"], "waiting");
    assert_eq!(listed[1]["state"], "failed");
    let approved = folder.run(&[
        "plugin",
        "approve",
        "steady-a",
        "--grant",
        "plugin_call=crm",
        "--set",
        "call_timeout=5s",
        "--set",
        "max_calls_per_second=0",
        "--by",
        "ada",
        "--reason",
        "read it",
    ]);
    let policy = approved.result();
    assert_eq!(policy["status"], "approved");
    assert_eq!(policy["call_timeout"], "5s");
    assert_eq!(folder.listed()[0]["state"], "enabled");
    let switched = folder.run(&["plugin", "disable", "steady-a"]);
    assert_eq!(switched.stdout.trim(), "steady-a is disabled");
    assert_eq!(folder.listed()[0]["state"], "disabled");
    folder.run(&["plugin", "enable", "steady-a"]);
    folder.run(&[
        "plugin", "block", "steady-a", "--by", "eve", "--reason", "no",
    ]);
    assert_eq!(folder.listed()[0]["state"], "blocked");
    let trail = folder
        .run(&["plugin", "audit", "steady-a", "--json"])
        .result();
    let by: Vec<&str> = trail
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["by"].as_str().unwrap())
        .collect();
    assert_eq!(by, ["eve", "ada"]);
}

#[test]
fn a_plugin_that_would_not_start_is_not_listed_as_enabled() {
    let folder = PluginFolder::new();
    folder.write("plugins/a.wasm", &steady('a', 1, b'n'));
    folder.run(&["plugin", "approve", "steady-a"]);
    let listed = folder.listed();
    assert_eq!(listed[0]["state"], "failed");
    let why = |one: &Value| one["why"].as_str().unwrap().to_owned();
    assert!(why(&listed[0]).contains("plugin_call"), "{listed}");
    folder.run(&["plugin", "disable", "steady-a"]);
    assert_eq!(folder.listed()[0]["state"], "disabled");
    folder.write("plugins/mail.wasm", &guest("probe-email"));
    folder.run(&["plugin", "approve", "probe-email", "--as-requested"]);
    let listed = folder.listed();
    let mail = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "probe-email")
        .unwrap();
    assert_eq!(mail["state"], "failed", "{mail}");
    assert!(why(mail).contains("mail.from"), "{mail}");
}

#[test]
fn a_plugin_is_arranged_in_the_navigation_by_its_operator() {
    let folder = PluginFolder::new();
    folder.write("plugins/a.wasm", &steady('a', 1, b'n'));
    let arrange = |arguments: &[&str]| {
        folder
            .run(&[&["plugin", "arrange", "steady-a"], arguments].concat())
            .result()
    };
    let record = arrange(&[
        "--nav",
        "true",
        "--sort",
        "-7",
        "--label",
        "en=Steady",
        "--label",
        "ar=ثابت",
    ]);
    assert_eq!(
        record,
        json!({
            "slug": "steady-a", "kind": "capability", "enabled": true, "nav": true, "sort": -7,
            "label_en": "Steady", "label_ar": "ثابت",
        })
    );
    let record = arrange(&["--label", "ar="]);
    assert_eq!(
        (&record["nav"], &record["sort"]),
        (&json!(true), &json!(-7))
    );
    assert_eq!(
        (&record["label_en"], &record["label_ar"]),
        (&json!("Steady"), &Value::Null)
    );
    let nobody = folder
        .run(&["plugin", "arrange", "nobody", "--nav", "true"])
        .error();
    says(&nobody, "steady-a");
}

#[test]
fn approving_with_less_than_is_imported_says_at_once_what_is_missing() {
    let folder = PluginFolder::new();
    folder.write("plugins/a.wasm", &steady('a', 1, b'n'));
    let approved = folder.run(&["plugin", "approve", "steady-a"]);
    assert_eq!(approved.status, Some(0));
    assert!(approved.stderr.contains("plugin_call"), "{approved:?}");
    let asked = folder.run(&["plugin", "approve", "steady-a", "--as-requested"]);
    assert_eq!(asked.stderr, "", "{asked:?}");
}

#[test]
fn decisions_without_a_database_are_refused_with_what_would_help() {
    let folder = PluginFolder::new();
    let mut command = Outcome::command(folder.path());
    let error = Outcome::of(command.args(["plugin", "block", "steady-a"])).error();
    says(&error, "--database");
}

#[test]
fn an_unknown_field_of_a_policy_is_refused() {
    let folder = PluginFolder::new();
    let error = folder
        .run(&["plugin", "approve", "steady-a", "--set", "memory=1"])
        .error();
    says(&error, "memory");
}

#[test]
fn a_plugin_is_packed_signed_verified_installed_replaced_and_brought_back() {
    let folder = PluginFolder::new();
    let key = folder.run(&["keygen", "release.key", "--json"]).result();
    let public = key["public"].as_str().unwrap();
    let config = format!("trusted_keys = [\"{public}\"]\nrequire_signatures = true\n");
    folder.write("goatherd.toml", config.as_bytes());
    for version in [1, 2] {
        folder.source(version);
        let packed = folder.run(&["pack", "steady-a", "--json"]).result();
        assert_eq!(packed["version"], format!("{version}.0.0"));
        if version == 1 {
            let refused = folder.run(&["plugin", "install", "steady-a.zip"]).error();
            says(&refused, "sign");
        }
        folder.run(&["sign", "steady-a.zip", "--key", "release.key"]);
        let verified = folder.run(&["verify", "steady-a.zip", "--json"]).result();
        assert_eq!(verified["signed_by"], key["key"]);
        let installed = folder
            .run(&["plugin", "install", "steady-a.zip", "--json"])
            .result();
        assert_eq!(installed["version"], format!("{version}.0.0"));
    }
    assert_eq!(folder.listed()[0]["version"], "2.0.0");
    assert_eq!(folder.listed()[0]["signed_by"], key["key"]);
    let back = folder
        .run(&["plugin", "rollback", "steady-a", "--json"])
        .result();
    assert_eq!(back["version"], "1.0.0");
    assert_eq!(folder.listed()[0]["version"], "1.0.0");
    folder.run(&["plugin", "remove", "steady-a"]);
    assert_eq!(folder.listed(), json!([]));
}

#[test]
fn a_slash_behind_a_folders_name_changes_nothing() {
    let folder = PluginFolder::new();
    folder.source(1);
    folder.run(&["pack", "steady-a/"]);
    assert!(folder.path().join("steady-a.zip").is_file());
    let key = folder.run(&["keygen", "release.key", "--json"]).result();
    folder.run(&["sign", "steady-a/", "--key", "release.key"]);
    assert!(folder.path().join("steady-a.sig").is_file());
    let public = key["public"].as_str().unwrap();
    let verified = folder.run(&["verify", "steady-a/", "--key", public, "--json"]);
    assert_eq!(verified.result()["signed_by"], key["key"]);
}

#[test]
fn a_signature_of_another_file_is_not_to_be_trusted() {
    let folder = PluginFolder::new();
    let key = folder.run(&["keygen", "release.key", "--json"]).result();
    folder.write("a.wasm", &steady('a', 1, b'n'));
    folder.run(&["sign", "a.wasm", "--key", "release.key"]);
    folder.write("a.wasm", &steady('a', 2, b'n'));
    let public = key["public"].as_str().unwrap();
    let error = folder.run(&["verify", "a.wasm", "--key", public]).error();
    says(&error, "a.wasm");
}

#[test]
fn capabilities_are_listed_and_run_as_a_server_would() {
    let folder = PluginFolder::new();
    folder.write("plugins/a.wasm", &steady('a', 1, b'n'));
    folder.run(&["plugin", "approve", "steady-a", "--grant", "plugin_call=*"]);
    let listed = folder.run(&["capability", "list", "--json"]).result();
    assert_eq!(listed[0]["slug"], "steady-a.greet");
    let ran = folder.run(&["capability", "run", "steady-a.greet", "{\"name\": \"Ada\"}"]);
    assert_eq!(ran.result(), json!({ "greeting": "Hello, Ada!" }));
    folder.run(&["plugin", "disable", "steady-a"]);
    let error = folder
        .run(&["capability", "run", "steady-a.greet", "{}"])
        .error();
    assert!(says_disabled(&error), "{error}");
}

fn says_disabled(error: &Value) -> bool {
    error["code"] == "unavailable" && error["message"].as_str().unwrap().contains("disabled")
}

#[test]
fn settings_are_merged_into_what_the_plugin_has() {
    let folder = PluginFolder::new();
    folder.write("plugins/a.wasm", &steady('a', 1, b'n'));
    let first = folder.run(&[
        "plugin",
        "configure",
        "steady-a",
        "{\"from\": \"a\", \"n\": 1}",
    ]);
    assert_eq!(first.result(), json!({ "from": "a", "n": 1 }));
    let second = folder.run(&["plugin", "configure", "steady-a", "{\"n\": null, \"m\": 2}"]);
    assert_eq!(second.result(), json!({ "from": "a", "m": 2 }));
}

/// All that is below a folder: the paths, and of files what is in them.
fn tree(folder: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(tree(&path));
        }
        let content = std::fs::read(&path).ok();
        found.push((path, content));
    }
    found.sort();
    found
}

#[test]
fn listing_plugins_changes_nothing_in_their_directory_though_installations_were_interrupted() {
    let folder = PluginFolder::new();
    folder.write("plugins/steady-a.zip", b"the one that was replaced");
    folder.write("plugins/steady-a.wasm", &steady('a', 1, b'n'));
    // One was decided and not finished, the other one is not even decided.
    let steps = json!([
        { "place": { "from": ".changing/steady-a/new/steady-a.wasm", "to": "steady-a.wasm", "aside": ".changing/steady-a/old/steady-a.wasm" } },
        { "remove": { "path": "steady-a.zip" } },
    ]);
    folder.write(
        "plugins/.changing/steady-a/journal.json",
        steps.to_string().as_bytes(),
    );
    folder.write(
        "plugins/.changing/steady-b/new/steady-b.wasm",
        b"half of it",
    );
    let before = tree(&folder.path().join("plugins"));
    let listed = folder.listed();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed[0]["name"], "steady-a");
    assert_eq!(tree(&folder.path().join("plugins")), before);
    // And a directory that is not there is not made.
    std::fs::remove_dir_all(folder.path().join("plugins")).unwrap();
    assert_eq!(folder.listed(), json!([]));
    assert!(!folder.path().join("plugins").exists());
}
