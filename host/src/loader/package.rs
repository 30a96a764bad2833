//! Packages: a plugin as a ZIP file.
//!
//! A package is taken apart from bytes in memory, those whose signature was checked, into a new folder beside the one where
//! it will be, and becomes visible by one renaming. So a package that is refused in the middle leaves nothing, and nobody
//! sees half of one. Every limit is checked on what really comes out, while it comes out: what an archive says of itself is
//! only believed when it makes things worse.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Cursor, Read, Write as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use thiserror::Error;
use zip::ZipArchive;
use zip::result::ZipError;

use super::inner_path::{InnerPath, InnerPathError};
use super::manifest::{self, Manifest, ManifestError};

/// What a package may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackageLimits {
    /// Files and folders in it.
    pub entries: usize,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of all files.
    pub total_bytes: u64,
}

impl Default for PackageLimits {
    fn default() -> Self {
        Self {
            entries: 1_000,
            file_bytes: 100 << 20,
            total_bytes: 500 << 20,
        }
    }
}

/// Why a package is refused. Nothing of it is left.
#[derive(Debug, Error)]
pub enum PackageError {
    /// It is no ZIP archive, or a broken one.
    #[error("it is not a ZIP archive that can be read: {0}")]
    Archive(String),
    /// It holds a path that leads elsewhere.
    #[error(transparent)]
    Path(#[from] InnerPathError),
    /// It holds a link, a device or the like.
    #[error(
        "{path} is neither a file nor a folder; a package holds nothing else, links least of all"
    )]
    Kind {
        /// The entry.
        path: InnerPath,
    },
    /// Two entries have one name.
    #[error(
        "{name} is in it twice, perhaps in another case; which of them is meant cannot be told"
    )]
    Duplicate {
        /// The name.
        name: String,
    },
    /// It holds too much.
    #[error("it holds {what} than the {limit} that are allowed")]
    TooLarge {
        /// What there is too much of.
        what: String,
        /// How much there may be.
        limit: u64,
    },
    /// A file has another size than the archive says.
    #[error("{path} has {actual} bytes or more, and the archive says {stated}")]
    Size {
        /// The entry.
        path: InnerPath,
        /// What was counted.
        actual: u64,
        /// What is stated.
        stated: u64,
    },
    /// It has no manifest.
    #[error(
        "it has no {} at its top; without a manifest it is not a package",
        manifest::FILE
    )]
    NoManifest,
    /// Its manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// It cannot be written.
    #[error("it cannot be extracted to {}: {reason}", folder.display())]
    Write {
        /// Where to.
        folder: PathBuf,
        /// The system's words.
        reason: io::Error,
    },
}

/// A package that was taken apart into a folder of its own. Dropping it removes the folder.
#[derive(Debug)]
pub struct Extracted {
    folder: TempDir,
    manifest: Manifest,
}

