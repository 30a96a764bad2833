//! What one table that organisations own looks like, read from the schema once for each version of it.

use rusqlite::{Connection, OptionalExtension};

use super::super::owned::{Owned, OwnedTable};
use super::super::text::identifier;

/// How a column turns the values that are stored in it or compared with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Affinity {
    Numeric,
    Text,
    None,
}

/// A column.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    /// The declared type, in letters that cannot end the definition that they are put into.
    declared: String,
    pub(super) affinity: Affinity,
    pub(super) collation: String,
    /// Not generated from others.
    pub(super) is_stored: bool,
}

/// What tells a row from all others.
#[derive(Debug, Clone)]
pub(super) enum Key {
    /// The row id, by a name that no column has.
    Row(String),
    /// Columns of a table without row ids, by their indexes.
    Columns(Vec<usize>),
}

/// An index that a plugin's statement can use.
#[derive(Debug, Clone)]
pub(super) struct Index {
    pub(super) name: String,
    pub(super) is_unique: bool,
    pub(super) columns: Vec<IndexColumn>,
}

/// A column of an index.
#[derive(Debug, Clone)]
pub(super) struct IndexColumn {
    /// The column's index; none for the row id.
    pub(super) column: Option<usize>,
    pub(super) collation: String,
    pub(super) is_descending: bool,
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
    /// The index of the column that has the organisation.
    pub(super) organisation: usize,
    pub(super) columns: Vec<Column>,
    pub(super) key: Key,
    /// The column that is another name of the row id.
    pub(super) row_alias: Option<usize>,
    pub(super) indexes: Vec<Index>,
    pub(super) parents: Vec<Parent>,
}

impl Shape {
    /// None if there is no such table, or it lacks the column.
    pub(super) fn read(
        db: &Connection,
        owned: &Owned,
        table: &OwnedTable,
    ) -> rusqlite::Result<Option<Self>> {
        let found: Option<(String, bool, bool)> = db
            .query_row(
                "SELECT name, wr, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table' \
                 AND name = ?1 COLLATE NOCASE",
                [&table.name],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()?;
        let Some((name, has_no_row_ids, is_strict)) = found else {
            return Ok(None);
        };
        let columns = columns(db, &name, is_strict)?;
        let organisation = columns
            .iter()
            .position(|one| one.is_stored && one.name.eq_ignore_ascii_case(&table.column));
        let Some(organisation) = organisation else {
            return Ok(None);
        };
        let key_columns = key_columns(db, &name)?;
        let is_column = |name: &str| {
            columns
                .iter()
                .any(|column| column.name.eq_ignore_ascii_case(name))
        };
        let row_id = ["rowid", "_rowid_", "oid"]
            .into_iter()
            .find(|name| !is_column(name));
        let row_alias = match key_columns.as_slice() {
            [one] if !has_no_row_ids && !has_key_index(db, &name)? => Some(*one),
            _ => None,
        };
        let alias = row_alias.and_then(|alias| columns.get(alias));
        let row_id = row_id.or(alias.map(|column| column.name.as_str()));
        let key = match row_id {
            _ if has_no_row_ids => Key::Columns(key_columns),
            Some(row_id) => Key::Row(row_id.to_owned()),
            None => return Ok(None),
        };
        Ok(Some(Self {
            parents: parents(db, owned, &name)?,
            indexes: indexes(db, &name)?,
            table: name,
            organisation,
            columns,
            key,
            row_alias,
        }))
    }

    /// The definition of the table that plugins see.
    pub(super) fn definition(&self) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|column| {
                format!(
                    "{} {} COLLATE {}",
                    identifier(&column.name),
                    column.declared,
                    column.collation,
                )
            })
            .collect();
        format!("CREATE TABLE x({})", columns.join(", "))
    }

    /// A column's name as SQL; the row id's for none.
    pub(super) fn name_of(&self, column: Option<usize>) -> String {
        match column.and_then(|column| self.columns.get(column)) {
            Some(column) => identifier(&column.name),
            None => match &self.key {
                Key::Row(name) => identifier(name),
                Key::Columns(_) => "NULL".to_owned(),
            },
        }
    }

    /// The organisation's column as SQL.
    pub(super) fn organisation_name(&self) -> String {
        self.name_of(Some(self.organisation))
    }
}

