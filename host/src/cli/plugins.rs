//! What the commands about plugins and the server have in common: where plugins are read from, who decided what about them,
//! and which of them are wanted.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use super::database::{Database, Tables};
use super::settings::{Settings, cache_directory};
use crate::contract::PluginName;
use crate::loader::signature::{KeyId, PublicKey, TrustedKeys};
use crate::loader::{PackageLimits, Reader, ReaderSettings};
use crate::manager::{Configured, Hosting, Loader, Manager, Reviewed, Terms};
use crate::registry::policy::{Policies, PostgresPolicies, SqlitePolicies};
use crate::registry::{MemoryStore, PostgresRegistry, SqliteRegistry};
use crate::runtime::Limits;

/// What administrators decide while the server runs.
pub(super) struct Decisions {
    pub(super) hosting: Hosting,
    pub(super) policies: Policies,
}

impl Decisions {
    /// From the application's database; in memory, and gone with the process, where there is none.
    pub(super) async fn open(database: Option<&Database<'_>>) -> anyhow::Result<Self> {
        match database {
            Some(database) => Self::stored(database).await,
            None => Ok(Self {
                hosting: Hosting::with_store(MemoryStore::default()).await?,
                policies: Policies::new(),
            }),
        }
    }

    /// From the application's database, for commands whose effect is to stay.
    pub(super) async fn lasting(database: Option<&Database<'_>>) -> anyhow::Result<Self> {
        let database = database
            .context("decisions about plugins are kept in the database: --database names it")?;
        Self::stored(database).await
    }

    async fn stored(database: &Database<'_>) -> anyhow::Result<Self> {
        let (records, decisions) = ("the plugins table", "the table of policies");
        Ok(match database.tables()? {
            Tables::Sqlite(store) => Self {
                hosting: Hosting::with_store(SqliteRegistry::new(store.clone()).context(records)?)
                    .await?,
                policies: Policies::with_store(SqlitePolicies::new(store).context(decisions)?)
                    .await?,
            },
            Tables::Postgres(store) => {
                let registry = PostgresRegistry::new(store.clone())
                    .await
                    .context(records)?;
                let policies = PostgresPolicies::new(store).await.context(decisions)?;
                Self {
                    hosting: Hosting::with_store(registry).await?,
                    policies: Policies::with_store(policies).await?,
                }
            }
        })
    }

    /// Who decides: operators, then the configuration, then the rule if the settings have it.
    pub(super) fn policy(&self, settings: &Settings) -> anyhow::Result<Reviewed> {
        let policy = self.policy_without_rule(settings)?;
        Ok(if settings.approve_signed {
            policy.approve_signed()
        } else {
            policy
        })
    }

    /// The same, which never writes down a decision.
    pub(super) fn policy_without_rule(&self, settings: &Settings) -> anyhow::Result<Reviewed> {
        let policy = Reviewed::new(self.policies.clone()).configured(configured(settings)?);
        Ok(if settings.trust_all {
            policy.trust_all()
        } else {
            policy
        })
    }
}

/// What the settings grant to each plugin that they name.
fn configured(settings: &Settings) -> anyhow::Result<Configured> {
    let mut decisions = BTreeMap::new();
    for (name, plugin) in &settings.plugin {
        let name: PluginName = name
            .parse()
            .with_context(|| format!("the settings of plugin {name:?}"))?;
        if let Some(grants) = &plugin.grants {
            let terms = Terms {
                grants: grants.iter().cloned().collect(),
                limits: Limits {
                    rates: plugin.rates.clone(),
                    ..Limits::default()
                },
            };
            decisions.insert(name, terms);
        }
    }
    Ok(Configured::new(decisions))
}

/// Reads plugins as the settings say: whose signatures count, and whether one must be there.
pub(super) fn reader(settings: &Settings) -> anyhow::Result<Reader> {
    let unpacked = settings
        .unpacked
        .clone()
        .or_else(|| cache_directory("unpacked"))
        .unwrap_or_else(|| PathBuf::from(".goatherd-unpacked"));
    let reader = Reader::new(ReaderSettings {
        trusted: trusted(settings)?,
        require_signatures: settings.require_signatures,
        limits: PackageLimits::default(),
        unpacked,
    });
    reader.context("the setting unpacked")
}

/// The keys whose signatures count.
pub(super) fn trusted(settings: &Settings) -> anyhow::Result<TrustedKeys> {
    let keys = settings.trusted_keys.iter().map(|text| {
        let key: PublicKey = text.parse().context("the setting trusted_keys")?;
        anyhow::Ok(key)
    });
    let revoked = settings.revoked_keys.iter().map(|text| {
        let key: KeyId = text.parse().context("the setting revoked_keys")?;
        anyhow::Ok(key)
    });
    let keys: Vec<PublicKey> = keys.collect::<Result<_, _>>()?;
    let revoked: Vec<KeyId> = revoked.collect::<Result<_, _>>()?;
    Ok(TrustedKeys::new(keys, revoked))
}

/// Loads the plugins of the settings' directory.
pub(super) fn loader(settings: &Settings, manager: Manager) -> anyhow::Result<Loader> {
    let loader = Loader::new(&settings.plugins, manager, reader(settings)?);
    Ok(match settings.idle_seconds {
        Some(seconds) => loader.with_lazy_loading(Duration::from_secs(seconds.get())),
        None => loader,
    })
}
