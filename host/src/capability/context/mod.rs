//! `context`: for whom and within what a call runs.
//!
//! Everything comes from the store's own record of the call, so neither the plugin nor a client can change it.

use std::sync::Arc;

use crate::capability::table::CONTEXT;
use crate::capability::{Interface, Of, PrepareError, Provider, Setup, View};
use crate::contract::bindings::link;
use crate::contract::{User, host};

/// Serves `context`.
#[derive(Debug, Clone, Copy, Default)]
pub struct CallContexts;

impl Provider for CallContexts {
    type State = ();

    fn interfaces(&self) -> Vec<Interface<()>> {
        vec![Interface::known(CONTEXT, link::context::<_, Of<()>>)]
    }

    async fn prepare(&self, _: &Setup<'_>) -> Result<(), PrepareError> {
        Ok(())
    }
}

impl host::Context for View<'_, ()> {
    fn org_id(&mut self) -> Option<i64> {
        self.caller.context().org_id
    }

    fn user(&mut self) -> Option<Arc<User>> {
        self.caller.context().user.clone()
    }

    fn caller(&mut self) -> Option<String> {
        let last = self.caller.context().chain.last()?;
        Some(last.to_string())
    }

    #[cfg(feature = "rehearsal")]
    fn callers(&mut self) -> Vec<String> {
        let callers = self.caller.context().chain.callers();
        callers.map(ToString::to_string).collect()
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
