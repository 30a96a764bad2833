//! Contract version 0.1: the bindings generated from `wit/`.
//!
//! One module like this one exists for each version of the contract that the host serves. Everything else in the
//! host works on the plain types of [`contract`](super); this module's types stay at the edge.
//!
//! Host functions that never wait are synchronous, which saves a switch of stacks on each call; all others are
//! asynchronous.

#![allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    reason = "generated code; its documentation is in wit/"
)]

mod convert;

wasmtime::component::bindgen!({
    path: "../wit",
    world: "everything",
    imports: {
        "goatherd:plugin/db-read": async,
        "goatherd:plugin/db-write": async,
        "goatherd:plugin/cache-read": async,
        "goatherd:plugin/cache-write": async,
        "goatherd:plugin/http-client": async,
        "goatherd:plugin/email": async,
        "goatherd:plugin/secure-config-read": async,
        "goatherd:plugin/secure-config-write": async,
        "goatherd:plugin/plugins": async,
        "goatherd:plugin/events": async,
        "goatherd:plugin/entities-read": async,
        "goatherd:plugin/entities-write": async,
        "goatherd:plugin/entities-purge": async,
        "goatherd:plugin/custom-fields-read": async,
        "goatherd:plugin/custom-fields-write": async,
    },
    exports: { default: async },
    // What `register` returned is kept on disk.
    additional_derives: [serde::Serialize, serde::Deserialize],
});
