//! What a table of the application is like.

use rusqlite::{Connection, OptionalExtension as _};

use crate::capability::entities::fit::{Column, Kind, Table};

/// What the database says about a table; none if there is none of that name.
pub(super) fn table(
    transaction: &Connection,
    name: &str,
) -> Result<Option<Table>, rusqlite::Error> {
    let kind: Option<String> = transaction
        .query_row(
            "SELECT type FROM pragma_table_list WHERE schema = 'main' AND name = ?1 COLLATE NOCASE",
            [name],
            |row| row.get(0),
        )
        .optional()?;
    if kind.as_deref() != Some("table") {
        return Ok(None);
    }
    let unique = unique_columns(transaction, name)?;
    let mut statement = transaction
        .prepare("SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?1)")?;
    let mut rows = statement.query([name])?;
    let mut columns = Vec::new();
    let mut keys = 0;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let declared: String = row.get(1)?;
        let in_key = row.get::<_, i64>(3)? > 0;
        keys += usize::from(in_key);
        let part = unique.iter().any(|index| index.covers(&name));
        columns.push(Column {
            kind: kind_of(&declared),
            declared: if declared.is_empty() {
                "untyped".to_owned()
            } else {
                declared
            },
            nullable: !row.get::<_, bool>(2)? && !in_key,
            identifies: in_key || unique.iter().any(|index| index.is_only(&name)),
            distinct: in_key || part,
            generated: row.get::<_, i64>(4)? > 1,
            name,
        });
    }
    if keys > 1 {
        // A part of a key tells nothing apart by itself.
        for column in &mut columns {
            column.identifies = unique.iter().any(|index| index.is_only(&column.name));
        }
    }
    Ok(Some(Table {
        columns,
        folds_case: true,
    }))
}

/// The columns of a unique index. An expression in it may use any column.
struct Unique {
    columns: Vec<Option<String>>,
    partial: bool,
}

impl Unique {
    fn covers(&self, column: &str) -> bool {
        self.columns
            .iter()
            .any(|own| own.as_deref().is_none_or(|own| own == column))
    }

    fn is_only(&self, column: &str) -> bool {
        !self.partial && matches!(self.columns.as_slice(), [Some(own)] if own == column)
    }
}

fn unique_columns(transaction: &Connection, table: &str) -> Result<Vec<Unique>, rusqlite::Error> {
    let mut indexes =
        transaction.prepare("SELECT name, partial FROM pragma_index_list(?1) WHERE \"unique\"")?;
    let mut columns =
        transaction.prepare("SELECT name FROM pragma_index_xinfo(?1) WHERE \"key\"")?;
    let listed = indexes.query_map([table], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?))
    })?;
    let mut all = Vec::new();
    for index in listed {
        let (index, partial) = index?;
        let of_index = columns.query_map([&index], |row| row.get(0))?;
        all.push(Unique {
            columns: of_index.collect::<Result<_, _>>()?,
            partial,
        });
    }
    Ok(all)
}

/// By SQLite's rules for the affinity of a declared type.
fn kind_of(declared: &str) -> Kind {
    let declared = declared.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    if has(&["INT"]) {
        Kind::Integer
    } else if declared.is_empty() || has(&["CHAR", "CLOB", "TEXT"]) {
        Kind::Text(None)
    } else {
        Kind::Other
    }
}
