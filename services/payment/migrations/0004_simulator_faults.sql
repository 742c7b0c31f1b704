-- Faults that the simulator shows once: the first attempt for a key meets it, the next one gets through.
CREATE TABLE simulator.faults (
    key TEXT PRIMARY KEY,              -- the merchant's idempotency key
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
