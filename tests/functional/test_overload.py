"""Under overload: browsing is refused quickly, checkouts pass, and afterwards all is as before."""

import collections
import itertools
import threading

from support.platform import wait_for
from support.shop import Goods

FEW_PLACES = {"SOUK_MAX_IN_FLIGHT": "1", "SOUK_MAX_WAITING": "0"}


class Flood:
    """Lists that nobody has asked for before, so that no cache answers them, from many clients at once."""

    def __init__(self, platform, clients=12):
        self.platform = platform
        self.seen = collections.Counter()
        self.wrong = []
        self._numbers = itertools.count(1)
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self):
        client = self.platform.client()
        while not self._over.is_set():
            price = next(self._numbers) / 100
            reply = client.get("/v1/products", params={"max_price": f"{price:.2f}", "sort": "price_asc"})
            self.seen[reply.status_code] += 1
            if reply.status_code == 503:
                if reply.headers.get("Retry-After") != "1" or reply.json()["code"] != "overloaded":
                    self.wrong.append(reply.text)
            elif reply.status_code != 200:
                self.wrong.append(reply.text)


def test_a_flood_of_browsing_is_refused_while_checkouts_pass(fresh_platform):
    platform = fresh_platform(demo=False, env=FEW_PLACES)
    product = Goods(platform).product(quantity=50)["product_id"]
    carts = [platform.client().cart_with(product) for _ in range(10)]
    with Flood(platform) as flood:
        wait_for(lambda: flood.seen[503] > 100, what="refusals")
        for cart in carts:
            reply = platform.client().checkout(cart)
            assert reply.status_code in (200, 201), f"a checkout was refused: {reply.text}"
    assert flood.seen[200] > 0 and flood.seen[503] > 0, flood.seen
    assert not flood.wrong, flood.wrong[:3]
    # No place is lost: one after the other all are answered.
    client = platform.client()
    for _ in range(20):
        assert client.get("/v1/products").status_code == 200


def test_refusals_are_counted_and_nobody_is_left_in_the_queue(fresh_platform):
    platform = fresh_platform(demo=False, env={"SOUK_MAX_IN_FLIGHT": "1", "SOUK_MAX_WAITING": "4"})
    with Flood(platform) as flood:
        wait_for(lambda: flood.seen[503] > 20 and flood.seen[200] > 20, what="refusals and replies")
    metrics = platform.internal("/metrics").text
    refused = sum(float(line.rsplit(" ", 1)[1]) for line in metrics.splitlines()
                  if line.startswith('souk_admission_refused_total{class="normal"'))
    assert refused == flood.seen[503]
    for state in ("running", "waiting"):
        assert f'souk_admission_requests{{class="normal",state="{state}"}} 0\n' in metrics


def test_a_connection_that_is_idle_makes_room_for_a_new_one(fresh_platform):
    platform = fresh_platform(demo=False, env={"SOUK_MAX_CONNECTIONS": "4", "SOUK_WORKERS": "1"})
    clients = [platform.client() for _ in range(12)]  # each keeps its connection
    for client in clients:
        assert client.get("/v1/products").status_code == 200
    assert "souk_http_connections_evicted_total 8" in platform.internal("/metrics").text
