//! Which permission opens which interface.
//!
//! One line for each interface that this crate knows, whether a host has a provider for it or not: its name, and what
//! links it. `wit/` and this table are compared by a test, so that an interface cannot be added to the contract and
//! forgotten here. What serves an interface is said where that is, by the [provider](super::Provider)'s rows.

use crate::permission::{Need, Permission};

/// An interface that this crate knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its name with its package, without a version: `goatherd:plugin/db-read`.
    pub name: &'static str,
    /// When it is linked.
    pub gate: Gate,
}

/// When an interface is linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// Never: it has only types.
    TypesOnly,
    /// Always.
    Ambient,
    /// When a grant covers this.
    Needs(Need),
}

macro_rules! known {
    ($($name:ident = $interface:literal, $gate:expr;)+) => {
        $(
            #[doc = concat!("`", $interface, "`.")]
            pub const $name: Known = Known { name: $interface, gate: $gate };
        )+

        /// Every interface that this crate knows.
        pub const KNOWN: &[Known] = &[$($name,)+];
    };
}

#[rustfmt::skip]
known! {
    TYPES = "goatherd:plugin/types", Gate::TypesOnly;
    REGISTRATION = "goatherd:plugin/registration", Gate::TypesOnly;
    HANDLER_TYPES = "goatherd:plugin/handler-types", Gate::TypesOnly;
    DB_TYPES = "goatherd:plugin/db-types", Gate::TypesOnly;
    CUSTOM_FIELD_TYPES = "goatherd:plugin/custom-field-types", Gate::TypesOnly;
    LOG = "goatherd:plugin/log", Gate::Ambient;
    I18N = "goatherd:plugin/i18n", Gate::Ambient;
    CONTEXT = "goatherd:plugin/context", Gate::Ambient;
    DB_READ = "goatherd:plugin/db-read", Gate::Needs(Need::DB_READ);
    DB_WRITE = "goatherd:plugin/db-write", Gate::Needs(Need::DB_WRITE);
    CACHE_READ = "goatherd:plugin/cache-read", Gate::Needs(Need::CACHE_READ);
    CACHE_WRITE = "goatherd:plugin/cache-write", Gate::Needs(Need::CACHE_WRITE);
    HTTP_CLIENT = "goatherd:plugin/http-client", Gate::Needs(Need::HTTP);
    EMAIL = "goatherd:plugin/email", Gate::Needs(Need::EMAIL);
    CONFIG = "goatherd:plugin/config", Gate::Needs(Need::CONFIG);
    SECURE_CONFIG_READ = "goatherd:plugin/secure-config-read", Gate::Needs(Need::SECURE_CONFIG_READ);
    SECURE_CONFIG_WRITE = "goatherd:plugin/secure-config-write", Gate::Needs(Need::SECURE_CONFIG_WRITE);
    PLUGINS = "goatherd:plugin/plugins", Gate::Needs(Need::PLUGIN_CALL);
    CAPABILITIES = "goatherd:plugin/capabilities", Gate::Needs(Need::CAPABILITY);
    EVENTS = "goatherd:plugin/events", Gate::Needs(Need::EVENTS);
    ENTITIES_READ = "goatherd:plugin/entities-read", Gate::Needs(Need::ENTITY_READ);
    ENTITIES_WRITE = "goatherd:plugin/entities-write", Gate::Needs(Need::ENTITY_WRITE);
    ENTITIES_PURGE = "goatherd:plugin/entities-purge", Gate::Needs(Need::ENTITY_HARD_DELETE);
    CUSTOM_FIELDS_READ = "goatherd:plugin/custom-fields-read", Gate::Needs(Need::CUSTOM_FIELDS_READ);
    CUSTOM_FIELDS_WRITE = "goatherd:plugin/custom-fields-write", Gate::Needs(Need::CUSTOM_FIELDS_WRITE);
    WASI_IO_ERROR = "wasi:io/error", Gate::Ambient;
    WASI_IO_POLL = "wasi:io/poll", Gate::Ambient;
    WASI_IO_STREAMS = "wasi:io/streams", Gate::Ambient;
    WASI_WALL_CLOCK = "wasi:clocks/wall-clock", Gate::Ambient;
    WASI_MONOTONIC_CLOCK = "wasi:clocks/monotonic-clock", Gate::Ambient;
    WASI_RANDOM = "wasi:random/random", Gate::Ambient;
    WASI_INSECURE = "wasi:random/insecure", Gate::Ambient;
    WASI_INSECURE_SEED = "wasi:random/insecure-seed", Gate::Ambient;
    WASI_EXIT = "wasi:cli/exit", Gate::Ambient;
    WASI_ENVIRONMENT = "wasi:cli/environment", Gate::Ambient;
    WASI_STDIN = "wasi:cli/stdin", Gate::Ambient;
    WASI_STDOUT = "wasi:cli/stdout", Gate::Ambient;
    WASI_STDERR = "wasi:cli/stderr", Gate::Ambient;
    WASI_TERMINAL_INPUT = "wasi:cli/terminal-input", Gate::Ambient;
    WASI_TERMINAL_OUTPUT = "wasi:cli/terminal-output", Gate::Ambient;
    WASI_TERMINAL_STDIN = "wasi:cli/terminal-stdin", Gate::Ambient;
    WASI_TERMINAL_STDOUT = "wasi:cli/terminal-stdout", Gate::Ambient;
    WASI_TERMINAL_STDERR = "wasi:cli/terminal-stderr", Gate::Ambient;
    WASI_SOCKETS_NETWORK = "wasi:sockets/network", Gate::Ambient;
    WASI_SOCKETS_INSTANCE_NETWORK = "wasi:sockets/instance-network", Gate::Ambient;
    WASI_SOCKETS_TCP = "wasi:sockets/tcp", Gate::Ambient;
    WASI_SOCKETS_TCP_CREATE_SOCKET = "wasi:sockets/tcp-create-socket", Gate::Ambient;
    WASI_SOCKETS_UDP = "wasi:sockets/udp", Gate::Ambient;
    WASI_SOCKETS_UDP_CREATE_SOCKET = "wasi:sockets/udp-create-socket", Gate::Ambient;
    WASI_SOCKETS_IP_NAME_LOOKUP = "wasi:sockets/ip-name-lookup", Gate::Ambient;
    WASI_FILESYSTEM_TYPES = "wasi:filesystem/types", Gate::Ambient;
    WASI_PREOPENS = "wasi:filesystem/preopens", Gate::Ambient;
    WASI_HTTP_TYPES = "wasi:http/types", Gate::Ambient;
    WASI_OUTGOING_HANDLER = "wasi:http/outgoing-handler", Gate::Needs(Need::HTTP);
    WASI_KEYVALUE_STORE = "wasi:keyvalue/store", Gate::Needs(Need::CACHE_READ_WRITE);
    WASI_KEYVALUE_ATOMICS = "wasi:keyvalue/atomics", Gate::Needs(Need::CACHE_READ_WRITE);
    WASI_KEYVALUE_BATCH = "wasi:keyvalue/batch", Gate::Needs(Need::CACHE_READ_WRITE);
    WASI_CONFIG_STORE = "wasi:config/store", Gate::Needs(Need::CONFIG);
    WASI_CONFIG_RUNTIME = "wasi:config/runtime", Gate::Needs(Need::CONFIG);
    WASI_LOGGING = "wasi:logging/logging", Gate::Ambient;
}
/// What gives a host the back-end for a permission: what an operator sets, and what an application that embeds the host
/// hands to its builder. None for what every host has.
pub fn back_end(permission: &Permission) -> Option<&'static str> {
    Some(match permission {
        Permission::Db => {
            "set database (--database) to a SQLite file or a PostgreSQL URL; embedders add the provider db::Databases"
        }
        Permission::SecureConfig => {
            "set database (--database), in which they are kept, and secret_keys, the file with their keys, if it shall \
             not be goatherd.keys; embedders add the provider secure_config::SecureConfig"
        }
        Permission::Entity => {
            "set database (--database), and the entity types under [entity.NAME]; embedders add the provider \
             entities::Entities"
        }
        Permission::CustomFields => {
            "set database (--database), in which they are kept; embedders add the provider custom_fields::CustomFields"
        }
        Permission::Email => {
            "set mail.from, and mail.outbox or mail.smtp; embedders add the provider email::Mail, which is there with the \
             crate's feature email"
        }
        Permission::Files => {
            "set data, the folder in which plugins have theirs; embedders call HostBuilder::data_folders"
        }
        Permission::Http => {
            "embedders add the provider http::HttpClient, which is there with the crate's feature http; the program always \
             has it"
        }
        Permission::Events => {
            "embedders add the provider events::Events, which the program always has"
        }
        Permission::Cache
        | Permission::Config
        | Permission::PluginCall
        | Permission::Capability
        | Permission::Routes
        | Permission::App(_) => {
            return None;
        }
    })
}
