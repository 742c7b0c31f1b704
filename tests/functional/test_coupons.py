"""Coupons: what they take off, how often, and who may make them."""

import uuid

import pytest
from support.client import ok, unique_email
from support.platform import wait_for
from support.shop import at_once, cents, refused, stock


@pytest.fixture
def coupon(admin):
    """Makes a coupon with a code of its own."""
    def make(**members):
        body = {"code": f"t-{uuid.uuid4().hex[:12]}", "kind": "percent", **members}
        return ok(admin.post("/v1/admin/coupons", body), 201)
    return make


def cart_with(http, product_id, code, quantity=1):
    cart_id = http.cart_with((product_id, quantity))
    ok(http.put(f"/v1/carts/{cart_id}/coupon", {"code": code}), 200)
    return cart_id


def test_the_quote_and_the_order_take_the_same_off(platform, http, goods, admin, coupon):
    made = coupon(basis_points=1000)
    cart_id = cart_with(http, goods.product(price=33.33)["product_id"], made["code"].lower(), 3)
    assert http.cart(cart_id)["coupon_code"] == made["code"]
    quote = http.quote(cart_id)
    assert quote["coupon_code"] == made["code"] and cents(quote["discount"]) == 1000
    order = ok(http.checkout(cart_id), 201)
    for part in ("subtotal", "tax", "shipping_cost", "discount", "total"):
        assert order[part] == quote[part], part
    assert cents(order["total"]) == sum(cents(order[p]) for p in ("subtotal", "tax", "shipping_cost")) - 1000
    assert sum(cents(item["discount"]) for item in order["items"]) == 1000
    tax = platform.scalar("order_db", "SELECT sum(tax) FROM order_items WHERE order_id = %s", order["id"])
    assert cents(tax) == cents(order["tax"])
    assert ok(admin.get(f"/v1/admin/coupons/{made['id']}"), 200)["uses"] == 1


def test_the_last_use_goes_to_one_of_thirty_customers(platform, http, goods, admin, coupon):
    made = coupon(basis_points=500, max_uses=1)
    product_id = goods.product(quantity=100)["product_id"]
    carts = [cart_with(http, product_id, made["code"]) for _ in range(30)]
    replies = at_once(*[lambda cart_id=cart_id: platform.client().checkout(cart_id, email=unique_email("coupon"))
                        for cart_id in carts])
    assert [reply.status_code for reply in replies].count(201) == 1
    for reply in replies:
        if reply.status_code != 201:
            refused(reply, 409, "coupon.used_up")
    assert ok(admin.get(f"/v1/admin/coupons/{made['id']}"), 200)["uses"] == 1
    # Who came too late still has the cart and the coupon on it, and buys without it.
    late = carts[[reply.status_code for reply in replies].index(409)]
    assert http.cart(late)["coupon_code"] == made["code"]
    ok(http.delete(f"/v1/carts/{late}/coupon"), 200)
    assert cents(ok(http.checkout(late), 201)["discount"]) == 0


def test_a_customer_uses_a_coupon_as_often_as_it_says(http, goods, coupon):
    made = coupon(basis_points=500, max_uses_per_customer=1)
    product_id, email = goods.product()["product_id"], unique_email("once")
    ok(http.checkout(cart_with(http, product_id, made["code"]), email=email), 201)
    refused(http.checkout(cart_with(http, product_id, made["code"]), email=email.upper()), 409, "coupon.used_up")


def test_a_coupon_that_does_not_hold_says_why(http, goods, admin, coupon):
    product_id = goods.product(price=10.0)["product_id"]

    def refusal(code):
        return http.post(f"/v1/carts/{cart_with(http, product_id, code)}/quote", {})

    refused(refusal("NO-SUCH-COUPON"), 422, "coupon.unknown")
    refused(refusal(coupon(basis_points=1, valid_until="2020-01-01T00:00:00Z")["code"]), 422, "coupon.expired")
    refused(refusal(coupon(basis_points=1, valid_from="2099-01-01T00:00:00Z")["code"]), 422, "coupon.unknown")
    refused(refusal(coupon(basis_points=1, minimum_order=10.01, currency="USD")["code"]), 422,
            "coupon.minimum_not_reached")
    refused(refusal(coupon(kind="fixed", amount=5, currency="EUR")["code"]), 422, "coupon.not_applicable")
    archived = coupon(basis_points=1)
    ok(admin.patch(f"/v1/admin/coupons/{archived['id']}", {"is_active": False}), 200)
    refused(refusal(archived["code"]), 422, "coupon.unknown")


