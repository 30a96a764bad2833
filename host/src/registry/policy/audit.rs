//! The audit trail: who decided what about which plugin, when and why.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use super::{NoteError, Status};
use crate::contract::{Json, PluginName};

/// The most characters of who decided.
const WHO_MAX: usize = 200;
/// The most bytes of a reason.
const REASON_MAX: usize = 4 << 10;
/// How a rule is written as the one who decided.
const RULE: &str = "auto-approve: ";
/// Whom documents call those who have decided nothing.
const DEFAULT: &str = "default";
/// The most entries of a page.
const PAGE_MAX: usize = 1_000;

/// What was decided about a plugin, as a store keeps it. Never changed and never removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// Its number, which is the revision of the policy that was made with it. Later ones are higher.
    pub id: u64,
    /// What was decided.
    #[serde(flatten)]
    pub event: AuditEvent,
}

/// What was decided about a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEvent {
    /// When, by the clock of the node that wrote it.
    pub at: Timestamp,
    /// Who decided.
    pub by: By,
    /// The plugin.
    pub plugin: PluginName,
    /// What was decided.
    pub decided: Decided,
    /// The policy before; none where there was none.
    pub before: Option<Json>,
    /// The policy after; none where it was forgotten.
    pub after: Option<Json>,
    /// The component that it was decided about, where one was there.
    pub component: Option<ComponentId>,
    /// Why, in the words of who decided.
    pub reason: String,
}

/// Who decided: an operator, as they call themselves, or a rule of the configuration, by its name. As text a rule is
/// `auto-approve: NAME`, which no operator can call themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By(Who);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    Operator(String),
    Rule(String),
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// The policy has this status now.
    Status(Status),
    /// The status stays, limits are others.
    Limits,
    /// There is no policy any more.
    Forgotten,
}

/// A component: what a decision was made about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentId {
    /// The version that its registration says.
    pub version: semver::Version,
    /// The blake3 hash of its bytes, in hexadecimal.
    pub hash: String,
}

/// What a change is accompanied by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub(super) by: By,
    pub(super) reason: String,
    pub(super) component: Option<ComponentId>,
}

/// Which entries are wanted, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// Those of one plugin, or all.
    pub plugin: Option<PluginName>,
    /// Those older than the entry with this number.
    pub before: Option<u64>,
    limit: usize,
}

impl By {
    /// An operator.
    ///
    /// # Errors
    ///
    /// When the text is empty, longer than 200 characters, not of one line, or could be taken for a rule or for the host.
    pub fn operator(who: &str) -> Result<Self, NoteError> {
        let who = who.trim();
        let reserved = who == DEFAULT || who.to_ascii_lowercase().starts_with(RULE.trim_end());
        if who.is_empty()
            || reserved
            || who.chars().count() > WHO_MAX
            || who.chars().any(char::is_control)
        {
            return Err(NoteError::Who {
                shown: format!("{who:?}").chars().take(60).collect(),
            });
        }
        Ok(Self(Who::Operator(who.to_owned())))
    }

    /// A rule.
    pub(super) fn rule(name: &str) -> Self {
        Self(Who::Rule(name.to_owned()))
    }

    /// Whether it was a rule.
    #[must_use]
    pub const fn is_rule(&self) -> bool {
        matches!(self.0, Who::Rule(_))
    }

    /// What was written, read again.
    pub(super) fn read(text: &str) -> Self {
        match text.strip_prefix(RULE) {
            Some(rule) => Self::rule(rule),
            None => Self(Who::Operator(text.to_owned())),
        }
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Who::Operator(who) => f.write_str(who),
            Who::Rule(rule) => write!(f, "{RULE}{rule}"),
        }
    }
}

impl Serialize for By {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Decided {
    /// What was decided in one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status(status) => status.as_str(),
            Self::Limits => "limits",
            Self::Forgotten => "forgotten",
        }
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        match text {
            "limits" => Some(Self::Limits),
            "forgotten" => Some(Self::Forgotten),
            status => status.parse().ok().map(Self::Status),
        }
    }
}

impl fmt::Display for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Decided {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Note {
    /// By whom, and why.
    ///
    /// # Errors
    ///
    /// When the reason is longer than 4 KiB. It may be empty.
    pub fn new(by: By, reason: &str) -> Result<Self, NoteError> {
        if reason.len() > REASON_MAX {
            return Err(NoteError::Reason {
                bytes: reason.len(),
                limit: REASON_MAX,
            });
        }
        // PostgreSQL has no texts with NUL in them.
        Ok(Self {
            by,
            reason: reason.replace('\0', " "),
            component: None,
        })
    }

    /// Says which component the decision is about.
    #[must_use]
    pub fn about(mut self, component: ComponentId) -> Self {
        self.component = Some(component);
        self
    }
}

impl AuditPage {
    /// The newest entries of all plugins, at most `limit` and never more than 1,000.
    #[must_use]
    pub fn newest(limit: usize) -> Self {
        Self {
            plugin: None,
            before: None,
            limit: limit.clamp(1, PAGE_MAX),
        }
    }

    /// Those of one plugin.
    #[must_use]
    pub fn of(mut self, plugin: PluginName) -> Self {
        self.plugin = Some(plugin);
        self
    }

    /// Those before an entry: the next page.
    #[must_use]
    pub fn before(mut self, id: u64) -> Self {
        self.before = Some(id);
        self
    }

    /// How many entries it takes at most.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }
}
