//! The contract between host and plugin as plain Rust types, without I/O.
//!
//! Everything that a plugin says crosses this layer once, on its way in, and is parsed here into types that can only
//! be valid; the layers above never see a registration with a bad route or a name with a slash in it. Bindings of one
//! version of the contract live in one module each ([`v0_1`]) and are converted here, so a second version adds a
//! module and changes nothing else.
//!
//! Nothing here waits, opens or sends anything, so all of it can be tested and reasoned about alone. Texts from a
//! plugin that are quoted in a message are cut to a bounded length and escaped.

pub mod call;
mod chain;
pub mod error;
pub mod json;
mod json_scan;
pub mod name;
pub mod registration;
pub(crate) mod text;
pub mod v0_1;
pub mod version;

pub use call::{CallContext, Language, LanguageError, RequestId, RequestIdError, User};
pub use chain::Chain;
pub use error::Error;
pub use json::{Json, JsonError};
pub use name::{PluginName, PluginNameError};
pub use registration::{Problem, Problems, Registration};
pub use version::ContractVersion;
