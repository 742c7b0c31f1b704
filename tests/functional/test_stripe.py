"""Paying with Stripe: the real binary, through its public API, against a server that speaks Stripe's dialect."""

import hashlib
import hmac
import json
import time
import uuid

import pytest
from support.client import ok
from support.platform import wait_for
from support.shop import Goods, at_once, cents, payments, refused, stock
from support.stripe import AUTHENTICATE, DECLINE, DROP_AFTER, ERROR_AFTER, HANG_AFTER, VISA, WEBHOOK_SECRET, Stripe


@pytest.fixture(scope="module")
def stripe():
    with Stripe() as running:
        yield running


@pytest.fixture(scope="module")
def shop(stripe, templates):
    """A platform that takes payments with Stripe."""
    yield from _shop(templates, stripe.settings())


@pytest.fixture(scope="module")
def holding_shop(stripe, templates):
    """The same, where money is held first."""
    yield from _shop(templates, stripe.settings(SOUK_PAYMENT_CAPTURE="later"))


def _shop(templates, env):
    from support.platform import Platform
    running = Platform(templates.copy(True), env).start()
    try:
        yield running
    finally:
        running.close()


def pay(token, **more):
    return {"method": "card", "token": token, **more}


def buy(shop, token, price=25.0):
    """An order that is paid with the token."""
    return shop.client().buy(Goods(shop).product(price=price)["product_id"], payment=pay(token))


def finished(client, checkout):
    """The order that a checkout becomes."""
    headers = {"X-Order-Token": checkout["access_token"]}

    def look():
        reply = client.get(f"/v1/orders/{checkout['id']}", headers=headers)
        return reply.json() if reply.status_code == 200 else None

    return wait_for(look, 90, "the order")


def test_a_card_is_charged_once(shop, stripe):
    order = buy(shop, VISA)
    assert (order["status"], order["payment_status"]) == ("confirmed", "paid")
    assert stripe.moved("charge", order["id"]) == [cents(order["total"])]
    (payment,) = payments(shop, order["id"])
    assert (payment["payment_gateway"], payment["status"]) == ("stripe", "succeeded")
    assert payment["gateway_payment_id"].startswith("pi_")
    assert "secret" not in str(payment["gateway_response"])


def test_a_declined_card_leaves_no_order_and_gives_the_stock_back(shop, stripe):
    product = Goods(shop).product(quantity=3)["product_id"]
    client = shop.client()
    cart = client.cart_with((product, 2))
    problem = refused(client.checkout(cart, payment=pay(DECLINE)), 402, "payment.declined")
    assert "card_declined" in problem["detail"]
    assert stock(shop, product) == (3, 0)
    order = ok(client.checkout(cart, payment=pay(VISA)), 201)
    assert stripe.moved("charge", order["id"]) == [cents(order["total"])]


def test_a_token_of_nobody_is_a_decline(shop):
    client = shop.client()
    cart = client.cart_with(Goods(shop).product()["product_id"])
    assert "invalid_token" in refused(client.checkout(cart, payment=pay("pm_nobodys")), 402, "payment.declined")["detail"]


@pytest.mark.parametrize("token", [HANG_AFTER, ERROR_AFTER, DROP_AFTER])
def test_a_lost_answer_after_charging_charges_once(shop, stripe, token):
    client = shop.client()
    cart = client.cart_with(Goods(shop).product()["product_id"])
    key = str(uuid.uuid4())
    body = {"email": f"{key}@example.com", "payment": pay(token)}
    reply = client.checkout(cart, key, **body)
    order = reply.json() if reply.status_code == 201 else finished(client, ok(reply, 202)["checkout"])
    assert stripe.moved("charge", order["id"]) == [cents(order["total"])]
    assert ok(client.checkout(cart, key, **body), 201)["id"] == order["id"]
    assert stripe.moved("charge", order["id"]) == [cents(order["total"])]


@pytest.mark.parametrize("call", ["create", "confirm"])
def test_an_error_before_charging_is_tried_again_and_charges_once(shop, stripe, call):
    stripe.fault(call, "hang_before")
    client = shop.client()
    reply = client.checkout(client.cart_with(Goods(shop).product()["product_id"]), payment=pay(VISA))
    order = reply.json() if reply.status_code == 201 else finished(client, ok(reply, 202)["checkout"])
    assert stripe.moved("charge", order["id"]) == [cents(order["total"])]


def challenged(shop):
    """A checkout that waits for its customer at the bank."""
    client = shop.client()
    cart = client.cart_with(Goods(shop).product()["product_id"])
    checkout = ok(client.checkout(cart, payment=pay(AUTHENTICATE)), 202)["checkout"]
    assert checkout["status"] == "requires_action" and checkout["next_action"]["type"] == "three_d_secure"
    return client, checkout


