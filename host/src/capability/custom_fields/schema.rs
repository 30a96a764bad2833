//! The tables of custom fields, and what others do with them.
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
//! The tables are those of the family [`CUSTOM_FIELDS`](crate::store::families::CUSTOM_FIELDS). Whoever deletes an entity
//! makes sure of them when it starts, and deletes the entity's values in its own transaction, whatever organisations they
//! belong to.

/// Deletes all values of an entity. Parameters: the entity type (text), the entity's id.
pub(crate) const DELETE_VALUES: &str = "DELETE FROM goatherd_custom_value \
     WHERE field_id IN (SELECT id FROM goatherd_custom_field WHERE entity_type = $1) AND entity_id = $2";
