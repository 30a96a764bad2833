-- Text is kept as bytes, because PostgreSQL's own text can neither hold every character nor is always UTF-8.
CREATE UNLOGGED TABLE IF NOT EXISTS goatherd_event_count (
    plugin text NOT NULL,
    channel text NOT NULL,
    epoch bigint NOT NULL,
    number bigint NOT NULL,
    used timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (plugin, channel)
);
CREATE UNLOGGED TABLE IF NOT EXISTS goatherd_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plugin text NOT NULL,
    channel text NOT NULL,
    epoch bigint NOT NULL,
    number bigint NOT NULL,
    type bytea NOT NULL,
    data bytea NOT NULL,
    created timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS goatherd_event_created ON goatherd_event (created);
