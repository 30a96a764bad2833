//! Noticing that plugins change.
//!
//! A [`Watch`] tells which plugins of a directory changed or went, once what happens to them has been over for the debounce
//! time. It watches by plugin: any change within `plugins/x/` and of `x.wasm.sig` is a change of that plugin, and a thousand
//! events are one change. What is compared is how files are, never what an event said, so renaming a new version over an
//! old one, deleting and writing anew, and copying slowly all end in one report.
//!
//! A file that is still being written is not reported: it must have stood still for the debounce time, a component must
//! consist of whole sections, a package must have its end record, and a folder the component that its manifest names. What
//! never gets there is named in the log once and waits for its next change.
//!
//! Everything is bounded by the number of plugins. A receiver that is slow delays its own reports and nothing else; what
//! changes again meanwhile is reported once. Removals come before changes, so a renamed plugin does not meet itself.
//!
//! While the directory itself is gone nothing is reported: a volume that is not mounted, or a deployment that swaps the
//! whole directory, must not stop every plugin. When there is a directory again under that name, what is in it is compared
//! with what was reported last. What changes between listing a directory and starting to watch it would be missed, so
//! start the watch first. On Linux the kernel tells of changes; elsewhere, and where it will not watch any more folders, the
//! directory is looked through each second. What a link leads to is not watched, only the link.

mod complete;
mod print;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::discover::Discovered;
use print::{Look, Print, Stamp};
use source::{Signal, Source};

/// How many reports wait for their receiver; more wait by plugin.
const CHANNEL: usize = 16;
/// How often the directory itself is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What became of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is new or another one than before, and seems to be whole.
    Changed(Discovered),
    /// There is nothing at this path any more.
    Removed(PathBuf),
}

/// How a directory is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchSettings {
    /// How long a plugin must stand still before it is reported.
    pub debounce: Duration,
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self {
            debounce: Duration::from_millis(500),
        }
    }
}

/// Why a directory is not watched.
#[derive(Debug, Error)]
#[error("the plugin directory {} cannot be watched: {reason}", directory.display())]
#[non_exhaustive]
pub struct WatchError {
    /// The directory.
    pub directory: PathBuf,
    /// The system's words.
    pub reason: io::Error,
}

/// A directory that is being watched, until this is stopped or dropped.
#[derive(Debug)]
pub struct Watch {
    task: JoinHandle<()>,
}

impl Watch {
    /// Watches a directory, which must exist. What is in it now counts as known.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read or watched.
    pub async fn start(
        directory: &Path,
        settings: WatchSettings,
    ) -> Result<(Self, mpsc::Receiver<Change>), WatchError> {
        let failed = |reason| WatchError {
            directory: directory.to_owned(),
            reason,
        };
        let source = Source::open(directory).map_err(failed)?;
        let (sender, receiver) = mpsc::channel(CHANNEL);
        let mut watching = Watching {
            directory: Arc::from(directory),
            debounce: settings.debounce,
            identity: print::identity(directory),
            source,
            known: BTreeMap::new(),
            pending: BTreeMap::new(),
            queue: BTreeMap::new(),
        };
        let names = print::names(directory).map_err(failed)?;
        let looks = watching.look_at(names).await.map_err(failed)?;
        for (name, look) in looks {
            if let Look::There { stamp, .. } = look.look {
                watching.known.insert(name, stamp);
            }
        }
        let task = tokio::spawn(watching.run(sender));
        Ok((Self { task }, receiver))
    }

