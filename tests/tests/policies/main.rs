//! Policies of plugins: their form, decisions and who made them, over each store, two nodes, and stores that fail.

mod audit;
mod decisions;
mod faults;
mod form;
mod nodes;
mod reviewed;
mod rule;

use goatherd::contract::PluginName;
use goatherd::registry::policy::{
    By, ComponentId, MemoryPolicies, Note, Policies, PolicyStore, PostgresPolicies, ResourcePolicy,
    SqlitePolicies,
};
use goatherd::store::{PostgresStore, SqliteStore};
use goatherd_tests::servers;
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

    async fn store(&self) -> Box<dyn PolicyStore> {
        match self {
            Self::Memory => Box::new(MemoryPolicies::default()),
            Self::Sqlite(folder) => {
                let store = SqliteStore::open(folder.path().join("goatherd.db")).unwrap();
                Box::new(SqlitePolicies::new(store).unwrap())
            }
            Self::Postgres(url) => {
                let store = PostgresStore::new(url, goatherd::tls::client(None).unwrap()).unwrap();
                Box::new(PostgresPolicies::new(store).await.unwrap())
            }
        }
    }

    async fn policies(&self) -> Policies {
        Policies::with_store(self.store().await).await.unwrap()
    }
}

fn name(name: &str) -> PluginName {
    name.parse().unwrap()
}

/// A note by this operator.
fn by(who: &str) -> Note {
    Note::new(By::operator(who).unwrap(), "as agreed").unwrap()
}

fn component(version: &str) -> ComponentId {
    ComponentId {
        version: version.parse().unwrap(),
        hash: format!("hash-of-{version}"),
    }
}

/// What a policy grants, as text.
fn granted(policy: &ResourcePolicy) -> Vec<String> {
    policy.grants.iter().map(ToString::to_string).collect()
}
