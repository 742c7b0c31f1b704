"""souk reconcile: our payment books beside the gateway's, both ways, with the real program."""

import json
import secrets
import time

import pytest
from support import simulator
from support.platform import wait_for
from support.shop import Goods, cents, payments


class Books:
    """Makes our books and the simulator's differ, and puts back what a test leaves open."""

    def __init__(self, platform):
        self.platform = platform
        self._undo = []

    def theirs(self, order, **columns):
        """Columns of the simulator's row, until the end of the test."""
        (before,) = self.platform.sql("payment_db", "SELECT * FROM simulator.payments WHERE key = %s", order["id"])
        self._set(order, columns)
        self._undo.append((order, {name: before[name] for name in columns}))

    def _set(self, order, columns):
        drawn = ", ".join(f"{name} = %s" for name in columns)
        self.platform.sql("payment_db", f"UPDATE simulator.payments SET {drawn} WHERE key = %s",
                          *columns.values(), order["id"])

    def put_back(self):
        for order, columns in reversed(self._undo):
            self._set(order, columns)

    def run(self, *words):
        return self.platform.run("reconcile", *words)

    def report(self, *words):
        """The exit code and what is told, decoded."""
        done = self.run("--json", "--since", "1h", *words)
        assert done.returncode in (0, 1) and done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def told(self, report, order):
        """(kind or "captured_without_order", state) of what is told of an order."""
        found = [(one["kind"], one["state"]) for one in report["differences"] if one.get("order_id") == order["id"]]
        return found + [("captured_without_order", one["state"]) for one in report["orphaned"]
                        if one["order_id"] == order["id"]]


@pytest.fixture
def books(platform):
    made = Books(platform)
    yield made
    made.put_back()


@pytest.fixture
def order(http, goods):
    return http.buy(goods.product()["product_id"])


def simulated_id(prefix):
    """An id as the simulator makes them: in the order of time."""
    digits = f"{int(time.time() * 1000):012x}7{secrets.token_hex(2)[:3]}8{secrets.token_hex(8)[:15]}"
    return prefix + "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def given_back(platform, order_id):
    return sum(cents(row["amount"]) for row in simulator.refunds(platform, order_id))


def test_books_that_agree_exit_with_0(books, order):
    code, report = books.report()
    assert (code, report["remaining"], report["repaired"]) == (0, 0, 0), report
    assert report["payments"] >= 1
    done = books.run()
    assert done.returncode == 0 and done.stdout.endswith("compared: 0 repaired, 0 remain.\n"), done.stdout


def test_a_payment_that_we_lost_is_found_at_the_gateway(platform, books, order):
    for table in ("payments", "charged_orders"):
        platform.sql("payment_db", f"DELETE FROM {table} WHERE order_id = %s", order["id"])
    code, report = books.report("--dry-run")
    assert code == 1 and report["dry_run"] and books.told(report, order) == [("payment_unknown_here", "repairable")]
    assert payments(platform, order["id"]) == []
    code, report = books.report()
    assert code == 0 and books.told(report, order) == [("payment_unknown_here", "repaired")]
    (payment,) = payments(platform, order["id"])
    assert payment["status"] == "succeeded" and cents(payment["amount"]) == cents(order["total"])
    assert books.report()[0] == 0
    assert len(simulator.charges(platform, order["id"])) == 1


def test_a_capture_that_comes_after_its_checkout_has_ended_is_given_back(platform, http, goods, books):
    """The decline is told; then the gateway takes the money all the same."""
    before = {row["id"] for row in platform.sql("payment_db", "SELECT id FROM simulator.payments")}
    cart = http.cart_with((goods.product()["product_id"], 1))
    reply = http.checkout(cart, payment={"method": "card", "token": simulator.DECLINE})
    assert reply.status_code == 402, reply.text
    (row,) = [row for row in platform.sql("payment_db", "SELECT id, key FROM simulator.payments")
              if row["id"] not in before]
    order = {"id": row["key"]}
    platform.sql("payment_db", "UPDATE simulator.payments SET status = 'succeeded' WHERE id = %s", row["id"])
    code, report = books.report()
    assert code == 0, report
    assert ("payment_status", "repaired") in books.told(report, order)
    # The order service hears of it too: whoever comes first gives it back, once.
    wait_for(lambda: payments(platform, row["key"])[0]["status"] == "refunded", what="the refund")
    (charge,) = simulator.charges(platform, row["key"])
    assert given_back(platform, row["key"]) == cents(charge["amount"])
    assert books.report()[0] == 0


def test_a_refund_made_at_the_gateway_is_written_down(platform, books, order):
    (charge,) = simulator.charges(platform, order["id"])
    platform.sql("payment_db", "INSERT INTO simulator.refunds (id, key, payment_id, amount, status)"
                               " VALUES (%s, %s, %s, 500, 'succeeded')",
                 simulated_id("simre_"), f"dashboard-{order['id']}", charge["id"])
    platform.sql("payment_db", "UPDATE simulator.payments SET refunded = 500 WHERE id = %s", charge["id"])
    code, report = books.report()
    assert code == 0 and books.told(report, order) == [("refund_unknown_here", "repaired")]
    (payment,) = payments(platform, order["id"])
    assert cents(payment["refunded_amount"]) == 500
    assert books.report()[0] == 0


def test_what_is_not_safe_is_told_and_left(platform, books, order):
    books.theirs(order, amount=1)
    for _ in range(2):
        code, report = books.report()
        assert code == 1 and books.told(report, order) == [("payment_amount", "open")]
    done = books.run("--since", "1h")
    assert done.returncode == 1
    header, *lines = done.stdout.splitlines()
    assert header.split()[0] == "DIFFERENCE" and header.endswith("STATE")
    (line,) = [line for line in lines if order["id"] in line]
    assert line.startswith("payment_amount ") and "0.01 USD" in line and line.endswith(" open")
    assert lines[-1].endswith("1 remains.")
    assert payments(platform, order["id"])[0]["status"] == "succeeded"


def test_money_that_the_gateway_does_not_have_is_told(books, order):
    books.theirs(order, status="failed")
    code, report = books.report()
    assert code == 1 and books.told(report, order) == [("payment_status", "open")]


@pytest.mark.parametrize("words", [["--since"], ["--since", "soon"], ["--since", "40d"], ["--force"], ["now"]])
def test_wrong_usage_exits_with_2(books, words):
    done = books.run(*words)
    assert done.returncode == 2 and done.stderr.startswith("usage: souk reconcile") and done.stdout == ""


def test_the_platform_reconciles_by_itself(fresh_platform):
    platform = fresh_platform(demo=False, env={"SOUK_RECONCILE_INTERVAL": "1s", "SOUK_RECONCILE_SPAN": "1h"}, split=False)
    order = platform.client().buy(Goods(platform).product()["product_id"])
    platform.sql("payment_db", "UPDATE payments SET status = 'failed' WHERE order_id = %s", order["id"])
    wait_for(lambda: payments(platform, order["id"])[0]["status"] == "succeeded", what="the repair")
    wait_for(lambda: "souk_reconcile_repaired_total 1" in platform.internal("/metrics").text, what="the metric")
    platform.sql("payment_db", "UPDATE simulator.payments SET amount = 1 WHERE key = %s", order["id"])
    wait_for(lambda: "souk_reconcile_differences 1" in platform.internal("/metrics").text, what="the metric")
    assert any(line["msg"] == "our books differ from the gateway's" for line in platform.log_lines())
