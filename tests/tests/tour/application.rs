//! An application with contacts and agents, on back-ends of one kind.

use std::path::PathBuf;

use goatherd::capability::cache::{Caching, QUOTA, RedisCache};
use goatherd::capability::config::{Config, FixedSettings};
use goatherd::capability::custom_fields::{CustomFields, PostgresFields, SqliteFields};
use goatherd::capability::db::{
    Caps, Databases, PostgresDatabase, PostgresSettings, SqliteDatabase,
};
use goatherd::capability::email::{Mail, Mailer, Outbox, Smtp};
use goatherd::capability::entities::{
    Entities, EntityService, EntityTypes, PostgresEntities, SqliteEntities,
};
use goatherd::capability::events::{EventHub, Events, MemoryBroker, RedisBroker};
use goatherd::capability::secure_config::{
    KeyRing, PostgresSecrets, SecretService, SecureConfig, SqliteSecrets,
};
use goatherd::runtime::HostBuilder;
use goatherd::store::{PostgresStore, RedisStore, SqliteStore};
use goatherd::{Host, tls};
use goatherd_tests::{Names, host_builder, http_client, servers};
use serde_json::json;
use tempfile::TempDir;

/// In words that both databases understand. Each guest gets two contacts.
const SCHEMA: &str = "
    CREATE TABLE contact (id INTEGER PRIMARY KEY, name TEXT NOT NULL, valid_id INTEGER NOT NULL DEFAULT 1);
    CREATE TABLE agent (id INTEGER PRIMARY KEY, name TEXT NOT NULL, valid_id INTEGER NOT NULL DEFAULT 1);
    CREATE TABLE secret (word TEXT);
    INSERT INTO contact (id, name) VALUES (1, 'Ada'), (2, 'Alan'), (3, 'Grace'), (4, 'Edsger'), (5, 'Barbara'), (6, 'Tony');
";

/// A host with all of its back-ends.
pub struct Application {
    pub host: Host,
    messages: PathBuf,
    _folder: TempDir,
}

impl Application {
    /// With back-ends that need nothing installed.
    pub async fn embedded() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("application.db");
        let connection = rusqlite::Connection::open(&file).expect("a new database");
        connection.execute_batch(SCHEMA).expect("the schema");
        drop(connection);

        let messages = folder.path().join("outbox");
        let outbox = Outbox::open(&messages).expect("a folder");
        let store = SqliteStore::open(&file).expect("the store");
        let database = SqliteDatabase::open(&file).expect("the database");
        let secrets = SqliteSecrets::new(store.clone()).expect("the table of secrets");
        let fields = SqliteFields::open(store.clone()).expect("the tables of fields");
        let entities = SqliteEntities::open(store, types()).await;
        let builder = with_what_is_the_same(outbox)
            .provider(Databases::new(database, Caps::default()))
            .provider(SecureConfig::new(SecretService::new(
                secrets,
                ring(&folder),
            )))
            .provider(CustomFields::new(fields).entity_types(names()))
            .provider(Entities::new(EntityService::new(
                entities.expect("the entity types"),
            )))
            .provider(Events::new(EventHub::new(MemoryBroker::default())));
        Self::new(builder, messages, folder)
    }

    /// With back-ends that several nodes can share.
    pub async fn shared() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = servers::postgres();
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
            .await
            .expect("it answers");
        tokio::spawn(connection);
        client.batch_execute(SCHEMA).await.expect("the schema");

        let tls = tls::client(None).expect("TLS");
        let smtp = Smtp::new(&servers::smtp(), tls.clone()).expect("a URL");
        let store = PostgresStore::new(&url, tls.clone()).expect("a URL");
        let redis = RedisStore::new(&servers::redis(), tls).expect("a URL");
        let prefix = format!("tour-{}", std::process::id());
        let database = PostgresDatabase::new(store.clone(), PostgresSettings::default());
        let secrets = PostgresSecrets::new(store.clone()).await;
        let secrets = secrets.expect("the table of secrets");
        let fields = PostgresFields::open(store.clone()).await;
        let entities = PostgresEntities::open(store, types()).await;
        let builder = with_what_is_the_same(smtp)
            .provider(Databases::new(database, Caps::default()))
            .provider(Caching::new(RedisCache::new(
                redis.clone(),
                prefix.clone(),
                QUOTA,
            )))
            .provider(SecureConfig::new(SecretService::new(
                secrets,
                ring(&folder),
            )))
            .provider(
                CustomFields::new(fields.expect("the tables of fields")).entity_types(names()),
            )
            .provider(Entities::new(EntityService::new(
                entities.expect("the entity types"),
            )))
            .provider(Events::new(EventHub::new(RedisBroker::new(redis, prefix))));
        Self::new(builder, servers::mail_folder(), folder)
    }

    fn new(builder: HostBuilder, messages: PathBuf, folder: TempDir) -> Self {
        Self {
            host: builder.build().expect("the host starts"),
            messages,
            _folder: folder,
        }
    }

    /// How many messages were handed over for somebody.
    pub fn messages_to(&self, recipient: &str) -> usize {
        super::messages_to(&self.messages, recipient)
    }
}

fn with_what_is_the_same(mailer: impl Mailer) -> HostBuilder {
    let sender = "Helpdesk <help@example.org>".parse().expect("a sender");
    let settings = FixedSettings {
        application: [("app.name".to_owned(), json!("Helpdesk"))].into(),
        plugins: [].into(),
    };
    host_builder()
        .provider(Config::new(settings))
        .provider(http_client(&Names::default(), None))
        .provider(Mail::new(sender, mailer))
}

fn ring(folder: &TempDir) -> KeyRing {
    KeyRing::open(folder.path().join("keys")).expect("a new ring")
}

/// The tour is granted contacts, and not agents.
fn types() -> EntityTypes {
    let table = |name: &str| json!({"table": name, "personal": ["name"], "soft_delete": {"column": "valid_id", "value": 2}});
    let types = json!({"contact": table("contact"), "agent": table("agent")});
    serde_json::from_value(types).expect("the entity types")
}

fn names() -> goatherd::capability::custom_fields::EntityTypes {
    ["contact", "agent"].into_iter().collect()
}
