"""Buying: guests and customers, the books behind an order, idempotency, payment outcomes, cancellation."""

import re
import uuid

import pytest
from support import simulator
from support.client import ADDRESS, checkout_body, ok, unique_email
from support.platform import wait_for
from support.shop import at_once, cents, ledger, orders_of, payments, refused, reservations, stock


def pay(token, method="card"):
    return {"method": method, "token": token}


def history(order):
    return [change["status"] for change in order["status_history"]]


def settled(platform, order_id):
    """Waits until what follows the order is done: the sale, the message, the saga."""
    wait_for(lambda: set(reservations(platform, order_id)) == {"completed"}, what="the sale")
    wait_for(lambda: platform.scalar("order_db", "SELECT finished_at IS NOT NULL FROM checkout_sagas WHERE id = %s",
                                     order_id), what="the end of the saga")


# --- an order and its books ------------------------------------------------------------------------------


def test_a_guest_gets_an_order_with_number_items_addresses_and_history(http, goods):
    product = goods.with_variants(price=40.0)
    variant = product["variants"][1]
    email = unique_email("guest")
    billing = {**ADDRESS, "full_name": "Charles Babbage", "address_line2": "2nd floor"}
    cart_id = http.cart_with((product["product_id"], 2, variant["variant_id"]))
    quote = http.quote(cart_id)
    order = ok(http.checkout(cart_id, email=email, billing_address=billing, notes="Ring twice."), 201)

    assert order["order_number"] and order["email"] == email and order["notes"] == "Ring twice."
    assert uuid.UUID(order["id"]).version == 7 and uuid.UUID(order["user_id"])
    assert order["status"] == "confirmed" and order["payment_status"] == "paid"
    assert order["payment_method"] == "card" and order["shipping_method"] == "standard"
    for part in ("subtotal", "tax", "shipping_cost", "discount", "total", "currency"):
        assert order[part] == quote[part], part
    (item,) = order["items"]
    assert (item["product_id"], item["variant_id"], item["product_sku"], item["quantity"]) == (
        product["product_id"], variant["variant_id"], variant["sku"], 2)
    assert (item["size"], item["color"]) == (variant["size"], variant["color"])
    assert cents(item["unit_price"]) == 4500 and cents(item["total_price"]) == 9000
    assert product["name"] in item["product_name"]
    assert {name: order["shipping_address"][name] for name in ADDRESS} == ADDRESS
    assert {name: order["billing_address"][name] for name in billing} == billing
    assert history(order)[-1] == "confirmed" and order["confirmed_at"]
    assert len(order["access_token"]) >= 22


def test_an_order_leaves_its_trace_in_every_database(platform, http, goods):
    product_id = goods.product(quantity=10, price=60.0)["product_id"]
    email = unique_email("books")
    cart_id = http.cart_with((product_id, 3))
    order = ok(http.checkout(cart_id, email=email), 201)
    settled(platform, order["id"])

    (row,) = orders_of(platform, email)
    assert (str(row["id"]), row["order_number"], row["status"]) == (order["id"], order["order_number"], "confirmed")
    assert cents(row["total"]) == cents(row["subtotal"] + row["tax"] + row["shipping_cost"] - row["discount"])
    addresses = platform.sql("order_db", "SELECT id, address_type FROM order_addresses WHERE order_id = %s", order["id"])
    assert {str(row["shipping_address_id"]), str(row["billing_address_id"])} <= {str(a["id"]) for a in addresses}
    assert {address["address_type"] for address in addresses} == {"shipping", "billing"}
    assert platform.scalar("order_db", "SELECT count(*) FROM order_items WHERE order_id = %s", order["id"]) == 1
    assert platform.scalar("order_db", "SELECT count(*) FROM outbox_events WHERE key = %s AND type = 'order.confirmed'",
                           order["id"]) == 1

    (payment,) = payments(platform, order["id"])
    assert (payment["status"], payment["payment_method"], payment["payment_gateway"]) == ("succeeded", "card", "simulator")
    assert cents(payment["amount"]) == cents(order["total"]) and payment["currency"] == order["currency"]
    assert payment["succeeded_at"] and payment["gateway_payment_id"]
    (charge,) = simulator.charges(platform, order["id"])
    assert cents(charge["amount"]) == cents(order["total"])

    assert stock(platform, product_id) == (7, 0)
    assert ledger(platform, product_id)[0] == ("restock", 10)
    assert sorted(ledger(platform, product_id)[1:]) == sorted([("reservation", 3), ("sale", -3)]) or \
        sorted(ledger(platform, product_id)[1:]) == sorted([("reservation", 3), ("release", -3), ("sale", -3)])

    def messages():
        return platform.sql("notification_db", "SELECT * FROM notifications WHERE subject_id = %s", order["id"])

    (message,) = wait_for(messages, what="the message to the customer")
    assert (message["kind"], message["channel"], message["recipient"]) == ("order.confirmed", "email", email)
    wait_for(lambda: http.get(f"/v1/carts/{cart_id}").status_code == 404 or http.cart(cart_id)["items"] == [],
             what="the emptied cart")


