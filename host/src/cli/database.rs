//! The application's database, as the settings name it.
//!
//! It serves plugins with the application's tables, and keeps the host's own beside them; both are the same file, or go
//! through the same pool. Nothing is opened before something needs it, and nothing is opened twice.

use std::path::Path;
use std::sync::OnceLock;

use anyhow::Context as _;
use rustls::ClientConfig;

use super::settings::{DatabaseSetting, Settings};
use crate::capability::custom_fields::{CustomFields, PostgresFields, SqliteFields};
use crate::capability::db::{
    Caps, Databases, OrganisationTables, PostgresDatabase, PostgresSettings, SqliteDatabase,
};
use crate::capability::entities::{EntityService, EntityTypes, PostgresEntities, SqliteEntities};
use crate::capability::secure_config::{KeyRing, PostgresSecrets, SecretService, SqliteSecrets};
use crate::store::{PostgresStore, SqliteStore};

/// See the module.
pub(super) struct Database<'s> {
    settings: &'s Settings,
    setting: &'s DatabaseSetting,
    tls: ClientConfig,
    tables: OnceLock<Tables>,
}

/// Where the host's own tables are. Cheap to clone.
#[derive(Clone)]
pub(super) enum Tables {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

impl<'s> Database<'s> {
    /// The database that the settings name, if they name one.
    pub(super) fn of(settings: &'s Settings, tls: &ClientConfig) -> Option<Self> {
        Some(Self {
            settings,
            setting: settings.database.as_ref()?,
            tls: tls.clone(),
            tables: OnceLock::new(),
        })
    }

    /// What serves plugins with the application's tables.
    pub(super) fn for_plugins(&self) -> anyhow::Result<Databases> {
        let settings = self.settings;
        let organisations = OrganisationTables::new(settings.organisations.clone())
            .context("the setting organisations")?;
        Ok(match self.setting {
            DatabaseSetting::Sqlite(file) => {
                must_exist(file)?;
                let database = SqliteDatabase::open(file).with_context(|| named(file))?;
                Databases::new(database.with_organisations(organisations), Caps::default())
            }
            DatabaseSetting::Postgres(_) => {
                let Tables::Postgres(store) = self.tables()? else {
                    anyhow::bail!("the setting database names PostgreSQL and something else");
                };
                let defaults = PostgresSettings::default();
                let postgres = PostgresSettings {
                    schema: settings.schema.clone().unwrap_or(defaults.schema),
                    functions: settings.functions.clone(),
                    organisations,
                    connections: defaults.connections,
                };
                let database = PostgresDatabase::new(store, postgres);
                Databases::new(database, Caps::default())
            }
        })
    }

    /// Where the host's own tables are, opened the first time that this is asked.
    pub(super) fn tables(&self) -> anyhow::Result<Tables> {
        if let Some(tables) = self.tables.get() {
            return Ok(tables.clone());
        }
        let opened = match self.setting {
            DatabaseSetting::Sqlite(file) => {
                must_exist(file)?;
                Tables::Sqlite(SqliteStore::open(file).with_context(|| named(file))?)
            }
            DatabaseSetting::Postgres(url) => {
                let store = PostgresStore::new(&url.0, self.tls.clone());
                Tables::Postgres(store.context("the setting database")?)
            }
        };
        Ok(self.tables.get_or_init(|| opened).clone())
    }
}

impl Tables {
    /// The secrets of all plugins, which this ring seals.
    pub(super) async fn secrets(&self, ring: KeyRing) -> anyhow::Result<SecretService> {
        let what = "the table of secrets";
        Ok(match self.clone() {
            Self::Sqlite(store) => {
                SecretService::new(SqliteSecrets::new(store).context(what)?, ring)
            }
            Self::Postgres(store) => {
                SecretService::new(PostgresSecrets::new(store).await.context(what)?, ring)
            }
        })
    }

    /// The custom fields of all plugins.
    pub(super) async fn custom_fields(&self) -> anyhow::Result<CustomFields> {
        let what = "the tables of custom fields";
        Ok(match self.clone() {
            Self::Sqlite(store) => CustomFields::new(SqliteFields::open(store).context(what)?),
            Self::Postgres(store) => {
                CustomFields::new(PostgresFields::open(store).await.context(what)?)
            }
        })
    }

    /// The application's entities, of these types.
    pub(super) async fn entities(&self, types: EntityTypes) -> anyhow::Result<EntityService> {
        let what = "the setting entity";
        Ok(match self.clone() {
            Self::Sqlite(store) => {
                EntityService::new(SqliteEntities::open(store, types).await.context(what)?)
            }
            Self::Postgres(store) => {
                EntityService::new(PostgresEntities::open(store, types).await.context(what)?)
            }
        })
    }
}

/// It is the application's, and an empty one made by a typing error would only look as if its tables were missing.
fn must_exist(file: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(
        file.is_file(),
        "the database {} does not exist; --database names the application's SQLite file",
        file.display()
    );
    Ok(())
}

fn named(file: &Path) -> String {
    format!("the database {}", file.display())
}
