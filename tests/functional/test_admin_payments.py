"""What administrators do with payments: look, capture what is held, give back in full and in part."""

import uuid

from support import simulator
from support.client import Client, ok
from support.platform import wait_for
from support.shop import at_once, cents, every, pages, payments, refused


def bought(platform, http, goods, token=simulator.SUCCESS, price=25.0):
    """An order and the path of its payment."""
    order = http.buy(goods.product(price=price)["product_id"], payment={"method": "card", "token": token})
    (payment,) = payments(platform, order["id"])
    return order, f"/v1/admin/payments/{payment['id']}"


def refund(client, path, key=None, **body):
    return client.post(f"{path}/refund", body, headers={"Idempotency-Key": key or str(uuid.uuid4())})


def given_back(platform, order):
    return sum(cents(row["amount"]) for row in simulator.refunds(platform, order["id"]))


def wait_for_payment_status(platform, order, status):
    """The order hears of its payment a moment later."""
    query = "SELECT payment_status FROM orders WHERE id = %s"
    wait_for(lambda: platform.scalar("order_db", query, order["id"]) == status, what=f"payment_status {status}")


def test_held_money_is_found_and_captured_once(platform, http, goods, admin):
    order, path = bought(platform, http, goods, simulator.AUTHORIZE)
    assert simulator.charges(platform, order["id"]) == []
    held = every(admin, "/v1/admin/payments", authorized="true")
    assert order["id"] in [payment["order_id"] for payment in held]
    replies = at_once(*[lambda: admin.post(f"{path}/capture") for _ in range(5)])
    assert {ok(reply, 200)["status"] for reply in replies} == {"succeeded"}
    (charge,) = simulator.charges(platform, order["id"])
    assert cents(charge["amount"]) == cents(order["total"])
    assert order["payment_status"] == "pending"
    wait_for_payment_status(platform, order, "paid")


def test_refunds_in_part_and_the_rest(platform, http, goods, admin):
    order, path = bought(platform, http, goods)
    total = cents(order["total"])
    part = ok(refund(admin, path, amount=10.01, reason="a scratch"), 200)
    assert part["status"] == "succeeded" and part["reason"] == "a scratch"
    refused(refund(admin, path, amount=(total - 1000) / 100), 422, "payment.refund_exceeds_capture")
    rest = ok(refund(admin, path), 200)
    assert cents(rest["amount"]) == total - 1001
    details = ok(admin.get(path), 200)
    assert details["payment"]["status"] == "refunded" and cents(details["payment"]["refunded"]) == total
    assert [each["id"] for each in details["refunds"]] == [part["id"], rest["id"]]
    assert given_back(platform, order) == total
    wait_for_payment_status(platform, order, "refunded")


def test_one_key_is_one_refund_and_no_other(platform, http, goods, admin):
    order, path = bought(platform, http, goods)
    _, other = bought(platform, http, goods)
    key = str(uuid.uuid4())
    replies = at_once(*[lambda: refund(admin, path, key, amount=5) for _ in range(8)])
    assert len({reply.json()["id"] for reply in replies if reply.status_code in (200, 202)}) == 1
    assert {reply.status_code for reply in replies} <= {200, 202, 409}
    refused(refund(admin, path, key, amount=6), 422, "idempotency.body_mismatch")
    refused(refund(admin, other, key, amount=5), 422, "idempotency.body_mismatch")
    assert given_back(platform, order) == 500


def test_thirty_refunds_at_once_give_back_no_more_than_was_paid(platform, http, goods, admin):
    order, path = bought(platform, http, goods, price=50.0)
    replies = at_once(*[lambda: refund(admin, path, amount=10) for _ in range(30)])
    given = [reply for reply in replies if reply.status_code in (200, 202)]
    assert {reply.status_code for reply in replies} <= {200, 202, 422}
    assert len(given) == cents(order["total"]) // 1000
    assert given_back(platform, order) == 1000 * len(given)


def test_the_list_has_pages_and_filters(platform, http, goods, admin):
    product_id = goods.product()["product_id"]
    customer = Client(http.base_url)
    customer.register()
    orders = [customer.buy(product_id) for _ in range(5)]
    user_id = orders[0]["user_id"]
    walked = [page["data"] for page in pages(admin, "/v1/admin/payments", user_id=user_id, limit=2)]
    assert [len(page) for page in walked] == [2, 2, 1]
    listed = [payment["order_id"] for page in walked for payment in page]
    assert listed == [order["id"] for order in reversed(orders)]
    assert every(admin, "/v1/admin/payments", user_id=user_id, status="failed") == []
    refused(admin.get("/v1/admin/payments", params={"cursor": "x"}), 400, "request.invalid")


def test_nobody_else_gets_in(platform, http, goods):
    _, path = bought(platform, http, goods)
    customer = Client(http.base_url)
    customer.register()
    for client, status, code in ((customer, 403, "auth.forbidden"), (Client(http.base_url), 401, "auth.required")):
        for reply in (client.get("/v1/admin/payments"), client.get(path), client.post(f"{path}/capture"),
                      refund(client, path)):
            refused(reply, status, code)
