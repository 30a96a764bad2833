//! A record as columns, the same in every database.
//!
//! Settings and labels are JSON in columns of text. A row that is not a record, because somebody else wrote it, is an
//! error that names it; nothing of it is guessed.

use std::collections::BTreeMap;

use super::{Record, StoreFault};
use crate::contract::PluginName;

/// A record of its columns with text in them.
pub(super) fn parse(
    slug: String,
    kind: &str,
    config: &str,
    labels: &str,
) -> Result<Record, StoreFault> {
    let broken = |reason: String| {
        StoreFault::Unavailable(format!(
            "the row of \"{slug}\" in goatherd_plugin is broken: {reason}"
        ))
    };
    let name: PluginName = slug.parse().map_err(|error| broken(format!("{error}")))?;
    let mut record = Record::new(name, kind.parse().unwrap_or_default());
    record.config = serde_json::from_str(config).map_err(|error| broken(error.to_string()))?;
    let labels: BTreeMap<String, String> =
        serde_json::from_str(labels).map_err(|error| broken(error.to_string()))?;
    for (tag, label) in labels {
        let language = tag.parse().map_err(|error| broken(format!("{error}")))?;
        record.labels.insert(language, label);
    }
    Ok(record)
}

/// The columns with JSON in them: settings and labels.
pub(super) fn texts(record: &Record) -> Result<(String, String), StoreFault> {
    let broken = |error: serde_json::Error| StoreFault::Unavailable(error.to_string());
    let labels: BTreeMap<&str, &str> = record
        .labels
        .iter()
        .map(|(language, label)| (language.as_str(), label.as_str()))
        .collect();
    Ok((
        serde_json::to_string(&record.config).map_err(broken)?,
        serde_json::to_string(&labels).map_err(broken)?,
    ))
}
