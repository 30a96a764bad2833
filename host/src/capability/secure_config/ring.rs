//! The key ring of a host: where its keys come from, and how they change.
//!
//! A ring in a file is made on the first start, and changes by being replaced as a whole, so that whoever reads it meets
//! one state or the next. Changes wait for each other, also those of other processes, by a lock on a file beside it. A
//! process that has an older state takes over the newer one when it meets a key that it does not know, and before it
//! encrypts. A file that others than its owner can read is refused, since every secret that it protects is as good as
//! known.
//!
//! A ring from an environment variable, or from text that an embedder brings from a vault, does not change.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use thiserror::Error;
use zeroize::Zeroizing;

use super::keys::{KeyId, Keys, KeysError};

/// How large a ring's file may be.
const FILE_BYTES: usize = 64 * 1024;

/// The keys that protect a host's secrets. Cheap to clone; all clones are the same ring.
#[derive(Clone)]
pub struct KeyRing(Arc<Ring>);

struct Ring {
    source: Source,
    state: ArcSwap<State>,
}

enum Source {
    File(PathBuf),
    Variable(String),
    Given,
}

struct State {
    keys: Keys,
    /// Which file it was read from; none where there is no file.
    version: Option<Version>,
}

/// What tells one state of the file from another: each is a file of its own.
#[derive(PartialEq, Eq)]
struct Version {
    inode: u64,
    bytes: u64,
    modified: Option<SystemTime>,
}

/// Why a key ring cannot be used. No key is in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyRingError {
    /// The file cannot be read, made or replaced.
    #[error("the key ring {} cannot be {what}: {reason}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What was tried.
        what: &'static str,
        /// The system's words.
        reason: String,
    },
    /// Others than its owner can read or write the file.
    #[error(
        "the key ring {0} has the mode {mode:04o}, so others than its owner can get at it: make that 0600, and rotate \
         if somebody may have read it", file.display()
    )]
    Exposed {
        /// The file.
        file: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It belongs to somebody else.
    #[error("the key ring {} belongs to another user, who could replace it", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// What it has is no ring.
    #[error("the key ring {place} cannot be used: {error}")]
    Keys {
        /// Where it comes from.
        place: String,
        /// What is wrong.
        error: KeysError,
    },
    /// The variable is not set, or not text.
    #[error("the environment variable {0} is not set to a key ring; a key is written ID:BASE64")]
    NotSet(String),
    /// It does not come from a file.
    #[error(
        "the key ring {0} cannot be changed from here: put a new key in front of the others there, restart, and \
         re-encrypt"
    )]
    Fixed(String),
}

impl KeyRing {
    /// The ring in a file. One that does not exist is made with one new key and the mode 0600; of several processes that
    /// do so at once, all end with the same ring.
    ///
    /// # Errors
    ///
    /// When it cannot be read or made, when others than its owner can get at it, and when it is not a ring.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, KeyRingError> {
        let path = path.as_ref();
        let state = match State::read(path)? {
            Some(state) => state,
            None => {
                create(path)?;
                State::read(path)?
                    .ok_or_else(|| failed(path, "read")(io::Error::from(io::ErrorKind::NotFound)))?
            }
        };
        // A link to it, such as an orchestrator makes, is followed once: replacing must not replace the link.
        let path = fs::canonicalize(path).map_err(failed(path, "read"))?;
        Ok(Self::new(Source::File(path), state))
    }

    /// The ring in an environment variable.
    ///
    /// # Errors
    ///
    /// When it is not set or not a ring.
    pub fn from_environment(variable: &str) -> Result<Self, KeyRingError> {
        let text =
            std::env::var(variable).map_err(|_| KeyRingError::NotSet(variable.to_owned()))?;
        Self::given(Source::Variable(variable.to_owned()), Zeroizing::new(text))
    }

    /// A ring from text of the form that a file has, such as an embedder gets from a vault.
    ///
    /// # Errors
    ///
    /// When it is not a ring.
    pub fn from_text(text: Zeroizing<String>) -> Result<Self, KeyRingError> {
        Self::given(Source::Given, text)
    }

    fn given(source: Source, text: Zeroizing<String>) -> Result<Self, KeyRingError> {
        let keys = Keys::parse(&text).map_err(|error| KeyRingError::Keys {
            place: source.to_string(),
            error,
        })?;
        let version = None;
        Ok(Self::new(source, State { keys, version }))
    }

    fn new(source: Source, state: State) -> Self {
        let state = ArcSwap::from_pointee(state);
        Self(Arc::new(Ring { source, state }))
    }

    /// The ids of its keys, the current one first.
    #[must_use]
    pub fn ids(&self) -> Vec<KeyId> {
        let state = self.0.state.load();
        state.keys.all().map(|key| key.id().clone()).collect()
    }

    /// Runs something with the keys as they are now.
    pub(super) fn with<T>(&self, work: impl FnOnce(&Keys) -> T) -> T {
        work(&self.0.state.load().keys)
    }

    /// Takes over the file's state, if it is another one. Nothing happens where there is no file.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), also when the file is gone. The ring then keeps the keys that it has.
    pub fn reload(&self) -> Result<(), KeyRingError> {
        let Source::File(path) = &self.0.source else {
            return Ok(());
        };
        let found = fs::metadata(path).map_err(failed(path, "read"))?;
        if self.0.state.load().version == Some(Version::of(&found)) {
            return Ok(());
        }
        let state = State::read(path)?
            .ok_or_else(|| failed(path, "read")(io::Error::from(io::ErrorKind::NotFound)))?;
        self.0.state.store(Arc::new(state));
        Ok(())
    }

    /// Adds a new key, which is current from now on. It is on disk before anything is encrypted with it.
    pub(super) fn add(&self) -> Result<KeyId, KeyRingError> {
        self.change(Keys::with_new_key)
    }

    /// Removes an older key. The caller knows that nothing is encrypted with it, nor will be.
    pub(super) fn remove(&self, id: &KeyId) -> Result<(), KeyRingError> {
        self.change(|keys| keys.without(id)).map(drop)
    }

    /// Whether keys can be added and removed from here.
    pub(super) fn is_changeable(&self) -> bool {
        matches!(self.0.source, Source::File(_))
    }

    /// Replaces the file. Returns which key is current then.
    fn change(
        &self,
        change: impl FnOnce(&Keys) -> Result<Keys, KeysError>,
    ) -> Result<KeyId, KeyRingError> {
        let Source::File(path) = &self.0.source else {
            return Err(KeyRingError::Fixed(self.0.source.to_string()));
        };
        let _turn = lock(path)?;
        // What counts is what is there now, under the lock, and not what this process read some time ago.
        self.reload()?;
        let changed = change(&self.0.state.load().keys).map_err(|error| KeyRingError::Keys {
            place: self.0.source.to_string(),
            error,
        })?;
        let beside = write_beside(path, &changed)?;
        beside
            .persist(path)
            .map_err(|error| failed(path, "replaced")(error.error))?;
        sync_folder(path)?;
        self.reload()?;
        Ok(changed.current().id().clone())
    }
}

