"""Promotions: what a cart gets without a code, which of several, how often, and who may make them."""

import uuid

import pytest
from support.client import ok, unique_email
from support.platform import wait_for
from support.shop import at_once, cents, refused, unique


@pytest.fixture
def promotion(admin):
    """Makes a promotion, which is archived after the test; always for some products only: the others are other tests'."""
    made = []

    def make(product_ids, **members):
        body = {"name": "Test", "kind": "percent", "product_ids": product_ids, **members}
        made.append(ok(admin.post("/v1/admin/promotions", body), 201))
        return made[-1]
    yield make
    for each in made:
        ok(admin.patch(f"/v1/admin/promotions/{each['id']}", {"is_active": False}), 200)


def quote_with(http, cart_id, promotions, **body):
    """The quote once every process knows of the promotions."""
    def known():
        quote = http.quote(cart_id, **body)
        ids = {each["id"] for each in quote["discounts"]}
        return quote if {each["id"] for each in promotions} <= ids else None
    return wait_for(known, 15, "the promotion on the quote")


def test_a_promotion_is_on_the_quote_and_on_the_order(platform, http, goods, admin, promotion):
    shoe, sock = goods.product(price=40.0), goods.product(price=10.0)
    made = promotion([shoe["product_id"]], name="Shoes", basis_points=2500)
    cart_id = http.cart_with((shoe["product_id"], 1), (sock["product_id"], 2))
    quote = quote_with(http, cart_id, [made])
    assert quote["discounts"] == [{"id": made["id"], "name": "Shoes", "amount": 10.0, "free_shipping": False}]
    lines = {item["product_id"]: item for item in quote["items"]}
    assert lines[shoe["product_id"]]["discounts"] == [{"id": made["id"], "amount": 10.0}]
    assert lines[sock["product_id"]]["discounts"] == [] and cents(lines[sock["product_id"]]["discount"]) == 0
    order = ok(http.checkout(cart_id), 201)
    for part in ("subtotal", "tax", "shipping_cost", "discount", "total"):
        assert order[part] == quote[part], part
    used = ok(admin.get(f"/v1/admin/promotions/{made['id']}"), 200)
    assert used["uses"] == 1
    assert cents(platform.scalar("order_db", "SELECT discount FROM coupon_uses WHERE order_id = %s", order["id"])) == 1000


def test_of_three_pieces_the_cheapest_is_free(http, goods, promotion):
    dear, cheap = goods.product(price=30.0)["product_id"], goods.product(price=12.5)["product_id"]
    made = promotion([dear, cheap], kind="buy_x_get_y", buy_quantity=2, get_quantity=1)
    quote = quote_with(http, http.cart_with((dear, 2), (cheap, 1)), [made])
    assert cents(quote["discount"]) == 1250
    lines = {item["product_id"]: cents(item["discount"]) for item in quote["items"]}
    assert lines == {dear: 0, cheap: 1250}
    assert http.quote(http.cart_with((dear, 2)))["discounts"] == []


def test_what_combines_adds_up_and_what_stands_alone_competes(http, goods, promotion):
    product_id = goods.product(price=100.0)["product_id"]
    both = [promotion([product_id], basis_points=1000, is_combinable=True, priority=1),
            promotion([product_id], kind="fixed", amount=20, currency="USD", is_combinable=True)]
    cart_id = http.cart_with((product_id, 1))
    quote = quote_with(http, cart_id, both)
    assert [each["id"] for each in quote["discounts"]] == [each["id"] for each in both]
    assert cents(quote["discount"]) == 3000
    alone = promotion([product_id], basis_points=3001)
    quote = quote_with(http, cart_id, [alone])
    assert cents(quote["discount"]) == 3001 and len(quote["discounts"]) == 1


def test_the_last_use_of_a_promotion_goes_to_one_of_thirty_customers(http, platform, goods, admin, promotion):
    product_id = goods.product(quantity=100)["product_id"]
    made = promotion([product_id], basis_points=500, max_uses=1)
    carts = [http.cart_with((product_id, 1)) for _ in range(30)]
    quote_with(http, carts[0], [made])
    replies = at_once(*[lambda cart_id=cart_id: platform.client().checkout(cart_id, email=unique_email("promotion"))
                        for cart_id in carts])
    orders = [reply.json() for reply in replies if reply.status_code == 201]
    assert [cents(order["discount"]) > 0 for order in orders].count(True) == 1
    for reply in replies:
        if reply.status_code != 201:
            refused(reply, 409, "promotion.used_up")
    assert ok(admin.get(f"/v1/admin/promotions/{made['id']}"), 200)["uses"] == 1
    # Who came too late still has the cart, and buys it without the promotion.
    late = [cart_id for cart_id, reply in zip(carts, replies) if reply.status_code == 409]
    for cart_id in late[:3]:
        wait_for(lambda cart_id=cart_id: http.quote(cart_id)["discounts"] == [], 15, "a quote without the promotion")
        assert cents(ok(http.checkout(cart_id), 201)["discount"]) == 0


