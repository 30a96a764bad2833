//! What the plugin asks for: limits and permissions.
//!
//! A request changes nothing by itself; the operator's policy decides. So this layer checks only that a request can be
//! understood: that its numbers are usable, and that its kind and access are words of the contract. What a scope means
//! is for the layer that parses grants.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{check::either, duration, problem::Found};
use crate::contract::wire::registration as wire;
use crate::names::text::quoted;
use crate::permission::{Access, Grant, GrantError, Permission};

/// Limits and permissions that a plugin asks for. What is absent takes the policy's default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Resources {
    /// Linear memory of one instance, in MiB; more than 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u32>,
    /// For one call; more than 0, at most 24 hours.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "duration::serialize_some"
    )]
    pub call_timeout: Option<Duration>,
    /// For `init`; more than 0, at most 24 hours.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "duration::serialize_some"
    )]
    pub init_timeout: Option<Duration>,
    /// For `shutdown`; more than 0, at most 24 hours.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "duration::serialize_some"
    )]
    pub shutdown_timeout: Option<Duration>,
    /// Permissions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<PermissionRequest>,
    /// Limits that a later version of the contract adds, by name. Shown, not used.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<String, String>,
}

/// One permission that a plugin asks for, not yet a grant: its scope is not parsed. As JSON: `type`, `access`, `scope`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PermissionRequest {
    /// What it is about.
    #[serde(rename = "type", serialize_with = "as_text")]
    pub kind: Permission,
    /// How much; absent where the kind has no access level, or the plugin leaves it to the operator.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_text_if_any"
    )]
    pub access: Option<Access>,
    /// What the request is limited to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<String>,
}

fn as_text<S: Serializer>(kind: &Permission, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(kind)
}

fn as_text_if_any<S: Serializer>(access: &Option<Access>, to: S) -> Result<S::Ok, S::Error> {
    match access {
        Some(access) => to.collect_str(access),
        None => to.serialize_none(),
    }
}

/// The most entries in a scope.
const SCOPE_MAX: usize = 1000;
/// The most bytes in an entry of a scope.
const SCOPE_ENTRY_MAX: usize = 1024;

impl Resources {
    pub(super) fn parse(found: &mut Found, given: wire::ResourceRequest) -> Resources {
        let mut resources = Resources::default();
        for (index, limit) in given.limits.into_iter().enumerate() {
            resources.add_limit(found, index, limit);
        }
        for (index, request) in given.permissions.into_iter().enumerate() {
            let field = format!("resources.permissions[{index}]");
            let request = PermissionRequest::parse(request, |part, message| {
                found.add(format_args!("{field}.{part}"), message);
            });
            resources.permissions.extend(request);
        }
        resources
    }

    fn add_limit(&mut self, found: &mut Found, index: usize, limit: wire::LimitRequest) {
        use wire::LimitRequest as Limit;
        let field = format!("resources.limits[{index}]");
        let milliseconds = |found: &mut Found, milliseconds: u32| {
            found.take(
                &field,
                duration::bounded(Duration::from_millis(milliseconds.into())),
            )
        };
        let is_first = match limit {
            Limit::MemoryMib(0) => {
                found.add(&field, "0 is no usable memory; expected more than 0");
                true
            }
            Limit::MemoryMib(mebibytes) => self.memory_mb.replace(mebibytes).is_none(),
            Limit::CallTimeoutMs(time) => {
                replace(&mut self.call_timeout, milliseconds(found, time))
            }
            Limit::InitTimeoutMs(time) => {
                replace(&mut self.init_timeout, milliseconds(found, time))
            }
            Limit::ShutdownTimeoutMs(time) => {
                replace(&mut self.shutdown_timeout, milliseconds(found, time))
            }
            Limit::Other((name, value)) => self.others.insert(name, value).is_none(),
        };
        if !is_first {
            found.add(&field, "an earlier entry asks for the same limit");
        }
    }
}

/// Puts a value into its slot, and says whether that was empty. No value is one that was reported already.
fn replace<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    let Some(value) = value else { return true };
    slot.replace(value).is_none()
}

