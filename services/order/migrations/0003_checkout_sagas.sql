-- Checkouts on their way to an order. The id is the order's, the reservation's and the payment's.
CREATE TABLE checkout_sagas (
    id UUID PRIMARY KEY,
    -- running: a worker buys; waiting: for the customer; completing: the order exists, the rest follows;
    -- completed and compensated: over.
    state TEXT NOT NULL DEFAULT 'running'
        CHECK (state IN ('running', 'waiting', 'completing', 'completed', 'compensated')),
    -- Raised by each worker that takes the saga over; a write that names an older one is refused.
    step_version BIGINT NOT NULL DEFAULT 1,
    lease_until TIMESTAMPTZ NOT NULL,
    -- When recovery looks at it next; not before the lease has run out.
    next_check_at TIMESTAMPTZ NOT NULL,
    scope TEXT NOT NULL,                       -- of the idempotency key: who buys
    idempotency_key TEXT NOT NULL,
    user_id UUID NOT NULL,
    cart_key TEXT NOT NULL,                    -- "cart:<capability>" or "user:<id>"
    cart_version BIGINT NOT NULL,
    -- False once it is compensated: its cart may then be bought by another checkout.
    holds_cart BOOLEAN NOT NULL DEFAULT true,
    details JSON COMPRESSION lz4 NOT NULL,     -- priced lines, addresses, totals: what the order is made of
    payment_token TEXT,                        -- of the gateway, for this purchase; emptied when it is over
    refusal JSON,                              -- why there is no order
    next_action JSON,                          -- what the customer must do
    payment_status TEXT,                       -- of the order when it was confirmed
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    confirmed_at TIMESTAMP,                    -- the order's
    finished_at TIMESTAMPTZ
) WITH (fillfactor = 70);

-- One cart in one version is bought at most once.
CREATE UNIQUE INDEX checkout_sagas_cart ON checkout_sagas (cart_key, cart_version) WHERE holds_cart;
CREATE INDEX checkout_sagas_due ON checkout_sagas (next_check_at) WHERE finished_at IS NULL;
CREATE INDEX checkout_sagas_finished ON checkout_sagas (finished_at) WHERE finished_at IS NOT NULL;

-- Orders that were cancelled, until their stock is back and their money returned.
CREATE TABLE cancellation_sagas (
    order_id UUID PRIMARY KEY REFERENCES orders(id) ON DELETE CASCADE,
    cause TEXT NOT NULL,
    step_version BIGINT NOT NULL DEFAULT 1,
    lease_until TIMESTAMPTZ NOT NULL,
    next_check_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    finished_at TIMESTAMPTZ
);
CREATE INDEX cancellation_sagas_due ON cancellation_sagas (next_check_at) WHERE finished_at IS NULL;
