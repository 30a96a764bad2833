//! What a guest is made from, for builders that do not look after that themselves.
//!
//! The inputs are the guest's folder, the contract, and the recipe. Their hash is kept beside the build; as long as it
//! stays the same and the result is there, there is nothing to do. The build happens in a copy, so that no builder
//! writes into the checkout, and in that copy the contract lies where WIT looks for dependencies.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Guest, put};
use crate::places::Places;

/// Folders that tools leave behind, which are not inputs.
const LEFTOVERS: [&str; 2] = ["node_modules", "__pycache__"];

/// The inputs of a guest, and the folder in which it is built.
pub(super) struct Inputs {
    /// Relative path in the copy, and content.
    files: Vec<(PathBuf, Vec<u8>)>,
    hash: String,
    folder: PathBuf,
}

impl Inputs {
    /// Reads them. `recipe` is whatever else decides what comes out, such as the builder's options.
    pub(super) fn read(places: &Places, guest: &Guest, recipe: &[&str]) -> Result<Self> {
        let mut files = Vec::new();
        collect(&guest.folder, Path::new(""), &mut files)?;
        collect(
            &places.wit(),
            Path::new("wit/deps/goatherd-plugin"),
            &mut files,
        )?;
        files.sort();
        let hash = hash(&(&files, recipe));
        Ok(Self {
            files,
            hash,
            folder: places.build().join(&guest.name),
        })
    }

    /// The guest's own folder under the build folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The content of one file.
    pub(super) fn file(&self, name: &str) -> Option<&[u8]> {
        self.files
            .iter()
            .find(|(path, _)| path == Path::new(name))
            .map(|(_, content)| content.as_slice())
    }

    /// Whether the result is what these inputs gave.
    pub(super) fn gave(&self, result: &Path) -> bool {
        result.is_file() && is_noted(&self.note(), &self.hash)
    }

    /// Makes a fresh copy of them and returns its folder.
    pub(super) fn copy(&self) -> Result<PathBuf> {
        let copy = self.folder.join("source");
        if copy.exists() {
            fs::remove_dir_all(&copy)
                .with_context(|| format!("cannot empty {}", copy.display()))?;
        }
        for (path, content) in &self.files {
            let path = copy.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&path, content)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(copy)
    }

    /// Takes what was built as the result of these inputs.
    pub(super) fn keep(&self, built: &Path, result: &Path) -> Result<()> {
        let bytes = fs::read(built).with_context(|| format!("cannot read {}", built.display()))?;
        put(&bytes, result)?;
        put(self.hash.as_bytes(), &self.note())
    }

    fn note(&self) -> PathBuf {
        self.folder.join("inputs.hash")
    }
}

/// Installs a builder, or whatever else is pinned, once for each state of the files that pin it.
pub(crate) fn once_for(
    pins: &[u8],
    folder: &Path,
    install: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let note = folder.join("installed.hash");
    let hash = hash(&pins);
    if is_noted(&note, &hash) {
        return Ok(());
    }
    install()?;
    put(hash.as_bytes(), &note)
}

fn is_noted(note: &Path, hash: &str) -> bool {
    fs::read(note).is_ok_and(|noted| noted == hash.as_bytes())
}

/// Nobody attacks this hash: who can write here can write the result. Another hash in a later version of Rust means
/// one more build.
fn hash(value: &impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn collect(from: &Path, to: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) -> Result<()> {
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if LEFTOVERS.iter().any(|leftover| name == *leftover) {
            continue;
        }
        if path.is_dir() {
            collect(&path, &to.join(name), files)?;
        } else {
            let content =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            files.push((to.join(name), content));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use super::*;

    fn inputs(content: &str, folder: &Path) -> Inputs {
        let files = vec![(PathBuf::from("plugin.js"), content.into())];
        let hash = hash(&files);
        Inputs {
            files,
            hash,
            folder: folder.to_owned(),
        }
    }

    #[test]
    fn a_guest_is_out_of_date_when_an_input_changes_or_the_result_is_gone() {
        let folder = std::env::temp_dir().join(format!("goatherd-inputs-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (built, result) = (folder.join("built"), folder.join("result"));
        fs::write(&built, "component").unwrap();

        let first = inputs("1", &folder);
        assert!(!first.gave(&result));
        first.keep(&built, &result).unwrap();
        assert!(first.gave(&result));
        assert!(!inputs("2", &folder).gave(&result));

        fs::remove_file(&result).unwrap();
        assert!(!first.gave(&result));
        fs::remove_dir_all(&folder).unwrap();
    }
}
