//! From settings to back-ends.
//!
//! A server connects to everything that its settings name. A single call connects only to what its grants can reach, so that
//! looking something up makes no tables in a database.

use anyhow::Context as _;
use rustls::ClientConfig;

use super::database::{Database, Tables};
use super::failure::Failure;
use super::settings::{EventsSetting, MailSettings, Settings};
use crate::capability::cache::{Caching, QUOTA, RedisCache};
use crate::capability::config::Config;
use crate::capability::custom_fields::CustomFields;
use crate::capability::email::{Mail, Outbox, Sender, Smtp};
use crate::capability::entities::{Entities, EntityService, EntityTypes};
use crate::capability::events::{EventHub, Events, MemoryBroker, PostgresBroker, RedisBroker};
use crate::capability::files::DataFolders;
use crate::capability::http::{HttpClient, HttpOptions};
use crate::capability::secure_config::{KeyRing, SecretService, SecureConfig};
use crate::permission::{Grants, Permission};
use crate::registry::{RegistrySettings, Service};
use crate::runtime::{Host, HostBuilder};
use crate::store::RedisStore;
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

/// A host that runs nothing but `register`, and so needs no back-ends.
pub(super) fn without(settings: &Settings) -> Result<Host, Failure> {
    Ok(with_code_cache(settings, Host::builder())?
        .build()
        .context("the host does not start")?)
}

/// The database that the settings name, if they name one.
pub(super) fn database(settings: &Settings) -> anyhow::Result<Option<Database<'_>>> {
    let tls = tls::client(settings.certificates.as_deref()).context("certificates")?;
    Ok(Database::of(settings, &tls))
}

/// Whether the settings give a back-end for a permission.
pub(super) fn gives(settings: &Settings, permission: &Permission) -> bool {
    match permission {
        Permission::Db
        | Permission::SecureConfig
        | Permission::Entity
        | Permission::CustomFields => settings.database.is_some(),
        Permission::Email => settings.mail.is_some(),
        Permission::Files => settings.data.is_some(),
        // What the program always has, or what needs no back-end.
        Permission::Cache
        | Permission::Http
        | Permission::Config
        | Permission::PluginCall
        | Permission::Capability
        | Permission::Events
        | Permission::Routes => true,
        // The program brings no interfaces of its own.
        Permission::App(_) => false,
    }
}

/// Connects to what the settings name, as far as `grants` reach; to all of it where none are given. Plugins' own settings
/// come out of `registry` first.
pub(super) async fn connect(
    settings: &Settings,
    database: Option<&Database<'_>>,
    grants: Option<&Grants>,
    registry: Option<&Service>,
) -> Result<BackEnds, Failure> {
    let reaches = |permission: Permission| {
        grants.is_none_or(|grants| grants.iter().any(|grant| *grant.permission() == permission))
    };
    let tls = tls::client(settings.certificates.as_deref()).context("certificates")?;
    let fixed = settings.plugin_settings();
    let config = match registry {
        Some(registry) => Config::new(RegistrySettings::new(registry.clone(), fixed)),
        None => Config::new(fixed),
    };
    let mut builder = with_code_cache(settings, Host::builder())?.provider(config);

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
    let mut entities = None;
    if let Some(database) = database {
        if reaches(Permission::Db) {
            builder = builder.provider(database.for_plugins()?);
        }
        if reaches(Permission::SecureConfig) {
            let secrets = database.tables()?.secrets(ring(settings)?).await?;
            builder = builder.provider(SecureConfig::new(secrets));
        }
        if reaches(Permission::CustomFields) {
            let fields = custom_fields(settings, &database.tables()?).await?;
            builder = builder.provider(fields);
        }
        if reaches(Permission::Entity) {
            let types =
                EntityTypes::try_from(settings.entity.clone()).context("the setting entity")?;
            let service = database.tables()?.entities(types).await?;
            builder = builder.provider(Entities::new(service.clone()));
            entities = Some(service);
        }
    }
    let events = if reaches(Permission::Events) {
        hub(settings, &tls, database).await?
    } else {
        EventHub::new(MemoryBroker::default())
    };
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
    let database = Database::of(settings, &tls);
    let database = database.context("secrets are kept in the database: --database names it")?;
    Ok(database.tables()?.secrets(ring(settings)?).await?)
}

fn with_code_cache(settings: &Settings, builder: HostBuilder) -> anyhow::Result<HostBuilder> {
    let builder = match settings.open_description_cache() {
        Ok(Some(cache)) => builder.description_cache(cache),
        Ok(None) => builder,
        Err(error) => {
            tracing::warn!("descriptions of plugins are not kept: {error:#}");
            builder
        }
    };
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

/// The keys of secrets.
fn ring(settings: &Settings) -> anyhow::Result<KeyRing> {
    let ring = if std::env::var_os(KEYS_VARIABLE).is_some() {
        KeyRing::from_environment(KEYS_VARIABLE)
    } else {
        let file = settings.secret_keys.as_deref();
        KeyRing::open(file.unwrap_or(KEYS_FILE.as_ref()))
    };
    ring.context("the keys of secrets")
}

async fn custom_fields(settings: &Settings, tables: &Tables) -> anyhow::Result<CustomFields> {
    let fields = tables.custom_fields().await?;
    Ok(if settings.entity.is_empty() {
        fields
    } else {
        fields.entity_types(settings.entity.keys().cloned().collect())
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

/// What carries events between nodes, or only within this process.
async fn hub(
    settings: &Settings,
    tls: &ClientConfig,
    database: Option<&Database<'_>>,
) -> anyhow::Result<EventHub> {
    Ok(match &settings.events {
        None => EventHub::new(MemoryBroker::default()),
        Some(EventsSetting::Redis(url)) => {
            let redis = RedisStore::new(&url.0, tls.clone()).context("the setting events")?;
            EventHub::new(RedisBroker::new(redis, REDIS_PREFIX))
        }
        Some(EventsSetting::Database) => match database.map(Database::tables).transpose()? {
            Some(Tables::Postgres(store)) => {
                let broker = PostgresBroker::open(store).await;
                EventHub::new(broker.context("the table of events")?)
            }
            _ => anyhow::bail!(
                "the setting events is \"database\", which carries events only where database is a PostgreSQL URL"
            ),
        },
    })
}
