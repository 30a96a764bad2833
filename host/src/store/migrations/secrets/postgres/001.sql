-- An organisation is text, empty for none, so that it can be part of the primary key.
CREATE TABLE IF NOT EXISTS goatherd_secret (
    plugin TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    org TEXT COLLATE "C" NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL,
    nonce BYTEA NOT NULL,
    ciphertext BYTEA NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (plugin, name, org)
);
CREATE INDEX IF NOT EXISTS goatherd_secret_by_key ON goatherd_secret (key_id);
CREATE TABLE IF NOT EXISTS goatherd_secret_key_retired (
    key_id TEXT COLLATE "C" PRIMARY KEY,
    retired_at TEXT NOT NULL
);
