//! Guests in Rust: one cargo build for all of them, then each core module becomes a component.
//!
//! One invocation and one build folder, so that the standard library, where it has to be built, is built once. They are
//! built for `wasm32-unknown-unknown`, which has no WASI: the component imports only what its world says.

use std::fs;

use anyhow::{Context, Result};
use wit_component::ComponentEncoder;

use super::toolchain::{TARGET, Toolchain};
use super::{Guest, put};
use crate::places::Places;
use crate::process::{cargo, run};

/// Tests need one core module that never became a component: that of this guest.
const KEPT_AS_CORE: &str = "bench";

const PROFILE: &str = "guest";

pub(super) fn build(places: &Places, guests: &[&Guest]) -> Result<()> {
    let toolchain = Toolchain::find()?;
    println!("guests in Rust: by {toolchain}");

    let mut command = cargo(places);
    toolchain.configure(&mut command);
    command.env("CARGO_TARGET_DIR", places.build()).args([
        "build",
        "--profile",
        PROFILE,
        "--target",
        TARGET,
    ]);
    for package in guests.iter().filter_map(|guest| guest.package()) {
        command.args(["--package", &package]);
    }
    run(&mut command)?;

    for guest in guests {
        componentize(places, guest)
            .with_context(|| format!("guest {} does not become a component", guest.name))?;
    }
    Ok(())
}

fn componentize(places: &Places, guest: &Guest) -> Result<()> {
    let file = guest.package().unwrap_or_default().replace('-', "_");
    let core = places
        .build()
        .join(TARGET)
        .join(PROFILE)
        .join(format!("{file}.wasm"));
    let core = fs::read(&core).with_context(|| format!("cannot read {}", core.display()))?;
    let component = ComponentEncoder::default()
        .module(&core)?
        .validate(true)
        .encode()?;
    put(&component, &guest.component(places))?;
    if guest.name == KEPT_AS_CORE {
        put(
            &core,
            &places.guests().join(format!("{}.core.wasm", guest.name)),
        )?;
    }
    Ok(())
}
