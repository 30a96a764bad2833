//! Installing, rolling back and removing plugins.
//!
//! An [`Installer`] puts into a plugin directory what a [`Reader`] would take from there: signature, bounds, manifest and
//! component are checked first, and the bytes that were checked are the ones that are written. The version that was there
//! is kept under `.previous/NAME/`, one of each plugin, and can be swapped back, and forth again.
//!
//! A component becomes `NAME.wasm`, a package `NAME.zip`, each with its signature beside it. A folder is packed and becomes
//! a package; where signatures are required it is refused, since the signature of a folder is none of the package.
//!
//! Every change is one step to whoever looks for plugins afterwards, also if it is interrupted anywhere: there is the old
//! plugin or the new one, and never two files of one name. A host that watches the directory may notice
//! two of them for the milliseconds that a change takes, which the debounce time covers.

mod error;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use semver::Version;

use super::discover::{self, Discovered, Layout, signature_path};
use super::journal::{self, CHANGING, Lock, PREVIOUS, Step};
use super::pack::pack_bytes;
use super::reader::{Read, Reader};
use crate::contract::PluginName;
use crate::runtime::Host;

pub use self::error::InstallError;

/// Puts plugins into a directory. Cheap to clone.
#[derive(Clone)]
pub struct Installer {
    directory: Arc<Path>,
    reader: Reader,
    host: Host,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Installed {
    /// The plugin.
    pub name: PluginName,
    /// The version that is there now.
    pub version: Version,
    /// The version that was there before and is kept, if it could be told.
    pub previous: Option<Version>,
    /// Where it is.
    pub path: PathBuf,
}

/// What a path in the directory is.
struct Present {
    at: Discovered,
    /// Name and version, unless it cannot be read any more.
    is: Option<(PluginName, Version)>,
}

/// What comes into the directory.
struct Coming {
    /// The name of its file or folder there.
    file: String,
    content: Content,
}

enum Content {
    /// Checked bytes, and their signature.
    New(Arc<[u8]>, Option<String>),
    /// What is kept of the previous version.
    Kept,
    /// Nothing: the plugin goes.
    Nothing,
}

impl Installer {
    /// An installer for a plugin directory, which is made when something is installed. What it installs must pass `reader`
    /// and describe itself to `host`.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, reader: Reader, host: Host) -> Self {
        Self {
            directory: Arc::from(directory.into()),
            reader,
            host,
        }
    }

    /// Installs a component, a package or a folder in place of the plugin's present version, which is kept.
    ///
    /// # Errors
    ///
    /// [`InstallError`]. Nothing is changed then.
    pub async fn install(&self, source: &Path) -> Result<Installed, InstallError> {
        let discovered = Discovered::at(source).ok_or_else(|| InstallError::NoPlugin {
            path: source.to_owned(),
        })?;
        let read = self.read(&discovered).await?;
        let (name, version) = self.identify(&read).await?;
        let (end, content) = match (discovered.layout, read.file) {
            (Layout::Component, Some(bytes)) => ("wasm", Content::New(bytes, read.signature)),
            (Layout::Package, Some(bytes)) => ("zip", Content::New(bytes, read.signature)),
            _ if self.reader.requires_signatures() => {
                return Err(InstallError::FolderNotSigned {
                    path: source.to_owned(),
                });
            }
            _ => {
                // Out of what was read, so that what is checked is what is packed.
                let files = read
                    .bundle
                    .files
                    .as_ref()
                    .and_then(|files| files.unpacked_to());
                let folder = files.unwrap_or_else(|| source.to_owned());
                let limits = *self.reader.limits();
                let packed = self
                    .off_thread(move || Ok(pack_bytes(&folder, &limits)?))
                    .await?;
                ("zip", Content::New(packed.0.into(), None))
            }
        };
        let coming = Coming {
            file: format!("{name}.{end}"),
            content,
        };
        let _lock = self.lock().await?;
        let present = self.present().await?;
        let (previous, installer, changed) = (of(&present, &name)?, self.clone(), name.clone());
        if let Some(other) = present.iter().find(|one| {
            one.at
                .path
                .file_name()
                .is_some_and(|file| *file == *coming.file)
        }) && let Some((holds, _)) = &other.is
            && *holds != name
        {
            return Err(InstallError::Taken {
                name,
                path: other.at.path.clone(),
                holds: holds.clone(),
            });
        }
        let path = self.directory.join(&coming.file);
        let previous_version = previous.and_then(Present::version);
        let old = previous.map(|one| one.at.clone());
        self.off_thread(move || installer.change(&changed, old.as_ref(), &coming, true))
            .await?;
        Ok(Installed {
            name,
            version,
            previous: previous_version,
            path,
        })
    }

