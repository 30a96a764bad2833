//! The program `goatherd`, as a user runs it.
//!
//! Cargo names only a package's own programs to its tests, so this one is looked for beside the test's executable, where
//! cargo puts it. `cargo test` does not build it for this package: `cargo build -p goatherd` does, which `cargo xtask
//! test` runs first. One that is older than the host's source would test what is no longer there, and fails the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use serde_json::Value;

/// How a run of the program ended.
#[derive(Debug)]
pub struct Outcome {
    /// The exit status; none if a signal ended it.
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The program, which must have been built.
pub fn program() -> PathBuf {
    let executable = std::env::current_exe().expect("a test knows its executable");
    let profile = executable
        .ancestors()
        .nth(2)
        .expect("the executable is in a profile's folder");
    let program = profile.join(format!("goatherd{}", std::env::consts::EXE_SUFFIX));
    assert!(
        program.is_file(),
        "the program {} does not exist: run cargo build -p goatherd",
        program.display()
    );
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src");
    assert!(
        modified(&program) >= newest(&source),
        "the program {} is older than the source of the host: run cargo build -p goatherd",
        program.display()
    );
    program
}

/// Runs the program in a folder of its own, without settings from the environment, and waits for it.
pub fn goatherd(arguments: &[&str]) -> Outcome {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Outcome::of(command(folder.path()).args(arguments))
}

impl Outcome {
    /// Runs a prepared command.
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().expect("the program starts");
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("the program writes UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("the program writes UTF-8"),
        }
    }

    /// The program in a folder, without settings from the environment but for the code cache that all tests share.
    pub fn command(folder: &Path) -> Command {
        command(folder)
    }

    /// The result of a run that must have gone well.
    pub fn result(&self) -> Value {
        assert_eq!(self.status, Some(0), "{self:?}");
        assert_eq!(self.stderr, "", "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The error of a run that must have failed: status 1, nothing on standard output and one line of JSON on standard
    /// error.
    pub fn error(&self) -> Value {
        assert_eq!(self.status, Some(1), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        assert_eq!(self.stderr.lines().count(), 1, "{self:?}");
        let error: Value =
            serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        error["error"].clone()
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(program());
    command.current_dir(folder);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GOATHERD_") {
            command.env_remove(name);
        }
    }
    command.env("GOATHERD_CODE_CACHE", crate::code_cache_directory());
    command
}

/// When the newest file below a folder was changed.
fn newest(folder: &Path) -> SystemTime {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let times = entries.map(|entry| {
        let path = entry.expect("a folder can be read").path();
        if path.is_dir() {
            newest(&path)
        } else {
            modified(&path)
        }
    });
    times.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

fn modified(path: &Path) -> SystemTime {
    let metadata = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    metadata.modified().expect("files have a time of change")
}
