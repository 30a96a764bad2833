//! Which Rust builds guests.
//!
//! Guests need a standard library for `wasm32-unknown-unknown`, which a plain installation of Rust does not have. In
//! this order:
//!
//! 1. the compiler in use, where the target is installed;
//! 2. Debian's packages `rustc-web` and `rust-web-src`: a compiler with the sources of its standard library, which
//!    cargo then builds. Where they are missing, root gets them from apt, if apt has them;
//! 3. `rustup target add` for whoever has rustup, unless `RUSTUP_AUTO_INSTALL=0` says that it must not install;
//! 4. an error that lists all of these.
//!
//! Debian's compiler is used for guests only. It needs `RUSTC_BOOTSTRAP=1` since building the standard library is not a
//! stable feature of cargo.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{answer, is_installed, run, search_path};

/// What guests are compiled for.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";

/// The oldest minor version of Rust 1 that wit-bindgen takes.
const OLDEST_MINOR: u32 = 95;

const DEBIAN_COMPILER: &str = "/usr/bin/rustc";
const DEBIAN_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

/// A way to compile guests.
pub(super) enum Toolchain {
    /// The compiler in use has the target.
    Installed { version: String },
    /// Another compiler, which has the sources of its standard library, and a linker for WebAssembly.
    WithSources {
        compiler: PathBuf,
        linker: PathBuf,
        version: String,
    },
}

impl fmt::Display for Toolchain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installed { version } => {
                write!(formatter, "{version}, which has {TARGET} installed")
            }
            Self::WithSources {
                compiler,
                linker,
                version,
            } => write!(
                formatter,
                "{version} ({}), which builds its standard library once, with {}",
                compiler.display(),
                linker.display()
            ),
        }
    }
}

impl Toolchain {
    /// The first that works, installing one if it comes to that.
    pub(super) fn find() -> Result<Self> {
        let mut reasons = Vec::new();
        for attempt in [installed, with_debian_sources, with_rustup] {
            match attempt() {
                Ok(toolchain) => return Ok(toolchain),
                Err(reason) => reasons.push(format!("- {reason:#}")),
            }
        }
        bail!(
            "no Rust here can build guests for {TARGET}. Any of these would do:\n\
             - with rustup: rustup target add {TARGET}\n\
             - on Debian, as root: apt-get install {}\n\
             - the package of your system with Rust's standard library for {TARGET}\n\
             What was tried:\n{}",
            DEBIAN_PACKAGES.join(" "),
            reasons.join("\n")
        );
    }

    /// Makes cargo use it. Flags that are meant for native code are not passed on.
    pub(super) fn configure(&self, cargo: &mut Command) {
        for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
            cargo.env_remove(variable);
        }
        if let Self::WithSources {
            compiler, linker, ..
        } = self
        {
            cargo
                .env("RUSTC", compiler)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                .arg("-Zbuild-std=std,panic_abort");
        }
    }
}

fn installed() -> Result<Toolchain> {
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let Some(version) = answer(&compiler, &["--version"]) else {
        bail!("there is no {}", compiler.to_string_lossy());
    };
    require_new_enough(&version)?;
    let libraries = sysroot(&compiler)
        .unwrap_or_default()
        .join("lib/rustlib")
        .join(TARGET)
        .join("lib");
    let has_std = files(&libraries)
        .iter()
        .any(|file| name(file).starts_with("libstd-"));
    if !has_std {
        bail!("{version} does not have {TARGET} installed");
    }
    Ok(Toolchain::Installed { version })
}

fn with_debian_sources() -> Result<Toolchain> {
    if let Ok(toolchain) = debian_sources() {
        return Ok(toolchain);
    }
    install_debian_sources()?;
    debian_sources()
}

fn debian_sources() -> Result<Toolchain> {
    let compiler = PathBuf::from(DEBIAN_COMPILER);
    let Some(version) = answer(&compiler, &["--version"]) else {
        bail!("there is no {DEBIAN_COMPILER}");
    };
    require_new_enough(&version)?;
    let sources = sysroot(compiler.as_os_str())
        .unwrap_or_default()
        .join("lib/rustlib/src/rust/library/std/Cargo.toml");
    if !sources.is_file() {
        bail!("{DEBIAN_COMPILER} has no sources of its standard library");
    }
    let Some(linker) = linker() else {
        bail!("{DEBIAN_COMPILER} has no linker: neither rust-lld nor wasm-ld is there");
    };
    Ok(Toolchain::WithSources {
        compiler,
        linker,
        version,
    })
}

