-- What Souk keeps with an order beyond the specification.

ALTER TABLE orders
    ADD COLUMN email VARCHAR(255),             -- a guest's, or the customer's
    ADD COLUMN shipping_method VARCHAR(50),
    ADD COLUMN payment_gateway VARCHAR(50);    -- empty for cash on delivery and for orders of total 0

-- Each total adds up, whoever writes it.
ALTER TABLE orders
    ADD CONSTRAINT chk_orders_total_adds_up CHECK (total = subtotal + tax + shipping_cost - discount),
    ADD CONSTRAINT chk_orders_parts_positive
        CHECK (subtotal >= 0 AND tax >= 0 AND shipping_cost >= 0 AND discount >= 0);

-- A customer's orders, newest first, page by page.
CREATE INDEX idx_orders_user_newest ON orders (user_id, created_at DESC, id DESC);
