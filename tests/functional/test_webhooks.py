"""Webhooks: signed requests to the merchant's systems, and what becomes of them when those are away, slow or hostile."""

import time
import uuid

import pytest
from support import mail
from support.client import ok, unique_email
from support.fixtures import _close, _start
from support.platform import Platform, free_ports, wait_for
from support.receiver import Forged, Receiver, verify
from support.shop import Goods, refused, unique

PRIVATE = {"SOUK_WEBHOOKS_ALLOW_PRIVATE": "true", "SOUK_MERCHANT_EMAIL": "merchant@example.com"}
HOOKS = "/v1/admin/webhooks"


@pytest.fixture(scope="module")
def shop(templates):
    """One platform of which each test makes itself an administrator."""
    running = _start(templates, demo=False, env=PRIVATE)
    running.goods = Goods(running)
    document = running.goods.document(unique("w"), quantity=1000)
    running.goods.put(document)
    running.product_id = document["product_id"]
    yield running
    _close(running)


@pytest.fixture
def client(shop):
    """An administrator; no webhook is left over from the test before."""
    if not shop.alive() or shop.env != PRIVATE:
        shop.restart(PRIVATE)
    administrator = shop.admin_client()
    for each in ok(administrator.get(HOOKS), 200)["data"]:
        assert administrator.delete(f"{HOOKS}/{each['id']}").status_code == 204
    return administrator


@pytest.fixture
def receiver(request):
    """receiver(**options): a receiver that ends with the test."""

    def make(**options):
        made = Receiver(**options)
        request.addfinalizer(made.close)
        return made

    return make


def hook(client, url, *types):
    """A new webhook, and its secret."""
    made = ok(client.post(HOOKS, {"url": url, "event_types": list(types)}), 201)
    return made["webhook"], made["secret"]


def buy(shop):
    return shop.client().buy(shop.product_id, email=unique_email("hook"))["id"]


def log(client, webhook, **filters):
    return ok(client.get("/v1/admin/notifications", params={"endpoint_id": webhook["id"], "limit": 100, **filters}),
              200)["data"]


def of_order(client, webhook, order, kind="order.confirmed"):
    found = [each for each in log(client, webhook, subject_id=order) if each["kind"] == kind]
    assert len(found) <= 1, found
    return found[0] if found else None


def wait_message(client, webhook, order, condition, what):
    def right():
        found = of_order(client, webhook, order)
        return found if found and condition(found) else None

    return wait_for(right, 30, what)


def wait_status(client, webhook, order, status):
    return wait_message(client, webhook, order, lambda found: found["status"] == status, f"the webhook to be {status}")


def wait_failure(client, webhook, order, number=1):
    return wait_message(client, webhook, order,
                        lambda found: found["attempts"] >= number and found.get("last_error"), "a failed attempt")


def attempts(client, message):
    return ok(client.get(f"/v1/admin/notifications/{message['id']}"), 200)["attempts"]


def make_due(shop):
    """As if the time until the next attempt had gone by."""
    shop.sql("notification_db", "UPDATE notifications SET next_attempt_at = now() WHERE status = 'pending'"
                                " AND channel = 'webhook'")


