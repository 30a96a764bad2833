//! What a plugin may not do with a table that it may change otherwise, for what foreign keys carry on.
//!
//! The server carries `ON DELETE CASCADE` and its like out with the rights of the owner of the table that refers, above
//! privileges and row security. So a plugin may only delete from a table, or change what in it is referred to, if it may
//! change whatever that leads to, and if none of it belongs to organisations.

use std::collections::BTreeSet;

use super::foreign_keys::{Event, ForeignKeys};
use super::policy::{Policy, reserved};
use super::settings::PostgresSettings;
use super::survey::Survey;
use super::text::update_of;

/// See the module.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// It may not delete rows.
    keep_rows: bool,
    /// It may not update these columns.
    fixed: BTreeSet<String>,
    /// The others, where there are any that it may not update.
    free: Vec<String>,
    /// Where the foreign keys lead to.
    closed: BTreeSet<Closed>,
}

/// A table that a plugin's statement may not reach.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Closed {
    /// Organisations own its rows.
    Owned(String),
    /// The grant does not cover it.
    NotCovered(String),
}

impl Limits {
    /// What a plugin may not do with the table `oid`, for what it would lead to.
    pub(super) fn of(
        oid: u32,
        settings: &PostgresSettings,
        policy: &Policy,
        found: &Survey,
    ) -> Self {
        let mut limits = Self::default();
        let leads = |from: u32, event: Event| {
            let mut seen = BTreeSet::new();
            first_closed(&found.foreign_keys, from, event, &mut seen, &|reached| {
                // Rows of the table itself are what the plugin may change, by whichever of them it begins.
                (reached != oid).then(|| closed(settings, policy, found, reached))?
            })
        };
        for key in found.foreign_keys.to(oid) {
            if let Some(event) = key.on_delete.carried(Event::Delete)
                && let Some(table) = leads(key.from, event)
            {
                limits.keep_rows = true;
                limits.closed.insert(table);
            }
            if let Some(event) = key.on_update.carried(Event::Update)
                && let Some(table) = leads(key.from, event)
            {
                limits.fixed.extend(key.key.iter().cloned());
                limits.closed.insert(table);
            }
        }
        let all = found.foreign_keys.columns(oid).iter();
        let free = all.filter(|name| !limits.fixed.contains(*name));
        limits.free = free.cloned().collect();
        limits
    }

    /// Takes away what it may not do.
    pub(super) fn apply(&self, rights: &mut BTreeSet<String>) {
        if self.keep_rows {
            rights.remove("DELETE");
        }
        if !self.fixed.is_empty() && rights.remove("UPDATE") && !self.free.is_empty() {
            rights.insert(update_of(&self.free));
        }
    }

    /// Why there are any, and what would change that.
    pub(super) fn why(&self) -> Option<(String, String)> {
        let (mut owned, mut not_covered) = (Vec::new(), Vec::new());
        for table in &self.closed {
            match table {
                Closed::Owned(name) => owned.push(format!("\"{name}\"")),
                Closed::NotCovered(name) => not_covered.push(name.as_str()),
            }
        }
        let carried = "foreign keys of the application carry deletions, or changes of what is referred to, on to";
        if !owned.is_empty() {
            let why = format!(
                "{carried} rows that organisations own, in {}",
                owned.join(", ")
            );
            return Some((why, "the application has to do it".to_owned()));
        }
        let first = not_covered.first()?;
        let names: Vec<_> = not_covered
            .iter()
            .map(|name| format!("\"{name}\""))
            .collect();
        let why = format!(
            "{carried} {}, which its db:write grant does not cover",
            names.join(", ")
        );
        let remedy = match not_covered.len() {
            1 => format!("grant db:write={first} to allow it"),
            _ => format!(
                "grant db:write={} to allow all of it",
                not_covered.join(",")
            ),
        };
        Some((why, remedy))
    }
}

/// The first table that is closed among those that are reached from one to whose rows this happens.
fn first_closed(
    keys: &ForeignKeys,
    oid: u32,
    event: Event,
    seen: &mut BTreeSet<(u32, Event)>,
    look: &dyn Fn(u32) -> Option<Closed>,
) -> Option<Closed> {
    if !seen.insert((oid, event)) {
        return None;
    }
    look(oid).or_else(|| {
        let referring = keys.to(oid).iter();
        let mut led_to = referring.filter_map(|key| {
            let action = match event {
                Event::Delete => key.on_delete,
                Event::Update => key.on_update,
            };
            Some((key.from, action.carried(event)?))
        });
        led_to.find_map(|(from, event)| first_closed(keys, from, event, seen, look))
    })
}

fn closed(
    settings: &PostgresSettings,
    policy: &Policy,
    found: &Survey,
    oid: u32,
) -> Option<Closed> {
    let relation = found.relation(oid)?;
    let name = &relation.name;
    let above = found.above(oid);
    let owned = std::iter::once(relation)
        .chain(above.iter().filter_map(|oid| found.relation(*oid)))
        .any(|relation| settings.organisations.column(&relation.name).is_some());
    if owned {
        return Some(Closed::Owned(name.clone()));
    }
    let covered =
        relation.schema == settings.schema && reserved(name).is_none() && policy.changes(name);
    (!covered).then(|| Closed::NotCovered(name.clone()))
}
