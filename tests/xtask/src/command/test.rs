//! `cargo xtask test`: everything that the tests need, and then all of them.
//!
//! The tests find the guests through `GOATHERD_GUESTS`, the folder with every `NAME.wasm`. The guests themselves take
//! no part in the native run: they are libraries for another machine, and their tests are those of the host. They find
//! PostgreSQL, Redis and the SMTP server through the variables that [`Servers`] sets.

use std::process::Command;

use anyhow::{Result, bail};

use crate::guest::{self, Guest, Purpose};
use crate::places::Places;
use crate::process::{self, cargo};
use crate::servers::Servers;

/// The tests of the contract's next versions, for which the host is built with a feature that nothing else may have.
const REHEARSAL: &str = "goatherd-rehearsal";

/// A cargo command over everything but the guests.
fn native(places: &Places, all: &[Guest], words: &[&str]) -> Command {
    let mut command = cargo(places);
    command.args(words).arg("--workspace");
    for package in all.iter().filter_map(Guest::package) {
        command.args(["--exclude", &package]);
    }
    command
}

pub(super) fn run(places: &Places, arguments: &[String]) -> Result<()> {
    println!(
        "Building all guests, then running all tests beside PostgreSQL, Redis and an SMTP server. Into {} this installs \
         the JavaScript and Python builders that the examples pin, from npm and PyPI, and into {} what the SMTP server \
         needs; missing servers come from apt.",
        places.build().display(),
        places.servers().display()
    );
    let all = guest::discover(places)?;
    let built = all.iter().filter(|guest| guest.purpose != Purpose::Kept);
    guest::build(places, &built.collect::<Vec<&Guest>>())?;

    // Building tests does not build the program, which some of them run; the same selection of packages keeps the features of
    // their dependencies the same, so that wasmtime is built once.
    process::run(native(places, &all, &["build", "--bins"]).args(["--exclude", REHEARSAL]))?;
    let mut command = native(places, &all, &["test"]);
    command
        .args(["--exclude", REHEARSAL])
        .args(arguments)
        .env("GOATHERD_GUESTS", places.guests());
    let status = Servers::start(places)?.run(&mut command)?;
    if !status.success() {
        bail!("tests failed: {status}");
    }
    // Whoever asked for some of the tests did not ask for these, unless by their name.
    if !arguments.is_empty() && !arguments.iter().any(|argument| argument == "rehearsal") {
        return Ok(());
    }
    let mut command = native(places, &all, &["test", "--test", "rehearsal"]);
    let status = command.env("GOATHERD_GUESTS", places.guests()).status()?;
    if !status.success() {
        bail!("the tests of the contract's next versions failed: {status}");
    }
    Ok(())
}
