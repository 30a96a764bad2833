//! What plugins can use of the host: one folder for each family of interfaces, with a file for each back-end.
//!
//! A capability promises three things. Its functions decide by the [caller](Caller) that the store recorded, never by an
//! argument. They check the scope of the grant before any effect, and say no with `permission-denied`, which names the
//! rule and what would change it. And they end by the deadline of the call, leaving nothing half done.
//!
//! To add an interface: its file in `wit/`, its folder here, its line in the [table].

pub mod cache;
pub mod config;
pub mod context;
pub mod custom_fields;
pub mod db;
pub mod email;
pub mod entities;
pub mod events;
pub mod files;
mod guest;
pub mod http;
pub mod i18n;
pub mod log;
mod peers;
pub mod plugins;
mod provider;
mod rate;
pub mod secure_config;
pub mod table;
pub mod wasi;

pub use guest::{Caller, Guest, Of, Slot, View};
pub use peers::{Alone, Cascade, Peers};
pub use provider::{PrepareError, Provider, Providers, Setup};
pub use rate::{PluginRates, RateLimit, RateLimited, RateLimits};
