-- Orders are shipped in parcels, each with some or all of the items.
CREATE TABLE shipments (
    id UUID PRIMARY KEY,
    order_id UUID NOT NULL REFERENCES orders(id) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number > 0),   -- of the order's parcels, from 1
    carrier VARCHAR(100) NOT NULL,
    tracking_number VARCHAR(100) NOT NULL,
    created_by VARCHAR(100),
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (order_id, number)
);

CREATE TABLE shipment_items (
    shipment_id UUID NOT NULL REFERENCES shipments(id) ON DELETE CASCADE,
    order_item_id UUID NOT NULL REFERENCES order_items(id) ON DELETE CASCADE,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (shipment_id, order_item_id)
);
CREATE INDEX idx_shipment_items_order_item_id ON shipment_items (order_item_id);

-- How many parcels have left. In the order's own row, so that whoever locks it sees the last of them.
ALTER TABLE orders ADD COLUMN parcels INTEGER NOT NULL DEFAULT 0 CHECK (parcels >= 0);

-- The administrators' list, newest first, by what it is narrowed by most.
CREATE INDEX idx_orders_newest ON orders (created_at DESC, id DESC);
CREATE INDEX idx_orders_status_newest ON orders (status, created_at DESC, id DESC);
CREATE INDEX idx_orders_payment_newest ON orders (payment_status, created_at DESC, id DESC);
CREATE INDEX idx_orders_email_newest ON orders (lower(email), created_at DESC, id DESC) WHERE email IS NOT NULL;