def test_order_numbers_are_not_given_twice(http, goods):
    product_id = goods.product(price=5.0)["product_id"]
    numbers = {http.buy(product_id)["order_number"] for _ in range(5)}
    assert len(numbers) == 5


def test_a_customer_buys_with_a_saved_address_and_finds_the_order(http, goods):
    email = http.register()
    address = ok(http.post("/v1/me/addresses", {**ADDRESS, "city": "Oakland"}), 201)
    http.add_item("me", goods.product()["product_id"], 2)
    order = ok(http.checkout("me", email=None, shipping_address=None, shipping_address_id=address["id"]), 201)
    assert order["email"] == email and order["shipping_address"]["city"] == "Oakland"
    assert order["user_id"] == ok(http.get("/v1/me"), 200)["id"]
    assert ok(http.order(order["id"]), 200)["order_number"] == order["order_number"]
    assert [each["id"] for each in ok(http.get("/v1/me/orders"), 200)["data"]] == [order["id"]]
    wait_for(lambda: http.cart("me")["items"] == [], what="the emptied cart")
    # The order keeps what was written when it was made.
    ok(http.patch(f"/v1/me/addresses/{address['id']}", {"city": "Elsewhere"}), 200)
    assert ok(http.order(order["id"]), 200)["shipping_address"]["city"] == "Oakland"


def test_what_is_put_into_the_cart_during_a_purchase_stays_in_it(platform, http, goods):
    bought, late = goods.product()["product_id"], goods.product()["product_id"]
    cart_id = http.cart_with(bought)
    other = platform.client()
    reply, added = at_once(lambda: http.checkout(cart_id),
                           lambda: other.post(f"/v1/carts/{cart_id}/items", {"product_id": late, "quantity": 1}))
    order = ok(reply, 201)
    settled(platform, order["id"])
    bought_late = late in [item["product_id"] for item in order["items"]]
    still_there = added.status_code == 200 and late in [
        item["product_id"] for item in http.get(f"/v1/carts/{cart_id}").json().get("items", [])]
    assert added.status_code in (200, 404)
    assert added.status_code == 404 or bought_late != still_there


# --- idempotency ------------------------------------------------------------------------------------------


def test_the_same_key_gives_the_same_order_again(platform, http, goods):
    product_id = goods.product(quantity=5)["product_id"]
    cart_id, key, body = http.cart_with(product_id), str(uuid.uuid4()), checkout_body()
    first = ok(http.checkout(cart_id, key, **body), 201)
    for _ in range(3):
        assert ok(http.checkout(cart_id, key, **body), 201) == first
    settled(platform, first["id"])
    assert stock(platform, product_id) == (4, 0)
    assert len(simulator.charges(platform, first["id"])) == 1


def test_the_same_key_at_the_same_time_makes_one_order(platform, http, goods):
    product_id = goods.product(quantity=5)["product_id"]
    cart_id, key, body = http.cart_with(product_id), str(uuid.uuid4()), checkout_body()
    clients = [platform.client() for _ in range(6)]
    replies = at_once(*(lambda client=client: client.checkout(cart_id, key, **body) for client in clients))
    for reply in replies:
        assert reply.status_code in (201, 409), reply.text
        if reply.status_code == 409:
            refused(reply, 409, ("checkout.in_progress", "idempotency.in_progress"))
            assert int(reply.headers["Retry-After"]) >= 1
    made = {reply.json()["id"] for reply in replies if reply.status_code == 201}
    assert len(made) == 1 and [str(o["id"]) for o in orders_of(platform, body["email"])] == list(made)
    assert stock(platform, product_id) == (4, 0)


def test_another_caller_may_use_the_same_key(platform, goods):
    product_id, key = goods.product()["product_id"], str(uuid.uuid4())
    clients = [platform.client() for _ in range(2)]
    orders = {ok(client.checkout(client.cart_with(product_id), key), 201)["id"] for client in clients}
    assert len(orders) == 2


# --- payments ---------------------------------------------------------------------------------------------


