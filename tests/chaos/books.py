"""What the chaos tests have in common: silence, and the check of customers against the books."""

from flows import OPENING_STOCK, let_leases_pass
from support import simulator
from support.platform import wait_for
from support.shop import cents, orders_of, stock


def quiet(shop):
    """Whether every saga is over and every event delivered."""
    unfinished = shop.scalar("order_db", "SELECT (SELECT count(*) FROM checkout_sagas WHERE finished_at IS NULL)"
                                         " + (SELECT count(*) FROM cancellation_sagas WHERE finished_at IS NULL)"
                                         " + (SELECT count(*) FROM return_sagas WHERE finished_at IS NULL)")
    confirmed = shop.sql("order_db", "SELECT id::text FROM orders WHERE email IS NOT NULL")
    told = shop.sql("notification_db", "SELECT subject_id FROM notifications WHERE kind = 'order.confirmed'")
    return unfinished == 0 and {row["id"] for row in confirmed} <= {row["subject_id"] for row in told}


def wait_quiet(shop, timeout_s=60):
    def over():
        let_leases_pass(shop)
        return quiet(shop)

    wait_for(over, timeout_s, "the end of all sagas")


def check(shop, purchase):
    """What the customer got is what the books say."""
    expected = (purchase.expected,) if isinstance(purchase.expected, str) else purchase.expected
    assert purchase.outcome in expected, f"{type(purchase).__name__}: {purchase.outcome}, not {expected}"
    orders = [str(row["id"]) for row in orders_of(shop, purchase.body["email"])]
    assert orders == ([purchase.checkout_id] if purchase.order else [])
    assert stock(shop, purchase.product_id) == (purchase.left(OPENING_STOCK), 0), type(purchase).__name__
    if purchase.checkout_id is None:
        return
    charges = simulator.charges(shop, purchase.checkout_id)
    kept = sum(cents(row["amount"]) for row in charges)
    kept -= sum(cents(row["amount"]) for row in simulator.refunds(shop, purchase.checkout_id))
    paid = purchase.outcome == "order" and purchase.order["payment_method"] != "cod"
    assert len(charges) <= 1 and kept == (cents(purchase.order["total"]) if paid else 0), type(purchase).__name__
