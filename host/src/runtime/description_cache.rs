//! Descriptions on disk.
//!
//! Describing a component takes compiling it and running its `register`; with a thousand plugins, most of which are never
//! called, that is minutes before anything is served. What comes out depends on the component, the host's version and the
//! contract alone, so it is kept under a hash of these.
//!
//! What is kept is what the plugin said, in plain form, and the names of what it imports and exports; never a conclusion. Reading parses it by the same rules as a fresh one and judges each import again, so a description
//! out of the cache is valid in every part. It is believed only from a directory and a file that this user alone can write
//! to, and only with its checksum; any doubt means describing the component again and replacing the entry, never failing.
//! And it links nothing: what a plugin is granted is checked against the imports of its compiled component.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use semver::Version;
use serde::{Deserialize, Serialize};

use super::component::{self, Import};
use super::describe::{self, Description};
use super::link;
use super::private::{PrivateError, is_private, note_use, open_private, prune};
use crate::capability::Interfaces;
use crate::contract::ContractVersion;
use crate::contract::version::served;
use crate::contract::wire::registration as wire;

/// What an entry begins with; its number changes with the form.
const FORM: &str = "goatherd description 2 ";
/// How large an entry may be. A registration has at most 8 MiB, and JSON may write a byte as six.
const ENTRY_MAX: u64 = 64 << 20;
/// What a registration is made of: an entry that was written when that was something else is not found.
const FIELDS: &str = include_str!("../contract/wire/registration.rs");

/// A directory of descriptions. It may be that of the compiled code.
#[derive(Debug, Clone)]
pub struct DescriptionCache {
    directory: PathBuf,
    /// The hash of everything but the component that an entry depends on.
    ground: blake3::Hash,
}

/// What the names of entries end in.
const EXTENSION: &str = "description";

/// An entry, as it is read.
#[derive(Deserialize)]
struct Entry {
    component: String,
    imports: Vec<String>,
    exports: Vec<String>,
    registration: wire::Registration,
}

/// An entry, as it is written.
#[derive(Serialize)]
struct Written<'a> {
    component: &'a str,
    imports: Vec<&'a str>,
    exports: &'a [String],
    registration: &'a wire::Registration,
}

impl DescriptionCache {
    /// Uses a directory, which is made with mode 0700 if it does not exist.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or others than this user can write to it.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, PrivateError> {
        let directory = directory.into();
        open_private(&directory, "descriptions of plugins")?;
        prune(&directory, EXTENSION);
        Ok(Self {
            directory,
            ground: ground(served()),
        })
    }

    /// The description of a component with this content hash and so many bytes, if it is there and can be believed.
    pub(super) fn load(
        &self,
        content: &blake3::Hash,
        bytes: usize,
        interfaces: &Interfaces,
        host: &Version,
    ) -> Option<Description> {
        let path = self.path(content);
        let file = File::open(&path).ok()?;
        let found = file.metadata().ok()?;
        let private = is_private(&found) && is_private(&fs::metadata(&self.directory).ok()?);
        let read = || -> Result<Description, String> {
            if !private {
                return Err("others than this user can write to it".to_owned());
            }
            note_use(&file, &found);
            if !found.is_file() || found.len() > ENTRY_MAX {
                return Err(format!("it has {} bytes", found.len()));
            }
            let mut text = String::with_capacity(usize::try_from(found.len()).unwrap_or(0));
            (&file)
                .take(ENTRY_MAX)
                .read_to_string(&mut text)
                .map_err(|error| error.to_string())?;
            parse(&text, content, bytes, interfaces, host)
        };
        read()
            .inspect_err(|reason| {
                tracing::warn!(?path, "the kept description is not used: {reason}");
            })
            .ok()
    }

    /// Keeps a description. A failure is logged: the plugin works without.
    pub(super) fn store(&self, description: &Description, said: &wire::Registration) {
        if let Err(error) = self.try_store(description, said) {
            tracing::warn!(directory = ?self.directory, "a description is not kept: {error}");
        }
    }

    fn try_store(
        &self,
        description: &Description,
        said: &wire::Registration,
    ) -> std::io::Result<()> {
        let imports = description.imports.iter();
        let body = serde_json::to_string(&Written {
            component: &description.hash,
            imports: imports.map(|import| import.name.as_str()).collect(),
            exports: &description.exports,
            registration: said,
        })?;
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        let checksum = blake3::hash(body.as_bytes()).to_hex();
        file.write_all(format!("{FORM}{checksum}\n").as_bytes())?;
        file.write_all(body.as_bytes())?;
        let content = blake3::Hash::from_hex(&description.hash).map_err(std::io::Error::other)?;
        file.persist(self.path(&content))?;
        Ok(())
    }

    fn path(&self, content: &blake3::Hash) -> PathBuf {
        let key = blake3::keyed_hash(self.ground.as_bytes(), content.as_bytes());
        self.directory.join(format!("{}.{EXTENSION}", key.to_hex()))
    }
}

/// The hash of everything but the component that an entry depends on, of a host that serves these versions. One that serves
/// others has other entries, so that none of the two ever reads what the other judged.
fn ground(served: &[ContractVersion]) -> blake3::Hash {
    let mut ground = blake3::Hasher::new();
    for part in [FORM, FIELDS, env!("CARGO_PKG_VERSION")] {
        ground.update(blake3::hash(part.as_bytes()).as_bytes());
    }
    for version in served {
        ground.update(blake3::hash(version.to_string().as_bytes()).as_bytes());
    }
    ground.finalize()
}

/// Reads an entry's text as what it says of the component with this content hash.
fn parse(
    text: &str,
    content: &blake3::Hash,
    bytes: usize,
    interfaces: &Interfaces,
    host: &Version,
) -> Result<Description, String> {
    let (head, body) = text.split_once('\n').ok_or("it has no first line")?;
    let checksum = head.strip_prefix(FORM).ok_or("it begins otherwise")?;
    if *checksum != *blake3::hash(body.as_bytes()).to_hex() {
        return Err("its checksum is another".to_owned());
    }
    let entry: Entry = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let hash = content.to_hex().to_string();
    if entry.component != hash {
        return Err(format!("it describes {}", entry.component));
    }
    let contract = component::contract_of("the entry", &entry.exports);
    let imports = entry.imports.iter();
    let imports: Vec<Import> = imports.map(|name| Import::of(name, interfaces)).collect();
    link::check_known("the entry", &imports).map_err(|error| error.to_string())?;
    let registration = describe::parse(entry.registration, host, &entry.exports);
    Ok(Description {
        contract: contract.map_err(|error| error.to_string())?,
        hash,
        bytes,
        imports,
        exports: entry.exports,
        registration: registration.map_err(|problems| problems.to_string())?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn hosts_that_serve_other_versions_do_not_share_entries() {
        let grounds = [
            &["0.1.0"][..],
            &["0.1.1"],
            &["0.1.1", "0.2.0-draft"],
            &["0.1.10", "0.2.0"],
            &["0.1.1", "0.2.0"],
            &["0.1.0", "0.1.1"],
        ]
        .map(|versions| {
            let versions: Vec<ContractVersion> = versions
                .iter()
                .map(|version| version.parse().unwrap())
                .collect();
            ground(&versions)
        });
        for (index, one) in grounds.iter().enumerate() {
            assert!(!grounds.iter().skip(index + 1).any(|other| other == one));
        }
    }
}
