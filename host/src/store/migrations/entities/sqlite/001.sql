-- mark_before has no type, so that it gives back exactly the value that was put into it.
CREATE TABLE IF NOT EXISTS goatherd_recycle_bin (
    entity_type TEXT NOT NULL,
    entity_id INTEGER NOT NULL,
    organisation INTEGER,
    deleted_at_ms INTEGER NOT NULL,
    deleted_by TEXT,
    by_plugin TEXT,
    reason TEXT NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    purge_after_ms INTEGER NOT NULL,
    mark_before,
    PRIMARY KEY (entity_type, entity_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS goatherd_recycle_bin_newest
    ON goatherd_recycle_bin (entity_type, organisation, deleted_at_ms DESC, entity_id DESC);
CREATE INDEX IF NOT EXISTS goatherd_recycle_bin_due ON goatherd_recycle_bin (purge_after_ms);
CREATE TABLE IF NOT EXISTS goatherd_deletion_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    action TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    entity_id INTEGER NOT NULL,
    organisation INTEGER,
    by_user TEXT,
    by_plugin TEXT,
    reason TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS goatherd_deletion_log_type ON goatherd_deletion_log (entity_type, id DESC);
