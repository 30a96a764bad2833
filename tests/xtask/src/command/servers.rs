//! `cargo xtask servers -- COMMAND`: a command, with the servers that tests talk to.

use std::process::Command;

use anyhow::{Result, bail};

use crate::command::Usage;
use crate::places::Places;
use crate::process::forget_package;
use crate::servers::Servers;

pub(super) fn run(places: &Places, arguments: &[String]) -> Result<()> {
    let words = match arguments {
        [separator, words @ ..] if separator == "--" => words,
        words => words,
    };
    let [program, words @ ..] = words else {
        return Err(Usage("which command?".into()).into());
    };
    let mut command = Command::new(program);
    forget_package(command.args(words));
    let status = Servers::start(places)?.run(&mut command)?;
    if !status.success() {
        bail!("{program} failed: {status}");
    }
    Ok(())
}
