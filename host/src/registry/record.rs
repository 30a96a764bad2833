//! A row of the plugins table.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::contract::{Language, PluginName};

/// What an administrator can switch, configure and order.
///
/// As JSON it has the form that the togo plugin host gave it, with a field `label_<language>` for each label.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its name; that of a plugin where it is one.
    pub slug: PluginName,
    /// What it is.
    pub kind: Kind,
    /// Whether it is on.
    pub enabled: bool,
    /// Its settings.
    pub config: Map<String, Value>,
    /// Whether it is shown in the navigation.
    pub nav: bool,
    /// Where it stands; lower ones first, equal ones by slug.
    pub sort: i32,
    /// What it is called, by language.
    pub labels: BTreeMap<Language, String>,
    /// Another number after each change; 0 where it is in no store yet. A store takes a change only of the revision that it
    /// has, so that of two changes made at once none is lost.
    pub revision: u64,
}

/// What is to be changed of how a record is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrangement {
    /// Whether it is in the navigation, if that is to be changed.
    pub nav: Option<bool>,
    /// Where it stands, if that is to be changed.
    pub sort: Option<i32>,
    /// Labels that are set, and, where they are empty, removed.
    pub labels: BTreeMap<Language, String>,
}

/// What a record stands for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Kind {
    /// Something that can be run.
    #[default]
    Capability,
    /// Where data come from.
    Source,
    /// Another system.
    Integration,
    /// Pages.
    Ui,
    /// What the application calls so.
    Other(String),
}

impl Record {
    /// A record that is on, has no settings and is not in the navigation.
    #[must_use]
    pub fn new(slug: PluginName, kind: Kind) -> Self {
        Self {
            slug,
            kind,
            enabled: true,
            config: Map::new(),
            nav: false,
            sort: 0,
            labels: BTreeMap::new(),
            revision: 0,
        }
    }

    pub(super) fn arrange(&mut self, change: &Arrangement) {
        self.nav = change.nav.unwrap_or(self.nav);
        self.sort = change.sort.unwrap_or(self.sort);
        for (language, label) in &change.labels {
            if label.is_empty() {
                self.labels.remove(language);
            } else {
                self.labels.insert(language.clone(), label.clone());
            }
        }
    }

    /// What to call it in a language: its label there, or in the language without its region, or in English, or its slug.
    #[must_use]
    pub fn label(&self, language: &Language) -> &str {
        let tries = [
            language.clone(),
            language.without_region(),
            Language::default(),
        ];
        let found = tries.iter().find_map(|language| self.labels.get(language));
        found.map_or(self.slug.as_str(), String::as_str)
    }
}

impl Kind {
    /// The kind in one word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Capability => "capability",
            Self::Source => "source",
            Self::Integration => "integration",
            Self::Ui => "ui",
            Self::Other(kind) => kind,
        }
    }
}

impl FromStr for Kind {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "" | "capability" => Self::Capability,
            "source" => Self::Source,
            "integration" => Self::Integration,
            "ui" => Self::Ui,
            other => Self::Other(other.to_owned()),
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const LABEL: &str = "label_";

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("slug", &self.slug)?;
        map.serialize_entry("kind", self.kind.as_str())?;
        map.serialize_entry("enabled", &self.enabled)?;
        if !self.config.is_empty() {
            map.serialize_entry("config", &self.config)?;
        }
        map.serialize_entry("nav", &self.nav)?;
        map.serialize_entry("sort", &self.sort)?;
        for (language, label) in &self.labels {
            map.serialize_entry(&format!("{LABEL}{language}"), label)?;
        }
        map.end()
    }
}

#[derive(Deserialize)]
struct Written {
    slug: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    enabled: bool,
    #[serde(default)]
    config: Map<String, Value>,
    #[serde(default)]
    nav: bool,
    #[serde(default)]
    sort: i32,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let written = Written::deserialize(deserializer)?;
        let slug: PluginName = written.slug.parse().map_err(D::Error::custom)?;
        let mut record = Self::new(slug, Kind::default());
        record.kind = written.kind.parse().unwrap_or_default();
        record.enabled = written.enabled;
        record.config = written.config;
        record.nav = written.nav;
        record.sort = written.sort;
        for (field, value) in written.more {
            let language = field.strip_prefix(LABEL).and_then(|tag| tag.parse().ok());
            match (language, value) {
                (Some(language), Value::String(label)) => {
                    record.labels.insert(language, label);
                }
                _ => return Err(D::Error::custom(format!("a plugin has no field {field:?}"))),
            }
        }
        Ok(record)
    }
}
