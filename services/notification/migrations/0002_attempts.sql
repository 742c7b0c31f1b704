-- What became of each attempt to hand a message over, for people who wonder why it has not come.
CREATE TABLE notification_attempts (
    notification_id UUID NOT NULL REFERENCES notifications(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,              -- from 1
    outcome VARCHAR(20) NOT NULL CHECK (outcome IN ('taken', 'try_again', 'refused')),
    response_status INTEGER,              -- of the receiver: a reply code of SMTP, a status of HTTP; absent: none came
    detail TEXT,                          -- what it said, or why nothing was said
    duration_ms INTEGER NOT NULL,
    ended_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (notification_id, number)
);

-- Attempts made before somebody asked for the message to be sent again: they do not count towards giving up.
ALTER TABLE notifications ADD COLUMN attempts_before INTEGER NOT NULL DEFAULT 0;
