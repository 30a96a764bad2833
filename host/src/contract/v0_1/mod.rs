//! Contract version 0.1: the bindings generated from `wit/`.
//!
//! One folder like this one exists for each line of the contract that the host serves, and only
//! [`bindings`](super) names them. Here the traits that are generated from the WIT are implemented by the plain ones of
//! [`contract::host`](crate::contract::host), one file for each family of interfaces, and a component's exports are called.
//! Records that have the shape of the plain ones are those ([`wire`](crate::contract::wire)); the others are converted.
//!
//! Host functions that never wait are synchronous, which saves a switch of stacks on each call; all others are
//! asynchronous.

mod ambient;
mod cache;
mod capabilities;
mod config;
mod custom_fields;
mod database;
mod email;
mod entities;
mod events;
mod exports;
mod http_client;
mod plugins;
mod secure_config;

pub(super) use exports::{Exports, Linked};

use semver::Version;

use crate::contract::ContractVersion;

/// The newest version of this line.
pub(super) const VERSION: ContractVersion = ContractVersion::of(Version::new(0, 1, 0));

/// What is generated from `wit/`.
#[allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::all,
    clippy::pedantic,
    reason = "generated code; its documentation is in wit/"
)]
mod generated {
    /// Every import, and the exports that each plugin has.
    pub mod plugin {
        wasmtime::component::bindgen!({
            path: "../wit",
            world: "goatherd:plugin/all-imports",
            imports: {
                "goatherd:plugin/db-read.query": async,
                "goatherd:plugin/db-write": async,
                "goatherd:plugin/cache-read": async,
                "goatherd:plugin/cache-write": async,
                "goatherd:plugin/http-client": async,
                "goatherd:plugin/email": async,
                "goatherd:plugin/secure-config-read": async,
                "goatherd:plugin/secure-config-write": async,
                "goatherd:plugin/plugins": async,
                "goatherd:plugin/capabilities": async,
                "goatherd:plugin/events": async,
                "goatherd:plugin/entities-read": async,
                "goatherd:plugin/entities-write": async,
                "goatherd:plugin/entities-purge": async,
                "goatherd:plugin/custom-fields-read": async,
                "goatherd:plugin/custom-fields-write": async,
            },
            exports: { default: async },
            skip_mut_forwarding_impls: true,
            with: {
                "goatherd:plugin/types": crate::contract::wire::types,
                "goatherd:plugin/registration": crate::contract::wire::registration,
                "goatherd:plugin/db-types": crate::contract::wire::database,
                "goatherd:plugin/custom-field-types": crate::contract::wire::custom_fields,
            },
        });
    }

    /// Answers routes.
    pub mod routes {
        wasmtime::component::bindgen!({
            path: "../wit",
            world: "goatherd:plugin/serves-routes",
            exports: { default: async },
            with: {
                "goatherd:plugin/types": crate::contract::wire::types,
                "goatherd:plugin/registration": crate::contract::wire::registration,
                "goatherd:plugin/handler-types": crate::contract::wire::handlers,
            },
        });
    }

    /// Draws widgets.
    pub mod widgets {
        wasmtime::component::bindgen!({
            path: "../wit",
            world: "goatherd:plugin/serves-widgets",
            exports: { default: async },
            with: {
                "goatherd:plugin/types": crate::contract::wire::types,
                "goatherd:plugin/registration": crate::contract::wire::registration,
                "goatherd:plugin/handler-types": crate::contract::wire::handlers,
            },
        });
    }

    /// Runs jobs.
    pub mod jobs {
        wasmtime::component::bindgen!({
            path: "../wit",
            world: "goatherd:plugin/serves-jobs",
            exports: { default: async },
            with: {
                "goatherd:plugin/types": crate::contract::wire::types,
                "goatherd:plugin/registration": crate::contract::wire::registration,
                "goatherd:plugin/handler-types": crate::contract::wire::handlers,
            },
        });
    }

    /// Takes part in deletions.
    pub mod cascades {
        wasmtime::component::bindgen!({
            path: "../wit",
            world: "goatherd:plugin/serves-cascades",
            exports: { default: async },
            with: {
                "goatherd:plugin/types": crate::contract::wire::types,
                "goatherd:plugin/registration": crate::contract::wire::registration,
                "goatherd:plugin/handler-types": crate::contract::wire::handlers,
            },
        });
    }

    /// Decides who may listen to events.
    pub mod authorizers {
        wasmtime::component::bindgen!({
            path: "../wit",
            world: "goatherd:plugin/serves-events",
            exports: { default: async },
            with: {
                "goatherd:plugin/types": crate::contract::wire::types,
            },
        });
    }

    /// Counts.
    pub mod badges {
        wasmtime::component::bindgen!({
            path: "../wit",
            world: "goatherd:plugin/serves-badges",
            exports: { default: async },
            with: {
                "goatherd:plugin/types": crate::contract::wire::types,
            },
        });
    }
}

/// How each interface is added to a linker.
pub(super) mod link {
    pub(in super::super) use super::generated::plugin::goatherd::plugin::{
        cache_read::add_to_linker as cache_read, cache_write::add_to_linker as cache_write,
        capabilities::add_to_linker as capabilities, config::add_to_linker as config,
        context::add_to_linker as context, custom_fields_read::add_to_linker as custom_fields_read,
        custom_fields_write::add_to_linker as custom_fields_write,
        db_read::add_to_linker as db_read, db_write::add_to_linker as db_write,
        email::add_to_linker as email, entities_purge::add_to_linker as entities_purge,
        entities_read::add_to_linker as entities_read,
        entities_write::add_to_linker as entities_write, events::add_to_linker as events,
        http_client::add_to_linker as http_client, i18n::add_to_linker as i18n,
        log::add_to_linker as log, plugins::add_to_linker as plugins,
        secure_config_write::add_to_linker as secure_config_write,
    };
    pub(in super::super) use super::secure_config::link_read as secure_config_read;
}
