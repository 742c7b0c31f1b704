"""The platform is killed at every failpoint of the shop's path, started again, and the customer repeats with the same
key: one order, one charge, the books in order. A failpoint that no flow reaches fails."""

import re
import signal

import audit
import flows
import pytest
from books import OPENING_STOCK, check, quiet, wait_quiet
from support import scratch
from support.platform import wait_for

NAMED = re.compile(r'SOUK_FAILPOINT\("([^"]+)"\)')


FOLDERS = ("apps", "gateway", "lib", "services")  # all that is linked into the program


def failpoints():
    """Every name as often as it stands in the program's sources."""
    sources = [source for folder in FOLDERS for source in scratch.ROOT.glob(f"{folder}/**/*.[ch]pp")
               if not source.name.endswith(("_test.cpp", "_for_test.hpp", "failpoint.hpp"))]
    return sorted(name for source in sources for name in NAMED.findall(source.read_text()))


def drive_until_killed(shop, product_ids):
    """Starts one flow after the other until the platform dies; returns those that were started."""
    started = []
    for flow, product_id in zip(flows.ALL, product_ids, strict=True):
        started.append(flow(product_id))
        try:
            started[-1].drive(shop)
        except flows.Killed:
            wait_for(lambda: not shop.alive(), 10, "the end of the platform")
            return started
        # What follows the reply (sale, message) may be where it dies.
        wait_for(lambda: not shop.alive() or quiet(shop), 30, f"the end of {flow.__name__}")
        if not shop.alive():
            return started
    return started


def strand_until_killed(shop, failpoint, product_id):
    """Leaves a checkout behind for recovery, which dies at the failpoint; returns the checkout."""
    stranded = flows.Stranded(product_id)
    stranded.strand(shop)
    try:
        shop.start({**flows.SETTINGS, "SOUK_FAILPOINT": f"{failpoint}:kill@1"})
    except RuntimeError:  # recovery was quicker than readiness
        assert not shop.alive()
    wait_for(lambda: not shop.alive(), 40, f"the end at {failpoint}")
    return stranded


def end_what_is_left(shop):
    """A test that failed may leave a checkout that waits for its customer; the next must not fail for it."""
    if not quiet(shop):
        shop.restart({})
        shop.sql("order_db", "UPDATE checkout_sagas SET created_at = created_at - interval '31 minutes'"
                             " WHERE finished_at IS NULL")
        wait_quiet(shop)


# What only recovery does, with what a killed platform left behind.
OF_RECOVERY = {"inventory.before_close_commit", "inventory.after_close_commit", "payment.before_close_commit",
               "payment.after_close_commit"}


@pytest.mark.parametrize("failpoint", sorted(set(failpoints())))
def test_a_kill_leaves_one_order_one_charge_and_books_in_order(shop, stocked, failpoint):
    end_what_is_left(shop)
    product_ids = stocked(len(flows.ALL), OPENING_STOCK)
    if failpoint in OF_RECOVERY:
        started = [strand_until_killed(shop, failpoint, product_ids[0])]
    else:
        shop.restart({**flows.SETTINGS, "SOUK_FAILPOINT": f"{failpoint}:kill@1"})
        started = drive_until_killed(shop, product_ids)
    assert not shop.alive(), f"no flow reaches the failpoint {failpoint}"
    assert shop.wait_exit() == -signal.SIGKILL

    flows.let_leases_pass(shop)
    shop.start(flows.SETTINGS)
    for purchase in started:
        purchase.drive(shop)
    wait_quiet(shop)
    for purchase in started:
        check(shop, purchase)
    assert audit.violations(shop) == []


def test_a_failpoint_stands_in_one_place():
    """Of two with one name a flow may reach one, and nobody notices that the other is never reached."""
    names = failpoints()
    assert [name for name in sorted(set(names)) if names.count(name) > 1] == []


def test_there_are_failpoints_around_every_durable_point():
    names = failpoints()
    for service in ("inventory", "payment", "order"):
        assert sum(name.startswith(service + ".") for name in names) >= 2, f"{service}: {names}"
