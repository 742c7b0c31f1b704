-- What reservations and the ledger need beside the tables of the specification.

-- An order reserves an item once; this also finds an order's reservation.
CREATE UNIQUE INDEX stock_reservations_once ON stock_reservations (order_id, inventory_id);
-- The sweeper's: only what still holds stock, soonest expiry first, without a look at the table.
CREATE INDEX stock_reservations_due ON stock_reservations (expires_at, order_id) WHERE status = 'active';
-- How often the order has taken this stock: a hold that expired may be taken again, and each has its ledger rows.
ALTER TABLE stock_reservations ADD COLUMN hold_number INTEGER NOT NULL DEFAULT 1;

-- One row of the ledger for each cause.
CREATE UNIQUE INDEX inventory_transactions_once
    ON inventory_transactions (reference_id, inventory_id, transaction_type);
-- The ledger of an item, newest first, page by page.
CREATE INDEX inventory_transactions_page ON inventory_transactions (inventory_id, created_at DESC, id DESC);

-- Orders that can never reserve (again): released before anything was reserved, or after it had expired.
CREATE TABLE closed_orders (
    order_id UUID PRIMARY KEY,
    closed_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- Every reservation changes available_quantity, which is indexed: each makes a new version of the row in all indexes.
-- Room in the pages and early vacuuming keep a hot item's versions few.
ALTER TABLE inventory SET (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.01,
                           autovacuum_vacuum_cost_delay = 0);
ALTER TABLE stock_reservations SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05,
                                    autovacuum_vacuum_insert_scale_factor = 0.1);
