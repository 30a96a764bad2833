//! What is known of each plugin without running it: what it is, what was decided, whether it is wanted.

use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt as _;
use serde_json::{Value, json};

use super::back_ends;
use super::database::Database;
use super::failure::Failure;
use super::plugins::{self, Decisions};
use super::settings::Settings;
use crate::capability::table;
use crate::loader::signature::KeyId;
use crate::loader::{self, Reader};
use crate::manager::{Candidate, Decision, Policy as _, Reviewed};
use crate::permission::{Grants, Permission};
use crate::registry::Record;
use crate::registry::policy::Policies;
use crate::runtime::{Description, Host, LoadError, Verdict};

/// How many plugins are read and described at a time.
const DESCRIBING: usize = 8;

/// All plugins of the directory.
pub(super) struct Look<'s> {
    pub(super) database: Option<Database<'s>>,
    pub(super) plugins: Vec<Shown>,
    pub(super) policies: Policies,
}

/// One plugin.
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) description: Option<Description>,
    path: PathBuf,
    signed_by: Option<KeyId>,
    state: &'static str,
    why: Option<String>,
    grants: Grants,
    record: Option<Arc<Record>>,
}

/// Reads and describes every plugin, and asks what was decided about it. Nothing is written.
pub(super) async fn look<'s>(
    settings: &'s Settings,
    database: Option<Database<'s>>,
    decisions: &Decisions,
) -> Result<Look<'s>, Failure> {
    let host = back_ends::without(settings)?;
    let reader = plugins::reader(settings)?;
    // Without the rule that approves by itself: it would write down what it does.
    let policy = decisions.policy_without_rule(settings)?;
    let found = loader::discover(&settings.plugins).await;
    let found = found.map_err(anyhow::Error::from)?;
    let described = futures::stream::iter(found)
        .map(|one| describe(one, settings, &host, &reader, &policy, decisions))
        .buffered(DESCRIBING);
    Ok(Look {
        database,
        plugins: described.collect().await,
        policies: decisions.policies.clone(),
    })
}

async fn describe(
    found: loader::Discovered,
    settings: &Settings,
    host: &Host,
    reader: &Reader,
    policy: &Reviewed,
    decisions: &Decisions,
) -> Shown {
    let mut shown = Shown {
        name: found.name_hint.clone(),
        description: None,
        path: found.path.clone(),
        signed_by: None,
        state: "failed",
        why: None,
        grants: Grants::default(),
        record: None,
    };
    let bundle = match reader.read(&found).await {
        Ok(bundle) => bundle,
        Err(error) => {
            shown.why = Some(error.to_string());
            return shown;
        }
    };
    shown.signed_by = bundle.signed_by;
    let Some(bytes) = &bundle.component else {
        if let Some(manifest) = &bundle.manifest {
            shown.name = manifest.name.to_string();
        }
        shown.state = "files";
        return shown;
    };
    let label = found.path.display().to_string();
    let described = host.describe_bytes(&label, Arc::clone(bytes)).await;
    let description = match described {
        Ok(description) => description,
        Err(error) => {
            shown.why = Some(error.to_string());
            return shown;
        }
    };
    shown.name = description.registration.name.to_string();
    shown.record = decisions.hosting.registry.get(&shown.name);
    let candidate = Candidate {
        description: &description,
        signed_by: bundle.signed_by,
    };
    let wanted = shown.record.as_ref().is_none_or(|record| record.enabled);
    match policy.decide(candidate).await {
        Decision::Approve(terms) => {
            shown.state = if wanted { "enabled" } else { "disabled" };
            shown.grants = terms.grants;
            if wanted && let Some(lacking) = lacking(settings, host, &description, &shown.grants) {
                (shown.state, shown.why) = ("failed", Some(lacking));
            }
        }
        Decision::Wait { why } => (shown.state, shown.why) = ("waiting", Some(why)),
        Decision::Block { why } => (shown.state, shown.why) = ("blocked", Some(why)),
    }
    shown.description = Some(description);
    shown
}

/// Why a server with these settings would not link a plugin, as far as that can be told without connecting to anything.
fn lacking(
    settings: &Settings,
    host: &Host,
    description: &Description,
    grants: &Grants,
) -> Option<String> {
    if let Err(error @ LoadError::NotGranted { .. }) = host.check(description, grants) {
        return Some(error.to_string());
    }
    let imported = description.imports.iter().filter_map(|import| {
        let Verdict::Granted { permission: need } = &import.verdict else {
            return None;
        };
        Some((import.name.as_str(), need.permission()))
    });
    // The one back-end that no import shows.
    let files = grants
        .files()
        .map(|_| ("its data folder", &Permission::Files));
    let mut needed = imported.chain(files);
    let (what, permission) = needed.find(|(_, one)| !back_ends::gives(settings, one))?;
    let hint = table::back_end(permission).unwrap_or_default();
    Some(format!("there is no back-end for {what}; {hint}"))
}

impl Shown {
    fn version(&self) -> Option<String> {
        let description = self.description.as_ref()?;
        Some(description.registration.version.to_string())
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "version": self.version(),
            "state": self.state,
            "why": self.why,
            "path": self.path,
            "signed_by": self.signed_by.map(|key| key.to_string()),
            "grants": self.grants,
            "record": self.record.as_deref(),
            "description": self.description,
        })
    }

    /// `name  version  state  why`
    pub(super) fn to_line(&self) -> String {
        let version = self.version().unwrap_or_else(|| "-".to_owned());
        let why = self.why.as_deref().unwrap_or_default();
        let why = why.lines().next().unwrap_or_default();
        format!("{}  {version}  {}  {why}", self.name, self.state)
            .trim_end()
            .to_owned()
    }

    pub(super) fn to_text(&self) -> String {
        let mut lines = vec![
            self.to_line(),
            format!("  file      {}", self.path.display()),
        ];
        if let Some(key) = self.signed_by {
            lines.push(format!("  signed by {key}"));
        }
        for grant in self.grants.iter() {
            lines.push(format!("  may       {grant}"));
        }
        if let Some(description) = &self.description {
            for import in &description.imports {
                lines.push(format!("  imports   {}", import.name));
            }
        }
        if let Some(record) = &self.record
            && !record.config.is_empty()
        {
            let config = Value::Object(record.config.clone());
            lines.push(format!("  config    {config}"));
        }
        lines.join("\n")
    }
}
