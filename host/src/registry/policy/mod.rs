//! What operators decided about plugins, and the record of who decided it.
//!
//! A [`ResourcePolicy`] says whether a plugin may run, what it may do and how much of it. What a plugin asks for never
//! becomes part of one by itself. Policies live in a [`PolicyStore`] that several nodes may share; [`Policies`] keeps a copy
//! of all of them in memory and makes each change in the store first. With each change goes an [`AuditEntry`], which the
//! store keeps in the same transaction: there is no policy without the entry that explains it, and no entry about
//! something that did not happen. Entries are only ever added.

mod audit;
mod bounds;
mod change;
mod error;
mod form;
mod memory;
mod resource;
mod service;
mod sql;
mod store;
mod write;

pub use audit::{AuditEntry, AuditEvent, AuditPage, By, ComponentId, Decided, Note};
pub use bounds::{Bound, FieldError, Mebibytes, Timeout};
pub use change::PolicyChange;
pub use error::{NoteError, PolicyError};
pub use memory::MemoryPolicies;
pub use resource::{InstanceSettings, Origin, ResourcePolicy, Status};
pub use service::{Policies, PolicyChanges};
#[cfg(feature = "postgres")]
pub use sql::PostgresPolicies;
pub use sql::{SqlPolicies, SqlitePolicies};
pub use store::PolicyStore;
