//! One grant, and its text form `TYPE[:ACCESS][=SCOPE,…]`.
//!
//! The same text is what the command line takes, what policies store and what messages propose, so it parses back to
//! an equal grant. JSON and TOML may also spell a grant as `{"type", "access", "scope"}`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::{GrantError, PatternError};
use super::kind::{Access, Need, Permission};
use super::{
    AddressPattern, ChannelPattern, EntityPattern, FieldPattern, HostPattern, KeyPattern,
    KeyPrefix, PluginPattern, Quota, RoutePattern, SlugPattern, TablePattern,
};

/// A permission with its access and scope, all of it valid.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Grant {
    permission: Permission,
    access: Option<Access>,
    entries: Entries,
}

/// The scope entries of a grant, by its kind. No entries stand for an absent scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Entries {
    /// Of `db`.
    Tables(Vec<TablePattern>),
    /// Of `cache`.
    Prefixes(Vec<KeyPrefix>),
    /// Of `http`.
    Hosts(Vec<HostPattern>),
    /// Of `email`.
    Addresses(Vec<AddressPattern>),
    /// Of `config`, `secure_config` and permissions of the application.
    Keys(Vec<KeyPattern>),
    /// Of `plugin_call`.
    Plugins(Vec<PluginPattern>),
    /// Of `capability`.
    Slugs(Vec<SlugPattern>),
    /// Of `events`.
    Channels(Vec<ChannelPattern>),
    /// Of `entity`.
    EntityTypes(Vec<EntityPattern>),
    /// Of `custom_fields`.
    Fields(Vec<FieldPattern>),
    /// Of `routes`.
    Routes(Vec<RoutePattern>),
    /// Of `files`.
    Quota(Option<Quota>),
}

impl Grant {
    /// Parses `TYPE[:ACCESS][=SCOPE,…]`, such as `db:read=ticket,queue`, `http=api.example.org` or `cache:readwrite`.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, and how to write it right.
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        let (head, scope) = match text.split_once('=') {
            Some((head, scope)) => (head.trim(), Some(scope)),
            None => (text.trim(), None),
        };
        let (kind, access) = match head.split_once(':') {
            Some((kind, access)) => (kind, Some(access)),
            None => (head, None),
        };
        let scope: Vec<&str> = match scope {
            None => Vec::new(),
            Some(entries) if entries.trim().is_empty() => {
                return Err(GrantError::EmptyScope {
                    grant: head.to_owned(),
                });
            }
            Some(entries) => entries.split(',').map(str::trim).collect(),
        };
        Self::from_strs(kind, access, &scope)
    }

    /// Builds a grant from parts that are words already. No `scope` is an absent scope.
    ///
    /// # Errors
    ///
    /// As for [`Grant::parse`].
    pub fn of(
        permission: &Permission,
        access: Option<Access>,
        scope: &[String],
    ) -> Result<Self, GrantError> {
        Self::parse_parts(permission.name(), access.map(Access::name), scope)
    }

    /// Builds a grant from the parts that policies have. No `scope` is an absent scope.
    ///
    /// # Errors
    ///
    /// As for [`Grant::parse`].
    pub fn parse_parts(
        kind: &str,
        access: Option<&str>,
        scope: &[String],
    ) -> Result<Self, GrantError> {
        let scope: Vec<&str> = scope.iter().map(String::as_str).collect();
        Self::from_strs(kind, access, &scope)
    }

    fn from_strs(kind: &str, access: Option<&str>, scope: &[&str]) -> Result<Self, GrantError> {
        if kind.is_empty() {
            return Err(GrantError::MissingType);
        }
        let permission: Permission = kind.parse()?;
        let kind = &permission;
        let access = parse_access(kind, access)?;
        let entries = match kind {
            Permission::Db => Entries::Tables(parse_entries(kind, scope)?),
            Permission::Cache => Entries::Prefixes(parse_entries(kind, scope)?),
            Permission::Http => Entries::Hosts(parse_entries(kind, scope)?),
            Permission::Email => Entries::Addresses(parse_entries(kind, scope)?),
            Permission::Config | Permission::SecureConfig | Permission::App(_) => {
                Entries::Keys(parse_entries(kind, scope)?)
            }
            Permission::PluginCall => Entries::Plugins(parse_entries(kind, scope)?),
            Permission::Capability => Entries::Slugs(parse_entries(kind, scope)?),
            Permission::Events => Entries::Channels(parse_entries(kind, scope)?),
            Permission::Entity => Entries::EntityTypes(parse_entries(kind, scope)?),
            Permission::CustomFields => Entries::Fields(parse_entries(kind, scope)?),
            Permission::Routes => Entries::Routes(parse_entries(kind, scope)?),
            Permission::Files if scope.len() > 1 => {
                return Err(GrantError::TooManyQuotas { found: scope.len() });
            }
            Permission::Files => Entries::Quota(parse_entries(kind, scope)?.pop()),
        };
        Ok(Self {
            permission,
            access,
            entries,
        })
    }

    /// The kind.
    #[must_use]
    pub const fn permission(&self) -> &Permission {
        &self.permission
    }

    /// The level; none where the kind has no levels.
    #[must_use]
    pub const fn access(&self) -> Option<Access> {
        self.access
    }

    /// The scope entries; none of them for an absent scope.
    #[must_use]
    pub const fn entries(&self) -> &Entries {
        &self.entries
    }

    /// The scope entries in their text form, empty for an absent scope.
    #[must_use]
    pub fn scope(&self) -> Vec<String> {
        fn texts<P: ToString>(patterns: &[P]) -> Vec<String> {
            patterns.iter().map(P::to_string).collect()
        }
        match &self.entries {
            Entries::Tables(p) => texts(p),
            Entries::Prefixes(p) => texts(p),
            Entries::Hosts(p) => texts(p),
            Entries::Addresses(p) => texts(p),
            Entries::Keys(p) => texts(p),
            Entries::Plugins(p) => texts(p),
            Entries::Slugs(p) => texts(p),
            Entries::Channels(p) => texts(p),
            Entries::EntityTypes(p) => texts(p),
            Entries::Fields(p) => texts(p),
            Entries::Routes(p) => texts(p),
            Entries::Quota(quota) => quota.iter().map(Quota::to_string).collect(),
        }
    }

    /// Whether this grant links an interface that needs `need`.
    #[must_use]
    pub fn covers(&self, need: &Need) -> bool {
        self.permission == *need.permission()
            && match (self.access, need.access()) {
                (Some(given), Some(needed)) => given.includes(needed),
                (given, needed) => given.is_none() && needed.is_none(),
            }
    }
}

