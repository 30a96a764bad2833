//! From settings to back-ends.
//!
//! A server connects to everything that its settings name. A single call connects only to what its grants can reach, so that
//! looking something up makes no tables in a database.

use anyhow::Context as _;
use rustls::ClientConfig;

use super::failure::Failure;
use super::settings::{DatabaseSetting, EventsSetting, MailSettings, Settings};
use crate::capability::cache::{Caching, QUOTA, RedisCache};
use crate::capability::config::Config;
use crate::capability::custom_fields::{CustomFields, PostgresFields, SqliteFields};
use crate::capability::db::{
    Caps, Databases, OrganisationTables, PostgresDatabase, PostgresSettings, SqliteDatabase,
};
use crate::capability::email::{Mail, Outbox, Sender, Smtp};
use crate::capability::entities::{
    Entities, EntityService, EntityTypes, PostgresEntities, SqliteEntities,
};
use crate::capability::events::{EventHub, Events, MemoryBroker, PostgresBroker, RedisBroker};
use crate::capability::files::DataFolders;
use crate::capability::http::{HttpClient, HttpOptions};
use crate::capability::secure_config::{
    KeyRing, PostgresSecrets, SecretService, SecureConfig, SqliteSecrets,
};
use crate::permission::{Grants, Permission};
use crate::runtime::{Host, HostBuilder};
use crate::store::{PostgresStore, RedisStore, SqliteStore};
use crate::tls;

/// What keys and channels in Redis begin with.
const REDIS_PREFIX: &str = "goatherd";
/// The environment variable with the keys of secrets, instead of a file.
const KEYS_VARIABLE: &str = "GOATHERD_SECRET_KEY_RING";
/// The file with the keys of secrets, when none is named.
const KEYS_FILE: &str = "goatherd.keys";

/// A host with its back-ends, and those that others than plugins use as well.
pub(super) struct BackEnds {
    pub(super) host: Host,
    pub(super) events: EventHub,
    pub(super) entities: Option<EntityService>,
}