def test_an_order_is_told_signed_and_a_forged_request_would_be_seen(shop, client, receiver):
    system = receiver()
    webhook, secret = hook(client, system.url)
    assert secret.startswith("whsec_")
    order = buy(shop)
    (told,) = system.wait(order, "order.confirmed")
    told.verify(secret)
    assert set(told.event) == {"type", "timestamp", "data"} and told.event["timestamp"].endswith("Z")
    assert told.event["data"]["status"] == "confirmed" and told.event["data"]["currency"] == "USD"
    (paid,) = system.wait(order, "payment.changed")
    paid.verify(secret)
    assert paid.event["data"]["status"] == "succeeded"
    assert paid.event["data"]["amount"] == told.event["data"]["total"]
    sent = wait_status(client, webhook, order, "sent")
    assert (sent["channel"], sent["handed_to"], sent["attempts"], sent["message_id"]) == ("webhook", "webhook", 1, told.id)
    (attempt,) = attempts(client, sent)
    assert (attempt["outcome"], attempt["response_status"]) == ("taken", 204)
    # Who does not know the secret, or changes anything, is found out.
    for forged in (
        lambda: verify("whsec_" + "A" * 43 + "=", told.headers, told.body),
        lambda: verify(secret, told.headers, told.body.replace(b"confirmed", b"cancelled")),
        lambda: verify(secret, {**told.headers, "webhook-id": paid.id}, told.body),
        lambda: verify(secret, {**told.headers, "webhook-timestamp": str(int(told.headers["webhook-timestamp"]) + 1)},
                       told.body),
        lambda: verify(secret, told.headers, told.body, now=time.time() + 600),
    ):
        with pytest.raises(Forged):
            forged()


def test_a_secret_is_shown_once_and_stored_nowhere(shop, client, receiver):
    webhook, secret = hook(client, receiver().url)
    for reply in (client.get(HOOKS), client.get(f"{HOOKS}/{webhook['id']}"),
                  client.patch(f"{HOOKS}/{webhook['id']}", {"description": "the till"})):
        assert reply.status_code == 200 and "whsec_" not in reply.text
    rows = shop.sql("notification_db", "SELECT e::text FROM webhook_endpoints e")
    assert secret.removeprefix("whsec_") not in str(rows) and secret not in shop.log_text()


def test_an_endpoint_gets_the_events_that_it_wants(shop, client, receiver):
    everything, shipped = receiver(), receiver()
    hook(client, everything.url)
    webhook, _ = hook(client, shipped.url, "order.shipped", "order.cancelled")
    order = buy(shop)
    key, parcel = {"Idempotency-Key": str(uuid.uuid4())}, {"carrier": "DHL", "tracking_number": "T-9"}
    # Refused for the moment until the order's stock is booked.
    wait_for(lambda: client.post(f"/v1/admin/orders/{order}/shipments", parcel, headers=key).status_code == 201,
             what="the parcel")
    (told,) = shipped.wait(order, "order.shipped")
    assert told.event["data"]["tracking_number"] == "T-9"
    everything.wait(order, "order.confirmed")
    everything.wait(order, "order.shipped")
    assert {each["kind"] for each in log(client, webhook)} == {"order.shipped"}


def test_while_the_receiver_is_down_events_wait_and_come_when_it_is_up(shop, client, receiver):
    port = free_ports(1)[0]
    webhook, secret = hook(client, f"http://127.0.0.1:{port}/hook")
    orders = [buy(shop) for _ in range(3)]
    for order in orders:
        waiting = wait_failure(client, webhook, order)
        assert waiting["status"] == "pending" and waiting["next_attempt_at"]
    assert ok(client.get(f"{HOOKS}/{webhook['id']}"), 200)["failing_since"]
    shop.restart(PRIVATE)
    system = receiver(port=port)
    make_due(shop)
    for order in orders:
        (told,) = system.wait(order, "order.confirmed")
        told.verify(secret)
    client = shop.admin_client()
    for order in orders:
        wait_status(client, webhook, order, "sent")
    assert "failing_since" not in ok(client.get(f"{HOOKS}/{webhook['id']}"), 200)


def test_a_failing_receiver_is_asked_again_under_the_same_id(shop, client, receiver):
    system = receiver()
    system.status, system.reply = 500, b"the database\nis \xff gone"
    webhook, secret = hook(client, system.url, "order.confirmed")
    order = buy(shop)
    waiting = wait_failure(client, webhook, order)
    assert waiting["last_error"] == "the database is ? gone"
    system.wait(order, "order.confirmed", 2)  # within five seconds, by itself
    wait_failure(client, webhook, order, 2)
    system.status = 200
    make_due(shop)
    wait_status(client, webhook, order, "sent")
    told = system.of(order)
    assert len(told) >= 3 and len({each.id for each in told}) == 1
    told[-1].verify(secret)
    written = attempts(client, waiting)
    assert [each["response_status"] for each in written] == [200] + [500] * (len(written) - 1)
    assert all(each["duration_ms"] >= 0 for each in written) and written[-1]["detail"] == "the database is ? gone"


