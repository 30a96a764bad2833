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

/// Where a setting can be given beside the flags of a command, which have settings' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the file, and in an environment variable: the prefix, and its name in capitals. Other variables with the prefix
    /// mean nothing here: they may be another program's.
    Environment,
    /// In the file alone, since it is more than one value.
    File,
}

macro_rules! settings {
    ($($(#[$doc:meta])+ $place:ident $name:ident: $type:ty $(= $default:expr)?;)+) => {
        /// All settings of the program.
        #[derive(Debug, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub(super) struct Settings {
            $($(#[$doc])+ pub(super) $name: $type,)+
        }

        impl Default for Settings {
            fn default() -> Self {
                Self {
                    $($name: settings!(@default $($default)?),)+
                }
            }
        }

        /// Each setting by its name, and where it can be given.
        const ALL: &[(&str, Place)] = &[$((stringify!($name), Place::$place),)+];
    };
    (@default $default:expr) => { $default };
    (@default) => { Default::default() };
}

settings! {
    /// Address to listen on.
    Environment listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 8787));
    /// Directory of plugins.
    Environment plugins: PathBuf = PathBuf::from("plugins");
    /// Where packages are taken apart.
    Environment unpacked: Option<PathBuf>;
    /// Public keys whose signatures count, as `goatherd keygen` prints them.
    File trusted_keys: Vec<String>;
    /// Ids of keys whose signatures count no more.
    File revoked_keys: Vec<String>;
    /// Refuse plugins that no trusted key has signed.
    Environment require_signatures: bool;
    /// Approve by itself what a trusted key has signed and what asks for no more than the default policy gives.
    Environment approve_signed: bool;
    /// Load plugins by their first call, and unload those that were not called for so long.
    Environment idle_seconds: Option<NonZeroU64>;
    /// Take up what changes in the plugin directory.
    Environment watch: bool = true;
    /// The application's database, in which the host keeps its own tables too.
    Environment database: Option<DatabaseSetting>;
    /// The schema of a PostgreSQL database.
    Environment schema: Option<String>;
    /// Functions of a PostgreSQL database that plugins may call.
    File functions: Vec<String>;
    /// Tables that organisations own, and the column of each that says which one.
    File organisations: BTreeMap<String, String>;
    /// The application's entity types, by name.
    File entity: BTreeMap<String, EntitySettings>;
    /// The Redis server of the cache; without one the cache is in memory.
    Environment cache: Option<String>;
    /// What carries events between nodes; without it they stay in this one.
    Environment events: Option<EventsSetting>;
    /// Who plugins' e-mail comes from and how it goes.
    File mail: Option<MailSettings>;
    /// The file with the keys of secrets.
    Environment secret_keys: Option<PathBuf>;
    /// Directory of plugins' own data, for files grants.
    Environment data: Option<PathBuf>;
    /// PEM file with certificates that are believed beside the system's.
    Environment certificates: Option<PathBuf>;
    /// Directory of compiled code.
    Environment code_cache: Option<PathBuf>;
    /// Approve what each plugin asks for.
    Environment trust_all: bool;
    /// Treat every visitor as an administrator.
    Environment open: bool;
    /// What an administrator's requests carry as bearer token.
    Environment admin_token: Option<String>;
    /// Settings that the application exposes to plugins with a config grant.
    File settings: BTreeMap<String, Value>;
    /// What was decided about each plugin, by name.
    File plugin: BTreeMap<String, PluginSettings>;
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
        .merge(Env::prefixed(PREFIX).only(&from_environment()))
        .merge(Serialized::defaults(&args.common));
    if let Command::Serve(serve) = &args.command {
        figment = figment.merge(Serialized::defaults(serve));
    }
    Ok(figment.extract().context("the settings are wrong")?)
}

/// The names of the settings that the environment can give.
fn from_environment() -> Vec<&'static str> {
    let given = ALL.iter().filter(|(_, place)| *place == Place::Environment);
    given.map(|(name, _)| *name).collect()
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_setting_is_in_the_readme() {
        let readme = std::fs::read_to_string("../README.md").unwrap();
        let blocks = readme
            .split("```")
            .filter(|block| block.starts_with("toml\n"));
        let block = blocks.max_by_key(|block| block.len()).unwrap();
        for (name, _) in ALL {
            let forms = [
                format!("\n{name} = "),
                format!("\n# {name} = "),
                format!("\n[{name}"),
            ];
            assert!(
                forms.iter().any(|form| block.contains(form)),
                "the README does not say what {name} is"
            );
        }
    }

    #[test]
    fn every_flag_of_a_command_that_gives_a_setting_has_its_name() {
        use clap::CommandFactory as _;
        let command = Args::command();
        let serve = command.find_subcommand("serve").unwrap();
        let own = ["config", "log", "help", "version"];
        for flag in command.get_arguments().chain(serve.get_arguments()) {
            let name = flag.get_id().as_str();
            let known = own.contains(&name) || ALL.iter().any(|(setting, _)| *setting == name);
            assert!(known, "--{name} is no setting");
        }
    }
}
