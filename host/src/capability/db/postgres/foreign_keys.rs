//! What foreign keys carry on.
//!
//! The server carries `ON DELETE CASCADE` and its like out with the rights of the owner of the table that refers, above
//! privileges and row security. So a plugin may only delete from a table, or change what in it is referred to, if it may
//! change whatever that leads to, and if none of it belongs to organisations.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Transaction;

use super::policy::{Policy, reserved};
use super::settings::PostgresSettings;
use super::survey::Survey;
use super::text::identifier;
use crate::store::StoreError;

/// What happens to the rows that refer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// Nothing: the statement fails.
    Stop,
    /// The same as to the row that they refer to.
    Cascade,
    /// They are changed.
    Set,
}

/// What happens to the row that is referred to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Delete,
    Update,
}

/// A foreign key that carries something on.
#[derive(Debug)]
struct ForeignKey {
    from: u32,
    on_delete: Action,
    on_update: Action,
    /// The columns that are referred to.
    key: Vec<String>,
}

/// The foreign keys of a database, by the table that they refer to.
#[derive(Debug, Default)]
pub(super) struct ForeignKeys {
    keys: BTreeMap<u32, Vec<ForeignKey>>,
    /// All columns of the tables that are referred to.
    columns: BTreeMap<u32, Vec<String>>,
}

/// What a plugin may not do with a table that it may change otherwise.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// It may not delete rows.
    pub(super) keep_rows: bool,
    /// It may update these columns only, in the words of a grant.
    pub(super) columns: Option<String>,
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

impl Action {
    fn of(code: &str) -> Self {
        match code {
            "c" => Self::Cascade,
            "n" | "d" => Self::Set,
            _ => Self::Stop,
        }
    }

    fn carried(self, event: Event) -> Option<Event> {
        match self {
            Self::Stop => None,
            Self::Cascade => Some(event),
            Self::Set => Some(Event::Update),
        }
    }
}

/// The columns that a grant of `UPDATE` names.
pub(super) fn update_of<'c>(columns: impl IntoIterator<Item = &'c String>) -> String {
    let names: Vec<_> = columns.into_iter().map(|name| identifier(name)).collect();
    format!("UPDATE ({})", names.join(", "))
}

impl ForeignKeys {
    /// Looks at all of them.
    pub(super) async fn look(transaction: &Transaction<'_>) -> Result<Self, StoreError> {
        let columns = |of: &str| {
            format!(
                "ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                     WHERE a.attrelid = f.confrelid AND a.attnum > 0 AND NOT a.attisdropped {of} ORDER BY a.attnum)"
            )
        };
        let sql = format!(
            "SELECT f.confrelid, f.conrelid, f.confdeltype::text, f.confupdtype::text, {}, {}
             FROM pg_catalog.pg_constraint f
             WHERE f.contype = 'f' AND (f.confdeltype NOT IN ('a', 'r') OR f.confupdtype NOT IN ('a', 'r'))",
            columns("AND a.attnum = ANY (f.confkey)"),
            columns("")
        );
        let mut all = Self::default();
        for row in transaction.query(&sql, &[]).await? {
            let to: u32 = row.try_get(0)?;
            all.keys.entry(to).or_default().push(ForeignKey {
                from: row.try_get(1)?,
                on_delete: Action::of(row.try_get(2)?),
                on_update: Action::of(row.try_get(3)?),
                key: row.try_get(4)?,
            });
            all.columns.insert(to, row.try_get(5)?);
        }
        Ok(all)
    }

    /// What a plugin may not do with the table `oid`, for what it would lead to.
    pub(super) fn limits(
        &self,
        oid: u32,
        settings: &PostgresSettings,
        policy: &Policy,
        found: &Survey,
    ) -> Limits {
        let mut limits = Limits::default();
        let leads = |from: u32, event: Event| {
            let mut seen = BTreeSet::new();
            self.closed(from, event, &mut seen, &|oid| {
                closed(settings, policy, found, oid)
            })
        };
        let mut fixed = BTreeSet::new();
        for key in self.keys.get(&oid).into_iter().flatten() {
            if let Some(event) = key.on_delete.carried(Event::Delete)
                && let Some(table) = leads(key.from, event)
            {
                limits.keep_rows = true;
                limits.closed.insert(table);
            }
            if let Some(event) = key.on_update.carried(Event::Update)
                && let Some(table) = leads(key.from, event)
            {
                fixed.extend(&key.key);
                limits.closed.insert(table);
            }
        }
        if !fixed.is_empty() {
            let all = self.columns.get(&oid).into_iter().flatten();
            limits.columns = Some(update_of(all.filter(|name| !fixed.contains(name))));
        }
        limits
    }

    /// The first table that is closed among those that are reached from one to whose rows this happens.
    fn closed(
        &self,
        oid: u32,
        event: Event,
        seen: &mut BTreeSet<(u32, Event)>,
        look: &dyn Fn(u32) -> Option<Closed>,
    ) -> Option<Closed> {
        if !seen.insert((oid, event)) {
            return None;
        }
        look(oid).or_else(|| {
            let keys = self.keys.get(&oid).into_iter().flatten();
            keys.filter_map(|key| {
                let action = match event {
                    Event::Delete => key.on_delete,
                    Event::Update => key.on_update,
                };
                Some((key.from, action.carried(event)?))
            })
            .find_map(|(from, event)| self.closed(from, event, seen, look))
        })
    }
}

impl Limits {
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
