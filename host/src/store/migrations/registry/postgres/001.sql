CREATE TABLE IF NOT EXISTS goatherd_plugin (
    slug text PRIMARY KEY, kind text NOT NULL, enabled boolean NOT NULL, config text NOT NULL, nav boolean NOT NULL,
    sort integer NOT NULL, labels text NOT NULL, revision bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS goatherd_plugin_version (one integer PRIMARY KEY CHECK (one = 1), version bigint NOT NULL);
INSERT INTO goatherd_plugin_version (one, version) VALUES (1, 0) ON CONFLICT DO NOTHING;
