//! What the plugin asks for: limits and permissions.
//!
//! A request changes nothing by itself; the operator's policy decides. So this layer checks only that a request can be
//! understood: that its numbers are usable, and that its kind and access are words of the contract. What a scope means
//! is for the layer that parses grants.

use std::time::Duration;

use serde::Serialize;

use super::{check::either, duration, problem::Found};
use crate::contract::{text::quoted, v0_1::goatherd::plugin::registration as wit};

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
}

/// One permission that a plugin asks for: known words, not yet a grant. As JSON: `type`, `access`, `scope`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PermissionRequest {
    /// One of [`KINDS`].
    #[serde(rename = "type")]
    pub kind: String,
    /// One of [`ACCESSES`]; absent where the kind has no access level, or the plugin leaves it to the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// What the request is limited to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<String>,
}

/// The kinds of permission of the contract.
pub const KINDS: [&str; 12] = [
    "db",
    "cache",
    "http",
    "email",
    "config",
    "secure_config",
    "plugin_call",
    "events",
    "entity",
    "custom_fields",
    "routes",
    "files",
];

/// The access levels of the contract.
pub const ACCESSES: [&str; 4] = ["read", "write", "readwrite", "hard_delete"];

/// The most entries in a scope.
const SCOPE_MAX: usize = 1000;
/// The most bytes in an entry of a scope.
const SCOPE_ENTRY_MAX: usize = 1024;

impl Resources {
    pub(super) fn parse(found: &mut Found, given: wit::ResourceRequest) -> Resources {
        let memory_mb = given.memory_mb.and_then(|mebibytes| {
            let field = "resources.memory_mb";
            if mebibytes == 0 {
                found.add(field, "0 is no usable memory; expected more than 0");
                return None;
            }
            Some(mebibytes)
        });
        let mut timeout = |field: &str, milliseconds: Option<u32>| {
            milliseconds.and_then(|milliseconds| {
                found.take(
                    format_args!("resources.{field}"),
                    duration::bounded(Duration::from_millis(milliseconds.into())),
                )
            })
        };
        let call_timeout = timeout("call_timeout_ms", given.call_timeout_ms);
        let init_timeout = timeout("init_timeout_ms", given.init_timeout_ms);
        let shutdown_timeout = timeout("shutdown_timeout_ms", given.shutdown_timeout_ms);
        let mut permissions = Vec::new();
        for (index, request) in given.permissions.into_iter().enumerate() {
            let field = format!("resources.permissions[{index}]");
            let request = PermissionRequest {
                kind: request.kind,
                access: request.access,
                scope: request.scope,
            };
            permissions.extend(request.checked(|part, message| {
                found.add(format_args!("{field}.{part}"), message);
            }));
        }
        Resources {
            memory_mb,
            call_timeout,
            init_timeout,
            shutdown_timeout,
            permissions,
        }
    }
}

impl PermissionRequest {
    /// Reads the one-line form: `db:read`, `http`, `db:read=ticket,queue`.
    pub(super) fn parse_line(line: &str, mut problem: impl FnMut(String)) -> Option<Self> {
        let (head, scope) = match line.split_once('=') {
            Some((head, scope)) => (head, scope.split(',').map(str::to_owned).collect()),
            None => (line, Vec::new()),
        };
        let (kind, access) = match head.split_once(':') {
            Some((kind, access)) => (kind, Some(access.to_owned())),
            None => (head, None),
        };
        let request = PermissionRequest {
            kind: kind.to_owned(),
            access,
            scope,
        };
        request.checked(|_, message| problem(message))
    }

    /// Checks the words; `problem` gets the name of the part and the message.
    fn checked(self, mut problem: impl FnMut(&str, String)) -> Option<Self> {
        let mut right = true;
        let mut wrong = |part: &str, message: String| {
            right = false;
            problem(part, message);
        };
        let known_kind = KINDS.contains(&self.kind.as_str());
        if !known_kind {
            wrong(
                "kind",
                format!(
                    "{} is not a known kind of permission; expected {}",
                    quoted(&self.kind),
                    either(KINDS)
                ),
            );
        }
        match self.access.as_deref() {
            Some(access) if !ACCESSES.contains(&access) => wrong(
                "access",
                format!(
                    "{} is not a known access; expected {}",
                    quoted(access),
                    either(ACCESSES)
                ),
            ),
            Some("hard_delete") if known_kind && self.kind != "entity" => wrong(
                "access",
                format!(
                    "\"hard_delete\" is an access of entity, not of {}; expected read, write or readwrite",
                    self.kind
                ),
            ),
            _ => {}
        }
        if self.scope.len() > SCOPE_MAX {
            wrong(
                "scope",
                format!(
                    "it has {} entries; expected at most {SCOPE_MAX}",
                    self.scope.len()
                ),
            );
        }
        let unusable = |entry: &&String| entry.is_empty() || entry.len() > SCOPE_ENTRY_MAX;
        if let Some(entry) = self.scope.iter().find(unusable) {
            wrong(
                "scope",
                format!(
                    "the entry {} has {} bytes; expected 1 to {SCOPE_ENTRY_MAX}",
                    quoted(entry),
                    entry.len()
                ),
            );
        }
        right.then_some(self)
    }
}
