-- What must hold once every saga is quiet. Each query gives no row, or one a violation.
-- The tables of each database stand in a schema of its name; what a query names is copied, and nothing else.
-- `simulator` is the ledger of the payment simulator: the books of the gateway, which are not ours.

-- name: reserved stock is the sum of the active reservations
SELECT i.product_id, i.reserved_quantity, COALESCE(sum(r.quantity), 0) AS active
FROM inventory_db.inventory i
LEFT JOIN inventory_db.stock_reservations r ON r.inventory_id = i.id AND r.status = 'active'
GROUP BY i.id, i.product_id, i.reserved_quantity
HAVING i.reserved_quantity <> COALESCE(sum(r.quantity), 0);

-- name: reserved stock lies between nothing and all of it
SELECT product_id, quantity, reserved_quantity FROM inventory_db.inventory
WHERE reserved_quantity < 0 OR reserved_quantity > quantity;

-- name: the quantity is what the ledger adds up to
SELECT i.product_id, i.quantity, COALESCE(sum(t.quantity), 0) AS booked
FROM inventory_db.inventory i
LEFT JOIN inventory_db.inventory_transactions t
    ON t.inventory_id = i.id AND t.transaction_type IN ('restock', 'sale', 'adjustment')
GROUP BY i.id, i.product_id, i.quantity
HAVING i.quantity <> COALESCE(sum(t.quantity), 0);

-- name: the ledger has one row for each cause
SELECT inventory_id, transaction_type, reference_id, count(*) FROM inventory_db.inventory_transactions
WHERE reference_id IS NOT NULL
GROUP BY inventory_id, transaction_type, reference_id HAVING count(*) > 1;

-- name: the signs of the ledger are those of its types
SELECT id, transaction_type, quantity FROM inventory_db.inventory_transactions
WHERE (transaction_type IN ('restock', 'reservation') AND quantity <= 0)
   OR (transaction_type IN ('sale', 'release') AND quantity >= 0)
   OR transaction_type NOT IN ('restock', 'reservation', 'sale', 'release', 'adjustment');

-- name: an order's total is the sum of its parts
SELECT id, total, subtotal, tax, shipping_cost, discount FROM order_db.orders
WHERE total <> subtotal + tax + shipping_cost - discount;

-- name: an order's subtotal is the sum of its items
SELECT o.id, o.subtotal, sum(i.total_price) AS items
FROM order_db.orders o LEFT JOIN order_db.order_items i ON i.order_id = o.id
GROUP BY o.id, o.subtotal
HAVING o.subtotal IS DISTINCT FROM sum(i.total_price) OR bool_or(i.quantity < 1)
    OR bool_or(i.total_price <> i.quantity * i.unit_price AND i.total_price + i.tax <> i.quantity * i.unit_price);

-- name: an order's tax and discount are the sums of its items
SELECT o.id, o.tax, sum(i.tax) AS taxes, o.discount, sum(i.discount) AS discounts
FROM order_db.orders o JOIN order_db.order_items i ON i.order_id = o.id
GROUP BY o.id, o.tax, o.discount
HAVING o.discount <> sum(i.discount) OR (bool_and(i.tax IS NOT NULL) AND o.tax <> sum(i.tax));

-- name: a coupon is used no more often than it may
SELECT id, code, uses, max_uses FROM order_db.coupons WHERE uses < 0 OR uses > max_uses;

-- name: a coupon is used by nobody more often than it may
SELECT c.id, u.email, count(*) FROM order_db.coupons c JOIN order_db.coupon_uses u ON u.coupon_id = c.id
GROUP BY c.id, c.max_uses_per_customer, u.email HAVING u.email IS NOT NULL AND count(*) > c.max_uses_per_customer
UNION ALL
SELECT c.id, u.user_id::text, count(*) FROM order_db.coupons c JOIN order_db.coupon_uses u ON u.coupon_id = c.id
GROUP BY c.id, c.max_uses_per_customer, u.user_id HAVING u.user_id IS NOT NULL AND count(*) > c.max_uses_per_customer;

-- name: a coupon's counter is the number of its uses
SELECT c.id, c.code, c.uses, count(u.order_id) AS counted
FROM order_db.coupons c LEFT JOIN order_db.coupon_uses u ON u.coupon_id = c.id
GROUP BY c.id, c.code, c.uses HAVING c.uses <> count(u.order_id);

