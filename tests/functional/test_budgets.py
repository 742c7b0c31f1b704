"""What an operation may cost: statements, transactions, commands, connections, threads, memory. Counted, never timed, so
that a slow machine fails nothing; ./souk bench measures the time."""

import collections
import concurrent.futures
import pathlib
import re
import time

import pytest

from support.client import ok
from support.platform import wait_for
from support.shop import Goods

# Asked every so often by consumers and recovery, whether or not somebody buys, and by these tests; the last is what an
# automatic ANALYZE computes for an index.
BACKGROUND = re.compile("|".join((
    "event_feed", "event_cursors", "pg_stat", "pg_advisory_xact_lock", r"^SELECT pg_current_xact_id\(\)$", r"^SELECT \$1$",
    r"^SELECT count\(\*\)", "^SELECT state, count", "^BEGIN", "^COMMIT", "^ROLLBACK",
    "^UPDATE checkout_sagas SET (next_check_at|step_version)", "^SELECT id FROM checkout_sagas WHERE id = ANY",
    "^UPDATE (cancellation|return)_sagas", "^UPDATE (payments|refunds) SET checks", "^SELECT DISTINCT order_id",
    "^UPDATE notifications SET attempts", "^WITH room AS", "^SELECT moment::timestamptz$")))
DATABASES = ("order_db", "payment_db", "inventory_db", "notification_db")
CONNECTIONS_A_SERVICE = 20
# As many as there are cores, at most eight, and those for what blocks (hashing, files, building the index, the log).
MOST_THREADS = 40
# With the catalogue of 19,406 products ./souk bench sees 100.
MEMORY_MIB = 150