def test_a_customer_gets_a_promotion_as_often_as_it_says(http, goods, promotion):
    product_id, email = goods.product(price=20.0)["product_id"], unique_email("once")
    made = promotion([product_id], basis_points=1000, max_uses_per_customer=1)
    first, second = http.cart_with((product_id, 1)), http.cart_with((product_id, 1))
    quote_with(http, first, [made])
    assert cents(ok(http.checkout(first, email=email), 201)["discount"]) == 200
    assert http.quote(second, email=email.upper())["discounts"] == []
    assert cents(http.quote(second)["discount"]) == 200, "nobody is known to have used it"
    assert cents(ok(http.checkout(second, email=email.upper()), 201)["discount"]) == 0


def test_a_declined_payment_gives_the_use_back(http, goods, admin, promotion):
    product_id = goods.product(price=20.0)["product_id"]
    made = promotion([product_id], basis_points=1000, max_uses=1)
    cart_id = http.cart_with((product_id, 1))
    quote_with(http, cart_id, [made])
    declined = http.checkout(cart_id, payment={"method": "card", "token": "tok_declined"})
    refused(declined, 402, "payment.declined")
    assert ok(admin.get(f"/v1/admin/promotions/{made['id']}"), 200)["uses"] == 0
    wait_for(lambda: http.quote(cart_id)["discounts"] != [], 15, "the promotion, free again")
    assert cents(ok(http.checkout(cart_id), 201)["discount"]) == 200


def test_a_coupon_and_a_promotion_are_combined_where_both_may_be(http, goods, admin, promotion):
    product_id = goods.product(price=100.0)["product_id"]
    made = promotion([product_id], basis_points=1000, is_combinable=True, priority=5)
    codes = {}
    for combinable in (True, False):
        codes[combinable] = f"T-{uuid.uuid4().hex[:12]}".upper()
        ok(admin.post("/v1/admin/coupons", {"code": codes[combinable], "kind": "percent", "basis_points": 1500,
                                            "category_ids": ["cat_test"], "is_combinable": combinable}), 201)
    cart_id = http.cart_with((product_id, 1))
    quote_with(http, cart_id, [made])
    ok(http.put(f"/v1/carts/{cart_id}/coupon", {"code": codes[True]}), 200)
    quote = http.quote(cart_id)
    assert cents(quote["discount"]) == 2350 and quote["coupon_code"] == codes[True]
    ok(http.put(f"/v1/carts/{cart_id}/coupon", {"code": codes[False]}), 200)
    quote = http.quote(cart_id)
    assert cents(quote["discount"]) == 1500 and len(quote["discounts"]) == 1


def test_only_administrators_make_promotions_and_wrong_fields_are_named(http, goods, admin, promotion):
    nothing = {"name": "X", "kind": "free_shipping", "product_ids": [unique("none")]}
    assert http.post("/v1/admin/promotions", nothing).status_code in (401, 403)
    refused(admin.post("/v1/admin/promotions", {**nothing, "code": "X"}), 400, "request.invalid", "code")
    refused(admin.post("/v1/admin/promotions", {"kind": "free_shipping"}), 400, "request.invalid", "name")
    refused(admin.post("/v1/admin/promotions", {**nothing, "kind": "buy_x_get_y"}), 400, "request.invalid",
            "buy_quantity")
    refused(admin.post("/v1/admin/promotions", {**nothing, "max_times": 1}), 400, "request.invalid", "max_times")
    refused(admin.post("/v1/admin/coupons", {"name": "X", "kind": "free_shipping"}), 400, "request.invalid", "code")
    made = promotion([unique("none")], basis_points=1)
    assert "code" not in made and made["is_active"] is True
    refused(admin.get(f"/v1/admin/coupons/{made['id']}"), 404, "coupon.not_found")
    refused(admin.get(f"/v1/admin/promotions/{uuid.uuid4()}"), 404, "promotion.not_found")
    found, cursor = [], None
    while True:
        page = ok(admin.get("/v1/admin/promotions", params={"limit": 2, **({"cursor": cursor} if cursor else {})}), 200)
        found += [each["id"] for each in page["data"]]
        cursor = page.get("next_cursor")
        if not page["has_more"]:
            break
    assert made["id"] in found and len(found) == len(set(found))
