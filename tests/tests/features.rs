//! What an application that embeds the host has to compile.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The crates that are built for `goatherd` with these arguments, by name and version.
fn crates(arguments: &[&str]) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let done = Command::new(cargo)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .args([
            "tree",
            "--locked",
            "--package",
            "goatherd",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .args(arguments)
        .output()
        .expect("cargo starts");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let lines = String::from_utf8(done.stdout).expect("cargo prints text");
    let name_and_version = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().take(2).collect();
        words.join(" ")
    };
    lines
        .lines()
        .map(name_and_version)
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn without_features_at_most_three_of_five_crates_are_built() {
    let whole = crates(&[]);
    let least = crates(&["--no-default-features"]);
    assert!(least.is_subset(&whole), "{:?}", least.difference(&whole));
    assert!(
        least.len() * 5 <= whole.len() * 3,
        "{} of {}",
        least.len(),
        whole.len()
    );
    for left_out in [
        "axum",
        "clap",
        "hyper",
        "jsonschema",
        "lettre",
        "redis",
        "reqwest",
        "rustls",
        "tokio-postgres",
        "zip",
    ] {
        let is_there = |crates: &BTreeSet<String>| {
            crates
                .iter()
                .any(|name| name.split(' ').next() == Some(left_out))
        };
        assert!(is_there(&whole) && !is_there(&least), "{left_out}");
    }
}