-- name: a use of a coupon has an order or a checkout under way
SELECT u.order_id, s.state FROM order_db.coupon_uses u
LEFT JOIN order_db.orders o ON o.id = u.order_id LEFT JOIN order_db.checkout_sagas s ON s.id = u.order_id
WHERE o.id IS NULL AND (s.id IS NULL OR s.finished_at IS NOT NULL);

-- name: a checkout with a coupon has its use until it is refused
SELECT s.id, s.state, u.uses FROM order_db.checkout_sagas s
CROSS JOIN LATERAL (SELECT count(*) AS uses FROM order_db.coupon_uses u WHERE u.order_id = s.id) u
WHERE s.details -> 'discounts' IS NOT NULL AND u.uses <>
    CASE WHEN s.state = 'compensated' THEN 0 ELSE json_array_length(s.details -> 'discounts') END;

-- name: the uses of an order's coupons took off what the order says
SELECT o.id, o.discount, sum(u.discount) FROM order_db.orders o JOIN order_db.coupon_uses u ON u.order_id = o.id
GROUP BY o.id, o.discount HAVING bool_and(u.discount IS NOT NULL) AND o.discount <> sum(u.discount);

-- name: one currency goes through order, payment and refund
SELECT o.id, o.currency, p.currency AS paid, r.currency AS refunded
FROM order_db.orders o
JOIN payment_db.payments p ON p.order_id = o.id
LEFT JOIN payment_db.refunds r ON r.payment_id = p.id
WHERE p.currency <> o.currency OR r.currency <> p.currency;

-- name: an order is captured once, in full, or not at all
SELECT p.order_id, sum(p.amount) AS captured, o.total
FROM payment_db.payments p LEFT JOIN order_db.orders o ON o.id = p.order_id
WHERE p.status IN ('succeeded', 'refunded')
GROUP BY p.order_id, o.total
HAVING count(*) > 1 OR sum(p.amount) <> o.total;

-- name: refunds, pending ones too, never exceed the capture
SELECT p.order_id, p.amount, sum(r.amount) AS refunds
FROM payment_db.payments p JOIN payment_db.refunds r ON r.payment_id = p.id
WHERE r.status <> 'failed'
GROUP BY p.id, p.order_id, p.amount, p.status
HAVING sum(r.amount) > p.amount OR p.status NOT IN ('succeeded', 'refunded');

-- name: a refunded payment is refunded in full
SELECT p.order_id, p.amount FROM payment_db.payments p
WHERE p.status = 'refunded'
  AND p.amount <> (SELECT COALESCE(sum(amount), 0) FROM payment_db.refunds r
                   WHERE r.payment_id = p.id AND r.status = 'succeeded');

-- name: captured money has a live order or is refunded in full
SELECT p.order_id, p.status, o.status AS order_status
FROM payment_db.payments p LEFT JOIN order_db.orders o ON o.id = p.order_id
WHERE p.status = 'succeeded' AND (o.id IS NULL OR o.status IN ('cancelled', 'refunded'));

-- name: a live order is captured, authorised, cash on delivery, or of total 0
SELECT o.id, o.status, o.payment_method, p.status AS payment
FROM order_db.orders o LEFT JOIN payment_db.payments p ON p.order_id = o.id
WHERE o.status IN ('confirmed', 'processing', 'shipped', 'delivered')
  AND o.total > 0 AND o.payment_method IS DISTINCT FROM 'cod'
  AND NOT COALESCE(p.status IN ('succeeded', 'processing'), false);

-- name: a delivered order is paid, and so is one whose money was captured
SELECT o.id, o.status, o.payment_status, p.status AS payment
FROM order_db.orders o LEFT JOIN payment_db.payments p ON p.order_id = o.id
WHERE (o.status = 'delivered' OR (o.status IN ('confirmed', 'processing', 'shipped') AND p.status = 'succeeded'))
  AND o.payment_status <> 'paid' AND (p.status <> 'refunded' OR o.payment_status <> 'refunded');

-- name: an order whose payment was refunded says so
SELECT o.id, o.payment_status FROM order_db.orders o JOIN payment_db.payments p ON p.order_id = o.id
WHERE (p.status = 'refunded') <> (o.payment_status = 'refunded');

