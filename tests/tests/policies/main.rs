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
use goatherd_tests::{StoreKind, postgres_store, sqlite_store};

/// What keeps policies in each kind of store.
trait Opened {
    async fn store(&self) -> Box<dyn PolicyStore>;

    async fn policies(&self) -> Policies;
}

impl Opened for StoreKind {
    async fn store(&self) -> Box<dyn PolicyStore> {
        match self {
            Self::Memory => Box::new(MemoryPolicies::default()),
            Self::Sqlite(folder) => {
                Box::new(SqlitePolicies::new(sqlite_store(folder.path())).unwrap())
            }
            Self::Postgres(url) => {
                Box::new(PostgresPolicies::new(postgres_store(url)).await.unwrap())
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
