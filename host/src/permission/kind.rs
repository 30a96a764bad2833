//! The kinds of permission, their access levels, and the atomic needs that interfaces have.
//!
//! A permission and an access level combine only in the ways that [`Permission::accesses`] lists; [`Need`] has no
//! public constructor, so that an impossible combination (`http:write`) cannot be asked for.

use std::fmt;
use std::str::FromStr;

use super::error::GrantError;

/// What a grant is about. Each kind decides what its scope entries mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// The application's database; scope: tables.
    Db,
    /// The cache; scope: key prefixes within the plugin's own namespace.
    Cache,
    /// Requests to other servers; scope: hosts.
    Http,
    /// E-mail; scope: recipients.
    Email,
    /// Settings; scope: keys, beside the plugin's own under `plugin.`.
    Config,
    /// The plugin's own secrets; scope: keys.
    SecureConfig,
    /// Calls to other plugins; scope: their names.
    PluginCall,
    /// Capabilities and workflows; scope: their slugs.
    Capability,
    /// Events to browsers; scope: channels.
    Events,
    /// Deleting and restoring entities; scope: entity types.
    Entity,
    /// Custom fields; scope: entity types, and single fields of other plugins.
    CustomFields,
    /// Routes outside the plugin's own prefix; scope: path patterns.
    Routes,
    /// The plugin's own data folder; scope: a quota.
    Files,
}

impl Permission {
    /// Every kind, in the order in which messages list them.
    pub const ALL: [Self; 13] = [
        Self::Db,
        Self::Cache,
        Self::Http,
        Self::Email,
        Self::Config,
        Self::SecureConfig,
        Self::PluginCall,
        Self::Capability,
        Self::Events,
        Self::Entity,
        Self::CustomFields,
        Self::Routes,
        Self::Files,
    ];

    /// The name in grants and in the contract, such as `secure_config`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Db => "db",
            Self::Cache => "cache",
            Self::Http => "http",
            Self::Email => "email",
            Self::Config => "config",
            Self::SecureConfig => "secure_config",
            Self::PluginCall => "plugin_call",
            Self::Capability => "capability",
            Self::Events => "events",
            Self::Entity => "entity",
            Self::CustomFields => "custom_fields",
            Self::Routes => "routes",
            Self::Files => "files",
        }
    }

    /// The access levels that a grant of this kind can have; none where the kind has no levels.
    #[must_use]
    pub const fn accesses(self) -> &'static [Access] {
        match self {
            Self::Db | Self::Cache | Self::SecureConfig | Self::CustomFields => {
                &[Access::Read, Access::Write, Access::ReadWrite]
            }
            Self::Config => &[Access::Read],
            Self::Entity => &[
                Access::Read,
                Access::Write,
                Access::ReadWrite,
                Access::HardDelete,
            ],
            Self::Http
            | Self::Email
            | Self::PluginCall
            | Self::Capability
            | Self::Events
            | Self::Routes
            | Self::Files => &[],
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Permission {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| GrantError::UnknownType {
                found: text.to_owned(),
            })
    }
}

/// How much a grant allows of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Access {
    /// Looking.
    Read,
    /// Changing, which does not imply looking.
    Write,
    /// Both of the above and nothing else.
    ReadWrite,
    /// Deleting entities for good; implied by no other access and implying none.
    HardDelete,
}

impl Access {
    /// Every level.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::ReadWrite, Self::HardDelete];

    /// The name in grants and in the contract, such as `hard_delete`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::ReadWrite => "readwrite",
            Self::HardDelete => "hard_delete",
        }
    }

    /// Whether a grant of this access serves an interface that needs `needed`.
    #[must_use]
    pub const fn includes(self, needed: Self) -> bool {
        matches!(
            (self, needed),
            (Self::Read | Self::ReadWrite, Self::Read)
                | (Self::Write | Self::ReadWrite, Self::Write)
                | (Self::ReadWrite, Self::ReadWrite)
                | (Self::HardDelete, Self::HardDelete)
        )
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What an interface requires to be linked: a permission and, where the permission has levels, one of read, write and
/// hard_delete, or read and write at once. Shown as `db:read`, `http` or `entity:hard_delete`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Need {
    permission: Permission,
    access: Option<Access>,
}

