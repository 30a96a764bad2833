//! Goatherd: a plugin host for WebAssembly components.
//!
//! A plugin says about itself what it adds to an application, and reaches the application only through interfaces that an
//! operator granted: an import is linked into a component only when a grant covers it.
//!
//! ```no_run
//! use goatherd::Host;
//! use goatherd::capability::db::{Caps, Databases, SqliteDatabase};
//! use goatherd::contract::{CallContext, Json};
//! use goatherd::permission::{Grant, Grants};
//! use goatherd::runtime::Limits;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let host = Host::builder()
//!     .provider(Databases::new(SqliteDatabase::open("helpdesk.db")?, Caps::default()))
//!     .build()?;
//! let component = host.compile_file("helpdesk-stats.wasm".as_ref()).await?;
//! let grants: Grants = [Grant::parse("db:read=ticket,queue")?, Grant::parse("cache:readwrite")?].into_iter().collect();
//! let plugin = host.load(&component, grants, Limits::default()).await?;
//! let reply = plugin.call("stats", &Json::default(), CallContext::default()).await?;
//! println!("{}", reply.as_str());
//! # Ok(())
//! # }
//! ```
//!
//! The layers, from the top down; arrows run one way only: `web` and `cli`, `platform`, `manager`, `loader`, [`runtime`],
//! [`capability`], [`permission`] and [`contract`].
//!
//! What an application does not use it does not compile: see `[features]` in this crate's `Cargo.toml`. Without any of them it
//! is what the example above needs.

// Every part has helpers that only some features use; that none of all is unused is for the whole to show.
#![cfg_attr(not(feature = "program"), allow(dead_code, unused_imports))]

pub mod capability;
#[cfg(feature = "program")]
pub mod cli;
pub mod contract;
#[cfg(feature = "manager")]
pub mod loader;
#[cfg(feature = "manager")]
pub mod manager;
mod names;
pub mod permission;
#[cfg(feature = "manager")]
pub mod platform;
#[cfg(feature = "manager")]
pub mod registry;
pub mod runtime;
mod setters;
pub mod store;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(feature = "web")]
pub mod web;

pub use runtime::{Host, Plugin};
/// The engine in the version that this crate links, for an application that binds interfaces of its own: with
/// `wasmtime_crate: goatherd::wasmtime` its `bindgen!` needs no wasmtime beside it.
pub use wasmtime;