/// Makes a ring, unless another process was quicker: the link appears with all of its content, or not at all.
fn create(path: &Path) -> Result<(), KeyRingError> {
    let keys = Keys::random().map_err(|error| KeyRingError::Keys {
        place: path.display().to_string(),
        error,
    })?;
    match write_beside(path, &keys)?.persist_noclobber(path) {
        Ok(_) => sync_folder(path),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(path, "made")(error.error)),
    }
}

/// Writes a state into a file beside the ring's, with the mode 0600, down to the disk.
fn write_beside(path: &Path, keys: &Keys) -> Result<tempfile::NamedTempFile, KeyRingError> {
    let written = tempfile::Builder::new()
        .prefix(".goatherd-keys-")
        .tempfile_in(folder(path))
        .and_then(|mut file| {
            file.write_all(keys.to_text().as_bytes())?;
            file.as_file().sync_all()?;
            Ok(file)
        });
    written.map_err(failed(path, "written"))
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A new name is only as lasting as the folder that it stands in.
fn sync_folder(path: &Path) -> Result<(), KeyRingError> {
    File::open(folder(path))
        .and_then(|folder| folder.sync_all())
        .map_err(failed(path, "written"))
}

/// Waits for the turn to change the ring; it ends when the file is dropped, also by the end of the process.
fn lock(path: &Path) -> Result<File, KeyRingError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(name)
        .and_then(|file| file.lock().map(|()| file))
        .map_err(failed(path, "locked"))
}

impl State {
    /// Reads the file; none if there is none. What is checked is what is read: the file that was opened.
    fn read(path: &Path) -> Result<Option<Self>, KeyRingError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(path, "read")(error)),
        };
        let metadata = file.metadata().map_err(failed(path, "read"))?;
        if !metadata.is_file() {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "it is not a file");
            return Err(failed(path, "read")(error));
        }
        check_private(path, &metadata)?;
        // Large enough from the start, so that no copy is left behind by growing.
        let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_BYTES + 64));
        let limit = FILE_BYTES as u64;
        file.take(limit)
            .read_to_end(&mut bytes)
            .map_err(failed(path, "read"))?;
        // What is no text is no ring; the parser says so.
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        let keys = Keys::parse(text).map_err(|error| KeyRingError::Keys {
            place: path.display().to_string(),
            error,
        })?;
        let version = Some(Version::of(&metadata));
        Ok(Some(Self { keys, version }))
    }
}

impl Version {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(metadata),
            #[cfg(not(unix))]
            inode: 0,
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

#[cfg(unix)]
fn check_private(path: &Path, metadata: &fs::Metadata) -> Result<(), KeyRingError> {
    use std::os::unix::fs::MetadataExt as _;
    const ROOT: u32 = 0;
    let file = path.to_owned();
    let owner = metadata.uid();
    if owner != rustix::process::geteuid().as_raw() && owner != ROOT {
        return Err(KeyRingError::Foreign { file });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyRingError::Exposed { file, mode });
    }
    Ok(())
}

/// Elsewhere the folder has to be private.
#[cfg(not(unix))]
fn check_private(_path: &Path, _metadata: &fs::Metadata) -> Result<(), KeyRingError> {
    Ok(())
}

fn failed(path: &Path, what: &'static str) -> impl Fn(io::Error) -> KeyRingError {
    let file = path.to_owned();
    move |error| KeyRingError::File {
        file: file.clone(),
        what,
        reason: error.to_string(),
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "in the environment variable {name}"),
            Self::Given => f.write_str("that this program was given"),
        }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("source", &format_args!("{}", self.0.source))
            .field("ids", &self.ids())
            .finish()
    }
}