def test_a_receiver_that_hangs_is_left_and_delays_nobody_else(shop, client, receiver):
    slow, quick = receiver(), receiver()
    slow.delay_s = 60
    webhook, _ = hook(client, slow.url, "order.confirmed")
    other, _ = hook(client, quick.url, "order.confirmed")
    orders = [buy(shop) for _ in range(8)]
    began = time.monotonic()
    for order in orders:
        quick.wait(order, "order.confirmed", timeout_s=12)
        wait_status(client, other, order, "sent")
    assert time.monotonic() - began < 14, "less than the limit of a request"
    assert len(slow.told) == 4, "so many at the same time, and no more"
    waiting = wait_failure(client, webhook, orders[0])
    assert waiting["status"] == "pending"
    (attempt,) = attempts(client, waiting)
    assert 14_000 < attempt["duration_ms"] < 17_000 and "response_status" not in attempt


def test_an_endpoint_that_is_gone_is_disabled_and_the_merchant_told(shop, client, receiver):
    system = receiver()
    system.status = 410
    webhook, _ = hook(client, system.url, "order.confirmed")
    order = buy(shop)
    assert wait_status(client, webhook, order, "failed")["attempts"] == 1
    disabled = ok(client.get(f"{HOOKS}/{webhook['id']}"), 200)
    assert disabled["status"] == "disabled" and "410" in disabled["disabled_reason"]
    (told,) = ok(client.get("/v1/admin/notifications", params={"subject_id": webhook["id"], "channel": "email"}), 200)["data"]
    assert (told["kind"], told["recipient"]) == ("webhook.disabled", "merchant@example.com")
    refused(client.post(f"{HOOKS}/{webhook['id']}/test"), 409, "webhook.disabled")
    # Enabled again, it is told again, and what failed may be sent again.
    system.status = 200
    ok(client.patch(f"{HOOKS}/{webhook['id']}", {"status": "enabled"}), 200)
    ok(client.post(f"/v1/admin/notifications/{of_order(client, webhook, order)['id']}/retry"), 200)
    wait_status(client, webhook, order, "sent")
    assert len({each.id for each in system.of(order)}) == 1


def test_five_days_of_failures_disable_an_endpoint_and_lose_nothing(shop, client, receiver):
    system = receiver()
    system.status = 503
    webhook, _ = hook(client, system.url, "order.confirmed")
    order = buy(shop)
    wait_failure(client, webhook, order)
    shop.sql("notification_db", "UPDATE webhook_endpoints SET failing_since = failing_since - interval '5 days'")
    make_due(shop)
    wait_for(lambda: ok(client.get(f"{HOOKS}/{webhook['id']}"), 200)["status"] == "disabled", 20, "the end of patience")
    assert of_order(client, webhook, order)["status"] == "pending"
    system.status = 200
    ok(client.patch(f"{HOOKS}/{webhook['id']}", {"status": "enabled"}), 200)
    wait_status(client, webhook, order, "sent")


def test_retry_after_is_respected(shop, client, receiver):
    system = receiver()
    system.status, system.headers = 429, {"Retry-After": "600"}
    webhook, _ = hook(client, system.url, "order.confirmed")
    first = wait_failure(client, webhook, buy(shop))
    wait = shop.scalar("notification_db", "SELECT extract(epoch FROM next_attempt_at - now()) FROM notifications"
                                          " WHERE id = %s", first["id"])
    assert 580 < wait <= 600
    assert ok(client.get(f"{HOOKS}/{webhook['id']}"), 200)["paused_until"]
    system.status, system.headers = 200, {}
    order = buy(shop)
    wait_for(lambda: of_order(client, webhook, order), what="the message")
    assert of_order(client, webhook, order)["attempts"] == 0 and system.of(order) == []
    shop.sql("notification_db", "UPDATE webhook_endpoints SET paused_until = now()")
    wait_status(client, webhook, order, "sent")


