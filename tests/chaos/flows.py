"""What a customer does, in steps that can be repeated after the platform was killed in any of them."""

import time
import urllib.parse
import uuid

import requests
from support import simulator
from support.client import checkout_body, unique_email
from support.platform import wait_for
from support.receiver import Receiver
from support.shop import reservations

FINAL_S = 90
SETTINGS = {"SOUK_WEBHOOKS_ALLOW_PRIVATE": "true"}  # of the platform that the flows run on: its merchant is on loopback
OPENING_STOCK = 40  # of each product that a flow buys


def let_leases_pass(shop):
    """As if the time of a worker's lease had gone by: recovery takes over what nobody works on."""
    for table in ("checkout_sagas", "cancellation_sagas", "return_sagas"):
        shop.sql("order_db", f"UPDATE {table} SET lease_until = now(), next_check_at = now() WHERE finished_at IS NULL")


class Killed(Exception):
    """The platform went away during a step."""


class Purchase:
    """One customer who buys `quantity` of one product. `drive` goes on until the outcome is known."""

    expected = "order"

    def __init__(self, product_id, payment=None, quantity=2):
        self.product_id = product_id
        self.quantity = quantity
        self.key = str(uuid.uuid4())
        self.body = checkout_body(email=unique_email("chaos"), payment=payment or {"method": "card", "token": simulator.SUCCESS})
        self.cart_id = None
        self.checkout_id = None  # the order's id, as soon as any reply told it
        self.order = None
        self.refusal = None

    def left(self, opening_stock):
        """What must be in stock afterwards."""
        return opening_stock - (self.quantity if self.outcome == "order" else 0)

    def drive(self, shop):
        """Raises Killed when the connection is lost; may be called again then."""
        self.shop = shop
        try:
            self._drive(shop.client())
        except requests.RequestException as e:
            raise Killed(str(e)) from e

    def _drive(self, client):
        if self.cart_id is None:
            self.cart_id = client.cart_with((self.product_id, self.quantity))
        self._buy(client)

    def _buy(self, client):
        end = time.monotonic() + FINAL_S
        while self.order is None and self.refusal is None:
            if time.monotonic() > end:
                raise TimeoutError(f"the checkout {self.key} has no outcome after {FINAL_S} s")
            self._take(client.checkout(self.cart_id, self.key, **self.body), client)

    def _take(self, reply, client):
        body = reply.json()
        if reply.status_code == 201:
            assert self.checkout_id in (None, body["id"]), "one key, two orders"
            self.order, self.checkout_id = body, body["id"]
        elif reply.status_code == 202:
            checkout = body["checkout"]
            assert self.checkout_id in (None, checkout["id"]), "one key, two checkouts"
            self.checkout_id = checkout["id"]
            if checkout["status"] == "requires_action":
                self.act(client, checkout)
        elif reply.status_code == 503 or body["code"] in ("checkout.in_progress", "idempotency.in_progress"):
            self.pause(client)
        elif 400 <= reply.status_code < 500:
            self.refusal = body
        else:
            # Unknown to the client, who repeats with the same key.
            assert reply.status_code in (500, 502, 504), reply.text

    def act(self, client, checkout):
        raise AssertionError(f"this customer has nothing to do: {checkout}")

    def pause(self, client):
        """Still under way: asks again in a moment, as Retry-After says, but does not wait that long."""
        client.get("/v1/products", params={"limit": 1})

    @property
    def outcome(self):
        if self.refusal is not None:
            return self.refusal["code"]
        return self.order["status"] if self.expected == "cancelled" else "order"


class Declined(Purchase):
    expected = "payment.declined"

    def __init__(self, product_id):
        super().__init__(product_id, {"method": "card", "token": simulator.DECLINE})


