//! Work at set times.
//!
//! A [`Schedule`] is a parsed five-field cron expression with a parsed time zone out of the time zone database inside
//! the program, so it means the same on every machine, whatever is installed there. One that never comes is a problem
//! here rather than an endless search later.

use std::time::Duration;

use croner::{
    Cron, CronPattern, Weekday,
    parser::{CronParser, Seconds, Year},
};
use jiff::{
    civil::Date,
    tz::{TimeZone, TimeZoneDatabase},
};
use serde::Serialize;

use super::{
    check::{DESCRIPTION_MAX, FunctionName},
    duration,
    problem::Item,
};
use crate::contract::wire::registration as wire;
use crate::names::text::quoted;

/// Work at set times.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Job {
    /// Unique in the plugin; the full name is `<plugin>.<id>`.
    pub id: String,
    /// Does the work.
    pub handler: FunctionName,
    /// When.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// For people; may be empty.
    pub description: String,
    /// Whether it runs before an operator says so.
    pub enabled: bool,
    /// How long one run may take; [`TIMEOUT`] by default, at most 24 hours.
    #[serde(serialize_with = "duration::serialize")]
    pub timeout: Duration,
}

/// How long one run may take where the plugin does not say.
pub const TIMEOUT: Duration = Duration::from_secs(300);

/// The most bytes in a cron expression.
const SCHEDULE_MAX: usize = 256;

/// When a job runs. As JSON: `schedule` and `time_zone`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Schedule {
    #[serde(rename = "schedule")]
    text: String,
    #[serde(rename = "time_zone")]
    zone_name: String,
    #[serde(skip)]
    cron: Cron,
    #[serde(skip)]
    zone: TimeZone,
}

impl Schedule {
    /// The cron expression as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The cron expression, to be evaluated in [`Schedule::time_zone`].
    #[must_use]
    pub fn cron(&self) -> &Cron {
        &self.cron
    }

    /// The time zone.
    #[must_use]
    pub fn time_zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The time zone's IANA name, such as `Europe/Berlin`.
    #[must_use]
    pub fn time_zone_name(&self) -> &str {
        &self.zone_name
    }
}

fn parse_cron(text: &str) -> Result<Cron, String> {
    let expected = "expected five fields (minute, hour, day of month, month, day of week) such as \"0 6 * * 1\"";
    if text.len() > SCHEDULE_MAX {
        return Err(format!(
            "the schedule {} has more than {SCHEDULE_MAX} bytes; {expected}",
            quoted(text)
        ));
    }
    // The parser's own messages quote the text as it is, so nothing that a terminal would obey may reach it.
    if let Some(bad) = text.chars().find(|&c| !(c.is_ascii_graphic() || c == ' ')) {
        return Err(format!(
            "the schedule {} contains {bad:?}; {expected}",
            quoted(text)
        ));
    }
    let fields = text.split_whitespace().count();
    if fields != 5 {
        return Err(format!(
            "the schedule {} has {fields} fields; {expected}",
            quoted(text)
        ));
    }
    let cron = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build()
        .parse(text)
        .map_err(|error| {
            format!(
                "the schedule {} is wrong: {error}; {expected}",
                quoted(text)
            )
        })?;
    if !occurs(&cron.pattern) {
        return Err(format!(
            "the schedule {} names a time that never comes; {expected}",
            quoted(text)
        ));
    }
    Ok(cron)
}

/// Whether there is a minute that the pattern matches. The parser takes the 30th of February and empty lists, and a
/// search for the next such minute goes through thousands of years: seconds of work, each time somebody asks.
fn occurs(pattern: &CronPattern) -> bool {
    // After 28 years every date has stood on every day of the week.
    const YEARS: std::ops::Range<i16> = 2000..2028;
    let day_matches = |year: i16, month: u32, day: u32| {
        let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        let weekday = match date.weekday() {
            jiff::civil::Weekday::Monday => Weekday::Monday,
            jiff::civil::Weekday::Tuesday => Weekday::Tuesday,
            jiff::civil::Weekday::Wednesday => Weekday::Wednesday,
            jiff::civil::Weekday::Thursday => Weekday::Thursday,
            jiff::civil::Weekday::Friday => Weekday::Friday,
            jiff::civil::Weekday::Saturday => Weekday::Saturday,
            jiff::civil::Weekday::Sunday => Weekday::Sunday,
        };
        pattern.day_match(year.into(), month, day, weekday).ok()
    };
    let months: Vec<u32> = (1..=12)
        .filter(|&month| pattern.month_match(month).unwrap_or(false))
        .collect();
    (0..60).any(|minute| pattern.minute_match(minute).unwrap_or(false))
        && (0..24).any(|hour| pattern.hour_match(hour).unwrap_or(false))
        && YEARS.into_iter().any(|year| {
            months
                .iter()
                .any(|&month| (1..=31).any(|day| day_matches(year, month, day) == Some(true)))
        })
}

fn parse_zone(name: &str) -> Result<(String, TimeZone), String> {
    TimeZoneDatabase::bundled()
        .get(name)
        .ok()
        .and_then(|zone| Some((zone.iana_name()?.to_owned(), zone)))
        .filter(|(name, _)| name != "Etc/Unknown")
        .ok_or_else(|| {
            format!(
                "{} is not a time zone; expected an IANA name such as \"Europe/Berlin\"",
                quoted(name)
            )
        })
}

impl Job {
    pub(super) fn parse(item: &mut Item<'_>, given: wire::Job) -> Option<Self> {
        let id = item.id(given.id);
        let handler = item.function("handler", &given.handler);
        let cron = item.take("schedule", parse_cron(&given.schedule));
        let zone = match given.time_zone {
            Some(name) => item.take("time_zone", parse_zone(&name)),
            None => Some(("UTC".to_owned(), TimeZone::UTC)),
        };
        let description = item.text(
            "description",
            given.description.unwrap_or_default(),
            DESCRIPTION_MAX,
        );
        let timeout = item.if_present("timeout_sec", given.timeout_sec, |seconds| {
            duration::bounded(Duration::from_secs(seconds.into()))
        });
        let (zone_name, zone) = zone?;
        Some(Job {
            id: id?,
            handler: handler?,
            schedule: Schedule {
                cron: cron?,
                text: given.schedule,
                zone_name,
                zone,
            },
            description: description?,
            enabled: given.enabled,
            timeout: timeout?.unwrap_or(TIMEOUT),
        })
    }
}
