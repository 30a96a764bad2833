//! PostgreSQL, with an empty cluster.
//!
//! It forgets what it was told when the machine stops, not when a client does: tests kill hosts, never the server, so
//! nothing waits for a disk. The role in the URL may do everything, and everyone on loopback may be anyone.
//!
//! Its messages are English, and German for whoever asks for `lc_messages = 'de_DE.UTF-8'`, so that tests find out whether
//! anything depends on their language.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::keeper::{Keeper, Signal};
use super::{attempt, free_port};
use crate::process::{answer, is_installed, run_quietly};

const ROLE: &str = "goatherd";

/// The locale of the other language.
const GERMAN: &str = "de_DE.UTF-8";

/// How the server is told what to be.
const SETTINGS: &[&str] = &[
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "listen_addresses=127.0.0.1",
    "max_connections=200",
    "shared_buffers=128MB",
    "autovacuum_naptime=10s",
];

pub(super) fn start(programs: &Path, keeper: &mut Keeper) -> Result<[(&'static str, String); 1]> {
    let folder = keeper.folder().join("postgres");
    fs::create_dir(&folder)?;
    let owner = Owner::find()?;
    owner.give(&folder)?;
    let data = folder.join("data");
    let locales = german(&owner, &folder)?;
    let command = |program: &str| {
        let mut command = owner.command(&programs.join(program), &folder);
        command.env("LOCPATH", &locales);
        command
    };
    run_quietly(
        command("initdb")
            .args(["--username", ROLE, "--auth", "trust", "--no-sync"])
            .args(["--encoding", "UTF8", "--locale", "C.UTF-8", "--pgdata"])
            .arg(&data),
    )?;
    let port = attempt(|| {
        let port = free_port()?;
        let mut command = command("postgres");
        command.arg("-D").arg(&data).arg("-k").arg(&folder);
        command.args(["-p", &port.to_string()]);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        let status = data.join("postmaster.pid");
        keeper.serve("PostgreSQL", &mut command, Signal::Interrupt, |process| {
            is_ready(&status, process)
        })?;
        Ok(port)
    })?;
    let url = format!("postgres://{ROLE}@127.0.0.1:{port}/postgres");
    Ok([("GOATHERD_TEST_POSTGRES", url)])
}

/// A folder in which the C library finds the German locale, beside those that the system has. Made anew, as a system that
/// has it says so in many ways, and this takes two seconds.
fn german(owner: &Owner, folder: &Path) -> Result<PathBuf> {
    let locales = folder.join("locales");
    fs::create_dir(&locales)?;
    owner.give(&locales)?;
    run_quietly(
        owner
            .command(Path::new("localedef"), folder)
            .args(["--inputfile", "de_DE", "--charmap", "UTF-8"])
            .arg(locales.join(GERMAN)),
    )
    .context("tests ask PostgreSQL for German messages, and the German locale cannot be made")?;
    Ok(locales)
}

/// Whether [`german`] has what it needs: the sources of glibc's locales.
pub(super) fn can_be_german() -> bool {
    is_installed("localedef") && Path::new("/usr/share/i18n/locales/de_DE").is_file()
}

/// The server writes its process into the first line of the file, and whether it takes connections into the eighth.
fn is_ready(status: &Path, process: u32) -> bool {
    let text = fs::read_to_string(status).unwrap_or_default();
    let mut lines = text.lines();
    lines.next() == Some(&process.to_string())
        && lines.nth(6).is_some_and(|state| state.trim() == "ready")
}

/// Whom the server runs as: it refuses to be root.
enum Owner {
    Ourselves,
    Other { user: u32, group: u32 },
}

impl Owner {
    fn find() -> Result<Self> {
        if answer("id", &["-u"]).as_deref() != Some("0") {
            return Ok(Self::Ourselves);
        }
        let id = |option| {
            answer("id", &[option, "postgres"])
                .and_then(|id| id.parse().ok())
                .context("PostgreSQL does not run as root, and there is no user postgres")
        };
        Ok(Self::Other {
            user: id("-u")?,
            group: id("-g")?,
        })
    }

    fn give(&self, folder: &Path) -> Result<()> {
        if let Self::Other { user, group } = self {
            chown(folder, Some(*user), Some(*group))?;
        }
        Ok(())
    }

    fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder);
        if let Self::Other { user, group } = self {
            command.uid(*user).gid(*group);
        }
        command
    }
}

/// The folder with the server's programs, of the newest version. Debian keeps them away from the search path.
pub(super) fn programs() -> Option<PathBuf> {
    let is_whole = |folder: &PathBuf| {
        ["initdb", "postgres"]
            .iter()
            .all(|program| folder.join(program).is_file())
    };
    let version =
        |folder: &PathBuf| -> Option<u32> { folder.parent()?.file_name()?.to_str()?.parse().ok() };
    fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(is_whole)
        .max_by_key(version)
        .or_else(|| crate::process::search_path().find(is_whole))
}