-- name: no payment is left in the middle
SELECT p.order_id, p.status FROM payment_db.payments p LEFT JOIN order_db.orders o ON o.id = p.order_id
WHERE (p.status = 'pending' AND (p.payment_gateway IS NOT NULL OR o.id IS NULL))
   OR (p.status = 'processing' AND o.id IS NULL);

-- name: a cancelled order holds no stock
SELECT o.id, r.status FROM order_db.orders o JOIN inventory_db.stock_reservations r ON r.order_id = o.id
WHERE o.status = 'cancelled' AND r.status = 'active';

-- name: a cancelled order has given back what it took
SELECT t.reference_id, t.inventory_id, sum(t.quantity) AS kept
FROM inventory_db.inventory_transactions t JOIN order_db.orders o ON left(t.reference_id, 36) = o.id::text
WHERE o.status = 'cancelled' AND t.transaction_type = 'sale'
  AND NOT EXISTS (SELECT 1 FROM inventory_db.inventory_transactions b
                  WHERE b.inventory_id = t.inventory_id AND left(b.reference_id, 36) = o.id::text
                    AND b.transaction_type IN ('restock', 'adjustment') AND b.quantity = -t.quantity)
GROUP BY t.reference_id, t.inventory_id;

-- name: a live order's completed reservations are its items
WITH bought AS (
    SELECT o.id, COALESCE(i.variant_id, i.product_id)::text AS item, sum(i.quantity) AS quantity
    FROM order_db.orders o JOIN order_db.order_items i ON i.order_id = o.id
    WHERE o.status IN ('confirmed', 'processing', 'shipped', 'delivered') GROUP BY 1, 2),
held AS (
    SELECT r.order_id AS id, s.product_id::text AS item, sum(r.quantity) AS quantity
    FROM inventory_db.stock_reservations r JOIN inventory_db.inventory s ON s.id = r.inventory_id
    JOIN order_db.orders o ON o.id = r.order_id
    WHERE r.status = 'completed' AND o.status IN ('confirmed', 'processing', 'shipped', 'delivered') GROUP BY 1, 2)
SELECT id, item, bought.quantity AS bought, held.quantity AS held
FROM bought FULL JOIN held USING (id, item)
WHERE bought.quantity IS DISTINCT FROM held.quantity;

-- name: stock is sold to orders only
SELECT r.order_id, r.status FROM inventory_db.stock_reservations r LEFT JOIN order_db.orders o ON o.id = r.order_id
WHERE r.status = 'completed' AND o.id IS NULL;

-- name: no active reservation is past its expiry by two sweeps
SELECT order_id, expires_at FROM inventory_db.stock_reservations
WHERE status = 'active' AND expires_at < timezone('UTC', now()) - interval '60 seconds';

-- name: no reservation is active once all is quiet
SELECT r.order_id FROM inventory_db.stock_reservations r JOIN order_db.checkout_sagas s ON s.id = r.order_id
WHERE r.status = 'active' AND s.finished_at IS NOT NULL;

-- name: every checkout is completed or compensated
SELECT id, state FROM order_db.checkout_sagas WHERE finished_at IS NULL OR state NOT IN ('completed', 'compensated');

-- name: every cancellation is finished
SELECT order_id, cause FROM order_db.cancellation_sagas WHERE finished_at IS NULL;

-- name: a completed checkout has its order and a compensated one has none
SELECT s.id, s.state, o.status FROM order_db.checkout_sagas s LEFT JOIN order_db.orders o ON o.id = s.id
WHERE (s.state = 'completed') <> (o.id IS NOT NULL);

-- name: a cart in one version is bought once
SELECT cart_key, cart_version, count(*) FROM order_db.checkout_sagas s JOIN order_db.orders o ON o.id = s.id
GROUP BY cart_key, cart_version HAVING count(*) > 1;

-- name: an idempotency key has one effect, and an effect has one key
SELECT subject, count(*) FROM order_db.idempotency_keys GROUP BY subject HAVING count(*) > 1
UNION ALL
SELECT k.subject, 0 FROM order_db.idempotency_keys k LEFT JOIN order_db.checkout_sagas s ON s.id = k.subject
WHERE s.id IS NULL AND k.operation LIKE '%checkout%';

