//! What a table of the application is like.

use std::collections::BTreeMap;

use tokio_postgres::{Error, GenericClient};

use crate::capability::entities::config::Identifier;
use crate::capability::entities::fit::{Column, Kind, Table};

/// `format_type` with -1 gives names that stand for a type without a length, so that a cast to it cuts nothing off.
const COLUMNS: &str = "
SELECT a.attname::text AS name,
       format_type(a.atttypid, a.atttypmod) AS declared,
       format_type(a.atttypid, -1) AS cast_to,
       CASE WHEN coalesce(nullif(t.typbasetype, 0), t.oid) IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
                THEN 'integer'
            WHEN t.typcategory = 'S' THEN 'text'
            ELSE 'other' END AS kind,
       CASE WHEN coalesce(nullif(t.typbasetype, 0), t.oid) IN ('varchar'::regtype, 'bpchar'::regtype)
                THEN greatest(a.atttypmod, t.typtypmod) - 4 ELSE -1 END AS most,
       NOT (a.attnotnull OR t.typnotnull) AS nullable,
       a.attgenerated <> '' OR a.attidentity = 'a' AS generated,
       EXISTS (SELECT FROM pg_index i
               WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
                 AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum) AS identifies,
       EXISTS (SELECT FROM pg_index i
               WHERE i.indrelid = a.attrelid AND (i.indisunique OR i.indisexclusion)
                 AND (i.indexprs IS NOT NULL OR a.attnum = ANY (i.indkey::int2[]))) AS must_differ
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum";

/// A table, and what to cast a text to for each of its columns.
pub(super) struct Described {
    pub(super) table: Table,
    pub(super) casts: BTreeMap<String, String>,
}

/// What the database says about a table; none if there is none of that name.
pub(super) async fn table(
    client: &impl GenericClient,
    name: &Identifier,
) -> Result<Option<Described>, Error> {
    let found = client
        .query_opt(
            "SELECT oid FROM pg_class WHERE oid = to_regclass($1::text) AND relkind IN ('r', 'p')",
            &[&name.to_string()],
        )
        .await?;
    let Some(found) = found else {
        return Ok(None);
    };
    let oid: u32 = found.try_get(0)?;
    let mut columns = Vec::new();
    let mut casts = BTreeMap::new();
    for row in client.query(COLUMNS, &[&oid]).await? {
        let name: String = row.try_get("name")?;
        let most: i32 = row.try_get("most")?;
        casts.insert(name.clone(), row.try_get("cast_to")?);
        columns.push(Column {
            name,
            declared: row.try_get("declared")?,
            kind: match row.try_get("kind")? {
                "integer" => Kind::Integer,
                "text" => Kind::Text(usize::try_from(most).ok()),
                _ => Kind::Other,
            },
            nullable: row.try_get("nullable")?,
            identifies: row.try_get("identifies")?,
            distinct: row.try_get("must_differ")?,
            generated: row.try_get("generated")?,
        });
    }
    Ok(Some(Described {
        table: Table {
            columns,
            folds_case: false,
        },
        casts,
    }))
}
