//! The plugins table: what an administrator switches, configures and orders while everything runs, and the capabilities
//! that hang on it.
//!
//! A [`Record`] is a row: whether something is on, how it is configured, where it stands in the navigation. Records live in a
//! [`Store`] that several nodes may share; the [`Service`] keeps a copy of all of them in memory, so that reading costs
//! nothing and never fails, and makes each change in the store first. A change that fails in the store is not seen anywhere;
//! one that another node made is seen within half a second ([`Service::follow`]).
//!
//! What a plugin may do and who decided it is in [`policy`].
//!
//! A capability is a function with a name, given by the application or by a plugin. `newsletter.send` is owned by
//! `newsletter` and runs only while that is enabled. A [`Workflow`] is a capability made of others.

mod back_off;
mod capability;
mod error;
mod memory;
pub mod policy;
mod record;
mod replicated;
mod running;
pub mod schema;
mod service;
mod settings;
mod snapshot;
mod sql;
mod store;
mod template;
mod workflow;

pub use capability::{Capability, CapabilitySlug, Run, RunFuture};
pub use error::{RegistryError, RunError, StoreFault};
pub use memory::MemoryStore;
pub use policy::{Policies, ResourcePolicy};
pub use record::{Arrangement, Kind, Record};
pub use replicated::Changes;
pub use schema::{Schema, SchemaError, Schemas};
pub use service::{ConfigCheck, RecordChanges, Service};
pub use settings::RegistrySettings;
#[cfg(feature = "postgres")]
pub use sql::PostgresRegistry;
pub use sql::{SqlRegistry, SqliteRegistry};
pub use store::Store;
pub use workflow::{Step, Undo, Workflow, WorkflowError};
