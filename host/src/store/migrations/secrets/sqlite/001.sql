-- An organisation is text, empty for none, so that it can be part of the primary key.
CREATE TABLE IF NOT EXISTS goatherd_secret (
    plugin TEXT NOT NULL,
    name TEXT NOT NULL,
    org TEXT NOT NULL,
    key_id TEXT NOT NULL,
    nonce BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (plugin, name, org)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS goatherd_secret_by_key ON goatherd_secret (key_id);
CREATE TABLE IF NOT EXISTS goatherd_secret_key_retired (
    key_id TEXT PRIMARY KEY,
    retired_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
