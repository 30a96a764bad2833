//! Policies and entries as columns, the same in every database.
//!
//! A policy is its JSON form in a column of text, beside the plugin's name and the revision, which are the columns' and not
//! the text's. A row that cannot be read is an error that names it: a policy that nobody understands grants nothing.

use super::{AuditEntry, AuditEvent, By, ComponentId, Decided, ResourcePolicy};
use crate::contract::{Json, PluginName};
use crate::registry::StoreFault;

/// The columns of an entry, without its number.
pub(super) struct EntryRow {
    pub(super) at: String,
    pub(super) by: String,
    pub(super) plugin: String,
    pub(super) decided: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    pub(super) version: Option<String>,
    pub(super) hash: Option<String>,
    pub(super) reason: String,
}

fn broken(what: &str, reason: impl std::fmt::Display) -> StoreFault {
    StoreFault::Unavailable(format!("{what} is broken: {reason}"))
}

/// The text of a policy.
pub(super) fn policy_text(policy: &ResourcePolicy) -> Result<String, StoreFault> {
    serde_json::to_string(policy).map_err(|error| StoreFault::Unavailable(error.to_string()))
}

/// A policy of its row.
pub(super) fn read_policy(
    plugin: &str,
    text: &str,
    revision: i64,
) -> Result<ResourcePolicy, StoreFault> {
    let what = || format!("the row of \"{plugin}\" in goatherd_policies");
    let mut policy: ResourcePolicy =
        serde_json::from_str(text).map_err(|error| broken(&what(), error))?;
    if policy.plugin.as_str() != plugin {
        return Err(broken(
            &what(),
            format!("its policy is one of \"{}\"", policy.plugin),
        ));
    }
    policy.revision = revision.unsigned_abs();
    Ok(policy)
}

impl From<&AuditEvent> for EntryRow {
    fn from(event: &AuditEvent) -> Self {
        let text = |json: &Option<Json>| json.as_ref().map(|json| json.as_str().to_owned());
        let component = event.component.as_ref();
        Self {
            at: event.at.to_string(),
            by: event.by.to_string(),
            plugin: event.plugin.to_string(),
            decided: event.decided.as_str().to_owned(),
            before: text(&event.before),
            after: text(&event.after),
            version: component.map(|component| component.version.to_string()),
            hash: component.map(|component| component.hash.clone()),
            reason: event.reason.clone(),
        }
    }
}

impl EntryRow {
    /// The entry with this number.
    pub(super) fn read(self, id: i64) -> Result<AuditEntry, StoreFault> {
        let broken =
            |reason: String| broken(&format!("entry {id} of goatherd_policy_audit"), reason);
        let json = |text: Option<String>| {
            let json = text.map(Json::parse).transpose();
            json.map_err(|error| broken(error.to_string()))
        };
        let plugin: PluginName = self
            .plugin
            .parse()
            .map_err(|error| broken(format!("{error}")))?;
        let component = match (self.version, self.hash) {
            (Some(version), Some(hash)) => Some(ComponentId {
                version: version
                    .parse()
                    .map_err(|error| broken(format!("{error}")))?,
                hash,
            }),
            _ => None,
        };
        let event = AuditEvent {
            at: self
                .at
                .parse()
                .map_err(|error| broken(format!("{error}")))?,
            by: By::read(&self.by),
            plugin,
            decided: Decided::read(&self.decided)
                .ok_or_else(|| broken(format!("{:?} is no decision", self.decided)))?,
            before: json(self.before)?,
            after: json(self.after)?,
            component,
            reason: self.reason,
        };
        Ok(AuditEntry {
            id: id.unsigned_abs(),
            event,
        })
    }
}

/// A page's bounds as columns have them: below which number, and how many.
pub(super) fn bounds(page: &super::AuditPage) -> (i64, i64) {
    let before = page
        .before
        .map_or(i64::MAX, |id| i64::try_from(id).unwrap_or(i64::MAX));
    (before, i64::try_from(page.limit()).unwrap_or(i64::MAX))
}
