//! `wasi:config/store`, and `wasi:config/runtime` as it was called before: the settings that `config` reads.
//!
//! Keys, scope and values are those of `config`: a text is given as it is, and anything else, which WASI has no type for, as
//! JSON text. `get-all` gives what `get` would give for each key that there is, so nothing out of scope. WASI's error has no
//! case for a denial; it is `upstream` with the text that `config` has for it.

use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use super::PluginConfig;
use crate::capability::wasi::names;
use crate::capability::{Guest, View, ViewOf};
use crate::contract::Error;

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
        path: "wit/config",
        world: "wasi:config/imports",
    });
}

use generated::wasi::config::store;

impl store::Host for View<'_, PluginConfig> {
    fn get(&mut self, key: String) -> Result<Option<String>, store::Error> {
        Ok(self.state()?.get(self.caller.plugin(), &key)?)
    }

    fn get_all(&mut self) -> Result<Vec<(String, String)>, store::Error> {
        Ok(self.state()?.all(self.caller.plugin()))
    }
}

impl From<Error> for store::Error {
    fn from(error: Error) -> Self {
        Self::Upstream(error.message().into_owned())
    }
}

/// Adds an interface with these two functions to a linker, under every name that it has.
///
/// # Errors
///
/// When the linker has one of them already.
pub(super) fn link(
    interface: &str,
    linker: &mut Linker<Guest>,
    view: ViewOf<PluginConfig>,
) -> wasmtime::Result<()> {
    for name in names(interface) {
        let mut instance = linker.instance(&name)?;
        instance.func_wrap(
            "get",
            move |mut store: StoreContextMut<'_, Guest>, (key,): (String,)| {
                Ok((store::Host::get(&mut view(store.data_mut()), key),))
            },
        )?;
        instance.func_wrap(
            "get-all",
            move |mut store: StoreContextMut<'_, Guest>, (): ()| {
                Ok((store::Host::get_all(&mut view(store.data_mut())),))
            },
        )?;
    }
    Ok(())
}