/// With `--no-remove`, so that apt gives up where a package of the user's stands in the way.
fn install_debian_sources() -> Result<()> {
    if !is_installed("apt-get") {
        bail!(
            "{} are not installed, and there is no apt",
            DEBIAN_PACKAGES.join(" and ")
        );
    }
    if answer("id", &["-u"]).as_deref() != Some("0") {
        bail!(
            "{} are not installed, and only root may",
            DEBIAN_PACKAGES.join(" and ")
        );
    }
    if offered().is_none() {
        println!(
            "guests in Rust: refreshing apt's lists to look for {}",
            DEBIAN_PACKAGES.join(" and ")
        );
        run(Command::new("apt-get").args(["update", "--quiet", "--quiet"]))?;
    }
    let Some(version) = offered() else {
        bail!(
            "apt has no {} of version 1.{OLDEST_MINOR} or later",
            DEBIAN_PACKAGES.join(" and ")
        );
    };
    println!(
        "guests in Rust: installing Debian's {} {version} (apt)",
        DEBIAN_PACKAGES.join(" and ")
    );
    run(Command::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args([
            "install",
            "--yes",
            "--quiet",
            "--no-install-recommends",
            "--no-remove",
        ])
        .args(DEBIAN_PACKAGES))
}

/// The version that apt would install of both packages, if it is new enough.
fn offered() -> Option<String> {
    let mut version = None;
    for package in DEBIAN_PACKAGES {
        let policy = answer("apt-cache", &["policy", package])?;
        let candidate = policy
            .lines()
            .find_map(|line| line.trim().strip_prefix("Candidate: "))?;
        if minor_version(candidate)? < OLDEST_MINOR {
            return None;
        }
        version = Some(candidate.to_owned());
    }
    version
}

fn with_rustup() -> Result<Toolchain> {
    if !is_installed("rustup") {
        bail!("there is no rustup");
    }
    if env::var_os("RUSTUP_AUTO_INSTALL").is_some_and(|value| value == "0") {
        bail!("rustup is there, but RUSTUP_AUTO_INSTALL=0 says that it must not install");
    }
    println!("guests in Rust: installing {TARGET} (rustup target add)");
    run(Command::new("rustup").args(["target", "add", TARGET]))?;
    installed()
}

/// Any linker that can do WebAssembly: the one that comes with Rust, of whatever toolchain, or LLVM's.
fn linker() -> Option<PathBuf> {
    let of_rust = toolchains()
        .into_iter()
        .flat_map(|sysroot| files(&sysroot.join("lib/rustlib")))
        .map(|target| target.join("bin/rust-lld"));
    let of_llvm = search_path()
        .flat_map(|folder| files(&folder))
        .filter(|file| name(file) == "wasm-ld" || name(file).starts_with("wasm-ld-"));
    of_rust.chain(of_llvm).find(|linker| linker.is_file())
}

/// The compiler in use, and everything that rustup has.
fn toolchains() -> Vec<PathBuf> {
    let mut toolchains: Vec<PathBuf> = sysroot("rustc".as_ref()).into_iter().collect();
    let rustup = env::var_os("RUSTUP_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(".rustup")));
    if let Some(rustup) = rustup {
        toolchains.extend(files(&rustup.join("toolchains")));
    }
    toolchains
}

fn sysroot(compiler: &std::ffi::OsStr) -> Option<PathBuf> {
    answer(OsString::from(compiler), &["--print", "sysroot"]).map(PathBuf::from)
}

fn require_new_enough(version: &str) -> Result<()> {
    let minor = version
        .strip_prefix("rustc ")
        .and_then(minor_version)
        .unwrap_or(0);
    if minor < OLDEST_MINOR {
        bail!("{version} is older than 1.{OLDEST_MINOR}");
    }
    Ok(())
}

/// The minor version in a text that begins like `1.96.0`.
fn minor_version(version: &str) -> Option<u32> {
    let (minor, _) = version.strip_prefix("1.")?.split_once('.')?;
    minor.parse().ok()
}

/// What is in a folder, in order; nothing where there is no such folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.sort();
    files
}

fn name(file: &Path) -> &str {
    file.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use super::*;

    #[test]
    fn a_version_is_read_from_what_rustc_and_apt_say() {
        assert_eq!(minor_version("1.96.0+dfsg1-1~deb12u2"), Some(96));
        assert_eq!(minor_version("1.95.0 (59807616e 2026-04-14)"), Some(95));
        assert_eq!(minor_version("(none)"), None);
    }

    #[test]
    fn a_compiler_that_is_too_old_or_strange_is_refused() {
        assert!(require_new_enough("rustc 1.95.0 (59807616e 2026-04-14)").is_ok());
        assert!(require_new_enough("rustc 1.94.1").is_err());
        assert!(require_new_enough("gcc 14.2.0").is_err());
    }
}
