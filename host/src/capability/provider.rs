//! How a back-end becomes something that plugins can use.
//!
//! A [`Provider`] serves interfaces (`db-read` and `db-write`, say) from one back-end. It brings their rows: for each its
//! name, what opens it, and how it is linked; ours are made of the same rows as anybody's. It is asked once for each plugin
//! that is loaded and imports one of them, and then has everything that it needs to decide: the plugin's name, its grants
//! and its registration. What it prepares is shared by all instances of that plugin until the plugin is unloaded, and each
//! function of its interfaces gets to see it in a [`View`].
//!
//! An application gives one of our interfaces another back-end, or another provider altogether, by a row for it
//! ([`Interface::known`]): the later of two providers for one interface serves it. Its own interfaces have rows with their
//! names and what opens them: a [permission of its own](AppPermission), or nothing. Their names must not be in the packages
//! of the contract and of WASI, whose interfaces are this crate's to name.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use semver::Version;
use thiserror::Error;
use wasmtime::component::Linker;

use crate::capability::guest::{Guest, Slot, View};
use crate::capability::peers::Peers;
use crate::capability::rate::PluginRates;
use crate::capability::table::{Gate, Known};
use crate::contract::PluginName;
use crate::contract::registration::Registration;
use crate::contract::version::PACKAGE;
use crate::permission::{Access, AppPermission, AppPermissionError, Grants};

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
    name: Name,
    opened_by: Opening,
    link: Option<LinkInterface<S>>,
}

/// A name without its version, and the version where it is said.
#[derive(Debug, Clone)]
struct Name {
    interface: &'static str,
    version: Option<&'static str>,
}

/// What opens an interface.
#[derive(Debug, Clone)]
enum Opening {
    /// One of this crate, with its gate.
    Known(Gate),
    /// Nothing needs to: it is open to every plugin.
    Ambient,
    /// It has only types.
    TypesOnly,
    /// A permission of the application's, at a level where it has levels.
    App(AppPermission, Option<Access>),
}

/// How an interface is added to a linker: by the generated `add_to_linker`, with a function that gives the view on which
/// the interface's functions work.
pub type LinkInterface<S> = fn(&mut Linker<Guest>, ViewOf<S>) -> wasmtime::Result<()>;

/// Gives the view of a store's data on which the functions of an interface work.
pub type ViewOf<S> = for<'a> fn(&'a mut Guest) -> View<'a, S>;

impl<S: Send + Sync + 'static> Interface<S> {
    /// One of ours, or of WASI's, under the gate that it always has.
    #[must_use]
    pub fn known(known: Known, link: LinkInterface<S>) -> Self {
        Self {
            name: Name::of(known.name),
            opened_by: Opening::Known(known.gate),
            link: Some(link),
        }
    }

    /// One of the application's, for plugins that have its permission: at this level, or without one where the permission
    /// has no levels. `name` is with the package, and best with the version that is linked, so that a component which was
    /// built against another is refused by name: `acme:billing/invoices@1.2.0`.
    ///
    /// Building the host fails when the name is none, or is in a package that this crate names, and when the permission does
    /// not have the level.
    #[must_use]
    pub fn app(
        name: &'static str,
        permission: &AppPermission,
        access: Option<Access>,
        link: LinkInterface<S>,
    ) -> Self {
        Self {
            name: Name::of(name),
            opened_by: Opening::App(permission.clone(), access),
            link: Some(link),
        }
    }

    /// One of the application's that is open to every plugin, ungranted. Building the host fails as for [`app`](Self::app).
    #[must_use]
    pub fn ambient(name: &'static str, link: LinkInterface<S>) -> Self {
        Self {
            name: Name::of(name),
            opened_by: Opening::Ambient,
            link: Some(link),
        }
    }

    /// One of the application's that has only types, for others to use. Building the host fails as for [`app`](Self::app).
    #[must_use]
    pub fn types_only(name: &'static str) -> Self {
        Self {
            name: Name::of(name),
            opened_by: Opening::TypesOnly,
            link: None,
        }
    }
}

impl Name {
    fn of(name: &'static str) -> Self {
        match name.split_once('@') {
            Some((interface, version)) => Self {
                interface,
                version: Some(version),
            },
            None => Self {
                interface: name,
                version: None,
            },
        }
    }