impl Need {
    /// `db-read`.
    pub const DB_READ: Self = Self::new(Permission::Db, Some(Access::Read));
    /// `db-write`.
    pub const DB_WRITE: Self = Self::new(Permission::Db, Some(Access::Write));
    /// `cache-read`.
    pub const CACHE_READ: Self = Self::new(Permission::Cache, Some(Access::Read));
    /// `cache-write`.
    pub const CACHE_WRITE: Self = Self::new(Permission::Cache, Some(Access::Write));
    /// The interfaces of `wasi:keyvalue`.
    pub const CACHE_READ_WRITE: Self = Self::new(Permission::Cache, Some(Access::ReadWrite));
    /// `http-client`, and `wasi:http/outgoing-handler`.
    pub const HTTP: Self = Self::new(Permission::Http, None);
    /// `email`.
    pub const EMAIL: Self = Self::new(Permission::Email, None);
    /// `config`, and the interfaces of `wasi:config`.
    pub const CONFIG: Self = Self::new(Permission::Config, Some(Access::Read));
    /// `secure-config-read`.
    pub const SECURE_CONFIG_READ: Self = Self::new(Permission::SecureConfig, Some(Access::Read));
    /// `secure-config-write`.
    pub const SECURE_CONFIG_WRITE: Self = Self::new(Permission::SecureConfig, Some(Access::Write));
    /// `plugins`.
    pub const PLUGIN_CALL: Self = Self::new(Permission::PluginCall, None);
    /// `capabilities`.
    pub const CAPABILITY: Self = Self::new(Permission::Capability, None);
    /// `events`.
    pub const EVENTS: Self = Self::new(Permission::Events, None);
    /// `entities-read`.
    pub const ENTITY_READ: Self = Self::new(Permission::Entity, Some(Access::Read));
    /// `entities-write`.
    pub const ENTITY_WRITE: Self = Self::new(Permission::Entity, Some(Access::Write));
    /// `entities-purge`.
    pub const ENTITY_HARD_DELETE: Self = Self::new(Permission::Entity, Some(Access::HardDelete));
    /// `custom-fields-read`.
    pub const CUSTOM_FIELDS_READ: Self = Self::new(Permission::CustomFields, Some(Access::Read));
    /// `custom-fields-write`.
    pub const CUSTOM_FIELDS_WRITE: Self = Self::new(Permission::CustomFields, Some(Access::Write));
    /// Links no interface: a route outside the plugin's own prefix.
    pub const ROUTES: Self = Self::new(Permission::Routes, None);
    /// Links no interface: the plugin's own data folder.
    pub const FILES: Self = Self::new(Permission::Files, None);

    const fn new(permission: Permission, access: Option<Access>) -> Self {
        Self { permission, access }
    }

    /// The kind of grant that is needed.
    #[must_use]
    pub const fn permission(self) -> Permission {
        self.permission
    }

    /// The level that is needed; none where the kind has no levels.
    #[must_use]
    pub const fn access(self) -> Option<Access> {
        self.access
    }

    /// What grants have to cover so that together they cover this: reading and writing can be granted apart.
    #[must_use]
    pub fn parts(self) -> Vec<Self> {
        match self.access {
            Some(Access::ReadWrite) => [Access::Read, Access::Write]
                .map(|access| Self::new(self.permission, Some(access)))
                .to_vec(),
            _ => vec![self],
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.permission, self.access) {
            // The only level that config has may be left out, so a reader need not learn it.
            (Permission::Config, _) | (_, None) => f.write_str(self.permission.name()),
            (permission, Some(access)) => write!(f, "{permission}:{access}"),
        }
    }
}
