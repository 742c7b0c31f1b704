-- The outbox of this service, and how far its own consumers have read in other services' outboxes.

CREATE TABLE outbox_events (
    -- The transaction that wrote the event. Assigned before `sequence`: readers rely on it (outbox.cpp).
    xid XID8 NOT NULL DEFAULT pg_current_xact_id(),
    sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id UUID NOT NULL,
    type TEXT NOT NULL,
    key TEXT NOT NULL,
    payload JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);

-- Where this database is: cluster, database and timeline. It stays the same until data is restored elsewhere or to a
-- point in time, or a replica is promoted.
CREATE FUNCTION event_feed_place() RETURNS TEXT LANGUAGE sql STABLE AS $$
    SELECT concat_ws('/', (pg_control_system()).system_identifier,
                     (SELECT oid FROM pg_database WHERE datname = current_database()),
                     left(pg_walfile_name(pg_current_wal_lsn()), 8))
$$;

-- One row. Cursors carry the epoch. When the place is not the one written here, the feed begins a new epoch and its
-- consumers resynchronise. After a restore into the same database: UPDATE event_feed SET epoch = gen_random_uuid().
CREATE TABLE event_feed (
    only_row BOOLEAN PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch UUID NOT NULL DEFAULT gen_random_uuid(),
    place TEXT,
    pruned_through BIGINT NOT NULL DEFAULT 0
);
INSERT INTO event_feed DEFAULT VALUES;

CREATE TABLE event_cursors (
    consumer TEXT PRIMARY KEY,
    cursor TEXT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
