//! Guests: what there is to build, and building it.
//!
//! A folder is a guest by being there. Its language is told by what its package manager wants: `Cargo.toml`,
//! `package.json`, `requirements.txt` or `go.mod`. Its world stands in `wit/world.wit`, in a package and under a name that end
//! in the folder's name.

pub(crate) mod check;
mod go;
mod inputs;
mod javascript;
mod python;
mod rust;
mod toolchain;

pub(crate) use inputs::once_for;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::places::Places;

/// A plugin that is built from source.
pub(crate) struct Guest {
    /// The folder's name, which is the plugin's.
    pub(crate) name: String,
    pub(crate) purpose: Purpose,
    language: Language,
    folder: PathBuf,
}

/// What a guest is there for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be read, copied and shown, under `guest-examples`.
    Example,
    /// To be used by tests, under `tests/guests`.
    Test,
    /// To be built once and kept, under `tests/rehearsal/guests`: tests use the component that is in the checkout.
    Kept,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Rust,
    JavaScript,
    Python,
    Go,
}

impl Guest {
    /// Where its component goes.
    pub(crate) fn component(&self, places: &Places) -> PathBuf {
        places.guests().join(format!("{}.wasm", self.name))
    }

    /// The name of its cargo package, if it is one. Those of test guests begin with `guest-`, because names such as
    /// `bench` mean too much already.
    pub(crate) fn package(&self) -> Option<String> {
        (self.language == Language::Rust).then(|| match self.purpose {
            Purpose::Example => self.name.clone(),
            Purpose::Test | Purpose::Kept => format!("guest-{}", self.name),
        })
    }
}

/// Every guest in the checkout, by name.
pub(crate) fn discover(places: &Places) -> Result<Vec<Guest>> {
    let mut guests = Vec::new();
    for (purpose, parent) in [
        (Purpose::Example, places.root().join("guest-examples")),
        (Purpose::Test, places.root().join("tests/guests")),
        (Purpose::Kept, places.root().join("tests/rehearsal/guests")),
    ] {
        for folder in folders(&parent)? {
            if let Some(language) = language(&folder) {
                let name = folder
                    .file_name()
                    .and_then(|name| name.to_str())
                    .with_context(|| format!("{} has no proper name", folder.display()))?
                    .to_owned();
                guests.push(Guest {
                    name,
                    purpose,
                    language,
                    folder,
                });
            }
        }
    }
    guests.sort_by(|left, right| left.name.cmp(&right.name));
    if let Some([one, _]) = guests
        .array_windows()
        .find(|[left, right]| left.name == right.name)
    {
        bail!("there are two guests with the name {:?}", one.name);
    }
    Ok(guests)
}

/// Builds those guests that are out of date.
pub(crate) fn build(places: &Places, guests: &[&Guest]) -> Result<()> {
    fs::create_dir_all(places.build())?;
    let (rust, others): (Vec<&Guest>, Vec<&Guest>) = guests
        .iter()
        .partition(|guest| guest.language == Language::Rust);
    if !rust.is_empty() {
        rust::build(places, &rust)?;
    }
    for guest in others {
        match guest.language {
            Language::Rust => {}
            Language::JavaScript => javascript::build(places, guest)?,
            Language::Python => python::build(places, guest)?,
            Language::Go => go::build(places, guest)?,
        }
    }
    Ok(())
}

/// Puts a result in its place in one step, so that whoever reads it meets the old one or the new one; not at all when
/// it is the same.
fn put(bytes: &[u8], place: &Path) -> Result<()> {
    if fs::read(place).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    let beside = place.with_extension(format!("{}.new", std::process::id()));
    fs::write(&beside, bytes)
        .and_then(|()| fs::rename(&beside, place))
        .with_context(|| format!("cannot write {}", place.display()))
}

fn language(folder: &Path) -> Option<Language> {
    [
        ("Cargo.toml", Language::Rust),
        ("package.json", Language::JavaScript),
        ("requirements.txt", Language::Python),
        ("go.mod", Language::Go),
    ]
    .into_iter()
    .find(|(sign, _)| folder.join(sign).is_file())
    .map(|(_, language)| language)
}

fn folders(parent: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    let entries =
        fs::read_dir(parent).with_context(|| format!("cannot read {}", parent.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    Ok(folders)
}
