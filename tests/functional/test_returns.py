"""Goods that come back: asked for, decided, received, restocked and refunded."""

import uuid

import pytest
from support import simulator
from support.client import Client, ok
from support.platform import wait_for
from support.shop import at_once, cents, every, ledger, refused, stock
from test_orders import change, events, history, ship


@pytest.fixture
def shipped(http, goods, admin):
    """Three of one product and one of another, shipped."""
    order = http.buy((goods.product(price=33.33)["product_id"], 3), goods.product(price=9.99)["product_id"])
    ok(ship(admin, order), 201)
    return order


def items(order, *quantities):
    """The order's items by what was bought of them: (bought, to return)."""
    by_quantity = {item["quantity"]: item["id"] for item in order["items"]}
    return [{"order_item_id": by_quantity[bought], "quantity": back} for bought, back in quantities]


def ask(client, order, wanted, key=None, token=True):
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    if token:
        headers["X-Order-Token"] = order["access_token"]
    return client.post(f"/v1/orders/{order['id']}/returns", {"items": wanted, "reason": "Too small."}, headers=headers)


def act(admin, returned, verb, **body):
    return admin.post(f"/v1/admin/returns/{returned['id']}/{verb}", body)


def refunded(admin, returned):
    def over():
        return ok(admin.get(f"/v1/admin/returns/{returned['id']}"), 200)["status"] == "refunded"

    wait_for(over, what="the refund")
    return ok(admin.get(f"/v1/admin/returns/{returned['id']}"), 200)


def given_back(platform, order):
    return sum(cents(row["amount"]) for row in simulator.refunds(platform, order["id"]))


def test_an_order_that_comes_back_in_parts_is_refunded_to_the_cent(platform, http, admin, shipped):
    parts = [items(shipped, (3, 1)), items(shipped, (3, 1), (1, 1)), items(shipped, (3, 1))]
    sold = next(item["product_id"] for item in shipped["items"] if item["quantity"] == 3)
    for n, part in enumerate(parts):
        returned = ok(ask(http, shipped, part), 201)
        assert returned["status"] == "requested" and returned["reason"] == "Too small."
        ok(act(admin, returned, "approve", notes="Use the label."), 200)
        for _ in range(2):
            received = ok(act(admin, returned, "receive", refund_shipping=n == 2), 200)
        assert received["notes"] == "Use the label."
        done = refunded(admin, returned)
        assert cents(done["refund"]) == sum(cents(item["refund"]) for item in done["items"]) + (
            cents(shipped["shipping_cost"]) if n == 2 else 0)
        now = ok(http.order(shipped["id"], shipped["access_token"]), 200)
        assert (now["status"], now["payment_status"]) == (
            ("refunded", "refunded") if n == 2 else ("shipped", "paid")), "a part leaves the status as it is"
    assert given_back(platform, shipped) == cents(shipped["total"])
    assert history(now) == ["confirmed", "shipped", "refunded"]
    assert events(platform, shipped) == ["order.confirmed", "order.shipped"] + ["order.returned"] * 3 + ["order.refunded"]
    assert stock(platform, sold) == (20, 0)
    assert ledger(platform, sold).count(("restock", 1)) == 3
    path = f"/v1/orders/{shipped['id']}/returns"
    listed = ok(http.get(path, headers={"X-Order-Token": shipped["access_token"]}), 200)["data"]
    assert sum(cents(item["tax"]) for each in listed for item in each["items"]) == cents(shipped["tax"])
    wait_for(lambda: platform.scalar("notification_db", "SELECT count(*) FROM notifications WHERE subject_id = %s AND"
                                     " channel = 'email' AND kind IN ('order.returned', 'order.refunded')",
                                     shipped["id"]) == 4, what="a message for each return and the end")


def test_returns_at_once_take_back_no_more_than_was_bought(platform, http, admin, shipped):
    replies = at_once(*[lambda: ask(http, shipped, items(shipped, (3, 1)))] * 8)
    assert sorted(reply.status_code for reply in replies) == [201] * 3 + [409] * 5
    for reply in replies:
        if reply.status_code == 409:
            refused(reply, 409, "return.too_many", "items[0].quantity", "too_many")
    asked = [reply.json() for reply in replies if reply.status_code == 201]
    at_once(*[lambda each=each: ok(act(admin, each, "approve"), 200) for each in asked])
    at_once(*[lambda each=each: ok(act(admin, each, "receive"), 200) for each in asked * 2])
    done = [refunded(admin, each) for each in asked]
    assert given_back(platform, shipped) == sum(cents(each["refund"]) for each in done)


