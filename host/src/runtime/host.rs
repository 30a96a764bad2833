//! The host: an engine, the back-ends, and the way from bytes to a plugin.
//!
//! A [`Host`] is built once, with the back-ends that its plugins may be granted. It owns everything that plugins share and
//! nothing global, so an application may have several. Compiling happens on threads of its own, one component at a time,
//! so that a burst of new plugins starves nobody.

use std::path::Path;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::Semaphore;

use super::breaker::BreakerPolicy;
use super::code_cache::{CodeCache, Key};
use super::component::{Component, Import};
use super::describe::{self, DescribeError, Description};
use super::description_cache::DescriptionCache;
use super::engine::Ticking;
use super::error::{ComponentError, LoadError};
use super::instance::Mold;
use super::limits::Limits;
use super::link;
use super::names;
use super::plugin::{Plugin, PluginParts};
use super::turns::Turns;
use crate::capability::cache::{Caching, MemoryCache};
use crate::capability::capabilities::Capabilities;
use crate::capability::config::{Config, FixedSettings};
use crate::capability::context::CallContexts;
use crate::capability::files::{DataFolders, Filesystem};
use crate::capability::i18n::{Catalog, Translations};
use crate::capability::log::{Logging, Logs};
use crate::capability::plugins::PluginCalls;
use crate::capability::wasi::Wasi;
use crate::capability::{Alone, InterfaceError, Interfaces, Peers, Provider, RateLimits, Setup};
use crate::contract::Language;
use crate::permission::{Grants, Permissions};

/// Compiles, describes and loads plugins. Cheap to clone.
#[derive(Clone)]
pub struct Host(Arc<Shared>);

struct Shared {
    engine: Ticking,
    interfaces: Interfaces,
    logs: Logs,
    rates: RateLimits,
    turns: Turns,
    breaker: BreakerPolicy,
    code_cache: Option<CodeCache>,
    description_cache: Option<DescriptionCache>,
    compiling: Semaphore,
    version: semver::Version,
}

/// Why a host could not be built.
#[derive(Debug, Error)]
pub enum HostError {
    /// The engine does not start.
    #[error("the engine does not start: {0}")]
    Engine(String),
    /// A provider brings an interface that cannot be served.
    #[error("a provider cannot be taken: {0}")]
    Interface(#[from] InterfaceError),
}

/// Builds a [`Host`].
pub struct HostBuilder {
    interfaces: Interfaces,
    breaker: BreakerPolicy,
    code_cache: Option<CodeCache>,
    description_cache: Option<DescriptionCache>,
}

impl HostBuilder {
    /// Adds a back-end, in place of an earlier one for the same interfaces.
    #[must_use]
    pub fn provider(mut self, provider: impl Provider) -> Self {
        self.interfaces.add(provider);
        self
    }

    /// Keeps compiled code in a directory.
    #[must_use]
    pub fn code_cache(mut self, cache: CodeCache) -> Self {
        self.code_cache = Some(cache);
        self
    }

    /// Keeps descriptions in a directory, so that [`Host::describe_bytes`] need not compile what it knows.
    #[must_use]
    pub fn description_cache(mut self, cache: DescriptionCache) -> Self {
        self.description_cache = Some(cache);
        self
    }

    /// Gives plugins with a `files` grant data folders: the provider [`Filesystem`] over these. Without this, no plugin is
    /// loaded that has such a grant and imports `wasi:filesystem`.
    #[must_use]
    pub fn data_folders(self, folders: DataFolders) -> Self {
        self.provider(Filesystem::of(folders))
    }

    /// Sets when plugins that fail repeatedly are left alone, and for how long.
    #[must_use]
    pub fn breaker(mut self, policy: BreakerPolicy) -> Self {
        self.breaker = policy;
        self
    }

    /// Builds the host. Guests that compute for long share the threads of the tokio runtime that this is called in, or as many
    /// as there are processors where it is called outside of one.
    ///
    /// # Errors
    ///
    /// When a provider brings an interface that cannot be served, and when the engine cannot reserve its address space or
    /// start its clock.
    pub fn build(self) -> Result<Host, HostError> {
        self.interfaces.check()?;
        let engine = Ticking::start().map_err(|error| HostError::Engine(format!("{error:#}")))?;
        let version = semver::Version::parse(env!("CARGO_PKG_VERSION"))
            .map_err(|error| HostError::Engine(format!("the host's own version: {error}")))?;
        Ok(Host(Arc::new(Shared {
            engine,
            interfaces: self.interfaces,
            logs: Logs::default(),
            rates: RateLimits::default(),
            turns: Turns::here(),
            breaker: self.breaker,
            code_cache: self.code_cache,
            description_cache: self.description_cache,
            compiling: Semaphore::new(1),
            version,
        })))
    }
}

impl Host {
    /// A builder with the providers that need nothing: a cache in memory, no settings, no texts but the plugins' own, the
    /// log, the context, WASI. A database is not among them.
    pub fn builder() -> HostBuilder {
        let mut interfaces = Interfaces::default();
        interfaces.add(Logging);
        interfaces.add(CallContexts);
        interfaces.add(Translations::new(Catalog::default(), Language::default()));
        interfaces.add(Wasi);
        interfaces.add(Filesystem::closed());
        interfaces.add(Caching::new(MemoryCache::default()));
        interfaces.add(Config::new(FixedSettings::default()));
        interfaces.add(PluginCalls);
        interfaces.add(Capabilities);
        HostBuilder {
            interfaces,
            breaker: BreakerPolicy::default(),
            code_cache: None,
            description_cache: None,
        }
    }

