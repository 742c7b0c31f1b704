"""Messages: mails by SMTP against a real server, and what becomes of them when it is away, busy or unwilling."""

import pytest
from support import mail
from support.client import ok, unique_email
from support.fixtures import _close, _start
from support.platform import free_ports, wait_for
from support.shop import Goods, refused, unique

FROM = "Souk <shop@example.com>"


@pytest.fixture(scope="module")
def shop(templates):
    """One platform that is started anew with the mail server of each test."""
    running = _start(templates, demo=False, env=None, start=False)
    running.goods = Goods(running)
    documents = [running.goods.document(unique("m"), quantity=1000) for _ in range(2)]
    running.goods.put(*documents)
    running.product_id = documents[0]["product_id"]
    yield running
    _close(running)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return mail.Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server(request):
    """server(**options): a mail server that ends with the test."""

    def make(**options):
        made = mail.MailServer(**options)
        request.addfinalizer(made.close)
        return made

    return make


def settings(port, scheme="smtp", credentials=None, **more):
    user = f"{credentials}@" if credentials else ""
    return {"SOUK_SMTP_URL": f"{scheme}://{user}127.0.0.1:{port}", "SOUK_MAIL_FROM": FROM, **more}


def plain(port):
    return settings(port, SOUK_SMTP_STARTTLS="opportunistic")


def start(shop, env):
    """As an administrator, on a platform with these settings; nothing is left over from the test before."""
    shop.kill()
    shop.sql("notification_db", "DELETE FROM notifications WHERE status <> 'sent'")
    shop.start(env)
    return shop.admin_client()


def buy(shop):
    """An order, and the address that it is told to."""
    address = unique_email("mail")
    return shop.client().buy(shop.product_id, email=address), address


def message(client, order):
    """The message of the order's confirmation, as administrators see it."""
    page = ok(client.get("/v1/admin/notifications", params={"subject_id": order["id"]}), 200)
    found = [each for each in page["data"] if each["kind"] == "order.confirmed" and each["channel"] == "email"]
    assert len(found) <= 1, found
    return found[0] if found else None


def wait_message(client, order, condition, what):
    def right():
        found = message(client, order)
        return found if found and condition(found) else None

    return wait_for(right, 30, what)


def wait_sent(client, order):
    return wait_message(client, order, lambda found: found["status"] == "sent", "the mail to be sent")


def wait_attempt(client, order, number=1):
    return wait_message(client, order, lambda found: found["attempts"] >= number and found.get("last_error"),
                        "an attempt")


def make_due(shop):
    """As if the time until the next attempt had gone by."""
    shop.sql("notification_db", "UPDATE notifications SET next_attempt_at = now() WHERE status = 'pending'")


def mails_to(server, address):
    return [each for each in server.mails if each.recipients == [address]]


def test_an_order_is_confirmed_by_mail_over_starttls_with_a_login(shop, server, authority):
    mails = server(context=authority.context(), starttls=True, login="PLAIN")
    client = start(shop, settings(mails.port, credentials=mail.URL_CREDENTIALS,
                                  SOUK_SMTP_CA_FILE=str(authority.ca_file)))
    order, address = buy(shop)
    sent = wait_sent(client, order)
    assert (sent["recipient"], sent["handed_to"], sent["attempts"]) == (address, "smtp", 1)
    (taken,) = mails_to(mails, address)
    assert taken.encrypted and taken.authenticated and taken.sender == "shop@example.com"
    assert taken.message["From"] == FROM and taken.message["To"] == address
    assert taken.message_id == f"<{sent['message_id']}>" and sent["message_id"].endswith("@example.com")
    assert taken.message["Auto-Submitted"] == "auto-generated"
    assert order["order_number"] in taken.message["Subject"] and taken.message["Subject"] == sent["subject"]
    for kind in ("plain", "html"):
        assert f"{order['total']:.2f} {order['currency']}" in taken.part(kind), kind
    assert taken.part("html").startswith("<!DOCTYPE html>")
    assert "p:w/d" not in shop.log_text() and mail.URL_CREDENTIALS not in shop.log_text()


