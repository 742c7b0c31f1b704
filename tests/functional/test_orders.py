"""What happens to an order after it was bought: packed, shipped in parts, delivered, found by administrators."""

import time
import uuid

from support import simulator
from support.client import ok, unique_email
from support.platform import wait_for
from support.shop import at_once, cents, payments, refused

PARCEL = {"carrier": "DHL", "tracking_number": "T-1"}


def ship(admin, order, key=None, **parcel):
    """Once the stock is booked, which takes a moment."""
    end = time.monotonic() + 20
    while True:
        reply = admin.post(f"/v1/admin/orders/{order['id']}/shipments", {**PARCEL, **parcel},
                           headers={"Idempotency-Key": key or str(uuid.uuid4())})
        if reply.status_code != 409 or reply.json()["code"] != "order.checkout_unfinished" or time.monotonic() > end:
            return reply
        time.sleep(0.05)


def change(admin, order, verb):
    return admin.post(f"/v1/admin/orders/{order['id']}/{verb}")


def history(order):
    return [step["status"] for step in order["status_history"]]


def events(platform, order):
    rows = platform.sql("order_db", "SELECT type FROM outbox_events WHERE key = %s ORDER BY sequence", order["id"])
    return [row["type"] for row in rows]


def test_an_order_is_packed_shipped_in_parts_and_delivered(platform, http, goods, admin):
    first, second = goods.product()["product_id"], goods.product()["product_id"]
    order = http.buy((first, 3), second)
    items = {item["product_id"]: item["id"] for item in order["items"]}
    for _ in range(2):
        assert ok(change(admin, order, "process"), 200)["status"] == "processing"
    part = ok(ship(admin, order, items=[{"order_item_id": items[first], "quantity": 2}]), 201)
    assert (part["status"], part["tracking_number"], part.get("shipped_at")) == ("processing", "T-1", None)
    refused(change(admin, order, "deliver"), 409, "order.illegal_status")
    whole = ok(ship(admin, order, tracking_number="T-2", notes="The rest."), 201)
    assert whole["status"] == "shipped" and whole["tracking_number"] == "T-2" and whole["shipped_at"]
    assert [parcel["number"] for parcel in whole["shipments"]] == [1, 2]
    assert {(item["order_item_id"], item["quantity"]) for item in whole["shipments"][1]["items"]} == {
        (items[first], 1), (items[second], 1)}
    for _ in range(2):
        delivered = ok(change(admin, order, "deliver"), 200)
    assert history(delivered) == ["confirmed", "processing", "shipped", "delivered"] and delivered["delivered_at"]
    seen = ok(http.order(order["id"], order["access_token"]), 200)
    assert seen["status"] == "delivered" and len(seen["shipments"]) == 2
    assert events(platform, order) == ["order.confirmed", "order.processing", "order.shipped", "order.delivered"]
    wait_for(lambda: platform.scalar("notification_db", "SELECT count(*) FROM notifications WHERE subject_id = %s",
                                     order["id"]) == 4, what="a message for each change")


def test_a_parcel_is_sent_once_by_its_key(platform, http, goods, admin):
    order = http.buy((goods.product()["product_id"], 2))
    items = [{"order_item_id": order["items"][0]["id"], "quantity": 1}]
    key = str(uuid.uuid4())
    first = ok(ship(admin, order, key, items=items), 201)
    assert ok(ship(admin, order, key, items=items), 201) == first
    refused(ship(admin, order, key), 422, "idempotency.body_mismatch")
    assert platform.scalar("order_db", "SELECT count(*) FROM shipments WHERE order_id = %s", order["id"]) == 1


def test_administrators_who_ship_the_same_at_once_ship_it_once(platform, http, goods, admin):
    order = http.buy((goods.product()["product_id"], 2))
    ship_one = [{"order_item_id": order["items"][0]["id"], "quantity": 1}]
    ok(ship(admin, order, items=ship_one), 201)
    replies = at_once(*[lambda: ship(admin, order, items=ship_one)] * 8)
    assert sorted(reply.status_code for reply in replies) == [201] + [409] * 7
    for reply in replies:
        if reply.status_code == 409:
            refused(reply, 409, "order.nothing_left_to_ship", "items[0].quantity", "too_many")
    assert platform.scalar("order_db", "SELECT sum(quantity) FROM shipment_items s JOIN shipments p ON p.id = s.shipment_id"
                                       " WHERE p.order_id = %s", order["id"]) == 2


