-- What stands beside the specification's tables. All times are UTC, as every connection sets it.

CREATE UNIQUE INDEX uq_users_email_lower ON users (lower(email));

-- One default of each type a user; the service moves it, this index refuses a second one.
CREATE UNIQUE INDEX uq_addresses_default ON user_addresses (user_id, address_type) WHERE is_default;

-- A family is what one login has grown: a token, its successor, and so on. Reuse of any of them ends all of them.
ALTER TABLE refresh_tokens
    ADD COLUMN family UUID,
    ADD COLUMN parent_id UUID,
    ADD COLUMN used_at TIMESTAMP,
    -- The successor, readable only together with the token that it succeeds: for the second of two tabs.
    ADD COLUMN successor_sealed VARCHAR(64);

CREATE INDEX idx_refresh_tokens_family ON refresh_tokens (family);

-- Which sessions came from which login, so that a logout ends all of it. Kept as long as the login has tokens.
CREATE TABLE login_sessions (
    session_id VARCHAR(64) PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    family UUID NOT NULL,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX idx_login_sessions_user_id ON login_sessions (user_id);
CREATE INDEX idx_login_sessions_family ON login_sessions (family);
CREATE INDEX idx_login_sessions_created_at ON login_sessions (created_at);

-- Failed logins by account (hash of the e-mail, known or not) and by address. The last 24 hours count.
CREATE TABLE login_failures (
    subject VARCHAR(80) PRIMARY KEY,
    failures INTEGER NOT NULL,
    since TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    blocked_until TIMESTAMP
);

CREATE INDEX idx_login_failures_updated_at ON login_failures (updated_at);
