"""Carts: concurrent writers, expiry, prices that change, merge after login, limits."""

import pytest
from support.client import ok
from support.platform import wait_for
from support.shop import at_once, cents, refused


def quantities(cart):
    return {(item["product_id"], item.get("variant_id")): item["quantity"] for item in cart["items"]}


def change_price(goods, http, document, price):
    """Gives the product another price and waits until the shop shows it."""
    goods.put({**document, "price": {"regular": price, "currency": "USD"}})
    wait_for(lambda: cents(http.product(document["product_id"])["price"]["regular"]) == cents(price),
             what="the new price")


def test_a_new_cart_is_empty_and_its_id_hard_to_guess(http):
    first, second = (ok(http.post("/v1/carts"), 201) for _ in range(2))
    assert first["items"] == [] and cents(first["subtotal"]) == 0 and first["currency"] == "USD"
    assert first["id"] != second["id"] and len(first["id"]) >= 22


def test_the_same_product_raises_the_quantity_of_its_line(http, goods):
    product = goods.product(price=12.5)
    cart_id = http.cart_with((product["product_id"], 2), (product["product_id"], 3))
    cart = http.cart(cart_id)
    (item,) = cart["items"]
    assert item["quantity"] == 5 and cents(item["price"]) == 1250 and cents(item["total"]) == 6250
    assert cents(cart["subtotal"]) == 6250 and item["available"] is True


def test_each_variant_has_a_line_and_its_own_price(http, goods):
    product = goods.with_variants(price=30.0)
    first, second = (variant["variant_id"] for variant in product["variants"])
    cart = http.cart(http.cart_with((product["product_id"], 1, first), (product["product_id"], 2, second)))
    assert quantities(cart) == {(product["product_id"], first): 1, (product["product_id"], second): 2}
    assert cents(cart["subtotal"]) == 3000 + 2 * 3500


def test_a_line_is_changed_and_removed(http, goods):
    product = goods.product(price=10.0)
    cart_id = http.cart_with(product["product_id"])
    item_id = http.cart(cart_id)["items"][0]["item_id"]
    changed = ok(http.patch(f"/v1/carts/{cart_id}/items/{item_id}", {"quantity": 7}), 200)
    assert changed["items"][0]["quantity"] == 7 and cents(changed["subtotal"]) == 7000
    assert ok(http.delete(f"/v1/carts/{cart_id}/items/{item_id}"), 200)["items"] == []
    refused(http.delete(f"/v1/carts/{cart_id}/items/{item_id}"), 404, "cart.item_not_found")


def test_a_deleted_cart_is_gone(http, goods):
    cart_id = http.cart_with(goods.product()["product_id"])
    assert http.delete(f"/v1/carts/{cart_id}").status_code == 204
    refused(http.get(f"/v1/carts/{cart_id}"), 404, "cart.not_found")


def test_writers_at_once_lose_no_item(platform, http):
    products = [product["product_id"] for product in http.products(limit=100) if not product["variants"]][:12]
    cart_id = http.new_cart()

    def put(product_id):
        client = platform.client()
        return lambda: client.add_item(cart_id, product_id)

    at_once(*(put(product_id) for product_id in products for _ in range(3)))
    assert quantities(http.cart(cart_id)) == {(product_id, None): 3 for product_id in products}


def test_writers_of_one_line_at_once_lose_no_piece(platform, http, goods):
    product_id = goods.product()["product_id"]
    cart_id = http.new_cart()
    clients = [platform.client() for _ in range(20)]
    at_once(*(lambda client=client: client.add_item(cart_id, product_id) for client in clients))
    assert quantities(http.cart(cart_id)) == {(product_id, None): 20}


def test_an_expired_cart_is_not_found_by_anybody(platform, http, goods):
    product_id = goods.product()["product_id"]
    cart_id = http.cart_with(product_id)
    assert platform.redis.delete(f"cart:session:{cart_id}") == 1
    refused(http.get(f"/v1/carts/{cart_id}"), 404, "cart.not_found")
    refused(http.post(f"/v1/carts/{cart_id}/items", {"product_id": product_id, "quantity": 1}), 404, "cart.not_found")
    refused(http.post(f"/v1/carts/{cart_id}/quote", {"shipping_method": "standard"}), 404, "cart.not_found")
    refused(http.checkout(cart_id), 404, "cart.not_found")


