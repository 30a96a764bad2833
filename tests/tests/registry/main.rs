//! The plugins table: the service over each store, two nodes, stores that fail, capabilities and workflows.

mod capabilities;
mod faults;
mod nodes;
mod schemas;
mod table;
mod workflows;

use goatherd::registry::{
    Kind, MemoryStore, PostgresRegistry, Record, Service, SqliteRegistry, Store,
};
use goatherd::store::{PostgresStore, SqliteStore};
use goatherd_tests::servers;
use serde_json::{Map, Value};
use tempfile::TempDir;

/// A store of each kind, for bodies that run on all of them.
enum Place {
    Memory,
    Sqlite(TempDir),
    Postgres(String),
}

impl Place {
    fn all() -> [Self; 3] {
        let folder = tempfile::tempdir().unwrap();
        [
            Self::Memory,
            Self::Sqlite(folder),
            Self::Postgres(servers::postgres()),
        ]
    }

    /// Those that several nodes can share.
    fn shared() -> impl Iterator<Item = Self> {
        Self::all().into_iter().skip(1)
    }

    async fn store(&self) -> Box<dyn Store> {
        match self {
            Self::Memory => Box::new(MemoryStore::default()),
            Self::Sqlite(folder) => {
                let store = SqliteStore::open(folder.path().join("goatherd.db")).unwrap();
                Box::new(SqliteRegistry::new(store).unwrap())
            }
            Self::Postgres(url) => {
                let store = PostgresStore::new(url, goatherd::tls::client(None).unwrap()).unwrap();
                Box::new(PostgresRegistry::new(store).await.unwrap())
            }
        }
    }

    async fn service(&self) -> Service {
        Service::with_store(self.store().await).await.unwrap()
    }
}

fn record(slug: &str) -> Record {
    Record::new(slug.parse().unwrap(), Kind::Capability)
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// The slugs of records, in their order.
fn slugs(records: &[std::sync::Arc<Record>]) -> Vec<&str> {
    records.iter().map(|record| record.slug.as_str()).collect()
}
