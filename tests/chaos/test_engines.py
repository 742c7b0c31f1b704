"""PostgreSQL and Redis are killed while customers buy: nothing is lost, nothing is bought twice."""

import threading

import audit
import flows
import pytest
from books import OPENING_STOCK, check, wait_quiet
from support.client import ok
from support.platform import wait_for

CUSTOMERS = 12


@pytest.fixture
def running(shop):
    return shop if shop.alive() else shop.start({})


def buy_on(shop, purchases, until):
    """Each purchase in a thread of its own, again and again until its outcome is known; returns what went wrong."""
    failures = []

    def customer(purchase):
        try:
            while True:
                try:
                    return purchase.drive(shop)
                except (flows.Killed, AssertionError, KeyError):
                    # A cart could not be made, or a reply was lost: this customer tries again.
                    if until.is_set() and purchase.cart_id is None:
                        raise
        except Exception as e:  # the test's thread reports it
            failures.append(f"{type(purchase).__name__}: {e!r}")

    threads = [threading.Thread(target=customer, args=(purchase,)) for purchase in purchases]
    for thread in threads:
        thread.start()
    return threads, failures


@pytest.mark.parametrize("engine", ["postgres", "redis"])
def test_an_engine_that_is_killed_while_customers_buy_costs_no_order(running, stocked, engine):
    purchases = [flows.Purchase(product_id) for product_id in stocked(CUSTOMERS, OPENING_STOCK)]
    client = running.client()
    for purchase in purchases:
        purchase.cart_id = client.cart_with((purchase.product_id, purchase.quantity))
    if engine == "redis":
        running.redis.bgrewriteaof()
        wait_for(lambda: running.redis.info("persistence")["aof_rewrite_in_progress"] == 0, what="the append-only file")
    back = threading.Event()
    threads, failures = buy_on(running, purchases, back)
    running.kill_engine(engine)
    running.start_engines()
    back.set()
    for thread in threads:
        thread.join()
    assert failures == []
    wait_quiet(running, 90)
    for purchase in purchases:
        check(running, purchase)
    assert audit.violations(running) == []


def test_without_redis_the_shop_can_still_be_browsed(running, stocked):
    (product_id,) = stocked(1, OPENING_STOCK)
    client = running.client()
    client.product(product_id)
    running.kill_engine("redis")
    try:
        assert ok(client.get("/v1/products"), 200)["data"]
        assert client.product(product_id)["product_id"] == product_id
        assert ok(client.get("/v1/search", params={"q": "lamp"}), 200)["data"]
        reply = client.post("/v1/carts")
        assert reply.status_code == 503 and int(reply.headers["Retry-After"]) >= 1
    finally:
        running.start_engines()
    wait_for(lambda: client.post("/v1/carts").status_code == 201, 15, "carts after Redis came back")