class WithCoupon(Purchase):
    """Buys with the only use of a coupon, and pays with `token`."""

    def __init__(self, product_id, token=simulator.SUCCESS):
        super().__init__(product_id, {"method": "card", "token": token})
        self.code = f"CHAOS-{uuid.uuid4().hex[:12].upper()}"

    def _drive(self, client):
        self.shop.sql("order_db", "INSERT INTO coupons (id, code, kind, basis_points, max_uses, max_uses_per_customer)"
                                  " VALUES (gen_random_uuid(), %s, 'percent', 1000, 1, 1) ON CONFLICT DO NOTHING", self.code)
        if self.cart_id is None:
            cart_id = client.cart_with((self.product_id, self.quantity))
            reply = client.put(f"/v1/carts/{cart_id}/coupon", {"code": self.code})
            assert reply.status_code == 200, reply.text
            self.cart_id = cart_id
        self._buy(client)

    def uses(self):
        return self.shop.scalar("order_db", "SELECT uses FROM coupons WHERE code = %s", self.code)


class DeclinedWithCoupon(WithCoupon):
    expected = "payment.declined"

    def __init__(self, product_id):
        super().__init__(product_id, simulator.DECLINE)


class CashOnDelivery(Purchase):
    def __init__(self, product_id):
        super().__init__(product_id, {"method": "cod"})


class Approved(Purchase):
    """The gateway needs the customer, who approves."""

    approved = True
    prepared = False

    def __init__(self, product_id):
        super().__init__(product_id, {"method": "card", "token": simulator.REQUIRES_ACTION})

    def prepare(self):
        """What happens before the customer acts, once."""

    def act(self, client, checkout):
        if not self.prepared:
            self.prepare()
            if not self.shop.alive():
                raise Killed("while nobody asked")
            self.prepared = True
        simulator.approve(client, checkout, self.approved)
        headers = {"X-Order-Token": checkout["access_token"]}
        client.get(f"/v1/checkouts/{checkout['id']}/return", headers=headers)


class Refused(Approved):
    """The gateway needs the customer, who refuses."""

    approved = False
    expected = ("payment.declined", "checkout.cancelled")


class LookedAt(Approved):
    """Recovery looks at the checkout while it waits for the customer."""

    def prepare(self):
        version = self._version()
        let_leases_pass(self.shop)
        wait_for(lambda: not self.shop.alive() or self._version() != version, 40, "recovery")

    def _version(self):
        return self.shop.scalar("order_db", "SELECT (step_version, next_check_at)::text FROM checkout_sagas WHERE id = %s",
                                self.checkout_id)


class Lapsed(Approved):
    """The hold on the stock lapses before the customer approves."""

    def prepare(self):
        # What the payment tells makes recovery look, and recovery extends the hold: not before it has been told.
        wait_for(lambda: not self.shop.alive() or self._told(), 30, "the payment's events")
        wait_for(lambda: not self.shop.alive() or self._over() or self._lapsed(), 90, "the sweep")

    def _over(self):
        """Recovery may have ended the checkout meanwhile, because somebody else has the stock."""
        return self.shop.scalar("order_db", "SELECT finished_at IS NOT NULL FROM checkout_sagas WHERE id = %s",
                                self.checkout_id)

    def _told(self):
        told = self.shop.scalar("payment_db", "SELECT max(sequence) FROM outbox_events WHERE key = %s", self.checkout_id)
        read = self.shop.scalar("order_db", "SELECT max(split_part(cursor, ':', 2)::bigint) FROM event_cursors"
                                            " WHERE consumer = 'order.payments'")
        return (read or 0) >= (told or 0)

    def _lapsed(self):
        # Each time anew: recovery may have been at work while the first of these ran.
        self.shop.sql("order_db", "UPDATE checkout_sagas SET next_check_at = now() + interval '10 minutes' WHERE id = %s",
                      self.checkout_id)
        self.shop.sql("inventory_db", "UPDATE stock_reservations SET expires_at = now() - interval '1 minute'"
                                      " WHERE order_id = %s AND status = 'active'", self.checkout_id)
        return reservations(self.shop, self.checkout_id) == ["expired"]


