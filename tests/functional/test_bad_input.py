"""Bad input: each case with its status, problem document, stable code and field."""

import json
import uuid

import pytest
from support.client import ADDRESS, checkout_body, ok, unique_email
from support.platform import wait_for
from support.shop import at_once, orders_of, payments, refused, stock, unique

ITEM = {"product_id": "anything", "quantity": 1}
HOSTILE = {"role": "admin", "status": "paid", "total": 1, "user_id": str(uuid.uuid4()), "is_admin": True}


def without(body, *path):
    """A deep copy of the body without one member."""
    copy = json.loads(json.dumps(body))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return copy


def raw(http, path, data, content_type="application/json", **headers):
    return http.request("POST", path, data=data, headers={"Content-Type": content_type, **headers})


@pytest.fixture
def cart_id(http):
    return http.new_cart()


# --- single fields ---------------------------------------------------------------------------------


@pytest.mark.parametrize("item, field, code", [
    ({**ITEM, "colour": "red"}, "colour", "unknown"),
    ({**ITEM, "price": 0.01}, "price", "unknown"),
    ({**ITEM, "quantity": "two"}, "quantity", "type"),
    ({**ITEM, "quantity": None}, "quantity", "missing"),
    ({**ITEM, "quantity": True}, "quantity", "type"),
    ({**ITEM, "quantity": [1]}, "quantity", "type"),
    ({**ITEM, "product_id": 7}, "product_id", "type"),
    ({**ITEM, "variant_id": {}}, "variant_id", "type"),
    ({"product_id": "anything"}, "quantity", "missing"),
    ({"quantity": 1}, "product_id", "missing"),
    ({}, "product_id", "missing"),
    ({**ITEM, "quantity": 0}, "quantity", "range"),
    ({**ITEM, "quantity": -1}, "quantity", "range"),
    ({**ITEM, "quantity": 1000}, "quantity", "range"),
    ({**ITEM, "quantity": 1.5}, "quantity", "type"),
    ({**ITEM, "quantity": 2**63}, "quantity", "range"),
    ({**ITEM, "quantity": -2**63 - 1}, "quantity", "range"),
    ({**ITEM, "product_id": ""}, "product_id", "length"),
    ({**ITEM, "product_id": "x" * 51}, "product_id", "length"),
    ({**ITEM, "product_id": "nul\u0000"}, "product_id", "value"),
])
def test_a_wrong_item_is_refused_by_the_name_of_its_field(http, cart_id, item, field, code):
    problem = refused(http.post(f"/v1/carts/{cart_id}/items", item), 400, "request.invalid", field)
    codes = [error["code"] for error in problem["errors"] if error["field"] == field]
    # null is as good as absent to some decoders and a wrong type to others; either is an honest answer
    assert codes == [code] or (code == "missing" and item.get(field, 0) is None and codes == ["type"])
    assert http.cart(cart_id)["items"] == []


def test_every_wrong_field_is_named_at_once(http, cart_id):
    problem = refused(http.post(f"/v1/carts/{cart_id}/items", {"quantity": 0, "colour": 1}), 400, "request.invalid")
    assert {error["field"] for error in problem["errors"]} == {"product_id", "quantity", "colour"}


@pytest.mark.parametrize("field", ["shipping_method", "payment", "payment.method", "shipping_address.full_name",
                                   "shipping_address.phone", "shipping_address.address_line1",
                                   "shipping_address.city", "shipping_address.country"])
def test_a_checkout_without_a_required_field_names_it_by_its_path(http, goods, field):
    cart_id = http.cart_with(goods.product()["product_id"])
    body = without(checkout_body(), *field.split("."))
    response = http.post(f"/v1/carts/{cart_id}/checkout", body, headers={"Idempotency-Key": str(uuid.uuid4())})
    refused(response, 400, "request.invalid", field, "missing")