    /// Stops watching. Nothing is reported afterwards, and the receiver ends.
    pub async fn stop(mut self) {
        self.task.abort();
        // It ends by being aborted, which is what was asked for.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The state of a watch.
struct Watching {
    directory: Arc<Path>,
    debounce: Duration,
    /// Which directory this is; nothing while there is none.
    identity: Option<print::Identity>,
    source: Source,
    /// How each plugin was when it was reported last, by the name of its file or folder.
    known: BTreeMap<OsString, Stamp>,
    /// What may have changed.
    pending: BTreeMap<OsString, Pending>,
    /// What the receiver has not taken yet.
    queue: BTreeMap<OsString, Change>,
}

/// A plugin that may have changed.
struct Pending {
    due: Instant,
    seen: Option<Stamp>,
    /// How often it was found standing still and not whole.
    unfinished: u32,
}

impl Watching {
    async fn run(mut self, sender: mpsc::Sender<Change>) {
        let mut every = tokio::time::interval(LOOK_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let due = self.pending.values().map(|pending| pending.due).min();
            let due = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                signal = self.source.next() => match signal {
                    Signal::Names(names) => self.note(names),
                    Signal::Unsure => self.note_everything(),
                    Signal::Gone => self.identity = None,
                },
                permit = sender.reserve(), if !self.queue.is_empty() => {
                    let Ok(permit) = permit else { return };
                    if let Some(change) = self.next_report() {
                        permit.send(change);
                    }
                }
                () = due => self.settle().await,
                _ = every.tick() => self.check_directory(),
                () = sender.closed() => return,
            }
        }
    }

    /// Notes that plugins of these names may have changed just now.
    fn note(&mut self, names: BTreeSet<OsString>) {
        let due = Instant::now() + self.debounce;
        for name in names {
            let pending = Pending {
                due,
                seen: None,
                unfinished: 0,
            };
            self.pending.insert(name, pending);
        }
    }

    fn note_everything(&mut self) {
        let mut names = print::names(&self.directory).unwrap_or_default();
        names.extend(self.known.keys().cloned());
        // What is pending already keeps its time, or it would never come.
        names.retain(|name| !self.pending.contains_key(name));
        self.note(names);
    }

    /// Notices that the directory is another one, or there again.
    fn check_directory(&mut self) {
        let there = print::identity(&self.directory);
        if there.is_none() {
            self.identity = None;
            return;
        }
        if self.identity == there {
            if !self.source.tells_all() {
                self.note_everything();
            }
            return;
        }
        match Source::open(&self.directory) {
            Ok(source) => {
                self.source = source;
                self.identity = there;
                self.pending.clear();
                self.note_everything();
            }
            Err(error) => {
                tracing::warn!(directory = ?self.directory, "cannot be watched again yet: {error}");
            }
        }
    }

    /// Looks at what is due, and queues what has settled.
    async fn settle(&mut self) {
        let now = Instant::now();
        let is_due = |pending: &Pending| pending.due <= now;
        let due: BTreeSet<OsString> = self
            .pending
            .iter()
            .filter(|(_, pending)| is_due(pending))
            .map(|(name, _)| name.clone())
            .collect();
        let looks = self.look_at(due).await;
        // A directory that went while it was looked at shows nothing of its plugins.
        if self.identity.is_none() || print::identity(&self.directory) != self.identity {
            self.identity = None;
            self.pending.clear();
            return;
        }
        match looks {
            Ok(looks) => looks
                .into_iter()
                .for_each(|(name, print)| self.judge(name, print)),
            Err(error) => {
                tracing::warn!(directory = ?self.directory, "cannot be looked at: {error}");
                self.pending.clear();
                self.note_everything();
            }
        }
    }

    /// Decides about one plugin that was due.
    fn judge(&mut self, name: OsString, print: Print) {
        let Some(pending) = self.pending.get_mut(&name) else {
            return;
        };
        match print.look {
            Look::Absent => {
                self.pending.remove(&name);
                self.source.forget(&name);
                if self.known.remove(&name).is_some() {
                    let path = self.directory.join(&name);
                    self.queue.insert(name, Change::Removed(path));
                }
            }
            Look::Nothing => {
                self.pending.remove(&name);
                if self.known.remove(&name).is_some() {
                    let path = self.directory.join(&name);
                    self.queue.insert(name, Change::Removed(path));
                }
            }
            Look::There { stamp, .. } if self.known.get(&name) == Some(&stamp) => {
                self.pending.remove(&name);
            }
            Look::There {
                stamp,
                changed,
                missing,
                discovered,
            } => {
                let still =
                    pending.seen == Some(stamp) || changed.is_some_and(|age| age >= self.debounce);
                pending.seen = Some(stamp);
                pending.due = Instant::now() + self.debounce;
                if !still {
                    return;
                }
                let Some(missing) = missing else {
                    self.pending.remove(&name);
                    self.known.insert(name.clone(), stamp);
                    self.queue.insert(name, Change::Changed(discovered));
                    return;
                };
                pending.unfinished += 1;
                if pending.unfinished == 20 {
                    tracing::warn!(
                        plugin = %discovered.path.display(),
                        "it stands still and is not whole, so it is not loaded: {missing}"
                    );
                }
                // Without a sign of life it is looked at less and less often.
                pending.due += self.debounce * pending.unfinished.min(60);
            }
        }
    }

    /// The next report: removals first.
    fn next_report(&mut self) -> Option<Change> {
        let removed = |change: &Change| matches!(change, Change::Removed(_));
        let first = self.queue.iter().find(|(_, change)| removed(change));
        let name = first.or_else(|| self.queue.iter().next())?.0.clone();
        self.queue.remove(&name)
    }

    /// How plugins are now, on a thread that may wait. Folders are watched before they are read.
    async fn look_at(&mut self, names: BTreeSet<OsString>) -> io::Result<Vec<(OsString, Print)>> {
        let directory = Arc::clone(&self.directory);
        let mut adding = self.source.adding();
        let look = move || {
            let look = |name: OsString| {
                let print = Print::take(&directory, &name, &mut adding);
                (name, print)
            };
            let looks: Vec<_> = names.into_iter().map(look).collect();
            (looks, adding)
        };
        let (looks, adding) = tokio::task::spawn_blocking(look)
            .await
            .map_err(io::Error::other)?;
        self.source.added(adding);
        Ok(looks)
    }
}