fn parse_access(
    permission: &Permission,
    found: Option<&str>,
) -> Result<Option<Access>, GrantError> {
    let known = permission.accesses();
    match (found, known) {
        (None, []) => Ok(None),
        // Whether it has levels is for the application to say.
        (None, _) if matches!(permission, Permission::App(_)) => Ok(None),
        // Where there is only one level, it goes without saying.
        (None, [only]) => Ok(Some(*only)),
        (None, _) => Err(GrantError::MissingAccess {
            permission: permission.clone(),
        }),
        (Some(found), []) => Err(GrantError::UnexpectedAccess {
            permission: permission.clone(),
            found: found.to_owned(),
        }),
        (Some(found), _) => known
            .iter()
            .find(|access| access.name() == found)
            .map(|access| Some(*access))
            .ok_or_else(|| GrantError::UnknownAccess {
                permission: permission.clone(),
                found: found.to_owned(),
            }),
    }
}

fn parse_entries<P>(permission: &Permission, scope: &[&str]) -> Result<Vec<P>, GrantError>
where
    P: FromStr<Err = PatternError>,
{
    scope
        .iter()
        .map(|entry| {
            entry.parse().map_err(|reason| GrantError::BadEntry {
                permission: permission.clone(),
                entry: (*entry).to_owned(),
                reason,
            })
        })
        .collect()
}

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        Self::parse(text)
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.permission.name())?;
        if let Some(access) = self.access {
            write!(f, ":{access}")?;
        }
        let scope = self.scope();
        if !scope.is_empty() {
            write!(f, "={}", scope.join(","))?;
        }
        Ok(())
    }
}

