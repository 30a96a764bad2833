//! Row security on the tables that organisations own.
//!
//! Where the application did not switch row security on itself, everybody else must go on seeing all rows: a second
//! policy says so for all roles that are no plugin's. Plugins are limited by a restrictive policy, which no other policy
//! can widen; and what lets them see rows at all says the same, so that they see none if the application drops the column
//! and its policies. Owners of tables, superusers and roles with BYPASSRLS are not affected.
//!
//! What row security cannot hide: that a value which must be unique is taken, and that a row exists which a foreign key
//! refers to.

use std::collections::BTreeMap;

use tokio_postgres::Transaction;

use super::foundation::Foundation;
use super::settings::PostgresSettings;
use super::survey::Survey;
use super::text::{identifier, literal};
use crate::store::StoreError;

/// Puts policies where they are missing. Returns the tables that must not be granted, and why.
pub(super) async fn ensure(
    transaction: &Transaction<'_>,
    settings: &PostgresSettings,
    foundation: &Foundation,
    found: &mut Survey,
) -> Result<BTreeMap<u32, String>, StoreError> {
    let mut problems = BTreeMap::new();
    for relation in &mut found.relations {
        let Some(column) = settings.organisations.column(&relation.name) else {
            continue;
        };
        if relation.schema != settings.schema || relation.kind == "S" {
            continue;
        }
        if !matches!(relation.kind.as_str(), "r" | "p") {
            let why = "organisations own it, and only a table can have row security";
            problems.insert(relation.oid, why.to_owned());
            continue;
        }
        if !relation.ours {
            let why = "organisations own it, and only its owner can give it row security: make the host's role a member of the owner";
            problems.insert(relation.oid, why.to_owned());
            continue;
        }
        let kind = transaction
            .query_opt(
                "SELECT pg_catalog.format_type(atttypid, NULL) FROM pg_catalog.pg_attribute
                 WHERE attrelid = $1 AND attname = $2 AND attnum > 0 AND NOT attisdropped",
                &[&relation.oid, &column],
            )
            .await?;
        let kind: Option<String> = kind.map(|row| row.try_get(0)).transpose()?;
        if !matches!(
            kind.as_deref(),
            Some("smallint" | "integer" | "bigint" | "numeric")
        ) {
            problems.insert(
                relation.oid,
                format!(
                    "organisations own it, but its column \"{column}\" is {}",
                    kind.unwrap_or_else(|| "not there".to_owned())
                ),
            );
            continue;
        }
        let target = format!(
            "{}.{}",
            identifier(&relation.schema),
            identifier(&relation.name)
        );
        if relation.of_plugin {
            // Owners are above row security.
            transaction
                .batch_execute(&format!("ALTER TABLE {target} OWNER TO CURRENT_USER"))
                .await?;
            relation.own = false;
            relation.of_plugin = false;
            relation.held.clear();
        }
        let mark = format!("goatherd 2: {column}");
        let row = transaction
            .query_one(
                "SELECT EXISTS (SELECT FROM pg_catalog.pg_policy p
                     WHERE p.polrelid = $1 AND p.polname = 'goatherd_organisation' AND NOT p.polpermissive
                         AND p.polcmd = '*' AND p.polroles = ARRAY[(SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $2)]
                         AND pg_catalog.obj_description(p.oid, 'pg_policy') = $3),
                     EXISTS (SELECT FROM pg_catalog.pg_policy p
                         WHERE p.polrelid = $1 AND p.polname = 'goatherd_others')",
                &[&relation.oid, &foundation.group, &mark],
            )
            .await?;
        let (in_place, by_us): (bool, bool) = (row.try_get(0)?, row.try_get(1)?);
        if in_place && relation.row_security {
            continue;
        }
        let script = policies(
            settings,
            foundation,
            &target,
            column,
            &mark,
            relation.row_security && !by_us,
        );
        transaction.batch_execute(&script).await?;
        relation.row_security = true;
    }
    Ok(problems)
}

fn policies(
    settings: &PostgresSettings,
    foundation: &Foundation,
    target: &str,
    column: &str,
    mark: &str,
    by_application: bool,
) -> String {
    let (schema, group) = (identifier(&settings.schema), identifier(&foundation.group));
    let own = format!(
        "{} = (SELECT {schema}.goatherd_organisation())",
        identifier(column)
    );
    let others = format!(
        "(SELECT NOT pg_catalog.pg_has_role({}::name, 'MEMBER'))",
        literal(&foundation.group)
    );
    let mut script = format!(
        "DROP POLICY IF EXISTS goatherd_organisation ON {target};
         CREATE POLICY goatherd_organisation ON {target} AS RESTRICTIVE TO {group} USING ({own}) WITH CHECK ({own});
         COMMENT ON POLICY goatherd_organisation ON {target} IS {};",
        literal(mark)
    );
    if !by_application {
        script.push_str(&format!(
            "DROP POLICY IF EXISTS goatherd_plugins ON {target};
             CREATE POLICY goatherd_plugins ON {target} TO {group} USING ({own}) WITH CHECK ({own});
             DROP POLICY IF EXISTS goatherd_others ON {target};
             CREATE POLICY goatherd_others ON {target} USING ({others}) WITH CHECK ({others});
             ALTER TABLE {target} ENABLE ROW LEVEL SECURITY;"
        ));
    }
    script
}