    /// Reads and compiles a file. See [`compile`](Self::compile).
    ///
    /// # Errors
    ///
    /// When it cannot be read, and as [`compile`](Self::compile).
    pub async fn compile_file(&self, path: &Path) -> Result<Component, ComponentError> {
        let label = path.display().to_string();
        let bytes = tokio::fs::read(path)
            .await
            .map_err(|error| ComponentError::Unreadable {
                component: label.clone(),
                reason: error.to_string(),
            })?;
        self.compile(&label, bytes).await
    }

    /// Compiles a component, or maps the compiled code of an earlier run. `label` is what errors call it until it has said
    /// its name. Nothing of it runs.
    ///
    /// # Errors
    ///
    /// When the bytes are not a component, or not one that exports a contract version that this host serves.
    pub async fn compile(
        &self,
        label: &str,
        bytes: impl AsRef<[u8]> + Send + 'static,
    ) -> Result<Component, ComponentError> {
        Component::check_header(label, bytes.as_ref())?;
        let size = bytes.as_ref().len();
        // Hashing and mapping a component of 20 MB takes milliseconds, for which nobody else should wait.
        let host = self.clone();
        let look = move || {
            let hash = blake3::hash(bytes.as_ref());
            let key = Key::new(host.0.engine.engine(), &hash);
            let cache = host.0.code_cache.as_ref();
            let cached = cache.and_then(|cache| cache.load(host.0.engine.engine(), &key));
            (bytes, hash, key, cached)
        };
        let (bytes, hash, key, cached) = off_thread(label, look).await?;
        let compiled = match cached {
            Some(compiled) => compiled,
            None => self.compile_anew(label, bytes, key).await?,
        };
        Component::new(label, hash, size, compiled, &self.0.interfaces)
    }

    async fn compile_anew(
        &self,
        label: &str,
        bytes: impl AsRef<[u8]> + Send + 'static,
        key: Key,
    ) -> Result<wasmtime::component::Component, ComponentError> {
        // The semaphore is never closed, so an error here cannot come up; compiling without a permit would be no harm.
        let _permit = self.0.compiling.acquire().await.ok();
        let host = self.clone();
        let named = label.to_owned();
        let compile = move || {
            let bytes = bytes.as_ref();
            let compiled =
                wasmtime::component::Component::from_binary(host.0.engine.engine(), bytes)
                    .map_err(|error| names::explain(&named, bytes, &error, &host.0.interfaces))?;
            if let Some(cache) = &host.0.code_cache {
                cache.store(&key, &compiled);
            }
            Ok(compiled)
        };
        off_thread(label, compile).await?
    }

    /// Runs `register` with nothing granted, and shows what the plugin is and what it asks for.
    ///
    /// # Errors
    ///
    /// When it imports what nobody serves, when `register` fails, and when the registration is not valid.
    pub async fn describe(&self, component: &Component) -> Result<Description, LoadError> {
        self.describe_within(component, Limits::default()).await
    }

    async fn describe_within(
        &self,
        component: &Component,
        limits: Limits,
    ) -> Result<Description, LoadError> {
        let (interfaces, logs) = (&self.0.interfaces, &self.0.logs);
        let said = describe::ask(component, interfaces, limits, &self.0.turns, logs).await?;
        describe::judge(component, said, &self.0.version)
    }

