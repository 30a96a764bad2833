//! What plugins can use of the host: one folder for each family of interfaces, with a file for each back-end.
//!
//! A capability promises three things. Its functions decide by the [caller](Caller) that the store recorded, never by an
//! argument. They check the scope of the grant before any effect, and say no with `permission-denied`, which names the
//! rule and what would change it. And they end by the deadline of the call, leaving nothing half done.
//!
//! To add an interface: its file in `wit/`, its plain functions in [`host`](crate::contract::host), its folder here, its line
//! in the [table]. An application adds interfaces of its own by a [`Provider`].

pub mod cache;
pub mod capabilities;
pub mod config;
pub mod context;
pub mod custom_fields;
pub mod db;
#[cfg(feature = "email")]
pub mod email;
pub mod entities;
pub mod events;
pub mod files;
mod guest;
#[cfg(feature = "http")]
pub mod http;
pub mod i18n;
mod interfaces;
pub mod log;
mod peers;
pub mod plugins;
mod provider;
mod rate;
pub mod secure_config;
pub mod table;
pub mod wasi;

pub use guest::{Caller, Guest, Of, Slot, View};
pub use interfaces::Interfaces;
pub use peers::{Alone, Cascade, Peers};
pub use provider::{
    Interface, InterfaceError, LinkInterface, PrepareError, Provider, Setup, ViewOf,
};
pub use rate::{PluginRates, RateLimit, RateLimited, RateLimits};
