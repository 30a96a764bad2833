//! The command line.
//!
//! This is the one definition of every flag: parsing, `--help` and the settings that flags override all come from it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand};
use serde::Serialize;

use crate::contract::PluginName;
use crate::permission::{Grant, GrantError, Permissions};

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

    /// Directory of plugins: NAME.wasm, NAME.zip, NAME/plugin.yaml; made if it does not exist [default: plugins]
    #[arg(long, global = true, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plugins: Option<PathBuf>,

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
    /// List, install, approve, block, switch and remove plugins
    #[command(subcommand)]
    Plugin(Plugin),
    /// List and run what plugins and workflows offer by name
    #[command(subcommand)]
    Capability(Capability),
    /// Make a key for signing plugins; print its public half
    Keygen(Keygen),
    /// Sign a component, a package or a plugin's folder: the signature is put beside it
    Sign(Sign),
    /// Check the signature beside a plugin
    Verify(Verify),
    /// Make a package of a plugin's folder
    Pack(Pack),
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
        plugin: PluginName,

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
    pub(super) plugin: PluginName,

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
    #[arg(long = "grant", value_name = "TYPE[:ACCESS][=SCOPE,…]", value_parser = grant)]
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

/// `goatherd plugin`.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum Plugin {
    /// List plugins: name, version, state, and what would change that
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one plugin: what it is, what it may do, how it is configured
    Show {
        /// The plugin
        plugin: PluginName,

        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Install a component, a package or a folder; the version that was there before is kept for `rollback`
    Install {
        /// NAME.wasm, NAME.zip, or a folder with a plugin.yaml
        source: PathBuf,

        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Go back to the version that was there before the last installation
    Rollback {
        /// The plugin
        plugin: PluginName,

        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a plugin from the directory
    Remove {
        /// The plugin
        plugin: PluginName,

        /// Keep the version before this one
        #[arg(long)]
        keep_previous: bool,
    },
    /// Let a plugin run, with what is granted to it here or was before
    Approve {
        /// The plugin
        plugin: PluginName,

        #[command(flatten)]
        change: Change,

        /// Grant what its imports need, with the scopes that it asks for
        #[arg(long, conflicts_with = "grants")]
        as_requested: bool,

        #[command(flatten)]
        note: Decide,
    },
    /// Let a plugin run with every limit no higher than the default policy's, but for what is set here
    Restrict {
        /// The plugin
        plugin: PluginName,

        #[command(flatten)]
        change: Change,

        #[command(flatten)]
        note: Decide,
    },
    /// Keep a plugin from running and from being called
    Block {
        /// The plugin
        plugin: PluginName,

        #[command(flatten)]
        note: Decide,
    },
    /// Have a blocked plugin wait for a review again
    Unblock {
        /// The plugin
        plugin: PluginName,

        #[command(flatten)]
        note: Decide,
    },
    /// Switch a plugin on
    Enable {
        /// The plugin
        plugin: PluginName,
    },
    /// Switch a plugin off
    Disable {
        /// The plugin
        plugin: PluginName,
    },
    /// Change settings of a plugin: fields of the object replace, null removes, the rest stays
    Configure {
        /// The plugin
        plugin: PluginName,

        /// A JSON object
        #[arg(value_name = "JSON")]
        fields: String,
    },
    /// Change how a plugin is shown in the navigation, and print its record
    Arrange {
        /// The plugin
        plugin: PluginName,

        /// Whether it is in the navigation
        #[arg(long, value_name = "BOOL")]
        nav: Option<bool>,

        /// Where it stands, lower ones first
        #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
        sort: Option<i32>,

        /// What it is called in a language: en=Newsletter; without a text, the label is removed; may be repeated
        #[arg(long = "label", value_name = "LANGUAGE=TEXT", value_parser = pair)]
        labels: Vec<(String, String)>,
    },
    /// Have the running server read a plugin again and replace it while it serves
    Reload {
        /// The plugin
        plugin: PluginName,

        /// Where the server listens [default: the address of the settings]
        #[arg(long, value_name = "ADDRESS")]
        server: Option<SocketAddr>,
    },
    /// Show who decided what, newest first
    Audit {
        /// About one plugin
        plugin: Option<PluginName>,

        /// How many entries, 1,000 at most
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        limit: usize,

        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// What is to be changed of a policy.
#[derive(Debug, Clone, Group)]
pub(super) struct Change {
    /// Grant a permission, in place of all that were granted before: `db:read=ticket,queue`; may be repeated
    #[arg(long = "grant", value_name = "TYPE[:ACCESS][=SCOPE,…]", value_parser = grant)]
    pub(super) grants: Vec<Grant>,

    /// Set a limit: memory_mb=128, call_timeout=10s, mode=single, max_calls_per_second=0 (no limit); may be repeated
    #[arg(long, value_name = "FIELD=VALUE", value_parser = pair)]
    pub(super) set: Vec<(String, String)>,
}

/// A grant that can open something in the program, which has no permissions beside the host's own.
fn grant(text: &str) -> Result<Grant, GrantError> {
    let grant = Grant::parse(text)?;
    Permissions::default().check(&grant)?;
    Ok(grant)
}

/// Who decides, and why.
#[derive(Debug, Clone, Group)]
pub(super) struct Decide {
    /// Who decides, for the audit trail [default: the name of the user who runs the command]
    #[arg(long, value_name = "NAME")]
    pub(super) by: Option<String>,

    /// Why, for the audit trail
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
}

/// `goatherd capability`.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum Capability {
    /// List capabilities
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Run one and print its result
    Run {
        /// Its name, such as newsletter.send
        capability: String,

        /// The input, as JSON
        #[arg(default_value = "{}")]
        input: String,

        /// Organisation that it acts in
        #[arg(long, value_name = "ID")]
        org: Option<i64>,
    },
}

/// `goatherd keygen`.
#[derive(Debug, Clone, Group)]
pub(super) struct Keygen {
    /// Where the secret half goes; must not exist
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// `goatherd sign`.
#[derive(Debug, Clone, Group)]
pub(super) struct Sign {
    /// The component, package or folder
    #[arg(value_name = "PLUGIN")]
    pub(super) plugin: PathBuf,

    /// The file with the secret key
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,
}

/// `goatherd verify`.
#[derive(Debug, Clone, Group)]
pub(super) struct Verify {
    /// The component, package or folder
    #[arg(value_name = "PLUGIN")]
    pub(super) plugin: PathBuf,

    /// A public key to trust, as `goatherd keygen` prints it; may be repeated [default: the setting trusted_keys]
    #[arg(long = "key", value_name = "KEY")]
    pub(super) keys: Vec<String>,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// `goatherd pack`.
#[derive(Debug, Clone, Group)]
pub(super) struct Pack {
    /// The folder, with a plugin.yaml
    #[arg(value_name = "FOLDER")]
    pub(super) folder: PathBuf,

    /// The package to make [default: FOLDER.zip]
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (field, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((field.to_owned(), value.to_owned()))
}