    /// Describes a component by its bytes: out of the description cache where it is known there, without compiling it, and
    /// otherwise as [`compile`](Self::compile) and [`describe`](Self::describe) do. Such a description is exactly what
    /// describing it again would give; whoever loads it compiles these same bytes.
    ///
    /// # Errors
    ///
    /// As [`compile`](Self::compile) and [`describe`](Self::describe).
    pub async fn describe_bytes(
        &self,
        label: &str,
        bytes: Arc<[u8]>,
    ) -> Result<Description, DescribeError> {
        Component::check_header(label, &bytes)?;
        let Some(cache) = &self.0.description_cache else {
            let component = self.compile(label, bytes).await?;
            return Ok(self.describe(&component).await?);
        };
        let (host, known, read) = (self.clone(), cache.clone(), Arc::clone(&bytes));
        let look = move || {
            let (interfaces, version) = (&host.0.interfaces, &host.0.version);
            known.load(&blake3::hash(&read), read.len(), interfaces, version)
        };
        if let Some(description) = off_thread(label, look).await? {
            return Ok(description);
        }
        let component = self.compile(label, bytes).await?;
        let (interfaces, logs) = (&self.0.interfaces, &self.0.logs);
        let limits = Limits::default();
        let said = describe::ask(&component, interfaces, limits, &self.0.turns, logs).await?;
        let raw = said.clone();
        let description = describe::judge(&component, said, &self.0.version)?;
        let (cache, kept) = (cache.clone(), description.clone());
        off_thread(label, move || cache.store(&kept, &raw)).await?;
        Ok(description)
    }

    /// Whether all that a described plugin imports is granted and served, without linking anything.
    ///
    /// # Errors
    ///
    /// With all imports that are not granted, or all that have no back-end.
    pub fn check(&self, description: &Description, grants: &Grants) -> Result<(), LoadError> {
        let Description {
            registration,
            imports,
            ..
        } = description;
        link::check_granted(registration, imports, grants, &self.0.interfaces)
    }

    /// Links a component to what it is granted, and starts its first instance. It has no other plugins to call; those that a
    /// manager loads do.
    ///
    /// # Errors
    ///
    /// As [`describe`](Self::describe); when an import is not granted, with all that are not; when a back-end is missing;
    /// when `init` fails.
    pub async fn load(
        &self,
        component: &Component,
        grants: Grants,
        limits: Limits,
    ) -> Result<Plugin, LoadError> {
        let description = self.describe_within(component, limits.clone()).await?;
        self.load_described(component, description, grants, limits, Arc::new(Alone))
            .await
    }

    /// Like [`load`](Self::load), for a component that was just described and has `peers`.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub async fn load_described(
        &self,
        component: &Component,
        description: Description,
        grants: Grants,
        limits: Limits,
        peers: Arc<dyn Peers>,
    ) -> Result<Plugin, LoadError> {
        let interfaces = &self.0.interfaces;
        let plugin = description.registration.name.clone();
        // By the component itself: its description may have been kept on disk.
        link::check_granted(
            &description.registration,
            component.imports(),
            &grants,
            interfaces,
        )?;
        let permissions = interfaces.permissions();
        let rates = self.0.rates.of(&plugin, &limits.rates, permissions);
        let setup = Setup {
            plugin: &plugin,
            grants: &grants,
            registration: &description.registration,
            rates: &rates,
            peers: &peers,
        };
        let prepare = |source| LoadError::Prepare {
            plugin: plugin.clone(),
            source,
        };
        let imported = component.imports().iter().map(Import::interface);
        let slots = interfaces.prepare(imported, &setup).await;
        let slots = slots.map_err(prepare)?;
        let linked =
            link::link_granted(component, interfaces).map_err(|error| LoadError::Link {
                plugin: plugin.to_string(),
                reason: format!("{error:#}"),
            })?;
        self.0.logs.adopt_register(&component.hash(), &plugin);
        let mold = Mold {
            log: self.0.logs.of(&plugin),
            plugin,
            linked,
            slots: Arc::from(slots),
            refusals: Arc::default(),
            share: self.0.turns.share(),
        };
        let parts = PluginParts {
            description,
            grants,
            clock: self.0.engine.clock().clone(),
            rates,
            breaker: self.0.breaker.clone(),
        };
        // A load that fails leaves the rates of the one that serves as they are.
        Plugin::start(parts, mold, limits)
            .await
            .map_err(LoadError::Start)
    }

    /// The permissions that plugins of this host can have: ours, and those of the interfaces that the application brings.
    /// [`Policies`](crate::registry::policy::Policies::with_permissions) take them, so that they can be granted.
    pub fn permissions(&self) -> &Permissions {
        self.0.interfaces.permissions()
    }

    /// The logs of this host's plugins.
    pub fn logs(&self) -> &Logs {
        &self.0.logs
    }

    /// The version that plugins compare their `min-host-version` with.
    pub fn version(&self) -> &semver::Version {
        &self.0.version
    }
}

/// Does work that takes long on a thread for such work.
async fn off_thread<T: Send + 'static>(
    label: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ComponentError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|stopped| ComponentError::Invalid {
        component: label.to_owned(),
        reason: format!("compiling stopped: {stopped}"),
    })
}
