//! Changing several files of a plugin directory as if it were one step.
//!
//! What is to be done is written down first, complete and on disk; that moment decides. Before it the directory is as it
//! was, and what was prepared is rubbish. After it the steps are done, by whoever comes first: the one who wrote them, or
//! the next who loads or installs plugins and finds the journal of somebody who was killed. Each step can be done again without
//! harm, so it does not matter where somebody was interrupted.
//!
//! `.changing/NAME/` holds the journal of one plugin's change and what belongs to it. Names that are to go are passed over
//! from the moment when what takes their place is there, so nobody ever finds two files of one plugin.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::InnerPath;
use crate::contract::PluginName;

/// Where changes are prepared.
pub(super) const CHANGING: &str = ".changing";
/// Where previous versions are.
pub(super) const PREVIOUS: &str = ".previous";
const JOURNAL: &str = "journal.json";
const LOCK: &str = ".lock";
/// How large a journal may be, in bytes.
const JOURNAL_MAX: u64 = 64 << 10;

/// One step. Paths are relative to the plugin directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Step {
    /// Moves something to where it belongs, over a file that is there; a folder that is there goes `aside` first.
    Place {
        from: String,
        to: String,
        aside: String,
    },
    /// Moves something out of the way, unless that was done.
    Retire { from: String, to: String },
    /// Removes a file, if it is there.
    Remove { path: String },
}

/// The lock of a plugin directory. Whoever changes it holds this.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Makes the directory if it is not there, waits until nobody else changes it, and finishes what others began.
    pub(super) fn take(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let file = File::create(directory.join(LOCK))?;
        file.lock()?;
        for entry in fs::read_dir(directory.join(CHANGING))
            .into_iter()
            .flatten()
            .flatten()
        {
            recover_or_log(directory, &entry.path());
        }
        Ok(Self { _file: file })
    }

    fn try_take(directory: &Path) -> Option<Self> {
        let file = File::create(directory.join(LOCK)).ok()?;
        file.try_lock().ok()?;
        Some(Self { _file: file })
    }
}

/// Where a plugin's change is prepared.
pub(super) fn change_folder(directory: &Path, name: &PluginName) -> PathBuf {
    directory.join(CHANGING).join(name.as_str())
}

/// Writes down what is to be done about a plugin. From here on it will be done.
pub(super) fn commit(directory: &Path, name: &PluginName, steps: &[Step]) -> io::Result<()> {
    let folder = change_folder(directory, name);
    let mut file = tempfile::NamedTempFile::new_in(&folder)?;
    file.write_all(&serde_json::to_vec(steps)?)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(JOURNAL))?;
    sync(&folder)
}

/// Does what was written down about a plugin, and forgets it.
pub(super) fn finish(directory: &Path, name: &PluginName, steps: &[Step]) -> io::Result<()> {
    for step in steps {
        step.carry_out(directory)?;
    }
    sync(directory)?;
    let folder = change_folder(directory, name);
    remove(&folder.join(JOURNAL))?;
    remove(&folder)
}

/// Finishes what others began and did not finish, unless somebody is at it.
pub(super) fn recover(directory: &Path) {
    let Ok(unfinished) = fs::read_dir(directory.join(CHANGING)) else {
        return;
    };
    let unfinished: Vec<PathBuf> = unfinished.flatten().map(|entry| entry.path()).collect();
    if unfinished.is_empty() {
        return;
    }
    let Some(_lock) = Lock::try_take(directory) else {
        return;
    };
    for folder in unfinished {
        recover_or_log(directory, &folder);
    }
}

fn recover_or_log(directory: &Path, folder: &Path) {
    if let Err(error) = recover_one(directory, folder) {
        tracing::warn!(
            ?folder,
            "an interrupted installation is not finished: {error}"
        );
    }
}

fn recover_one(directory: &Path, folder: &Path) -> io::Result<()> {
    let name = folder.file_name().and_then(|name| name.to_str());
    let name = name.and_then(|name| name.parse::<PluginName>().ok());
    match (name, read(folder)) {
        (Some(name), Some(steps)) => {
            tracing::info!(plugin = %name, "finishing an installation that was interrupted");
            finish(directory, &name, &steps)
        }
        _ => remove(folder),
    }
}

/// What must be passed over, since what takes its place is there already.
pub(super) fn retired(directory: &Path) -> BTreeSet<PathBuf> {
    let mut retired = BTreeSet::new();
    for entry in fs::read_dir(directory.join(CHANGING))
        .into_iter()
        .flatten()
        .flatten()
    {
        let steps = read(&entry.path()).unwrap_or_default();
        let placed = steps.iter().all(|step| match step {
            Step::Place { from, to, .. } => {
                !at_top(to) || exists(&directory.join(to)) && !exists(&directory.join(from))
            }
            Step::Retire { .. } | Step::Remove { .. } => true,
        });
        if placed {
            let gone = steps.iter().filter_map(|step| match step {
                Step::Retire { from: path, .. } | Step::Remove { path } => Some(path),
                Step::Place { .. } => None,
            });
            retired.extend(gone.map(|path| directory.join(path)));
        }
    }
    retired
}

fn at_top(path: &str) -> bool {
    !path.contains('/')
}

/// The steps of a change, if they were written down.
fn read(folder: &Path) -> Option<Vec<Step>> {
    let file = folder.join(JOURNAL);
    if fs::metadata(&file).ok()?.len() > JOURNAL_MAX {
        return None;
    }
    let steps: Vec<Step> = serde_json::from_slice(&fs::read(&file).ok()?).ok()?;
    // A journal moves nothing but what is in the plugin directory.
    let inner = |path: &String| path.parse::<InnerPath>().is_ok();
    let all_inner = steps.iter().all(|step| match step {
        Step::Place { from, to, aside } => [from, to, aside].into_iter().all(inner),
        Step::Retire { from, to } => inner(from) && inner(to),
        Step::Remove { path } => inner(path),
    });
    all_inner.then_some(steps)
}

impl Step {
    pub(super) fn carry_out(&self, directory: &Path) -> io::Result<()> {
        match self {
            Self::Place { from, to, aside } => {
                let (from, to) = (directory.join(from), directory.join(to));
                if !exists(&from) {
                    return Ok(());
                }
                make_parent(&to)?;
                if is_folder(&to) {
                    let aside = directory.join(aside);
                    make_parent(&aside)?;
                    fs::rename(&to, aside)?;
                }
                fs::rename(from, to)
            }
            Self::Retire { from, to } => {
                let (from, to) = (directory.join(from), directory.join(to));
                if exists(&to) || !exists(&from) {
                    return Ok(());
                }
                make_parent(&to)?;
                fs::rename(from, to)
            }
            Self::Remove { path } => remove(&directory.join(path)),
        }
    }
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

pub(super) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Whether it is a folder itself, and not a link to one.
fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// Removes a file, a link or a folder, if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let removed = if is_folder(path) {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Makes what was done to a folder's names outlive a power failure.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    let _ = folder;
    Ok(())
}
