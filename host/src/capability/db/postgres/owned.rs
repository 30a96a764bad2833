//! What a role owns, whatever it is: the look that every change gets before it is committed.
//!
//! The server keeps one list of owners for everything that can be owned: tables, sequences, functions, types, schemas,
//! large objects. A change after which the plugin's role owns anything but tables of its scope in the granted schema, with
//! their indexes and sequences, is undone.

use std::collections::BTreeSet;

use tokio_postgres::{Row, Transaction};

use super::super::error::DbError;
use super::policy::{Operation, Policy, reserved};
use super::settings::PostgresSettings;

/// Something that a role owns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Owned {
    catalogue: u32,
    object: u32,
    schema: Option<String>,
    name: Option<String>,
    /// As in `pg_class.relkind`; none for what is no relation.
    kind: Option<String>,
    /// A sequence that belongs to a column.
    fills_column: bool,
    /// It has a column of rows of some table.
    holds_rows: bool,
}

/// `$1` is the role.
pub(super) const SQL: &str = "
    SELECT d.classid, d.objid, n.nspname::text, c.relname::text, c.relkind::text,
        c.relkind = 'S' AND EXISTS (SELECT FROM pg_catalog.pg_depend i
            WHERE i.classid = d.classid AND i.objid = d.objid AND i.refclassid = d.classid AND i.deptype IN ('a', 'i')),
        EXISTS (SELECT FROM pg_catalog.pg_attribute a
            JOIN pg_catalog.pg_type t ON t.oid = a.atttypid LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND (t.typtype = 'c' OR e.typtype = 'c'))
    FROM pg_catalog.pg_shdepend d
    LEFT JOIN pg_catalog.pg_class c ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND d.deptype = 'o'
        AND d.refobjid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1)
        AND d.dbid IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))";

/// Everything that the role owns.
pub(super) async fn of(
    transaction: &Transaction<'_>,
    role: &str,
) -> Result<BTreeSet<Owned>, tokio_postgres::Error> {
    let rows = transaction.query(SQL, &[&role]).await?;
    rows.iter().map(read).collect()
}

/// One row of [`SQL`].
pub(super) fn read(row: &Row) -> Result<Owned, tokio_postgres::Error> {
    Ok(Owned {
        catalogue: row.try_get(0)?,
        object: row.try_get(1)?,
        schema: row.try_get(2)?,
        name: row.try_get(3)?,
        kind: row.try_get(4)?,
        fills_column: row.try_get::<_, Option<bool>>(5)?.unwrap_or(false),
        holds_rows: row.try_get(6)?,
    })
}

/// Refuses a change after which the role owns what it may not. What it owned before is no reason.
pub(super) fn check(
    policy: &Policy,
    settings: &PostgresSettings,
    before: &BTreeSet<Owned>,
    after: &BTreeSet<Owned>,
) -> Result<(), DbError> {
    for owned in after.difference(before) {
        let name = owned.name.as_deref().unwrap_or_default();
        let what = |what: &str| {
            Err(DbError::denied(policy.refuse(
                format_args!("make {what}"),
                "plugins make plain tables of their scope, with indexes, and nothing else",
                "no grant allows it",
            )))
        };
        match owned.kind.as_deref() {
            None => return what("an object that is no table"),
            Some(_) if owned.schema.as_deref() != Some(&settings.schema) => {
                return what(&format!(
                    "\"{name}\" in a schema other than \"{}\"",
                    settings.schema
                ));
            }
            Some("S") if owned.fills_column => {}
            Some("r" | "p") => {
                if reserved(name).is_some() || !policy.changes(name) {
                    return Err(DbError::denied(policy.refuse_table(Operation::Make, name)));
                }
                if settings.organisations.column(name).is_some() {
                    return Err(DbError::denied(policy.refuse(
                        format_args!("make table \"{name}\""),
                        "organisations own it, and its owner would be above row security",
                        "the application has to make it",
                    )));
                }
                if owned.holds_rows {
                    return what(&format!(
                        "table \"{name}\" with a column of a composite type"
                    ));
                }
            }
            Some(_) => return what(&format!("\"{name}\", which is no table")),
        }
    }
    Ok(())
}
