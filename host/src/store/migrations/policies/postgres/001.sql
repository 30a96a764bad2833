-- The triggers keep the trail from being rewritten by mistake; who owns the database can drop them.
CREATE TABLE IF NOT EXISTS goatherd_policies (
    plugin text PRIMARY KEY, policy text NOT NULL, revision bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS goatherd_policy_audit (
    id bigint PRIMARY KEY, at text NOT NULL, who text NOT NULL, plugin text NOT NULL, decided text NOT NULL,
    policy_before text, policy_after text, version text, hash text, reason text NOT NULL
);
CREATE OR REPLACE FUNCTION goatherd_policy_audit_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the audit trail is only added to'; END $$;
CREATE INDEX IF NOT EXISTS goatherd_policy_audit_plugin ON goatherd_policy_audit (plugin, id);
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger
        WHERE tgname = 'goatherd_policy_audit_kept' AND tgrelid = 'goatherd_policy_audit'::regclass) THEN
        CREATE TRIGGER goatherd_policy_audit_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON goatherd_policy_audit
            FOR EACH STATEMENT EXECUTE FUNCTION goatherd_policy_audit_kept();
    END IF;
END $$;
CREATE TABLE IF NOT EXISTS goatherd_policy_version (one integer PRIMARY KEY CHECK (one = 1), version bigint NOT NULL);
INSERT INTO goatherd_policy_version (one, version) VALUES (1, 0) ON CONFLICT DO NOTHING;
