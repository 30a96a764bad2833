//! Where settings come from: flags, then the environment, then the configuration file.
//!
//! The same settings exist in all three, under the same names. An unknown name in the file is an error, since a misspelt
//! limit that is silently ignored is worse than a server that does not start.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::args::{Args, Command};
use super::failure::Failure;
use crate::capability::config::FixedSettings;
use crate::capability::entities::EntitySettings;
use crate::permission::{Grant, Permissions, Rates};
use crate::runtime::{CodeCache, DescriptionCache};

/// The configuration file that is read when none is named.
const DEFAULT_FILE: &str = "goatherd.toml";
/// What the names of environment variables begin with.
const PREFIX: &str = "GOATHERD_";

/// The settings that the environment can give, without the prefix. Other variables with it mean nothing here: they may be
/// another program's.
const FROM_ENVIRONMENT: &[&str] = &[
    "listen",
    "plugins",
    "database",
    "cache",
    "events",
    "secret_keys",
    "data",
    "certificates",
    "unpacked",
    "require_signatures",
    "approve_signed",
    "idle_seconds",
    "watch",
    "code_cache",
    "trust_all",
    "open",
    "admin_token",
];

/// All settings of the program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Address to listen on.
    #[serde(default = "default_listen")]
    pub(super) listen: SocketAddr,
    /// Directory of plugins.
    #[serde(default = "default_plugins")]
    pub(super) plugins: PathBuf,
    /// Where packages are taken apart.
    pub(super) unpacked: Option<PathBuf>,
    /// Public keys whose signatures count, as `goatherd keygen` prints them.
    #[serde(default)]
    pub(super) trusted_keys: Vec<String>,
    /// Ids of keys whose signatures count no more.
    #[serde(default)]
    pub(super) revoked_keys: Vec<String>,
    /// Refuse plugins that no trusted key has signed.
    #[serde(default)]
    pub(super) require_signatures: bool,
    /// Approve by itself what a trusted key has signed and what asks for no more than the default policy gives.
    #[serde(default)]
    pub(super) approve_signed: bool,
    /// Load plugins by their first call, and unload those that were not called for so long.
    pub(super) idle_seconds: Option<NonZeroU64>,
    /// Take up what changes in the plugin directory.
    #[serde(default = "yes")]
    pub(super) watch: bool,
    /// The application's database, in which the host keeps its own tables too.
    pub(super) database: Option<DatabaseSetting>,
    /// The schema of a PostgreSQL database.
    pub(super) schema: Option<String>,
    /// Functions of a PostgreSQL database that plugins may call.
    #[serde(default)]
    pub(super) functions: Vec<String>,
    /// Tables that organisations own, and the column of each that says which one.
    #[serde(default)]
    pub(super) organisations: BTreeMap<String, String>,
    /// The application's entity types, by name.
    #[serde(default)]
    pub(super) entity: BTreeMap<String, EntitySettings>,
    /// The Redis server of the cache; without one the cache is in memory.
    pub(super) cache: Option<String>,
    /// What carries events between nodes; without it they stay in this one.
    pub(super) events: Option<EventsSetting>,
    /// Who plugins' e-mail comes from and how it goes.
    pub(super) mail: Option<MailSettings>,
    /// The file with the keys of secrets.
    pub(super) secret_keys: Option<PathBuf>,
    /// Directory of plugins' own data, for files grants.
    pub(super) data: Option<PathBuf>,
    /// PEM file with certificates that are believed beside the system's.
    pub(super) certificates: Option<PathBuf>,
    /// Directory of compiled code.
    pub(super) code_cache: Option<PathBuf>,
    /// Approve what each plugin asks for.
    #[serde(default)]
    pub(super) trust_all: bool,
    /// Treat every visitor as an administrator.
    #[serde(default)]
    pub(super) open: bool,
    /// What an administrator's requests carry as bearer token.
    pub(super) admin_token: Option<String>,
    /// Settings that the application exposes to plugins with a config grant.
    #[serde(default)]
    pub(super) settings: BTreeMap<String, Value>,
    /// What was decided about each plugin, by name.
    #[serde(default)]
    pub(super) plugin: BTreeMap<String, PluginSettings>,
}

/// What was decided about a plugin.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PluginSettings {
    /// What it is granted, such as `db:read=ticket,queue`. Without this the plugin waits for a decision.
    #[serde(default, deserialize_with = "grants")]
    pub(super) grants: Option<Vec<Grant>>,
    /// Its own configuration, which it reads as `plugin.KEY`.
    #[serde(default)]
    pub(super) config: BTreeMap<String, Value>,
    /// How often it may do what is counted.
    #[serde(default, deserialize_with = "rates")]
    pub(super) rates: Rates,
}