def test_free_shipping_is_free(http, goods, coupon):
    cart_id = cart_with(http, goods.product(price=10.0)["product_id"], coupon(kind="free_shipping")["code"])
    quote = http.quote(cart_id, shipping_method="express")
    assert cents(quote["shipping_cost"]) == 0 and cents(quote["discount"]) == 0
    assert all(cents(option["cost"]) == 0 for option in quote["shipping_options"])


def test_an_order_of_total_zero_is_paid_without_a_payment(platform, http, goods, coupon):
    cart_id = cart_with(http, goods.product(price=10.0)["product_id"],
                        coupon(kind="fixed", amount=10, currency="USD")["code"])
    platform.sql("order_db", "INSERT INTO shipping_methods (id, name, display_order) VALUES ('pick-up', 'Pick up', 9)"
                             " ON CONFLICT DO NOTHING")
    platform.sql("order_db", "INSERT INTO shipping_rates (method_id, currency, base) VALUES ('pick-up', 'USD', 0)"
                             " ON CONFLICT DO NOTHING")
    wait_for(lambda: http.post(f"/v1/carts/{cart_id}/quote", {"shipping_method": "pick-up"}).status_code == 200, 20,
             "the new rates")
    order = ok(http.checkout(cart_id, shipping_method="pick-up"), 201)
    assert cents(order["total"]) == 0 and order["payment_status"] == "paid"
    assert platform.scalar("payment_db", "SELECT count(*) FROM payments WHERE order_id = %s", order["id"]) == 0
    # Cancelled: the stock comes back, and there is nothing to refund.
    product_id = order["items"][0]["product_id"]
    wait_for(lambda: stock(platform, product_id)[0] == 19, 15, "the sale in the stock")
    cancelled = ok(http.post(f"/v1/orders/{order['id']}/cancel",
                             headers={"X-Order-Token": order["access_token"], "Idempotency-Key": str(uuid.uuid4())}), 200)
    assert cancelled["status"] == "cancelled"
    wait_for(lambda: stock(platform, product_id)[0] == 20, 15, "the stock of the cancelled order")
    wait_for(lambda: platform.scalar("order_db", "SELECT finished_at IS NOT NULL FROM cancellation_sagas"
                                                 " WHERE order_id = %s", order["id"]), 15, "the end of the cancellation")
    assert platform.scalar("payment_db", "SELECT count(*) FROM payments WHERE order_id = %s", order["id"]) == 0


def test_only_administrators_make_coupons_and_wrong_fields_are_named(http, admin, coupon):
    assert http.post("/v1/admin/coupons", {"code": "X", "kind": "free_shipping"}).status_code in (401, 403)
    made = coupon(kind="free_shipping")
    refused(admin.post("/v1/admin/coupons", {"code": made["code"].lower(), "kind": "free_shipping"}), 409,
            "coupon.code_taken")
    refused(admin.post("/v1/admin/coupons", {"code": "a b", "kind": "free_shipping"}), 400, "request.invalid", "code")
    refused(admin.post("/v1/admin/coupons", {"code": "AB", "kind": "fixed", "currency": "USD"}), 400, "request.invalid",
            "amount")
    refused(admin.post("/v1/admin/coupons", {"code": "AB", "kind": "percent", "basis_points": 10001}), 400,
            "request.invalid", "basis_points")
    refused(admin.get(f"/v1/admin/coupons/{uuid.uuid4()}"), 404, "coupon.not_found")
    assert made["code"] in [c["code"] for c in ok(admin.get("/v1/admin/coupons", params={"limit": 100}), 200)["data"]]
