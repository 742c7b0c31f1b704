-- Comparing our books with a gateway's: a refund by the gateway's id, and refunds by the time they were begun.
CREATE INDEX refunds_gateway_refund_id ON refunds (gateway_refund_id) WHERE gateway_refund_id IS NOT NULL;
CREATE INDEX refunds_created_at ON refunds (created_at, id);
