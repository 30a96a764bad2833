-- The triggers keep the trail from being rewritten by mistake; who owns the database can drop them.
CREATE TABLE IF NOT EXISTS goatherd_policies (
    plugin TEXT PRIMARY KEY, policy TEXT NOT NULL, revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS goatherd_policy_audit (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, plugin TEXT NOT NULL, decided TEXT NOT NULL,
    policy_before TEXT, policy_after TEXT, version TEXT, hash TEXT, reason TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS goatherd_policy_audit_plugin ON goatherd_policy_audit (plugin, id);
CREATE TRIGGER IF NOT EXISTS goatherd_policy_audit_kept BEFORE UPDATE ON goatherd_policy_audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
CREATE TRIGGER IF NOT EXISTS goatherd_policy_audit_stays BEFORE DELETE ON goatherd_policy_audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
CREATE TABLE IF NOT EXISTS goatherd_policy_version (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO goatherd_policy_version (one, version) VALUES (1, 0);
