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
