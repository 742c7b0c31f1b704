"""A flash sale: ten thousand buyers, each on an open connection, want one of a hundred pieces.

Long, because it wants the machine for itself. What is sold must be right anywhere; the latency is measured and printed, and
docs/reliability.md has the target and what was reached where."""

import asyncio
import collections
import json
import os
import resource
import threading
import time
import uuid

import audit
import pytest
from books import wait_quiet
from support import simulator
from support.client import checkout_body, unique_email
from support.shop import Goods, stock

BUYERS = int(os.environ.get("SOUK_TEST_BUYERS", "10000"))
PIECES = 100
AT_ONCE = 64           # carts made at a time, before the sale
OTHERS_A_SECOND = 20   # checkouts of other products meanwhile, due at fixed times
OUTCOME_S = 240


class Connection:
    """One keep-alive connection and what is asked over it: no library, so that ten thousand cost little."""

    def __init__(self, port):
        self.port = port
        self.reader = self.writer = None

    async def post(self, path, body=None, key=None):
        """(status, decoded body)"""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        text = json.dumps(body).encode() if body is not None else b""
        head = f"POST {path} HTTP/1.1\r\nHost: shop\r\nContent-Length: {len(text)}\r\n"
        head += "Content-Type: application/json\r\n" if text else ""
        head += f"Idempotency-Key: {key}\r\n" if key else ""
        self.writer.write(head.encode() + b"\r\n" + text)
        try:
            answer = await self.reader.readuntil(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in answer.split(b"\r\n")[1:] if b": " in line)
            content = await self.reader.readexactly(int(fields.get(b"content-length", b"0")))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close()
            raise
        if fields.get(b"connection") == b"close":
            self.close()
        return int(answer.split(b" ", 2)[1]), json.loads(content) if content else None

    def close(self):
        if self.writer is not None:
            self.writer.close()
            self.reader = self.writer = None


class Buyer:
    """Has a cart; then sends the checkout until it is answered for good."""

    def __init__(self, port, product_id):
        self.connection = Connection(port)
        self.product_id = product_id
        self.body = checkout_body(email=unique_email("flash"))
        self.key = str(uuid.uuid4())
        self.order = self.code = self.seconds = None
        self.told_to_wait = 0

    async def prepare(self, turn):
        async with turn:
            self.cart_id = (await self._until_served("/v1/carts"))["id"]
            await self._until_served(f"/v1/carts/{self.cart_id}/items", {"product_id": self.product_id, "quantity": 1})

    async def _until_served(self, path, body=None):
        end = time.monotonic() + OUTCOME_S
        while True:
            status, reply = await self.connection.post(path, body)
            if status in (200, 201):
                return reply
            assert status == 503 and time.monotonic() < end, reply
            self.told_to_wait += 1
            await asyncio.sleep(0.5)

    async def buy(self):
        begun = time.monotonic()
        while self.order is None and self.code is None:
            assert time.monotonic() - begun < OUTCOME_S, "no outcome"
            try:
                status, reply = await self.connection.post(f"/v1/carts/{self.cart_id}/checkout", self.body, self.key)
            except (OSError, asyncio.IncompleteReadError):
                continue
            if status == 201:
                self.order = reply
            elif status in (202, 409, 503) and reply.get("code") != "inventory.insufficient_stock":
                self.told_to_wait += 1  # under way, or come again later
                await asyncio.sleep(0.5)
            else:
                self.code = reply["code"]
        self.seconds = time.monotonic() - begun


class Others(threading.Thread):
    """Customers of other products, who come at fixed times whether or not the earlier ones have been served."""

    def __init__(self, port, product_ids):
        super().__init__()
        self.port = port
        self.product_ids = product_ids
        self.over = threading.Event()
        self.buyers = []
        self.errors = []

    def run(self):
        asyncio.run(self._come())

    async def _come(self):
        begun, visits = time.monotonic(), []
        while not self.over.is_set():
            due = begun + len(visits) / OTHERS_A_SECOND
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            visits.append(asyncio.create_task(self._visit(due)))
        await asyncio.gather(*visits)

    async def _visit(self, due):
        buyer = Buyer(self.port, self.product_ids[len(self.buyers) % len(self.product_ids)])
        self.buyers.append(buyer)
        try:
            await buyer.prepare(asyncio.Semaphore())
            await buyer.buy()
            buyer.seconds = time.monotonic() - due
            if buyer.order is None:
                self.errors.append(buyer.code)
        except Exception as e:  # the test's thread reports it
            self.errors.append(repr(e))
        finally:
            buyer.connection.close()


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def told(name, seconds):
    return (f"{name}: {len(seconds)}, p50 {percentile(seconds, 0.5):.3f} s, p99 {percentile(seconds, 0.99):.3f} s,"
            f" slowest {max(seconds, default=float('nan')):.3f} s")


async def sale(buyers):
    turn = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(buyer.prepare(turn) for buyer in buyers))
    begun = time.monotonic()
    await asyncio.gather(*(buyer.buy() for buyer in buyers))
    return time.monotonic() - begun


@pytest.mark.long
def test_a_flash_sale_sells_what_there_is_and_tells_everybody_else(fresh_platform):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    shop = fresh_platform(demo=False, env={"SOUK_MAX_CONNECTIONS": str(BUYERS + 1000)}, split=False)
    try:
        goods = Goods(shop)
        wanted = goods.product(quantity=PIECES)["product_id"]
        others = Others(shop.port, [goods.product(quantity=100_000)["product_id"] for _ in range(10)])
        buyers = [Buyer(shop.port, wanted) for _ in range(BUYERS)]
        others.start()
        try:
            seconds = asyncio.run(sale(buyers))
        finally:
            others.over.set()
            others.join()
        wait_quiet(shop, 120)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    print(f"{BUYERS} buyers in {seconds:.1f} s")
    print(told("bought", [buyer.seconds for buyer in buyers if buyer.order]))
    print(told("refused", [buyer.seconds for buyer in buyers if buyer.code]))
    print(told("others", [buyer.seconds for buyer in others.buyers if buyer.seconds]))
    for name, some in (("buyers", buyers), ("others", others.buyers)):
        print(f"{name}: {sum(buyer.told_to_wait for buyer in some)} answers that they should come again,"
              f" to {sum(buyer.told_to_wait > 0 for buyer in some)} of them")
    orders = [buyer.order for buyer in buyers if buyer.order]
    assert len(orders) == PIECES and {order["payment_status"] for order in orders} == {"paid"}
    assert collections.Counter(buyer.code for buyer in buyers if buyer.code) == {
        "inventory.insufficient_stock": BUYERS - PIECES}
    assert stock(shop, wanted) == (0, 0)
    assert {order["id"] for order in orders} <= {charge["order_id"] for charge in simulator.charges(shop)}
    assert others.buyers and others.errors == []
    assert audit.violations(shop) == []
