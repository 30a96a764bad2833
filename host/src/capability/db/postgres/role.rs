//! The roles of one plugin: one that only reads, and one that changes.
//!
//! A role logs in for itself, so there is nothing above it to go back to. It may do what its grants in the database say
//! and is a member of nothing but the role of all plugins, which row security speaks of and which owns and may nothing.

use super::foundation::Foundation;
use super::policy::Purpose;
use super::text::{identifier, literal};
use crate::store::StoreError;
use tokio_postgres::Transaction;

/// The name of a plugin's role; at most 63 bytes, as the server would cut it off there.
pub(super) fn name(prefix: &str, plugin: &str, purpose: Purpose) -> String {
    let suffix = match purpose {
        Purpose::Query => "r",
        Purpose::Change => "w",
    };
    let room = 63 - prefix.len().min(30) - 4;
    if plugin.len() <= room && plugin.is_ascii() {
        return format!("{prefix}_{plugin}_{suffix}");
    }
    let hash = blake3::hash(plugin.as_bytes()).to_hex();
    format!("{prefix}.{}_{suffix}", hash.get(..24).unwrap_or_default())
}

/// Makes the role if it is not there, and refuses one that may more than a plugin's. Its password is the one that this
/// database's secret says.
pub(super) async fn ensure(
    transaction: &Transaction<'_>,
    foundation: &Foundation,
    role: &str,
) -> Result<(), StoreError> {
    let (r, g) = (identifier(role), identifier(&foundation.group));
    let verifier = postgres_protocol::password::scram_sha_256(foundation.password(role).as_bytes());
    let found = transaction
        .query_opt(
            "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls OR NOT rolinherit
             FROM pg_catalog.pg_roles WHERE rolname = $1",
            &[&role],
        )
        .await?;
    let verb = match found {
        None => "CREATE",
        Some(row) if row.try_get::<_, bool>(0)? => {
            return Err(StoreError::Unavailable(format!(
                "the role {role} may more than a plugin's role: drop it, or take its attributes away"
            )));
        }
        Some(_) => "ALTER",
    };
    transaction
        .batch_execute(&format!(
            "{verb} ROLE {r} LOGIN PASSWORD {}",
            literal(&verifier)
        ))
        .await?;
    let others = transaction
        .query(
            "SELECT pg_catalog.pg_get_userbyid(roleid)::text FROM pg_catalog.pg_auth_members
             WHERE member = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1)",
            &[&role],
        )
        .await?;
    let mut script = String::new();
    let mut is_member = false;
    for row in others {
        let other: String = row.try_get(0)?;
        if other == foundation.group {
            is_member = true;
        } else {
            script.push_str(&format!("REVOKE {} FROM {r};", identifier(&other)));
        }
    }
    if !is_member {
        script.push_str(&format!("GRANT {g} TO {r};"));
    }
    // The host grants on tables that the plugin makes.
    if !foundation.superuser {
        let with = if foundation.version >= 160_000 {
            " WITH INHERIT TRUE, SET TRUE"
        } else {
            ""
        };
        script.push_str(&format!("GRANT {r} TO CURRENT_USER{with};"));
    }
    // Only a superuser may say how much of the disk a statement may take meanwhile. Former versions set the language of
    // messages too, which is the operator's.
    if foundation.superuser {
        script.push_str(&format!(
            "ALTER ROLE {r} RESET lc_messages; ALTER ROLE {r} SET temp_file_limit TO '1GB';"
        ));
    }
    transaction.batch_execute(&script).await?;
    let settled: bool = transaction
        .query_one(
            "SELECT pg_catalog.pg_has_role($1::text::name, $2::text::name, 'USAGE')",
            &[&role, &foundation.group],
        )
        .await?
        .try_get(0)?;
    if settled {
        Ok(())
    } else {
        Err(StoreError::Unavailable(format!(
            "the role {role} does not inherit from {}, so row security would not hold it",
            foundation.group
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::{Purpose, name};

    #[test]
    fn names_of_roles_fit_and_differ() {
        let prefix = "goatherd_0123456789";
        let long = "a".repeat(64);
        let longer = "a".repeat(65);
        let names: Vec<_> = ["a", "a-b", &long, &longer]
            .iter()
            .flat_map(|plugin| {
                [Purpose::Query, Purpose::Change].map(|purpose| name(prefix, plugin, purpose))
            })
            .collect();
        assert!(names.iter().all(|name| name.len() <= 63), "{names:?}");
        let mut distinct = names.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), names.len());
    }
}
