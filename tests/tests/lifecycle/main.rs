//! The life of plugins in a manager: found, loaded, replaced, put to sleep, taken out.

mod hosted;
mod lazy;
mod loader;
mod packages;
mod reload;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use goatherd::Plugin;
use goatherd::contract::CallContext;
use goatherd::loader::Reader;
use goatherd::manager::{Configured, Handle, Loader, Manager, Terms};
use goatherd::runtime::{CallError, Limits};
use goatherd_tests::{host, json, limits};
use serde_json::Value;
use tempfile::TempDir;

/// A directory of plugins, and what loads them. Everything about `steady-a` to `steady-e` is decided.
struct Home {
    folder: Arc<TempDir>,
    loader: Loader,
}

impl Home {
    fn new() -> Self {
        Self::of(limits(), |loader| loader)
    }

    fn lazy(idle: Duration) -> Self {
        Self::of(limits(), |loader| loader.with_lazy_loading(idle))
    }

    fn of(limits: Limits, with: impl FnOnce(Loader) -> Loader) -> Self {
        Self::reading(limits, goatherd_tests::reader(), with)
    }

    fn reading(limits: Limits, reader: Reader, with: impl FnOnce(Loader) -> Loader) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::in_folder(folder.into(), limits, reader, with)
    }

    fn in_folder(
        folder: Arc<TempDir>,
        limits: Limits,
        reader: Reader,
        with: impl FnOnce(Loader) -> Loader,
    ) -> Self {
        let terms = terms(limits);
        let names = ["steady-a", "steady-b", "steady-c", "steady-d", "steady-e"];
        let decided = names.map(|name| (name.parse().unwrap(), terms.clone()));
        let manager = Manager::new(host().clone(), Configured::new(decided.into()));
        let loader = with(Loader::new(folder.path(), manager, reader));
        Self { folder, loader }
    }

    /// Another manager and loader over the same directory.
    fn beside(&self) -> Self {
        let folder = Arc::clone(&self.folder);
        Self::in_folder(folder, limits(), goatherd_tests::reader(), |loader| loader)
    }

    fn manager(&self) -> &Manager {
        self.loader.manager()
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Puts a file into the directory in one step.
    fn put(&self, file: &str, bytes: &[u8]) -> PathBuf {
        put(&self.path(file), bytes)
    }

    fn state(&self, name: &str) -> &'static str {
        let table = self.manager().snapshot();
        table
            .get(name)
            .map_or("unknown", |entry| entry.state.name())
    }

    fn is_loaded(&self, name: &str) -> bool {
        let table = self.manager().snapshot();
        table
            .get(name)
            .is_some_and(|entry| entry.plugin().is_some())
    }

    /// The load that serves.
    fn loaded(&self, name: &str) -> Plugin {
        let table = self.manager().snapshot();
        let entry = table.get(name).expect("it was found");
        entry.plugin().expect("it is loaded").clone()
    }

    fn handle(&self, name: &str) -> Handle {
        self.manager().plugin(name).expect("it is enabled")
    }
}

/// What was decided about each of them.
fn terms(limits: Limits) -> Terms {
    Terms::new(goatherd_tests::grants(&["plugin_call=*"]), limits)
}

fn put(path: &Path, bytes: &[u8]) -> PathBuf {
    let beside = path.with_extension("new");
    std::fs::write(&beside, bytes).unwrap();
    std::fs::rename(&beside, path).unwrap();
    path.to_owned()
}

async fn ask(plugin: &Handle, function: &str, args: Value) -> Result<Value, CallError> {
    plugin
        .call_json(function, &json(&args), CallContext::default())
        .await
}

async fn generation(plugin: &Handle) -> String {
    let answer = ask(plugin, "generation", Value::Null).await.unwrap();
    answer["generation"].as_str().unwrap().to_owned()
}

/// Calls `function` over and over from so many tasks, until told to stop; returns all that was answered.
struct Load {
    stop: Arc<std::sync::atomic::AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<Vec<Result<Value, String>>>>,
}

impl Load {
    fn of(plugin: &Handle, tasks: usize, function: &'static str, args: Value) -> Self {
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let task = || {
            let (plugin, args, stop) = (plugin.clone(), args.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut answers = Vec::new();
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let answer = ask(&plugin, function, args.clone()).await;
                    answers.push(answer.map_err(|error| error.to_string()));
                }
                answers
            })
        };
        let tasks = (0..tasks).map(|_| task()).collect();
        Self { stop, tasks }
    }

    async fn stop(self) -> Vec<Result<Value, String>> {
        self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let mut all = Vec::new();
        for task in self.tasks {
            all.extend(task.await.unwrap());
        }
        all
    }
}

/// All were answered.
#[track_caller]
fn none_failed(answers: &[Result<Value, String>]) {
    let failed: Vec<_> = answers
        .iter()
        .filter_map(|one| one.as_ref().err())
        .collect();
    let (bad, all) = (failed.len(), answers.len());
    assert!(failed.is_empty(), "{bad} of {all}: {:?}", failed.first());
}