def test_the_mail_of_a_shipped_order_names_carrier_and_tracking_number(shop, server):
    mails = server()
    client = start(shop, plain(mails.port))
    order, address = buy(shop)
    parcel, key = {"carrier": "DHL", "tracking_number": "00340434161094042557"}, {"Idempotency-Key": unique("parcel")}
    # Refused for the moment until the order's stock is booked.
    wait_for(lambda: client.post(f"/v1/admin/orders/{order['id']}/shipments", parcel, headers=key).status_code == 201,
             what="the parcel")

    def shipped():
        return [each for each in mails_to(mails, address) if "on its way" in each.message["Subject"]]

    (taken,) = wait_for(shipped, 30, "the mail")
    for kind in ("plain", "html"):
        assert "It comes in one parcel: DHL 00340434161094042557." in taken.part(kind), kind


def test_smtps_and_auth_login(shop, server, authority):
    mails = server(context=authority.context(), login="LOGIN")
    client = start(shop, settings(mails.port, "smtps", mail.URL_CREDENTIALS, SOUK_SMTP_CA_FILE=str(authority.ca_file)))
    order, address = buy(shop)
    wait_sent(client, order)
    (taken,) = mails_to(mails, address)
    assert taken.encrypted and taken.authenticated


def test_a_certificate_that_cannot_be_trusted_gets_no_mail(shop, server, authority, tmp_path):
    other = mail.Authority(tmp_path / "other")
    mails = server(context=authority.context(), starttls=True)
    client = start(shop, settings(mails.port, SOUK_SMTP_CA_FILE=str(other.ca_file)))
    order, _ = buy(shop)
    waiting = wait_attempt(client, order)
    assert waiting["status"] == "pending" and "certificate" in waiting["last_error"]
    assert mails.mails == [] and "MAIL" not in mails.verbs


def test_a_server_without_tls_gets_neither_mail_nor_password_where_tls_is_required(shop, server):
    mails = server()
    client = start(shop, settings(mails.port, credentials=mail.URL_CREDENTIALS))
    order, _ = buy(shop)
    assert wait_attempt(client, order)["status"] == "pending"
    assert mails.mails == [] and mails.verbs == []
    # With the other setting it is good enough.
    client = start(shop, plain(mails.port))
    order, address = buy(shop)
    wait_sent(client, order)
    assert not mails_to(mails, address)[0].encrypted


def test_a_wrong_password_loses_no_mail(shop, server, authority):
    mails = server(context=authority.context(), starttls=True, login="PLAIN")
    ca = {"SOUK_SMTP_CA_FILE": str(authority.ca_file)}
    client = start(shop, settings(mails.port, credentials="shop:wrong", **ca))
    order, address = buy(shop)
    waiting = wait_attempt(client, order)
    assert waiting["status"] == "pending" and waiting["last_error"].startswith("535")
    shop.restart(settings(mails.port, credentials=mail.URL_CREDENTIALS, **ca))
    make_due(shop)
    wait_sent(shop.admin_client(), order)
    assert len(mails_to(mails, address)) == 1


def test_while_the_server_is_down_mails_wait(shop, server):
    port = free_ports(1)[0]
    client = start(shop, plain(port))
    orders = [buy(shop) for _ in range(3)]
    for order, _ in orders:
        waiting = wait_attempt(client, order)
        assert waiting["status"] == "pending" and waiting["next_attempt_at"]
    mails = server(port=port)
    make_due(shop)
    for order, address in orders:
        wait_sent(client, order)
        assert len(mails_to(mails, address)) == 1


def test_a_busy_server_is_asked_again_later(shop, server):
    mails = server()
    mails.recipient_reply = "450 4.2.0 greylisted, come back"
    client = start(shop, plain(mails.port))
    order, address = buy(shop)
    waiting = wait_attempt(client, order)
    assert waiting["status"] == "pending" and waiting["last_error"] == "450 4.2.0 greylisted, come back"
    delay = shop.scalar("notification_db", "SELECT extract(epoch FROM next_attempt_at - now()) FROM notifications"
                                           " WHERE id = %s", waiting["id"])
    assert 20 < delay <= 30
    make_due(shop)
    # Claimed is not yet answered.
    wait_for(lambda: len(ok(client.get(f"/v1/admin/notifications/{waiting['id']}"), 200)["attempts"]) == 2,
             what="the second answer")
    delay = shop.scalar("notification_db", "SELECT extract(epoch FROM next_attempt_at - now()) FROM notifications"
                                           " WHERE id = %s", waiting["id"])
    assert 50 < delay <= 60, "the second wait is twice as long"
    mails.recipient_reply = None
    make_due(shop)
    assert wait_sent(client, order)["attempts"] == 3
    assert len(mails_to(mails, address)) == 1


