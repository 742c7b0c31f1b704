-- What is low, in the order in which it is listed.
CREATE INDEX inventory_low ON inventory (product_id) WHERE quantity <= reorder_level;
