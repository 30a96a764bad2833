//! `config` and `wasi:config`: settings of the application, and the plugin's own.
//!
//! Settings are whatever the operator exposes; secrets are never among them. A plugin reads its own configuration under
//! `plugin.` without any scope, and the application's keys only where its grant's scope covers them.

mod wasi;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::capability::table::{CONFIG, WASI_CONFIG_RUNTIME, WASI_CONFIG_STORE};
use crate::capability::{Interface, Of, PrepareError, Provider, Setup, View};
use crate::contract::bindings::link;
use crate::contract::{Error, PluginName, host};
use crate::permission::{KeyPattern, Scope};

/// How long a key may be, in bytes.
pub const KEY_BYTES: usize = 256;
/// What a plugin's own keys begin with.
const OWN: &str = "plugin.";

/// Where settings come from. Implement it to serve an application's own; it is asked at every call and must not wait.
pub trait Settings: Send + Sync + 'static {
    /// A setting of the application.
    fn application(&self, key: &str) -> Option<Value>;

    /// A value of a plugin's own configuration, without the prefix `plugin.`.
    fn plugin(&self, plugin: &PluginName, key: &str) -> Option<Value>;

    /// The keys of the application's settings, in any order. One that is not among them is read all the same by who knows it.
    fn application_keys(&self) -> Vec<String>;

    /// The keys of a plugin's own configuration, without the prefix `plugin.`.
    fn plugin_keys(&self, plugin: &PluginName) -> Vec<String>;
}

/// Settings that do not change, such as those of a configuration file.
#[derive(Debug, Clone, Default)]
pub struct FixedSettings {
    /// The application's settings by key.
    pub application: BTreeMap<String, Value>,
    /// Each plugin's own, by plugin and key.
    pub plugins: BTreeMap<String, BTreeMap<String, Value>>,
}

impl Settings for FixedSettings {
    fn application(&self, key: &str) -> Option<Value> {
        self.application.get(key).cloned()
    }

    fn plugin(&self, plugin: &PluginName, key: &str) -> Option<Value> {
        self.plugins.get(plugin.as_str())?.get(key).cloned()
    }

    fn application_keys(&self) -> Vec<String> {
        self.application.keys().cloned().collect()
    }

    fn plugin_keys(&self, plugin: &PluginName) -> Vec<String> {
        let own = self.plugins.get(plugin.as_str()).into_iter();
        own.flat_map(BTreeMap::keys).cloned().collect()
    }
}

/// Serves `config` and `wasi:config` from [`Settings`].
pub struct Config(Arc<dyn Settings>);

impl Config {
    /// Serves these settings.
    pub fn new(settings: impl Settings) -> Self {
        Self(Arc::new(settings))
    }
}

impl Provider for Config {
    type State = PluginConfig;

    fn interfaces(&self) -> Vec<Interface<PluginConfig>> {
        vec![
            Interface::known(CONFIG, link::config::<_, Of<PluginConfig>>),
            Interface::known(WASI_CONFIG_STORE, |linker, view| {
                wasi::link(WASI_CONFIG_STORE.name, linker, view)
            }),
            Interface::known(WASI_CONFIG_RUNTIME, |linker, view| {
                wasi::link(WASI_CONFIG_RUNTIME.name, linker, view)
            }),
        ]
    }

    async fn prepare(&self, setup: &Setup<'_>) -> Result<PluginConfig, PrepareError> {
        Ok(PluginConfig {
            settings: Arc::clone(&self.0),
            scope: setup.grants.config().cloned(),
        })
    }
}

/// What one plugin may read.
pub struct PluginConfig {
    settings: Arc<dyn Settings>,
    scope: Option<Scope<KeyPattern>>,
}

impl PluginConfig {
    fn get(&self, plugin: &PluginName, key: &str) -> Result<Option<String>, Error> {
        if key.is_empty() || key.len() > KEY_BYTES {
            return Err(Error::InvalidArgument(format!(
                "plugin \"{plugin}\" asked for a setting whose key has {} bytes; a key has 1 to {KEY_BYTES}",
                key.len()
            )));
        }
        let value = match key.strip_prefix(OWN) {
            Some(own) => self.settings.plugin(plugin, own),
            None => {
                self.check(plugin, key)?;
                self.settings.application(key)
            }
        };
        Ok(value.map(|value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        }))
    }

    /// Every setting that [`get`](Self::get) gives under a key that there is, in the order of the keys.
    fn all(&self, plugin: &PluginName) -> Vec<(String, String)> {
        let own = self.settings.plugin_keys(plugin).into_iter();
        let own = own.map(|key| format!("{OWN}{key}"));
        // What the application has under the plugin's own beginning cannot be read.
        let application = self.settings.application_keys().into_iter();
        let application = application.filter(|key| !key.starts_with(OWN));
        let keys: BTreeSet<String> = own.chain(application).collect();
        let given = keys.into_iter().filter_map(|key| {
            let value = self.get(plugin, &key).ok()??;
            Some((key, value))
        });
        given.collect()
    }

    /// Only entries count here: what is the plugin's own is under `plugin.` and does not come this way.
    fn check(&self, plugin: &PluginName, key: &str) -> Result<(), Error> {
        if self
            .scope
            .as_ref()
            .is_some_and(|scope| scope.any(|pattern| pattern.matches(key)))
        {
            return Ok(());
        }
        Err(Error::PermissionDenied(format!(
            "plugin \"{plugin}\" may not read the setting \"{key}\": its config grant does not cover it; \
             grant config:read={key} to allow it"
        )))
    }
}

impl host::Config for View<'_, PluginConfig> {
    fn get(&mut self, key: String) -> Result<Option<String>, Error> {
        self.state()?.get(self.caller.plugin(), &key)
    }
}
