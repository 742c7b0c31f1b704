-- Saved payment methods: a token once a user, and one default; the service moves it, the index refuses a second one.
CREATE UNIQUE INDEX payment_methods_once ON payment_methods (user_id, gateway, gateway_payment_method_id);
CREATE UNIQUE INDEX payment_methods_default ON payment_methods (user_id) WHERE is_default;
