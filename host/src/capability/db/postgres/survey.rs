//! What is in the schema, as far as it decides about rights.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Transaction;

use super::foreign_keys::ForeignKeys;
use super::foundation::Foundation;
use super::text::update_of;
use crate::store::StoreError;

/// A table, view or sequence.
#[derive(Debug)]
pub(super) struct Relation {
    pub(super) oid: u32,
    pub(super) schema: String,
    pub(super) name: String,
    /// As in `pg_class.relkind`.
    pub(super) kind: String,
    pub(super) row_security: bool,
    /// It has rules, which run with the rights of their author; so has every view.
    pub(super) rules: bool,
    /// A view that runs with the rights of whoever asks.
    pub(super) invoker: bool,
    /// The role in question owns it.
    pub(super) own: bool,
    /// The host may grant rights on it.
    pub(super) ours: bool,
    /// A plugin's role owns it.
    pub(super) of_plugin: bool,
    /// What the role holds on it now.
    pub(super) held: BTreeSet<String>,
}

/// What [`survey`] finds.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) relations: Vec<Relation>,
    /// Of tables that are partitions or children, those above.
    pub(super) parents: BTreeMap<u32, Vec<u32>>,
    /// Of sequences that fill a column, its table.
    pub(super) sequences: BTreeMap<u32, u32>,
    /// Types of the application's that are no tables.
    pub(super) types: BTreeSet<String>,
    /// Functions that `value.function` calls, and that may look at more than the value.
    pub(super) functions: BTreeSet<String>,
    pub(super) foreign_keys: ForeignKeys,
}

const NOT_THE_ENGINES: &str = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/// Looks at everything that is not the engine's.
pub(super) async fn survey(
    transaction: &Transaction<'_>,
    foundation: &Foundation,
    role: &str,
) -> Result<Survey, StoreError> {
    let mut found = Survey::default();
    let sql = format!(
        "WITH r AS (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1)
         SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text, c.relrowsecurity, c.relhasrules,
             coalesce((SELECT option_value::boolean FROM pg_catalog.pg_options_to_table(c.reloptions)
                 WHERE option_name = 'security_invoker'), false),
             c.relowner = (SELECT oid FROM r),
             pg_catalog.pg_has_role(c.relowner, 'USAGE'),
             coalesce((SELECT NOT o.rolsuper AND pg_catalog.pg_has_role(o.oid, $2::text::name, 'MEMBER')
                       AND o.rolname ~ '^goatherd_'
                 FROM pg_catalog.pg_roles o WHERE o.oid = c.relowner), false),
             ARRAY(SELECT a.privilege_type::text FROM pg_catalog.aclexplode(coalesce(c.relacl,
                     pg_catalog.acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", c.relowner))) a
                 WHERE a.grantee = (SELECT oid FROM r))
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {NOT_THE_ENGINES}
         ORDER BY n.nspname, c.relname"
    );
    for row in transaction.query(&sql, &[&role, &foundation.group]).await? {
        found.relations.push(Relation {
            oid: row.try_get(0)?,
            schema: row.try_get(1)?,
            name: row.try_get(2)?,
            kind: row.try_get(3)?,
            row_security: row.try_get(4)?,
            rules: row.try_get(5)?,
            invoker: row.try_get(6)?,
            own: row.try_get(7)?,
            ours: row.try_get(8)?,
            of_plugin: row.try_get(9)?,
            held: row.try_get::<_, Vec<String>>(10)?.into_iter().collect(),
        });
    }
    let mut columns: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let sql = "SELECT a.attrelid, a.attname::text FROM pg_catalog.pg_attribute a, pg_catalog.aclexplode(a.attacl) x
               WHERE x.privilege_type = 'UPDATE' AND x.grantee = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1)
               ORDER BY a.attrelid, a.attnum";
    for row in transaction.query(sql, &[&role]).await? {
        columns
            .entry(row.try_get(0)?)
            .or_default()
            .push(row.try_get(1)?);
    }
    for relation in &mut found.relations {
        if let Some(columns) = columns.get(&relation.oid) {
            relation.held.insert(update_of(columns));
        }
    }
    found.foreign_keys = ForeignKeys::look(transaction).await?;
    let sql = "SELECT inhrelid, inhparent FROM pg_catalog.pg_inherits";
    for row in transaction.query(sql, &[]).await? {
        let (child, parent) = (row.try_get(0)?, row.try_get(1)?);
        found.parents.entry(child).or_default().push(parent);
    }
    let sql = "SELECT d.objid, d.refobjid FROM pg_catalog.pg_depend d
               JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind = 'S'
               WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
                   AND d.deptype IN ('a', 'i')";
    for row in transaction.query(sql, &[]).await? {
        found.sequences.insert(row.try_get(0)?, row.try_get(1)?);
    }
    let sql = format!(
        "SELECT t.typname::text FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
         LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
         WHERE {NOT_THE_ENGINES} AND t.typcategory <> 'A' AND (t.typtype <> 'c' OR c.relkind = 'c')"
    );
    for row in transaction.query(&sql, &[]).await? {
        found.types.insert(row.try_get(0)?);
    }
    // What is immutable and written in C depends on its argument only.
    let sql = "SELECT DISTINCT p.proname::text FROM pg_catalog.pg_proc p
         JOIN pg_catalog.pg_language l ON l.oid = p.prolang
         WHERE p.prokind = 'f' AND p.pronargs > 0 AND (p.pronargs - p.pronargdefaults <= 1 OR p.provariadic <> 0)
             AND (p.provolatile <> 'i' OR p.prosecdef OR l.lanname NOT IN ('c', 'internal')
                 AND p.pronamespace <> 'pg_catalog'::regnamespace)";
    for row in transaction.query(sql, &[]).await? {
        found.functions.insert(row.try_get(0)?);
    }
    Ok(found)
}

impl Survey {
    pub(super) fn relation(&self, oid: u32) -> Option<&Relation> {
        self.relations.iter().find(|relation| relation.oid == oid)
    }

    /// Tables above this one, which is not among them.
    pub(super) fn above(&self, oid: u32) -> Vec<u32> {
        let mut found = Vec::new();
        let mut open = vec![oid];
        while let Some(next) = open.pop() {
            for parent in self.parents.get(&next).into_iter().flatten() {
                if !found.contains(parent) {
                    found.push(*parent);
                    open.push(*parent);
                }
            }
        }
        found
    }
}

/// Relations outside the engine's schemas that the role reaches, whoever lets it.
pub(super) async fn reachable(
    transaction: &Transaction<'_>,
    role: &str,
) -> Result<BTreeSet<u32>, StoreError> {
    let sql = format!(
        "SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {NOT_THE_ENGINES}
             AND pg_catalog.has_schema_privilege($1::text::name, n.oid, 'USAGE')
             AND (pg_catalog.has_any_column_privilege($1::text::name, c.oid, 'SELECT, INSERT, UPDATE')
                 OR pg_catalog.has_table_privilege($1::text::name, c.oid, 'DELETE, TRUNCATE'))"
    );
    let rows = transaction.query(&sql, &[&role]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
