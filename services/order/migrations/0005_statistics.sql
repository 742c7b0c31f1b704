-- A plan that is made while a table is nearly empty scans it, and is kept when the table has grown. Tables without
-- statistics are taken for larger than that, so these get none before they are.
ALTER TABLE checkout_sagas SET (autovacuum_analyze_threshold = 5000, autovacuum_vacuum_threshold = 2000);
ALTER TABLE idempotency_keys SET (autovacuum_analyze_threshold = 5000, autovacuum_vacuum_threshold = 2000);
