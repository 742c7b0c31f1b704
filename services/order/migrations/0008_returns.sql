-- Goods that come back. A return is asked for, approved or rejected, received and then refunded.
CREATE TABLE order_returns (
    id UUID PRIMARY KEY,
    order_id UUID NOT NULL REFERENCES orders(id) ON DELETE CASCADE,
    status VARCHAR(20) NOT NULL DEFAULT 'requested'
        CHECK (status IN ('requested', 'approved', 'rejected', 'received', 'refunded')),
    reason TEXT NOT NULL,
    notes TEXT,
    refunds_shipping BOOLEAN NOT NULL DEFAULT false,
    refund DECIMAL(10, 2) CHECK (refund >= 0),  -- decided when it is received; what came of it when it is refunded
    created_by VARCHAR(100),
    created_at TIMESTAMP NOT NULL DEFAULT clock_timestamp(),
    updated_at TIMESTAMP NOT NULL DEFAULT clock_timestamp(),
    received_at TIMESTAMP,
    refunded_at TIMESTAMP,
    CONSTRAINT chk_order_returns_received CHECK ((received_at IS NOT NULL) = (status IN ('received', 'refunded'))
        AND (refund IS NOT NULL) = (status IN ('received', 'refunded')))
);
CREATE INDEX idx_order_returns_order_id ON order_returns (order_id);
CREATE INDEX idx_order_returns_newest ON order_returns (created_at DESC, id DESC);
CREATE INDEX idx_order_returns_status_newest ON order_returns (status, created_at DESC, id DESC);
-- What an order was shipped for is given back once.
CREATE UNIQUE INDEX order_returns_shipping ON order_returns (order_id) WHERE refunds_shipping;

CREATE TABLE order_return_items (
    return_id UUID NOT NULL REFERENCES order_returns(id) ON DELETE CASCADE,
    order_item_id UUID NOT NULL REFERENCES order_items(id) ON DELETE CASCADE,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    -- When it is received: whether it goes back into the stock, and its part of the item's values.
    restock BOOLEAN,
    refund DECIMAL(10, 2),
    discount DECIMAL(10, 2),
    tax DECIMAL(10, 2),
    PRIMARY KEY (return_id, order_item_id)
);
CREATE INDEX idx_order_return_items_order_item_id ON order_return_items (order_item_id);

-- Returns that were received, until their stock is back and their money returned.
CREATE TABLE return_sagas (
    return_id UUID PRIMARY KEY REFERENCES order_returns(id) ON DELETE CASCADE,
    step_version BIGINT NOT NULL DEFAULT 1,
    lease_until TIMESTAMPTZ NOT NULL,
    next_check_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    finished_at TIMESTAMPTZ
);
CREATE INDEX return_sagas_due ON return_sagas (next_check_at) WHERE finished_at IS NULL;
