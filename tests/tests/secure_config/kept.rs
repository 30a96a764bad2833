//! A place where secrets are kept, of either kind, with a ring; and the way past the host to what is stored.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use goatherd::capability::secure_config::{
    KeyRing, PostgresSecrets, Secret, SecretId, SecretService, SecureConfig, SqliteSecrets,
};
use goatherd::store::{PostgresStore, SqliteStore};
use goatherd::{Host, Plugin, tls};
use goatherd_tests::{guest, host_builder, limits, load, servers};
use tempfile::TempDir;

/// Which back-end keeps the secrets.
#[derive(Debug, Clone)]
pub enum Kind {
    Sqlite,
    /// The URL of a database of the test's own.
    Postgres(String),
}

/// A back-end and a folder for the ring, and for the database of one that is a file.
pub struct Kept {
    pub kind: Kind,
    folder: TempDir,
}

/// A row as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub plugin: String,
    pub name: String,
    pub org: String,
    pub key_id: String,
    pub nonce: Vec<u8>,
    pub ciphertext: Vec<u8>,
}

impl Kept {
    pub fn sqlite() -> Self {
        Self::of(Kind::Sqlite)
    }

    pub fn postgres() -> Self {
        Self::of(Kind::Postgres(servers::postgres()))
    }

    fn of(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { kind, folder }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn database(&self) -> PathBuf {
        self.folder().join("host.db")
    }

    pub fn ring_path(&self) -> PathBuf {
        self.folder().join("goatherd.keys")
    }

    /// The ring in its file, read as another process would read it.
    pub fn ring(&self) -> KeyRing {
        KeyRing::open(self.ring_path()).unwrap()
    }

    /// Connections of its own and a ring of its own, as another process would have them.
    pub async fn service(&self) -> SecretService {
        self.service_with(self.ring()).await
    }

    pub async fn service_with(&self, ring: KeyRing) -> SecretService {
        service(&self.kind, &self.database(), ring).await
    }

    /// A host that serves the secrets.
    pub async fn host(&self) -> Host {
        host(self.service().await)
    }

    /// The probe with all grants, in a host of its own.
    pub async fn probe(&self) -> Plugin {
        probe(&self.host().await, &["secure_config:readwrite"]).await
    }

    /// Runs SQL past the host.
    pub async fn sql(&self, sql: &str) {
        match &self.kind {
            Kind::Sqlite => rusqlite::Connection::open(self.database())
                .unwrap()
                .execute_batch(sql)
                .unwrap(),
            Kind::Postgres(url) => client(url).await.batch_execute(sql).await.unwrap(),
        }
    }

    /// What is stored, in order.
    pub async fn rows(&self) -> Vec<Row> {
        const SQL: &str =
            "SELECT plugin, name, org, key_id, nonce, ciphertext FROM goatherd_secret";
        let mut rows: Vec<Row> = match &self.kind {
            Kind::Sqlite => {
                let connection = rusqlite::Connection::open(self.database()).unwrap();
                let mut statement = connection.prepare(SQL).unwrap();
                let rows = statement.query_map([], |row| {
                    Ok(Row {
                        plugin: row.get(0)?,
                        name: row.get(1)?,
                        org: row.get(2)?,
                        key_id: row.get(3)?,
                        nonce: row.get(4)?,
                        ciphertext: row.get(5)?,
                    })
                });
                rows.unwrap().map(Result::unwrap).collect()
            }
            Kind::Postgres(url) => {
                let rows = client(url).await.query(SQL, &[]).await.unwrap();
                let rows = rows.iter().map(|row| Row {
                    plugin: row.get(0),
                    name: row.get(1),
                    org: row.get(2),
                    key_id: row.get(3),
                    nonce: row.get(4),
                    ciphertext: row.get(5),
                });
                rows.collect()
            }
        };
        rows.sort();
        rows
    }

    /// Puts nonce, ciphertext and key of one row into the row that is selected by `into`.
    pub async fn transplant(&self, from: &Row, into: &str) {
        self.sql(&format!(
            "UPDATE goatherd_secret SET key_id = '{}', nonce = {}, ciphertext = {} WHERE {into}",
            from.key_id,
            self.bytes(&from.nonce),
            self.bytes(&from.ciphertext),
        ))
        .await;
    }

    /// Bytes as a literal of the database.
    pub fn bytes(&self, bytes: &[u8]) -> String {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self.kind {
            Kind::Sqlite => format!("x'{digits}'"),
            Kind::Postgres(_) => format!("'\\x{digits}'::bytea"),
        }
    }
}

/// A service on a back-end that a test or its child process names.
pub async fn service(kind: &Kind, database: &Path, ring: KeyRing) -> SecretService {
    match kind {
        Kind::Sqlite => {
            let store = SqliteStore::open(database).unwrap();
            SecretService::new(SqliteSecrets::new(store).unwrap(), ring)
        }
        Kind::Postgres(url) => {
            let store = PostgresStore::new(url, tls::client(None).unwrap()).unwrap();
            SecretService::new(PostgresSecrets::new(store).await.unwrap(), ring)
        }
    }
}

/// A host with these secrets.
pub fn host(service: SecretService) -> Host {
    host_builder()
        .provider(SecureConfig::new(service))
        .build()
        .unwrap()
}

/// The probe with these grants.
pub async fn probe(host: &Host, granted: &[&str]) -> Plugin {
    named("probe-secrets", host, granted).await
}

/// The probe under another name of the same length, which makes another plugin of it.
pub async fn named(name: &str, host: &Host, granted: &[&str]) -> Plugin {
    const OWN: &[u8] = b"probe-secrets";
    assert_eq!(name.len(), OWN.len());
    let mut bytes = guest("probe-secrets");
    let places: Vec<usize> = (0..bytes.len())
        .filter(|secret_id| bytes[*secret_id..].starts_with(OWN))
        .collect();
    assert!(!places.is_empty());
    for secret_id in places {
        bytes[secret_id..secret_id + OWN.len()].copy_from_slice(name.as_bytes());
    }
    let plugin = load(host, name, bytes, granted, limits()).await.unwrap();
    assert_eq!(plugin.name().as_str(), name);
    plugin
}

pub fn secret_id(plugin: &str, name: &str, org: Option<i64>) -> SecretId {
    SecretId {
        plugin: plugin.parse().unwrap(),
        name: name.parse().unwrap(),
        org,
    }
}

/// A place of the probe's, for all organisations.
pub fn own(name: &str) -> SecretId {
    secret_id("probe-secrets", name, None)
}

/// Sets a secret as an operator does.
pub async fn put(service: &SecretService, secret_id: &SecretId, value: &str) {
    service
        .set(secret_id, &Secret::new(value.to_owned()), soon())
        .await
        .unwrap();
}

/// A deadline that leaves time on a busy machine.
pub fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

async fn client(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}
