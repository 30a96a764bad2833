//! The foreign keys of a database that carry something on to the rows that refer, such as `ON DELETE CASCADE`.

use std::collections::BTreeMap;

use tokio_postgres::Transaction;

use crate::store::StoreError;

/// What happens to the rows that refer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing: the statement fails.
    Stop,
    /// The same as to the row that they refer to.
    Cascade,
    /// They are changed.
    Set,
}

/// What happens to the row that is referred to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    Delete,
    Update,
}

/// A foreign key that carries something on.
#[derive(Debug)]
pub(super) struct ForeignKey {
    /// The table that refers.
    pub(super) from: u32,
    pub(super) on_delete: Action,
    pub(super) on_update: Action,
    /// The columns that are referred to.
    pub(super) key: Vec<String>,
}

/// The foreign keys of a database, by the table that they refer to.
#[derive(Debug, Default)]
pub(super) struct ForeignKeys {
    keys: BTreeMap<u32, Vec<ForeignKey>>,
    /// All columns of the tables that are referred to.
    columns: BTreeMap<u32, Vec<String>>,
}

impl Action {
    fn of(code: &str) -> Self {
        match code {
            "c" => Self::Cascade,
            "n" | "d" => Self::Set,
            _ => Self::Stop,
        }
    }

    /// What happens to a row that refers when this happens to the one that it refers to; none for nothing.
    pub(super) fn carried(self, event: Event) -> Option<Event> {
        match self {
            Self::Stop => None,
            Self::Cascade => Some(event),
            Self::Set => Some(Event::Update),
        }
    }
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

    /// The foreign keys that refer to the table `to`.
    pub(super) fn to(&self, to: u32) -> &[ForeignKey] {
        self.keys.get(&to).map_or(&[], Vec::as_slice)
    }

    /// All columns of the table `to`, if anything refers to it.
    pub(super) fn columns(&self, to: u32) -> &[String] {
        self.columns.get(&to).map_or(&[], Vec::as_slice)
    }
}