def test_a_price_changed_since_it_was_put_in_is_shown_and_asked_again(http, goods):
    document = goods.product(price=20.0)
    cart_id = http.cart_with((document["product_id"], 2))
    expected = http.quote(cart_id)["total"]
    change_price(goods, http, document, 24.0)

    (item,) = http.cart(cart_id)["items"]
    assert cents(item["price"]) == 2400 and cents(item["old_price"]) == 2000 and cents(item["total"]) == 4800
    quote = http.quote(cart_id)
    assert cents(quote["subtotal"]) == 4800 and cents(quote["total"]) != cents(expected)
    refused(http.checkout(cart_id, expected_total=expected), 422, "cart.price_changed")
    order = ok(http.checkout(cart_id, expected_total=quote["total"]), 201)
    assert cents(order["subtotal"]) == 4800 and cents(order["items"][0]["unit_price"]) == 2400


def test_a_product_that_is_no_longer_sold_is_shown_so_and_not_bought(http, goods):
    document = goods.product()
    cart_id = http.cart_with(document["product_id"])
    goods.put({**document, "status": "inactive"})
    wait_for(lambda: http.get(f"/v1/products/{document['product_id']}").status_code == 404, what="the change")
    (item,) = http.cart(cart_id)["items"]
    assert item["available"] is False
    response = http.checkout(cart_id)
    assert response.status_code in (409, 422), response.text
    assert response.json()["code"] == "cart.product_unavailable"


def test_a_quote_adds_up(http, goods):
    cart_id = http.cart_with((goods.product(price=33.33)["product_id"], 3))
    for method in ("standard", "express"):
        quote = http.quote(cart_id, shipping_method=method)
        assert cents(quote["subtotal"]) == 9999
        assert cents(quote["total"]) == (cents(quote["subtotal"]) + cents(quote["tax"])
                                         + cents(quote["shipping_cost"]) - cents(quote["discount"]))
        assert quote["shipping_method"] == method
        options = {option["id"]: cents(option["cost"]) for option in quote["shipping_options"]}
        assert set(options) >= {"standard", "express"} and options[method] == cents(quote["shipping_cost"])
        (item,) = quote["items"]
        assert item["quantity"] == 3 and cents(item["total_price"]) == 9999


def test_a_guests_cart_is_merged_into_the_customers_own_once(http, goods):
    both, guests, own = (goods.product()["product_id"] for _ in range(3))
    cart_id = http.cart_with((both, 2), guests)
    http.register()
    http.add_item("me", both, 3)
    http.add_item("me", own)

    merged = ok(http.post("/v1/carts/me/merge", {"from_cart_id": cart_id}), 200)
    assert quantities(merged) == {(both, None): 5, (guests, None): 1, (own, None): 1}
    refused(http.get(f"/v1/carts/{cart_id}"), 404, "cart.not_found")
    refused(http.post("/v1/carts/me/merge", {"from_cart_id": cart_id}), 404, "cart.not_found")
    assert quantities(http.cart("me")) == quantities(merged)


def test_a_customers_own_cart_outlives_the_session(http, goods):
    product_id = goods.product()["product_id"]
    email = http.register()
    http.add_item("me", product_id)
    http.post("/v1/auth/logout", {})
    http.token = None
    http.login(email)
    assert quantities(http.cart("me")) == {(product_id, None): 1}


def test_the_own_cart_needs_a_customer(http):
    refused(http.get("/v1/carts/me"), 401, "auth.required")


@pytest.mark.parametrize("quantity", [999, 500])
def test_a_line_holds_at_most_999_pieces(http, goods, quantity):
    product_id = goods.product(price=0.01)["product_id"]
    cart_id = http.cart_with((product_id, quantity))
    refused(http.post(f"/v1/carts/{cart_id}/items", {"product_id": product_id, "quantity": quantity}),
            422, "cart.quantity_limit")
    assert quantities(http.cart(cart_id)) == {(product_id, None): quantity}


def test_an_unchanged_cart_is_not_sent_twice(http, goods):
    cart_id = http.cart_with(goods.product()["product_id"])
    first = http.get(f"/v1/carts/{cart_id}")
    assert http.get(f"/v1/carts/{cart_id}", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
