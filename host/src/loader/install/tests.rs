#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::loader::recover::recover_now;

const MANIFEST: &str = "name: look\nversion: 1.0.0\nruntime: template\n";

/// How a plugin lies in a directory, told by a text that is in all of its files.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lies {
    Nowhere,
    Component,
    Package,
    SignedPackage,
    Folder,
}

impl Lies {
    const ALL: [Self; 4] = [
        Self::Component,
        Self::Package,
        Self::SignedPackage,
        Self::Folder,
    ];

    /// Puts it into a folder.
    fn put(self, folder: &Path, text: &str) -> Option<Discovered> {
        fs::create_dir_all(folder).unwrap();
        let path = match self {
            Self::Nowhere => return None,
            Self::Component => folder.join("look.wasm"),
            Self::Package | Self::SignedPackage => folder.join("look.zip"),
            Self::Folder => folder.join("look"),
        };
        if self == Self::Folder {
            fs::create_dir(&path).unwrap();
            fs::write(path.join("plugin.yaml"), MANIFEST).unwrap();
            fs::write(path.join("text"), text).unwrap();
        } else {
            fs::write(&path, text).unwrap();
        }
        if self == Self::SignedPackage {
            fs::write(signature_path(&path), text).unwrap();
        }
        Some(Discovered::at(&path).unwrap())
    }

    /// What a folder holds that holds nothing but this.
    fn files(self, text: &str) -> BTreeMap<String, String> {
        let folder = tempfile::tempdir().unwrap();
        self.put(folder.path(), text);
        visible(folder.path())
    }
}

/// The files that are not hidden, and their content.
fn visible(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        if entry.path().is_dir() {
            for (inner, content) in visible(&entry.path()) {
                files.insert(format!("{name}/{inner}"), content);
            }
        } else {
            files.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
    files
}

/// A directory before a change: the plugin lies in it one way, and its previous version another way.
struct Before {
    folder: TempDir,
    old: Option<Discovered>,
}

fn name() -> PluginName {
    "look".parse().unwrap()
}

fn before(now: Lies, previous: Lies) -> Before {
    let folder = tempfile::tempdir().unwrap();
    let old = now.put(folder.path(), "old");
    if previous != Lies::Nowhere {
        previous.put(&folder.path().join(PREVIOUS).join("look"), "previous");
    }
    Before { folder, old }
}

/// A change, told by what is there afterwards.
struct Change {
    coming: Coming,
    after: BTreeMap<String, String>,
}

fn changes(previous: Lies) -> Vec<Change> {
    let new = |file: &str, signature: Option<&str>, after: Lies| Change {
        coming: Coming {
            file: file.to_owned(),
            content: Content::New(Arc::from(&b"new"[..]), signature.map(str::to_owned)),
        },
        after: after.files("new"),
    };
    let mut changes = vec![
        new("look.wasm", None, Lies::Component),
        new("look.zip", None, Lies::Package),
        new("look.zip", Some("new"), Lies::SignedPackage),
        Change {
            coming: Coming {
                file: String::new(),
                content: Content::Nothing,
            },
            after: BTreeMap::new(),
        },
    ];
    let folder = tempfile::tempdir().unwrap();
    if let Some(kept) = previous.put(folder.path(), "previous") {
        changes.push(Change {
            coming: Coming {
                file: kept
                    .path
                    .file_name()
                    .unwrap()
                    .to_string_lossy()
                    .into_owned(),
                content: Content::Kept,
            },
            after: previous.files("previous"),
        });
    }
    changes
}

/// Every change, from every state, as `(now, previous, change)`.
fn every(mut tried: impl FnMut(Lies, Lies, &Change)) {
    let ways = || [Lies::Nowhere].into_iter().chain(Lies::ALL);
    for now in ways() {
        for previous in ways() {
            for change in changes(previous) {
                tried(now, previous, &change);
            }
        }
    }
}

fn prepared(before: &Before, change: &Change) -> Vec<Step> {
    let directory = before.folder.path();
    prepare(
        directory,
        &name(),
        before.old.as_ref(),
        &change.coming,
        true,
    )
    .unwrap()
}

#[test]
fn a_change_that_is_interrupted_before_it_counts_leaves_the_old_plugin() {
    every(|now, previous, change| {
        let before = before(now, previous);
        prepared(&before, change);
        let directory = before.folder.path();
        recover_now(directory).unwrap();
        assert_eq!(visible(directory), now.files("old"));
        let kept = directory.join(PREVIOUS).join("look");
        if previous != Lies::Nowhere {
            assert_eq!(visible(&kept), previous.files("previous"));
        }
        assert_eq!(fs::read_dir(directory.join(CHANGING)).unwrap().count(), 0);
    });
}

#[test]
fn a_change_that_is_interrupted_after_any_step_is_the_new_plugin_for_whoever_looks_next() {
    let mut interrupted = 0;
    every(|now, previous, change| {
        let steps = prepared(&before(now, previous), change);
        for done in 0..=steps.len() {
            let before = before(now, previous);
            let directory = before.folder.path();
            let steps = prepared(&before, change);
            journal::commit(directory, &name(), &steps).unwrap();
            for step in &steps[..done] {
                step.carry_out(directory).unwrap();
            }
            recover_now(directory).unwrap();
            let case = format!("{now:?}, {previous:?}, {done} of {steps:?}");
            assert_eq!(visible(directory), change.after, "{case}");
            let kept = directory.join(PREVIOUS).join("look");
            let in_kept = if kept.exists() {
                visible(&kept)
            } else {
                BTreeMap::new()
            };
            if now != Lies::Nowhere {
                assert_eq!(in_kept, now.files("old"), "{case}");
            }
            interrupted += 1;
        }
    });
    assert!(interrupted > 300, "{interrupted}");
}

#[test]
fn nobody_finds_two_files_of_one_name_after_any_step_though_nothing_can_be_tidied_up() {
    every(|now, previous, change| {
        let steps = prepared(&before(now, previous), change);
        for done in 0..=steps.len() {
            let before = before(now, previous);
            let directory = before.folder.path();
            let steps = prepared(&before, change);
            journal::commit(directory, &name(), &steps).unwrap();
            for step in &steps[..done] {
                step.carry_out(directory).unwrap();
            }
            let found = discover::list(directory).unwrap();
            let case = format!("{now:?}, {previous:?}, {done} of {steps:?}: {found:?}");
            assert!(found.len() <= 1, "{case}");
            // And there always is one where there was one and will be one.
            if now != Lies::Nowhere && !change.after.is_empty() {
                assert_eq!(found.len(), 1, "{case}");
            }
        }
    });
}

#[test]
fn a_journal_moves_nothing_that_is_not_in_the_directory() {
    let outer = tempfile::tempdir().unwrap();
    let directory = outer.path().join("plugins");
    let folder = directory.join(CHANGING).join("look");
    fs::create_dir_all(&folder).unwrap();
    fs::write(outer.path().join("precious"), "x").unwrap();
    for journal in [
        r#"[{"remove":{"path":"../precious"}}]"#,
        r#"[{"retire":{"from":"../precious","to":"a"}}]"#,
        r#"[{"place":{"from":"../precious","to":"a","aside":"b"}}]"#,
    ] {
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("journal.json"), journal).unwrap();
        recover_now(&directory).unwrap();
        assert!(outer.path().join("precious").exists(), "{journal}");
        assert!(!folder.exists());
    }
}
