//! The stores that the host keeps its own tables in, each empty, for bodies that run on all of them.

use std::path::Path;

use goatherd::store::{PostgresStore, SqliteStore};
use tempfile::TempDir;

use crate::servers;

/// Where a store keeps what it is given.
pub enum StoreKind {
    Memory,
    /// The folder of a database.
    Sqlite(TempDir),
    /// The URL of a database of the test's own.
    Postgres(String),
}

impl StoreKind {
    pub fn all() -> [Self; 3] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        [
            Self::Memory,
            Self::Sqlite(folder),
            Self::Postgres(servers::postgres()),
        ]
    }

    /// Those that several nodes can share.
    pub fn shared() -> impl Iterator<Item = Self> {
        Self::all().into_iter().skip(1)
    }
}

/// The database in this folder, the same one each time.
pub fn sqlite_store(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder.join("goatherd.db")).expect("the database opens")
}

/// The database at this URL.
pub fn postgres_store(url: &str) -> PostgresStore {
    let tls = goatherd::tls::client(None).expect("TLS");
    PostgresStore::new(url, tls).expect("a URL")
}
