//! Settings and inputs checked by what plugins say about them.
//!
//! A plugin's registration can carry a JSON Schema (draft 2020-12), which its settings must satisfy before they are stored,
//! and one for each of its capabilities, which must be satisfied before it is run. The schema is a stranger's program, and checking runs it: so it is bounded before it is compiled (in `shape`), nothing is
//! fetched for it, and its patterns are of the kind that takes linear time. What a refusal shows of the settings are the
//! places that do not fit, and not the values, which may be secret.

mod shape;

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jsonschema::{Draft, PatternOptions, Retrieve, Uri, Validator};
use serde_json::{Map, Value};
use thiserror::Error;

use super::ConfigCheck;
use crate::contract::{Json, PluginName};

/// The most bytes of a schema.
const SCHEMA_BYTES: usize = 64 << 10;
/// The most bytes of the settings or of the input that are checked, as JSON.
const CHECKED_BYTES: usize = 256 << 10;
/// The most bytes of one compiled pattern.
const PATTERN_BYTES: usize = 64 << 10;
/// How many places a refusal names.
const LINES: usize = 20;
/// The most characters of a line about one place.
const LINE: usize = 300;

/// Why a schema is not used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SchemaError {
    /// It is too large.
    #[error("the schema has {bytes} bytes; at most {SCHEMA_BYTES} are taken")]
    TooLarge {
        /// How large it is.
        bytes: usize,
    },
    /// It has something that this host does not run.
    #[error("the schema is not used: at \"{pointer}\" {reason}")]
    Refused {
        /// Where, as a JSON pointer.
        pointer: String,
        /// What, and what would be right.
        reason: String,
    },
    /// It is no schema.
    #[error("the schema is no JSON Schema of draft 2020-12: {0}")]
    Invalid(String),
}

/// A schema, ready to check settings.
pub struct Schema {
    validator: Validator,
    text: Json,
}

/// The schemas of all plugins' settings. Cheap to clone; all clones are the same. To be given to
/// [`Service::with_checked_store`](super::Service::with_checked_store), and kept in step with what is loaded.
#[derive(Clone, Default)]
pub struct Schemas(Arc<ArcSwap<BTreeMap<PluginName, Arc<Schema>>>>);

impl Schema {
    /// Compiles a schema. This takes up to some tenths of a second.
    ///
    /// # Errors
    ///
    /// When it is no schema, too large, or has what this host does not run: a reference to elsewhere or to itself, anchors,
    /// ids within it, or so many references that checking would not end soon.
    pub fn compile(text: &Json) -> Result<Self, SchemaError> {
        let bytes = text.as_str().len();
        if bytes > SCHEMA_BYTES {
            return Err(SchemaError::TooLarge { bytes });
        }
        let invalid = |reason: String| SchemaError::Invalid(line(&reason));
        let mut schema: Value = text
            .parse_as()
            .map_err(|error| invalid(error.to_string()))?;
        shape::check(&schema)?;
        // Its own address is of no use here, and could be that of another schema.
        if let Value::Object(root) = &mut schema {
            root.remove("$id");
        }
        let patterns = PatternOptions::regex()
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES);
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_retriever(Nowhere)
            .with_pattern_options(patterns)
            .should_validate_formats(true)
            .build(&schema)
            .map(|validator| Self {
                validator,
                text: text.clone(),
            })
            .map_err(|error| {
                invalid(format!(
                    "{}: {error}",
                    place(error.instance_path().as_str(), "the schema")
                ))
            })
    }

    /// The schema as it was given.
    #[must_use]
    pub fn text(&self) -> &Json {
        &self.text
    }

    /// Checks settings.
    ///
    /// # Errors
    ///
    /// What does not fit, one line for each place, of which the first 20 are named.
    pub fn check(&self, config: &Map<String, Value>) -> Result<(), String> {
        self.check_as("the settings", &Value::Object(config.clone()))
    }

    /// Checks the input of a capability.
    ///
    /// # Errors
    ///
    /// What does not fit, one line for each place, of which the first 20 are named.
    pub fn check_input(&self, input: &Value) -> Result<(), String> {
        self.check_as("the input", input)
    }

    fn check_as(&self, what: &str, value: &Value) -> Result<(), String> {
        let bytes = value.to_string().len();
        if bytes > CHECKED_BYTES {
            return Err(format!(
                "{what}: {bytes} bytes as JSON; at most {CHECKED_BYTES} are taken"
            ));
        }
        let mut lines: Vec<String> = self
            .validator
            .iter_errors(value)
            .take(LINES + 1)
            .map(|error| {
                let wrong = error.masked_with("the value").to_string();
                let place = place(error.instance_path().as_str(), what);
                line(&format!("{place}: {wrong}"))
            })
            .collect();
        if lines.len() > LINES {
            lines.truncate(LINES);
            lines.push("and more".to_owned());
        }
        if lines.is_empty() {
            return Ok(());
        }
        Err(lines.join("\n"))
    }
}

impl Schemas {
    /// Checks a plugin's settings by this schema from now on, in place of an earlier one. Settings that are stored already
    /// are not looked at.
    pub fn set(&self, plugin: PluginName, schema: Schema) {
        let schema = Arc::new(schema);
        self.0.rcu(|present| {
            let mut next = (**present).clone();
            next.insert(plugin.clone(), Arc::clone(&schema));
            next
        });
    }

    /// Checks a plugin's settings no longer.
    pub fn remove(&self, plugin: &str) {
        self.0.rcu(|present| {
            let mut next = (**present).clone();
            next.remove(plugin);
            next
        });
    }
}

impl ConfigCheck for Schemas {
    fn check(&self, slug: &PluginName, config: &Map<String, Value>) -> Result<(), String> {
        let schema = self.0.load().get(slug).cloned();
        schema.map_or(Ok(()), |schema| schema.check(config))
    }
}

/// What is not in the schema itself does not exist.
struct Nowhere;

impl Retrieve for Nowhere {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(
            format!("{uri} is elsewhere; write what it has under $defs of the schema itself")
                .into(),
        )
    }
}

/// A place in a value, for people: the whole of it has a name.
fn place<'a>(pointer: &'a str, whole: &'a str) -> &'a str {
    if pointer.is_empty() { whole } else { pointer }
}

/// A text that is one line, and not a long one.
fn line(text: &str) -> String {
    let mut line: String = text
        .chars()
        .take(LINE)
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    if text.chars().nth(LINE).is_some() {
        line.push('…');
    }
    line
}
