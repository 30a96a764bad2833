//! Custom fields, through a guest: what they hold, who may touch them, what changes and queries do, and what is left when
//! the process is killed. Each body runs against both back-ends.

mod changes;
mod crash;
mod current_thread;
mod large;
mod order;
mod organisations;
mod places;
mod query;
mod registration;
mod scope;
mod values;

use goatherd::capability::custom_fields::{
    CustomFields, EntityTypes, PostgresFields, SqliteFields,
};
use goatherd::contract::CallContext;
use goatherd::runtime::CallError;
use goatherd::store::{PostgresStore, SqliteStore};
use goatherd::{Host, Plugin};
use goatherd_tests::{call_in, fields, host_builder, limits, load, servers};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Makes of each body a test for each back-end.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::Place::sqlite()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::Place::postgres()).await;
            })+
        }
    };
}
use on_both;

/// Where fields are kept: a database of the test's own.
enum Place {
    Sqlite(TempDir),
    Postgres(String),
}

impl Place {
    fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a temporary folder"))
    }

    fn postgres() -> Self {
        Self::Postgres(servers::postgres())
    }

    fn file(&self) -> std::path::PathBuf {
        match self {
            Self::Sqlite(folder) => folder.path().join("fields.db"),
            Self::Postgres(url) => panic!("{url} is no file"),
        }
    }

    async fn provider(&self) -> CustomFields {
        match self {
            Self::Sqlite(_) => {
                let store = SqliteStore::open(self.file()).unwrap();
                CustomFields::new(SqliteFields::open(store).unwrap())
            }
            Self::Postgres(url) => {
                CustomFields::new(PostgresFields::open(postgres_store(url)).await.unwrap())
            }
        }
    }

    /// A host that serves the fields in this place, as after a restart.
    async fn host(&self) -> Host {
        host(self.provider().await)
    }

    async fn host_for(&self, entity_types: &[&str]) -> Host {
        let types: EntityTypes = entity_types.iter().copied().collect();
        host(self.provider().await.entity_types(types))
    }

    /// The probe with a grant for its own fields everywhere.
    async fn desk(&self) -> Desk {
        let host = self.host().await;
        let probe = probe(&host, &["custom_fields:readwrite=*"]).await;
        Desk { _host: host, probe }
    }
}

fn postgres_store(url: &str) -> PostgresStore {
    let tls = goatherd::tls::client(None).expect("a configuration");
    PostgresStore::new(url, tls).expect("a URL")
}

fn host(provider: CustomFields) -> Host {
    host_builder()
        .provider(provider)
        .build()
        .expect("the host starts")
}

async fn probe(host: &Host, granted: &[&str]) -> Plugin {
    named(host, "probe-fields", granted).await
}

/// The probe under another name.
async fn named(host: &Host, name: &str, granted: &[&str]) -> Plugin {
    let limits = limits().instances(4);
    let bytes = fields::guest(name, 'a');
    let loaded = load(host, name, bytes, granted, limits).await;
    loaded.unwrap_or_else(|error| panic!("{error}"))
}

/// The probe in a host.
struct Desk {
    /// Kept because a host in use is what plugins run in.
    _host: Host,
    probe: Plugin,
}

impl Desk {
    async fn set(&self, id: i64, values: Value) -> Result<Value, CallError> {
        set(&self.probe, id, values).await
    }

    async fn get(&self, id: i64, names: &[&str]) -> Value {
        get(&self.probe, id, names).await.unwrap()
    }

    async fn one(&self, id: i64, name: &str) -> Value {
        self.get(id, &[name]).await[name].clone()
    }

    async fn apply(&self, id: i64, changes: Value) -> Result<Value, CallError> {
        apply(&self.probe, id, changes).await
    }

    async fn query(&self, filters: Value) -> Result<Value, CallError> {
        query(&self.probe, filters).await
    }

    async fn found(&self, filters: Value) -> Vec<i64> {
        let found = self.query(filters.clone()).await;
        let found = found.unwrap_or_else(|error| panic!("{filters}: {error}"));
        serde_json::from_value(found).unwrap()
    }
}

async fn ask(plugin: &Plugin, function: &str, args: Value) -> Result<Value, CallError> {
    call_in(plugin, CallContext::default(), function, args).await
}

async fn set(plugin: &Plugin, id: i64, values: Value) -> Result<Value, CallError> {
    ask(
        plugin,
        "set",
        json!({"type": "ticket", "id": id, "values": values}),
    )
    .await
}

async fn get(plugin: &Plugin, id: i64, names: &[&str]) -> Result<Value, CallError> {
    ask(
        plugin,
        "get",
        json!({"type": "ticket", "id": id, "fields": names}),
    )
    .await
}

async fn apply(plugin: &Plugin, id: i64, changes: Value) -> Result<Value, CallError> {
    ask(
        plugin,
        "apply",
        json!({"type": "ticket", "id": id, "changes": changes}),
    )
    .await
}

async fn query(plugin: &Plugin, filters: Value) -> Result<Value, CallError> {
    ask(
        plugin,
        "query",
        json!({"type": "ticket", "filters": filters}),
    )
    .await
}

/// The text of a refusal with this code, which left the instance alone.
fn refused(outcome: Result<Value, CallError>, code: &str) -> String {
    let error = match outcome {
        Ok(answer) => panic!("it was answered: {answer}"),
        Err(error) => error,
    };
    let text = error.to_string();
    assert!(matches!(error, CallError::Plugin { .. }), "{text}");
    assert_eq!(error.code(), code, "{text}");
    text
}