    /// Swaps a plugin's present version and the previous one. Doing it again swaps them back. A plugin that was removed and
    /// kept comes back.
    ///
    /// # Errors
    ///
    /// [`InstallError`], also when the previous version would not be loaded any more, such as for a key that was revoked
    /// since. Nothing is changed then.
    pub async fn rollback(&self, name: &PluginName) -> Result<Installed, InstallError> {
        let _lock = self.lock().await?;
        let kept = self.directory.join(PREVIOUS).join(name.as_str());
        let kept = self.off_thread(move || Ok(kept_in(&kept))).await?;
        let kept = kept.ok_or_else(|| InstallError::NoPrevious {
            name: name.clone(),
            directory: self.directory.to_path_buf(),
        })?;
        let read = self.read(&kept).await?;
        let (registered, version) = self.identify(&read).await?;
        if registered != *name {
            return Err(InstallError::Taken {
                name: name.clone(),
                path: kept.path,
                holds: registered,
            });
        }
        let file = kept.path.file_name().unwrap_or_default().to_string_lossy();
        let coming = Coming {
            file: file.into_owned(),
            content: Content::Kept,
        };
        let present = self.present().await?;
        let current = of(&present, name)?;
        let previous = current.and_then(Present::version);
        let old = current.map(|one| one.at.clone());
        let path = self.directory.join(&coming.file);
        let (installer, changed) = (self.clone(), name.clone());
        self.off_thread(move || installer.change(&changed, old.as_ref(), &coming, true))
            .await?;
        Ok(Installed {
            name: name.clone(),
            version,
            previous,
            path,
        })
    }

    /// Removes a plugin's files. With `keep_previous` they are kept as its previous version, so that
    /// [`rollback`](Self::rollback) brings it back; otherwise nothing of it is left.
    ///
    /// # Errors
    ///
    /// [`InstallError`]. Nothing is changed then.
    pub async fn remove(&self, name: &PluginName, keep_previous: bool) -> Result<(), InstallError> {
        let _lock = self.lock().await?;
        let present = self.present().await?;
        let current = of(&present, name)?.ok_or_else(|| InstallError::NotThere {
            name: name.clone(),
            directory: self.directory.to_path_buf(),
        })?;
        let (installer, changed, old) = (self.clone(), name.clone(), current.at.clone());
        let coming = Coming {
            file: String::new(),
            content: Content::Nothing,
        };
        self.off_thread(move || installer.change(&changed, Some(&old), &coming, keep_previous))
            .await
    }

    /// Keeps others from changing the directory until this is dropped.
    async fn lock(&self) -> Result<Lock, InstallError> {
        let directory = Arc::clone(&self.directory);
        let failed = |reason| InstallError::Write {
            directory: directory.to_path_buf(),
            reason,
        };
        let taken = {
            let directory = Arc::clone(&directory);
            move || Lock::take(&directory)
        };
        let taken = tokio::task::spawn_blocking(taken).await;
        taken
            .unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
            .map_err(failed)
    }

    async fn read(&self, discovered: &Discovered) -> Result<Read, InstallError> {
        let (reader, discovered) = (self.reader.clone(), discovered.clone());
        self.off_thread(move || Ok(reader.read_now(&discovered)?))
            .await
    }

    /// Which plugin was read.
    async fn identify(&self, read: &Read) -> Result<(PluginName, Version), InstallError> {
        let bundle = &read.bundle;
        match (&bundle.component, &bundle.manifest) {
            (Some(component), _) => {
                let label = bundle.path.display().to_string();
                let described = self.host.describe_bytes(&label, Arc::clone(component));
                let description = described.await?;
                bundle.check_against(&description)?;
                let registered = description.registration;
                Ok((registered.name, registered.version))
            }
            (None, Some(manifest)) => Ok((manifest.name.clone(), manifest.version.clone())),
            (None, None) => Err(InstallError::NoPlugin {
                path: bundle.path.clone(),
            }),
        }
    }

    /// All that is in the directory. What cannot be read is there under its file's name.
    async fn present(&self) -> Result<Vec<Present>, InstallError> {
        let mut present = Vec::new();
        for at in discover::discover(&self.directory).await? {
            let is = match self.read(&at).await {
                Ok(read) => self.identify(&read).await.ok(),
                Err(_) => None,
            };
            present.push(Present { at, is });
        }
        Ok(present)
    }

    /// Makes one change. `keep` is whether what goes is kept as the previous version.
    fn change(
        &self,
        name: &PluginName,
        old: Option<&Discovered>,
        coming: &Coming,
        keep: bool,
    ) -> Result<(), InstallError> {
        let changed = || -> io::Result<()> {
            let steps = prepare(&self.directory, name, old, coming, keep)?;
            journal::commit(&self.directory, name, &steps)?;
            journal::finish(&self.directory, name, &steps)
        };
        changed().map_err(|reason| InstallError::Write {
            directory: self.directory.to_path_buf(),
            reason,
        })
    }

    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, InstallError> + Send + 'static,
    ) -> Result<T, InstallError> {
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|stopped| InstallError::Write {
            directory: self.directory.to_path_buf(),
            reason: io::Error::other(stopped),
        })?
    }
}