def test_the_customer_comes_back_from_the_bank(shop, stripe):
    client, checkout = challenged(shop)
    assert stripe.moved("charge", checkout["id"]) == []
    back = stripe.decide(checkout["next_action"]["url"])
    assert back.netloc == "shop.example"
    came_back = ok(client.get(f"{back.path}?{back.query}"), 200)
    assert came_back["status"] == "completed"
    order = finished(client, checkout)
    assert stripe.moved("charge", order["id"]) == [cents(order["total"])]


def test_a_customer_who_fails_at_the_bank_is_declined(shop, stripe):
    client, checkout = challenged(shop)
    back = stripe.decide(checkout["next_action"]["url"], approved=False)
    came_back = ok(client.get(f"{back.path}?{back.query}"), 200)
    assert came_back["failure_code"] == "payment.declined" and "authentication_failed" in came_back["failure_detail"]
    assert stripe.moved("charge", checkout["id"]) == []


def test_refunds_in_part_and_with_a_lost_answer(shop, stripe):
    order = buy(shop, VISA, price=40.0)
    (payment,) = payments(shop, order["id"])
    admin, path = shop.admin_client(), f"/v1/admin/payments/{payment['id']}/refund"
    ok(admin.post(path, {"amount": 10.5}, headers={"Idempotency-Key": str(uuid.uuid4())}), 200)
    stripe.fault("refund", "hang_after")
    ok(admin.post(path, {}, headers={"Idempotency-Key": str(uuid.uuid4())}), 202)
    wait_for(lambda: payments(shop, order["id"])[0]["status"] == "refunded", 60, "the refund")
    total = cents(order["total"])
    assert stripe.moved("refund", order["id"]) == [1050, total - 1050]


def test_held_money_is_captured_later_and_once(holding_shop, stripe):
    order = buy(holding_shop, VISA)
    assert (order["status"], order["payment_status"]) == ("confirmed", "pending")
    assert stripe.moved("charge", order["id"]) == []
    (payment,) = payments(holding_shop, order["id"])
    admin, path = holding_shop.admin_client(), f"/v1/admin/payments/{payment['id']}/capture"
    replies = at_once(*[lambda: admin.post(path) for _ in range(4)])
    assert {reply.status_code for reply in replies} <= {200, 202}
    assert ok(admin.post(path), 200)["status"] == "succeeded"
    assert stripe.moved("charge", order["id"]) == [cents(order["total"])]


def test_held_money_of_a_cancelled_order_is_given_up(holding_shop, stripe):
    order = buy(holding_shop, VISA)
    headers = {"X-Order-Token": order["access_token"], "Idempotency-Key": str(uuid.uuid4())}
    ok(holding_shop.client().post(f"/v1/orders/{order['id']}/cancel", headers=headers), 200)
    wait_for(lambda: payments(holding_shop, order["id"])[0]["status"] == "cancelled", 90, "the end of the payment")
    intents = [each for each in stripe.ask("intents") if each["metadata"]["order_id"] == order["id"]]
    assert [each["status"] for each in intents] == ["canceled"]
    assert stripe.moved("charge", order["id"]) == []


def test_where_real_money_is_taken_the_simulator_takes_none(shop):
    client = shop.client()
    cart = client.cart_with(Goods(shop).product()["product_id"])
    body = pay("tok_success", gateway="simulator")
    refused(client.checkout(cart, payment=body), 422, "payment.method_unavailable")
    assert client.get("/simulator/payments/sim_1").status_code == 404


# --- webhooks -------------------------------------------------------------------------------------


@pytest.fixture
def webhooks(shop, stripe):
    """Sets how webhooks are sent; off again at the end."""
    def send(mode="on"):
        stripe.tell(shop, mode)
        return stripe

    yield send
    send("off")


def payment_id(shop, checkout):
    return payments(shop, checkout["id"])[0]["gateway_payment_id"]


def outcomes(shop, name):
    rows = shop.sql("payment_db", "SELECT outcome FROM gateway_messages WHERE gateway_payment_id = %s ORDER BY received_at",
                    name)
    return [row["outcome"] for row in rows]


def told(shop, order):
    """The statuses in the payment's events."""
    rows = shop.sql("payment_db", "SELECT payload ->> 'status' AS status FROM outbox_events WHERE key = %s", order["id"])
    return [row["status"] for row in rows]


def test_a_webhook_finishes_the_checkout_of_a_customer_who_never_comes_back(shop, webhooks):
    stripe = webhooks("on")
    client, checkout = challenged(shop)
    stripe.decide(checkout["next_action"]["url"])
    order = finished(client, checkout)
    assert stripe.moved("charge", order["id"]) == [cents(order["total"])]
    assert told(shop, order).count("succeeded") == 1


def test_a_webhook_ends_the_checkout_of_a_customer_who_fails_at_the_bank(shop, webhooks):
    stripe = webhooks("on")
    client, checkout = challenged(shop)
    stripe.decide(checkout["next_action"]["url"], approved=False)
    headers = {"X-Order-Token": checkout["access_token"]}
    path = f"/v1/checkouts/{checkout['id']}"
    wait_for(lambda: client.get(path, headers=headers).json().get("failure_code") == "payment.declined", 90, "the decline")


