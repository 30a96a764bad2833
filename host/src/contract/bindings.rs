//! The versions of the contract that have bindings: the one place that lists them.
//!
//! Each line of the contract (0.1, one day 0.2) has a folder with the bindings that are generated from its WIT. Nothing
//! else names one: what is imported is linked through the functions of [`link`], which add an interface in every version;
//! what is exported is called through [`Exports`], which is of the version that the component was built against. Both work
//! on plain types, so a further line is a folder, and a line in each list of this file.
//!
//! That this is so is rehearsed. With the feature `rehearsal`, which only tests have, the line 0.1 is served as far as a
//! 0.1.1 that adds a function and an export, and beside it a draft of 0.2.0 in which a record has another shape.

#[macro_use]
#[path = "v0_1/mod.rs"]
mod v0_1;
#[cfg(feature = "rehearsal")]
#[path = "v0_2/mod.rs"]
mod v0_2;

use std::sync::LazyLock;

use thiserror::Error as ThisError;
use wasmtime::AsContextMut;
use wasmtime::component::InstancePre;

use super::wire::handlers::{Deletion, JobRun, Request, Response, WidgetRequest};
use super::wire::registration::Registration;
use super::{ContractVersion, Error};

/// The newest version of each line.
const LINES: &[&str] = &[
    v0_1::VERSION,
    #[cfg(feature = "rehearsal")]
    v0_2::VERSION,
];

/// The newest version of each line that this host serves, oldest line first.
#[must_use]
pub fn served() -> &'static [ContractVersion] {
    // A version with a word behind it cannot be made before the program runs.
    static SERVED: LazyLock<Vec<ContractVersion>> =
        LazyLock::new(|| LINES.iter().filter_map(|line| line.parse().ok()).collect());
    &SERVED
}

/// An interface that a component can export beside `guest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exported {
    /// Answers routes.
    RouteHandler,
    /// Draws widgets.
    WidgetHandler,
    /// Runs jobs.
    JobHandler,
    /// Takes part in deletions.
    CascadeHandler,
    /// Decides who may listen to events.
    EventAuthorizer,
    /// Counts what entries of a navigation lead to.
    Navigation,
    /// Says how the plugin is.
    #[cfg(feature = "rehearsal")]
    Health,
}

impl Exported {
    /// Its name in the WIT.
    #[must_use]
    pub const fn interface(self) -> &'static str {
        match self {
            Self::RouteHandler => "route-handler",
            Self::WidgetHandler => "widget-handler",
            Self::JobHandler => "job-handler",
            Self::CascadeHandler => "cascade-handler",
            Self::EventAuthorizer => "event-authorizer",
            Self::Navigation => "navigation",
            #[cfg(feature = "rehearsal")]
            Self::Health => "health",
        }
    }

    /// The world that exports it.
    #[must_use]
    pub const fn world(self) -> &'static str {
        match self {
            Self::RouteHandler => "serves-routes",
            Self::WidgetHandler => "serves-widgets",
            Self::JobHandler => "serves-jobs",
            Self::CascadeHandler => "serves-cascades",
            Self::EventAuthorizer => "serves-events",
            Self::Navigation => "serves-badges",
            #[cfg(feature = "rehearsal")]
            Self::Health => "serves-health",
        }
    }
}

/// What was asked for is not exported. Describing a plugin rules it out for everything that it contributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
#[error("the component does not export {}", .0.interface())]
pub struct NotExported(pub Exported);

/// A component exports an interface of the contract with other types than the contract gives it.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[error(
    "its export goatherd:plugin/{interface}@{version} is not as the contract has it ({reason}); build it against the WIT that \
     `goatherd wit` prints"
)]
#[non_exhaustive]
pub struct Mistyped {
    /// The interface.
    pub interface: &'static str,
    /// The version that the component was built against.
    pub version: ContractVersion,
    /// What differs, in wasmtime's words.
    pub reason: String,
}

/// How interfaces are added to a linker, in every version that is served.
pub mod link {
    use wasmtime::component::{HasData, Linker};

    use super::v0_1;
    #[cfg(feature = "rehearsal")]
    use super::v0_2;
    use crate::contract::host;

