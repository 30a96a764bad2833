//! Guests in Python: CPython around the module `app`, by componentize-py.
//!
//! The folder has `app.py`, and a `requirements.txt` that pins the builder. The component imports what its world says and
//! all of WASI that CPython knows, sockets among it: the host serves it, and a module has the time, random numbers and a log.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Guest;
use super::inputs::{Inputs, once_for};
use crate::places::Places;
use crate::process::{is_installed, run_quietly};

pub(super) fn build(places: &Places, guest: &Guest) -> Result<()> {
    let result = guest.component(places);
    let inputs = Inputs::read(places, guest, &[])?;
    if inputs.gave(&result) {
        return Ok(());
    }
    if !is_installed("python3") {
        bail!(
            "guest {} needs Python 3 with pip, and there is no python3 on the PATH: install it from your system's \
             packages",
            guest.name
        );
    }
    let tools = inputs.folder().join("python");
    install(guest, &inputs, &tools)?;

    println!("guest {}: building", guest.name);
    let source = inputs.copy()?;
    let built = inputs.folder().join("plugin.wasm");
    run_quietly(
        Command::new("python3")
            .env("PYTHONPATH", &tools)
            .arg(tools.join("bin").join("componentize-py"))
            .args(["--wit-path", "wit", "--world", &guest.name])
            .args(["componentize", "app", "--output"])
            .arg(&built)
            .current_dir(source),
    )?;
    inputs.keep(&built, &result)
}

/// Into a plain folder and not a virtual environment, because a Python with pip need not have the module for those.
fn install(guest: &Guest, inputs: &Inputs, tools: &Path) -> Result<()> {
    let requirements = inputs
        .file("requirements.txt")
        .with_context(|| format!("guest {} has no requirements.txt", guest.name))?;
    once_for(requirements, inputs.folder(), || {
        println!(
            "guest {}: installing what its requirements.txt pins into {} (pip)",
            guest.name,
            tools.display()
        );
        run_quietly(
            Command::new("python3")
                .args(["-m", "pip", "install", "--quiet", "--upgrade", "--target"])
                .arg(tools)
                .arg("--requirement")
                .arg(guest.folder.join("requirements.txt")),
        )
    })
}
