"""Saved payment methods: kept by their owner, used at checkout, never a card's number."""

import json
import uuid

from support import simulator
from support.client import Client, checkout_body, ok
from support.shop import refused

CARD = {"type": "card", "token": "tok_success", "card_brand": "visa", "card_last4": "4242", "card_exp_month": 12,
        "card_exp_year": 2099}
NUMBER = "4242424242424242"


def customer(http):
    client = Client(http.base_url)
    client.register()
    return client


def save(client, **changes):
    return ok(client.post("/v1/me/payment-methods", {**CARD, **changes}), 201)


def checkout(client, product_id, payment):
    return client.checkout(client.cart_with(product_id), payment=payment)


def test_a_saved_card_pays_for_an_order(platform, http, goods):
    client = customer(http)
    saved = save(client)
    assert saved["is_default"] and saved["card_last4"] == "4242" and "token" not in saved
    assert ok(client.get("/v1/me/payment-methods"), 200)["data"] == [saved]
    product_id = goods.product()["product_id"]
    order = ok(checkout(client, product_id, {"method": "card", "payment_method_id": saved["id"]}), 201)
    assert order["payment_status"] == "paid"
    assert len(simulator.charges(platform, order["id"])) == 1


def test_a_saved_method_is_of_no_use_to_somebody_else(platform, http, goods):
    owner, other = customer(http), customer(http)
    saved = save(owner)
    path = f"/v1/me/payment-methods/{saved['id']}"
    product_id = goods.product()["product_id"]
    payment = {"method": "card", "payment_method_id": saved["id"]}
    for thief in (other, Client(http.base_url)):
        refused(checkout(thief, product_id, payment), 422, "payment.payment_method_not_found")
    refused(other.patch(path, {"is_default": True}), 404, "payment.payment_method_not_found")
    refused(other.delete(path), 404, "payment.payment_method_not_found")
    assert ok(other.get("/v1/me/payment-methods"), 200)["data"] == []
    assert ok(owner.get("/v1/me/payment-methods"), 200)["data"] == [saved]


def test_a_deleted_method_pays_no_more(http, goods):
    client = customer(http)
    saved = save(client)
    assert client.delete(f"/v1/me/payment-methods/{saved['id']}").status_code == 204
    payment = {"method": "card", "payment_method_id": saved["id"]}
    refused(checkout(client, goods.product()["product_id"], payment), 422, "payment.payment_method_not_found")


def test_a_card_number_reaches_no_database(platform, http, goods):
    client = customer(http)
    problem = refused(client.post("/v1/me/payment-methods", {**CARD, "token": NUMBER}), 422,
                      "payment.card_number_refused")
    assert NUMBER not in json.dumps(problem)
    product_id = goods.product()["product_id"]
    cart_id = client.cart_with(product_id)
    key = str(uuid.uuid4())
    body = checkout_body(payment={"method": "card", "token": NUMBER})
    refused(client.post(f"/v1/carts/{cart_id}/checkout", body, headers={"Idempotency-Key": key}), 422,
            "payment.card_number_refused")
    for database, table in (("payment_db", "payment_methods"), ("payment_db", "payments"),
                            ("payment_db", "simulator.payments"), ("order_db", "checkout_sagas"),
                            ("order_db", "idempotency_keys")):
        found = platform.scalar(database, f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE %s", f"%{NUMBER}%")
        assert found == 0, f"{database}.{table}"