@pytest.mark.parametrize("changes, field, code", [
    ({"payment": {"method": "gold"}}, "payment.method", "value"),
    ({"payment": {"method": "card", "card_number": "4111111111111111"}}, "payment.card_number", "unknown"),
    ({"shipping_address": {**ADDRESS, "country": "USA"}}, "shipping_address.country", "length"),
    ({"shipping_address": {**ADDRESS, "planet": "Mars"}}, "shipping_address.planet", "unknown"),
    ({"shipping_address": "at home"}, "shipping_address", "type"),
    ({"shipping_address_id": "not-a-uuid"}, "shipping_address_id", "format"),
    ({"expected_total": "12"}, "expected_total", "type"),
    ({"expected_total": 12.345}, "expected_total", "value"),
    ({"expected_total": 1e300}, "expected_total", None),
    ({"notes": "x" * 2001}, "notes", "length"),
    ({"total": 0.01}, "total", "unknown"),
    ({"items": []}, "items", "unknown"),
])
def test_a_wrong_checkout_names_the_field_by_its_path(http, goods, changes, field, code):
    cart_id = http.cart_with(goods.product()["product_id"])
    refused(http.checkout(cart_id, **changes), 400, "request.invalid", field, code)


@pytest.mark.parametrize("changes, statuses", [
    ({"shipping_method": "by_pigeon"}, (400, 422)),
    ({"shipping_address": {**ADDRESS, "country": "ZZ"}}, (400, 422)),
    ({"email": None}, (400, 422)),
    ({"email": "not an address"}, (400, 422)),
    ({"shipping_address": None}, (400, 422)),
    ({"payment": {"method": "card"}}, (400, 422)),
    ({"payment": {"method": "card", "gateway": "piggybank", "token": "tok_success"}}, (400, 422)),
    ({"shipping_address": None, "shipping_address_id": str(uuid.uuid4())}, (401, 404, 422)),
])
def test_a_checkout_that_no_rule_allows_is_refused_and_holds_nothing(platform, http, goods, changes, statuses):
    product_id = goods.product(quantity=3)["product_id"]
    response = http.checkout(http.cart_with(product_id), **changes)
    assert response.status_code in statuses, response.text
    refused(response, response.status_code, response.json()["code"])
    assert "." in response.json()["code"]
    assert stock(platform, product_id) == (3, 0)


# --- products that cannot be put into a cart -----------------------------------------------------------


def test_an_unknown_product_is_not_found(http, cart_id):
    refused(http.post(f"/v1/carts/{cart_id}/items", {"product_id": unique("no"), "quantity": 1}),
            404, "catalog.product_not_found")


def test_an_unknown_variant_and_one_of_another_product_are_refused(http, cart_id, goods):
    product, other = goods.with_variants(), goods.with_variants()
    for variant_id in (unique("no"), other["variants"][0]["variant_id"]):
        item = {"product_id": product["product_id"], "variant_id": variant_id, "quantity": 1}
        refused(http.post(f"/v1/carts/{cart_id}/items", item), 422, "catalog.variant_not_found")


def test_a_product_with_variants_needs_one_named(http, cart_id, goods):
    item = {"product_id": goods.with_variants()["product_id"], "quantity": 1}
    refused(http.post(f"/v1/carts/{cart_id}/items", item), 422, "catalog.variant_required")


def test_an_inactive_product_cannot_be_put_into_a_cart(http, cart_id, goods):
    item = {"product_id": goods.product(status="inactive")["product_id"], "quantity": 1}
    response = http.post(f"/v1/carts/{cart_id}/items", item)
    assert response.status_code in (404, 422), response.text
    refused(response, response.status_code, ("cart.product_unavailable", "catalog.product_not_found"))


def test_an_empty_cart_is_not_bought(http, cart_id):
    refused(http.checkout(cart_id), 409, "cart.empty")


def test_a_cart_that_never_was_is_not_found(http):
    for cart_id in (unique("cart"), "a:b", "%2e%2e%2fme", "*"):
        refused(http.get(f"/v1/carts/{cart_id}"), 404, "cart.not_found")


def test_more_than_there_is_in_stock_is_refused_by_line(platform, http, goods):
    plenty, short = goods.product(quantity=50)["product_id"], goods.product(quantity=2)["product_id"]
    problem = refused(http.checkout(http.cart_with((plenty, 5), (short, 3))), 409, "inventory.insufficient_stock")
    assert [error["field"] for error in problem["errors"]] == ["items[1]"]
    assert stock(platform, plenty) == (50, 0) and stock(platform, short) == (2, 0)