@pytest.mark.parametrize("place", ["recipient_reply", "text_reply"])
def test_a_refused_mail_has_failed_and_an_administrator_sees_why(shop, server, place):
    mails = server()
    setattr(mails, place, "550 5.1.1 no such mailbox")
    client = start(shop, plain(mails.port))
    order, address = buy(shop)
    failed = wait_message(client, order, lambda found: found["status"] == "failed", "the failure")
    assert failed["last_error"] == "550 5.1.1 no such mailbox" and failed["attempts"] == 1
    listed = ok(client.get("/v1/admin/notifications", params={"status": "failed"}), 200)["data"]
    assert failed["id"] in {each["id"] for each in listed}
    details = ok(client.get(f"/v1/admin/notifications/{failed['id']}"), 200)
    (attempt,) = details["attempts"]
    assert (attempt["outcome"], attempt["response_status"]) == ("refused", 550)
    assert order["order_number"] in details["text"]
    make_due(shop)
    # The mailbox exists now.
    setattr(mails, place, None)
    ok(client.post(f"/v1/admin/notifications/{failed['id']}/retry"), 200)
    sent = wait_sent(client, order)
    assert sent["message_id"] == failed["message_id"]
    assert len(mails_to(mails, address)) == 1
    refused(client.post(f"/v1/admin/notifications/{failed['id']}/retry"), 409, "notification.already_sent")
    refused(client.post("/v1/admin/notifications/nonsense/retry"), 404, "notification.not_found")


def test_a_server_that_dies_after_the_text_gets_the_mail_again_under_the_same_id(shop, server):
    mails = server()
    client = start(shop, plain(mails.port))
    wait_for(lambda: mails.mails, what="the administrator's welcome")
    mails.dies_after_text = True
    order, address = buy(shop)
    assert wait_attempt(client, order)["status"] == "pending"
    make_due(shop)
    wait_sent(client, order)
    first, second = mails_to(mails, address)
    assert first.message_id == second.message_id


def test_a_platform_that_is_killed_before_it_knows_sends_again_under_the_same_id(shop, server):
    mails = server()
    client = start(shop, plain(mails.port) | {"SOUK_FAILPOINT": "notification.after_mail:kill@2"})  # 1: the welcome
    order, address = buy(shop)
    shop.wait_exit()
    shop.start(plain(mails.port))
    make_due(shop)
    wait_sent(client, order)
    taken = mails_to(mails, address)
    assert len(taken) == 2 and len({each.message_id for each in taken}) == 1


def test_a_stop_does_not_wait_for_a_silent_server(shop):
    import socket
    import time
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = start(shop, plain(silent.getsockname()[1]))
        order, _ = buy(shop)
        wait_message(client, order, lambda found: found["attempts"] == 1, "the attempt to begin")
        began = time.monotonic()
        assert shop.stop() == 0
        assert time.monotonic() - began < 10


@pytest.mark.parametrize(("env", "sentence"), [
    ({"SOUK_SMTP_URL": "http://127.0.0.1"}, "smtp:// or smtps://"),
    ({"SOUK_SMTP_URL": "smtp://127.0.0.1", "SOUK_SMTP_STARTTLS": "never"}, "required or opportunistic"),
    ({"SOUK_SMTP_URL": "smtp://127.0.0.1", "SOUK_MAIL_FROM": "nobody"}, "SOUK_MAIL_FROM"),
    ({"SOUK_SMTP_URL": "smtp://u:secret@mail.example.com", "SOUK_SMTP_STARTTLS": "opportunistic"}, "required"),
])
def test_settings_that_cannot_be_meant_stop_the_start_with_a_sentence(shop, env, sentence):
    done = shop.run("serve", env=env, timeout_s=30)
    assert done.returncode != 0 and sentence in done.stderr + done.stdout
    assert "secret" not in done.stderr + done.stdout


def test_only_administrators_see_messages(shop):
    start(shop, {})
    customer = shop.client()
    refused(customer.get("/v1/admin/notifications"), 401, "auth.required")
    customer.register()
    for path in ("", "/00000000-0000-0000-0000-000000000000"):
        assert customer.get(f"/v1/admin/notifications{path}").status_code == 403
