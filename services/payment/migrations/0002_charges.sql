-- What charging once, asking again and refunding never too much need beside the tables of the specification.

ALTER TABLE payments
    ADD COLUMN authorized_at TIMESTAMP,                          -- `processing`, to be captured
    ADD COLUMN captured_at TIMESTAMP,
    ADD COLUMN cancelled_at TIMESTAMP,
    ADD COLUMN outcome_unknown BOOLEAN NOT NULL DEFAULT FALSE,   -- the gateway has not (yet) told the result
    ADD COLUMN next_action JSONB,                                -- what the customer must do
    ADD COLUMN check_at TIMESTAMP,                               -- when to ask the gateway next; NULL: never
    ADD COLUMN checks INTEGER NOT NULL DEFAULT 0,                -- how often it was asked in vain
    ADD COLUMN refunded_amount DECIMAL(10, 2) NOT NULL DEFAULT 0,
    ADD COLUMN refunding_amount DECIMAL(10, 2) NOT NULL DEFAULT 0, -- refunds that are under way
    ADD CONSTRAINT chk_refunds_within_payment
        CHECK (refunded_amount >= 0 AND refunding_amount >= 0 AND refunded_amount + refunding_amount <= amount);

CREATE UNIQUE INDEX payments_once ON payments (order_id);
CREATE INDEX payments_to_check ON payments (check_at) WHERE check_at IS NOT NULL;

-- Which orders have been charged, or may never be (payment_id NULL): whoever inserts the row first decides.
CREATE TABLE charged_orders (
    order_id UUID PRIMARY KEY,
    payment_id UUID,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

ALTER TABLE refunds
    ADD COLUMN cause VARCHAR(100),                               -- what it is for; once an order
    ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1,              -- a refund that failed may be tried again
    ADD COLUMN failure_reason TEXT,
    ADD COLUMN check_at TIMESTAMP,
    ADD COLUMN checks INTEGER NOT NULL DEFAULT 0;

CREATE UNIQUE INDEX refunds_once ON refunds (order_id, cause);
CREATE INDEX refunds_to_check ON refunds (check_at) WHERE check_at IS NOT NULL;

-- A payment's row is written twice within a second: the second version finds room in its page.
ALTER TABLE payments SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
