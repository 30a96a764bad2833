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
use goatherd_tests::{StoreKind, postgres_store, sqlite_store};
use serde_json::{Map, Value};

/// What keeps records in each kind of store.
trait Opened {
    async fn store(&self) -> Box<dyn Store>;

    async fn service(&self) -> Service;
}

impl Opened for StoreKind {
    async fn store(&self) -> Box<dyn Store> {
        match self {
            Self::Memory => Box::new(MemoryStore::default()),
            Self::Sqlite(folder) => {
                Box::new(SqliteRegistry::new(sqlite_store(folder.path())).unwrap())
            }
            Self::Postgres(url) => {
                Box::new(PostgresRegistry::new(postgres_store(url)).await.unwrap())
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