def test_a_declined_payment_gives_the_stock_back_and_a_new_key_may_try_again(platform, http, goods):
    product_id = goods.product(quantity=2)["product_id"]
    cart_id, key, email = http.cart_with((product_id, 2)), str(uuid.uuid4()), unique_email()
    body = checkout_body(email=email, payment=pay(simulator.DECLINE))
    problem = refused(http.checkout(cart_id, key, **body), 402, "payment.declined")
    wait_for(lambda: stock(platform, product_id) == (2, 0), what="the released stock")
    assert orders_of(platform, email) == []
    again = refused(http.checkout(cart_id, key, **body), 402, "payment.declined")
    assert again["detail"] == problem["detail"]
    assert len(http.cart(cart_id)["items"]) == 1

    order = ok(http.checkout(cart_id, str(uuid.uuid4()), **{**body, "payment": pay(simulator.SUCCESS)}), 201)
    settled(platform, order["id"])
    assert stock(platform, product_id) == (0, 0)
    assert [row["status"] for row in payments(platform, order["id"])] == ["succeeded"]


def waiting_checkout(http, product_id, **changes):
    """A checkout that waits for its customer: (cart id, key, body, the checkout)."""
    cart_id, key = http.cart_with(product_id), str(uuid.uuid4())
    body = checkout_body(payment=pay(simulator.REQUIRES_ACTION), **changes)
    checkout = ok(http.checkout(cart_id, key, **body), 202)["checkout"]
    assert checkout["status"] == "requires_action" and checkout["next_action"]["type"]
    return cart_id, key, body, checkout


def owner(checkout):
    return {"X-Order-Token": checkout["access_token"]}


def come_back(http, checkout):
    """The customer returns, and looks until the checkout is over: the gateway's word may have been quicker."""
    path = f"/v1/checkouts/{checkout['id']}/return"
    return wait_for(lambda: (state := ok(http.get(path, headers=owner(checkout)), 200))["status"]
                    not in ("requires_action", "processing") and state, what="the end of the checkout")


def test_a_payment_that_needs_the_customer_becomes_an_order_once_approved(platform, http, goods):
    product_id = goods.product(quantity=4)["product_id"]
    cart_id, key, body, checkout = waiting_checkout(http, product_id)
    assert stock(platform, product_id) == (4, 1)
    refused(http.order(checkout["id"], checkout["access_token"]), 404, "order.not_found")
    state = ok(http.get(f"/v1/checkouts/{checkout['id']}", headers=owner(checkout)), 200)
    assert state["status"] == "requires_action"

    simulator.approve(http, checkout)
    assert come_back(http, checkout)["status"] == "completed"
    order = ok(http.order(checkout["id"], checkout["access_token"]), 200)
    assert order["id"] == checkout["id"] and order["status"] == "confirmed"
    settled(platform, order["id"])
    assert stock(platform, product_id) == (3, 0)
    assert len(simulator.charges(platform, order["id"])) == 1
    assert ok(http.get(f"/v1/checkouts/{checkout['id']}", headers=owner(checkout)), 200)["status"] == "completed"
    assert ok(http.checkout(cart_id, key, **body), 201)["id"] == order["id"]


def test_a_payment_that_the_customer_refuses_ends_the_checkout(platform, http, goods):
    product_id = goods.product(quantity=4)["product_id"]
    cart_id, key, body, checkout = waiting_checkout(http, product_id)
    simulator.approve(http, checkout, approved=False)
    state = come_back(http, checkout)
    assert state["status"] in ("declined", "cancelled") and state["failure_code"]
    refused(http.checkout(cart_id, key, **body), 402, ("payment.declined", "checkout.cancelled"))
    wait_for(lambda: stock(platform, product_id) == (4, 0), what="the released stock")
    assert orders_of(platform, body["email"]) == []
    assert simulator.charges(platform, checkout["id"]) == []


def test_a_checkout_is_shown_to_its_owner_only(platform, http, goods):
    _, _, _, checkout = waiting_checkout(http, goods.product()["product_id"])
    stranger = platform.client()
    refused(stranger.get(f"/v1/checkouts/{checkout['id']}"), 404, "checkout.not_found")
    stranger.register()
    refused(stranger.get(f"/v1/checkouts/{checkout['id']}"), 404, "checkout.not_found")


@pytest.mark.parametrize("token", simulator.FAULTS)
def test_a_gateway_whose_answer_is_lost_or_late_charges_once(platform, http, goods, token):
    product_id = goods.product(quantity=4)["product_id"]
    cart_id, key = http.cart_with(product_id), str(uuid.uuid4())
    body = checkout_body(payment=pay(token))

    def answered():
        reply = http.checkout(cart_id, key, **body)
        assert reply.status_code in (201, 202, 409), reply.text
        return reply.json() if reply.status_code == 201 else None

    order = wait_for(answered, 90, "the order of a payment whose outcome was unknown")
    settled(platform, order["id"])
    assert [str(row["id"]) for row in orders_of(platform, body["email"])] == [order["id"]]
    assert len(simulator.charges(platform, order["id"])) == 1
    assert [row["status"] for row in payments(platform, order["id"])] == ["succeeded"]
    assert stock(platform, product_id) == (3, 0)


