//! From a discovered path to the bytes that are loaded.
//!
//! A [`Reader`] reads a plugin once. The signature is checked on exactly the bytes that were read, and what is compiled,
//! shown and served afterwards comes out of these bytes: replacing the file between the check and the load changes nothing.
//! Whoever wants the new file reads it anew, signature and all.
//!
//! What is signed: of a component or a package, all of the file; of a folder, the list of its files with the hash and size
//! of each, as [`content_to_sign`] gives it. The signature of `plugins/NAME` is `plugins/NAME.sig`, whatever NAME ends in.
//! A host that requires signatures refuses what has none. A host that trusts keys refuses a signature that none of them
//! made. A host that trusts no key has nothing to judge a signature by, and takes what is signed for unsigned.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bundle::Bundle;
use super::discover::{Discovered, Layout, signature_path};
use super::files::{PluginFiles, Unpacked};
use super::manifest::Runtime;
use super::package::{self, Extracted, PackageError, PackageLimits};
use super::read_error::ReadError;
use super::signature::{KeyId, TrustedKeys};
use crate::runtime::PrivateError;
use crate::setters::setters;

/// How large a file with a signature may be.
const SIGNATURE_MAX: u64 = 4 << 10;

/// What a [`Reader`] goes by.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReaderSettings {
    /// Whose signatures count.
    pub trusted: TrustedKeys,
    /// Whether what is not signed is refused.
    pub require_signatures: bool,
    /// How large plugins may be.
    pub limits: PackageLimits,
    /// Where packages and folders are taken apart: a folder that this user alone can write to, which is made if it is not
    /// there. Several hosts may share it. Not within the plugin directory.
    pub unpacked: PathBuf,
}

setters!(ReaderSettings {
    trusted: TrustedKeys,
    require_signatures: bool,
    limits: PackageLimits,
    unpacked: PathBuf,
});

impl ReaderSettings {
    /// No signature counts and none is required, and packages are as large as [`PackageLimits`] allows by default.
    #[must_use]
    pub fn new(unpacked: PathBuf) -> Self {
        Self {
            trusted: TrustedKeys::default(),
            require_signatures: false,
            limits: PackageLimits::default(),
            unpacked,
        }
    }
}

/// Reads and checks plugins. Cheap to clone.
#[derive(Clone)]
pub struct Reader(Arc<ReaderInner>);

struct ReaderInner {
    trusted: TrustedKeys,
    require_signatures: bool,
    limits: PackageLimits,
    unpacked: Unpacked,
}

/// A plugin, and what it was read from.
pub(super) struct Read {
    pub(super) bundle: Bundle,
    /// The file's bytes; nothing for a folder.
    pub(super) file: Option<Arc<[u8]>>,
    pub(super) signature: Option<String>,
}

impl Reader {
    /// A reader. Removes what earlier hosts left in the folder for unpacked files.
    ///
    /// # Errors
    ///
    /// When that folder cannot be made, or others than this user can write to it.
    pub fn new(settings: ReaderSettings) -> Result<Self, PrivateError> {
        Ok(Self(Arc::new(ReaderInner {
            trusted: settings.trusted,
            require_signatures: settings.require_signatures,
            limits: settings.limits,
            unpacked: Unpacked::open(&settings.unpacked)?,
        })))
    }

