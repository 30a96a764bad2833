//! Triggers of the application that a change of a table sets off, and that the authorizer may not see all of.
//!
//! SQLite does not ask about columns by which `NATURAL` and `USING` join (see [`program`](super::super::program)). A trigger
//! that has one of these words, and the name of a table that organisations own or of a view that leads there, could
//! compare an organisation's rows without anybody being asked. Such triggers are known by their words, in whatever role;
//! too many are refused rather than too few.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::super::authorizer::RowTriggers;
use super::super::owned::Owned;
use super::super::text::has_word;

/// Triggers on tables that organisations own of which the text names the table once, where it says what it is on: they
/// see `OLD` and `NEW`, which the engine does not tell from the table. What other texts do with it is not known.
pub(super) fn row_triggers(db: &Connection, owned: &Owned) -> rusqlite::Result<RowTriggers> {
    let mut triggers = db.prepare(
        "SELECT name, tbl_name, sql FROM main.sqlite_schema WHERE type = 'trigger' AND lower(name) NOT IN \
         (SELECT lower(name) FROM main.sqlite_schema WHERE type = 'view')",
    )?;
    let mut rows = triggers.query([])?;
    let mut found = RowTriggers::new();
    while let Some(row) = rows.next()? {
        let (name, table, sql): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (name, table, sql) = (
            name.to_lowercase(),
            table.to_lowercase(),
            sql.to_lowercase(),
        );
        if let Some(index) = owned.index(&table)
            && sql.matches(table.as_str()).count() == 1
        {
            found.insert((index, name));
        }
    }
    Ok(found)
}

/// Whether there is a trigger that cannot be checked, which any change could set off.
pub(super) fn has_unclear(db: &Connection, owned: &Owned) -> rusqlite::Result<bool> {
    let mut definitions = db.prepare(
        "SELECT type = 'trigger', name, sql FROM main.sqlite_schema WHERE type IN ('view', 'trigger')",
    )?;
    let definitions = definitions
        .query_map([], |row| {
            let (name, sql): (String, Option<String>) = (row.get(1)?, row.get(2)?);
            Ok((
                row.get(0)?,
                name.to_lowercase(),
                sql.unwrap_or_default().to_lowercase(),
            ))
        })?
        .collect::<rusqlite::Result<Vec<(bool, String, String)>>>()?;
    let mut views = BTreeSet::new();
    loop {
        let before = views.len();
        for (is_trigger, name, sql) in &definitions {
            let joins = has_word(sql, &["natural", "using"])
                && owned
                    .tables()
                    .iter()
                    .any(|table| sql.contains(table.name.as_str()));
            if !joins
                && !views
                    .iter()
                    .any(|view: &String| sql.contains(view.as_str()))
            {
                continue;
            }
            if *is_trigger {
                return Ok(true);
            }
            views.insert(name.clone());
        }
        if before == views.len() {
            return Ok(false);
        }
    }
}
