//! A draft of contract version 0.2, for the rehearsal alone: the bindings generated from `tests/rehearsal/wit-0.2.0-draft`.
//!
//! What a further line costs is what it changes. An interface that is as it was in 0.1 has its file there, compiled once more
//! against the traits of this line, since it names them by `super::generated` only. The draft gives a custom field's record
//! another shape, so the two interfaces that exchange it have a file of their own, which converts it.

#![allow(
    clippy::duplicate_mod,
    reason = "the same source makes other bindings here, by another `super::generated`"
)]

#[path = "../v0_1/ambient.rs"]
mod ambient;
#[path = "../v0_1/cache.rs"]
mod cache;
#[path = "../v0_1/capabilities.rs"]
mod capabilities;
#[path = "../v0_1/config.rs"]
mod config;
pub mod custom_field_types;
mod custom_fields;
#[path = "../v0_1/database.rs"]
mod database;
#[path = "../v0_1/email.rs"]
mod email;
#[path = "../v0_1/entities.rs"]
mod entities;
#[path = "../v0_1/events.rs"]
mod events;
#[path = "../v0_1/exports.rs"]
mod exports;
#[path = "../v0_1/http_client.rs"]
mod http_client;
#[path = "../v0_1/link.rs"]
pub(super) mod link;
#[path = "../v0_1/plugins.rs"]
mod plugins;
#[path = "../v0_1/secure_config.rs"]
mod secure_config;

pub(super) use exports::{Exports, Linked};

/// The newest version of this line.
pub(super) const VERSION: &str = "0.2.0-draft";

generate!(
    "../tests/rehearsal/wit-0.2.0-draft",
    crate::contract::bindings::v0_2::custom_field_types
);
