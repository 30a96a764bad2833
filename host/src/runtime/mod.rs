//! From bytes to a served call.
//!
//! The [`Host`] compiles a [`Component`], shows what it asks for as a [`Description`], and loads it as a [`Plugin`] that
//! can be called. Six rules hold for every call:
//!
//! - an import exists in a component only if a grant covers it; what is missing is named, all of it, before any code runs;
//! - one deadline covers guest code, host functions and waiting for an instance;
//! - an instance serves one call at a time, in a store of its own, and is thrown away after anything but a clean return;
//! - limits can be changed while a plugin serves, and hold for its next call; a plugin that fails repeatedly is left alone;
//! - guests that compute for long leave threads to those who do not;
//! - no lock is held while plugin code runs, so plugins run in parallel with each other and with themselves.
//!
//! Nothing here is global: two hosts in one process share no state.

mod breaker;
mod clock;
mod closed;
mod code_cache;
mod component;
mod describe;
mod description_cache;
mod engine;
mod error;
mod health;
mod host;
mod instance;
mod limits;
mod link;
mod live;
mod metrics;
mod names;
mod plugin;
mod pool;
mod private;
mod trap;
mod turns;
mod watch;

pub use breaker::BreakerPolicy;
pub use code_cache::CodeCache;
pub use component::{Component, Import, Verdict, needs_of};
pub use describe::{DescribeError, Description};
pub use description_cache::DescriptionCache;
pub use error::{CallError, ComponentError, LoadError, Missing, Unknown};
pub use health::Health;
pub use host::{Host, HostBuilder, HostError};
pub use limits::{InstanceMode, Limits};
pub use metrics::Metrics;
pub use plugin::{Plugin, Reply};
pub use private::PrivateError;
#[cfg(feature = "manager")]
pub(crate) use private::open_private;
pub use trap::Trap;
