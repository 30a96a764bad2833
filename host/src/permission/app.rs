//! Permissions of applications, beside ours.
//!
//! An application that brings interfaces of its own says what opens them: an [`AppPermission`], which has a name, the levels
//! of access where it has any, what it is about in words, and how often a plugin may use it. From then on it is a permission
//! like ours: it is asked for, granted with a scope, reviewed, limited and written into the audit trail in the same places.
//!
//! Grants are read without knowing which application will look at them, since policies are kept in databases that several
//! programs share. So a name is known to be an application's by its shape ([`PermissionName`]), and whether *this*
//! application has it is asked where somebody decides ([`Permissions::check`]): an unknown one opens nothing, but nobody
//! should believe that it does.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use super::error::{AppPermissionError, GrantError};
use super::grant::Grant;
use super::kind::{Access, Need, Permission};

/// The most bytes of a name.
const NAME_MAX: usize = 63;

/// The name of an application's permission: words of lower-case letters and digits with `_` between them, at least two, the
/// first of which is whose it is, such as `acme_billing`. None of ours. Shared text: a clone costs one counter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PermissionName(Arc<str>);

/// A permission of the application's.
///
/// ```
/// use goatherd::permission::{Access, AppPermission};
///
/// # fn main() -> Result<(), goatherd::permission::AppPermissionError> {
/// let billing = AppPermission::new("acme_billing", "invoices of the customers")?
///     .levels(&[Access::Read, Access::Write])
///     .per_minute(600);
/// # assert_eq!(billing.need(Some(Access::Read))?.to_string(), "acme_billing:read");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppPermission {
    name: PermissionName,
    about: String,
    levels: Vec<Access>,
    per_minute: Option<NonZeroU32>,
}

/// The permissions that the plugins of one host can have: ours, and those of its application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions(BTreeMap<PermissionName, AppPermission>);

impl PermissionName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PermissionName {
    type Err = AppPermissionError;

    fn from_str(text: &str) -> Result<Self, AppPermissionError> {
        let word = |word: &str| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        let begins = text.starts_with(|first: char| first.is_ascii_lowercase());
        let shaped = begins && text.contains('_') && text.split('_').all(word);
        let ours = Permission::OURS.iter().any(|kind| kind.name() == text);
        if ours || !shaped || text.len() > NAME_MAX {
            return Err(AppPermissionError::Name {
                name: text.chars().take(NAME_MAX).collect(),
                ours,
            });
        }
        Ok(Self(Arc::from(text)))
    }
}

impl Borrow<str> for PermissionName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PermissionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> Deserialize<'de> for PermissionName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl AppPermission {
    /// A permission without levels of access, which may be used as often as one likes. `about` says in a few words what it
    /// opens, as pages and commands put it behind "use", "read" or "change": `invoices of the customers`.
    ///
    /// # Errors
    ///
    /// When the name is one of ours, or does not have the shape of a [`PermissionName`].
    pub fn new(name: &str, about: &str) -> Result<Self, AppPermissionError> {
        Ok(Self {
            name: name.parse()?,
            about: about.to_owned(),
            levels: Vec::new(),
            per_minute: None,
        })
    }

    /// With levels of access. `Read` and `Write` together also make `readwrite` a level.
    #[must_use]
    pub fn levels(mut self, levels: &[Access]) -> Self {
        let all = Access::ALL.into_iter();
        let both = [Access::Read, Access::Write].map(|level| levels.contains(&level));
        self.levels = all
            .filter(|level| {
                levels.contains(level) || (*level == Access::ReadWrite && both == [true, true])
            })
            .collect();
        self
    }

    /// How often a plugin may use it while its policy says nothing else; 0 is no limit. What counts is what the provider
    /// [counts](crate::capability::PluginRates::app).
    #[must_use]
    pub fn per_minute(mut self, uses: u32) -> Self {
        self.per_minute = NonZeroU32::new(uses);
        self
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &PermissionName {
        &self.name
    }

    /// What it opens, in words.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The levels that a grant of it can have; none where it has no levels.
    #[must_use]
    pub fn accesses(&self) -> &[Access] {
        &self.levels
    }

    /// How often a plugin may use it while its policy says nothing else; none is no limit.
    #[must_use]
    pub const fn default_rate(&self) -> Option<NonZeroU32> {
        self.per_minute
    }

    /// What an interface needs that this opens: at this level, or without one where it has no levels.
    ///
    /// # Errors
    ///
    /// When it does not have this level, and when it has levels and none is named.
    pub fn need(&self, access: Option<Access>) -> Result<Need, AppPermissionError> {
        if self.has(access) {
            return Ok(Need::new(Permission::App(self.name.clone()), access));
        }
        Err(AppPermissionError::Level {
            name: self.name.clone(),
            access,
            right: self.spellings(),
        })
    }

    fn has(&self, access: Option<Access>) -> bool {
        match access {
            Some(access) => self.levels.contains(&access),
            None => self.levels.is_empty(),
        }
    }

    /// How a grant of it begins.
    fn spellings(&self) -> Vec<String> {
        if self.levels.is_empty() {
            return vec![self.name.to_string()];
        }
        let levels = self.levels.iter();
        levels
            .map(|level| format!("{}:{level}", self.name))
            .collect()
    }
}