impl PermissionRequest {
    /// Reads a request; `problem` gets the name of the part and the message.
    fn parse(
        given: wire::PermissionRequest,
        mut problem: impl FnMut(&str, String),
    ) -> Option<Self> {
        let mut right = true;
        let mut wrong = |part: &str, message: String| {
            right = false;
            problem(part, message);
        };
        let kind = match kind(given.kind) {
            Ok(kind) => Some(kind),
            Err(message) => {
                wrong("kind", message);
                None
            }
        };
        let access = match given
            .access
            .map(|access| level(access, kind.as_ref()))
            .transpose()
        {
            Ok(access) => access,
            Err(message) => {
                wrong("access", message);
                None
            }
        };
        if given.scope.len() > SCOPE_MAX {
            wrong(
                "scope",
                format!(
                    "it has {} entries; expected at most {SCOPE_MAX}",
                    given.scope.len()
                ),
            );
        }
        let unusable = |entry: &&String| entry.is_empty() || entry.len() > SCOPE_ENTRY_MAX;
        if let Some(entry) = given.scope.iter().find(unusable) {
            wrong(
                "scope",
                format!(
                    "the entry {} has {} bytes; expected 1 to {SCOPE_ENTRY_MAX}",
                    quoted(entry),
                    entry.len()
                ),
            );
        }
        Some(Self {
            kind: kind.filter(|_| right)?,
            access,
            scope: given.scope,
        })
    }

    /// The grant that would give what is asked for. Who leaves the level out leaves it to the operator; such a request is
    /// read as the widest level, since what is imported decides what a level can be used for. Only of an application's
    /// permission it is read as none, since that may have no levels.
    ///
    /// # Errors
    ///
    /// When an entry of the scope is none for its kind.
    pub fn to_grant(&self) -> Result<Grant, GrantError> {
        let ours = !matches!(self.kind, Permission::App(_));
        let widest = ours && self.kind.accesses().contains(&Access::ReadWrite);
        let access = self.access.or_else(|| widest.then_some(Access::ReadWrite));
        Grant::of(&self.kind, access, &self.scope)
    }
}

/// The kind that a word of the contract stands for.
fn kind(given: wire::PermissionKind) -> Result<Permission, String> {
    use wire::PermissionKind as Given;
    Ok(match given {
        Given::Db => Permission::Db,
        Given::Cache => Permission::Cache,
        Given::Http => Permission::Http,
        Given::Email => Permission::Email,
        Given::Config => Permission::Config,
        Given::SecureConfig => Permission::SecureConfig,
        Given::PluginCall => Permission::PluginCall,
        Given::Capability => Permission::Capability,
        Given::Events => Permission::Events,
        Given::Entity => Permission::Entity,
        Given::CustomFields => Permission::CustomFields,
        Given::Routes => Permission::Routes,
        Given::Files => Permission::Files,
        Given::Other(name) => Permission::App(name.parse().map_err(|_| {
            format!(
                "{} is not a known kind of permission; expected {}, or one of the application's, such as acme_billing",
                quoted(&name),
                either(Permission::OURS)
            )
        })?),
    })
}

/// The level that a word of the contract stands for, if the kind has it.
fn level(given: wire::PermissionAccess, kind: Option<&Permission>) -> Result<Access, String> {
    use wire::PermissionAccess as Given;
    let access = match given {
        Given::Read => Access::Read,
        Given::Write => Access::Write,
        Given::Readwrite => Access::ReadWrite,
        Given::HardDelete => Access::HardDelete,
        Given::Other(name) => {
            return Err(format!(
                "{} is not a known access; expected {}",
                quoted(&name),
                either(Access::ALL)
            ));
        }
    };
    match kind {
        Some(kind) if !kind.accesses().contains(&access) => Err(match kind.accesses() {
            [] => format!("\"{access}\" is an access, and {kind} has none; leave it out"),
            known => format!(
                "\"{access}\" is not an access of {kind}; expected {}",
                either(known)
            ),
        }),
        _ => Ok(access),
    }
}
