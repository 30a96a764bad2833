//! Settings: flags before the environment before the file, and what is said of those that are wrong.

use std::fs;
use std::path::Path;

use goatherd_tests::{Helpdesk, Outcome, helpdesk};
use serde_json::json;

use crate::{STATS, STATS_GRANT, call, path, says, stats};

/// What `plugin.colour` is for the probe, with a configuration file and some environment and flags.
fn run(
    helpdesk: &Helpdesk,
    file: &str,
    environment: &[(&str, &str)],
    arguments: &[&str],
) -> Outcome {
    fs::write(helpdesk.folder().join("goatherd.toml"), file).unwrap();
    let mut command = Outcome::command(helpdesk.folder());
    command
        .args(["call", &path(STATS), "stats", "{}", "--grant", STATS_GRANT])
        .args(arguments);
    command.envs(environment.iter().copied());
    Outcome::of(&mut command)
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let helpdesk = helpdesk();
    let good = helpdesk.path_text();
    let bad = |name: &str| format!("/nonexistent/{name}.db");
    let file = |database: &str| format!("database = {database:?}\n");
    // One of them is right, and those before it are not said.
    run(&helpdesk, &file(&good), &[], &[]).result();
    run(
        &helpdesk,
        &file(&bad("file")),
        &[("GOATHERD_DATABASE", &good)],
        &[],
    )
    .result();
    run(
        &helpdesk,
        &file(&bad("file")),
        &[("GOATHERD_DATABASE", &bad("environment"))],
        &["--database", &good],
    )
    .result();
    // The one that wins is wrong, and those after it are right.
    let message = |outcome: Outcome| outcome.error()["message"].as_str().unwrap().to_owned();
    let lost = message(run(
        &helpdesk,
        &file(&good),
        &[("GOATHERD_DATABASE", &bad("environment"))],
        &[],
    ));
    assert!(lost.contains("/nonexistent/environment.db"), "{lost}");
    let lost = message(run(
        &helpdesk,
        &file(&good),
        &[("GOATHERD_DATABASE", &good)],
        &["--database", &bad("flag")],
    ));
    assert!(lost.contains("/nonexistent/flag.db"), "{lost}");
}

#[test]
fn a_key_that_does_not_exist_is_an_error_that_names_it() {
    let helpdesk = helpdesk();
    for (file, key) in [
        ("databse = \"x\"\n", "databse"),
        ("[plugin.probe]\ngrant = []\n", "grant"),
    ] {
        let error = run(&helpdesk, file, &[], &["--database", &helpdesk.path_text()]).error();
        says(&error, key);
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_an_error_that_names_it() {
    let helpdesk = helpdesk();
    let cases = [
        ("listen = \"everywhere\"\n", "listen"),
        ("trust_all = \"perhaps\"\n", "trust_all"),
        ("[plugin.probe]\ngrants = [\"db:fly=ticket\"]\n", "fly"),
        ("database = [\n", "goatherd.toml"),
    ];
    for (file, word) in cases {
        let error = run(&helpdesk, file, &[], &["--database", &helpdesk.path_text()]).error();
        says(&error, word);
    }
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let helpdesk = helpdesk();
    let error = run(
        &helpdesk,
        "",
        &[],
        &["--config", "/nonexistent/goatherd.toml"],
    )
    .error();
    says(&error, "/nonexistent/goatherd.toml");
}

#[test]
fn a_file_of_another_name_can_be_named() {
    let helpdesk = helpdesk();
    let file = helpdesk.folder().join("other.toml");
    fs::write(&file, format!("database = {:?}\n", helpdesk.path_text())).unwrap();
    run(
        &helpdesk,
        "database = \"/nonexistent\"\n",
        &[],
        &["--config", file.to_str().unwrap()],
    )
    .result();
}

#[test]
fn settings_of_the_file_reach_plugins_within_their_grants() {
    let helpdesk = helpdesk();
    let file = "[settings]\n\"site.name\" = \"Helpdesk\"\n[plugin.probe.config]\ncolour = \"red\"\n[plugin.other.config]\ncolour = \"blue\"\n";
    fs::write(helpdesk.folder().join("goatherd.toml"), file).unwrap();
    let get = |key: &str| {
        let args = json!({"key": key}).to_string();
        let mut command = Outcome::command(helpdesk.folder());
        command.args([
            "call",
            &path("probe"),
            "config.get",
            &args,
            "--grant",
            "config=site.*",
            "--grant",
            "db:readwrite=note",
        ]);
        Outcome::of(command.args(["--database", &helpdesk.path_text()]))
    };
    assert_eq!(get("site.name").result(), json!({"value": "Helpdesk"}));
    assert_eq!(get("plugin.colour").result(), json!({"value": "red"}));
    assert_eq!(get("mail.host").error()["code"], "permission-denied");
}

#[test]
fn a_database_that_does_not_exist_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent.db");
    let error = call(
        STATS,
        "stats",
        "{}",
        &[
            "--grant",
            STATS_GRANT,
            "--database",
            absent.to_str().unwrap(),
        ],
    )
    .error();
    says(&error, "does not exist");
    assert!(!absent.exists());
}

#[test]
fn a_database_is_not_opened_for_a_call_whose_grants_do_not_reach_it() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent.db");
    let absent = absent.to_str().unwrap();
    let grants = ["--grant", "cache:readwrite", "--database", absent];
    call("bench", "nothing", "{}", &grants).result();
    let helpdesk = helpdesk();
    let before = tables(&helpdesk);
    let database = helpdesk.path_text();
    call("bench", "nothing", "{}", &["--database", &database]).result();
    stats(&helpdesk, "stats", "{}", &["--grant", STATS_GRANT]).result();
    assert_eq!(
        tables(&helpdesk),
        before,
        "nobody asked for the host's own tables"
    );
}

fn tables(helpdesk: &Helpdesk) -> i64 {
    helpdesk.number("SELECT count(*) FROM sqlite_master")
}

#[test]
fn a_back_end_that_no_setting_gives_is_told_with_the_setting() {
    let folder = tempfile::tempdir().unwrap();
    for (guest, grant, setting) in [
        ("probe-email", "email=*", "mail.smtp"),
        ("probe-secrets", "secure_config:readwrite", "--database"),
        ("probe-fields", "custom_fields:readwrite=*", "--database"),
        ("probe-files", "files", "set data"),
    ] {
        let mut command = Outcome::command(folder.path());
        command.args(["call", &path(guest), "anything", "{}", "--grant", grant]);
        let error = Outcome::of(&mut command).error();
        assert_eq!(error["code"], "unavailable", "{error}");
        says(&error, setting);
        says(&error, guest);
    }
}

#[test]
fn a_file_that_is_no_database_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("not.db");
    fs::write(
        &file,
        "this is no database, but text that is long enough to be one".repeat(100),
    )
    .unwrap();
    let before = fs::read(&file).unwrap();
    let outcome = call(
        STATS,
        "stats",
        "{}",
        &["--grant", STATS_GRANT, "--database", file.to_str().unwrap()],
    );
    assert!(
        outcome.error()["message"]
            .as_str()
            .unwrap()
            .contains("not a database"),
        "{outcome:?}"
    );
    assert!(fs::read(Path::new(&file)).unwrap() == before);
}