-- name: our books are the gateway's books, both ways
SELECT COALESCE(p.order_id::text, c.order_id) AS order_id, p.amount AS ours, c.amount AS gateways
FROM (SELECT order_id, sum(amount) AS amount FROM payment_db.payments
      WHERE status IN ('succeeded', 'refunded') AND payment_gateway = 'simulator' GROUP BY 1) p
FULL JOIN (SELECT key AS order_id, sum(amount) / 100.0 AS amount FROM simulator.payments
           WHERE status = 'succeeded' GROUP BY 1) c ON c.order_id = p.order_id::text
WHERE p.amount IS DISTINCT FROM c.amount;

-- name: our refunds are the gateway's refunds, both ways
SELECT COALESCE(r.order_id::text, g.order_id) AS order_id, r.amount AS ours, g.amount AS gateways
FROM (SELECT p.order_id, sum(r.amount) AS amount FROM payment_db.refunds r
      JOIN payment_db.payments p ON p.id = r.payment_id
      WHERE r.status = 'succeeded' AND p.payment_gateway = 'simulator' GROUP BY 1) r
FULL JOIN (SELECT p.key AS order_id, sum(r.amount) / 100.0 AS amount FROM simulator.refunds r
           JOIN simulator.payments p ON p.id = r.payment_id
           WHERE r.status = 'succeeded' GROUP BY 1) g ON g.order_id = r.order_id::text
WHERE r.amount IS DISTINCT FROM g.amount;

-- name: no more of an item is shipped than was bought, and nothing of a cancelled order
SELECT i.order_id, i.id, i.quantity, o.status, sum(s.quantity) AS shipped
FROM order_db.order_items i JOIN order_db.orders o ON o.id = i.order_id
JOIN order_db.shipment_items s ON s.order_item_id = i.id
GROUP BY i.order_id, i.id, i.quantity, o.status
HAVING sum(s.quantity) > i.quantity OR o.status IN ('pending', 'confirmed', 'cancelled');

-- name: a shipped order is shipped in full, and one that is not lacks something
SELECT o.id, o.status FROM order_db.orders o JOIN order_db.order_items i ON i.order_id = o.id
LEFT JOIN (SELECT order_item_id, sum(quantity) AS quantity FROM order_db.shipment_items GROUP BY 1) s
    ON s.order_item_id = i.id
WHERE o.status IN ('processing', 'shipped', 'delivered')
GROUP BY o.id, o.status
HAVING bool_and(COALESCE(s.quantity, 0) = i.quantity) <> (o.status IN ('shipped', 'delivered'));

-- name: a parcel's items are its order's, and the order knows its latest
SELECT o.id, o.parcels, o.tracking_number FROM order_db.orders o
LEFT JOIN LATERAL (SELECT number, tracking_number FROM order_db.shipments WHERE order_id = o.id
                   ORDER BY number DESC LIMIT 1) p ON true
WHERE o.parcels <> COALESCE(p.number, 0) OR o.tracking_number IS DISTINCT FROM p.tracking_number
   OR EXISTS (SELECT 1 FROM order_db.shipments p JOIN order_db.shipment_items s ON s.shipment_id = p.id
              JOIN order_db.order_items i ON i.id = s.order_item_id
              WHERE p.order_id = o.id AND i.order_id <> o.id);

-- name: the histories hold only legal changes of status
WITH steps AS (
    SELECT order_id, lag(status) OVER (PARTITION BY order_id ORDER BY created_at, id) AS before, status
    FROM order_db.order_status_history)
SELECT * FROM steps
WHERE (COALESCE(before, ''), status) NOT IN (
    ('', 'pending'), ('', 'confirmed'), ('pending', 'confirmed'), ('pending', 'cancelled'), ('confirmed', 'processing'),
    ('confirmed', 'shipped'), ('confirmed', 'cancelled'), ('processing', 'shipped'), ('processing', 'cancelled'),
    ('shipped', 'delivered'), ('shipped', 'refunded'), ('delivered', 'refunded'));

-- name: an order's status is the last of its history
SELECT o.id, o.status, h.status AS last FROM order_db.orders o
LEFT JOIN LATERAL (SELECT status FROM order_db.order_status_history WHERE order_id = o.id
                   ORDER BY created_at DESC, id DESC LIMIT 1) h ON true
