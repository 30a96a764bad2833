//! Plugins' own settings, as the plugins table has them.
//!
//! What an administrator configured comes first, key by key; behind it stands what the application says. A change holds for
//! the next time that the plugin asks.

use serde_json::Value;

use super::Service;
use crate::capability::config::Settings;
use crate::contract::PluginName;

/// [`Settings`] out of the plugins table, before others.
pub struct RegistrySettings<S> {
    service: Service,
    behind: S,
}

impl<S: Settings> RegistrySettings<S> {
    /// Settings of a plugins table, with `behind` for what it does not have.
    pub fn new(service: Service, behind: S) -> Self {
        Self { service, behind }
    }
}

impl<S: Settings> Settings for RegistrySettings<S> {
    fn application(&self, key: &str) -> Option<Value> {
        self.behind.application(key)
    }

    fn plugin(&self, plugin: &PluginName, key: &str) -> Option<Value> {
        let configured = self.service.config_value(plugin.as_str(), key);
        configured.or_else(|| self.behind.plugin(plugin, key))
    }

    fn application_keys(&self) -> Vec<String> {
        self.behind.application_keys()
    }

    fn plugin_keys(&self, plugin: &PluginName) -> Vec<String> {
        let mut keys = self.behind.plugin_keys(plugin);
        if let Some(record) = self.service.get(plugin.as_str()) {
            keys.extend(record.config.keys().cloned());
        }
        keys
    }
}
