-- How orders are shipped and what it costs: base + per_kg for each started kilogram beyond the first, nothing from
-- free_from on (goods after discount).
CREATE TABLE shipping_methods (
    id VARCHAR(50) PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    is_active BOOLEAN NOT NULL DEFAULT true,
    display_order INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE shipping_rates (
    method_id VARCHAR(50) NOT NULL REFERENCES shipping_methods(id) ON DELETE CASCADE,
    currency VARCHAR(3) NOT NULL,
    base DECIMAL(10, 2) NOT NULL CHECK (base >= 0),
    per_kg DECIMAL(10, 2) NOT NULL DEFAULT 0 CHECK (per_kg >= 0),
    free_from DECIMAL(10, 2) CHECK (free_from >= 0),
    PRIMARY KEY (method_id, currency)
);

INSERT INTO shipping_methods (id, name, display_order) VALUES ('standard', 'Standard', 1), ('express', 'Express', 2);
INSERT INTO shipping_rates (method_id, currency, base, per_kg, free_from) VALUES
    ('standard', 'USD', 4.99, 0.50, 50.00), ('express', 'USD', 14.99, 1.50, NULL),
    ('standard', 'EUR', 4.99, 0.50, 50.00), ('express', 'EUR', 14.99, 1.50, NULL),
    ('standard', 'GBP', 3.99, 0.40, 40.00), ('express', 'GBP', 11.99, 1.20, NULL),
    ('standard', 'INR', 49.00, 10.00, 499.00), ('express', 'INR', 149.00, 25.00, NULL);

-- Tax on goods by destination; state '' is the whole country, and where there is no row there is no tax. Inclusive: the
-- prices already contain it.
CREATE TABLE tax_rates (
    country CHAR(2) NOT NULL,
    state VARCHAR(100) NOT NULL DEFAULT '',
    name VARCHAR(100) NOT NULL,
    basis_points INTEGER NOT NULL CHECK (basis_points BETWEEN 0 AND 10000),
    is_inclusive BOOLEAN NOT NULL DEFAULT false,
    PRIMARY KEY (country, state)
);

INSERT INTO tax_rates (country, state, name, basis_points) VALUES
    ('US', 'CA', 'Sales tax', 725), ('US', 'NY', 'Sales tax', 400), ('US', 'TX', 'Sales tax', 625),
    ('US', 'FL', 'Sales tax', 600), ('US', 'WA', 'Sales tax', 650), ('US', 'IL', 'Sales tax', 625),
    ('GB', '', 'VAT', 2000), ('DE', '', 'VAT', 1900), ('FR', '', 'VAT', 2000), ('IT', '', 'VAT', 2200),
    ('ES', '', 'VAT', 2100), ('NL', '', 'VAT', 2100), ('AT', '', 'VAT', 2000), ('IE', '', 'VAT', 2300),
    ('PT', '', 'VAT', 2300), ('CA', '', 'GST', 500), ('AU', '', 'GST', 1000), ('IN', '', 'GST', 1800);
