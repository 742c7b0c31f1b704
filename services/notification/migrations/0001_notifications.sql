-- Messages to people and systems, one row for each thing to tell and channel. All times are UTC.

CREATE TABLE notifications (
    id UUID PRIMARY KEY,
    kind VARCHAR(50) NOT NULL,            -- the event: order.confirmed, user.registered, ...
    subject_id VARCHAR(100) NOT NULL,     -- what it is about: the order's or the user's id
    occurrence VARCHAR(40) NOT NULL DEFAULT '',  -- for what may be told again: the day
    channel VARCHAR(20) NOT NULL CHECK (channel IN ('email', 'webhook')),
    recipient VARCHAR(255) NOT NULL,
    subject VARCHAR(500) NOT NULL,
    text TEXT NOT NULL,
    html TEXT NOT NULL,
    status VARCHAR(20) NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sent', 'failed')),
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    last_error TEXT,
    message_id VARCHAR(255) NOT NULL,     -- the same for each attempt, so that receivers can tell repeats
    handed_to VARCHAR(20),                -- the transport that took it: file, smtp
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    sent_at TIMESTAMP,
    CONSTRAINT uq_notifications_once UNIQUE (kind, subject_id, occurrence, channel),
    CONSTRAINT uq_notifications_message_id UNIQUE (message_id),
    CONSTRAINT chk_sent_was_handed_over CHECK (status <> 'sent' OR (sent_at IS NOT NULL AND handed_to IS NOT NULL))
);

CREATE INDEX idx_notifications_due ON notifications (next_attempt_at) WHERE status = 'pending';
CREATE INDEX idx_notifications_subject_id ON notifications (subject_id, id DESC);
CREATE INDEX idx_notifications_status ON notifications (status, id DESC);
CREATE INDEX idx_notifications_created_at ON notifications (created_at);
