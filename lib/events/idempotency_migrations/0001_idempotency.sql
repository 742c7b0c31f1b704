-- What clients asked for under an Idempotency-Key, and the reply they got. Kept 72 hours.
CREATE TABLE idempotency_keys (
    scope TEXT NOT NULL,
    operation TEXT NOT NULL,
    key TEXT NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    body_hash TEXT NOT NULL,
    subject UUID NOT NULL,
    status INT,
    reply TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    finished_at TIMESTAMPTZ,
    PRIMARY KEY (scope, operation, key),
    CHECK ((status IS NULL) = (reply IS NULL))
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