def test_redirects_are_not_followed(shop, client, receiver):
    other, system = receiver(), receiver()
    system.status, system.headers = 307, {"Location": other.url}
    webhook, _ = hook(client, system.url, "order.confirmed")
    waiting = wait_failure(client, webhook, buy(shop))
    assert "redirects are not followed" in waiting["last_error"]
    assert other.told == []


def test_a_reply_without_end_is_taken_by_its_status(shop, client, receiver):
    system = receiver()
    system.status, system.reply = 200, b"x" * 5_000_000
    webhook, _ = hook(client, system.url, "order.confirmed")
    sent = wait_status(client, webhook, buy(shop), "sent")
    assert len(attempts(client, sent)[0]["detail"]) == 500


def test_while_a_secret_is_rotated_both_secrets_hold(shop, client, receiver):
    system = receiver()
    webhook, old = hook(client, system.url, "order.confirmed")
    path = f"{HOOKS}/{webhook['id']}"
    rotated = ok(client.post(f"{path}/rotate", {"overlap_hours": 1}), 200)
    assert rotated["webhook"]["previous_secrets_until"]
    (told,) = system.wait(buy(shop), "order.confirmed")
    told.verify(old)
    told.verify(rotated["secret"])
    assert len(told.headers["webhook-signature"].split(" ")) == 2
    only = ok(client.post(f"{path}/rotate", {"overlap_hours": 0}), 200)["secret"]
    (told,) = system.wait(buy(shop), "order.confirmed")
    told.verify(only)
    for void in (old, rotated["secret"]):
        with pytest.raises(Forged):
            told.verify(void)


def test_an_administrator_sends_again_what_was_taken(shop, client, receiver):
    system = receiver()
    webhook, secret = hook(client, system.url, "order.confirmed")
    order = buy(shop)
    sent = wait_status(client, webhook, order, "sent")
    ok(client.post(f"/v1/admin/notifications/{sent['id']}/retry"), 200)
    first, second = system.wait(order, "order.confirmed", 2)
    assert first.id == second.id and first.body == second.body
    second.verify(secret)


def test_after_an_outage_all_that_waits_is_sent_at_once(shop, client, receiver):
    system = receiver()
    system.status = 503
    webhook, _ = hook(client, system.url, "order.confirmed")
    orders = [buy(shop) for _ in range(3)]
    for order in orders:
        wait_failure(client, webhook, order)
    shop.sql("notification_db", "UPDATE notifications SET next_attempt_at = now() + interval '1 day'"
                                " WHERE endpoint_id = %s", webhook["id"])
    system.status = 204

    def all_sent():  # what is under way just now is left alone, and may fail once more
        ok(client.post(f"{HOOKS}/{webhook['id']}/redeliver"), 200)
        return {each["status"] for each in log(client, webhook)} == {"sent"}

    wait_for(all_sent, 70, "the webhooks to be sent")
    assert all(len({each.id for each in system.of(order)}) == 1 for order in orders)


def test_a_test_event_is_sent_whatever_is_wanted(shop, client, receiver):
    system = receiver()
    webhook, secret = hook(client, system.url, "inventory.low_stock")
    message = ok(client.post(f"{HOOKS}/{webhook['id']}/test"), 202)
    assert message["kind"] == "webhook.test" and message["endpoint_id"] == webhook["id"]
    wait_for(lambda: system.told, what="the test event")
    system.told[0].verify(secret)
    assert system.told[0].event["data"] == {"webhook_id": webhook["id"]}


