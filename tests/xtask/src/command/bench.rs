//! `cargo xtask bench`: what the host costs, as ratios taken in one run.

use anyhow::Result;

use crate::guest::{self, Guest};
use crate::places::Places;
use crate::process::{self, cargo};

/// The guests that are measured.
const GUESTS: &[&str] = &["bench", "bench-data", "hostile", "probe-fields", "steady"];

pub(super) fn run(places: &Places, arguments: &[String]) -> Result<()> {
    let all = guest::discover(places)?;
    let measured: Vec<&Guest> = all
        .iter()
        .filter(|guest| GUESTS.contains(&guest.name.as_str()))
        .collect();
    guest::build(places, &measured)?;
    println!("Building the host at full speed; the first time this takes some minutes.");
    let mut command = cargo(places);
    command
        .args([
            "bench",
            "--package",
            "goatherd-tests",
            "--bench",
            "goatherd",
            "--",
        ])
        .args(arguments)
        .env("GOATHERD_GUESTS", places.guests());
    process::run(&mut command)
}
