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

pub mod capability;
pub mod cli;
pub mod contract;
pub mod loader;
pub mod manager;
pub mod permission;
pub mod platform;
pub mod registry;
pub mod runtime;
pub mod store;
pub mod tls;
pub mod web;

pub use runtime::{Host, Plugin};
/// The engine in the version that this crate links, for an application that binds interfaces of its own: with
/// `wasmtime_crate: goatherd::wasmtime` its `bindgen!` needs no wasmtime beside it.
pub use wasmtime;
