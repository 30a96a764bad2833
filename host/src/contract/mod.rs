//! The contract between host and plugin as plain Rust types, without I/O.
//!
//! Everything that a plugin says crosses this layer once, on its way in, and is parsed here into types that can only
//! be valid; the layers above never see a registration with a bad route or a name with a slash in it. The bindings of
//! each version are in a folder of their own, which [`bindings`] alone names: they implement what is generated from the WIT
//! by the plain functions of [`host`], on the plain records of [`wire`].
//!
//! Nothing here waits, opens or sends anything, so all of it can be tested and reasoned about alone. Texts from a
//! plugin that are quoted in a message are cut to a bounded length and escaped.

pub mod bindings;
pub mod call;
mod chain;
pub mod error;
pub mod host;
pub mod invocation;
pub mod json;
mod json_scan;
pub mod registration;
pub mod version;
pub mod wire;

pub use crate::names::{PluginName, PluginNameError};
pub use call::{
    CallContext, Language, LanguageError, RequestId, RequestIdError, User, UserRole, UserTrait,
};
pub use chain::Chain;
pub use error::{Error, ErrorDetail, RateLimited};
pub use json::{Json, JsonError};
pub use registration::{Problem, Problems, Registration};
pub use version::ContractVersion;
