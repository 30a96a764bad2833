//! How a plugin's files are, without reading them.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::super::discover::{Discovered, Layout, signature_path};
use super::complete;
use super::source::Adding;

/// How many files and folders of one plugin are looked at: ten times what it may have.
const ENTRIES_MAX: usize = 10_000;

/// Sizes, times and identities of all files of a plugin, as one hash.
pub(super) type Stamp = [u8; 32];

/// Which directory it is, as long as it exists.
pub(super) type Identity = (u64, u64);

/// What was found under a plugin's name.
pub(super) struct Print {
    pub(super) look: Look,
}

pub(super) enum Look {
    /// Nothing at all.
    Absent,
    /// Something that is no plugin.
    Nothing,
    /// What may be a plugin.
    There {
        stamp: Stamp,
        /// How long ago it changed last, where the clock can tell.
        changed: Option<Duration>,
        /// What it lacks to be whole, if anything.
        missing: Option<String>,
        discovered: Discovered,
    },
}

/// Which plugin a name in the directory belongs to: a signature to what it signs, and hidden names to none.
pub(super) fn plugin_of(name: &OsStr) -> Option<OsString> {
    let name = name.to_str()?;
    let name = name.strip_suffix(".sig").unwrap_or(name);
    (!name.is_empty() && !name.starts_with('.')).then(|| name.into())
}

/// The names of what may be plugins in a directory.
pub(super) fn names(directory: &Path) -> io::Result<BTreeSet<OsString>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(directory)? {
        names.extend(plugin_of(&entry?.file_name()));
    }
    Ok(names)
}

/// Which directory is at a path, if there is one.
pub(super) fn identity(directory: &Path) -> Option<Identity> {
    let found = fs::metadata(directory).ok().filter(Metadata::is_dir)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        Some((found.dev(), found.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = found;
        Some((0, 0))
    }
}

/// Collects what makes a [`Stamp`].
#[derive(Default)]
struct Stamping {
    hasher: blake3::Hasher,
    newest: Option<SystemTime>,
}

impl Stamping {
    fn add(&mut self, name: &OsStr, found: &Metadata) {
        self.hasher.update(&(name.len() as u64).to_le_bytes());
        self.hasher.update(name.as_encoded_bytes());
        let changed = changed(found);
        let since = changed.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        self.hasher.update(&found.len().to_le_bytes());
        self.hasher
            .update(&since.unwrap_or_default().as_nanos().to_le_bytes());
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            for number in [found.dev(), found.ino(), u64::from(found.mode())] {
                self.hasher.update(&number.to_le_bytes());
            }
        }
        self.newest = self.newest.max(changed);
    }
}

/// When a file changed last. The time that the system itself keeps says more than the one that programs set.
fn changed(found: &Metadata) -> Option<SystemTime> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let seconds = u64::try_from(found.ctime()).ok()?;
        let nanos = u32::try_from(found.ctime_nsec()).ok()?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))
    }
    #[cfg(not(unix))]
    found.modified().ok()
}

impl Print {
    /// Looks at the plugin of this name.
    pub(super) fn take(directory: &Path, name: &OsStr, adding: &mut Adding) -> Self {
        let path = directory.join(name);
        let Ok(found) = fs::metadata(&path) else {
            return Self { look: Look::Absent };
        };
        let mut stamping = Stamping::default();
        stamping.add(OsStr::new(""), &found);
        if found.is_dir() {
            // Before it is looked into, so that nothing comes in between.
            adding.folder(&path, name);
        }
        let Some(discovered) = Discovered::at(&path) else {
            return Self {
                look: Look::Nothing,
            };
        };
        let signature = signature_path(&path);
        if let Ok(found) = fs::metadata(&signature) {
            stamping.add(OsStr::new(".sig"), &found);
        }
        if discovered.layout == Layout::Folder {
            stamp_folder(&mut stamping, &path, name, adding);
        }
        let changed = stamping.newest.and_then(|time| time.elapsed().ok());
        let look = Look::There {
            stamp: *stamping.hasher.finalize().as_bytes(),
            changed,
            missing: complete::missing(&discovered),
            discovered,
        };
        Self { look }
    }
}

/// Adds all that is in a folder, in the order of its names.
fn stamp_folder(stamping: &mut Stamping, path: &Path, plugin: &OsStr, adding: &mut Adding) {
    let mut folders = vec![path.to_owned()];
    let mut entries = 0;
    while let Some(folder) = folders.pop() {
        let Ok(listing) = fs::read_dir(&folder) else {
            continue;
        };
        let mut names: Vec<OsString> = listing
            .filter_map(|entry| entry.ok().map(|entry| entry.file_name()))
            .filter(|name| !name.as_encoded_bytes().starts_with(b"."))
            .take(ENTRIES_MAX)
            .collect();
        names.sort();
        for name in names {
            entries += 1;
            if entries > ENTRIES_MAX {
                return;
            }
            let inner = folder.join(&name);
            let Ok(found) = fs::symlink_metadata(&inner) else {
                continue;
            };
            stamping.add(inner.as_os_str(), &found);
            if found.is_dir() {
                adding.folder(&inner, plugin);
                folders.push(inner);
            } else if found.is_symlink()
                && let Ok(target) = fs::metadata(&inner)
            {
                stamping.add(OsStr::new("->"), &target);
            }
        }
    }
}
