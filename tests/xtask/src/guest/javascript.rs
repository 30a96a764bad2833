//! Guests in JavaScript: QuickJS around the script, by componentize-qjs through jco.
//!
//! The folder has `plugin.js`, and a `package.json` and `package-lock.json` that pin the builder. The component imports
//! what its world says and what QuickJS needs of WASI, which the host serves: a script has the time, and what it prints or
//! does not catch is in its log.

use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Guest;
use super::inputs::{Inputs, once_for};
use crate::places::Places;
use crate::process::{is_installed, run_quietly};

/// Without its asynchronous mode, because the host runs synchronous components only.
const OPTIONS: [&str; 3] = ["--backend", "qjs", "--backend-qjs-disable-async"];

pub(super) fn build(places: &Places, guest: &Guest) -> Result<()> {
    let result = guest.component(places);
    let inputs = Inputs::read(places, guest, &OPTIONS)?;
    if inputs.gave(&result) {
        return Ok(());
    }
    if !is_installed("npm") {
        bail!(
            "guest {} needs Node with npm, and there is no npm on the PATH: install it from your system's packages",
            guest.name
        );
    }
    install(guest, &inputs)?;

    println!("guest {}: building", guest.name);
    let source = inputs.copy()?;
    let built = inputs.folder().join("plugin.wasm");
    run_quietly(
        Command::new(inputs.folder().join("node_modules/.bin/jco"))
            .arg("componentize")
            .arg("plugin.js")
            .args(["--wit", "wit", "--world-name", &guest.name, "--out"])
            .arg(&built)
            .args(OPTIONS)
            .current_dir(source),
    )?;
    inputs.keep(&built, &result)
}

/// Not `npm ci`: it refuses a lock file without an entry for every operating system's optional package, and which of
/// those a registry shows differs. What the lock file has is installed as it says, with the content that it says.
/// No package needs to run anything while it is installed, so none may.
fn install(guest: &Guest, inputs: &Inputs) -> Result<()> {
    let folder = inputs.folder();
    let pins = ["package.json", "package-lock.json"];
    let contents = pins
        .map(|name| {
            inputs
                .file(name)
                .with_context(|| format!("guest {} has no {name}", guest.name))
        })
        .into_iter()
        .collect::<Result<Vec<&[u8]>>>()?;
    once_for(&contents.concat(), folder, || {
        println!(
            "guest {}: installing what its package-lock.json pins into {} (npm)",
            guest.name,
            folder.join("node_modules").display()
        );
        std::fs::create_dir_all(folder)?;
        for (name, content) in pins.into_iter().zip(contents) {
            std::fs::write(folder.join(name), content)?;
        }
        run_quietly(
            Command::new("npm")
                .args(["install", "--ignore-scripts", "--no-audit", "--no-fund"])
                .current_dir(folder),
        )
    })
}
