-- Somebody wants the money that is held. Durable before the gateway is asked, so that what a crash interrupts is taken
-- all the same: the resolver goes on until the gateway has told.
ALTER TABLE payments ADD COLUMN capture_asked_at TIMESTAMP;

-- The administrators' list, newest first: of all, of a status, of a customer.
CREATE INDEX payments_newest ON payments (created_at DESC, id DESC);
CREATE INDEX payments_newest_of_status ON payments (status, created_at DESC, id DESC);
CREATE INDEX payments_newest_of_user ON payments (user_id, created_at DESC, id DESC);
