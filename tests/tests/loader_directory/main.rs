//! From a directory to checked bytes, in an order: reading, ordering, watching, installing, describing out of a cache.

mod descriptions;
mod install;
mod order;
mod read;
mod watch;

use std::fs;
use std::io::{Cursor, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use goatherd::loader::signature::TrustedKeys;
use goatherd::loader::{Discovered, Reader, ReaderSettings};
use tempfile::TempDir;
use zip::write::{SimpleFileOptions, ZipWriter};

/// A plugin directory, and a folder for what is unpacked.
pub(crate) struct Ground {
    folder: TempDir,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("plugins")).unwrap();
        let unpacked = folder.path().join("unpacked");
        fs::create_dir(&unpacked).unwrap();
        fs::set_permissions(unpacked, fs::Permissions::from_mode(0o700)).unwrap();
        Self { folder }
    }

    pub fn plugins(&self) -> PathBuf {
        self.folder.path().join("plugins")
    }

    pub fn unpacked(&self) -> PathBuf {
        self.folder.path().join("unpacked")
    }

    /// A place beside the plugin directory.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the plugin directory, and the folders that it is in.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.plugins().join(name);
        put(&path, content);
        path
    }

    pub fn reader(&self) -> Reader {
        self.reader_by(TrustedKeys::default(), false)
    }

    pub fn reader_by(&self, trusted: TrustedKeys, require_signatures: bool) -> Reader {
        let settings = ReaderSettings::new(self.unpacked())
            .trusted(trusted)
            .require_signatures(require_signatures);
        Reader::new(settings).unwrap()
    }

    /// How many plugins are unpacked at the moment, over all hosts.
    pub fn unpacked_now(&self) -> usize {
        let runs = fs::read_dir(self.unpacked()).unwrap().flatten();
        runs.filter(|run| run.path().is_dir())
            .flat_map(|run| fs::read_dir(run.path()).unwrap().flatten())
            .filter(|entry| entry.path().is_dir())
            .count()
    }
}

pub fn put(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

pub fn at(path: &Path) -> Discovered {
    Discovered::at(path).unwrap_or_else(|| panic!("{} is no plugin", path.display()))
}

/// A package of these files.
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The manifest of a plugin without a component.
pub fn look(name: &str, version: &str) -> String {
    format!("name: {name}\nversion: {version}\nruntime: template\n")
}

/// A package without a component, with one page.
pub fn look_zip(name: &str, version: &str, page: &str) -> Vec<u8> {
    let manifest = look(name, version);
    zip(&[
        ("plugin.yaml", manifest.as_bytes()),
        ("templates/page.html", page.as_bytes()),
    ])
}

/// A component with a section more, that nobody reads: another file that does the same.
pub fn stamped(component: &[u8], stamp: u32) -> Vec<u8> {
    let mut bytes = component.to_vec();
    bytes.extend([0, 10, 5]);
    bytes.extend(b"stamp");
    bytes.extend(stamp.to_le_bytes());
    bytes
}

/// Waits until something is so, for which ten seconds must be enough.
pub async fn soon(what: &str, so: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if so() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{what} did not come");
}