impl Serialize for Grant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Grant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "a grant as text such as \"db:read=ticket\", or as {type, access, scope}"
        )]
        enum Spelling {
            Text(String),
            Parts(Parts),
        }

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Parts {
            #[serde(rename = "type")]
            kind: String,
            #[serde(default)]
            access: Option<String>,
            #[serde(default)]
            scope: Option<Vec<String>>,
        }

        match Spelling::deserialize(deserializer)? {
            Spelling::Text(text) => Self::parse(&text),
            Spelling::Parts(parts) => Self::parse_parts(
                &parts.kind,
                // An absent level is an empty text in documents written by Go programs.
                parts.access.as_deref().filter(|access| !access.is_empty()),
                &parts.scope.unwrap_or_default(),
            ),
        }
        .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Access, Grant, Permission};

    #[test]
    fn a_grant_reads_back_as_it_is_shown() {
        for text in [
            "db:read=ticket,queue",
            "db:readwrite=fictus_*",
            "db:write",
            "cache:readwrite",
            "cache:read=stats:,a",
            "http=api.giphy.com,*.tenor.com,http://localhost:8080+private",
            "email=@example.org,anna@example.org",
            "config:read",
            "config:read=site.*",
            "secure_config:write=token",
            "plugin_call=stats,*",
            "events",
            "events=tickets.*",
            "entity:hard_delete=ticket",
            "custom_fields:read=ticket,ticket/crm:segment",
            "routes=/admin/stats",
            "files",
            "files=100MiB",
            "acme_billing",
            "acme_billing:readwrite=c1,c-*",
        ] {
            let grant = Grant::parse(text).unwrap();
            assert_eq!(grant.to_string(), text);
            assert_eq!(Grant::parse(&grant.to_string()).unwrap(), grant);
        }
    }

    #[test]
    fn config_needs_no_access_and_spaces_around_entries_do_not_count() {
        assert_eq!(
            Grant::parse("config=a").unwrap().access(),
            Some(Access::Read)
        );
        assert_eq!(
            Grant::parse(" db:read = a , b ").unwrap().to_string(),
            "db:read=a,b"
        );
    }

    #[test]
    fn both_spellings_in_json_are_one_grant() {
        let text: Grant = serde_json::from_str(r#""db:read=ticket""#).unwrap();
        let parts: Grant =
            serde_json::from_str(r#"{"type": "db", "access": "read", "scope": ["ticket"]}"#)
                .unwrap();
        assert_eq!(text, parts);
        assert_eq!(serde_json::to_string(&text).unwrap(), r#""db:read=ticket""#);
        let go: Grant =
            serde_json::from_str(r#"{"type": "events", "access": "", "scope": null}"#).unwrap();
        assert_eq!(*go.permission(), Permission::Events);
        let error = serde_json::from_str::<Grant>(r#"{"type": "db", "scopes": []}"#).unwrap_err();
        assert!(error.to_string().contains("a grant as text"), "{error}");
    }

    #[test]
    fn mistakes_are_answered_with_the_right_spelling() {
        for (text, part) in [
            ("", "the type is missing"),
            (":read", "the type is missing"),
            (
                "database:read",
                "the types are db, cache, http, email, config, secure_config, plugin_call, capability, events, entity, custom_fields, routes, files",
            ),
            (
                "db",
                "db needs an access: db:read, db:write or db:readwrite",
            ),
            (
                "db=ticket",
                "db needs an access: db:read, db:write or db:readwrite",
            ),
            (
                "db:delete=ticket",
                "db has no access \"delete\"; write db:read, db:write or db:readwrite",
            ),
            ("db:hard_delete=ticket", "db has no access \"hard_delete\""),
            ("config:write", "write config:read"),
            ("http:read=a.example", "write http instead of http:read"),
            ("db:read=", "db:read= has an empty scope"),
            ("db:read=ticket,", "scope entry \"\" is empty"),
            ("db:read=tick et", "scope entry \"tick et\" has a ' '"),
            ("files=1MiB,2MiB", "one scope entry"),
            ("files=much", "such as 100MiB"),
            ("acme_billing:reed", "has no access \"reed\""),
        ] {
            let error = Grant::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_comma_inside_one_entry_cannot_smuggle_in_another() {
        for (kind, access) in [
            ("db", Some("read")),
            ("cache", Some("read")),
            ("http", None),
            ("email", None),
            ("config", None),
            ("plugin_call", None),
            ("capability", None),
            ("events", None),
            ("entity", Some("read")),
            ("custom_fields", Some("read")),
            ("routes", None),
            ("files", None),
            ("acme_billing", Some("read")),
        ] {
            for entry in ["a,b", "/a,b", "a@b.example,c@d.example", "1B,2B"] {
                assert!(
                    Grant::parse_parts(kind, access, &[entry.to_owned()]).is_err(),
                    "{kind} {entry}"
                );
            }
        }
    }
}
