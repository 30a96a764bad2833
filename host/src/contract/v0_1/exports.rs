//! What a component exports: `guest`, and the handlers that it has.
//!
//! Which of the optional interfaces a component exports is found once, when it is linked; an instance then holds what it
//! takes to call each, so that a call looks nothing up.

use std::sync::Arc;

use wasmtime::AsContextMut;
use wasmtime::component::{Instance, InstancePre};

#[cfg(feature = "rehearsal")]
use super::generated::health;
use super::generated::{authorizers, badges, cascades, jobs, plugin, routes, widgets};
use crate::contract::bindings::{Exported, Mistyped, NotExported};
use crate::contract::wire::handlers::{Deletion, JobRun, Request, Response, WidgetRequest};
use crate::contract::wire::registration::Registration;
use crate::contract::{ContractVersion, Error};

/// A component of this line, joined to what it imports.
pub(crate) struct Linked<T: 'static> {
    instance: InstancePre<T>,
    found: Arc<Found>,
}

/// Where its exports are.
struct Found {
    /// The version that it was built against.
    version: ContractVersion,
    guest: plugin::AllImportsIndices,
    routes: Option<routes::ServesRoutesIndices>,
    widgets: Option<widgets::ServesWidgetsIndices>,
    jobs: Option<jobs::ServesJobsIndices>,
    cascades: Option<cascades::ServesCascadesIndices>,
    authorizers: Option<authorizers::ServesEventsIndices>,
    badges: Option<badges::ServesBadgesIndices>,
    #[cfg(feature = "rehearsal")]
    health: Option<health::ServesHealthIndices>,
}

/// The exports of one instance.
pub(crate) struct Exports {
    guest: plugin::AllImports,
    routes: Option<routes::ServesRoutes>,
    widgets: Option<widgets::ServesWidgets>,
    jobs: Option<jobs::ServesJobs>,
    cascades: Option<cascades::ServesCascades>,
    authorizers: Option<authorizers::ServesEvents>,
    badges: Option<badges::ServesBadges>,
    #[cfg(feature = "rehearsal")]
    health: Option<health::ServesHealth>,
}

impl<T: Send + 'static> Linked<T> {
    /// Finds the exports; `has` says whether the component exports an interface. One that it exports must have the type
    /// that the contract gives it.
    pub(crate) fn new(
        version: &ContractVersion,
        instance: InstancePre<T>,
        has: impl Fn(Exported) -> bool,
    ) -> wasmtime::Result<Self> {
        let found = Found {
            version: version.clone(),
            guest: plugin::AllImportsIndices::new(&instance)?,
            routes: if_any(has(Exported::RouteHandler), || {
                routes::ServesRoutesIndices::new(&instance)
            })?,
            widgets: if_any(has(Exported::WidgetHandler), || {
                widgets::ServesWidgetsIndices::new(&instance)
            })?,
            jobs: if_any(has(Exported::JobHandler), || {
                jobs::ServesJobsIndices::new(&instance)
            })?,
            cascades: if_any(has(Exported::CascadeHandler), || {
                cascades::ServesCascadesIndices::new(&instance)
            })?,
            authorizers: if_any(has(Exported::EventAuthorizer), || {
                authorizers::ServesEventsIndices::new(&instance)
            })?,
            badges: if_any(has(Exported::Navigation), || {
                badges::ServesBadgesIndices::new(&instance)
            })?,
            #[cfg(feature = "rehearsal")]
            health: if_any(has(Exported::Health), || {
                health::ServesHealthIndices::new(&instance)
            })?,
        };
        Ok(Self {
            instance,
            found: Arc::new(found),
        })
    }

    /// The engine that it was compiled for.
    pub(crate) fn engine(&self) -> &wasmtime::Engine {
        self.instance.engine()
    }

    /// Makes an instance.
    pub(crate) async fn instantiate(
        &self,
        mut store: impl AsContextMut<Data = T>,
    ) -> wasmtime::Result<Exports> {
        let instance = self.instance.instantiate_async(&mut store).await?;
        self.found.load(store, &instance)
    }
}

fn if_any<I>(
    exported: bool,
    find: impl FnOnce() -> wasmtime::Result<I>,
) -> wasmtime::Result<Option<I>> {
    exported.then(find).transpose()
}

impl Found {
    fn load(&self, mut store: impl AsContextMut, instance: &Instance) -> wasmtime::Result<Exports> {
        let mut store = store.as_context_mut();
        Ok(Exports {
            guest: (self.guest.load(&mut store, instance))
                .map_err(|error| self.mistyped("guest", &error))?,
            routes: self.load_any(Exported::RouteHandler, &self.routes, |found| {
                found.load(&mut store, instance)
            })?,
            widgets: self.load_any(Exported::WidgetHandler, &self.widgets, |found| {
                found.load(&mut store, instance)
            })?,
            jobs: self.load_any(Exported::JobHandler, &self.jobs, |found| {
                found.load(&mut store, instance)
            })?,
            cascades: self.load_any(Exported::CascadeHandler, &self.cascades, |found| {
                found.load(&mut store, instance)
            })?,
            authorizers: self.load_any(Exported::EventAuthorizer, &self.authorizers, |found| {
                found.load(&mut store, instance)
            })?,
            badges: self.load_any(Exported::Navigation, &self.badges, |found| {
                found.load(&mut store, instance)
            })?,
            #[cfg(feature = "rehearsal")]
            health: self.load_any(Exported::Health, &self.health, |found| {
                found.load(&mut store, instance)
            })?,
        })
    }

