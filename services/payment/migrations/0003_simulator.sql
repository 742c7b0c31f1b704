-- The ledger of the gateway simulator. It stands for an outside company's books: Souk's own tables and these are never
-- written by one transaction, and nothing here refers to a table of ours.
CREATE SCHEMA simulator;

CREATE TABLE simulator.payments (
    id TEXT PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,          -- the merchant's idempotency key
    amount BIGINT NOT NULL,            -- in the currency's smallest unit; 0 where a key was closed before it was used
    currency TEXT NOT NULL,
    method TEXT NOT NULL,
    token TEXT NOT NULL,
    status TEXT NOT NULL,              -- requires_action, authorized, succeeded, failed, cancelled
    failure_reason TEXT,
    action TEXT,                       -- redirect, upi_approval, three_d_secure
    return_url TEXT,
    refunded BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CHECK (refunded >= 0 AND refunded <= amount)
);

CREATE TABLE simulator.refunds (
    id TEXT PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    payment_id TEXT NOT NULL REFERENCES simulator.payments (id),
    amount BIGINT NOT NULL CHECK (amount > 0),
    status TEXT NOT NULL,              -- pending, succeeded, failed
    failure_reason TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX refunds_payment_id ON simulator.refunds (payment_id);
