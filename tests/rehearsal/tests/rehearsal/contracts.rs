//! What the contracts of the rehearsal have beyond `wit/`: exactly what is named here. A change of `wit/` is made in both of
//! them as well, so that what is rehearsed stays the next version of what there is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use goatherd_tests::wit;
use wit_parser::{PackageId, Resolve};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(folder: &Path) -> (String, BTreeMap<String, String>) {
    let (resolve, package): (Resolve, PackageId) = wit::read(folder);
    let name = resolve.packages[package].name.to_string();
    (name, wit::said(&resolve, package).shapes)
}

/// What is in one but not, or otherwise, in the other, as it was and as it is.
fn changes(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> BTreeMap<String, (Option<String>, Option<String>)> {
    let keys = before.keys().chain(after.keys());
    keys.filter(|key| before.get(*key) != after.get(*key))
        .map(|key| {
            let both = (before.get(key).cloned(), after.get(key).cloned());
            (key.clone(), both)
        })
        .collect()
}

#[test]
fn the_0_1_1_of_the_rehearsal_adds_a_function_and_an_export_and_is_else_the_contract() {
    let (_, before) = read(&wit::folder());
    let (name, after) = read(&folder("wit-0.1.1"));
    assert_eq!(name, "goatherd:plugin@0.1.1");
    let mut changes = changes(&before, &after);
    let everything = changes.remove("world everything");
    let (Some(was), Some(is)) = everything.expect("the world has one more export") else {
        panic!("the world everything is in both");
    };
    assert_eq!(is.replace("\"health since 0.1.1\", ", ""), was);
    let added = |what: &str| (None, Some(what.to_owned()));
    let expected = BTreeMap::from([
        (
            "context.callers".to_owned(),
            added("() -> list<String> since 0.1.1"),
        ),
        ("interface health".to_owned(), added(" since 0.1.1")),
        ("health.type error".to_owned(), added("= types.error")),
        (
            "health.report".to_owned(),
            added("() -> result<String, health.error> since 0.1.1"),
        ),
        (
            "world serves-health".to_owned(),
            added("imports {\"types\"} exports {\"health since 0.1.1\"} since 0.1.1"),
        ),
    ]);
    assert_eq!(changes, expected);
}

#[test]
fn the_draft_changes_one_record_and_is_else_the_version_before() {
    let (_, before) = read(&folder("wit-0.1.1"));
    let (name, after) = read(&folder("wit-0.2.0-draft"));
    assert_eq!(name, "goatherd:plugin@0.2.0-draft");
    let rest = "name: String; value: option<custom-field-types.field-value>;  since";
    let expected = BTreeMap::from([(
        "custom-field-types.type field".to_owned(),
        (
            Some(format!("{rest} 0.1.0")),
            Some(format!("plugin: option<String>; {rest} 0.2.0-draft")),
        ),
    )]);
    assert_eq!(changes(&before, &after), expected);
}
