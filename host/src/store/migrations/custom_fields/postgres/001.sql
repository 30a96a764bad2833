CREATE TABLE IF NOT EXISTS goatherd_custom_field (
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
);
CREATE INDEX IF NOT EXISTS goatherd_custom_field_by_type ON goatherd_custom_field (entity_type);
CREATE TABLE IF NOT EXISTS goatherd_custom_value (
    entity_id bigint NOT NULL,
    field_id bigint NOT NULL REFERENCES goatherd_custom_field (id),
    organisation text NOT NULL,
    key bytea NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (entity_id, field_id, organisation)
);
CREATE INDEX IF NOT EXISTS goatherd_custom_value_by_key
    ON goatherd_custom_value (field_id, organisation, key, entity_id);
CREATE TABLE IF NOT EXISTS goatherd_custom_choice (
    field_id bigint NOT NULL,
    organisation text NOT NULL,
    key bytea NOT NULL,
    entity_id bigint NOT NULL,
    PRIMARY KEY (field_id, organisation, key, entity_id),
    FOREIGN KEY (entity_id, field_id, organisation)
        REFERENCES goatherd_custom_value (entity_id, field_id, organisation) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS goatherd_custom_choice_by_entity
    ON goatherd_custom_choice (entity_id, field_id, organisation);
