//! The servers that tests talk to: PostgreSQL, Redis, and an SMTP server that keeps what it is given.
//!
//! They are real, they belong to this run alone, and they listen on loopback, each on a port that was free. Where they
//! are is said in environment variables ([`Servers::apply`]). Everything that they write is in one temporary folder,
//! which goes when they go. They run as long as [`Servers`] lives, and never longer than this process does: see
//! [`Keeper`].

mod install;
pub(crate) mod keeper;
mod mail;
mod postgres;
mod redis;

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::places::Places;
use keeper::Keeper;

/// A free port can be taken by somebody else before the server has it; then another is tried.
const ATTEMPTS: u32 = 3;

/// The servers of one run. They are stopped when this is dropped.
pub(crate) struct Servers {
    variables: Vec<(&'static str, String)>,
    keeper: Keeper,
}

impl Servers {
    /// Installs what is missing, and starts them all. They answer when this returns.
    pub(crate) fn start(places: &Places) -> Result<Self> {
        let mut keeper = Keeper::start()?;
        let mut variables = Vec::new();
        let programs = install::find()?;
        variables.extend(postgres::start(&programs.postgres, &mut keeper)?);
        variables.extend(redis::start(&programs.redis, &mut keeper)?);
        variables.extend(mail::start(places, &mut keeper)?);
        Ok(Self { variables, keeper })
    }

    /// Tells a command where they are.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }

    /// Runs a command that the user sees and that knows where they are.
    pub(crate) fn run(&mut self, command: &mut Command) -> Result<ExitStatus> {
        self.apply(command);
        self.keeper.run(command)
    }
}

/// Tries a start again with another port.
fn attempt<T>(mut start: impl FnMut() -> Result<T>) -> Result<T> {
    let mut number = 1;
    loop {
        match start() {
            Err(error) if number < ATTEMPTS => {
                eprintln!("servers: trying again, since {error:#}");
                number += 1;
            }
            outcome => return outcome,
        }
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

fn connect(port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    Ok(stream)
}
