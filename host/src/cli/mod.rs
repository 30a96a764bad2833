//! The program: a thin shell over the library.
//!
//! What a command produces goes to standard output and nothing else does; errors, progress and logs go to standard error. A
//! command that fails prints one line, `{"error": {"code": …, "message": …}}`, with a code of the contract, and exits with
//! 1; wrong usage exits with 2.

mod args;
mod back_ends;
mod call;
mod database;
mod failure;
mod inspect;
mod progress;
mod secret;
mod serve;
mod settings;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;

use args::{Args, Command};
use failure::Failure;

/// The WIT package as one text.
pub const WIT: &str = include_str!(concat!(env!("OUT_DIR"), "/goatherd-plugin.wit"));

/// Runs the program with the arguments of the process.
pub fn run() -> ExitCode {
    let args = Args::parse();
    match execute(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            ExitCode::FAILURE
        }
    }
}

fn execute(args: Args) -> Result<(), Failure> {
    start_logging(&args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the asynchronous runtime does not start")?;
    let settings = settings::load(&args)?;
    let done = match args.command {
        Command::Serve(_) => runtime.block_on(serve::run(settings)),
        Command::Inspect(inspect) => runtime.block_on(inspect::run(&settings, &inspect)),
        Command::Call(call) => runtime.block_on(call::run(&settings, &call)),
        Command::Secret(secret) => runtime.block_on(secret::run(&settings, &secret)),
        Command::Wit => failure::print(WIT),
    };
    // What plugins left running on blocking threads has a deadline of its own; the program does not wait for it.
    runtime.shutdown_background();
    done
}

/// Logs go to standard error: for a server from `info` on, otherwise only if asked for.
fn start_logging(args: &Args) -> Result<(), Failure> {
    use tracing_subscriber::EnvFilter;
    let default = match args.command {
        Command::Serve(_) => "info",
        _ => "off",
    };
    let asked = args.log.as_deref().unwrap_or(default);
    let filter = EnvFilter::try_new(asked).with_context(|| format!("--log {asked}"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}
