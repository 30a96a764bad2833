//! Where the servers' programs are. Where they are missing, root gets them from Debian.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::postgres;
use crate::process::{answer, is_installed, run, search_path};

/// As Debian calls them.
const POSTGRES: &str = "postgresql";
const REDIS: &str = "redis-server";
/// What the German locale is made from. Its messages come with the server.
const LOCALES: &str = "locales";

/// What `invoke-rc.d` asks before a package starts what it installed; 101 means no.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Where the programs are.
pub(super) struct Programs {
    /// The folder with `initdb` and `postgres`.
    pub(super) postgres: PathBuf,
    /// The program itself.
    pub(super) redis: PathBuf,
}

/// Finds them, installing what is missing if it comes to that.
pub(super) fn find() -> Result<Programs> {
    let mut missing = Vec::new();
    if postgres::programs().is_none() {
        missing.push(POSTGRES);
    }
    if redis().is_none() {
        missing.push(REDIS);
    }
    if !postgres::can_be_german() {
        missing.push(LOCALES);
    }
    if !missing.is_empty() {
        install(&missing).with_context(|| {
            format!(
                "the tests need the servers of PostgreSQL and Redis, and the sources of glibc's locales; not here: {0}. \
                 Any of these would do:\n\
                 - on Debian, as root: apt-get install {0}\n\
                 - the packages of your system with `initdb` and `postgres` (14 or later), and with `redis-server` (6 \
                 or later), on the PATH, and with `localedef` and /usr/share/i18n/locales",
                missing.join(" ")
            )
        })?;
    }
    Ok(Programs {
        postgres: postgres::programs().context("PostgreSQL's package has no server")?,
        redis: redis().context("Redis' package has no server")?,
    })
}

fn redis() -> Option<PathBuf> {
    search_path()
        .map(|folder| folder.join("redis-server"))
        .find(|program| program.is_file())
}

/// With `--no-remove`, so that apt gives up where a package of the user's stands in the way.
fn install(packages: &[&str]) -> Result<()> {
    if !is_installed("apt-get") {
        bail!("there is no apt to install them with");
    }
    if answer("id", &["-u"]).as_deref() != Some("0") {
        bail!("only root may install them with apt");
    }
    println!(
        "servers: installing Debian's {} (apt); neither is started by that",
        packages.join(" and ")
    );
    let _quiet = NothingStarts::ensure()?;
    run(Command::new("apt-get").args(["update", "--quiet", "--quiet"]))?;
    run(Command::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args([
            "install",
            "--yes",
            "--quiet",
            "--quiet",
            "--no-install-recommends",
            "--no-remove",
        ])
        .args(packages))
}

/// As long as this lives, an installation starts no server. A policy that is there already stays as it is.
struct NothingStarts {
    ours: bool,
}

impl NothingStarts {
    fn ensure() -> Result<Self> {
        let ours = !Path::new(POLICY).exists();
        if ours {
            fs::write(POLICY, "#!/bin/sh\nexit 101\n")?;
            fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))?;
        }
        Ok(Self { ours })
    }
}

impl Drop for NothingStarts {
    fn drop(&mut self) {
        if self.ours {
            // What is left then only keeps packages from starting servers.
            let _ = fs::remove_file(POLICY);
        }
    }
}
