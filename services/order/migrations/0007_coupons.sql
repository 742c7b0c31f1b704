-- Coupons: what a code takes off an order, and how often. Codes are upper case, as carts keep them.
CREATE TABLE coupons (
    id UUID PRIMARY KEY,
    code VARCHAR(50) NOT NULL UNIQUE CHECK (code = upper(code)),
    kind VARCHAR(20) NOT NULL CHECK (kind IN ('percent', 'fixed', 'free_shipping')),
    basis_points INTEGER CHECK (basis_points BETWEEN 1 AND 10000),
    amount DECIMAL(10, 2) CHECK (amount > 0),
    currency VARCHAR(3),                       -- only carts in it; empty: any
    minimum_order DECIMAL(10, 2) NOT NULL DEFAULT 0 CHECK (minimum_order >= 0),
    valid_from TIMESTAMP,
    valid_until TIMESTAMP,
    is_active BOOLEAN NOT NULL DEFAULT true,
    max_uses BIGINT CHECK (max_uses > 0),
    max_uses_per_customer BIGINT CHECK (max_uses_per_customer > 0),
    -- The number of its rows in coupon_uses. Whoever changes either holds this row's lock.
    uses BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT chk_coupons_kind CHECK ((kind = 'percent') = (basis_points IS NOT NULL)
        AND (kind = 'fixed') = (amount IS NOT NULL)),
    CONSTRAINT chk_coupons_currency CHECK (currency IS NOT NULL OR (amount IS NULL AND minimum_order = 0)),
    CONSTRAINT chk_coupons_validity CHECK (valid_from < valid_until),
    CONSTRAINT chk_coupons_uses CHECK (uses >= 0 AND uses <= max_uses)
);

-- One row for each checkout that has a coupon: written with its intent, deleted with its refusal.
CREATE TABLE coupon_uses (
    order_id UUID PRIMARY KEY,
    coupon_id UUID NOT NULL REFERENCES coupons(id),
    user_id UUID,                              -- of customers who logged in
    email VARCHAR(255),                        -- lower case
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_coupon_uses_user ON coupon_uses (coupon_id, user_id);
CREATE INDEX idx_coupon_uses_email ON coupon_uses (coupon_id, email);

-- A line's tax, so that a part of an order can be given back exactly. Orders from before have none told.
ALTER TABLE order_items ADD COLUMN tax DECIMAL(10, 2) CHECK (tax >= 0);
