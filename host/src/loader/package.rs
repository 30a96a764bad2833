//! Packages: a plugin as a ZIP file, or as the folder that would become one.
//!
//! A package is taken apart from bytes in memory, those whose signature was checked, into a new folder beside the one where
//! it will be, and becomes visible by one renaming. So a package that is refused in the middle leaves nothing, and nobody
//! sees half of one. Every limit is checked on what really comes out, while it comes out: what an archive says of itself is
//! only believed when it makes things worse.
//!
//! A folder is copied by the same rules and bounds, file by file, each read once. Hidden names are passed over. A link is
//! followed to a file within the folder and refused otherwise; where an opened file really is decides, not what a path
//! said before it was opened.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Cursor, Read, Write as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use thiserror::Error;
use zip::ZipArchive;
use zip::result::ZipError;

use super::inner_path::{InnerPath, InnerPathError};
use super::manifest::{self, Manifest, ManifestError};
use crate::setters::setters;

/// What a package may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PackageLimits {
    /// Files and folders in it.
    pub entries: usize,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of all files.
    pub total_bytes: u64,
}

setters!(PackageLimits {
    entries: usize,
    file_bytes: u64,
    total_bytes: u64,
});

impl Default for PackageLimits {
    fn default() -> Self {
        Self {
            entries: 1_000,
            file_bytes: 100 << 20,
            total_bytes: 500 << 20,
        }
    }
}

/// Why a package or a folder is refused. Nothing of it is left.
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
    /// A folder holds a link to something that is not a file of its own.
    #[error(
        "{path} is a link to something other than a file within the folder; put the file itself there"
    )]
    Link {
        /// The link.
        path: InnerPath,
    },
    /// A folder that cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Read {
        /// What cannot be read.
        path: PathBuf,
        /// The system's words.
        reason: io::Error,
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
    files: BTreeMap<InnerPath, InnerFile>,
}

/// A file of a plugin, as it came out of its package or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InnerFile {
    /// Its size.
    pub bytes: u64,
    /// The blake3 hash of its content, in hexadecimal.
    pub hash: String,
}

/// What is signed where a plugin is a folder: a line for each file, with its hash, its size and its path.
#[must_use]
pub(super) fn listing(files: &BTreeMap<InnerPath, InnerFile>) -> Vec<u8> {
    let mut text = "goatherd folder, version 1\n".to_owned();
    for (path, file) in files {
        // A path has no newline in it, so two folders never have one listing.
        text.push_str(&format!("{} {} {path}\n", file.hash, file.bytes));
    }
    text.into_bytes()
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
        let mut copying = Copying::into(beside, limits)?;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index)?;
            let name = entry.name()?.into_owned();
            let path: InnerPath = name.strip_suffix('/').unwrap_or(&name).parse()?;
            copying.name(&path)?;
            let plain = entry
                .unix_mode()
                .is_none_or(|mode| is_plain(mode, entry.is_dir()));
            let linked = entry.extra_data().is_some_and(|data| names_a_link(&data));
            if !plain || linked || entry.is_symlink() {
                return Err(PackageError::Kind { path });
            }
            if entry.is_dir() {
                copying.make_folder(&path)?;
                continue;
            }
            let stated = entry.size();
            let broken = |error| PackageError::Archive(format!("{path}: {error}"));
            copying.file(&mut entry, &path, Some(stated), &broken)?;
        }
        copying.finish()
    }

    /// Copies a folder into a new one within `beside`.
    ///
    /// # Errors
    ///
    /// [`PackageError`].
    pub fn from_folder(
        folder: &Path,
        beside: &Path,
        limits: &PackageLimits,
    ) -> Result<Self, PackageError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |reason| PackageError::Read { path, reason }
        };
        let root = fs::canonicalize(folder).map_err(unreadable(folder))?;
        let mut copying = Copying::into(beside, limits)?;
        let mut folders: Vec<Option<InnerPath>> = vec![None];
        while let Some(inner) = folders.pop() {
            let at = inner
                .as_ref()
                .map_or_else(|| root.clone(), |path| path.below(&root));
            for entry in fs::read_dir(&at).map_err(unreadable(&at))? {
                let entry = entry.map_err(unreadable(&at))?;
                let name = entry.file_name();
                let name = name.to_string_lossy();
                if name.starts_with('.') {
                    continue;
                }
                let path: InnerPath = match &inner {
                    Some(folder) => format!("{folder}/{name}").parse()?,
                    None => name.parse()?,
                };
                copying.name(&path)?;
                let on_disk = entry.path();
                let kind = entry.file_type().map_err(unreadable(&on_disk))?;
                if kind.is_dir() {
                    copying.make_folder(&path)?;
                    folders.push(Some(path));
                    continue;
                }
                let leads_to_a_file = kind.is_symlink()
                    && fs::canonicalize(&on_disk)
                        .is_ok_and(|target| target.starts_with(&root) && target.is_file());
                if kind.is_symlink() && !leads_to_a_file {
                    return Err(PackageError::Link { path });
                }
                if !kind.is_file() && !kind.is_symlink() {
                    return Err(PackageError::Kind { path });
                }
                let mut file = File::open(&on_disk).map_err(unreadable(&on_disk))?;
                let real = real_path(&file, &on_disk).map_err(unreadable(&on_disk))?;
                if !real.starts_with(&root) || !file.metadata().is_ok_and(|found| found.is_file()) {
                    return Err(PackageError::Link { path });
                }
                let broken = |reason| unreadable(&on_disk)(reason);
                copying.file(&mut file, &path, None, &broken)?;
            }
        }
        copying.finish()
    }

    /// Its files.
    #[must_use]
    pub fn files(&self) -> &BTreeMap<InnerPath, InnerFile> {
        &self.files
    }

    /// Its parts; the folder is removed with the first.
    pub(super) fn into_parts(self) -> (TempDir, Manifest, BTreeMap<InnerPath, InnerFile>) {
        (self.folder, self.manifest, self.files)
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

/// Whether an entry's extra data names what the entry is linked to, as the field for Unix of PKWARE can.
fn names_a_link(mut data: &[u8]) -> bool {
    const UNIX: u16 = 0x000d;
    /// Two times, a user and a group.
    const WITHOUT_LINK: usize = 12;
    while let Some((head, rest)) = data.split_first_chunk::<4>() {
        let [id_low, id_high, low, high] = *head;
        let size = usize::from(u16::from_le_bytes([low, high]));
        if u16::from_le_bytes([id_low, id_high]) == UNIX && size > WITHOUT_LINK {
            return true;
        }
        data = rest.get(size..).unwrap_or_default();
    }
    false
}

/// Where an opened file is, whatever its path led through.
fn real_path(file: &File, path: &Path) -> io::Result<PathBuf> {
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd as _;
        let opened = format!("/proc/self/fd/{}", file.as_raw_fd());
        if let Ok(real) = fs::read_link(opened) {
            return Ok(real);
        }
    }
    let _ = file;
    fs::canonicalize(path)
}