    /// Reads a plugin, checks its signature, and takes it apart.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn read(&self, discovered: &Discovered) -> Result<Bundle, ReadError> {
        let (reader, owned) = (self.clone(), discovered.clone());
        let read = tokio::task::spawn_blocking(move || reader.read_now(&owned)).await;
        let read = read.map_err(|stopped| ReadError::Unreadable {
            path: discovered.path.clone(),
            reason: io::Error::other(stopped),
        })?;
        Ok(read?.bundle)
    }

    /// How large plugins may be.
    pub(super) fn limits(&self) -> &PackageLimits {
        &self.0.limits
    }

    /// Whether what is not signed is refused.
    pub(super) fn requires_signatures(&self) -> bool {
        self.0.require_signatures
    }

    /// What [`read`](Self::read) does, on a thread that may wait.
    pub(super) fn read_now(&self, discovered: &Discovered) -> Result<Read, ReadError> {
        match discovered.layout {
            Layout::Component => self.read_component(discovered),
            Layout::Package => self.read_package(discovered),
            Layout::Folder => self.read_folder(discovered),
        }
    }

    fn read_component(&self, discovered: &Discovered) -> Result<Read, ReadError> {
        let bytes: Arc<[u8]> = read_file(&discovered.path, self.0.limits.file_bytes)?.into();
        let (signature, signed_by) = self.check(&discovered.path, &bytes)?;
        let bundle = Bundle {
            name_hint: discovered.name_hint.clone(),
            path: discovered.path.clone(),
            manifest: None,
            component: Some(Arc::clone(&bytes)),
            files: None,
            signed_by,
            hash: blake3::hash(&bytes).to_hex().to_string(),
        };
        Ok(Read {
            bundle,
            file: Some(bytes),
            signature,
        })
    }

    fn read_package(&self, discovered: &Discovered) -> Result<Read, ReadError> {
        let bytes = read_file(&discovered.path, self.0.limits.total_bytes)?;
        let (signature, signed_by) = self.check(&discovered.path, &bytes)?;
        let hash = blake3::hash(&bytes).to_hex().to_string();
        let unpacked = &self.0.unpacked;
        let files = match unpacked.find(&hash) {
            Some(files) => files,
            None => {
                let extracted = Extracted::from_zip(&bytes, unpacked.folder(), &self.0.limits)
                    .map_err(refused(&discovered.path))?;
                unpacked.keep(&hash, extracted)
            }
        };
        let bundle = bundle(discovered, files, signed_by, hash)?;
        Ok(Read {
            bundle,
            file: Some(bytes.into()),
            signature,
        })
    }

    fn read_folder(&self, discovered: &Discovered) -> Result<Read, ReadError> {
        let unpacked = &self.0.unpacked;
        let extracted = Extracted::from_folder(&discovered.path, unpacked.folder(), &self.0.limits)
            .map_err(refused(&discovered.path))?;
        let listing = package::listing(extracted.files());
        let (signature, signed_by) = self.check(&discovered.path, &listing)?;
        let hash = blake3::hash(&listing).to_hex().to_string();
        let files = unpacked.keep(&hash, extracted);
        let bundle = bundle(discovered, files, signed_by, hash)?;
        Ok(Read {
            bundle,
            file: None,
            signature,
        })
    }

    /// Checks the signature beside a path on what was read from it.
    fn check(
        &self,
        path: &Path,
        content: &[u8],
    ) -> Result<(Option<String>, Option<KeyId>), ReadError> {
        let text = read_signature(path)?;
        let required = self.0.require_signatures;
        let checked = self.0.trusted.check(content, text.as_deref(), required);
        let key = checked.map_err(|source| ReadError::Signature {
            path: path.to_owned(),
            source,
        })?;
        Ok((text, key))
    }
}

/// What is to be signed of a plugin: a file's bytes, or the list of a folder's files. May take seconds: for threads that
/// may wait.
///
/// # Errors
///
/// When it cannot be read, or a reader would refuse it.
pub fn content_to_sign(path: &Path, limits: &PackageLimits) -> Result<Vec<u8>, ReadError> {
    if !path.is_dir() {
        return read_file(path, limits.total_bytes);
    }
    let unreadable = |reason| ReadError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let beside = tempfile::tempdir().map_err(unreadable)?;
    let extracted = Extracted::from_folder(path, beside.path(), limits).map_err(refused(path))?;
    Ok(package::listing(extracted.files()))
}

fn refused(path: &Path) -> impl FnOnce(PackageError) -> ReadError {
    let path = path.to_owned();
    move |source| ReadError::Package { path, source }
}

/// Puts together what came out of a package or a folder.
fn bundle(
    discovered: &Discovered,
    files: PluginFiles,
    signed_by: Option<KeyId>,
    hash: String,
) -> Result<Bundle, ReadError> {
    let manifest = files.manifest().clone();
    let component = match &manifest.runtime {
        Runtime::Template | Runtime::Theme => None,
        Runtime::Wasm { file } if files.get(file).is_none() => {
            return Err(ReadError::NoComponent {
                path: discovered.path.clone(),
                file: file.clone(),
            });
        }
        Runtime::Wasm { file } => {
            let bytes = files
                .read_now(file)
                .map_err(|reason| ReadError::Unreadable {
                    path: file.below(&discovered.path),
                    reason,
                })?;
            Some(Arc::from(bytes))
        }
    };
    Ok(Bundle {
        name_hint: discovered.name_hint.clone(),
        path: discovered.path.clone(),
        manifest: Some(manifest),
        component,
        files: Some(files),
        signed_by,
        hash,
    })
}

/// The bytes of a file, at most so many.
fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let unreadable = |reason| ReadError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    // Opening a pipe would wait for somebody to write into it.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::other("it is no file")));
    }
    let file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len().min(limit);
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    let mut bounded = file.take(limit.saturating_add(1));
    bounded.read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(ReadError::TooLarge {
            path: path.to_owned(),
            limit,
        });
    }
    Ok(bytes)
}

/// The text of the signature beside a path, if there is one.
fn read_signature(path: &Path) -> Result<Option<String>, ReadError> {
    let beside = signature_path(path);
    match read_file(&beside, SIGNATURE_MAX) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(ReadError::Unreadable { reason, .. }) if reason.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