def test_one_key_asks_once(http, admin, shipped):
    key = str(uuid.uuid4())
    replies = at_once(*[lambda: ask(http, shipped, items(shipped, (3, 3)), key)] * 5)
    made = {reply.json()["id"] for reply in replies if reply.status_code == 201}
    assert len(made) == 1 and {reply.status_code for reply in replies} <= {201, 409}
    refused(ask(http, shipped, items(shipped, (3, 2)), key), 422, "idempotency.body_mismatch")
    refused(http.post(f"/v1/orders/{shipped['id']}/returns", {"items": [], "reason": "x"}), 400,
            "idempotency.key_required")


def test_broken_goods_do_not_go_back_into_the_stock(platform, http, admin, shipped):
    returned = ok(ask(http, shipped, items(shipped, (3, 2), (1, 1))), 201)
    refused(act(admin, returned, "receive"), 409, "return.illegal_status")
    ok(act(admin, returned, "approve"), 200)
    (broken,) = items(shipped, (3, 2))
    refused(act(admin, returned, "receive", items=[{"order_item_id": str(uuid.uuid4()), "restock": True}]), 422,
            "order.unknown_item", "items[0].order_item_id", "unknown")
    ok(act(admin, returned, "receive", items=[{"order_item_id": broken["order_item_id"], "restock": False}]), 200)
    refunded(admin, returned)
    left = {item["quantity"]: stock(platform, item["product_id"])[0] for item in shipped["items"]}
    assert left == {3: 17, 1: 20}


def test_shipping_is_given_back_once(http, admin, shipped):
    for n, code in ((1, None), (2, "return.shipping_refunded")):
        returned = ok(ask(http, shipped, items(shipped, (3, 1))), 201)
        ok(act(admin, returned, "approve"), 200)
        reply = act(admin, returned, "receive", refund_shipping=True)
        refused(reply, 409, code) if code else ok(reply, 200)
    ok(act(admin, returned, "receive"), 200)


def test_what_was_rejected_may_be_asked_for_anew(http, admin, shipped):
    returned = ok(ask(http, shipped, items(shipped, (3, 3))), 201)
    for _ in range(2):
        assert ok(act(admin, returned, "reject", notes="Worn."), 200)["status"] == "rejected"
    refused(act(admin, returned, "approve"), 409, "return.illegal_status")
    again = ok(ask(http, shipped, items(shipped, (3, 3))), 201)
    assert again["id"] in [each["id"] for each in every(admin, "/v1/admin/returns", status="requested")]
    assert again["id"] in [each["id"] for each in every(admin, "/v1/admin/returns")]


def test_what_cannot_come_back_is_refused(http, goods, admin, shipped):
    product_id = goods.product()["product_id"]
    order = http.buy(product_id)
    wanted = [{"order_item_id": order["items"][0]["id"], "quantity": 1}]
    refused(ask(http, order, wanted), 409, "return.not_shipped")
    cash = http.buy(product_id, payment={"method": "cod"})
    ok(ship(admin, cash), 201)
    wanted = [{"order_item_id": cash["items"][0]["id"], "quantity": 1}]
    refused(ask(http, cash, wanted), 409, "order.not_paid")
    refused(ask(http, shipped, wanted), 422, "order.unknown_item", "items[0].order_item_id", "unknown")
    refused(ask(http, shipped, []), 422, "order.unknown_item", "items", "missing")
    for quantity in (0, -1, 2**63):
        refused(ask(http, shipped, [{**wanted[0], "quantity": quantity}]), 400, "request.invalid")
    ok(change(admin, cash, "deliver"), 200)
    returned = ok(ask(http, cash, wanted), 201)
    ok(act(admin, returned, "approve"), 200)
    ok(act(admin, returned, "receive", refund_shipping=True), 200)
    refunded(admin, returned)
    assert ok(admin.get(f"/v1/admin/orders/{cash['id']}"), 200)["status"] == "refunded"


def test_nobody_else_returns_or_decides(http, admin, shipped):
    stranger = Client(http.base_url)
    refused(ask(stranger, shipped, items(shipped, (3, 1)), token=False), 404, "order.not_found")
    refused(stranger.get(f"/v1/orders/{shipped['id']}/returns"), 404, "order.not_found")
    stranger.register()
    refused(ask(stranger, shipped, items(shipped, (3, 1)), token=False), 404, "order.not_found")
    returned = ok(ask(http, shipped, items(shipped, (3, 1))), 201)
    for reply in (act(stranger, returned, "approve"), act(stranger, returned, "receive"),
                  stranger.get("/v1/admin/returns"), stranger.get(f"/v1/admin/returns/{returned['id']}")):
        refused(reply, 403, "auth.forbidden")
    refused(act(admin, {"id": str(uuid.uuid4())}, "approve"), 404, "return.not_found")
    refused(act(admin, {"id": "none"}, "receive"), 404, "return.not_found")
