"""Each service as a process of its own: one of them is killed, or all are replaced, while customers buy."""

import os
import signal
import threading
import time
import uuid

import audit
import flows
import pytest
import requests
from books import OPENING_STOCK, check, wait_quiet
from support.client import unique_email
from support.fixtures import _close, _start
from support.platform import wait_for
from support.shop import Goods
from test_engines import buy_on

CUSTOMERS = 6
BUYERS = 4
CALL_S = 2  # a call of another service is given up after it
SERVICES = ("session", "user", "inventory", "payment", "catalog", "search", "cart", "order", "review", "notification",
            "gateway")


@pytest.fixture(scope="module")
def split(templates):
    platform = _start(templates, demo=False, env=None, split=True)
    yield platform
    _close(platform)


@pytest.fixture(scope="module")
def lamp(split):
    """A product that everybody can buy."""
    return Goods(split).product(quantity=100_000)["product_id"]


def ready_to_buy(split):
    """Customers with a cart each, of a product that nobody else buys."""
    goods = Goods(split)
    documents = [goods.document(f"p-{uuid.uuid4().hex[:12]}", quantity=OPENING_STOCK) for _ in range(CUSTOMERS)]
    goods.put(*documents)
    purchases = [flows.Purchase(document["product_id"]) for document in documents]
    client = split.client()
    for purchase in purchases:
        purchase.cart_id = client.cart_with((purchase.product_id, purchase.quantity))
    return purchases


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_process_costs_no_order_and_comes_back(split, service):
    purchases = ready_to_buy(split)
    back = threading.Event()
    killed = wait_for(lambda: split.part_ready(service), 10, f"{service}")
    threads, failures = buy_on(split, purchases, back)
    split.kill_part(killed)
    back.set()
    wait_for(lambda: split.part_ready(service, but=killed), 15, f"a new process of {service}")
    for thread in threads:
        thread.join()
    assert failures == []
    wait_quiet(split, 90)
    for purchase in purchases:
        check(split, purchase)
    assert audit.violations(split) == []


@pytest.mark.parametrize("service", ["inventory", "payment", "order"])
def test_a_process_that_hears_and_does_not_answer_costs_no_order(split, service):
    """Stopped for longer than a call may take, while its work is taken for lost; then it goes on where it was."""
    purchases = ready_to_buy(split)
    stopped = wait_for(lambda: split.part_ready(service), 10, f"{service}")
    back = threading.Event()
    threads, failures = buy_on(split, purchases, back)
    os.kill(stopped, signal.SIGSTOP)
    try:
        time.sleep(CALL_S + 1)
        flows.let_leases_pass(split)
    finally:
        os.kill(stopped, signal.SIGCONT)
    back.set()
    for thread in threads:
        thread.join()
    assert failures == []
    wait_quiet(split, 90)
    for purchase in purchases:
        check(split, purchase)
    assert audit.violations(split) == []


class Buyer(threading.Thread):
    """Buys again and again; remembers every answer that a shop which is being replaced must not give."""

    def __init__(self, split, product_id):
        super().__init__()
        self.split = split
        self.product_id = product_id
        self.over = threading.Event()
        self.bought = 0
        self.wrong = []

    def run(self):
        while not self.over.is_set():
            client = self.split.client()  # a connection of its own: a kept one may end between two requests
            client.session.headers["Connection"] = "close"
            try:
                cart = client.post("/v1/carts")
                item = {"product_id": self.product_id, "quantity": 1}
                added = client.post(f"/v1/carts/{cart.json().get('id')}/items", item)
                bought = client.checkout(cart.json().get("id"), email=unique_email("rolling"))
            except (requests.RequestException, ValueError) as e:
                self.wrong.append(repr(e))
                continue
            self.wrong += [f"{each.request.path_url} {each.status_code}: {each.text[:300]}"
                           for each in (cart, added, bought) if each.status_code >= 300]
            self.bought += bought.status_code == 201


def test_replacing_every_process_under_load_drops_no_request(split, lamp):
    buyers = [Buyer(split, lamp) for _ in range(BUYERS)]
    for buyer in buyers:
        buyer.start()
    try:
        before = split.parts()
        split.process.send_signal(signal.SIGHUP)
        wait_for(lambda: not set(split.parts().values()) & set(before.values()), 60, "the end of the old processes")
        wait_for(lambda: "every process was replaced" in split.log_text(), 10, "the end of the replacing")
        time.sleep(1)  # the last of the old ones is draining meanwhile
    finally:
        for buyer in buyers:
            buyer.over.set()
        for buyer in buyers:
            buyer.join()
    assert [wrong for buyer in buyers for wrong in buyer.wrong] == []
    assert sum(buyer.bought for buyer in buyers) > 0
    wait_quiet(split, 60)
    assert audit.violations(split) == []
