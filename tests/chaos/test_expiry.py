"""What nobody finishes ends by itself: checkouts that wait for their customer, and holds without a checkout."""

import uuid

import audit
import pytest
from books import OPENING_STOCK, wait_quiet
from flows import Approved
from support import simulator
from support.client import ok
from support.platform import wait_for
from support.shop import ledger, orders_of, refused, stock

SWEEP_S = 30


@pytest.fixture
def running(shop):
    return shop if shop.alive() else shop.start({})


class Absent(Approved):
    """A customer who is asked to act and goes away."""

    def act(self, client, checkout):
        self.checkout = checkout
        self.refusal = {"code": "left"}


def let_minutes_pass(shop, checkout_id, minutes):
    shop.sql("order_db", "UPDATE checkout_sagas SET created_at = created_at - make_interval(mins => %s),"
                         " lease_until = now(), next_check_at = now() WHERE id = %s", minutes, checkout_id)


def test_a_checkout_that_its_customer_leaves_ends_after_half_an_hour(running, stocked):
    (product_id,) = stocked(1, OPENING_STOCK)
    client = running.client()
    customer = Absent(product_id)
    customer.drive(running)
    headers = {"X-Order-Token": customer.checkout['access_token']}
    path = f"/v1/checkouts/{customer.checkout_id}"
    assert stock(running, product_id) == (OPENING_STOCK, 2)

    let_minutes_pass(running, customer.checkout_id, 10)
    assert ok(client.get(path, headers=headers), 200)["status"] == "requires_action"
    let_minutes_pass(running, customer.checkout_id, 21)
    wait_for(lambda: ok(client.get(path, headers=headers), 200)["status"] == "cancelled", 60, "the end of the checkout")
    wait_for(lambda: stock(running, product_id) == (OPENING_STOCK, 0), 10, "the released stock")
    assert orders_of(running, customer.body["email"]) == []

    # Who comes back too late is told so, and pays nothing.
    simulator.approve(client, customer.checkout)
    late = client.checkout(customer.cart_id, customer.key, **customer.body)
    refused(late, late.status_code, ("checkout.expired", "checkout.cancelled"))
    wait_quiet(running)
    assert simulator.charges(running, customer.checkout_id) == []
    assert audit.violations(running) == []


def test_a_hold_whose_time_is_over_is_swept(running, stocked):
    (product_id,) = stocked(1, OPENING_STOCK)
    order_id = str(uuid.uuid4())
    running.sql("inventory_db", """
        WITH item AS (UPDATE inventory SET reserved_quantity = reserved_quantity + 3 WHERE product_id = %s RETURNING id),
        hold AS (INSERT INTO stock_reservations (inventory_id, order_id, quantity, expires_at)
                 SELECT id, %s, 3, now() - interval '1 minute' FROM item)
        INSERT INTO inventory_transactions (inventory_id, transaction_type, quantity, reference_id)
        SELECT id, 'reservation', 3, %s FROM item""", product_id, order_id, order_id)
    wait_for(lambda: stock(running, product_id) == (OPENING_STOCK, 0), 2 * SWEEP_S + 15, "the sweep")
    status = running.scalar("inventory_db", "SELECT status FROM stock_reservations WHERE order_id = %s", order_id)
    assert status == "expired" and ledger(running, product_id)[-1] == ("release", -3)
