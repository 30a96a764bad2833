//! From a directory to checked bytes, in an order.
//!
//! The loader knows files, bytes, signatures and order. It neither links nor decides: what is read here is described by
//! the runtime, and judged and started by the manager. Four rules hold:
//!
//! - a plugin is read once, and its signature is checked on the bytes that are then used ([`Reader`]);
//! - what a package holds is bounded while it is taken apart, and nothing in it leads elsewhere ([`package`]);
//! - a file that is still being written is not reported ([`Watch`]);
//! - an installation that is interrupted leaves the old plugin or the new one ([`Installer`]).

mod bundle;
mod discover;
mod files;
mod inner_path;
mod install;
mod journal;
pub mod manifest;
mod order;
mod pack;
pub mod package;
mod read_error;
mod reader;
mod recover;
pub mod signature;
mod watch;

pub use bundle::Bundle;
pub use discover::{DiscoverError, Discovered, Layout, discover, signature_path};
pub use files::PluginFiles;
pub use inner_path::{InnerPath, InnerPathError};
pub use install::{InstallError, Installed, Installer};
pub use order::{DependencyError, Node, Order, order};
pub use pack::{PackError, pack};
pub use package::PackageLimits;
pub use read_error::ReadError;
pub use reader::{Reader, ReaderSettings, content_to_sign};
pub use recover::recover;
pub use watch::{Change, Watch, WatchError, WatchSettings};
