//! The kinds of permission, their access levels, and the atomic needs that interfaces have.
//!
//! Our kinds are one table, each with its name and the levels that a grant of it can have; whoever says something about each
//! kind matches over all of them. An application has [kinds of its own](super::AppPermission) beside them, which are known
//! by their names. A permission and an access level combine only in the ways that [`Permission::accesses`] lists; [`Need`]
//! has no public constructor, so that an impossible combination (`http:write`) cannot be asked for.

use std::fmt;
use std::str::FromStr;

use super::app::PermissionName;
use super::error::GrantError;

macro_rules! permissions {
    ($($(#[$doc:meta])+ $kind:ident: $name:literal, $accesses:expr;)+) => {
        /// What a grant is about. Each kind decides what its scope entries mean.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Permission {
            $($(#[$doc])+ $kind,)+
            /// Of interfaces that the application brings; scope: what it says, as keys with `*`.
            App(PermissionName),
        }

        impl Permission {
            /// Every kind of ours, in the order in which messages list them.
            pub const OURS: &'static [Self] = &[$(Self::$kind,)+];

            /// The name in grants and in the contract, such as `secure_config`.
            #[must_use]
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$kind => $name,)+
                    Self::App(name) => name.as_str(),
                }
            }

            /// The access levels that a grant of this kind can have; none where the kind has no levels. Which of them a kind of
            /// an application has is for [`Permissions`](super::Permissions) to know; here it can have all.
            #[must_use]
            pub const fn accesses(&self) -> &'static [Access] {
                match self {
                    $(Self::$kind => $accesses,)+
                    Self::App(_) => &Access::ALL,
                }
            }
        }
    };
}

/// The levels of what can be looked at and changed.
const LEVELS: &[Access] = &[Access::Read, Access::Write, Access::ReadWrite];

permissions! {
    /// The application's database; scope: tables.
    Db: "db", LEVELS;
    /// The cache; scope: key prefixes within the plugin's own namespace.
    Cache: "cache", LEVELS;
    /// Requests to other servers; scope: hosts.
    Http: "http", &[];
    /// E-mail; scope: recipients.
    Email: "email", &[];
    /// Settings; scope: keys, beside the plugin's own under `plugin.`.
    Config: "config", &[Access::Read];
    /// The plugin's own secrets; scope: keys.
    SecureConfig: "secure_config", LEVELS;
    /// Calls to other plugins; scope: their names.
    PluginCall: "plugin_call", &[];
    /// Capabilities and workflows; scope: their slugs.
    Capability: "capability", &[];
    /// Events to browsers; scope: channels.
    Events: "events", &[];
    /// Deleting and restoring entities; scope: entity types.
    Entity: "entity", &[Access::Read, Access::Write, Access::ReadWrite, Access::HardDelete];
    /// Custom fields; scope: entity types, and single fields of other plugins.
    CustomFields: "custom_fields", LEVELS;
    /// Routes outside the plugin's own prefix; scope: path patterns.
    Routes: "routes", &[];
    /// The plugin's own data folder; scope: a quota.
    Files: "files", &[];
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Permission {
    type Err = GrantError;

    /// Ours by its name; any other name that an application's kind can have is taken for one.
    fn from_str(text: &str) -> Result<Self, GrantError> {
        if let Some(ours) = Self::OURS.iter().find(|kind| kind.name() == text) {
            return Ok(ours.clone());
        }
        let name = text.parse().map_err(|_| GrantError::unknown_type(text))?;
        Ok(Self::App(name))
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
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
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

    pub(super) const fn new(permission: Permission, access: Option<Access>) -> Self {
        Self { permission, access }
    }

    /// The kind of grant that is needed.
    #[must_use]
    pub const fn permission(&self) -> &Permission {
        &self.permission
    }

    /// The level that is needed; none where the kind has no levels.
    #[must_use]
    pub const fn access(&self) -> Option<Access> {
        self.access
    }

    /// What grants have to cover so that together they cover this: reading and writing can be granted apart.
    #[must_use]
    pub fn parts(&self) -> Vec<Self> {
        match self.access {
            Some(Access::ReadWrite) => [Access::Read, Access::Write]
                .map(|access| Self::new(self.permission.clone(), Some(access)))
                .to_vec(),
            _ => vec![self.clone()],
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.permission, self.access) {
            // The only level that config has may be left out, so a reader need not learn it.
            (Permission::Config, _) | (_, None) => f.write_str(self.permission.name()),
            (permission, Some(access)) => write!(f, "{permission}:{access}"),
        }
    }
}
