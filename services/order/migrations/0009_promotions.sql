-- Promotions are coupons without a code: every cart that they fit gets them. Both may be limited to some goods, and an
-- order may have several that may be combined.
ALTER TABLE coupons
    ALTER COLUMN code DROP NOT NULL,
    ADD COLUMN name VARCHAR(100),
    ADD COLUMN buy_quantity INTEGER CHECK (buy_quantity > 0),
    ADD COLUMN get_quantity INTEGER CHECK (get_quantity > 0),
    ADD COLUMN max_times INTEGER CHECK (max_times > 0),
    -- A product in any of the two; both empty: every product.
    ADD COLUMN product_ids TEXT[] NOT NULL DEFAULT '{}',
    ADD COLUMN category_ids TEXT[] NOT NULL DEFAULT '{}',
    ADD COLUMN is_combinable BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN priority INTEGER NOT NULL DEFAULT 0,
    ADD CONSTRAINT chk_coupons_code_or_name CHECK (code IS NOT NULL OR name IS NOT NULL),
    DROP CONSTRAINT coupons_kind_check,
    ADD CONSTRAINT coupons_kind_check CHECK (kind IN ('percent', 'fixed', 'free_shipping', 'buy_x_get_y')),
    DROP CONSTRAINT chk_coupons_kind,
    ADD CONSTRAINT chk_coupons_kind CHECK ((kind IN ('percent', 'buy_x_get_y')) = (basis_points IS NOT NULL)
        AND (kind = 'fixed') = (amount IS NOT NULL)
        AND (kind = 'buy_x_get_y') = (buy_quantity IS NOT NULL)
        AND (kind = 'buy_x_get_y') = (get_quantity IS NOT NULL)
        AND (kind = 'buy_x_get_y' OR max_times IS NULL));

CREATE INDEX idx_coupons_promotions ON coupons (priority DESC, id) WHERE code IS NULL AND is_active;

-- What it took off the goods of this order; older uses do not tell.
ALTER TABLE coupon_uses
    ADD COLUMN discount DECIMAL(10, 2) CHECK (discount >= 0),
    DROP CONSTRAINT coupon_uses_pkey,
    ADD PRIMARY KEY (order_id, coupon_id);