def test_cash_on_delivery_is_paid_later(platform, http, goods):
    product_id = goods.product(quantity=4)["product_id"]
    order = http.buy(product_id, payment={"method": "cod"})
    settled(platform, order["id"])
    assert (order["status"], order["payment_method"], order["payment_status"]) == ("confirmed", "cod", "pending")
    (payment,) = payments(platform, order["id"])
    assert (payment["payment_gateway"], payment["status"]) == (None, "pending")
    assert simulator.charges(platform, order["id"]) == []
    assert stock(platform, product_id) == (3, 0)


@pytest.mark.parametrize("method", ["upi", "wallet"])
def test_the_other_ways_to_pay_work_too(http, goods, method):
    order = http.buy(goods.product()["product_id"], payment=pay(simulator.SUCCESS, method))
    assert (order["payment_method"], order["payment_status"]) == (method, "paid")


# --- the owner's order ----------------------------------------------------------------------------------


def test_an_order_is_read_with_its_token_and_by_nobody_else(platform, http, goods):
    order = http.buy(goods.product()["product_id"])
    other = http.buy(goods.product()["product_id"])
    reader = platform.client()
    assert ok(reader.order(order["id"], order["access_token"]), 200)["order_number"] == order["order_number"]
    for token in (None, other["access_token"], order["access_token"][:-1] + "_"):
        response = reader.order(order["id"], token)
        refused(response, 404, "order.not_found")


def test_a_customers_order_is_read_by_that_customer_only(platform, http, goods):
    http.register()
    http.add_item("me", goods.product()["product_id"])
    order = ok(http.checkout("me", email=None), 201)
    stranger = platform.client()
    refused(stranger.order(order["id"]), 404, "order.not_found")
    stranger.register()
    refused(stranger.order(order["id"]), 404, "order.not_found")
    assert ok(stranger.get("/v1/me/orders"), 200)["data"] == []
    assert ok(http.order(order["id"]), 200)["id"] == order["id"]


def test_an_order_has_an_entity_tag(http, goods):
    order = http.buy(goods.product()["product_id"])
    headers = {"X-Order-Token": order["access_token"]}
    path = f"/v1/orders/{order['id']}"
    etag = http.get(path, headers=headers).headers["ETag"]
    assert http.get(path, headers={**headers, "If-None-Match": etag}).status_code == 304


# --- cancellation -----------------------------------------------------------------------------------------


def cancel(http, order):
    headers = {"X-Order-Token": order["access_token"]} if order.get("access_token") else {}
    return http.post(f"/v1/orders/{order['id']}/cancel", headers={**headers, "Idempotency-Key": str(uuid.uuid4())})


def test_cancelling_returns_the_stock_and_the_money_once(platform, http, goods):
    product_id = goods.product(quantity=6)["product_id"]
    order = http.buy((product_id, 2))
    settled(platform, order["id"])
    for _ in range(2):
        cancelled = ok(cancel(http, order), 200)
        assert cancelled["status"] == "cancelled" and cancelled["cancelled_at"]
    wait_for(lambda: stock(platform, product_id) == (6, 0), what="the returned stock")
    refunds = wait_for(lambda: platform.sql("payment_db", "SELECT * FROM refunds WHERE order_id = %s AND status = 'succeeded'",
                                            order["id"]), what="the refund")
    assert [cents(refund["amount"]) for refund in refunds] == [cents(order["total"])]
    wait_for(lambda: [row["status"] for row in payments(platform, order["id"])] == ["refunded"], what="the payment")
    now = wait_for(lambda: (found := ok(http.order(order["id"], order["access_token"]), 200))["payment_status"]
                   == "refunded" and found, what="the refunded order")
    assert now["status"] == "cancelled" and history(now)[-2:] == ["confirmed", "cancelled"]


def test_cancelling_cash_on_delivery_returns_the_stock(platform, http, goods):
    product_id = goods.product(quantity=6)["product_id"]
    order = http.buy(product_id, payment={"method": "cod"})
    settled(platform, order["id"])
    assert ok(cancel(http, order), 200)["status"] == "cancelled"
    wait_for(lambda: stock(platform, product_id) == (6, 0), what="the returned stock")
    assert platform.sql("payment_db", "SELECT 1 FROM refunds WHERE order_id = %s", order["id"]) == []


def test_an_order_number_is_made_for_people(http, goods):
    assert re.fullmatch(r"[A-Z0-9-]{8,50}", http.buy(goods.product()["product_id"])["order_number"])
