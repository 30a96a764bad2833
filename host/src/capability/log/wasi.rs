//! `wasi:logging/logging`, into the same log by the same limits as `log`.
//!
//! WASI has a level below ours and one above: `trace` is written as `debug`, and `critical` as `error`. The context, which is
//! there to group entries, becomes the field `context`; an empty one, which is how most libraries say that they have none,
//! becomes no field.

use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use super::Level;
use crate::capability::table::WASI_LOGGING;
use crate::capability::wasi::names;
use crate::capability::{Guest, View, ViewOf};
use crate::contract::host;

#[allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::all,
    clippy::pedantic,
    reason = "generated code; its documentation is in host/wit/"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: "wit/logging",
        world: "wasi:logging/imports",
    });
}

use generated::wasi::logging::logging;

/// What the field with an entry's context is called.
const CONTEXT: &str = "context";

impl logging::Host for View<'_, ()> {
    fn log(&mut self, level: logging::Level, context: String, message: String) {
        let level = match level {
            logging::Level::Trace | logging::Level::Debug => Level::Debug,
            logging::Level::Info => Level::Info,
            logging::Level::Warn => Level::Warn,
            logging::Level::Error | logging::Level::Critical => Level::Error,
        };
        let context = (!context.is_empty()).then(|| (CONTEXT.to_owned(), context));
        host::Log::log(self, level, message, context.into_iter().collect());
    }
}

/// Adds it to a linker, under every name that it has.
///
/// # Errors
///
/// When the linker has one of them already.
pub(super) fn link(linker: &mut Linker<Guest>, view: ViewOf<()>) -> wasmtime::Result<()> {
    for name in names(WASI_LOGGING.name) {
        linker.instance(&name)?.func_wrap(
            "log",
            move |mut store: StoreContextMut<'_, Guest>, (level, context, message)| {
                logging::Host::log(&mut view(store.data_mut()), level, context, message);
                Ok(())
            },
        )?;
    }
    Ok(())
}
