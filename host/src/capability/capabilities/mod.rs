//! `capabilities`: capabilities and workflows of the application and of other plugins.
//!
//! Which there are is known to the layer that knows all plugins; here it is decided what a plugin may run of them. A
//! capability of a plugin runs with that plugin's own grants, for the same user and organisation, within what is left of
//! the caller's deadline. The chain of calls bounds how deep capabilities run each other, as it bounds calls to plugins.

use std::sync::Arc;

use crate::capability::table::CAPABILITIES;
use crate::capability::{Interface, Of, Peers, PrepareError, Provider, Setup, View};
use crate::contract::bindings::link;
use crate::contract::host::{self, AvailableCapability};
use crate::contract::{Error, Json};
use crate::names::text::quoted;
use crate::permission::{Scope, SlugPattern};

/// Serves `capabilities` with the peers that each plugin was loaded with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Capabilities;

impl Provider for Capabilities {
    type State = Runs;

    fn interfaces(&self) -> Vec<Interface<Runs>> {
        vec![Interface::known(
            CAPABILITIES,
            link::capabilities::<_, Of<Runs>>,
        )]
    }

    async fn prepare(&self, setup: &Setup<'_>) -> Result<Runs, PrepareError> {
        Ok(Runs {
            peers: Arc::clone(setup.peers),
            scope: setup.grants.capabilities().cloned(),
        })
    }
}

/// Which capabilities one plugin may run.
pub struct Runs {
    peers: Arc<dyn Peers>,
    scope: Option<Scope<SlugPattern>>,
}

impl Runs {
    fn allows(&self, slug: &str) -> bool {
        self.scope.as_ref().is_some_and(|scope| scope.allows(slug))
    }
}

impl host::Capabilities for View<'_, Runs> {
    async fn run(&mut self, slug: String, input: String) -> Result<String, Error> {
        let runs = self.state()?;
        let caller = self.caller.plugin();
        if !runs.allows(&slug) {
            let shown = quoted(&slug);
            let covered = runs.scope.as_ref();
            return Err(Error::PermissionDenied(format!(
                "plugin \"{caller}\" may not run the capability {shown}: its capability grant covers {}; grant \
                 capability={} to allow it",
                covered.map_or_else(|| "nothing".to_owned(), ToString::to_string),
                slug.escape_debug()
            )));
        }
        let input = Json::parse(input).map_err(|error| {
            Error::InvalidArgument(format!(
                "plugin \"{caller}\" ran the capability \"{slug}\" with an input that is not JSON: {error}"
            ))
        })?;
        let context = self
            .caller
            .onward(format_args!("the capability \"{slug}\""), &slug)?;
        let output = runs.peers.run_capability(&slug, input, context).await?;
        Ok(output.into_string())
    }

    async fn available(&mut self) -> Result<Vec<AvailableCapability>, Error> {
        let runs = self.state()?;
        let mut available = runs.peers.capabilities()?;
        available.retain(|capability| runs.allows(&capability.slug));
        Ok(available)
    }
}
