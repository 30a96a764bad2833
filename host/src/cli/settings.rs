//! Where settings come from: flags, then the environment, then the configuration file.
//!
//! The same settings exist in all three, under the same names. An unknown name in the file is an error, since a misspelt
//! limit that is silently ignored is worse than a server that does not start.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use serde::Deserialize;
use serde_json::Value;

use super::args::{Args, Command};
use super::failure::Failure;
use crate::capability::config::{Config, FixedSettings};
use crate::capability::db::{Caps, Databases, SqliteDatabase};
use crate::permission::Grant;
use crate::runtime::{CodeCache, Host};

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
    /// SQLite database for db grants.
    pub(super) database: Option<PathBuf>,
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
    pub(super) grants: Option<Vec<Grant>>,
    /// Its own configuration, which it reads as `plugin.KEY`.
    #[serde(default)]
    pub(super) config: BTreeMap<String, Value>,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 8787))
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
    /// A host with the back-ends that the settings name.
    pub(super) fn host(&self) -> Result<Host, Failure> {
        let mut builder = Host::builder().provider(Config::new(self.plugin_settings()));
        if let Some(file) = &self.database {
            let database = open_database(file)?;
            builder = builder.provider(Databases::new(database, Caps::default()));
        }
        match self.open_code_cache() {
            Ok(Some(cache)) => builder = builder.code_cache(cache),
            Ok(None) => {}
            // One that was asked for must work; the default one is a convenience.
            Err(error) if self.code_cache.is_some() => return Err(error.into()),
            Err(error) => tracing::warn!("compiled code is not kept: {error:#}"),
        }
        Ok(builder.build().context("the host does not start")?)
    }

    fn plugin_settings(&self) -> FixedSettings {
        let plugins = self.plugin.iter();
        FixedSettings {
            application: self.settings.clone(),
            plugins: plugins
                .map(|(name, plugin)| (name.clone(), plugin.config.clone()))
                .collect(),
        }
    }

    fn open_code_cache(&self) -> anyhow::Result<Option<CodeCache>> {
        let directory = self.code_cache.clone().or_else(default_code_cache);
        Ok(directory.map(CodeCache::open).transpose()?)
    }
}

/// The user's cache directory, by the rules of the XDG base directories.
fn default_code_cache() -> Option<PathBuf> {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(base.join("goatherd").join("code"))
}

/// Opens a database that must exist already: it is the application's, and an empty one made by a typing error would
/// only look as if its tables were missing.
fn open_database(file: &Path) -> anyhow::Result<SqliteDatabase> {
    anyhow::ensure!(
        file.is_file(),
        "the database {} does not exist; --database names the application's SQLite file",
        file.display()
    );
    SqliteDatabase::open(file).with_context(|| format!("the database {}", file.display()))
}
