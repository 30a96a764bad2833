//! Doing what a watched directory says.
//!
//! Each report about a path is acted upon in the order in which they come; reports wait meanwhile, by path, in the watch.
//! What fails is in the log and in the table, and the watch goes on.

use std::path::Path;
use std::sync::Weak;

use tokio::sync::mpsc;

use super::loader::{AbortOnDrop, Loader};
use super::steps::{Manager, ManagerInner};
use crate::loader::{Change, Discovered, Watch, WatchError, WatchSettings};

impl Loader {
    /// Follows what happens in the directory from now on: new plugins are loaded, changed ones reloaded, removed ones taken
    /// out. Until [`stop_watch`](Self::stop_watch), or until the manager is gone.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made or watched.
    pub async fn watch(&self) -> Result<(), WatchError> {
        let failed = |reason| WatchError {
            directory: self.directory().to_owned(),
            reason,
        };
        let made = tokio::fs::create_dir_all(self.directory()).await;
        made.map_err(failed)?;
        let (watch, changes) = Watch::start(self.directory(), WatchSettings::default()).await?;
        let manager = self.manager().downgrade();
        let task = tokio::spawn(follow(watch, changes, manager, self.without_manager()));
        *self.watching.lock() = Some(AbortOnDrop(task));
        Ok(())
    }

    /// Follows no longer what happens in the directory. A change that is being made is made to the end.
    pub fn stop_watch(&self) {
        let watching = self.watching.lock().take();
        drop(watching);
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
