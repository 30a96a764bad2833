//! Spans of time that a plugin asks for: more than nothing, at most a day.

use std::time::Duration;

use serde::Serializer;

/// The longest span that a plugin can ask for.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Checks that `span` is more than nothing and at most 24 hours.
pub(super) fn bounded(span: Duration) -> Result<Duration, String> {
    if span.is_zero() || span > LONGEST {
        return Err(format!(
            "{} is no usable time; expected more than 0 and at most 24 hours",
            text(span)
        ));
    }
    Ok(span)
}

/// The span as configuration files and the JSON form write it: `300s`, or `1500ms` where it is no whole number of
/// seconds.
fn text(span: Duration) -> String {
    if span.subsec_nanos() == 0 {
        format!("{}s", span.as_secs())
    } else {
        format!("{}ms", span.as_millis())
    }
}

pub(super) fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&text(*span))
}

/// The same for a span that may be absent; the field is skipped where it is.
pub(super) fn serialize_some<S: Serializer>(
    span: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match span {
        Some(span) => serialize(span, serializer),
        None => serializer.serialize_none(),
    }
}
