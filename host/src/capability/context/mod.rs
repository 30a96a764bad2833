//! `context`: for whom and within what a call runs.
//!
//! Everything comes from the store's own record of the call, so neither the plugin nor a client can change it.

use wasmtime::component::Linker;

use crate::capability::{Guest, Of, View};
use crate::contract::v0_1::goatherd::plugin::context;

/// Adds the interface to a linker.
///
/// # Errors
///
/// When the linker has it already.
pub fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    context::add_to_linker::<_, Of<()>>(linker, Guest::view::<()>)
}

impl context::Host for View<'_, ()> {
    fn org_id(&mut self) -> Option<i64> {
        self.caller.context().org_id
    }

    fn user(&mut self) -> Option<context::ActingUser> {
        let user = self.caller.context().user.as_ref()?;
        Some(context::ActingUser {
            id: user.id.clone(),
            name: user.name.clone(),
            groups: user.groups.clone(),
        })
    }

    fn language(&mut self) -> String {
        self.caller.context().language.to_string()
    }

    fn request_id(&mut self) -> String {
        self.caller.context().request_id.to_string()
    }

    fn deadline_ms(&mut self) -> u64 {
        u64::try_from(self.caller.remaining().as_millis()).unwrap_or(u64::MAX)
    }
}
