//! Doing what a watched directory says.
//!
//! Each report about a path is acted upon in the order in which they come; reports wait meanwhile, by path, in the watch.
//! What fails is in the log and in the table, and the watch goes on.

use std::path::Path;
use std::sync::Weak;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::loader::Loader;
use super::steps::{Manager, ManagerInner};
use crate::loader::{Change, Discovered, Watch, WatchError, WatchSettings};

/// A directory that is being followed. Dropping it ends that.
pub(super) struct Watching {
    task: JoinHandle<()>,
}

impl Watching {
    pub(super) async fn start(loader: &Loader) -> Result<Self, WatchError> {
        let failed = |reason| WatchError {
            directory: loader.directory().to_owned(),
            reason,
        };
        let made = tokio::fs::create_dir_all(loader.directory()).await;
        made.map_err(failed)?;
        let (watch, changes) = Watch::start(loader.directory(), WatchSettings::default()).await?;
        let manager = loader.manager().downgrade();
        let parts = loader.without_manager();
        let task = tokio::spawn(follow(watch, changes, manager, parts));
        Ok(Self { task })
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow(
    watch: Watch,
    mut changes: mpsc::Receiver<Change>,
    manager: Weak<ManagerInner>,
    loader: impl Fn(Manager) -> Loader,
) {
    while let Some(change) = changes.recv().await {
        let Some(manager) = manager.upgrade().map(Manager) else {
            break;
        };
        let loader = loader(manager);
        // In a task of its own: what is begun is done, also when the directory is not followed any more.
        let acting = tokio::spawn(async move {
            match change {
                Change::Changed(found) => changed(&loader, found).await,
                Change::Removed(path) => removed(&loader, &path).await,
            }
        });
        if let Err(stopped) = acting.await {
            tracing::error!("a change in the plugin directory was not taken up: {stopped}");
        }
    }
    watch.stop().await;
}

async fn changed(loader: &Loader, found: Discovered) {
    let table = loader.manager().snapshot();
    let Some(entry) = table.of_file(&found.path) else {
        return loader.take_new(found).await;
    };
    // Its failure is in the log and with its entry.
    let _ = loader.reload(entry.name().as_str()).await;
}

async fn removed(loader: &Loader, path: &Path) {
    let Some(gone) = loader.manager().forget(path).await else {
        return;
    };
    // A file that was refused because of the name may have it now.
    let table = loader.manager().snapshot();
    let waiting = table.refused().filter(|(_, refused)| {
        refused.failure.code == "conflict" && refused.failure.message.contains(gone.as_str())
    });
    for (path, _) in waiting {
        if let Some(found) = Discovered::at(path) {
            loader.take_new(found).await;
        }
    }
}