def test_what_is_no_parcel_is_refused(http, goods, admin):
    product_id = goods.product()["product_id"]
    order, other = http.buy((product_id, 2)), http.buy(product_id)
    item, foreign = order["items"][0]["id"], other["items"][0]["id"]
    refused(ship(admin, order, items=[{"order_item_id": foreign, "quantity": 1}]), 422, "order.unknown_item",
            "items[0].order_item_id", "unknown")
    refused(ship(admin, order, items=[{"order_item_id": item, "quantity": 1}] * 2), 422, "order.unknown_item",
            "items[1].order_item_id", "duplicate")
    refused(ship(admin, order, items=[{"order_item_id": item, "quantity": 3}]), 409, "order.nothing_left_to_ship")
    refused(ship(admin, order, items=[]), 409, "order.nothing_left_to_ship")
    for quantity in (0, -1, 1.5, 2**63):
        refused(ship(admin, order, items=[{"order_item_id": item, "quantity": quantity}]), 400, "request.invalid")
    refused(ship(admin, order, tracking_number=""), 400, "request.invalid", "tracking_number")
    refused(ship(admin, {"id": str(uuid.uuid4())}), 404, "order.not_found")
    refused(change(admin, {"id": "none"}, "process"), 404, "order.not_found")
    refused(admin.post(f"/v1/admin/orders/{order['id']}/shipments", PARCEL), 400, "idempotency.key_required")


def test_what_is_on_its_way_is_not_cancelled_and_what_is_cancelled_is_not_shipped(http, goods, admin):
    product_id = goods.product()["product_id"]
    order = http.buy((product_id, 2))
    ok(ship(admin, order, items=[{"order_item_id": order["items"][0]["id"], "quantity": 1}]), 201)
    refused(change(admin, order, "cancel"), 409, "order.already_shipped")
    other = http.buy(product_id)
    assert ok(change(admin, other, "cancel"), 200)["status"] == "cancelled"
    refused(ship(admin, other), 409, "order.illegal_status")
    refused(change(admin, other, "process"), 409, "order.illegal_status")


def test_shipping_and_cancelling_at_once_do_one_of_both(http, goods, admin):
    for _ in range(3):
        order = http.buy(goods.product()["product_id"])
        wait_for(lambda: ship(admin, order, items=[]).json()["code"] == "order.nothing_left_to_ship", what="the sale")
        shipped, cancelled = at_once(lambda: ship(admin, order), lambda: change(admin, order, "cancel"))
        assert (shipped.status_code, cancelled.status_code) in ((201, 409), (409, 200))


def test_cash_on_delivery_is_paid_when_it_is_delivered(platform, http, goods, admin):
    order = http.buy(goods.product()["product_id"], payment={"method": "cod"})
    assert ok(ship(admin, order), 201)["payment_status"] == "pending"
    assert ok(change(admin, order, "deliver"), 200)["payment_status"] == "paid"
    assert [row["status"] for row in payments(platform, order["id"])] == ["succeeded"]