fn columns(db: &Connection, table: &str, is_strict: bool) -> rusqlite::Result<Vec<Column>> {
    let mut names = db.prepare(
        "SELECT name, hidden = 0, type FROM pragma_table_xinfo(?1, 'main') ORDER BY cid",
    )?;
    names
        .query_map([table], |row| {
            let name: String = row.get(0)?;
            let declared: String = row.get(2)?;
            // A strict table's ANY keeps what it is given; an ordinary one's is a number where it can.
            let declared = match declared.as_str() {
                any if is_strict && any.eq_ignore_ascii_case("any") => String::new(),
                other => other
                    .chars()
                    .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '_'))
                    .collect(),
            };
            let (_, collation, ..) = db.column_metadata(Some("main"), table, name.as_str())?;
            let collation = collation.map(|name| name.to_string_lossy().to_uppercase());
            Ok(Column {
                affinity: affinity(&declared),
                // One that only the application has cannot be used here in any way.
                collation: collation
                    .filter(|name| is_known(name))
                    .unwrap_or_else(|| "BINARY".to_owned()),
                is_stored: row.get(1)?,
                declared,
                name,
            })
        })?
        .collect()
}

/// The collations that every connection has.
pub(super) fn is_known(collation: &str) -> bool {
    matches!(collation, "BINARY" | "NOCASE" | "RTRIM")
}

/// The engine's own rules, in its order.
fn affinity(declared: &str) -> Affinity {
    let declared = declared.to_ascii_uppercase();
    let has = |part: &str| declared.contains(part);
    if has("INT") {
        Affinity::Numeric
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        Affinity::Text
    } else if has("BLOB") || declared.is_empty() {
        Affinity::None
    } else {
        Affinity::Numeric
    }
}

fn key_columns(db: &Connection, table: &str) -> rusqlite::Result<Vec<usize>> {
    let mut key =
        db.prepare("SELECT cid FROM pragma_table_xinfo(?1, 'main') WHERE pk > 0 ORDER BY pk")?;
    key.query_map([table], |row| {
        Ok(usize::try_from(row.get::<_, i64>(0)?).unwrap_or(0))
    })?
    .collect()
}

/// Whether the key is kept in an index of its own, and so is not the row id.
fn has_key_index(db: &Connection, table: &str) -> rusqlite::Result<bool> {
    db.query_row(
        "SELECT count(*) FROM pragma_index_list(?1, 'main') WHERE origin = 'pk'",
        [table],
        |row| row.get::<_, i64>(0),
    )
    .map(|count| count > 0)
}

/// Those over columns alone, of every row, in orders that every connection knows.
fn indexes(db: &Connection, table: &str) -> rusqlite::Result<Vec<Index>> {
    let mut all = db.prepare(
        "SELECT name, \"unique\" FROM pragma_index_list(?1, 'main') WHERE partial = 0 ORDER BY name",
    )?;
    let all = all
        .query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<Vec<(String, bool)>>>()?;
    let mut found = Vec::new();
    for (name, is_unique) in all {
        let mut columns = db.prepare(
            "SELECT cid, upper(coll), \"desc\" FROM pragma_index_xinfo(?1, 'main') WHERE key = 1 ORDER BY seqno",
        )?;
        let columns = columns
            .query_map([&name], |row| {
                let cid: i64 = row.get(0)?;
                Ok((
                    cid,
                    IndexColumn {
                        column: usize::try_from(cid).ok(),
                        collation: row.get(1)?,
                        is_descending: row.get(2)?,
                    },
                ))
            })?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        /// In the place of a column's number: an expression.
        const EXPRESSION: i64 = -2;
        if columns
            .iter()
            .all(|(cid, column)| *cid != EXPRESSION && is_known(&column.collation))
        {
            found.push(Index {
                name,
                is_unique,
                columns: columns.into_iter().map(|(_, column)| column).collect(),
            });
        }
    }
    Ok(found)
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