# --- the request itself --------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b'{"product_id": "a", ', b"product_id=a", b'{"quantity": 01}', b"\x00", b'{"a":1} {"b":2}',
                                  b'{"product_id": "\\ud800", "quantity": 1}', b"'", b"[" * 5000])
def test_malformed_json_is_refused(http, cart_id, body):
    response = raw(http, f"/v1/carts/{cart_id}/items", body)
    refused(response, 400, ("request.malformed", "request.invalid"))


@pytest.mark.parametrize("body", [b"", b"null", b"7", b'"text"', b"[]"])
def test_a_body_that_is_no_object_is_refused(http, cart_id, body):
    refused(raw(http, f"/v1/carts/{cart_id}/items", body), 400, ("request.malformed", "request.invalid"))


@pytest.mark.parametrize("bad", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82"])
def test_invalid_utf_8_is_refused(http, cart_id, bad):
    body = b'{"product_id": "' + bad + b'", "quantity": 1}'
    refused(raw(http, f"/v1/carts/{cart_id}/items", body), 400, "request.malformed")


def test_a_deeply_nested_body_is_refused(http, cart_id):
    body = b'{"product_id": ' + b'{"a":' * 200 + b"1" + b"}" * 200 + b', "quantity": 1}'
    refused(raw(http, f"/v1/carts/{cart_id}/items", body), 400, ("request.malformed", "request.invalid"))


def test_a_field_given_twice_is_refused(http, cart_id):
    body = b'{"product_id": "a", "quantity": 1, "quantity": 2}'
    refused(raw(http, f"/v1/carts/{cart_id}/items", body), 400, "request.invalid", "quantity", "duplicate")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_another_content_type_is_refused(http, cart_id, content_type):
    body = json.dumps(ITEM).encode()
    refused(raw(http, f"/v1/carts/{cart_id}/items", body, content_type), 415, "request.unsupported_media_type")


def test_a_body_that_is_too_large_is_refused(http, cart_id):
    body = json.dumps({**ITEM, "variant_id": "x" * 70_000}).encode()
    refused(raw(http, f"/v1/carts/{cart_id}/items", body), 413, "request.too_large")


def test_a_url_that_is_too_long_is_refused(http):
    refused(http.get("/v1/products", params={"brand": "x" * 9000}), 414, "request.url_too_long")


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", "/v2/products", "/v1/products/a/b/c", "/v1//products",
                                  "/v1/products/../categories/x/y", "/admin", "/v1/admin/nothing-at-all"])
def test_an_unknown_route_is_not_found(http, path):
    refused(http.get(path), 404, "route.not_found")


@pytest.mark.parametrize("method, path, allowed", [
    ("DELETE", "/v1/products", "GET"), ("PUT", "/v1/carts", "POST"), ("POST", "/v1/search", "GET"),
    ("PATCH", "/v1/auth/login", "POST"), ("POST", "/v1/products/x", "GET"),
])
def test_a_wrong_method_is_told_the_right_ones(http, method, path, allowed):
    response = http.request(method, path)
    refused(response, 405, "route.method_not_allowed")
    assert allowed in [each.strip() for each in response.headers["Allow"].split(",")]


# --- checkouts that get in each other's way ------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "", "x" * 256])
def test_a_checkout_needs_a_key_of_the_right_length(http, goods, key):
    cart_id = http.cart_with(goods.product()["product_id"])
    headers = {} if key is None else {"Idempotency-Key": key}
    response = http.post(f"/v1/carts/{cart_id}/checkout", checkout_body(), headers=headers)
    assert response.status_code == 400 and response.json()["code"].startswith("idempotency.key_"), response.text


def test_the_same_key_with_another_body_is_refused(platform, http, goods):
    product_id = goods.product(quantity=5)["product_id"]
    cart_id, key, body = http.cart_with(product_id), str(uuid.uuid4()), checkout_body()
    order = ok(http.checkout(cart_id, key, **body), 201)
    refused(http.checkout(cart_id, key, **{**body, "shipping_method": "express"}), 422, "idempotency.body_mismatch")
    wait_for(lambda: stock(platform, product_id) == (4, 0), what="the sale")
    assert len(payments(platform, order["id"])) == 1