def test_administrators_find_orders(http, goods, admin):
    product_id = goods.product(price=30.0)["product_id"]
    email = unique_email("Found")
    made = [http.buy((product_id, n), email=email)["id"] for n in (1, 2, 3)]

    def found(**filters):
        return [each["id"] for each in ok(admin.get("/v1/admin/orders", params=filters), 200)["data"]]

    assert found(email=email.lower()) == made[::-1]
    assert found(email=email, status="confirmed", payment_status="paid") == made[::-1]
    assert found(email=email, status="shipped") == [] and found(email=email, payment_status="failed") == []
    orders = [ok(admin.get(f"/v1/admin/orders/{each}"), 200) for each in made]
    assert found(order_number=orders[1]["order_number"]) == [made[1]]
    assert found(email=email, min_total=orders[1]["total"]) == [made[2], made[1]]
    assert found(email=email, max_total=orders[1]["total"]) == [made[1], made[0]]
    assert found(email=email, created_from=orders[1]["created_at"]) == [made[2], made[1]]
    assert found(email=email, created_to=orders[1]["created_at"]) == [made[0]]
    assert found(status="confirmed", limit=1) and found(payment_status="paid", limit=1) and found(limit=1)
    seen, cursor = [], None
    while True:
        page = ok(admin.get("/v1/admin/orders", params={"email": email, "limit": 2, "cursor": cursor}), 200)
        seen += [each["id"] for each in page["data"]]
        cursor = page.get("next_cursor")
        if not page["has_more"]:
            break
    assert seen == made[::-1]
    refused(admin.get("/v1/admin/orders", params={"cursor": "nonsense"}), 400, "request.invalid_cursor")
    refused(admin.get("/v1/admin/orders", params={"status": "lost"}), 400, "request.invalid", "status")
    refused(admin.get("/v1/admin/orders", params={"limit": 101}), 400, "request.invalid", "limit")


def held(http, goods, token=simulator.AUTHORIZE):
    """An order of two items whose money is only held."""
    return http.buy((goods.product()["product_id"], 2), payment={"method": "card", "token": token})


def test_held_money_is_captured_once_before_the_first_parcel_leaves(platform, http, goods, admin):
    order = held(http, goods)
    part = [{"order_item_id": order["items"][0]["id"], "quantity": 1}]
    foreign = [{"order_item_id": str(uuid.uuid4()), "quantity": 1}]
    refused(ship(admin, order, items=foreign), 422, "order.unknown_item")
    assert simulator.charges(platform, order["id"]) == [], "what is refused costs nothing"
    key = str(uuid.uuid4())
    replies = at_once(*[lambda: ship(admin, order, key, items=part)] * 6)
    assert {reply.json()["shipments"][0]["id"] for reply in replies if reply.status_code == 201} and {
        reply.status_code for reply in replies} <= {201, 409}
    assert ok(ship(admin, order, key, items=part), 201)["payment_status"] == "paid"
    assert ok(ship(admin, order), 201)["status"] == "shipped"
    assert len(simulator.charges(platform, order["id"])) == 1
    assert ok(change(admin, order, "deliver"), 200)["payment_status"] == "paid"


def test_money_that_cannot_be_captured_ships_nothing(platform, http, goods, admin):
    order = held(http, goods, "tok_authorization_lapses")
    for _ in range(2):
        refused(ship(admin, order), 409, "order.capture_failed")
    assert platform.scalar("order_db", "SELECT count(*) FROM shipments WHERE order_id = %s", order["id"]) == 0
    assert simulator.charges(platform, order["id"]) == []
    assert ok(change(admin, order, "cancel"), 200)["status"] == "cancelled"


def test_a_gateway_that_does_not_answer_the_capture_is_asked_again(platform, http, goods, admin):
    order = held(http, goods, "tok_capture_timeout")
    reply = ship(admin, order)
    if reply.status_code == 503:
        assert reply.headers["Retry-After"]
        refused(reply, 503, "order.capture_unanswered")
    wait_for(lambda: ship(admin, order).status_code == 201 or
             ok(admin.get(f"/v1/admin/orders/{order['id']}"), 200)["status"] == "shipped", what="the parcel")
    assert len(simulator.charges(platform, order["id"])) == 1


def test_shipping_and_cancelling_a_held_order_at_once_keep_its_money_and_its_fate_together(platform, http, goods, admin):
    for _ in range(3):
        order = held(http, goods)
        wait_for(lambda: ship(admin, order, items=[]).json()["code"] == "order.nothing_left_to_ship", what="the sale")
        shipped, cancelled = at_once(lambda: ship(admin, order), lambda: change(admin, order, "cancel"))
        assert (shipped.status_code == 201) != (cancelled.status_code == 200), (shipped.text, cancelled.text)

        def kept():
            taken = sum(cents(row["amount"]) for row in simulator.charges(platform, order["id"]))
            return taken - sum(cents(row["amount"]) for row in simulator.refunds(platform, order["id"]))

        wait_for(lambda: kept() == (cents(order["total"]) if shipped.status_code == 201 else 0), what="the money")