impl Permissions {
    /// Adds one of the application's. Saying the same twice is no harm.
    ///
    /// # Errors
    ///
    /// When there is another one of this name.
    pub fn add(&mut self, permission: AppPermission) -> Result<(), AppPermissionError> {
        match self.0.get(&permission.name) {
            Some(present) if *present != permission => Err(AppPermissionError::Twice {
                name: permission.name,
            }),
            Some(_) => Ok(()),
            None => {
                self.0.insert(permission.name.clone(), permission);
                Ok(())
            }
        }
    }

    /// The application's permission of this name.
    #[must_use]
    pub fn app(&self, name: &str) -> Option<&AppPermission> {
        self.0.get(name)
    }

    /// Those of the application, by name.
    pub fn apps(&self) -> impl Iterator<Item = &AppPermission> {
        self.0.values()
    }

    /// Whether a grant can open something here: its kind is one of ours, or the application's with this level.
    ///
    /// # Errors
    ///
    /// With the kinds, or the levels, that there are.
    pub fn check(&self, grant: &Grant) -> Result<(), GrantError> {
        let Permission::App(name) = grant.permission() else {
            return Ok(());
        };
        let permission = self.known(name)?;
        if permission.has(grant.access()) {
            return Ok(());
        }
        Err(GrantError::AppAccess {
            grant: grant.to_string(),
            right: permission.spellings(),
        })
    }

    /// The application's permission of this name, or why there is none.
    ///
    /// # Errors
    ///
    /// With the kinds that there are.
    pub fn known(&self, name: &PermissionName) -> Result<&AppPermission, GrantError> {
        self.0.get(name).ok_or_else(|| GrantError::UnknownType {
            found: name.to_string(),
            apps: self.0.keys().cloned().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_says_whose_it_is_and_is_none_of_ours() {
        for good in ["acme_billing", "a1_b2_c3"] {
            assert_eq!(good.parse::<PermissionName>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "billing",
            "_billing",
            "acme_",
            "acme__billing",
            "Acme_billing",
            "1acme_billing",
            "acme_bil ling",
            "acme_bil:ling",
            "acme-billing",
            "secure_config",
            &format!("a_{}", "b".repeat(62)),
        ] {
            assert!(bad.parse::<PermissionName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_grant_is_checked_by_what_the_application_has() {
        let mut here = Permissions::default();
        let billing = AppPermission::new("acme_billing", "invoices").unwrap();
        let billing = billing.levels(&[Access::Write, Access::Read]);
        here.add(billing.clone()).unwrap();
        here.add(billing.clone()).unwrap();
        here.add(AppPermission::new("acme_print", "the printer").unwrap())
            .unwrap();
        let check = |text: &str| here.check(&Grant::parse(text).unwrap());
        for good in [
            "acme_billing:read=c1,c-*",
            "acme_billing:readwrite",
            "acme_print=*",
            "db:read=*",
        ] {
            check(good).unwrap();
        }
        for (bad, part) in [
            ("acme_bills:read", "acme_billing, acme_print"),
            (
                "acme_billing",
                "write acme_billing:read, acme_billing:write or acme_billing:readwrite",
            ),
            ("acme_billing:hard_delete=*", "write acme_billing:read,"),
            ("acme_print:read", "write acme_print"),
        ] {
            let error = check(bad).unwrap_err().to_string();
            assert!(error.contains(part), "{bad}: {error}");
        }
        let other = billing.per_minute(3);
        assert!(here.add(other).unwrap_err().to_string().contains("twice"));
    }

    #[test]
    fn an_interface_needs_a_level_that_the_permission_has() {
        let print = AppPermission::new("acme_print", "the printer").unwrap();
        assert_eq!(print.need(None).unwrap().to_string(), "acme_print");
        assert!(print.need(Some(Access::Read)).is_err());
        let print = print.levels(&[Access::Read]);
        assert!(print.need(None).is_err() && print.need(Some(Access::Write)).is_err());
        assert!(!print.accesses().contains(&Access::ReadWrite));
    }
}
