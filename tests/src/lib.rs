//! What the suites share: guests, hosts, calls, the program, a helpdesk's database, and measurements of this process.
//!
//! Nothing here decides whether a test passes, except that what a test needs and does not find fails it with the command
//! that makes it: a missing guest is never a skipped test.
//!
//! Guests are in the folder that `GOATHERD_GUESTS` names, or else in `guests` of cargo's target directory. Whatever is
//! compiled goes through one code cache in the target directory, so that a large guest is compiled once and not in each
//! of the suites' processes.

mod cable;
mod call;
pub mod fields;
pub mod front;
mod gate;
mod guest;
mod helpdesk;
mod helpdesk_postgres;
mod host;
pub mod kill;
mod managed;
mod measure;
mod outside;
mod program;
mod server;
pub mod servers;
mod sse;
mod stores;
mod wait;
mod web_server;
pub mod wit;

pub use cable::Cable;
pub use call::{call, call_in, call_text, in_language, json, until};
pub use gate::Gate;
pub use guest::{
    Phase, guest, guest_path, hostile, importing, importing_async, in_version, misregistered,
    mistyped, probe_standard, probe_wasi, relay, steady,
};
pub use helpdesk::{Helpdesk, helpdesk, helpdesk_with};
pub use helpdesk_postgres::{Held, PostgresHelpdesk, postgres_helpdesk, postgres_helpdesk_with};
pub use host::{
    NoDatabase, PROBE_GRANTS, code_cache_directory, database_host, grants, host, host_builder,
    limits, load, plugin, probe, probe_host, reader, reader_trusting,
};
pub use managed::Managed;
pub use measure::{Process, process};
pub use outside::{Authority, Names, http_client};
pub use program::{Outcome, goatherd, program};
pub use server::{Answer, Server};
pub use sse::{EventStream, SseEvent};
pub use stores::{StoreKind, postgres_store, sqlite_store};
pub use wait::{PATIENCE, until_served, until_waiting, wait_for, wait_for_async};
pub use web_server::{Reply, Seen, WebServer};

use std::path::PathBuf;

/// Cargo's target directory, which the test's own executable is in.
fn target() -> PathBuf {
    let executable = std::env::current_exe().expect("a test knows its executable");
    // target/PROFILE/deps/EXECUTABLE
    let target = executable.ancestors().nth(3);
    target
        .expect("a test is three folders down in the target directory")
        .to_owned()
}