impl Extracted {
    /// Takes a package apart into a new folder within `beside`, which must be on the file system where it will be.
    /// May take seconds: for threads that may wait.
    ///
    /// # Errors
    ///
    /// [`PackageError`].
    pub fn from_zip(
        bytes: &[u8],
        beside: &Path,
        limits: &PackageLimits,
    ) -> Result<Self, PackageError> {
        let mut archive = ZipArchive::new(Cursor::new(bytes))?;
        if archive.len() > limits.entries {
            return Err(PackageError::TooLarge {
                what: format!("more files and folders, {},", archive.len()),
                limit: limits.entries as u64,
            });
        }
        if archive.has_duplicate_names() {
            return Err(PackageError::Duplicate {
                name: "a name".to_owned(),
            });
        }
        // What one program reads by the directory at the end, another reads by the headers within: they must agree.
        archive.validate_header_consistency()?;
        let unwritable = |reason| PackageError::Write {
            folder: beside.to_owned(),
            reason,
        };
        let folder = tempfile::Builder::new()
            .prefix(".extracting-")
            .tempdir_in(beside)
            .map_err(unwritable)?;
        let mut names = BTreeSet::new();
        let mut total = 0;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index)?;
            let name = entry.name()?.into_owned();
            let path: InnerPath = name.strip_suffix('/').unwrap_or(&name).parse()?;
            // On a file system that does not tell cases apart, the second would overwrite the first.
            if !names.insert(path.as_str().to_lowercase()) {
                return Err(PackageError::Duplicate { name });
            }
            let plain = entry
                .unix_mode()
                .is_none_or(|mode| is_plain(mode, entry.is_dir()));
            if !plain || entry.is_symlink() {
                return Err(PackageError::Kind { path });
            }
            let target = path.below(folder.path());
            if entry.is_dir() {
                fs::create_dir_all(&target).map_err(unwritable)?;
                continue;
            }
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent).map_err(unwritable)?;
            }
            let stated = entry.size();
            total += copy(&mut entry, &path, &target, stated, limits, total)?;
        }
        let file = folder.path().join(manifest::FILE);
        let manifest = match fs::read(&file) {
            Ok(bytes) => Manifest::parse(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(PackageError::NoManifest);
            }
            Err(reason) => return Err(unwritable(reason)),
        };
        Ok(Self { folder, manifest })
    }

    /// The package's manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where it is for now.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes it visible in one step, as `target`, which must not exist.
    ///
    /// # Errors
    ///
    /// When it cannot be renamed; nothing is left then.
    pub fn publish(self, target: &Path) -> Result<Manifest, PackageError> {
        let unwritable = |reason| PackageError::Write {
            folder: target.to_owned(),
            reason,
        };
        // Renaming replaces an empty folder, which may be somebody's.
        if target.symlink_metadata().is_ok() {
            return Err(unwritable(io::ErrorKind::AlreadyExists.into()));
        }
        fs::rename(self.folder.path(), target).map_err(unwritable)?;
        // There is nothing of that name any more that dropping could remove.
        let _ = self.folder.keep();
        Ok(self.manifest)
    }
}

/// Whether a mode is that of a plain file or folder, as the entry's name says. Archives made elsewhere leave the type out.
fn is_plain(mode: u32, folder: bool) -> bool {
    const TYPE: u32 = 0o170_000;
    match mode & TYPE {
        0 => true,
        0o040_000 => folder,
        0o100_000 => !folder,
        _ => false,
    }
}

/// Writes an entry's content, and says how much it was.
fn copy(
    entry: &mut impl Read,
    path: &InnerPath,
    target: &Path,
    stated: u64,
    limits: &PackageLimits,
    before: u64,
) -> Result<u64, PackageError> {
    let unwritable = |reason| PackageError::Write {
        folder: target.to_owned(),
        reason,
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(target)
        .map_err(unwritable)?;
    let mut buffer = vec![0; 64 << 10];
    let mut written = 0_u64;
    loop {
        let count = entry
            .read(&mut buffer)
            .map_err(|error| PackageError::Archive(format!("{path}: {error}")))?;
        let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else {
            break;
        };
        written += count as u64;
        if written > limits.file_bytes {
            return Err(PackageError::TooLarge {
                what: format!("more bytes in {path}"),
                limit: limits.file_bytes,
            });
        }
        if before + written > limits.total_bytes {
            return Err(PackageError::TooLarge {
                what: "more bytes in all".to_owned(),
                limit: limits.total_bytes,
            });
        }
        if written > stated {
            return Err(PackageError::Size {
                path: path.clone(),
                actual: written,
                stated,
            });
        }
        file.write_all(read).map_err(unwritable)?;
    }
    if written != stated {
        return Err(PackageError::Size {
            path: path.clone(),
            actual: written,
            stated,
        });
    }
    Ok(written)
}

impl From<ZipError> for PackageError {
    fn from(error: ZipError) -> Self {
        Self::Archive(error.to_string())
    }
}
