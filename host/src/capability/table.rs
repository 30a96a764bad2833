//! Which permission links which interface.
//!
//! One line for each interface that a component may import. Whatever has no line here is refused by name; whatever has
//! one is linked exactly when its gate is open. `wit/` and this table are compared by a test, so that an interface
//! cannot be added to the contract and forgotten here.

use wasmtime::component::Linker;

use crate::capability::guest::Guest;
use crate::capability::{
    cache, config, context, custom_fields, db, email, entities, events, http, i18n, log, plugins,
    secure_config, wasi,
};

use crate::permission::{Need, Permission};

/// An interface that a component may import.
pub struct Interface {
    /// Its name with its package, without a version: `goatherd:plugin/db-read`.
    pub name: &'static str,
    /// When it is linked.
    pub gate: Gate,
    /// How it is linked.
    pub link: Link,
}

/// When an interface is linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Always.
    Ambient,
    /// When a grant covers this.
    Needs(Need),
}

/// How an interface is linked.
#[derive(Clone, Copy)]
pub enum Link {
    /// It has only types, and nothing to link.
    TypesOnly,
    /// By this function, which adds the interface's functions to a linker.
    Function(fn(&mut Linker<Guest>) -> wasmtime::Result<()>),
    /// The contract has it, this version of the host does not implement it: a component that needs it is refused.
    NotServed,
}

/// The interfaces of `goatherd:plugin`.
#[rustfmt::skip]
const CONTRACT: &[Interface] = &[
    ambient("goatherd:plugin/types", Link::TypesOnly),
    ambient("goatherd:plugin/registration", Link::TypesOnly),
    ambient("goatherd:plugin/db-types", Link::TypesOnly),
    ambient("goatherd:plugin/custom-field-types", Link::TypesOnly),
    ambient("goatherd:plugin/log", Link::Function(log::link)),
    ambient("goatherd:plugin/i18n", Link::Function(i18n::link)),
    ambient("goatherd:plugin/context", Link::Function(context::link)),
    gated("goatherd:plugin/db-read", Need::DB_READ, Link::Function(db::link_read)),
    gated("goatherd:plugin/db-write", Need::DB_WRITE, Link::Function(db::link_write)),
    gated("goatherd:plugin/cache-read", Need::CACHE_READ, Link::Function(cache::link_read)),
    gated("goatherd:plugin/cache-write", Need::CACHE_WRITE, Link::Function(cache::link_write)),
    gated("goatherd:plugin/http-client", Need::HTTP, Link::Function(http::link)),
    gated("goatherd:plugin/email", Need::EMAIL, Link::Function(email::link)),
    gated("goatherd:plugin/config", Need::CONFIG, Link::Function(config::link)),
    gated("goatherd:plugin/secure-config-read", Need::SECURE_CONFIG_READ, Link::Function(secure_config::link_read)),
    gated("goatherd:plugin/secure-config-write", Need::SECURE_CONFIG_WRITE, Link::Function(secure_config::link_write)),
    gated("goatherd:plugin/plugins", Need::PLUGIN_CALL, Link::Function(plugins::link)),
    gated("goatherd:plugin/events", Need::EVENTS, Link::Function(events::link)),
    gated("goatherd:plugin/entities-read", Need::ENTITY_READ, Link::Function(entities::link_read)),
    gated("goatherd:plugin/entities-write", Need::ENTITY_WRITE, Link::Function(entities::link_write)),
    gated("goatherd:plugin/entities-purge", Need::ENTITY_HARD_DELETE, Link::Function(entities::link_purge)),
    gated("goatherd:plugin/custom-fields-read", Need::CUSTOM_FIELDS_READ, Link::Function(custom_fields::link_read)),
    gated("goatherd:plugin/custom-fields-write", Need::CUSTOM_FIELDS_WRITE, Link::Function(custom_fields::link_write)),
];

/// What gives a host the back-end for a permission: what an operator sets, and what an application that embeds the host
/// hands to its builder. None for what every host has.
pub fn back_end(permission: Permission) -> Option<&'static str> {
    Some(match permission {
        Permission::Db => {
            "set database (--database) to a SQLite file or a PostgreSQL URL; embedders add the provider db::Databases"
        }
        Permission::SecureConfig => {
            "set database (--database), in which they are kept, and secret_keys, the file with their keys, if it shall \
             not be goatherd.keys; embedders add the provider secure_config::SecureConfig"
        }
        Permission::Entity => {
            "set database (--database), and the entity types under [entity.NAME]; embedders add the provider \
             entities::Entities"
        }
        Permission::CustomFields => {
            "set database (--database), in which they are kept; embedders add the provider custom_fields::CustomFields"
        }
        Permission::Email => {
            "set mail.from, and mail.outbox or mail.smtp; embedders add the provider email::Mail"
        }
        Permission::Files => {
            "set data, the folder in which plugins have theirs; embedders call HostBuilder::data_folders"
        }
        Permission::Http => {
            "embedders add the provider http::HttpClient, which the program always has"
        }
        Permission::Events => {
            "embedders add the provider events::Events, which the program always has"
        }
        Permission::Cache | Permission::Config | Permission::PluginCall | Permission::Routes => {
            return None;
        }
    })
}

/// Every interface that a component may import: the contract's, then WASI's.
pub fn interfaces() -> impl Iterator<Item = &'static Interface> {
    CONTRACT.iter().chain(wasi::interfaces())
}

/// The line of an interface, by its name without a version.
pub fn find(name: &str) -> Option<&'static Interface> {
    interfaces().find(|interface| interface.name == name)
}

pub(super) const fn ambient(name: &'static str, link: Link) -> Interface {
    Interface {
        name,
        gate: Gate::Ambient,
        link,
    }
}

pub(super) const fn gated(name: &'static str, need: Need, link: Link) -> Interface {
    Interface {
        name,
        gate: Gate::Needs(need),
        link,
    }
}