def test_low_stock_is_told(shop, client, receiver):
    system = receiver()
    _, secret = hook(client, system.url, "inventory.*")
    product = shop.goods.product(quantity=5)["product_id"]
    ok(client.patch(f"/v1/admin/inventory/{product}", {"reorder_level": 4, "reorder_quantity": 30}), 200)
    shop.client().buy(product)
    wait_for(lambda: system.told, 20, "the low stock")
    system.told[0].verify(secret)
    assert system.told[0].type == "inventory.low_stock"
    assert system.told[0].event["data"]["product_id"] == product and system.told[0].event["data"]["reorder_quantity"] == 30


def test_https_needs_a_certificate_that_can_be_trusted(shop, client, receiver, tmp_path):
    trusted, other = mail.Authority(tmp_path / "trusted"), mail.Authority(tmp_path / "other")
    good, bad = receiver(context=trusted.context()), receiver(context=other.context())
    shop.restart({**PRIVATE, "SOUK_WEBHOOKS_CA_FILE": str(trusted.ca_file)})
    client = shop.admin_client()
    webhook, secret = hook(client, good.url, "order.confirmed")
    distrusted, _ = hook(client, bad.url, "order.confirmed")
    order = buy(shop)
    (told,) = good.wait(order, "order.confirmed")
    told.verify(secret)
    assert "certificate" in wait_failure(client, distrusted, order)["last_error"]
    assert bad.told == []


def test_nothing_is_sent_into_the_private_network(shop, client, receiver):
    system = receiver()
    webhook, _ = hook(client, system.url, "order.confirmed")  # while it was allowed
    shop.restart({})
    client = shop.admin_client()
    for url in ("http://example.com/", f"https://127.0.0.1:{system.port}/", "https://169.254.169.254/latest/meta-data",
                "https://[::1]/", "https://localhost/", "https://u:p@example.com/", "ftp://example.com/", "nonsense"):
        refused(client.post(HOOKS, {"url": url}), 422, "webhook.invalid_url", "url")
    refused(client.patch(f"{HOOKS}/{webhook['id']}", {"url": "https://10.0.0.1/"}), 422, "webhook.invalid_url", "url")
    # Other ways to write this machine's address get as far as the socket.
    disguised = [hook(client, f"https://{host}:{system.port}/", "order.confirmed")[0]
                 for host in ("2130706433", "0x7f000001", "127.1")]
    order = buy(shop)
    for each in (webhook, *disguised):
        assert "not of the public internet" in wait_failure(client, each, order)["last_error"]
    assert system.told == []


def test_a_platform_that_is_killed_before_it_knows_sends_again_under_the_same_id(shop, client, receiver):
    system = receiver()
    webhook, _ = hook(client, system.url, "order.confirmed")
    shop.restart({**PRIVATE, "SOUK_FAILPOINT": "notification.after_webhook:kill@1"})
    order = buy(shop)
    shop.wait_exit()
    shop.start(PRIVATE)
    make_due(shop)
    wait_status(shop.admin_client(), webhook, order, "sent")
    first, second = system.of(order)
    assert first.id == second.id


def test_a_stop_lets_what_is_under_way_end(shop, client, receiver):
    system = receiver()
    system.delay_s = 1
    webhook, _ = hook(client, system.url, "order.confirmed")
    order = buy(shop)
    system.wait(order, "order.confirmed")
    assert shop.stop() == 0
    assert shop.sql("notification_db", "SELECT status, attempts FROM notifications WHERE endpoint_id = %s", webhook["id"]) \
        == [{"status": "sent", "attempts": 1}]


