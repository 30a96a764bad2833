//! The command line.
//!
//! This is the one definition of every flag: parsing, `--help` and the settings that flags override all come from it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand};
use serde::Serialize;

use crate::permission::Grant;

/// A plugin host for WebAssembly components that links an import only when a grant allows it.
#[derive(Debug, Parser)]
#[command(name = "goatherd", version, max_term_width = 110)]
#[command(after_help = "\
Settings come from flags, then from the environment (GOATHERD_DATABASE, GOATHERD_LISTEN, …), then from the configuration \
file; the first that has one wins.

Exit status: 0 done; 1 failed, with {\"error\": {\"code\", \"message\"}} on standard error; 2 wrong usage.")]
pub(super) struct Args {
    /// Configuration file (TOML) [default: goatherd.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,

    /// What to log to standard error, such as `info` or `goatherd=debug`
    #[arg(long, global = true, value_name = "FILTER", env = "GOATHERD_LOG")]
    pub(super) log: Option<String>,

    #[command(flatten)]
    pub(super) common: Common,

    #[command(subcommand)]
    pub(super) command: Command,
}

/// What every command that runs plugins takes.
#[derive(Debug, Clone, Group, Serialize)]
pub(super) struct Common {
    /// The application's database: a SQLite file, or postgres://user:password@host/name (then rather by GOATHERD_DATABASE)
    #[arg(long, global = true, value_name = "FILE|URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) database: Option<String>,

    /// Directory for compiled code, which nobody else may write to [default: the user's cache directory]
    #[arg(long, global = true, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code_cache: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve the plugins of a directory over HTTP
    Serve(Serve),
    /// Show what a component is, what it imports, and which permission would link each import
    Inspect(Inspect),
    /// Call one function of a plugin and print its result
    Call(Call),
    /// Set, list and delete plugins' secrets, and change the key that protects them
    #[command(subcommand)]
    Secret(Secret),
    /// Print the WIT package that plugins are built against
    Wit,
}

/// `goatherd secret`.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum Secret {
    /// Encrypt and store a secret, which is read from standard input: never from the command line, which others can see
    Set(SecretPlace),
    /// List a plugin's secrets: names, organisations and hints, never the secrets
    List {
        /// The plugin
        #[arg(value_name = "PLUGIN")]
        plugin: crate::contract::PluginName,

        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete a secret
    Delete(SecretPlace),
    /// Add a new key and encrypt all secrets anew with it, while plugins go on reading them; then forget unused keys
    Rotate {
        /// Keep the old keys, for nodes that have a key file of their own
        #[arg(long)]
        keep: bool,
    },
}

/// Which secret.
#[derive(Debug, Clone, Group)]
pub(super) struct SecretPlace {
    /// The plugin
    #[arg(value_name = "PLUGIN")]
    pub(super) plugin: crate::contract::PluginName,

    /// Its name
    #[arg(value_name = "KEY")]
    pub(super) key: crate::capability::secure_config::SecretName,

    /// For one organisation, instead of for all
    #[arg(long, value_name = "ID")]
    pub(super) org: Option<i64>,
}

/// `goatherd serve`.
#[derive(Debug, Clone, Group, Serialize)]
pub(super) struct Serve {
    /// Address to listen on [default: 127.0.0.1:8787]
    #[arg(long, value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) listen: Option<SocketAddr>,

    /// Directory of plugins (NAME.wasm); made if it does not exist [default: plugins]
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plugins: Option<PathBuf>,

    /// Development: approve what each plugin asks for, without a decision by anybody
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) trust_all: bool,

    /// Development: treat every visitor as an administrator; only on a loopback address
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) open: bool,
}

/// `goatherd inspect`.
#[derive(Debug, Clone, Group)]
pub(super) struct Inspect {
    /// The component
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// `goatherd call`.
#[derive(Debug, Clone, Group)]
#[command(after_help = "\
The plugin has the default policy (its own part of the cache) and what --grant adds:

  goatherd call stats.wasm stats '{}' --grant db:read=ticket,queue --database helpdesk.db")]
pub(super) struct Call {
    /// The component
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    /// The function, as `call` knows it
    #[arg(value_name = "FUNCTION")]
    pub(super) function: String,

    /// The arguments, as JSON
    #[arg(value_name = "ARGS", default_value = "{}")]
    pub(super) args: String,

    /// Grant a permission: `db:read=ticket,queue`, `cache:readwrite`, `config=app.*`; may be repeated
    #[arg(long = "grant", value_name = "TYPE[:ACCESS][=SCOPE,…]")]
    pub(super) grants: Vec<Grant>,

    /// Seconds until the call must be over
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(super) timeout: u64,

    /// Memory of an instance, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=4_096))]
    pub(super) memory: u64,

    /// Language of the call
    #[arg(long, value_name = "TAG", default_value = "en")]
    pub(super) language: crate::contract::Language,

    /// Organisation that the call acts in
    #[arg(long, value_name = "ID")]
    pub(super) org: Option<i64>,

    /// Print the plugin's log to standard error, a JSON object a line
    #[arg(long)]
    pub(super) show_log: bool,
}
