//! What the host keeps in the database for all plugins: a secret, the functions that row security asks, and a role that
//! all plugins' roles are members of.
//!
//! A call's organisation is put into the setting `goatherd.organisation`, which anybody may set; so it carries a seal: a
//! hash over the organisation, the server process, the transaction's time and the secret, which only functions that run
//! with the host's rights can read. A value that a plugin sets by itself, or keeps from another call, has no valid seal,
//! and without one there is no organisation.

use std::time::Instant;

use super::settings::PostgresSettings;
use super::text::{identifier, literal};
use crate::store::{PostgresStore, StoreError};

/// What is the same for all plugins of one database.
#[derive(Clone)]
pub(super) struct Foundation {
    /// 32 bytes, the same for all nodes.
    pub(super) secret: [u8; 32],
    /// The role that all plugins' roles are members of.
    pub(super) group: String,
    /// Such as 150018.
    pub(super) version: i32,
    /// The host's own role may do everything.
    pub(super) superuser: bool,
}

/// Names of roles begin with this; `key` tells databases of one server apart.
pub(super) fn role_prefix(database: &str, schema: &str) -> String {
    let key = blake3::hash(format!("{database}\0{schema}").as_bytes()).to_hex();
    format!("goatherd_{}", key.get(..10).unwrap_or_default())
}

impl Foundation {
    /// Makes what is not there yet.
    pub(super) async fn lay(
        store: &PostgresStore,
        settings: &PostgresSettings,
        deadline: Instant,
    ) -> Result<Self, StoreError> {
        let session = store.session(deadline).await?;
        let row = session
            .query_one(
                "SELECT current_database()::text, current_setting('server_version_num')::int4, rolsuper
                 FROM pg_catalog.pg_roles WHERE rolname = current_user",
                &[],
            )
            .await?;
        let (database, version, superuser): (String, i32, bool) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let group = role_prefix(&database, &settings.schema);
        drop(session);
        store.ensure(&[&objects(&settings.schema, &group)]).await?;
        let session = store.session(deadline).await?;
        let sql = format!(
            "SELECT secret FROM {}.goatherd_database",
            identifier(&settings.schema)
        );
        let secret: Vec<u8> = session.query_one(&sql, &[]).await?.try_get(0)?;
        let secret = secret.try_into().map_err(|_| {
            StoreError::Unavailable("the secret in goatherd_database is not 32 bytes".to_owned())
        })?;
        Ok(Self {
            secret,
            group,
            version,
            superuser,
        })
    }

    /// The password of a role, which all nodes derive alike.
    pub(super) fn password(&self, role: &str) -> String {
        blake3::keyed_hash(&self.secret, role.as_bytes())
            .to_hex()
            .to_string()
    }
}

/// The script that makes everything; it may run again and again.
fn objects(schema: &str, group: &str) -> String {
    let s = identifier(schema);
    let (g, group_text) = (identifier(group), literal(group));
    format!(
        "
DO $do$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {group_text}) THEN
        CREATE ROLE {g} NOLOGIN;
    END IF;
END $do$;
CREATE TABLE IF NOT EXISTS {s}.goatherd_database (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    secret bytea NOT NULL
);
REVOKE ALL ON {s}.goatherd_database FROM PUBLIC;
INSERT INTO {s}.goatherd_database (secret)
    SELECT pg_catalog.sha256(pg_catalog.convert_to(
        pg_catalog.gen_random_uuid()::text || pg_catalog.gen_random_uuid()::text || pg_catalog.gen_random_uuid()::text,
        'UTF8'
    ))
    ON CONFLICT DO NOTHING;

CREATE OR REPLACE FUNCTION {s}.goatherd_seal(organisation text) RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $fn$
    SELECT encode(sha256(secret || sha256(secret || convert_to(
        organisation || ':' || pg_backend_pid() || ':' || extract(epoch FROM transaction_timestamp()), 'UTF8'
    ))), 'hex')
    FROM {s}.goatherd_database
$fn$;
REVOKE ALL ON FUNCTION {s}.goatherd_seal(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION {s}.goatherd_enter(proof bytea, organisation bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $fn$
BEGIN
    IF NOT EXISTS (SELECT FROM {s}.goatherd_database WHERE secret = proof) THEN
        RAISE insufficient_privilege USING MESSAGE = 'only the host says which organisation a call is for';
    END IF;
    PERFORM set_config(
        'goatherd.organisation', organisation::text || ':' || {s}.goatherd_seal(organisation::text), true
    );
END
$fn$;
REVOKE ALL ON FUNCTION {s}.goatherd_enter(bytea, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {s}.goatherd_enter(bytea, bigint) TO {g};

CREATE OR REPLACE FUNCTION {s}.goatherd_organisation() RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
    said text := coalesce(current_setting('goatherd.organisation', true), '');
BEGIN
    IF said !~ '^-?[0-9]{{1,19}}:[0-9a-f]{{64}}$' THEN
        RETURN NULL;
    END IF;
    IF split_part(said, ':', 2) IS DISTINCT FROM {s}.goatherd_seal(split_part(said, ':', 1)) THEN
        RETURN NULL;
    END IF;
    RETURN split_part(said, ':', 1)::bigint;
END
$fn$;
REVOKE ALL ON FUNCTION {s}.goatherd_organisation() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {s}.goatherd_organisation() TO {g};

CREATE OR REPLACE FUNCTION {s}.goatherd_last_insert_id(target text) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $fn$
DECLARE
    found oid;
BEGIN
    SELECT d.objid INTO found
        FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind = 'S'
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
            AND d.refobjid = pg_catalog.to_regclass(target) AND d.deptype IN ('a', 'i')
        ORDER BY d.refobjsubid LIMIT 1;
    IF found IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN pg_catalog.currval(found);
EXCEPTION WHEN object_not_in_prerequisite_state OR insufficient_privilege THEN
    RETURN NULL;
END
$fn$;
REVOKE ALL ON FUNCTION {s}.goatherd_last_insert_id(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {s}.goatherd_last_insert_id(text) TO {g};
"
    )
}
