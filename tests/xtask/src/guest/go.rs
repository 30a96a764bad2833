//! Guests in Go: a core module by the stock toolchain, made a component with WASI's adapter.
//!
//! The folder has `go.mod`, `wit/world.wit`, a package `export_goatherd_plugin_…` for each interface that the world exports, and
//! what they share. All other packages of the module `wit_component` are generated from the world. The generated code builds on a small
//! module of the Bytecode Alliance, whose sources come with the generator's crate: nothing is downloaded by Go.
//!
//! Go's runtime speaks WASI preview 1; the adapter, a core module from a crate as well, turns that into WASI 0.2. So the
//! component imports clocks, random numbers, streams and the rest of what the runtime wants, used or not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::{Resolve, WorldId};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use super::Guest;
use super::inputs::Inputs;
use crate::places::Places;
use crate::process::{answer, cargo, run_quietly};

/// The first minor version of Go 1 that can export functions to WebAssembly.
const OLDEST_MINOR: u32 = 24;

/// The module that generated code builds on, as Go calls it.
const RUNTIME: &str = "go.bytecodealliance.org/pkg";

/// The crate in which its sources are, and where in it.
const RUNTIME_CRATE: &str = "wit-bindgen-go";
const RUNTIME_SOURCES: &str = "src/pkg";

/// Without symbols, which no engine reads, and without the paths of this machine: a panic names functions, files and lines all
/// the same. The generated code hooks into the
/// allocator of Go's runtime by name, which the linker has to be told to allow.
const OPTIONS: [&str; 4] = [
    "build",
    "-trimpath",
    "-buildmode=c-shared",
    "-ldflags=-s -w -checklinkname=0",
];

pub(super) fn build(places: &Places, guest: &Guest) -> Result<()> {
    let result = guest.component(places);
    // A newer generator gives other code of the same inputs.
    let generator = wit_bindgen_go::remote_pkg_version();
    let recipe = [OPTIONS.as_slice(), &[generator.as_str()]].concat();
    let inputs = Inputs::read(places, guest, &recipe)?;
    if inputs.gave(&result) {
        return Ok(());
    }
    require_go(&guest.name)?;

    println!("guest {}: building", guest.name);
    let source = inputs.copy()?;
    let (resolve, world) = world(&source, &guest.name)?;
    generate(&source, resolve.clone(), world)?;
    add_runtime(places, &source)?;
    let core = inputs.folder().join("core.wasm");
    run_quietly(go(&source).args(OPTIONS).arg("-o").arg(&core).arg("."))?;

    let built = inputs.folder().join("plugin.wasm");
    fs::write(&built, componentize(&core, &resolve, world)?)?;
    inputs.keep(&built, &result)
}

fn require_go(guest: &str) -> Result<()> {
    let needs = format!("guest {guest} needs Go 1.{OLDEST_MINOR} or later");
    let Some(version) = answer("go", &["env", "GOVERSION"]) else {
        bail!(
            "{needs}, and there is no go on the PATH: install it from your system's packages or from go.dev"
        );
    };
    if minor_version(&version).is_none_or(|minor| minor < OLDEST_MINOR) {
        bail!("{needs}, and the one on the PATH is {version}");
    }
    Ok(())
}

/// The minor version in a text such as `go1.26.8`; none where it is of another major version.
fn minor_version(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("go1.")?;
    let digits = rest.split(|char: char| !char.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// Go in a folder, with this toolchain and nothing from the network, whatever its user has set.
fn go(folder: &Path) -> Command {
    let mut command = Command::new("go");
    command
        .current_dir(folder)
        .env("GOOS", "wasip1")
        .env("GOARCH", "wasm")
        .env("GOTOOLCHAIN", "local")
        .env("GOPROXY", "off")
        .env("GOWORK", "off")
        .env("GOFLAGS", "-buildvcs=false");
    command
}

fn world(source: &Path, name: &str) -> Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(source.join("wit"))?;
    let world = resolve.select_world(&[package], Some(name))?;
    Ok((resolve, world))
}

/// Writes the packages that the world makes, beside the guest's own.
fn generate(source: &Path, mut resolve: Resolve, world: WorldId) -> Result<()> {
    let mut files = Files::default();
    let options = wit_bindgen_go::Opts {
        quiet: true,
        ..Default::default()
    };
    options.build().generate(&mut resolve, world, &mut files)?;
    // The guest has a `go.mod` of its own.
    for (name, content) in files.iter().filter(|(name, _)| *name != "go.mod") {
        let path = source.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Puts the module that generated code builds on beside the guest. Its own `go.mod` asks for a newer Go than it needs.
fn add_runtime(places: &Places, source: &Path) -> Result<()> {
    let from = runtime_sources(places)?;
    let module = source.join("pkg");
    copy(&from.join("wit"), &module.join("wit"))?;
    fs::write(
        module.join("go.mod"),
        format!("module {RUNTIME}\n\ngo 1.{OLDEST_MINOR}\n"),
    )?;
    run_quietly(go(source).args(["mod", "edit", &format!("-replace={RUNTIME}=./pkg")]))
}

/// As much of `cargo metadata` as is needed.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

/// Where cargo keeps the sources of the generator's crate.
fn runtime_sources(places: &Places) -> Result<PathBuf> {
    // Without a platform, cargo would download what other systems need.
    let rustc = answer("rustc", &["-vV"]).unwrap_or_default();
    let platform = rustc.lines().find_map(|line| line.strip_prefix("host: "));
    let platform = platform.context("rustc does not say for which system it is")?;
    let output = cargo(places)
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(["--filter-platform", platform])
        .output()
        .context("cannot start cargo metadata")?;
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).context("cargo metadata gave no JSON")?;
    let mut packages = metadata.packages.into_iter();
    let manifest = packages
        .find(|package| package.name == RUNTIME_CRATE)
        .map(|package| package.manifest_path)
        .with_context(|| format!("cargo metadata has no {RUNTIME_CRATE}"))?;
    let sources = manifest.with_file_name("").join(RUNTIME_SOURCES);
    if !sources.is_dir() {
        bail!(
            "the crate {RUNTIME_CRATE} has no {RUNTIME_SOURCES} any more, in which {RUNTIME} was"
        );
    }
    Ok(sources)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else {
            // Not `fs::copy`, which would keep that crates are write-protected.
            fs::write(to.join(name), fs::read(&path)?)?;
        }
    }
    Ok(())
}

fn componentize(core: &Path, resolve: &Resolve, world: WorldId) -> Result<Vec<u8>> {
    let mut module = fs::read(core).with_context(|| format!("cannot read {}", core.display()))?;
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8, false)?;
    ComponentEncoder::default()
        .module(&module)?
        .adapter(
            WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
            WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
        )?
        .validate(true)
        .encode()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_go_says() {
        assert_eq!(minor_version("go1.26.8"), Some(26));
        assert_eq!(minor_version("go1.24"), Some(24));
        assert_eq!(minor_version("go1.27rc1"), Some(27));
        assert_eq!(minor_version("go2.0"), None);
        assert_eq!(minor_version("devel go1.28-3f2a"), None);
    }
}