class LostHold(Lapsed):
    """The hold lapses and somebody else buys all there is, before the customer pays: the money is given back."""

    # Who takes over after the money went back knows only that it did: cancelled.
    expected = ("checkout.hold_lost", "inventory.insufficient_stock", "checkout.cancelled")

    def __init__(self, product_id):
        super().__init__(product_id)
        self.other = Purchase(product_id, quantity=OPENING_STOCK)

    def prepare(self):
        end = time.monotonic() + FINAL_S
        while self.shop.alive() and self.other.order is None:
            # Recovery may reserve again before the other customer gets there, who is refused: then once more. One who
            # was killed repeats with the same key.
            if self.other.refusal is not None:
                assert time.monotonic() < end, f"nobody else gets the stock in {FINAL_S} s: {self.other.refusal}"
                self.other = Purchase(self.product_id, quantity=OPENING_STOCK)
            super().prepare()
            if self.shop.alive():
                self.other.drive(self.shop)

    def left(self, opening_stock):
        return opening_stock - (OPENING_STOCK if self.other.order else 0)


class Left(Approved):
    """The customer goes away for more than half an hour."""

    expected = ("checkout.expired", "checkout.cancelled")

    def act(self, client, checkout):
        self.shop.sql("order_db", "UPDATE checkout_sagas SET created_at = created_at - interval '31 minutes',"
                                  " lease_until = now(), next_check_at = now() WHERE id = %s AND state = 'waiting'",
                      checkout["id"])
        headers = {"X-Order-Token": checkout["access_token"]}

        def over():
            return client.get(f"/v1/checkouts/{checkout['id']}", headers=headers).json().get("status") == "cancelled"

        wait_for(over, 40, "the end of the checkout")


class Stranded(Purchase):
    """Nobody went on with this checkout for half an hour after its intent."""

    expected = "checkout.expired"

    def strand(self, shop):
        """Starts the platform, begins the checkout, and kills the platform at once."""
        shop.restart({"SOUK_FAILPOINT": "order.after_intent_commit:kill@1"})
        try:
            self.drive(shop)
        except Killed:
            shop.wait_exit()
        shop.sql("order_db", "UPDATE checkout_sagas SET created_at = created_at - interval '31 minutes',"
                             " lease_until = now(), next_check_at = now() WHERE idempotency_key = %s", self.key)


class Captured(Purchase):
    """The money is held when the customer buys; an administrator captures it."""

    token = None
    captured = False

    def __init__(self, product_id):
        super().__init__(product_id, {"method": "card", "token": simulator.AUTHORIZE})

    def _drive(self, client):
        super()._drive(client)
        client = self.shop.client()
        self.token = client.token = self.token or self.shop.admin_client().token
        (payment,) = client.get("/v1/admin/payments", params={"order_id": self.checkout_id}).json()["data"]
        end = time.monotonic() + FINAL_S
        while not self.captured:
            if time.monotonic() > end:
                raise TimeoutError(f"the payment {payment['id']} was not captured in {FINAL_S} s")
            reply = client.post(f"/v1/admin/payments/{payment['id']}/capture")
            assert reply.status_code in (200, 202, 503, 504), reply.text
            self.captured = reply.status_code == 200


class Restocked(Purchase):
    """An administrator adds a delivery, once."""

    expected = "restocked"
    token = None
    outcome = None

    def _drive(self, client):
        self.token = client.token = self.token or self.shop.admin_client().token
        reply = client.post(f"/v1/admin/inventory/{self.product_id}/restock", {"quantity": 5},
                            headers={"Idempotency-Key": self.key})
        assert reply.status_code in (200, 201), reply.text
        self.outcome = "restocked"

    def left(self, opening_stock):
        return opening_stock + 5


