//! WASI 0.2, as far as it is harmless.
//!
//! Most languages' runtimes import clocks, random numbers, streams and an environment whether a plugin uses them or not,
//! so these are always linked: the environment and the arguments are empty, standard input is at its end, standard output
//! and error go into the plugin's log, and no directory is opened but the data folder of a plugin that has a
//! [`files`](super::files) grant. Types of HTTP are among them; sending a request with them needs the `http` grant and goes
//! [the way of all requests](crate::capability::http). Sockets are linked and reach nothing. What WASI has not released is
//! served beside our own interfaces of the same purpose, in [drafts](DRAFTS): `wasi:keyvalue` by [`cache`](super::cache),
//! `wasi:config` by [`config`](super::config), `wasi:logging` by [`log`](super::log).
//!
//! All of it is there while a plugin registers, too: runtimes read clocks and print before they run any code of the plugin.

mod draft;
mod sockets;
mod stdio;
mod version;

pub(super) use draft::names;
pub use draft::{DRAFTS, Draft};
pub(super) use stdio::Stdio;
pub use version::refusal;

use wasmtime::component::{HasData, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, io, random};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{WasiCtx, WasiView as _};

use crate::capability::log::{ErrorOutput, PluginLog};
use crate::capability::{Guest, Interface, PrepareError, Provider, Setup, table};

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

/// Serves WASI 0.2, but for what needs a grant.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wasi;

impl Provider for Wasi {
    type State = ();

    #[rustfmt::skip]
    fn interfaces(&self) -> Vec<Interface<()>> {
        [
            Interface::known(table::WASI_IO_ERROR, |l, _| io::error::add_to_linker::<_, Streams>(l, |g| g.ctx().table)),
            Interface::known(table::WASI_IO_POLL, |l, _| io::poll::add_to_linker::<_, Streams>(l, |g| g.ctx().table)),
            Interface::known(table::WASI_IO_STREAMS, |l, _| io::streams::add_to_linker::<_, Streams>(l, |g| g.ctx().table)),
            Interface::known(table::WASI_WALL_CLOCK, |l, _| clocks::wall_clock::add_to_linker::<_, WasiClocks>(l, Guest::clocks)),
            Interface::known(table::WASI_MONOTONIC_CLOCK, |l, _| clocks::monotonic_clock::add_to_linker::<_, WasiClocks>(l, Guest::clocks)),
            Interface::known(table::WASI_RANDOM, |l, _| random::random::add_to_linker::<_, WasiRandom>(l, |g| g.ctx().ctx.random())),
            Interface::known(table::WASI_INSECURE, |l, _| random::insecure::add_to_linker::<_, WasiRandom>(l, |g| g.ctx().ctx.random())),
            Interface::known(table::WASI_INSECURE_SEED, |l, _| random::insecure_seed::add_to_linker::<_, WasiRandom>(l, |g| g.ctx().ctx.random())),
            Interface::known(table::WASI_EXIT, |l, _| cli::exit::add_to_linker::<_, WasiCli>(l, Guest::cli)),
            Interface::known(table::WASI_ENVIRONMENT, |l, _| cli::environment::add_to_linker::<_, WasiCli>(l, Guest::cli)),
            Interface::known(table::WASI_STDIN, |l, _| cli::stdin::add_to_linker::<_, WasiCli>(l, Guest::cli)),
            Interface::known(table::WASI_STDOUT, |l, _| cli::stdout::add_to_linker::<_, WasiCli>(l, Guest::cli)),
            Interface::known(table::WASI_STDERR, |l, _| cli::stderr::add_to_linker::<_, WasiCli>(l, Guest::cli)),
            Interface::known(table::WASI_TERMINAL_INPUT, |l, _| cli::terminal_input::add_to_linker::<_, WasiCli>(l, Guest::cli)),
            Interface::known(table::WASI_TERMINAL_OUTPUT, |l, _| cli::terminal_output::add_to_linker::<_, WasiCli>(l, Guest::cli)),
            Interface::known(table::WASI_TERMINAL_STDIN, |l, _| cli::terminal_stdin::add_to_linker::<_, WasiCli>(l, Guest::cli)),
            Interface::known(table::WASI_TERMINAL_STDOUT, |l, _| cli::terminal_stdout::add_to_linker::<_, WasiCli>(l, Guest::cli)),
            Interface::known(table::WASI_TERMINAL_STDERR, |l, _| cli::terminal_stderr::add_to_linker::<_, WasiCli>(l, Guest::cli)),
            #[cfg(feature = "http")]
            Interface::known(table::WASI_HTTP_TYPES, |l, _| crate::capability::http::link_types(l)),
        ]
        .into_iter()
        .chain(sockets::interfaces())
        .collect()
    }

    async fn prepare(&self, _: &Setup<'_>) -> Result<(), PrepareError> {
        Ok(())
    }
}
