//! WASI 0.2, as far as it is harmless.
//!
//! Most languages' runtimes import clocks, random numbers, streams and an environment whether a plugin uses them or not,
//! so these are always linked: the environment and the arguments are empty, standard input is at its end, standard output
//! and error go into the plugin's log, and no directory is opened but the data folder of a plugin that has a
//! [`files`](super::files) grant. Types of HTTP are among them; sending a request with them needs the `http` grant and goes
//! [the way of all requests](crate::capability::http). [Sockets](sockets) are linked and reach nothing.
//!
//! All of it is there while a plugin registers, too: runtimes read clocks and print before they run any code of the plugin.

mod sockets;
mod stdio;
mod version;

pub(super) use stdio::Stdio;
pub use version::refusal;

use wasmtime::component::{HasData, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, io, random};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{WasiCtx, WasiView as _};

use crate::capability::files::Files;
use crate::capability::log::{ErrorOutput, PluginLog};
use crate::capability::table::{Interface, Link, ambient, gated};
use crate::capability::{Guest, http};
use crate::permission::Need;

use std::sync::Arc;

/// The largest answer to one request for random bytes.
const RANDOM_BYTES: u64 = 1024 * 1024;

/// The WASI context of one instance, and the streams that it prints to.
pub(super) fn context(log: &Arc<PluginLog>, error_output: &Arc<ErrorOutput>) -> (WasiCtx, Stdio) {
    let stdio = Stdio::new(log, error_output);
    let context = WasiCtx::builder()
        .stdout(stdio.out.clone())
        .stderr(stdio.err.clone())
        .allow_blocking_current_thread(false)
        // So that no socket is made; wasmtime allows none by default either.
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .max_random_size(RANDOM_BYTES)
        .build();
    (context, stdio)
}

/// Streams and pollables need no more than the table of resources.
struct Streams;

impl HasData for Streams {
    type Data<'a> = &'a mut ResourceTable;
}

/// The interfaces of WASI that a component may import.
pub(super) fn interfaces() -> impl Iterator<Item = &'static Interface> {
    INTERFACES.iter().chain(sockets::INTERFACES)
}

#[rustfmt::skip]
const INTERFACES: &[Interface] = &[
    ambient("wasi:io/error", Link::Function(|l| io::error::add_to_linker::<_, Streams>(l, |g| g.ctx().table))),
    ambient("wasi:io/poll", Link::Function(|l| io::poll::add_to_linker::<_, Streams>(l, |g| g.ctx().table))),
    ambient("wasi:io/streams", Link::Function(|l| io::streams::add_to_linker::<_, Streams>(l, |g| g.ctx().table))),
    ambient("wasi:clocks/wall-clock", Link::Function(|l| clocks::wall_clock::add_to_linker::<_, WasiClocks>(l, Guest::clocks))),
    ambient("wasi:clocks/monotonic-clock", Link::Function(|l| clocks::monotonic_clock::add_to_linker::<_, WasiClocks>(l, Guest::clocks))),
    ambient("wasi:random/random", Link::Function(|l| random::random::add_to_linker::<_, WasiRandom>(l, |g| g.ctx().ctx.random()))),
    ambient("wasi:random/insecure", Link::Function(|l| random::insecure::add_to_linker::<_, WasiRandom>(l, |g| g.ctx().ctx.random()))),
    ambient("wasi:random/insecure-seed", Link::Function(|l| random::insecure_seed::add_to_linker::<_, WasiRandom>(l, |g| g.ctx().ctx.random()))),
    ambient("wasi:cli/exit", Link::Function(|l| cli::exit::add_to_linker::<_, WasiCli>(l, Guest::cli))),
    ambient("wasi:cli/environment", Link::Function(|l| cli::environment::add_to_linker::<_, WasiCli>(l, Guest::cli))),
    ambient("wasi:cli/stdin", Link::Function(|l| cli::stdin::add_to_linker::<_, WasiCli>(l, Guest::cli))),
    ambient("wasi:cli/stdout", Link::Function(|l| cli::stdout::add_to_linker::<_, WasiCli>(l, Guest::cli))),
    ambient("wasi:cli/stderr", Link::Function(|l| cli::stderr::add_to_linker::<_, WasiCli>(l, Guest::cli))),
    ambient("wasi:cli/terminal-input", Link::Function(|l| cli::terminal_input::add_to_linker::<_, WasiCli>(l, Guest::cli))),
    ambient("wasi:cli/terminal-output", Link::Function(|l| cli::terminal_output::add_to_linker::<_, WasiCli>(l, Guest::cli))),
    ambient("wasi:cli/terminal-stdin", Link::Function(|l| cli::terminal_stdin::add_to_linker::<_, WasiCli>(l, Guest::cli))),
    ambient("wasi:cli/terminal-stdout", Link::Function(|l| cli::terminal_stdout::add_to_linker::<_, WasiCli>(l, Guest::cli))),
    ambient("wasi:cli/terminal-stderr", Link::Function(|l| cli::terminal_stderr::add_to_linker::<_, WasiCli>(l, Guest::cli))),
    ambient("wasi:filesystem/types", Link::Function(|l| filesystem::types::add_to_linker::<_, Files>(l, Guest::files))),
    ambient("wasi:filesystem/preopens", Link::Function(|l| filesystem::preopens::add_to_linker::<_, Files>(l, Guest::files))),
    ambient("wasi:http/types", Link::Function(http::link_types)),
    gated("wasi:http/outgoing-handler", Need::HTTP, Link::Function(http::link_outgoing_handler)),
];
