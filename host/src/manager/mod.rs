//! The plugins of a running host: which there are, in which state, and what was decided about each.
//!
//! The [`Manager`] holds one [`Table`], which readers get as an immutable snapshot and never wait for. What changes it are
//! short steps without I/O, made one at a time; compiling, `init` and `shutdown` run between such steps, so a plugin that
//! starts slowly delays nobody but those who ask for it. While it starts, its entry says so, and whoever wants it started
//! too waits for the same start.
//!
//! The layer above says whether what a plugin adds fits beside the others, and takes it up, as an [`Applier`]: it is asked
//! before `init`, and told of each new table in the step that makes it, so that nothing of a plugin is served once
//! [`Manager::disable`] has begun to shut it down.
//!
//! Plugins come from a directory through a [`Loader`], are called through [`Handle`]s, and are replaced while they serve
//! by [`Manager::reload`]. Decisions that change are applied by [`Manager::review`], what administrators switch on and off is kept in
//! the plugins table of a [`Hosting`].

mod applier;
mod calls;
mod error;
mod handle;
mod health;
mod hosted;
mod hosting;
mod idle;
mod load;
mod loader;
mod origin;
mod peers;
mod policy;
mod reload;
mod review;
mod start;
mod steps;
mod stop;
mod table;
mod watching;

pub use applier::Applier;
pub(crate) use applier::Nothing;
pub use error::{Failure, ManagerError};
pub use handle::Handle;
pub use hosting::Hosting;
pub use load::{Outcome, Report};
pub use loader::{DiscoveredPlugin, Loader};
pub use policy::{Candidate, Configured, Decision, Policy, Reviewed, Terms, TrustAll};
pub use steps::Manager;
pub use table::{Entry, Refused, Serving, State, Table};