@pytest.fixture(scope="module")
def counted(templates):
    """A platform of its own, so that nobody else's requests are counted."""
    from support.fixtures import _close, _start
    running = _start(templates, demo=True, env=None)
    running.sql("postgres", "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    for database in DATABASES:  # so that what these tests ask themselves is no scan of a table
        running.sql(database, "SET enable_seqscan = off")
    yield running
    _close(running)


class Cost:
    """What was asked of the engines inside a `with`."""

    def __init__(self, platform):
        self.platform = platform
        self.inserted = {}

    def __enter__(self):
        self.platform.sql("postgres", "SELECT pg_stat_statements_reset()")
        self._xid = self._next_xid()
        self._commands = self._redis_commands()
        self._read = self.rows_read_by_scans()
        return self

    def __exit__(self, *_):
        rows = self.platform.sql(
            "postgres", "SELECT d.datname, s.query, s.calls FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid"
            " WHERE d.datname LIKE '%%\\_db'")
        self.statements = collections.Counter()
        for row in rows:
            if not BACKGROUND.search(row["query"]):
                self.statements[row["datname"], row["query"][:160]] += row["calls"]
        self.transactions = self._next_xid() - self._xid
        self.redis = self._redis_commands() - self._commands

    @property
    def count(self):
        return sum(self.statements.values())

    def of(self, database):
        return sum(calls for (name, _), calls in self.statements.items() if name == database)

    def rows_scanned(self, database, table):
        return self.rows_read_by_scans()[database, table] - self._read[database, table]

    def _next_xid(self):
        """Transactions that wrote something: only they take a number."""
        return int(self.platform.scalar("postgres", "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"))

    def _redis_commands(self):
        return self.platform.redis.info("stats")["total_commands_processed"]

    def rows_read_by_scans(self):
        read = collections.Counter()
        for database in DATABASES:
            for row in self.platform.sql(database, "SELECT relname, seq_tup_read, n_tup_ins FROM pg_stat_user_tables"):
                read[database, row["relname"]] = row["seq_tup_read"]
                self.inserted[database, row["relname"]] = row["n_tup_ins"]
        return read


def cost_when_remembered(platform, call, times):
    """The cost of so many calls, once the process remembers their answers: after a start, and after a change, it waits
    until it has read all events before it trusts its memory."""
    def costs_nothing():
        with Cost(platform) as cost:
            # Long enough for every consumer to look once for what is new.
            for _ in range(15):
                call()
                time.sleep(0.1)
        return cost.count == 0
    wait_for(costs_nothing, timeout_s=60, what="an answer without a statement")
    with Cost(platform) as cost:
        for _ in range(times):
            call()
    return cost


def test_a_product_that_was_read_before_costs_no_engine_anything(counted):
    client = counted.client()
    product = client.products(limit=1)[0]["product_id"]
    cost = cost_when_remembered(counted, lambda: client.product(product), times=100)
    assert cost.count == 0, cost.statements
    # Redis hears of consumers and keep-alives, never of the reads.
    assert cost.redis < 50


@pytest.mark.parametrize("path", ["/v1/products?limit=20&sort=price_asc", "/v1/search?q=lamp&limit=20"])
def test_a_list_or_search_that_was_made_before_costs_no_statement(counted, path):
    client = counted.client()
    cost = cost_when_remembered(counted, lambda: ok(client.get(path), 200), times=50)
    assert cost.count == 0, cost.statements


def test_an_item_in_a_cart_costs_few_commands_of_redis_and_no_statement(counted):
    client = counted.client()
    product = Goods(counted).product()["product_id"]
    cart = client.new_cart()
    cost = cost_when_remembered(counted, lambda: client.add_item(cart, product), times=50)
    assert cost.count == 0, cost.statements
    # Now 6: read and write, and the four that the script says inside Redis. Some are of consumers.
    assert cost.redis <= 50 * 7 + 50, f"{cost.redis} commands for 50 items"


def test_a_checkout_of_one_customer_costs_so_many_statements_and_commits(counted):
    """Alone: nothing is shared with others. Beside others it is a fraction of this."""
    client = counted.client()
    product = Goods(counted).product(quantity=100)["product_id"]
    cart = client.new_cart()
    cost_when_remembered(counted, lambda: client.add_item(cart, product), times=1)
    client.buy(product)
    settle(counted)
    orders = 5
    with Cost(counted) as cost:
        for _ in range(orders):
            client.buy(product)
        settle(counted)
    told = "\n".join(f"{calls:4} {database} {query}" for (database, query), calls in cost.statements.most_common())
    # Now 3: intent, order, end of the saga.
    assert cost.of("order_db") <= 5 * orders, told
    # Now 4: look and write for the reservation, and again for the sale.
    assert cost.of("inventory_db") <= 4 * orders, told
    # Now 3: the payment before the gateway and after it, and the simulated gateway's own books.
    assert cost.of("payment_db") <= 4 * orders, told
    # Now 4: who has webhooks, for the order's events and the payment's; the message, and what came of it.
    assert cost.of("notification_db") <= 4 * orders, told
    # Prices are remembered.
    assert cost.of("product_db") == 0, told
    # Eight commits of a checkout, three of its mail, and the cursors of those who read its events.
    assert cost.transactions <= 18 * orders, f"{cost.transactions / orders} writing transactions a checkout\n{told}"


def test_customers_who_buy_at_the_same_time_share_commits(counted):
    product = Goods(counted).product(quantity=1000)["product_id"]
    customers, each = 24, 4

    def buy(_):
        client = counted.client()
        for _ in range(each):
            client.buy(product)

    buy(0)
    settle(counted)
    with Cost(counted) as cost:
        with concurrent.futures.ThreadPoolExecutor(customers) as pool:
            list(pool.map(buy, range(customers)))
        settle(counted)
    orders = customers * each
    assert cost.transactions < 9 * orders, f"{cost.transactions / orders} writing transactions a checkout"


def test_a_checkout_reads_no_table_from_end_to_end(counted):
    """A plan that was made while a table was nearly empty would, and a connection keeps it."""
    client = counted.client()
    product = Goods(counted).product(quantity=100)["product_id"]
    client.buy(product)
    settle(counted)
    settle_statistics(counted)
    with Cost(counted) as cost:
        for _ in range(10):
            client.buy(product)
        settle(counted)
    settle_statistics(counted)
    read = {f"{database}.{table}": cost.rows_scanned(database, table) for database, table in (
        ("order_db", "orders"), ("order_db", "checkout_sagas"), ("order_db", "idempotency_keys"),
        ("payment_db", "payments"), ("payment_db", "charged_orders"), ("inventory_db", "inventory"),
        ("inventory_db", "stock_reservations"), ("inventory_db", "inventory_transactions"),
        ("notification_db", "notifications"))}
    assert not any(read.values()), read


def settle_statistics(platform):
    """The server writes its statistics down up to a second late: waits until they tell of all orders."""
    def told():
        count = Cost(platform)
        count.rows_read_by_scans()
        return all(count.inserted[place] >= platform.scalar(place[0], f"SELECT count(*) FROM {place[1]}") for place in (
            ("order_db", "orders"), ("payment_db", "payments"), ("inventory_db", "stock_reservations"),
            ("notification_db", "notifications")))
    wait_for(told, what="the server's statistics")


def test_services_keep_to_their_connections(counted):
    def shop(_):
        client = counted.client()
        for product in client.products(limit=5):
            client.get(f"/v1/products/{product['product_id']}")
            client.get("/v1/search", params={"q": product["name"][:40]})

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        list(pool.map(shop, range(120)))
    rows = counted.sql("postgres", "SELECT usename, application_name, count(*) AS n FROM pg_stat_activity"
                       " WHERE usename LIKE 'souk\\_%%' GROUP BY 1, 2")
    assert rows
    by_role = collections.Counter()
    for row in rows:
        by_role[row["usename"]] += row["n"]
    # The simulated gateway, which stands for another company, has up to 8 of its own with the payments' role.
    limits = {"souk_payment": CONNECTIONS_A_SERVICE + 8}
    too_many = {role: n for role, n in by_role.items() if n > limits.get(role, CONNECTIONS_A_SERVICE)}
    assert not too_many, by_role


def test_the_process_is_small(counted):
    status = pathlib.Path(f"/proc/{counted.process.pid}/status").read_text()
    resident_mib = int(re.search(r"VmRSS:\s*(\d+)", status)[1]) / 1024
    threads = int(re.search(r"Threads:\s*(\d+)", status)[1])
    assert resident_mib <= MEMORY_MIB
    assert threads <= MOST_THREADS


def settle(platform):
    """Waits until the orders are complete, their mails are written and nothing is left to do."""
    def done():
        return (platform.scalar("order_db", "SELECT count(*) FROM checkout_sagas WHERE finished_at IS NULL") == 0
                and platform.scalar("notification_db", "SELECT count(*) FROM notifications WHERE status = 'pending'") == 0
                and platform.scalar("notification_db", "SELECT count(*) FROM notifications") >=
                platform.scalar("order_db", "SELECT count(*) FROM orders"))
    wait_for(done, what="the end of what the checkouts left to do")
