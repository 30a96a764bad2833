//! Texts of which the authorizer may not see all.
//!
//! SQLite does not ask about columns by which `NATURAL` and `USING` join (see [`program`](super::super::program)). In a
//! text that has one of these words, and that can mean a table itself where the view of its name should stand, an
//! organisation's rows could be compared without anybody being asked. Such texts are known by their words, in whatever
//! role; too many are refused rather than too few.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::super::authorizer::RowTriggers;
use super::super::owned::Owned;

/// The application's own definitions that are not clear, by their words in lower case.
#[derive(Debug, Default)]
pub(super) struct Unclear {
    /// Views, and those that use them.
    views: BTreeSet<String>,
    /// Whether there is a trigger among them, which any change could set off.
    pub(super) trigger: bool,
}

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

impl Unclear {
    /// Looks through the schema.
    pub(super) fn read(db: &Connection, owned: &Owned) -> rusqlite::Result<Self> {
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
        let mut unclear = Self::default();
        loop {
            let before = (unclear.views.len(), unclear.trigger);
            for (is_trigger, name, sql) in &definitions {
                let joins = joins_by_name(sql)
                    && owned
                        .tables()
                        .iter()
                        .any(|table| sql.contains(table.name.as_str()));
                if !joins && !unclear.views.iter().any(|view| sql.contains(view.as_str())) {
                    continue;
                }
                if *is_trigger {
                    unclear.trigger = true;
                } else {
                    unclear.views.insert(name.clone());
                }
            }
            if before == (unclear.views.len(), unclear.trigger) {
                return Ok(unclear);
            }
        }
    }

    /// Whether a statement that opens a table which organisations own may do so past its view.
    pub(super) fn concerns(&self, sql: &str) -> bool {
        let sql = sql.to_lowercase();
        self.trigger && !is_query(&sql)
            || self.views.iter().any(|view| sql.contains(view.as_str()))
            || joins_by_name(&sql) && has_word(&sql, "main")
    }
}

fn is_query(sql: &str) -> bool {
    !["insert", "update", "delete", "replace"]
        .iter()
        .any(|word| has_word(sql, word))
}

fn joins_by_name(sql: &str) -> bool {
    has_word(sql, "natural") || has_word(sql, "using")
}

/// Whether the word is there by itself, in quotes or without, and not as a part of a longer name.
fn has_word(sql: &str, word: &str) -> bool {
    let is_part = |byte: Option<&u8>| {
        byte.is_some_and(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || *byte >= 0x80
        })
    };
    let bytes = sql.as_bytes();
    sql.match_indices(word).any(|(start, _)| {
        let before = start.checked_sub(1).and_then(|at| bytes.get(at));
        !is_part(before) && !is_part(bytes.get(start + word.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::has_word;

    #[test]
    fn a_word_is_found_in_any_quotes_and_not_inside_another() {
        for sql in [
            "main.t",
            "\"main\".t",
            "[main].t",
            "`main` .t",
            "'main'.t",
            "from(main)",
            "/**/main/**/",
        ] {
            assert!(has_word(sql, "main"), "{sql}");
        }
        for sql in ["domain", "maintain", "main_", "_main", "remain$"] {
            assert!(!has_word(sql, "main"), "{sql}");
        }
    }
}