def test_two_checkouts_of_one_cart_at_once_make_one_order(platform, http, goods):
    product_id = goods.product(quantity=10)["product_id"]
    cart_id, email = http.cart_with((product_id, 2)), unique_email()
    clients = [platform.client() for _ in range(2)]
    replies = at_once(*(lambda client=client: client.checkout(cart_id, email=email) for client in clients))
    (won,) = [reply for reply in replies if reply.status_code == 201]
    (lost,) = [reply for reply in replies if reply is not won]
    refused(lost, 409, ("checkout.cart_in_checkout", "checkout.in_progress", "cart.empty"))
    assert [str(order["id"]) for order in orders_of(platform, email)] == [won.json()["id"]]
    wait_for(lambda: stock(platform, product_id) == (8, 0), what="the sale")


@pytest.mark.parametrize("customers", [2, 10])
def test_the_last_item_is_bought_by_one_of_several_customers_at_once(platform, goods, customers):
    product_id = goods.product(quantity=1)["product_id"]
    clients = [platform.client() for _ in range(customers)]
    carts = [client.cart_with(product_id) for client in clients]
    replies = at_once(*(lambda client=client, cart=cart: client.checkout(cart)
                        for client, cart in zip(clients, carts, strict=True)))
    assert sorted(reply.status_code for reply in replies) == [201] + [409] * (customers - 1)
    for reply in replies:
        if reply.status_code == 409:
            refused(reply, 409, "inventory.insufficient_stock", "items[0]")
    wait_for(lambda: stock(platform, product_id) == (0, 0), what="the sale")


def test_a_foreign_order_is_not_found(platform, http, goods):
    order = http.buy(goods.product()["product_id"])
    stranger = platform.client()
    refused(stranger.order(order["id"]), 404, "order.not_found")
    refused(stranger.post(f"/v1/orders/{order['id']}/cancel", headers={"Idempotency-Key": "k"}), 404, "order.not_found")
    stranger.register()
    refused(stranger.order(order["id"]), 404, "order.not_found")
    for order_id in (str(uuid.uuid4()), "1", "0" * 36):
        assert stranger.order(order_id).status_code in (400, 404)


# --- members that nobody may set --------------------------------------------------------------------------


def writes(document):
    """(method, path) of every operation that takes a JSON body."""
    return [(method.upper(), path) for path, operations in sorted(document["paths"].items())
            for method, operation in operations.items() if isinstance(operation, dict) and "requestBody" in operation]


def test_no_body_takes_hostile_members(http):
    http.register()
    document = ok(http.get("/openapi.json"), 200)
    routes = writes(document)
    assert len(routes) >= 8
    for method, path in routes:
        target = path
        while "{" in target:
            target = target[:target.index("{")] + str(uuid.uuid4()) + target[target.index("}") + 1:]
        response = http.request(method, target, json=HOSTILE, headers={"Idempotency-Key": str(uuid.uuid4())})
        assert response.status_code in (400, 403, 404), f"{method} {path}: {response.status_code} {response.text}"
        if response.status_code == 400 and response.json()["code"] == "request.invalid":
            unknown = {e["field"] for e in response.json()["errors"] if e["code"] == "unknown"}
            assert "role" in unknown or "total" in unknown, f"{method} {path}: {response.text}"


def test_nobody_registers_as_an_administrator(platform, http):
    body = {"email": unique_email(), "password": "correct horse battery", "first_name": "A", "last_name": "B"}
    refused(http.post("/v1/auth/register", {**body, "role": "admin"}), 400, "request.invalid", "role", "unknown")
    assert platform.sql("user_db", "SELECT 1 FROM users WHERE email = %s", body["email"]) == []


@pytest.mark.parametrize("member, value", [("role", "admin"), ("status", "active"), ("is_email_verified", True),
                                           ("id", str(uuid.uuid4())), ("email", "other@example.com")])
def test_a_customer_cannot_change_what_is_not_theirs_to_change(http, member, value):
    http.register()
    refused(http.patch("/v1/me", {member: value}), 400, "request.invalid", member, "unknown")
