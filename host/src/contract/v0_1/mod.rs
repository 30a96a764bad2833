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
pub(super) mod link;
mod plugins;
mod secure_config;

pub(super) use exports::{Exports, Linked};

/// The newest version of this line.
#[cfg(not(feature = "rehearsal"))]
pub(super) const VERSION: &str = "0.1.0";
#[cfg(feature = "rehearsal")]
pub(super) const VERSION: &str = "0.1.1";

/// Generates bindings from the WIT in a folder. What stands behind the folder is where its custom field types are, which the
/// lines do not share.
macro_rules! generate {
    ($wit:literal, $($custom_field_types:tt)+) => {
        /// What is generated from the WIT.
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
                    path: $wit,
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
                        "goatherd:plugin/custom-field-types": $($custom_field_types)+,
                    },
                });
            }

            /// Answers routes.
            pub mod routes {
                wasmtime::component::bindgen!({
                    path: $wit,
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
                    path: $wit,
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
                    path: $wit,
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
                    path: $wit,
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
                    path: $wit,
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
                    path: $wit,
                    world: "goatherd:plugin/serves-badges",
                    exports: { default: async },
                    with: {
                        "goatherd:plugin/types": crate::contract::wire::types,
                    },
                });
            }

            /// Says how it is.
            #[cfg(feature = "rehearsal")]
            pub mod health {
                wasmtime::component::bindgen!({
                    path: $wit,
                    world: "goatherd:plugin/serves-health",
                    exports: { default: async },
                    with: {
                        "goatherd:plugin/types": crate::contract::wire::types,
                    },
                });
            }
        }
    };
}

#[cfg(not(feature = "rehearsal"))]
generate!("../wit", crate::contract::wire::custom_fields);
#[cfg(feature = "rehearsal")]
generate!(
    "../tests/rehearsal/wit-0.1.1",
    crate::contract::wire::custom_fields
);
