-- mark_before is the text from which the database makes exactly the value that stood there.
CREATE TABLE IF NOT EXISTS goatherd_recycle_bin (
    entity_type TEXT NOT NULL,
    entity_id BIGINT NOT NULL,
    organisation BIGINT,
    deleted_at_ms BIGINT NOT NULL,
    deleted_by TEXT,
    by_plugin TEXT,
    reason TEXT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    purge_after_ms BIGINT NOT NULL,
    mark_before TEXT,
    PRIMARY KEY (entity_type, entity_id)
);
CREATE INDEX IF NOT EXISTS goatherd_recycle_bin_newest
    ON goatherd_recycle_bin (entity_type, organisation, deleted_at_ms DESC, entity_id DESC);
CREATE INDEX IF NOT EXISTS goatherd_recycle_bin_due ON goatherd_recycle_bin (purge_after_ms);
CREATE TABLE IF NOT EXISTS goatherd_deletion_log (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    action TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    entity_id BIGINT NOT NULL,
    organisation BIGINT,
    by_user TEXT,
    by_plugin TEXT,
    reason TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS goatherd_deletion_log_type ON goatherd_deletion_log (entity_type, id DESC);