class WithSavedCard(Purchase):
    """A customer saves a card, then buys with it."""

    token = None
    saved = None

    def _drive(self, client):
        if self.token is None:
            client.register(self.body["email"])
            self.token = client.token
        client.token = self.token
        if self.saved is None:
            reply = client.post("/v1/me/payment-methods", {"type": "card", "token": simulator.SUCCESS})
            assert reply.status_code == 201, reply.text
            self.saved = reply.json()["id"]
            listed = client.get("/v1/me/payment-methods").json()["data"]
            assert [method["id"] for method in listed] == [self.saved], "a token was saved twice"
            self.body["payment"] = {"method": "card", "payment_method_id": self.saved}
        super()._drive(client)


class TimedOut(Purchase):
    """The gateway charges and does not answer."""

    def __init__(self, product_id):
        super().__init__(product_id, {"method": "card", "token": simulator.TIMEOUT_AFTER_CHARGE})


class OutOfStock(Purchase):
    """Wants more than there is."""

    expected = "inventory.insufficient_stock"

    def __init__(self, product_id):
        super().__init__(product_id, quantity=900)


class Cancelled(Purchase):
    """Buys, then cancels."""

    expected = "cancelled"
    token = None

    def _drive(self, client):
        super()._drive(client)
        self.token = self.token or self.order["access_token"]
        headers = {"X-Order-Token": self.token, "Idempotency-Key": self.key}
        end = time.monotonic() + FINAL_S
        while self.order["status"] != "cancelled":
            if time.monotonic() > end:
                raise TimeoutError(f"the order {self.checkout_id} was not cancelled in {FINAL_S} s")
            reply = client.post(f"/v1/orders/{self.checkout_id}/cancel", headers=headers)
            assert reply.status_code in (200, 409, 503, 504), reply.text
            if reply.status_code == 200:
                self.order = reply.json()


class Delivered(Purchase):
    """An administrator ships and delivers what is paid in cash."""

    token = None

    def __init__(self, product_id, payment=None):
        super().__init__(product_id, payment or {"method": "cod"})

    def _drive(self, client):
        super()._drive(client)
        self.token = client.token = self.token or self.shop.admin_client().token
        path = f"/v1/admin/orders/{self.checkout_id}"
        parcel = {"carrier": "DHL", "tracking_number": "T-1"}
        for step, body in (("shipments", parcel), ("deliver", None)):
            self._until_done(client, f"{path}/{step}", body)

    def _until_done(self, client, path, body, done=None):
        """Returns the reply. `done`: what a repetition is refused with when more than this was made."""
        end = time.monotonic() + FINAL_S
        while True:
            reply = client.post(path, body, headers={"Idempotency-Key": self.key})
            if reply.status_code in (200, 201):
                return reply.json()
            if done and reply.status_code == 409 and reply.json()["code"] == done:
                return None
            assert reply.status_code in (409, 503, 504) and time.monotonic() < end, reply.text
            self.pause(client)


class HeldThenDelivered(Delivered):
    """The money is held when the customer buys, and captured when an administrator ships."""

    def __init__(self, product_id):
        super().__init__(product_id, {"method": "card", "token": simulator.AUTHORIZE})


class Returned(Delivered):
    """Everything comes back after it was delivered, and the money with it."""

    expected = "refunded"
    returned = None

    def __init__(self, product_id):
        super().__init__(product_id, {"method": "card", "token": simulator.SUCCESS})

    def _drive(self, client):
        if self.returned is None:
            super()._drive(client)
        client.token = self.token
        wanted = {"items": [{"order_item_id": item["id"], "quantity": item["quantity"]} for item in self.order["items"]],
                  "reason": "Too small."}
        self.returned = self.returned or self._until_done(client, f"/v1/orders/{self.checkout_id}/returns", wanted)
        path = f"/v1/admin/returns/{self.returned['id']}"
        self._until_done(client, f"{path}/approve", {}, done="return.illegal_status")
        self._until_done(client, f"{path}/receive", {"refund_shipping": True})
        wait_for(lambda: not self.shop.alive() or self._status() == "refunded", FINAL_S, "the refund")
        if not self.shop.alive():
            raise Killed("while the return was refunded")
        self.order["status"] = self._status()

    def _status(self):
        return self.shop.scalar("order_db", "SELECT status FROM orders WHERE id = %s", self.checkout_id)

    def left(self, opening_stock):
        return opening_stock

    @property
    def outcome(self):
        return self.order["status"]


