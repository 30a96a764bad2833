//! What one table looks like, and the views and triggers that follow from it.

use rusqlite::{Connection, OptionalExtension};

use super::super::owned::{ORGANISATION, Owned, OwnedTable, WRITE};
use super::super::text::identifier;

/// Arguments that a function can have, as the connection's limits say.
const MOST_ARGUMENTS: usize = 127;

/// A column.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    /// Not generated from others.
    pub(super) is_stored: bool,
    pub(super) is_key: bool,
}

/// A foreign key to a table that organisations own too.
#[derive(Debug, Clone)]
pub(super) struct Parent {
    pub(super) table: String,
    /// The parent's organisation column.
    pub(super) organisation: String,
    /// Column of the child, column of the parent.
    pub(super) columns: Vec<(String, String)>,
}

/// A table that organisations own.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// As the schema spells it.
    pub(super) table: String,
    /// The column that has the organisation, as the schema spells it.
    pub(super) organisation: String,
    pub(super) columns: Vec<Column>,
    pub(super) parents: Vec<Parent>,
    /// Which indexes the view may use, as SQL.
    indexes: String,
}

impl Shape {
    /// None if there is no such table, or it lacks the column.
    pub(super) fn read(
        db: &Connection,
        owned: &Owned,
        table: &OwnedTable,
    ) -> rusqlite::Result<Option<Self>> {
        let name: Option<String> = db
            .query_row(
                "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
                [&table.name],
                |row| row.get(0),
            )
            .optional()?;
        let Some(name) = name else {
            return Ok(None);
        };
        let mut columns =
            db.prepare("SELECT name, hidden = 0, pk > 0 FROM pragma_table_xinfo(?1, 'main')")?;
        let columns = columns
            .query_map([&name], |row| {
                Ok(Column {
                    name: row.get(0)?,
                    is_stored: row.get(1)?,
                    is_key: row.get(2)?,
                })
            })?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let organisation = columns
            .iter()
            .find(|column| column.is_stored && column.name.eq_ignore_ascii_case(&table.column))
            .map(|column| column.name.clone());
        let Some(organisation) = organisation else {
            return Ok(None);
        };
        Ok(Some(Self {
            parents: parents(db, owned, &name)?,
            indexes: usable_indexes(db, &name, &organisation)?,
            table: name,
            organisation,
            columns,
        }))
    }

    pub(super) fn stored(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.is_stored)
    }

    /// The view that alone may read the table.
    pub(super) fn guarding_view(&self, name: &str) -> String {
        let columns: Vec<String> = self.columns.iter().map(|c| identifier(&c.name)).collect();
        format!(
            "CREATE TEMP VIEW {} AS SELECT {} FROM main.{} {} WHERE {} = {ORGANISATION}()",
            identifier(name),
            columns.join(", "),
            identifier(&self.table),
            self.indexes,
            identifier(&self.organisation)
        )
    }

    /// What happens instead of changing the view of the table's name. A table whose rows cannot be told apart gets no
    /// triggers for changing them, and the engine then says that a view cannot be modified.
    pub(super) fn triggers(&self, prefix: &str, index: usize) -> String {
        let values = |row: &str| {
            self.stored()
                .map(|column| format!(", {row}.{}", identifier(&column.name)))
                .collect::<String>()
        };
        let (old, new) = (values("OLD"), values("NEW"));
        let count = self.stored().count();
        let has_key = self.columns.iter().any(|column| column.is_key);
        let mut all = String::new();
        for (event, arguments, count, possible) in [
            ("INSERT", new.clone(), count, true),
            ("UPDATE", format!("{old}{new}"), 2 * count, has_key),
            ("DELETE", old, count, has_key),
        ] {
            if possible && count + 2 <= MOST_ARGUMENTS {
                all += &format!(
                    "CREATE TEMP TRIGGER {} INSTEAD OF {event} ON temp.{} \
                     BEGIN SELECT {WRITE}('{event}', {index}{arguments}); END;",
                    identifier(&format!("{prefix}_{event}")),
                    identifier(&self.table),
                );
            }
        }
        all
    }
}

/// Keeps the engine from looking at a row before it knows whose it is.
///
/// Conditions are tried in the order of the text, the view's first; but one for which an index has all columns is tried
/// before the row is fetched. If that index does not have the organisation, a plugin's condition sees rows of all
/// organisations, and can tell of them by failing or by taking its time. So where there is such an index, the view uses
/// an index that begins with the organisation, in which the row id is a part too, or else none.
fn usable_indexes(db: &Connection, table: &str, organisation: &str) -> rusqlite::Result<String> {
    let mut indexes = db.prepare("SELECT name, partial FROM pragma_index_list(?1, 'main')")?;
    let indexes = indexes
        .query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<Vec<(String, bool)>>>()?;
    let mut by_organisation: Option<(i64, String)> = None;
    let mut all_have_it = true;
    for (index, is_partial) in indexes {
        let (position, columns): (Option<i64>, i64) = db.query_row(
            "SELECT min(seqno) FILTER (WHERE name = ?2), count(*) FROM pragma_index_xinfo(?1, 'main')",
            (&index, organisation),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        all_have_it &= position.is_some();
        let is_better = by_organisation
            .as_ref()
            .is_none_or(|(best, _)| columns < *best);
        if position == Some(0) && !is_partial && is_better {
            by_organisation = Some((columns, index));
        }
    }
    Ok(match by_organisation {
        _ if all_have_it => String::new(),
        Some((_, index)) => format!("INDEXED BY {}", identifier(&index)),
        None => "NOT INDEXED".to_owned(),
    })
}

fn parents(db: &Connection, owned: &Owned, table: &str) -> rusqlite::Result<Vec<Parent>> {
    let mut keys = db.prepare(
        "SELECT id, \"table\", \"from\", \"to\", seq FROM pragma_foreign_key_list(?1, 'main') ORDER BY id, seq",
    )?;
    let mut rows = keys.query([table])?;
    let mut parents: Vec<(i64, Parent)> = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, parent, from): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let to: Option<String> = row.get(3)?;
        let seq: i64 = row.get(4)?;
        let Some(owner) = owned
            .index(&parent)
            .and_then(|index| owned.tables().get(index))
        else {
            continue;
        };
        let to = match to {
            Some(to) => to,
            // Without a column it is the primary key.
            None => db.query_row(
                "SELECT name FROM pragma_table_info(?1, 'main') WHERE pk = ?2",
                (&parent, seq + 1),
                |row| row.get(0),
            )?,
        };
        match parents.last_mut() {
            Some((last, parent)) if *last == id => parent.columns.push((from, to)),
            _ => parents.push((
                id,
                Parent {
                    table: parent,
                    organisation: owner.column.clone(),
                    columns: vec![(from, to)],
                },
            )),
        }
    }
    Ok(parents.into_iter().map(|(_, parent)| parent).collect())
}
