//! The commands, one module each.

mod bench;
mod demo;
mod guests;
mod servers;
mod test;

use std::fmt;

use crate::places::Places;

/// A command of `cargo xtask`.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// Its name and arguments, for the help.
    pub(crate) usage: &'static str,
    /// What it does, for the help.
    pub(crate) about: &'static str,
    /// Runs it with the arguments after its name.
    pub(crate) run: fn(&Places, &[String]) -> anyhow::Result<()>,
}

/// Every command, in the order in which the help shows them.
pub(crate) const COMMANDS: &[Command] = &[
    Command {
        name: "guests",
        usage: "guests [NAME...] [--tests] [--check]",
        about: "Builds the example plugins, or those named, into target/guests/NAME.wasm; with --tests the guests \
                that tests use too; with --check prints what each imports and exports.",
        run: guests::run,
    },
    Command {
        name: "demo",
        usage: "demo [--listen ADDRESS]",
        about: "Builds the host and the examples, makes a helpdesk database, and serves it all on 127.0.0.1:8787.",
        run: demo::run,
    },
    Command {
        name: "bench",
        usage: "bench",
        about: "Measures what the host costs, and writes target/bench/report.json.",
        run: bench::run,
    },
    Command {
        name: "servers",
        usage: "servers -- COMMAND...",
        about: "Starts PostgreSQL, Redis and an SMTP server on free ports of loopback, runs the command with \
                GOATHERD_TEST_POSTGRES, _REDIS, _SMTP and _MAIL set, and stops them.",
        run: servers::run,
    },
    Command {
        name: "test",
        usage: "test [ARGUMENT...]",
        about: "Sets up what the tests need and runs them all, with the servers; arguments go to `cargo test`.",
        run: test::run,
    },
];

/// The error of a command that was called in the wrong way.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}