WHERE o.status IS DISTINCT FROM h.status;

-- name: each change of status has one event
SELECT h.order_id, h.status, (SELECT count(*) FROM order_db.outbox_events e
                              WHERE e.key = h.order_id::text AND e.type = 'order.' || h.status) AS events
FROM order_db.order_status_history h
WHERE h.status <> 'pending'
  AND (SELECT count(*) FROM order_db.outbox_events e
       WHERE e.key = h.order_id::text AND e.type = 'order.' || h.status) <> 1;

-- name: each change of status has one message a channel, and of webhooks one an endpoint
SELECT subject_id, kind, occurrence, channel, endpoint_id, count(*) FROM notification_db.notifications
GROUP BY subject_id, kind, occurrence, channel, endpoint_id HAVING count(*) > 1;

-- name: each confirmed order has its message
SELECT o.id FROM order_db.orders o
WHERE o.email IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM notification_db.notifications n
    WHERE n.subject_id = o.id::text AND n.kind = 'order.confirmed' AND n.channel = 'email');

-- name: every return that was received is finished
SELECT t.id, t.status, s.finished_at FROM order_db.order_returns t
LEFT JOIN order_db.return_sagas s ON s.return_id = t.id
WHERE t.status = 'received' OR (t.status = 'refunded') <> (s.finished_at IS NOT NULL);

-- name: no more of an item is returned than was shipped, and all of it adds up to its discount and tax
SELECT i.order_id, i.id, i.quantity, sum(r.quantity) AS returned
FROM order_db.order_items i JOIN order_db.order_return_items r ON r.order_item_id = i.id
JOIN order_db.order_returns t ON t.id = r.return_id AND t.status <> 'rejected'
GROUP BY i.id, i.order_id, i.quantity, i.discount, i.tax
HAVING sum(r.quantity) > COALESCE((SELECT sum(s.quantity) FROM order_db.shipment_items s WHERE s.order_item_id = i.id), 0)
    OR (sum(r.quantity) FILTER (WHERE t.received_at IS NOT NULL) = i.quantity
        AND (sum(r.discount) <> i.discount OR sum(r.tax) <> i.tax));

-- name: a return gave back what it says, once
SELECT t.id, t.refund, f.amount, f.status FROM order_db.order_returns t
LEFT JOIN payment_db.refunds f ON f.order_id = t.order_id AND f.cause = 'return:' || t.id
WHERE (t.status = 'refunded' AND t.refund > 0 AND (f.amount IS DISTINCT FROM t.refund OR f.status <> 'succeeded'))
   OR (t.status NOT IN ('received', 'refunded') AND f.id IS NOT NULL);

-- name: what a return put back into the stock is in the ledger, and nothing else
SELECT b.order_id, b.return_id, b.item, b.quantity, l.quantity AS booked
FROM (SELECT t.order_id, t.id AS return_id, COALESCE(i.variant_id, i.product_id)::text AS item, sum(r.quantity) AS quantity
      FROM order_db.order_returns t JOIN order_db.order_return_items r ON r.return_id = t.id AND r.restock
      JOIN order_db.order_items i ON i.id = r.order_item_id WHERE t.status = 'refunded' GROUP BY 1, 2, 3) b
FULL JOIN (SELECT m.reference_id, s.product_id::text AS item, m.quantity FROM inventory_db.inventory_transactions m
           JOIN inventory_db.inventory s ON s.id = m.inventory_id
           WHERE m.transaction_type = 'restock' AND m.reference_id LIKE '%:return:%') l
    ON l.reference_id = b.order_id || ':return:' || b.return_id AND l.item = b.item
WHERE b.quantity IS DISTINCT FROM l.quantity;

-- name: a refunded order has come back whole
SELECT o.id FROM order_db.orders o JOIN order_db.order_items i ON i.order_id = o.id
WHERE o.status = 'refunded' AND i.quantity <> COALESCE((
    SELECT sum(r.quantity) FROM order_db.order_return_items r JOIN order_db.order_returns t ON t.id = r.return_id
    WHERE r.order_item_id = i.id AND t.status = 'refunded'), 0);
