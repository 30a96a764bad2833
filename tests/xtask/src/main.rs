//! `cargo xtask`: what the project does to itself, from building guests to running all tests.
//!
//! Each command is one module under `command`, with one row in `COMMANDS`. Everything that a command makes goes below
//! cargo's target directory; nothing is written into the checkout. A command that installs anything says so first.
//! It exits with 0, with 1 when something failed, and with 2 for wrong usage.

mod command;
mod demo;
mod guest;
mod places;
mod process;
mod servers;

use std::process::ExitCode;

use command::{COMMANDS, Usage};
use places::Places;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next();
    let arguments: Vec<String> = arguments.collect();
    match name.as_deref() {
        None | Some("help" | "--help" | "-h") => {
            print!("{}", help());
            ExitCode::SUCCESS
        }
        Some(name) => {
            let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
                eprint!("error: there is no command {name:?}\n\n{}", help());
                return ExitCode::from(2);
            };
            match Places::find().and_then(|places| (command.run)(&places, &arguments)) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) if error.is::<Usage>() => {
                    eprintln!("error: {error}\n\nusage: cargo xtask {}", command.usage);
                    ExitCode::from(2)
                }
                Err(error) => {
                    eprintln!("error: {error:#}");
                    ExitCode::FAILURE
                }
            }
        }
    }
}

fn help() -> String {
    let mut help = String::from("usage: cargo xtask COMMAND\n\n");
    for command in COMMANDS {
        help += &format!("  {}\n      {}\n", command.usage, command.about);
    }
    help += "  help\n      Prints this.\n";
    help
}
