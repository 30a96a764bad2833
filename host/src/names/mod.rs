//! The names that several layers speak of, and how texts of strangers are shown.
//!
//! Below the contract and the permissions, which are both made of these: a scope names plugins, and a registration asks for
//! permissions.

mod plugin;
pub(crate) mod text;

pub use plugin::{PluginName, PluginNameError};
