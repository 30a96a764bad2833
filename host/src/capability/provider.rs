//! How a back-end becomes something that plugins can use.
//!
//! A [`Provider`] serves interfaces (`db-read` and `db-write`, say) from one back-end. It brings their rows: for each its
//! name, what opens it, and how it is linked; ours are made of the same rows as anybody's. It is asked once for each plugin
//! that is loaded and imports one of them, and then has everything that it needs to decide: the plugin's name, its grants
//! and its registration. What it prepares is shared by all instances of that plugin until the plugin is unloaded, and each
//! function of its interfaces gets to see it in a [`View`].
//!
//! An application gives one of our interfaces another back-end by a provider that has the row for it: the later of two
//! providers for one interface serves it. Rows are for interfaces that the [table](super::table) knows; others have no
//! permission yet that could open them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use thiserror::Error;
use wasmtime::component::Linker;

use crate::capability::guest::{Guest, Slot, View};
use crate::capability::peers::Peers;
use crate::capability::rate::PluginRates;
use crate::capability::table::{Gate, Known};
use crate::contract::PluginName;
use crate::contract::registration::Registration;
use crate::permission::Grants;

/// Serves interfaces from one back-end.
pub trait Provider: Send + Sync + 'static {
    /// What is prepared for one plugin.
    type State: Send + Sync + 'static;

    /// The interfaces that it serves.
    fn interfaces(&self) -> Vec<Interface<Self::State>>;

    /// Prepares what one plugin may use of the back-end.
    ///
    /// # Errors
    ///
    /// When the back-end cannot be reached or cannot express the grants; the plugin is then not loaded.
    fn prepare(
        &self,
        setup: &Setup<'_>,
    ) -> impl Future<Output = Result<Self::State, PrepareError>> + Send;
}

/// An interface that a component may import, served by a provider whose state for a plugin is `S`.
pub struct Interface<S: 'static> {
    name: &'static str,
    gate: Gate,
    link: LinkInterface<S>,
}

/// How an interface is added to a linker: by the generated `add_to_linker`, with a function that gives the view on which
/// the interface's functions work.
pub type LinkInterface<S> = fn(&mut Linker<Guest>, ViewOf<S>) -> wasmtime::Result<()>;

/// Gives the view of a store's data on which the functions of an interface work.
pub type ViewOf<S> = for<'a> fn(&'a mut Guest) -> View<'a, S>;

impl<S: Send + Sync + 'static> Interface<S> {
    /// One of ours, or of WASI's, under the gate that it always has.
    #[must_use]
    pub const fn known(known: Known, link: LinkInterface<S>) -> Self {
        Self {
            name: known.name,
            gate: known.gate,
            link,
        }
    }
}

/// What a provider knows of the plugin that it prepares for.
pub struct Setup<'a> {
    /// The plugin's name.
    pub plugin: &'a PluginName,
    /// What the operator granted.
    pub grants: &'a Grants,
    /// What the plugin says about itself.
    pub registration: &'a Registration,
    /// What is counted of it, with its limits. A provider keeps a clone of the counter that it uses.
    pub rates: &'a PluginRates,
    /// The other plugins.
    pub peers: &'a Arc<dyn Peers>,
}

/// Why a capability could not be prepared for a plugin.
#[derive(Debug, Error)]
#[error("{capability}: {reason}")]
pub struct PrepareError {
    /// The family of interfaces, such as `db`.
    pub capability: &'static str,
    /// What went wrong, in the back-end's words.
    pub reason: String,
}

/// A provider whose type is forgotten, with its rows.
pub(super) struct Erased {
    rows: Vec<Row>,
    provider: Box<dyn Prepare>,
}

/// An interface of some provider.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) gate: Gate,
    pub(super) link: Link,
}

/// Adds an interface to a linker.
type Link = Box<dyn Fn(&mut Linker<Guest>) -> wasmtime::Result<()> + Send + Sync>;

/// [`Provider::prepare`] without the type of the state.
trait Prepare: Send + Sync {
    fn prepare<'a>(&'a self, setup: &'a Setup<'_>) -> Preparing<'a>;
}

type Preparing<'a> = Pin<Box<dyn Future<Output = Result<Slot, PrepareError>> + Send + 'a>>;

impl<P: Provider> Prepare for P {
    fn prepare<'a>(&'a self, setup: &'a Setup<'_>) -> Preparing<'a> {
        Box::pin(async move { Provider::prepare(self, setup).await.map(Slot::new) })
    }
}

impl Erased {
    pub(super) fn new<P: Provider>(provider: P) -> Self {
        let interfaces = provider.interfaces().into_iter();
        let rows = interfaces.map(|interface| Row {
            name: interface.name,
            gate: interface.gate,
            link: Box::new(move |linker| (interface.link)(linker, Guest::view::<P::State>)),
        });
        Self {
            rows: rows.collect(),
            provider: Box::new(provider),
        }
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(super) async fn prepare(&self, setup: &Setup<'_>) -> Result<Slot, PrepareError> {
        self.provider.prepare(setup).await
    }
}

impl<S> fmt::Debug for Interface<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interface")
            .field("name", &self.name)
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}
