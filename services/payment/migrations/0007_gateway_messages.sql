-- Messages of gateways (webhooks) that were taken: each is applied once, and its row commits with what it does.
CREATE TABLE gateway_messages (
    gateway TEXT NOT NULL,
    id TEXT NOT NULL,                  -- the gateway's
    type TEXT NOT NULL,
    payment_id UUID,                   -- ours; NULL where it is about none
    gateway_payment_id TEXT,
    outcome TEXT NOT NULL,             -- applied, unchanged, ignored, unknown_payment, mismatch, late_capture
    received_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (gateway, id)
);
CREATE INDEX gateway_messages_received_at ON gateway_messages (received_at);
