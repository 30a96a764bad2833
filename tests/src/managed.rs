//! Several plugins that know each other, in a manager of the test's own.

use std::collections::BTreeMap;
use std::path::Path;

use goatherd::manager::{Configured, Hosting, Loader, Manager, Outcome, Terms};
use goatherd::platform::{Application, Platform};
use goatherd::registry::MemoryStore;
use goatherd::runtime::Limits;
use goatherd::{Host, Plugin};
use tempfile::TempDir;

/// A manager, and the folder that its plugins come from.
pub struct Managed {
    pub manager: Manager,
    folder: TempDir,
    decisions: BTreeMap<String, Terms>,
}

impl Managed {
    /// A manager that has decided about these plugins: name, grants.
    pub fn new(host: &Host, decided: &[(&str, &[&str])], limits: &Limits) -> Self {
        Self::with(decided, limits, |policy| Manager::new(host.clone(), policy))
    }

    /// The same, with a plugins table, in which capabilities are.
    pub async fn with_registry(host: &Host, decided: &[(&str, &[&str])], limits: &Limits) -> Self {
        let hosting = Hosting::with_store(MemoryStore::default()).await;
        let hosting = hosting.expect("a store in memory can be read");
        Self::with(decided, limits, |policy| {
            let platform = Platform::new(Application::default());
            Manager::with_registry(host.clone(), policy, platform, hosting)
        })
    }

    fn with(
        decided: &[(&str, &[&str])],
        limits: &Limits,
        manager: impl FnOnce(Configured) -> Manager,
    ) -> Self {
        let decisions: BTreeMap<String, Terms> = decided
            .iter()
            .map(|(name, grants)| {
                let terms = Terms::new(crate::grants(grants), limits.clone());
                ((*name).to_owned(), terms)
            })
            .collect();
        let by_name = decisions
            .iter()
            .map(|(name, terms)| (name.parse().expect("a plugin's name"), terms.clone()));
        Self {
            manager: manager(Configured::new(by_name.collect())),
            folder: tempfile::tempdir().expect("a temporary folder"),
            decisions,
        }
    }

    /// Loads a component, which must be enabled.
    pub async fn load(&self, file: &str, bytes: Vec<u8>) -> Plugin {
        let path = self.folder.path().join(format!("{file}.wasm"));
        std::fs::write(&path, bytes).expect("a plugin's file");
        let report = Loader::new(self.folder.path(), self.manager.clone(), crate::reader())
            .load_all()
            .await;
        let report = report.expect("the folder can be read");
        let outcome = report
            .files
            .iter()
            .find(|(loaded, _)| *loaded == path)
            .map(|(_, outcome)| outcome);
        match outcome {
            Some(Outcome::Enabled(name)) => self.plugin(name.as_str()),
            other => panic!("{file}: {other:?}"),
        }
    }

    /// A plugin that serves.
    pub fn plugin(&self, name: &str) -> Plugin {
        let table = self.manager.snapshot();
        let entry = table.get(name).expect("the plugin was loaded");
        entry.plugin().expect("the plugin serves").clone()
    }

    /// What was decided.
    pub fn terms(&self, name: &str) -> &Terms {
        &self.decisions[name]
    }

    /// Where the plugins' files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}
