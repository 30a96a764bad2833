//! The layers of `host/src`: an arrow never points up.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers from the top down. Folders in one row may use each other.
const LAYERS: &[&[&str]] = &[
    &["cli"],
    &["web"],
    &["platform"],
    &["manager"],
    &["loader", "registry"],
    &["runtime"],
    &["capability"],
    &["store", "permission", "contract"],
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src")
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_layer_uses_one_above_it() {
    let mut upward = Vec::new();
    for (depth, layer) in LAYERS.iter().enumerate() {
        let above = || LAYERS[..depth].iter().copied().flatten();
        for folder in *layer {
            let mut files = Vec::new();
            rust_files(&source().join(folder), &mut files);
            assert!(!files.is_empty(), "{folder} has no file");
            for file in files {
                let text = fs::read_to_string(&file).unwrap();
                for upper in above() {
                    if text.contains(&format!("crate::{upper}")) {
                        upward.push(format!("{} uses {upper}", file.display()));
                    }
                }
            }
        }
    }
    assert!(upward.is_empty(), "{}", upward.join("\n"));
}

#[test]
fn every_folder_is_a_layer() {
    for entry in fs::read_dir(source()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = path.file_name().unwrap().to_str().unwrap();
            let known = LAYERS.iter().copied().flatten().any(|layer| *layer == name);
            assert!(known, "{name} is in no layer");
        }
    }
}