    /// The version of an interface of the application's, with a name that it can have.
    fn check(&self) -> Result<Option<Version>, InterfaceError> {
        let Self { interface, version } = self;
        let word = |word: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            word.starts_with(|first: char| first.is_ascii_alphabetic()) && word.bytes().all(known)
        };
        let parts = interface
            .split_once('/')
            .and_then(|(package, interface)| Some((package.split_once(':')?, interface)));
        let Some(((namespace, package), short)) = parts else {
            return Err(InterfaceError::Name { name: interface });
        };
        if ![namespace, package, short].into_iter().all(word) {
            return Err(InterfaceError::Name { name: interface });
        }
        let (ours, _) = PACKAGE.split_once(':').unwrap_or((PACKAGE, ""));
        if [ours, "wasi"].contains(&namespace) {
            return Err(InterfaceError::Taken {
                name: interface,
                namespace,
            });
        }
        let version = version.map(Version::parse).transpose();
        version.map_err(|error| InterfaceError::Version {
            name: interface,
            reason: error.to_string(),
        })
    }
}

/// Why an interface that a provider brings cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InterfaceError {
    /// Its name is none.
    #[error(
        "{name:?} is no name for an interface; write package and interface, such as acme:billing/invoices@1.0.0"
    )]
    Name {
        /// The name, without a version.
        name: &'static str,
    },
    /// Its name is in a package that is not the application's to name.
    #[error(
        "the interface {name} is in the namespace {namespace}, which is not the application's: name its own otherwise, such as \
         acme:billing/invoices; to serve one of the host's interfaces, bring it as a known one"
    )]
    Taken {
        /// The name, without a version.
        name: &'static str,
        /// Whose it is.
        namespace: &'static str,
    },
    /// Its version is none.
    #[error("the version of the interface {name} is none: {reason}")]
    Version {
        /// The name, without a version.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// What opens it is not right.
    #[error("the interface {name}: {source}")]
    Permission {
        /// The name, without a version.
        name: &'static str,
        /// Why.
        source: AppPermissionError,
    },
}

/// What a provider knows of the plugin that it prepares for.
#[non_exhaustive]
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
#[non_exhaustive]
pub struct PrepareError {
    /// The family of interfaces, such as `db`.
    pub capability: &'static str,
    /// What went wrong, in the back-end's words.
    pub reason: String,
}

impl PrepareError {
    /// Of a family of interfaces, and why.
    #[must_use]
    pub fn new(capability: &'static str, reason: String) -> Self {
        Self { capability, reason }
    }
}

/// A provider whose type is forgotten, with its rows.
pub(super) struct Erased {
    rows: Vec<Row>,
    provider: Box<dyn Prepare>,
}

/// An interface of some provider.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// The version that is linked; none where it is checked elsewhere or not said.
    pub(super) version: Option<Version>,
    pub(super) gate: Gate,
    /// What opens it, where that is the application's.
    pub(super) permission: Option<AppPermission>,
    /// None where there is nothing to link.
    pub(super) link: Option<Link>,
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
    /// A provider with those of its rows that can be served, and what is wrong with the others.
    pub(super) fn new<P: Provider>(provider: P) -> (Self, Vec<InterfaceError>) {
        let mut wrong = Vec::new();
        let mut rows = Vec::new();
        for interface in provider.interfaces() {
            match Row::of(interface) {
                Ok(row) => rows.push(row),
                Err(error) => wrong.push(error),
            }
        }
        let provider = Box::new(provider);
        (Self { rows, provider }, wrong)
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(super) async fn prepare(&self, setup: &Setup<'_>) -> Result<Slot, PrepareError> {
        self.provider.prepare(setup).await
    }
}

impl Row {
    fn of<S: Send + Sync + 'static>(interface: Interface<S>) -> Result<Self, InterfaceError> {
        let Interface {
            name,
            opened_by,
            link,
        } = interface;
        let link =
            link.map(|link| -> Link { Box::new(move |linker| link(linker, Guest::view::<S>)) });
        let (gate, permission) = match opened_by {
            Opening::Known(gate) => {
                return Ok(Self {
                    name: name.interface,
                    version: None,
                    gate,
                    permission: None,
                    link,
                });
            }
            Opening::Ambient => (Gate::Ambient, None),
            Opening::TypesOnly => (Gate::TypesOnly, None),
            Opening::App(permission, access) => {
                let need = permission.need(access);
                let need = need.map_err(|source| InterfaceError::Permission {
                    name: name.interface,
                    source,
                })?;
                (Gate::Needs(need), Some(permission))
            }
        };
        Ok(Self {
            name: name.interface,
            version: name.check()?,
            gate,
            permission,
            link,
        })
    }
}

impl<S> fmt::Debug for Interface<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interface")
            .field("name", &self.name)
            .field("opened_by", &self.opened_by)
            .finish_non_exhaustive()
    }
}