class Told(Purchase):
    """A system of the merchant's is told of the order by a webhook."""

    token = webhook = receiver = None
    path = "/v1/admin/webhooks"
    killed = deleted = False

    def _drive(self, client):
        admin = self.shop.client()
        self.token = admin.token = self.token or self.shop.admin_client().token
        self.receiver = self.receiver or Receiver()
        if self.webhook is None:
            self.webhook = self._hook(admin)
        super()._drive(client)
        if not self.deleted:
            if self.killed:  # as if the lease of the process that is no more had gone by
                self.shop.sql("notification_db", "UPDATE notifications SET next_attempt_at = now()"
                                                 " WHERE channel = 'webhook' AND status = 'pending'")
            self.killed = True
            wait_for(self._sent, FINAL_S, "the webhook")
            told = self.receiver.of(self.checkout_id, "order.confirmed")
            assert len({each.id for each in told}) == 1 and len(told) <= 2, "a kill repeats what was under way, and only that"
            told[0].verify(self.webhook["secret"])
            assert admin.delete(f"{self.path}/{self.webhook['webhook']['id']}").status_code in (204, 404)
            self.deleted = True

    def _hook(self, admin):
        reply = admin.post(self.path, {"url": self.receiver.url, "event_types": ["order.confirmed"]})
        if reply.status_code == 409:  # made, and the reply was lost: the secret is told by making another
            (made,) = [each for each in admin.get(self.path).json()["data"] if each["url"] == self.receiver.url]
            reply = admin.post(f"{self.path}/{made['id']}/rotate", {"overlap_hours": 0})
        assert reply.status_code in (200, 201), reply.text
        return reply.json()

    def _sent(self):
        if not self.shop.alive():
            raise Killed("while the webhook was sent")
        return self.shop.scalar("notification_db", "SELECT count(*) > 0 FROM notifications WHERE subject_id = %s"
                                                   " AND channel = 'webhook' AND status = 'sent'", self.checkout_id)


class LostOnOurSide(Purchase):
    """Our row of the payment is lost, as after a backup from a moment before was put back; the books are compared."""

    lost = False
    agrees = False

    def _drive(self, client):
        super()._drive(client)
        if not self.lost:
            for table in ("payments", "charged_orders"):
                self.shop.sql("payment_db", f"DELETE FROM {table} WHERE order_id = %s", self.checkout_id)
            self.lost = True
        end = time.monotonic() + FINAL_S
        while not self.agrees:
            assert time.monotonic() < end, "our books never agree with the gateway's"
            self.agrees = self._reconcile()

    def _reconcile(self):
        since = self.shop.sql("postgres", "SELECT to_char(now() - interval '1 hour', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS at")
        headers = {"Souk-Caller": urllib.parse.quote('{"kind":"service","name":"test"}'), "Souk-Time-Left": "20000"}
        reply = self.shop.internal("/rpc/payment/reconcile", method="POST", headers=headers,
                                   json={"since": since[0]["at"], "repair": True})
        assert reply.status_code in (200, 503, 504), reply.text
        return reply.status_code == 200 and reply.json()["remaining"] == 0


# From the quick to the slow: a failpoint is tried with each until one reaches it.
ALL = (Purchase, Cancelled, Declined, OutOfStock, CashOnDelivery, Delivered, HeldThenDelivered, Returned,
       Approved, Refused, LookedAt, WithSavedCard, Captured, Restocked, LostOnOurSide, Told, Left, TimedOut, LostHold)