impl Present {
    fn version(&self) -> Option<Version> {
        self.is.as_ref().map(|(_, version)| version.clone())
    }
}

/// The one that is this plugin: by what it says, or by its file's name where it says nothing any more.
fn of<'a>(present: &'a [Present], name: &PluginName) -> Result<Option<&'a Present>, InstallError> {
    let mut of_that_name = present.iter().filter(|one| match &one.is {
        Some((registered, _)) => registered == name,
        None => one.at.name_hint == name.as_str(),
    });
    let first = of_that_name.next();
    if let (Some(first), Some(second)) = (first, of_that_name.next()) {
        return Err(InstallError::Ambiguous {
            name: name.clone(),
            first: first.at.path.clone(),
            second: second.at.path.clone(),
        });
    }
    Ok(first)
}

/// What is kept of a previous version.
fn kept_in(folder: &Path) -> Option<Discovered> {
    let listing = fs::read_dir(folder).ok()?.flatten();
    let mut found = listing.filter_map(|entry| Discovered::at(&entry.path()));
    found.next()
}

/// Prepares a change: puts what comes and a second name of what goes into the change's own folder, and says which steps
/// make the change out of it. Nothing that anybody looks at is touched.
fn prepare(
    directory: &Path,
    name: &PluginName,
    old: Option<&Discovered>,
    coming: &Coming,
    keep: bool,
) -> io::Result<Vec<Step>> {
    let folder = journal::change_folder(directory, name);
    // Left by somebody who was interrupted before it counted.
    journal::remove(&folder)?;
    fs::create_dir_all(folder.join("old"))?;
    let in_folder = |rest: &str| format!("{CHANGING}/{name}/{rest}");
    let previous = format!("{PREVIOUS}/{name}");
    let mut steps = Vec::new();
    let mut comes: Vec<String> = Vec::new();
    match &coming.content {
        Content::Nothing => {}
        Content::New(bytes, signature) => {
            let new = folder.join("new");
            fs::create_dir(&new)?;
            // The signature first: what takes the old one's place is there when all of it is.
            if let Some(text) = signature {
                let file = format!("{}.sig", coming.file);
                write(&new.join(&file), text.as_bytes())?;
                comes.push(file);
            }
            write(&new.join(&coming.file), bytes)?;
            comes.push(coming.file.clone());
        }
        Content::Kept => {
            steps.push(Step::Retire {
                from: previous.clone(),
                to: in_folder("new"),
            });
            let signature = format!("{}.sig", coming.file);
            if journal::exists(&directory.join(&previous).join(&signature)) {
                comes.push(signature);
            }
            comes.push(coming.file.clone());
        }
    }
    for file in &comes {
        steps.push(Step::Place {
            from: in_folder(&format!("new/{file}")),
            to: file.clone(),
            aside: in_folder(&format!("old/{file}")),
        });
    }
    if let Some(old) = old {
        let file = old.path.file_name().unwrap_or_default();
        let file = file.to_string_lossy().into_owned();
        for (path, file) in [
            (old.path.clone(), file.clone()),
            (signature_path(&old.path), format!("{file}.sig")),
        ] {
            let to = format!("old/{file}");
            if fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
                // A folder has no second name. It goes where it is kept, by its own step or by the one that replaces it.
                if !comes.contains(&file) {
                    steps.push(Step::Retire {
                        from: file,
                        to: in_folder(&to),
                    });
                }
            } else if journal::exists(&path) {
                second_name(&path, &folder.join(&to))?;
                if !comes.contains(&file) {
                    steps.push(Step::Remove { path: file });
                }
            }
        }
    }
    if keep && old.is_some() {
        steps.push(Step::Place {
            from: in_folder("old"),
            to: previous,
            aside: in_folder("older"),
        });
    } else if matches!(coming.content, Content::Nothing) {
        steps.push(Step::Remove { path: previous });
    }
    Ok(steps)
}

/// Writes a file so that it outlives a power failure.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create_new(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Gives a file a second name; where the file system has no such thing, or it is a link, copies it.
fn second_name(path: &Path, to: &Path) -> io::Result<()> {
    let linked = match fs::symlink_metadata(path)?.is_file() {
        true => fs::hard_link(path, to),
        false => Err(io::ErrorKind::Unsupported.into()),
    };
    linked.or_else(|_| fs::copy(path, to).map(|_| ()))
}

#[cfg(test)]
mod tests;
