//! The tables of custom fields, for both kinds of database.
//!
//! `goatherd_custom_field` has one row for each field that a plugin ever registered, under the plugin's name in a column of
//! its own. `goatherd_custom_value` has one row for each value: whose field on which entity, in which organisation, the
//! value as text, and its key: bytes whose order is the order of the values (see [`key`](super::value::Value::key)), so
//! that one index serves every type of field. `goatherd_custom_choice` finds the entities for which a choice of a
//! selection was made; its rows go with the value's.
//!
//! The organisation is part of a value's address: text, empty for calls without one and otherwise its number in decimal
//! digits (see [`Organisation`](super::backend::Organisation)).
//!
//! Whoever deletes an entity deletes its values in the same transaction with [`DELETE_VALUES_SQLITE`] or
//! [`DELETE_VALUES_POSTGRES`], on a connection of the host's stores, whatever organisations they belong to.

/// Deletes all values of an entity. Parameters: the entity type (text), the entity's id.
#[allow(dead_code, reason = "for the capability that deletes entities")]
pub(crate) const DELETE_VALUES_SQLITE: &str = "DELETE FROM goatherd_custom_value WHERE entity_id = ?2 \
     AND field_id IN (SELECT id FROM goatherd_custom_field WHERE entity_type = ?1)";

/// The same for PostgreSQL: `$1` is the entity type (text), `$2` the entity's id (int8).
#[allow(dead_code, reason = "for the capability that deletes entities")]
pub(crate) const DELETE_VALUES_POSTGRES: &str = "DELETE FROM goatherd_custom_value WHERE entity_id = $2 \
     AND field_id IN (SELECT id FROM goatherd_custom_field WHERE entity_type = $1)";

/// Makes the tables, if they do not exist. Deleting values needs them, whether or not a plugin ever registered a field.
pub(crate) const SCHEMA_SQLITE: &str = "
CREATE TABLE IF NOT EXISTS goatherd_custom_field (
    id INTEGER PRIMARY KEY,
    plugin TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    name TEXT NOT NULL,
    field_type TEXT NOT NULL,
    required INTEGER NOT NULL,
    config TEXT NOT NULL,
    label TEXT NOT NULL,
    section TEXT NOT NULL,
    position INTEGER NOT NULL,
    description TEXT NOT NULL,
    placeholder TEXT NOT NULL,
    UNIQUE (plugin, entity_type, name)
) STRICT;
CREATE INDEX IF NOT EXISTS goatherd_custom_field_by_type ON goatherd_custom_field (entity_type);
CREATE TABLE IF NOT EXISTS goatherd_custom_value (
    entity_id INTEGER NOT NULL,
    field_id INTEGER NOT NULL REFERENCES goatherd_custom_field (id),
    organisation TEXT NOT NULL,
    key BLOB NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (entity_id, field_id, organisation)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS goatherd_custom_value_by_key
    ON goatherd_custom_value (field_id, organisation, key, entity_id);
CREATE TABLE IF NOT EXISTS goatherd_custom_choice (
    field_id INTEGER NOT NULL,
    organisation TEXT NOT NULL,
    key BLOB NOT NULL,
    entity_id INTEGER NOT NULL,
    PRIMARY KEY (field_id, organisation, key, entity_id),
    FOREIGN KEY (entity_id, field_id, organisation)
        REFERENCES goatherd_custom_value (entity_id, field_id, organisation) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS goatherd_custom_choice_by_entity
    ON goatherd_custom_choice (entity_id, field_id, organisation);
";

/// The same for PostgreSQL.
pub(crate) const SCHEMA_POSTGRES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS goatherd_custom_field (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plugin text NOT NULL,
    entity_type text NOT NULL,
    name text NOT NULL,
    field_type text NOT NULL,
    required boolean NOT NULL,
    config text NOT NULL,
    label text NOT NULL,
    section text NOT NULL,
    position integer NOT NULL,
    description text NOT NULL,
    placeholder text NOT NULL,
    UNIQUE (plugin, entity_type, name)
)",
    "CREATE INDEX IF NOT EXISTS goatherd_custom_field_by_type ON goatherd_custom_field (entity_type)",
    "CREATE TABLE IF NOT EXISTS goatherd_custom_value (
    entity_id bigint NOT NULL,
    field_id bigint NOT NULL REFERENCES goatherd_custom_field (id),
    organisation text NOT NULL,
    key bytea NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (entity_id, field_id, organisation)
)",
    "CREATE INDEX IF NOT EXISTS goatherd_custom_value_by_key
    ON goatherd_custom_value (field_id, organisation, key, entity_id)",
    "CREATE TABLE IF NOT EXISTS goatherd_custom_choice (
    field_id bigint NOT NULL,
    organisation text NOT NULL,
    key bytea NOT NULL,
    entity_id bigint NOT NULL,
    PRIMARY KEY (field_id, organisation, key, entity_id),
    FOREIGN KEY (entity_id, field_id, organisation)
        REFERENCES goatherd_custom_value (entity_id, field_id, organisation) ON DELETE CASCADE
)",
    "CREATE INDEX IF NOT EXISTS goatherd_custom_choice_by_entity
    ON goatherd_custom_choice (entity_id, field_id, organisation)",
];
