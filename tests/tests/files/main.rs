//! The data folders of plugins, through a guest that calls `wasi:filesystem`.

mod escape;
mod folder;
mod quota;
mod together;

use std::path::{Path, PathBuf};

use goatherd::capability::files::DataFolders;
use goatherd::{Host, Plugin};
use goatherd_tests::{call, guest, host_builder, limits, load};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A host with a folder for data.
struct Place {
    folder: TempDir,
    host: Host,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = host_on(&folder.path().join("data"));
        Self { folder, host }
    }

    /// Beside the data folders, where no plugin gets.
    fn outside(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the probe.
    fn data(&self) -> PathBuf {
        self.folder.path().join("data").join("probe-files")
    }

    async fn probe(&self, grant: &str) -> Plugin {
        named("probe-files", &self.host, grant).await
    }
}

fn host_on(folder: &Path) -> Host {
    host_builder()
        .data_folders(DataFolders::open(folder).unwrap())
        .build()
        .unwrap()
}

/// The probe under a name of the same length, which makes another plugin of it.
async fn named(name: &str, host: &Host, grant: &str) -> Plugin {
    const OWN: &[u8] = b"probe-files";
    assert_eq!(name.len(), OWN.len());
    let mut bytes = guest("probe-files");
    for place in 0..bytes.len() - OWN.len() {
        if bytes[place..].starts_with(OWN) {
            bytes[place..place + OWN.len()].copy_from_slice(name.as_bytes());
        }
    }
    let plugin = load(host, name, bytes, &[grant], limits()).await.unwrap();
    assert_eq!(plugin.name().as_str(), name);
    plugin
}

/// Lets the probe do its steps, and returns what became of each: `"ok"`, an error's code, or a value.
async fn run(plugin: &Plugin, steps: Value) -> Vec<Value> {
    let answers = call(plugin, "run", json!({ "steps": steps }))
        .await
        .unwrap();
    let short = |answer: &Value| match (&answer["ok"], &answer["error"]) {
        (Value::Null, Value::Null) => json!("ok"),
        (Value::Null, code) => code.clone(),
        (value, _) => value.clone(),
    };
    answers.as_array().unwrap().iter().map(short).collect()
}

/// The same, of which the last answer counts.
async fn last(plugin: &Plugin, steps: Value) -> Value {
    run(plugin, steps).await.pop().unwrap()
}

/// The step that makes or opens a file for writing.
fn create(path: &str, name: &str) -> Value {
    json!({ "do": "open", "path": path, "as": name, "create": true, "write": true })
}

/// Makes a file of so many bytes, and says what became of the write.
async fn make(plugin: &Plugin, path: &str, bytes: u64) -> Value {
    let write = json!({ "do": "write", "fd": "f", "offset": 0, "bytes": bytes });
    last(plugin, json!([create(path, "f"), write])).await
}

/// What is in a folder, as the quota counts it: bytes of files, and everything by number.
fn usage(folder: &Path) -> (u64, usize) {
    let (mut bytes, mut entries) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        entries += 1;
        if metadata.is_dir() {
            let inner = usage(&entry.path());
            bytes += inner.0;
            entries += inner.1;
        } else if metadata.is_file() {
            bytes += metadata.len();
        }
    }
    (bytes, entries)
}
