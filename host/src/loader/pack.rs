//! Making a package out of a folder.
//!
//! The same folder always gives the same bytes: files in the order of their paths, with one time and one mode. What a
//! reader would refuse is refused here already, and a package that was made is read once before it is handed out.

use std::fs;
use std::io::{self, Cursor, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;
use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{CompressionMethod, DateTime};

use super::inner_path::InnerPath;
use super::manifest::{Manifest, Runtime};
use super::package::{Extracted, PackageError, PackageLimits};

/// Why no package was made.
#[derive(Debug, Error)]
pub enum PackError {
    /// The folder is not a plugin that could be loaded.
    #[error("{} cannot be packed: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: PackageError,
    },
    /// The component is not there.
    #[error("{} cannot be packed: there is no file {file}, which its manifest says is the component", folder.display())]
    NoComponent {
        /// The folder.
        folder: PathBuf,
        /// The file.
        file: InnerPath,
    },
    /// The package cannot be written.
    #[error("the package {} cannot be written: {reason}", file.display())]
    Write {
        /// The package.
        file: PathBuf,
        /// The system's words.
        reason: io::Error,
    },
}

/// Packs a folder into the file `out`, which appears whole or not at all. May take seconds: for threads that may wait.
///
/// # Errors
///
/// [`PackError`].
pub fn pack(folder: &Path, out: &Path, limits: &PackageLimits) -> Result<Manifest, PackError> {
    let unwritable = |reason| PackError::Write {
        file: out.to_owned(),
        reason,
    };
    let (bytes, manifest) = pack_bytes(folder, limits)?;
    let beside = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".packing-");
    // A package is for others to read, unless the user's umask says otherwise.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(beside).map_err(unwritable)?;
    file.write_all(&bytes).map_err(unwritable)?;
    file.as_file().sync_all().map_err(unwritable)?;
    file.persist(out).map_err(|error| unwritable(error.error))?;
    Ok(manifest)
}

/// The bytes of the package that a folder makes.
pub(super) fn pack_bytes(
    folder: &Path,
    limits: &PackageLimits,
) -> Result<(Vec<u8>, Manifest), PackError> {
    let refused = |source| PackError::Folder {
        folder: folder.to_owned(),
        source,
    };
    let unwritable = |reason| PackError::Write {
        file: folder.to_owned(),
        reason,
    };
    let beside = tempfile::tempdir().map_err(unwritable)?;
    let copied = Extracted::from_folder(folder, beside.path(), limits).map_err(refused)?;
    if let Runtime::Wasm { file } = &copied.manifest().runtime
        && !copied.files().contains_key(file)
    {
        return Err(PackError::NoComponent {
            folder: folder.to_owned(),
            file: file.clone(),
        });
    }
    let bytes = write(&copied).map_err(unwritable)?;
    let again = Extracted::from_zip(&bytes, beside.path(), limits).map_err(refused)?;
    Ok((bytes, again.manifest().clone()))
}

fn write(copied: &Extracted) -> io::Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for path in copied.files().keys() {
        zip.start_file(path.as_str(), options)?;
        zip.write_all(&fs::read(path.below(copied.folder()))?)?;
    }
    Ok(zip.finish()?.into_inner())
}