    macro_rules! interfaces {
        ($($(#[$doc:meta])* $interface:ident: $functions:ident,)+) => {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                ///
                /// When the linker has the interface already.
                pub fn $interface<T, D>(
                    linker: &mut Linker<T>,
                    view: fn(&mut T) -> D::Data<'_>,
                ) -> wasmtime::Result<()>
                where
                    T: Send + 'static,
                    D: HasData + Send,
                    for<'a> D::Data<'a>: host::$functions,
                {
                    v0_1::link::$interface::<T, D>(linker, view)?;
                    #[cfg(feature = "rehearsal")]
                    v0_2::link::$interface::<T, D>(linker, view)?;
                    Ok(())
                }
            )+
        };
    }

    interfaces! {
        /// `log`.
        log: Log,
        /// `i18n`.
        i18n: I18n,
        /// `context`.
        context: Context,
        /// `db-read`.
        db_read: DbRead,
        /// `db-write`.
        db_write: DbWrite,
        /// `cache-read`.
        cache_read: CacheRead,
        /// `cache-write`.
        cache_write: CacheWrite,
        /// `http-client`.
        http_client: HttpClient,
        /// `email`.
        email: Email,
        /// `config`.
        config: Config,
        /// `secure-config-read`.
        secure_config_read: SecureConfigRead,
        /// `secure-config-write`.
        secure_config_write: SecureConfigWrite,
        /// `plugins`.
        plugins: Plugins,
        /// `capabilities`.
        capabilities: Capabilities,
        /// `events`.
        events: Events,
        /// `entities-read`.
        entities_read: EntitiesRead,
        /// `entities-write`.
        entities_write: EntitiesWrite,
        /// `entities-purge`.
        entities_purge: EntitiesPurge,
        /// `custom-fields-read`.
        custom_fields_read: CustomFieldsRead,
        /// `custom-fields-write`.
        custom_fields_write: CustomFieldsWrite,
    }
}

/// A component joined to what it imports, of whatever version it is; it can be instantiated any number of times.
pub(crate) enum Linked<T: 'static> {
    /// 0.1.
    V0_1(v0_1::Linked<T>),
    /// 0.2.
    #[cfg(feature = "rehearsal")]
    V0_2(v0_2::Linked<T>),
}

/// The exports of one instance, of whatever version its component is.
pub struct Exports(Line);

enum Line {
    V0_1(v0_1::Exports),
    #[cfg(feature = "rehearsal")]
    V0_2(v0_2::Exports),
}

/// What a call gives: the plugin's own answer, or why it has none.
pub type Called<A> = wasmtime::Result<Result<A, Error>>;

impl<T: Send + 'static> Linked<T> {
    /// A component that was built against this version, which is served; `has` says whether it exports an interface.
    ///
    /// # Errors
    ///
    /// When an export has not the type that the contract gives it.
    pub(crate) fn new(
        version: &ContractVersion,
        instance: InstancePre<T>,
        has: impl Fn(Exported) -> bool,
    ) -> wasmtime::Result<Self> {
        #[cfg(feature = "rehearsal")]
        if version.is_of_line(v0_2::VERSION) {
            return v0_2::Linked::new(version, instance, has).map(Self::V0_2);
        }
        v0_1::Linked::new(version, instance, has).map(Self::V0_1)
    }

    /// The engine that it was compiled for.
    pub(crate) fn engine(&self) -> &wasmtime::Engine {
        match self {
            Self::V0_1(linked) => linked.engine(),
            #[cfg(feature = "rehearsal")]
            Self::V0_2(linked) => linked.engine(),
        }
    }

    /// Makes an instance.
    pub(crate) async fn instantiate(
        &self,
        store: impl AsContextMut<Data = T>,
    ) -> wasmtime::Result<Exports> {
        match self {
            Self::V0_1(linked) => {
                let exports = linked.instantiate(store).await?;
                Ok(Exports(Line::V0_1(exports)))
            }
            #[cfg(feature = "rehearsal")]
            Self::V0_2(linked) => {
                let exports = linked.instantiate(store).await?;
                Ok(Exports(Line::V0_2(exports)))
            }
        }
    }
}

macro_rules! exports {
    ($($(#[$attribute:meta])* $function:ident($($arg:ident: $type:ty),*) -> $answer:ty;)+) => {
        impl Exports {
            $(
                $(#[$attribute])*
                pub(crate) async fn $function<S>(&self, store: S, $($arg: $type),*) -> $answer
                where
                    S: AsContextMut<Data: Send>,
                {
                    match &self.0 {
                        Line::V0_1(exports) => exports.$function(store, $($arg),*).await,
                        #[cfg(feature = "rehearsal")]
                        Line::V0_2(exports) => exports.$function(store, $($arg),*).await,
                    }
                }
            )+
        }
    };
}

exports! {
    /// Calls `guest.register`.
    register() -> wasmtime::Result<Registration>;
    /// Calls `guest.init`.
    init() -> Called<()>;
    /// Calls `guest.shutdown`.
    shutdown() -> Called<()>;
    /// Calls `guest.call`.
    call(function: &str, args: &String) -> Called<String>;
    /// Calls `route-handler.handle`.
    handle(handler: &str, request: &Request) -> Called<Response>;
    /// Calls `widget-handler.render`.
    render(handler: &str, widget: &WidgetRequest) -> Called<String>;
    /// Calls `job-handler.run`.
    run(handler: &str, run: &JobRun) -> Called<Option<String>>;
    /// Calls `cascade-handler.on-delete`.
    on_delete(handler: &str, deletion: &Deletion) -> Called<()>;
    /// Calls `event-authorizer.authorize`.
    authorize(handler: &str, channel: &str) -> Called<bool>;
    /// Calls `navigation.badge`.
    badge(handler: &str, ui_id: &str) -> Called<u32>;
    /// Calls `health.report`.
    #[cfg(feature = "rehearsal")]
    report() -> Called<String>;
}