def test_a_stop_does_not_wait_for_a_receiver_that_hangs(shop, client, receiver):
    system = receiver()
    system.delay_s = 60
    webhook, _ = hook(client, system.url, "order.confirmed")
    order = buy(shop)
    system.wait(order, "order.confirmed")
    began = time.monotonic()
    assert shop.stop() == 0
    assert time.monotonic() - began < 8
    shop.start(PRIVATE)
    waiting = of_order(shop.admin_client(), webhook, order)
    assert waiting["status"] == "pending" and waiting["attempts"] >= 1


def test_two_platforms_on_the_same_books_send_each_event_once(shop, client, receiver):
    system = receiver()
    webhook, _ = hook(client, system.url, "order.confirmed")
    second = Platform(shop.home, PRIVATE)
    try:
        second.start()
        second.product_id = shop.product_id
        orders = [buy(platform) for platform in (shop, second) * 10]
        for order in orders:
            wait_status(client, webhook, order, "sent")
    finally:
        second.stop()
    ids = [each.id for each in system.told]
    assert len(ids) == 20 and len(set(ids)) == 20


def test_what_waits_shows_in_the_metrics(shop, client, receiver):
    system = receiver()
    system.status = 500
    webhook, _ = hook(client, system.url, "order.confirmed")
    order = buy(shop)
    wait_failure(client, webhook, order)

    def value(name):
        (line,) = [line for line in shop.internal("/metrics").text.splitlines() if line.startswith(name + " ")]
        return float(line.split(" ")[1])

    wait_for(lambda: value('souk_messages_pending{channel="webhook"}') >= 1, 25, "the message to be counted")
    assert value('souk_messages_oldest_seconds{channel="webhook"}') > 0
    assert value('souk_webhooks_total{outcome="not_taken"}') >= 1
    system.status = 410
    make_due(shop)
    wait_for(lambda: value("souk_webhooks_disabled") == 1, 25, "the webhook to be counted")
    assert value('souk_webhooks_total{outcome="given_up"}') >= 1


def test_wrong_input_is_refused_by_name(client, receiver):
    url = receiver().url
    refused(client.post(HOOKS, {"url": url, "event_types": ["order.confirmed", "order.shiped"]}), 422,
            "webhook.unknown_event_type", "event_types[1]")
    webhook, _ = hook(client, url)
    refused(client.post(HOOKS, {"url": url}), 409, "webhook.url_taken")
    for body in ({}, {"url": ""}, {"url": url, "secret": "whsec_mine"}, {"url": 7}):
        assert client.post(HOOKS, body).status_code in (400, 422), body
    refused(client.patch(f"{HOOKS}/{webhook['id']}", {"event_types": ["*"]}), 422, "webhook.unknown_event_type",
            "event_types[0]")
    assert client.patch(f"{HOOKS}/{webhook['id']}", {"status": "deleted"}).status_code in (400, 422)
    assert client.post(f"{HOOKS}/{webhook['id']}/rotate", {"overlap_hours": 1000}).status_code in (400, 422)
    for path in (f"{HOOKS}/nonsense", f"{HOOKS}/{uuid.uuid4()}"):
        refused(client.get(path), 404, "webhook.not_found")
        refused(client.delete(path), 404, "webhook.not_found")
        refused(client.post(f"{path}/test"), 404, "webhook.not_found")


def test_only_administrators_manage_webhooks(shop, client, receiver):
    webhook, _ = hook(client, receiver().url)
    path = f"{HOOKS}/{webhook['id']}"
    customer = shop.client()
    calls = [("GET", HOOKS, None), ("POST", HOOKS, {"url": "https://example.com/"}), ("GET", path, None),
             ("PATCH", path, {"status": "disabled"}), ("DELETE", path, None), ("POST", f"{path}/rotate", {}),
             ("POST", f"{path}/test", None), ("POST", f"{path}/redeliver", None)]
    for method, where, body in calls:
        refused(customer.request(method, where, json=body), 401, "auth.required")
    customer.register()
    for method, where, body in calls:
        assert customer.request(method, where, json=body).status_code == 403, where
    assert ok(client.get(path), 200)["status"] == "enabled"
