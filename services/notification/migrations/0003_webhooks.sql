-- Webhooks: endpoints of the merchant's systems. A message to one of them is a row of notifications, like a mail: its
-- body is the column text, its URL when it was made the column recipient.
CREATE TABLE webhook_endpoints (
    id UUID PRIMARY KEY,
    url VARCHAR(1000) NOT NULL,
    description VARCHAR(255) NOT NULL DEFAULT '',
    event_types TEXT[] NOT NULL DEFAULT '{}',        -- order.shipped, order.*; empty: all
    status VARCHAR(20) NOT NULL DEFAULT 'enabled' CHECK (status IN ('enabled', 'disabled', 'deleted')),
    disabled_reason TEXT,
    -- Secrets are derived, never stored. All versions from the oldest that still holds are signed with.
    secret_version INTEGER NOT NULL DEFAULT 1,
    oldest_secret_version INTEGER NOT NULL DEFAULT 1,
    previous_secrets_until TIMESTAMP,                -- until then the versions before secret_version hold
    failing_since TIMESTAMP,                         -- the first failure after the last success
    last_success_at TIMESTAMP,
    paused_until TIMESTAMP,                          -- it said Retry-After
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT chk_secret_versions CHECK (oldest_secret_version BETWEEN 1 AND secret_version)
);
CREATE UNIQUE INDEX uq_webhook_endpoints_url ON webhook_endpoints (url) WHERE status <> 'deleted';

ALTER TABLE notifications ADD COLUMN endpoint_id UUID REFERENCES webhook_endpoints(id);
-- From when the days are counted after which it is given up; absent: created_at.
ALTER TABLE notifications ADD COLUMN counted_from TIMESTAMP;
ALTER TABLE notifications ALTER COLUMN recipient TYPE VARCHAR(1000);
ALTER TABLE notifications ADD CONSTRAINT chk_webhook_has_endpoint
    CHECK ((channel = 'webhook') = (endpoint_id IS NOT NULL));

-- One row for each thing to tell and channel, and of webhooks for each endpoint.
ALTER TABLE notifications DROP CONSTRAINT uq_notifications_once;
ALTER TABLE notifications ADD CONSTRAINT uq_notifications_once
    UNIQUE NULLS NOT DISTINCT (kind, subject_id, occurrence, channel, endpoint_id);

-- What is due, of each endpoint on its own: one with many that wait hides neither the others nor the mails.
CREATE INDEX idx_notifications_webhooks_due ON notifications (endpoint_id, next_attempt_at)
    WHERE status = 'pending' AND channel = 'webhook';
CREATE INDEX idx_notifications_mails_due ON notifications (next_attempt_at)
    WHERE status = 'pending' AND channel = 'email';
DROP INDEX idx_notifications_due;
CREATE INDEX idx_notifications_endpoint_id ON notifications (endpoint_id, id DESC) WHERE endpoint_id IS NOT NULL;