def test_webhooks_ten_times_in_reverse_and_late_are_one_order(shop, webhooks):
    stripe = webhooks("off")
    client, checkout = challenged(shop)
    stripe.decide(checkout["next_action"]["url"])
    events = stripe.events(payment_id(shop, checkout))
    assert len(events) == 3  # created, requires_action, succeeded
    assert set(stripe.deliver(*reversed(events))) == {200}
    order = finished(client, checkout)
    statuses = at_once(*[lambda: stripe.deliver(*events) for _ in range(10)])
    assert {status for each in statuses for status in each} == {200}
    assert stripe.moved("charge", order["id"]) == [cents(order["total"])]
    assert told(shop, order).count("succeeded") == 1
    # Days later, when the money has gone back.
    admin, path = shop.admin_client(), f"/v1/admin/payments/{payments(shop, order['id'])[0]['id']}/refund"
    ok(admin.post(path, {}, headers={"Idempotency-Key": str(uuid.uuid4())}), 200)
    late = {**events[-1], "id": "evt_" + uuid.uuid4().hex}
    assert stripe.deliver(late) == [200]
    assert payments(shop, order["id"])[0]["status"] == "refunded"


def test_a_webhook_before_our_own_call_has_returned(shop, webhooks):
    stripe = webhooks("before")
    order = buy(shop, VISA)
    assert (order["status"], order["payment_status"]) == ("confirmed", "paid")
    assert stripe.moved("charge", order["id"]) == [cents(order["total"])]


def test_a_webhook_about_another_amount_changes_nothing(shop, webhooks):
    stripe = webhooks("off")
    _, checkout = challenged(shop)
    (event,) = stripe.events(payment_id(shop, checkout), "payment_intent.requires_action")
    intent = {**event["data"]["object"], "status": "succeeded", "amount": 1, "amount_received": 1}
    wrong = {**event, "id": "evt_" + uuid.uuid4().hex, "type": "payment_intent.succeeded", "data": {"object": intent}}
    assert stripe.deliver(wrong) == [200]
    assert outcomes(shop, payment_id(shop, checkout)) == ["mismatch"]
    assert payments(shop, checkout["id"])[0]["status"] == "processing"


def signed(body, secret=WEBHOOK_SECRET, at=None):
    at = int(time.time()) if at is None else at
    return f"t={at},v1={hmac.new(secret.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


def test_forged_old_and_broken_webhooks_are_refused(shop, stripe):
    _, checkout = challenged(shop)
    (event,) = stripe.events(payment_id(shop, checkout), "payment_intent.requires_action")
    event = {**event, "id": "evt_" + uuid.uuid4().hex, "type": "payment_intent.succeeded"}
    body = json.dumps(event).encode()
    client = shop.client()

    def send(signature, data=body):
        headers = {"Content-Type": "application/json", **({"Stripe-Signature": signature} if signature else {})}
        return client.request("POST", "/v1/webhooks/stripe", data=data, headers=headers)

    now = int(time.time())
    for signature in (None, "", "nonsense", signed(body, "whsec_guessed"), signed(body, at=now - 360),
                      signed(body, at=now + 360), f"t={now},v1=" + "0" * 64):
        refused(send(signature), 400, "payment.message_refused")
    refused(send(signed(body), body + b" "), 400, "payment.message_refused")
    refused(send(signed(b"{}"), b"{}"), 400, "payment.message_refused")
    refused(send(signed(b"\xff"), b"\xff"), 400, "payment.message_refused")
    refused(send(signed(b""), b""), 400, "payment.message_refused")
    large = b" " * (256 * 1024 + 1)
    refused(send(signed(large), large), 413, "request.too_large")
    assert shop.sql("payment_db", "SELECT 1 FROM gateway_messages WHERE id = %s", event["id"]) == []
    assert send(signed(body)).json() == {"outcome": "unchanged"}
    assert send(signed(body)).json() == {"outcome": "duplicate"}


def test_a_webhook_for_an_unknown_payment_is_answered_and_kept(shop, stripe, webhooks):
    webhooks("off")
    intent = {"id": "pi_unknown", "object": "payment_intent", "amount": 100, "currency": "usd",
              "metadata": {"order_id": str(uuid.uuid4())}}
    event = {"id": "evt_" + uuid.uuid4().hex, "type": "payment_intent.succeeded", "data": {"object": intent}}
    assert stripe.deliver(event) == [200]
    assert outcomes(shop, "pi_unknown")[-1] == "unknown_payment"


def test_where_stripe_is_not_the_gateway_it_has_no_webhooks(http):
    refused(http.post("/v1/webhooks/stripe", {}), 404, "payment.no_such_gateway")
