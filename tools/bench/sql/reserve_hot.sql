-- The reservation of a checkout as pgbench runs it: all clients want the same product (-D product=ID).
BEGIN;
UPDATE inventory SET reserved_quantity = reserved_quantity + 1, updated_at = now()
  WHERE product_id = :product AND quantity - reserved_quantity >= 1 RETURNING id \gset
INSERT INTO stock_reservations (inventory_id, order_id, quantity, expires_at)
  VALUES (:id, gen_random_uuid(), 1, now() + interval '15 minutes');
COMMIT;
