//! Permissions, access levels and scopes as types that can only be valid, without I/O.
//!
//! A [`Grant`] is what an operator gives a plugin: a [`Permission`], an [`Access`] where the permission has one, and
//! scope entries. Text is parsed once, when a grant is made; whoever holds a value of these types need not check it
//! again. [`Grants`] is everything that one plugin has; it answers two questions: whether a [`Need`] of an interface is
//! covered (which decides what is linked), and to what a call is limited (which the capability checks before any
//! effect). Nothing here decides anything about a particular back-end, and nothing here is mutable once built, so it
//! is shared between threads freely.
//!
//! An absent scope means the plugin's own where such a thing exists, and nothing where it does not; everything is the
//! explicit `*`.

mod address;
mod app;
mod channel;
mod entity;
mod error;
mod glob;
mod grant;
mod grants;
mod host;
mod key;
mod kind;
mod plugin;
mod prefix;
mod quota;
mod rates;
mod route;
mod scope;
mod slug;
mod table;

pub use address::{Address, AddressError, AddressPattern};
pub use app::{AppPermission, PermissionName, Permissions};
pub use channel::{ChannelName, ChannelPattern};
pub use entity::{EntityPattern, FieldPattern};
pub use error::{AppPermissionError, GrantError, PatternError};
pub use grant::{Entries, Grant};
pub use grants::Grants;
pub use host::{HostMatch, HostPattern};
pub use key::KeyPattern;
pub use kind::{Access, Need, Permission};
pub use plugin::PluginPattern;
pub use prefix::KeyPrefix;
pub use quota::{FilesGrant, Quota};
pub use rates::{Counted, Period, Rates};
pub use route::RoutePattern;
pub use scope::Scope;
pub use slug::SlugPattern;
pub use table::TablePattern;
