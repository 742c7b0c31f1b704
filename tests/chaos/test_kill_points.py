"""The platform is killed at every failpoint of the shop's path, started again, and the customer repeats with the same
key: one order, one charge, the books in order. A failpoint that no flow reaches fails."""

import re
import signal

import audit
import flows
import pytest
from support import scratch, simulator
from support.platform import wait_for
from support.shop import orders_of, stock

OPENING_STOCK = 40
NAMED = re.compile(r'SOUK_FAILPOINT\("([^"]+)"\)')


def failpoints():
    sources = [source for source in scratch.ROOT.glob("services/*/*.[ch]pp") if not source.name.endswith("_test.cpp")]
    return sorted({name for source in sources for name in NAMED.findall(source.read_text())})


def let_leases_pass(shop):
    """As if the time of a worker's lease had gone by: recovery takes over what nobody works on."""
    for table in ("checkout_sagas", "cancellation_sagas"):
        shop.sql("order_db", f"UPDATE {table} SET lease_until = now(), next_check_at = now() WHERE finished_at IS NULL")


def quiet(shop):
    """Whether every saga is over and every event delivered."""
    unfinished = shop.scalar("order_db", "SELECT (SELECT count(*) FROM checkout_sagas WHERE finished_at IS NULL)"
                                         " + (SELECT count(*) FROM cancellation_sagas WHERE finished_at IS NULL)")
    confirmed = shop.sql("order_db", "SELECT id::text FROM orders WHERE email IS NOT NULL")
    told = shop.sql("notification_db", "SELECT subject_id FROM notifications WHERE kind = 'order.confirmed'")
    return unfinished == 0 and {row["id"] for row in confirmed} <= {row["subject_id"] for row in told}


def drive_until_killed(shop, product_ids):
    """Starts one flow after the other until the platform dies; returns those that were started."""
    started = []
    for flow, product_id in zip(flows.ALL, product_ids, strict=True):
        started.append(flow(product_id))
        try:
            started[-1].drive(shop.client())
        except flows.Killed:
            return started
        # What follows the reply (sale, message) may be where it dies.
        wait_for(lambda: not shop.alive() or quiet(shop), 30, f"the end of {flow.__name__}")
        if not shop.alive():
            return started
    return started


def check(shop, purchase):
    """What the customer got is what the books say."""
    expected = (purchase.expected,) if isinstance(purchase.expected, str) else purchase.expected
    assert purchase.outcome in expected, f"{type(purchase).__name__}: {purchase.outcome}, not {expected}"
    orders = [str(row["id"]) for row in orders_of(shop, purchase.body["email"])]
    assert orders == ([purchase.checkout_id] if purchase.order else [])
    sold = purchase.quantity if purchase.outcome == "order" else 0
    assert stock(shop, purchase.product_id) == (OPENING_STOCK - sold, 0)
    charged = simulator.charges(shop, purchase.checkout_id) if purchase.checkout_id else []
    by_card = purchase.order and purchase.order["payment_method"] != "cod"
    assert len(charged) == (1 if by_card else 0), f"{type(purchase).__name__}: {charged}"


@pytest.mark.parametrize("failpoint", failpoints())
def test_a_kill_leaves_one_order_one_charge_and_books_in_order(shop, stocked, failpoint):
    product_ids = stocked(len(flows.ALL), OPENING_STOCK)
    shop.restart({"SOUK_FAILPOINT": f"{failpoint}:kill@1"})
    started = drive_until_killed(shop, product_ids)
    assert not shop.alive() or shop.wait_exit(5) is not None, f"no flow reaches the failpoint {failpoint}"
    assert shop.wait_exit(10) == -signal.SIGKILL

    let_leases_pass(shop)
    shop.start({})
    for purchase in started:
        purchase.drive(shop.client())
    wait_for(lambda: quiet(shop), 60, "the end of all sagas")
    for purchase in started:
        check(shop, purchase)
    assert audit.violations(shop) == []


def test_there_are_failpoints_around_every_durable_point():
    names = failpoints()
    for service in ("inventory", "payment", "order"):
        assert sum(name.startswith(service + ".") for name in names) >= 2, f"{service}: {names}"