/// The host's own tables.
enum Tables {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

/// A host that runs nothing but `register`, and so needs no back-ends.
pub(super) fn without(settings: &Settings) -> Result<Host, Failure> {
    Ok(with_code_cache(settings, Host::builder())?
        .build()
        .context("the host does not start")?)
}

/// Connects to what the settings name, as far as `grants` reach; to all of it where none are given.
pub(super) async fn connect(
    settings: &Settings,
    grants: Option<&Grants>,
) -> Result<BackEnds, Failure> {
    let reaches = |permission: Permission| {
        grants.is_none_or(|grants| grants.iter().any(|grant| grant.permission() == permission))
    };
    let tls = tls::client(settings.certificates.as_deref()).context("certificates")?;
    let mut builder = with_code_cache(settings, Host::builder())?
        .provider(Config::new(settings.plugin_settings()));

    if reaches(Permission::Http) {
        let client = HttpClient::new(HttpOptions::new(tls.clone()));
        builder = builder.provider(client.context("requests to other servers")?);
    }
    if let Some(url) = &settings.cache
        && reaches(Permission::Cache)
    {
        let redis = RedisStore::new(url, tls.clone()).context("the setting cache")?;
        builder = builder.provider(Caching::new(RedisCache::new(redis, REDIS_PREFIX, QUOTA)));
    }
    if let Some(mail) = &settings.mail
        && reaches(Permission::Email)
    {
        builder = builder.provider(mailer(mail, &tls)?);
    }
    if let Some(folder) = &settings.data
        && reaches(Permission::Files)
    {
        let folders = DataFolders::open(folder).context("the setting data")?;
        builder = builder.data_folders(folders);
    }
    if reaches(Permission::Db) {
        builder = database(settings, &tls, builder)?;
    }
    let tables = tables(settings, &tls)?;
    let mut entities = None;
    if let Some(tables) = &tables {
        if reaches(Permission::SecureConfig) {
            let secrets = secrets(settings, tables).await?;
            builder = builder.provider(SecureConfig::new(secrets));
        }
        if reaches(Permission::CustomFields) {
            builder = builder.provider(custom_fields(settings, tables).await?);
        }
        if reaches(Permission::Entity) {
            let service = entity_service(settings, tables).await?;
            builder = builder.provider(Entities::new(service.clone()));
            entities = Some(service);
        }
    }
    let events = hub(settings, &tls, tables.as_ref(), reaches(Permission::Events)).await?;
    let host = builder
        .provider(Events::new(events.clone()))
        .build()
        .context("the host does not start")?;
    Ok(BackEnds {
        host,
        events,
        entities,
    })
}

/// The secrets of all plugins.
pub(super) async fn secrets_alone(settings: &Settings) -> Result<SecretService, Failure> {
    let tls = tls::client(settings.certificates.as_deref()).context("certificates")?;
    let tables = tables(settings, &tls)?;
    let tables = tables.context("secrets are kept in the database: --database names it")?;
    Ok(secrets(settings, &tables).await?)
}

fn with_code_cache(settings: &Settings, builder: HostBuilder) -> anyhow::Result<HostBuilder> {
    match settings.open_code_cache() {
        Ok(Some(cache)) => Ok(builder.code_cache(cache)),
        Ok(None) => Ok(builder),
        // One that was asked for must work; the default one is a convenience.
        Err(error) if settings.code_cache.is_some() => Err(error),
        Err(error) => {
            tracing::warn!("compiled code is not kept: {error:#}");
            Ok(builder)
        }
    }
}

/// The application's database, as plugins see it.
fn database(
    settings: &Settings,
    tls: &ClientConfig,
    builder: HostBuilder,
) -> anyhow::Result<HostBuilder> {
    let organisations = OrganisationTables::new(settings.organisations.clone())
        .context("the setting organisations")?;
    Ok(match &settings.database {
        None => builder,
        Some(DatabaseSetting::Sqlite(file)) => {
            // It is the application's, and an empty one made by a typing error would only look as if its tables were missing.
            anyhow::ensure!(
                file.is_file(),
                "the database {} does not exist; --database names the application's SQLite file",
                file.display()
            );
            let database = SqliteDatabase::open(file)
                .with_context(|| format!("the database {}", file.display()))?;
            let database = database.with_organisations(organisations);
            builder.provider(Databases::new(database, Caps::default()))
        }
        Some(DatabaseSetting::Postgres(url)) => {
            let store = PostgresStore::new(&url.0, tls.clone()).context("the setting database")?;
            let defaults = PostgresSettings::default();
            let postgres = PostgresSettings {
                schema: settings.schema.clone().unwrap_or(defaults.schema),
                functions: settings.functions.clone(),
                organisations,
                connections: defaults.connections,
            };
            builder.provider(Databases::new(
                PostgresDatabase::new(store, postgres),
                Caps::default(),
            ))
        }
    })
}

fn tables(settings: &Settings, tls: &ClientConfig) -> anyhow::Result<Option<Tables>> {
    Ok(match &settings.database {
        None => None,
        Some(DatabaseSetting::Sqlite(file)) => {
            anyhow::ensure!(
                file.is_file(),
                "the database {} does not exist; --database names the application's SQLite file",
                file.display()
            );
            let store = SqliteStore::open(file);
            Some(Tables::Sqlite(store.with_context(|| {
                format!("the database {}", file.display())
            })?))
        }
        Some(DatabaseSetting::Postgres(url)) => {
            let store = PostgresStore::new(&url.0, tls.clone());
            Some(Tables::Postgres(store.context("the setting database")?))
        }
    })
}

async fn secrets(settings: &Settings, tables: &Tables) -> anyhow::Result<SecretService> {
    let ring = if std::env::var_os(KEYS_VARIABLE).is_some() {
        KeyRing::from_environment(KEYS_VARIABLE)
    } else {
        let file = settings.secret_keys.as_deref();
        KeyRing::open(file.unwrap_or(KEYS_FILE.as_ref()))
    };
    let ring = ring.context("the keys of secrets")?;
    Ok(match tables {
        Tables::Sqlite(store) => {
            let secrets = SqliteSecrets::new(store.clone()).context("the table of secrets")?;
            SecretService::new(secrets, ring)
        }
        Tables::Postgres(store) => {
            let secrets = PostgresSecrets::new(store.clone()).await;
            SecretService::new(secrets.context("the table of secrets")?, ring)
        }
    })
}

async fn custom_fields(settings: &Settings, tables: &Tables) -> anyhow::Result<CustomFields> {
    let fields = match tables {
        Tables::Sqlite(store) => {
            let fields = SqliteFields::open(store.clone());
            CustomFields::new(fields.context("the tables of custom fields")?)
        }
        Tables::Postgres(store) => {
            let fields = PostgresFields::open(store.clone()).await;
            CustomFields::new(fields.context("the tables of custom fields")?)
        }
    };
    Ok(if settings.entity.is_empty() {
        fields
    } else {
        fields.entity_types(settings.entity.keys().cloned().collect())
    })
}

async fn entity_service(settings: &Settings, tables: &Tables) -> anyhow::Result<EntityService> {
    let types = EntityTypes::try_from(settings.entity.clone()).context("the setting entity")?;
    Ok(match tables {
        Tables::Sqlite(store) => {
            let entities = SqliteEntities::open(store.clone(), types).await;
            EntityService::new(entities.context("the setting entity")?)
        }
        Tables::Postgres(store) => {
            let entities = PostgresEntities::open(store.clone(), types).await;
            EntityService::new(entities.context("the setting entity")?)
        }
    })
}

fn mailer(mail: &MailSettings, tls: &ClientConfig) -> anyhow::Result<Mail> {
    let sender: Sender = mail.from.parse().context("the setting mail.from")?;
    match (&mail.outbox, &mail.smtp) {
        (Some(folder), None) => {
            let outbox = Outbox::open(folder).context("the setting mail.outbox")?;
            Ok(Mail::new(sender, outbox))
        }
        (None, Some(url)) => {
            let server = Smtp::new(&url.0, tls.clone()).context("the setting mail.smtp")?;
            Ok(Mail::new(sender, server))
        }
        _ => anyhow::bail!(
            "the setting mail needs one of outbox, a folder that messages are written to, and smtp, a server that takes them"
        ),
    }
}

/// What carries events; only within this process where no plugin could publish any.
async fn hub(
    settings: &Settings,
    tls: &ClientConfig,
    tables: Option<&Tables>,
    reached: bool,
) -> anyhow::Result<EventHub> {
    Ok(match (&settings.events, tables) {
        (Some(EventsSetting::Redis(url)), _) if reached => {
            let redis = RedisStore::new(&url.0, tls.clone()).context("the setting events")?;
            EventHub::new(RedisBroker::new(redis, REDIS_PREFIX))
        }
        (Some(EventsSetting::Database), Some(Tables::Postgres(store))) if reached => {
            let broker = PostgresBroker::open(store.clone()).await;
            EventHub::new(broker.context("the table of events")?)
        }
        (Some(EventsSetting::Database), _) if reached => anyhow::bail!(
            "the setting events is \"database\", which carries events only where database is a PostgreSQL URL"
        ),
        _ => EventHub::new(MemoryBroker::default()),
    })
}
