//! Connections to the host's own tables, which lie beside the application's and are called `goatherd_…`.
//!
//! Capabilities keep here what must not be lost: secrets, custom fields, deletions. They lie in the application's
//! database, so that one transaction can change an entity and what the host knows about it. Nothing that a plugin sends is
//! run on these connections as SQL; a plugin's own connections cannot reach these tables, whatever its scope says.
//!
//! There are two kinds of store for them. They have no common interface, because what runs on them is written in their own
//! SQL: a capability has one file for each. What may be lost, and what nodes tell each other, can lie in a third: Redis.

mod error;
mod postgres;
mod redis;
mod sqlite;

pub use error::StoreError;
pub use postgres::{PostgresSession, PostgresStore};
pub use redis::{RedisFailure, RedisStore};
pub use sqlite::SqliteStore;
