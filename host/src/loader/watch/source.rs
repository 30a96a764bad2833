//! Where a watch hears of changes.

use std::collections::BTreeSet;
use std::ffi::OsString;

/// What was heard.
pub(super) enum Signal {
    /// Plugins of these names may have changed.
    Names(BTreeSet<OsString>),
    /// Something was missed: anything may have changed.
    Unsure,
    /// The directory is gone or another one.
    Gone,
}

#[cfg(target_os = "linux")]
pub(super) use linux::{Adding, Source};
#[cfg(not(target_os = "linux"))]
pub(super) use other::{Adding, Source};

#[cfg(target_os = "linux")]
mod linux {
    //! inotify: one watch for the directory and for each folder within it.

    use std::collections::{BTreeSet, HashMap};
    use std::ffi::{OsStr, OsString};
    use std::io;
    use std::path::Path;

    use inotify::{EventMask, Inotify, WatchDescriptor, WatchMask, Watches};
    use tokio::io::unix::AsyncFd;

    use super::super::print;
    use super::Signal;

    /// How many bytes of events are read at once.
    const BUFFER: usize = 16 << 10;

    pub(in super::super) struct Source {
        kernel: AsyncFd<Inotify>,
        directory: WatchDescriptor,
        folders: HashMap<WatchDescriptor, OsString>,
        tells_all: bool,
        buffer: Vec<u8>,
    }

    /// Adds folders to a source, on another thread.
    pub(in super::super) struct Adding {
        watches: Watches,
        added: Vec<(WatchDescriptor, OsString)>,
        failed: bool,
    }

    fn mask() -> WatchMask {
        WatchMask::CREATE
            | WatchMask::MODIFY
            | WatchMask::CLOSE_WRITE
            | WatchMask::ATTRIB
            | WatchMask::DELETE
            | WatchMask::DELETE_SELF
            | WatchMask::MOVE
            | WatchMask::MOVE_SELF
            | WatchMask::ONLYDIR
            | WatchMask::EXCL_UNLINK
    }

    impl Source {
        pub(in super::super) fn open(directory: &Path) -> io::Result<Self> {
            let kernel = Inotify::init()?;
            let directory = kernel.watches().add(directory, mask())?;
            // SAFETY: the descriptor that `Inotify` gives is its own, stays open and the same as long as the value lives,
            // and the value is not taken out or replaced: `AsyncFd` drops its registration before it.
            let kernel = unsafe { AsyncFd::register(kernel) }?;
            Ok(Self {
                kernel,
                directory,
                folders: HashMap::new(),
                tells_all: true,
                buffer: vec![0; BUFFER],
            })
        }

        /// Whether every folder is watched.
        pub(in super::super) fn tells_all(&self) -> bool {
            self.tells_all
        }

        /// Waits for the next news. Nothing is lost when the waiting is given up.
        pub(in super::super) async fn next(&mut self) -> Signal {
            loop {
                let Ok(mut ready) = self.kernel.readable_mut().await else {
                    // The runtime is shutting down.
                    return std::future::pending().await;
                };
                let buffer = &mut self.buffer;
                let read = ready.try_io(|kernel| {
                    let events = kernel.get_mut().read_events(buffer)?;
                    let owned = events.map(|event| {
                        let name = event.name.map(OsStr::to_owned);
                        (event.wd, event.mask, name)
                    });
                    Ok(owned.collect::<Vec<_>>())
                });
                let events = match read {
                    Ok(Ok(events)) => events,
                    Ok(Err(error)) => {
                        tracing::warn!("the kernel's news of files cannot be read: {error}");
                        self.tells_all = false;
                        return Signal::Gone;
                    }
                    Err(_not_ready) => continue,
                };
                if let Some(signal) = self.understand(events) {
                    return signal;
                }
            }
        }

        fn understand(
            &mut self,
            events: Vec<(WatchDescriptor, EventMask, Option<OsString>)>,
        ) -> Option<Signal> {
            let mut names = BTreeSet::new();
            for (watch, mask, name) in events {
                if mask.contains(EventMask::Q_OVERFLOW) {
                    return Some(Signal::Unsure);
                }
                if watch == self.directory {
                    let gone = EventMask::DELETE_SELF
                        | EventMask::MOVE_SELF
                        | EventMask::IGNORED
                        | EventMask::UNMOUNT;
                    if mask.intersects(gone) {
                        return Some(Signal::Gone);
                    }
                    names.extend(name.as_deref().and_then(print::plugin_of));
                } else if let Some(plugin) = self.folders.get(&watch) {
                    names.insert(plugin.clone());
                    if mask.contains(EventMask::IGNORED) {
                        self.folders.remove(&watch);
                    }
                }
            }
            (!names.is_empty()).then_some(Signal::Names(names))
        }

        /// Watches no folder of a plugin any more that is gone.
        pub(in super::super) fn forget(&mut self, plugin: &OsStr) {
            let mut watches = self.kernel.get_ref().watches();
            self.folders.retain(|watch, name| {
                let keep = name != plugin;
                if !keep {
                    // It is not watched any more already where the folder was deleted and not moved.
                    let _ = watches.remove(watch.clone());
                }
                keep
            });
        }

        pub(in super::super) fn adding(&self) -> Adding {
            Adding {
                watches: self.kernel.get_ref().watches(),
                added: Vec::new(),
                failed: false,
            }
        }

        pub(in super::super) fn added(&mut self, adding: Adding) {
            if adding.failed && self.tells_all {
                self.tells_all = false;
                tracing::warn!(
                    "not all folders of plugins can be watched, so they are looked through each second; a larger \
                     fs.inotify.max_user_watches would change that"
                );
            }
            self.folders.extend(adding.added);
        }
    }

    impl Adding {
        /// Watches a folder of a plugin from now on.
        pub(in super::super) fn folder(&mut self, path: &Path, plugin: &OsStr) {
            match self.watches.add(path, mask()) {
                Ok(watch) => self.added.push((watch, plugin.to_owned())),
                // One that is gone again will be told by the folder that it was in.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(_) => self.failed = true,
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    //! Nothing tells of changes here, so everything is looked through each second.

    use std::ffi::OsStr;
    use std::io;
    use std::path::Path;

    use super::Signal;

    pub(in super::super) struct Source;

    pub(in super::super) struct Adding;

    impl Source {
        pub(in super::super) fn open(directory: &Path) -> io::Result<Self> {
            std::fs::read_dir(directory)?;
            Ok(Self)
        }

        pub(in super::super) fn tells_all(&self) -> bool {
            false
        }

        pub(in super::super) async fn next(&mut self) -> Signal {
            std::future::pending().await
        }

        pub(in super::super) fn forget(&mut self, _plugin: &OsStr) {}

        pub(in super::super) fn adding(&self) -> Adding {
            Adding
        }

        pub(in super::super) fn added(&mut self, _adding: Adding) {}
    }

    impl Adding {
        pub(in super::super) fn folder(&mut self, _path: &Path, _plugin: &OsStr) {}
    }
}
