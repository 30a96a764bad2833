//! Connections to the host's own tables, which lie beside the application's and are called `goatherd_…`.
//!
//! Capabilities keep here what must not be lost: secrets, custom fields, deletions. They lie in the application's
//! database, so that one transaction can change an entity and what the host knows about it. Nothing that a plugin sends is
//! run on these connections as SQL; a plugin's own connections cannot reach these tables, whatever its scope says.
//!
//! There are two kinds of store for them. What both understand is written once, over [`Tables`]; where the engines differ a
//! capability has a file for each. What may be lost, and what nodes tell each other, can lie in a third: Redis.
//!
//! Their tables have versions: see [`schema`], and [`families`] for which there are.

mod error;
pub mod families;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
pub mod schema;
mod sqlite;
mod tables;

pub use error::StoreError;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresSession, PostgresStore};
#[cfg(feature = "redis")]
pub use redis::{RedisFailure, RedisStore};
pub use schema::{Family, SchemaError};
pub use sqlite::SqliteStore;
pub use tables::{Column, Engine, Mode, Param, Row, Tables, Transaction, Working};
