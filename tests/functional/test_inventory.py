"""Stock as administrators see and move it: low stock and whom it is told to, settings, many movements in one request."""

import uuid

from support.client import ok
from support.platform import wait_for
from support.shop import at_once, ledger, refused, stock

MERCHANT = "merchant@example.com"


def key():
    return {"Idempotency-Key": str(uuid.uuid4())}


def test_the_merchant_gets_one_mail_when_a_sale_makes_stock_low(fresh_platform):
    platform = fresh_platform(demo=False, env={"SOUK_MERCHANT_EMAIL": MERCHANT})
    from support.shop import Goods
    product_id = Goods(platform).product(quantity=12)["product_id"]
    client = platform.client()

    def told():
        return platform.sql("notification_db", "SELECT subject, text, status FROM notifications WHERE kind = 'stock.low'"
                                               " AND recipient = %s AND subject_id = %s", MERCHANT, product_id)

    client.buy((product_id, 1))
    client.buy((product_id, 1))  # 10: the reorder level
    client.buy((product_id, 3))
    (mail,) = wait_for(told, 20, "the mail to the merchant")
    assert f"SKU-{product_id}" in mail["subject"] and "Order 50 more." in mail["text"]
    wait_for(lambda: stock(platform, product_id) == (7, 0), what="the sales")
    wait_for(lambda: told()[0]["status"] == "sent", what="the mail to be handed over")
    assert len(told()) == 1, "one mail for one crossing"


def test_low_stock_is_listed_with_how_many_to_order(admin, goods):
    low, enough = (goods.product(quantity=quantity)["product_id"] for quantity in (3, 500))
    ok(admin.patch(f"/v1/admin/inventory/{low}", {"reorder_quantity": 70, "warehouse_location": "B-12"}), 200)
    found, cursor = {}, None
    while True:
        params = {"low_stock": "true", "limit": 50, **({"cursor": cursor} if cursor else {})}
        page = ok(admin.get("/v1/admin/inventory", params=params), 200)
        found |= {each["product_id"]: each for each in page["data"]}
        if not page["has_more"]:
            break
        cursor = page["next_cursor"]
    assert found[low]["reorder_quantity"] == 70 and found[low]["warehouse_location"] == "B-12"
    assert enough not in found
    ok(admin.patch(f"/v1/admin/inventory/{low}", {"reorder_level": 2}), 200)
    listed = ok(admin.get("/v1/admin/inventory", params={"low_stock": "true", "limit": 100}), 200)["data"]
    assert low not in {each["product_id"] for each in listed}


def test_many_movements_in_one_request_are_each_made_or_refused_and_once(platform, admin, goods):
    product_id = goods.product(quantity=10)["product_id"]
    body = {"lines": [{"product_id": product_id, "type": "restock", "quantity": 5, "notes": "pallet 7"},
                      {"product_id": "nothing", "type": "restock", "quantity": 5},
                      {"product_id": product_id, "type": "adjustment", "quantity": -100},
                      {"product_id": product_id, "type": "adjustment", "quantity": -2}]}
    headers = key()
    replies = at_once(*[lambda: admin.post("/v1/admin/inventory/movements", body, headers=headers)] * 4)
    replies.append(admin.post("/v1/admin/inventory/movements", body, headers=headers))
    for reply in replies:
        results = ok(reply, 200)
        assert results["refused"] == 2
        assert [each.get("error", {}).get("code") for each in results["data"]] == [
            None, "inventory.item_not_found", "inventory.would_be_negative", None]
        assert [results["data"][i]["stock"]["quantity"] for i in (0, 3)] == [15, 13]
    assert stock(platform, product_id) == (13, 0)
    assert ledger(platform, product_id) == [("restock", 10), ("restock", 5), ("adjustment", -2)]


def test_bad_requests_change_nothing(platform, admin, goods):
    product_id = goods.product(quantity=10)["product_id"]
    path = "/v1/admin/inventory/movements"
    line = {"product_id": product_id, "type": "restock", "quantity": 1}
    refused(admin.post(path, {"lines": [line]}), 400, "idempotency.key_required")
    for body in ({"lines": []}, {"lines": [line] * 101}, {}, {"lines": [{**line, "type": "sale"}]},
                 {"lines": [{**line, "quantity": 1.5}]}, {"lines": [{**line, "price": 1}]}):
        assert admin.post(path, body, headers=key()).status_code == 400, body
    for body in ({"reorder_level": -1}, {"reorder_quantity": 0}, {"quantity": 5}, {"warehouse_location": "x" * 101}):
        assert admin.patch(f"/v1/admin/inventory/{product_id}", body).status_code == 400, body
    refused(admin.patch("/v1/admin/inventory/nothing", {"reorder_level": 1}), 404, "inventory.item_not_found")
    assert admin.get("/v1/admin/inventory", params={"cursor": "?"}).status_code == 400
    assert stock(platform, product_id) == (10, 0)
    customer = platform.client()
    customer.register()
    assert customer.get("/v1/admin/inventory").status_code == 403
    assert customer.post(path, {"lines": [line]}, headers=key()).status_code == 403