/// A new folder that is being filled, within bounds.
struct Copying<'a> {
    folder: TempDir,
    limits: &'a PackageLimits,
    names: BTreeSet<String>,
    files: BTreeMap<InnerPath, InnerFile>,
    total: u64,
}

impl<'a> Copying<'a> {
    fn into(beside: &Path, limits: &'a PackageLimits) -> Result<Self, PackageError> {
        let folder = tempfile::Builder::new()
            .prefix(".extracting-")
            .tempdir_in(beside);
        let folder = folder.map_err(|reason| PackageError::Write {
            folder: beside.to_owned(),
            reason,
        })?;
        Ok(Self {
            folder,
            limits,
            names: BTreeSet::new(),
            files: BTreeMap::new(),
            total: 0,
        })
    }

    /// Notes the name of an entry, which must be new.
    fn name(&mut self, path: &InnerPath) -> Result<(), PackageError> {
        // On a file system that does not tell cases apart, the second would overwrite the first.
        if !self.names.insert(path.as_str().to_lowercase()) {
            return Err(PackageError::Duplicate {
                name: path.to_string(),
            });
        }
        if self.names.len() > self.limits.entries {
            return Err(PackageError::TooLarge {
                what: "more files and folders".to_owned(),
                limit: self.limits.entries as u64,
            });
        }
        Ok(())
    }

    fn make_folder(&self, path: &InnerPath) -> Result<(), PackageError> {
        let target = path.below(self.folder.path());
        fs::create_dir_all(&target).map_err(|reason| PackageError::Write {
            folder: target,
            reason,
        })
    }

    /// Copies a file's content. `stated` is how much the archive says it is.
    fn file(
        &mut self,
        from: &mut impl Read,
        path: &InnerPath,
        stated: Option<u64>,
        broken: &dyn Fn(io::Error) -> PackageError,
    ) -> Result<(), PackageError> {
        let target = path.below(self.folder.path());
        let unwritable = |reason| PackageError::Write {
            folder: target.clone(),
            reason,
        };
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(unwritable)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let mut file = options.open(&target).map_err(unwritable)?;
        let mut buffer = vec![0; 64 << 10];
        let mut hasher = blake3::Hasher::new();
        let mut written = 0_u64;
        loop {
            let count = match from.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(broken)?,
            };
            let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else {
                break;
            };
            written += count as u64;
            if written > self.limits.file_bytes {
                return Err(PackageError::TooLarge {
                    what: format!("more bytes in {path}"),
                    limit: self.limits.file_bytes,
                });
            }
            if self.total + written > self.limits.total_bytes {
                return Err(PackageError::TooLarge {
                    what: "more bytes in all".to_owned(),
                    limit: self.limits.total_bytes,
                });
            }
            if stated.is_some_and(|stated| written > stated) {
                break;
            }
            hasher.update(read);
            file.write_all(read).map_err(unwritable)?;
        }
        if let Some(stated) = stated
            && written != stated
        {
            return Err(PackageError::Size {
                path: path.clone(),
                actual: written,
                stated,
            });
        }
        self.total += written;
        let copied = InnerFile {
            bytes: written,
            hash: hasher.finalize().to_hex().to_string(),
        };
        self.files.insert(path.clone(), copied);
        Ok(())
    }

    /// Reads the manifest.
    fn finish(self) -> Result<Extracted, PackageError> {
        let file = self.folder.path().join(manifest::FILE);
        let manifest = match fs::read(&file) {
            Ok(bytes) => Manifest::parse(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(PackageError::NoManifest);
            }
            Err(reason) => return Err(PackageError::Read { path: file, reason }),
        };
        Ok(Extracted {
            folder: self.folder,
            manifest,
            files: self.files,
        })
    }
}

impl From<ZipError> for PackageError {
    fn from(error: ZipError) -> Self {
        Self::Archive(error.to_string())
    }
}