    fn load_any<I, E>(
        &self,
        exported: Exported,
        found: &Option<I>,
        load: impl FnOnce(&I) -> wasmtime::Result<E>,
    ) -> wasmtime::Result<Option<E>> {
        let loaded = found.as_ref().map(load).transpose();
        loaded.map_err(|error| self.mistyped(exported.interface(), &error))
    }

    /// wasmtime compares the types of an export when it is looked up in an instance, and says what differs but not where.
    fn mistyped(&self, interface: &'static str, error: &wasmtime::Error) -> wasmtime::Error {
        wasmtime::Error::new(Mistyped {
            interface,
            version: self.version.clone(),
            reason: error.root_cause().to_string(),
        })
    }
}

/// What a call gives: the handler's own answer, or why it has none.
type Called<A> = wasmtime::Result<Result<A, Error>>;

impl Exports {
    /// Calls `guest.register`.
    pub(crate) async fn register<S>(&self, store: S) -> wasmtime::Result<Registration>
    where
        S: AsContextMut<Data: Send>,
    {
        self.guest
            .goatherd_plugin_guest()
            .call_register(store)
            .await
    }

    /// Calls `guest.init`.
    pub(crate) async fn init<S>(&self, store: S) -> Called<()>
    where
        S: AsContextMut<Data: Send>,
    {
        self.guest.goatherd_plugin_guest().call_init(store).await
    }

    /// Calls `guest.shutdown`.
    pub(crate) async fn shutdown<S>(&self, store: S) -> Called<()>
    where
        S: AsContextMut<Data: Send>,
    {
        self.guest
            .goatherd_plugin_guest()
            .call_shutdown(store)
            .await
    }

    /// Calls `guest.call`.
    pub(crate) async fn call<S>(&self, store: S, function: &str, args: &String) -> Called<String>
    where
        S: AsContextMut<Data: Send>,
    {
        let guest = self.guest.goatherd_plugin_guest();
        guest.call_call(store, function, args).await
    }

    /// Calls `route-handler.handle`.
    pub(crate) async fn handle<S>(
        &self,
        store: S,
        handler: &str,
        request: &Request,
    ) -> Called<Response>
    where
        S: AsContextMut<Data: Send>,
    {
        let exports = self
            .routes
            .as_ref()
            .ok_or(NotExported(Exported::RouteHandler))?;
        let interface = exports.goatherd_plugin_route_handler();
        interface.call_handle(store, handler, request).await
    }

    /// Calls `widget-handler.render`.
    pub(crate) async fn render<S>(
        &self,
        store: S,
        handler: &str,
        widget: &WidgetRequest,
    ) -> Called<String>
    where
        S: AsContextMut<Data: Send>,
    {
        let exports = self
            .widgets
            .as_ref()
            .ok_or(NotExported(Exported::WidgetHandler))?;
        let interface = exports.goatherd_plugin_widget_handler();
        interface.call_render(store, handler, widget).await
    }

    /// Calls `job-handler.run`.
    pub(crate) async fn run<S>(
        &self,
        store: S,
        handler: &str,
        run: &JobRun,
    ) -> Called<Option<String>>
    where
        S: AsContextMut<Data: Send>,
    {
        let exports = self
            .jobs
            .as_ref()
            .ok_or(NotExported(Exported::JobHandler))?;
        let interface = exports.goatherd_plugin_job_handler();
        interface.call_run(store, handler, run).await
    }

    /// Calls `cascade-handler.on-delete`.
    pub(crate) async fn on_delete<S>(
        &self,
        store: S,
        handler: &str,
        deletion: &Deletion,
    ) -> Called<()>
    where
        S: AsContextMut<Data: Send>,
    {
        let exports = self
            .cascades
            .as_ref()
            .ok_or(NotExported(Exported::CascadeHandler))?;
        let interface = exports.goatherd_plugin_cascade_handler();
        interface.call_on_delete(store, handler, deletion).await
    }

    /// Calls `event-authorizer.authorize`.
    pub(crate) async fn authorize<S>(&self, store: S, handler: &str, channel: &str) -> Called<bool>
    where
        S: AsContextMut<Data: Send>,
    {
        let exports = self
            .authorizers
            .as_ref()
            .ok_or(NotExported(Exported::EventAuthorizer))?;
        let interface = exports.goatherd_plugin_event_authorizer();
        interface.call_authorize(store, handler, channel).await
    }

    /// Calls `navigation.badge`.
    pub(crate) async fn badge<S>(&self, store: S, handler: &str, ui_id: &str) -> Called<u32>
    where
        S: AsContextMut<Data: Send>,
    {
        let exports = self
            .badges
            .as_ref()
            .ok_or(NotExported(Exported::Navigation))?;
        let interface = exports.goatherd_plugin_navigation();
        interface.call_badge(store, handler, ui_id).await
    }

    /// Calls `health.report`.
    #[cfg(feature = "rehearsal")]
    pub(crate) async fn report<S>(&self, store: S) -> Called<String>
    where
        S: AsContextMut<Data: Send>,
    {
        let exports = self.health.as_ref().ok_or(NotExported(Exported::Health))?;
        exports.goatherd_plugin_health().call_report(store).await
    }
}
