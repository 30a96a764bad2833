//! Goatherd: a plugin host for WebAssembly components.
//!
//! A plugin says about itself what it adds to an application, and reaches the application only through interfaces that an
//! operator granted: an import is linked into a component only when a grant covers it.
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
pub mod runtime;
pub mod web;

pub use runtime::{Host, Plugin};