/// Grants that can open something in the program, which has no permissions beside the host's own.
fn grants<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Grant>>, D::Error> {
    let grants = Option::<Vec<Grant>>::deserialize(from)?;
    let checked = grants.iter().flatten();
    let checked = checked.map(|grant| Permissions::default().check(grant));
    checked
        .collect::<Result<(), _>>()
        .map_err(D::Error::custom)?;
    Ok(grants)
}

/// Rates of what the program counts.
fn rates<'de, D: Deserializer<'de>>(from: D) -> Result<Rates, D::Error> {
    let rates = Rates::deserialize(from)?;
    let mut apps = rates.apps.keys();
    match apps.next() {
        None => Ok(rates),
        Some(name) => match Permissions::default().known(name) {
            Ok(_) => Ok(rates),
            Err(unknown) => Err(D::Error::custom(unknown)),
        },
    }
}

/// Where the application's database is.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "String")]
pub(super) enum DatabaseSetting {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// The URL of a PostgreSQL database, which has a password in it.
    Postgres(Concealed),
}

impl From<String> for DatabaseSetting {
    fn from(text: String) -> Self {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Self::Postgres(Concealed(text))
        } else {
            Self::Sqlite(text.into())
        }
    }
}

/// What carries events between nodes.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "String")]
pub(super) enum EventsSetting {
    /// The application's database, which must be PostgreSQL.
    Database,
    /// A Redis server.
    Redis(Concealed),
}

impl From<String> for EventsSetting {
    fn from(text: String) -> Self {
        if text == "database" {
            Self::Database
        } else {
            Self::Redis(Concealed(text))
        }
    }
}

/// A text with a password in it, which is not shown.
#[derive(Clone, Deserialize)]
pub(super) struct Concealed(pub(super) String);

impl std::fmt::Debug for Concealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(not shown)")
    }
}

/// How plugins' e-mail goes: into a folder or to a server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MailSettings {
    /// The sender, such as `Helpdesk <help@acme.io>`.
    pub(super) from: String,
    /// A folder that each message is written to.
    pub(super) outbox: Option<PathBuf>,
    /// A server, such as `smtps://user:password@mail.acme.io`.
    pub(super) smtp: Option<Concealed>,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 8787))
}

fn yes() -> bool {
    true
}

fn default_plugins() -> PathBuf {
    PathBuf::from("plugins")
}

/// Reads the settings for these arguments.
pub(super) fn load(args: &Args) -> Result<Settings, Failure> {
    let mut figment = Figment::new();
    match &args.config {
        Some(file) if !file.is_file() => {
            let error = anyhow::anyhow!("the configuration file {} does not exist", file.display());
            return Err(error.into());
        }
        Some(file) => figment = figment.merge(Toml::file_exact(file)),
        None if Path::new(DEFAULT_FILE).is_file() => {
            figment = figment.merge(Toml::file_exact(DEFAULT_FILE));
        }
        None => {}
    }
    figment = figment
        .merge(Env::prefixed(PREFIX).only(FROM_ENVIRONMENT))
        .merge(Serialized::defaults(&args.common));
    if let Command::Serve(serve) = &args.command {
        figment = figment.merge(Serialized::defaults(serve));
    }
    Ok(figment.extract().context("the settings are wrong")?)
}

impl Settings {
    pub(super) fn plugin_settings(&self) -> FixedSettings {
        let plugins = self.plugin.iter();
        FixedSettings {
            application: self.settings.clone(),
            plugins: plugins
                .map(|(name, plugin)| (name.clone(), plugin.config.clone()))
                .collect(),
        }
    }

    pub(super) fn open_code_cache(&self) -> anyhow::Result<Option<CodeCache>> {
        let directory = self.code_cache.clone().or_else(|| cache_directory("code"));
        Ok(directory.map(CodeCache::open).transpose()?)
    }

    /// Descriptions are kept beside the compiled code.
    pub(super) fn open_description_cache(&self) -> anyhow::Result<Option<DescriptionCache>> {
        let directory = match &self.code_cache {
            Some(code) => Some(code.join("descriptions")),
            None => cache_directory("descriptions"),
        };
        Ok(directory.map(DescriptionCache::open).transpose()?)
    }
}

/// A directory in the user's cache directory, by the rules of the XDG base directories.
pub(super) fn cache_directory(name: &str) -> Option<PathBuf> {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(base.join("goatherd").join(name))
}
