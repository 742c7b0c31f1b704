"""What is measured, each beside the machine's limit for the same work."""

import json
import subprocess
import time
from dataclasses import dataclass, field
from typing import Callable

import limits
import machine
from shop import ROOT, direct, load, quiet


@dataclass
class Pair:
    """One kind of work: the shop's way and the limit's, measured one after the other in each round."""
    name: str
    title: str
    shop: Callable
    limit: Callable
    limit_title: str
    target: float  # least ratio of shop to limit
    rounds: list = field(default_factory=list)  # [(what the shop did, what the limit did)]


class Bench:
    """Runs pairs with one set of options and keeps the books of what they cost."""

    def __init__(self, shop, wishes, nginx, options):
        self.shop = shop
        self.wishes = wishes
        self.nginx = nginx
        self.options = options
        self._runs = 0

    # --- the ways to measure ----------------------------------------------------------------

    def load(self, *words):
        """The load generator with this run's options; no two runs use the same keys."""
        self._runs += 1
        return load(*words, "--clients", self.options.clients, "--warmup", self.options.warmup,
                    "--seconds", self.options.seconds, "--run", f"b{self._runs}")

    def from_shop(self, work, *words):
        return self.load(work, "--target", self.shop.target, *words)

    def from_nginx(self, name):
        return self.load("get", "--target", self.nginx.target, "--paths", self.wishes.files[f"static-{name}"])

    def from_sql(self, work, articles):
        return self.load(work, "--server", limits.conninfo(self.shop.home), "--prefix", limits.PREFIX,
                         "--articles", self.wishes.files[articles])

    def from_redis(self, rate):
        return limits.redis_set(self.shop.home, self.options.clients, rate, self.options.seconds)

    def from_pgbench(self):
        return limits.pgbench_reserve(self.shop.home, self.wishes.sellable_ids()[0], self.options.clients,
                                      self.options.seconds + self.options.warmup)

    def directly(self, work, file):
        return direct(self.shop, work, self.wishes.files[file], self.options.clients, self.options.warmup,
                      self.options.seconds)

    # --- books ------------------------------------------------------------------------------

    def observed(self, run):
        """Runs it and adds what each process spent an operation, and what PostgreSQL was asked. The processes are
        quiet before, and what an operation leaves to be done afterwards is waited for and counted as well."""
        pids = {**self.shop.pids, **({"nginx": self.nginx.pid} if self.nginx else {})}
        quiet(self.shop)
        before = {name: machine.cpu_seconds(pid) for name, pid in pids.items()}
        statements = StatementCounts(self.shop.platform)
        measured = run()
        measured["settled_after_s"] = round(quiet(self.shop), 2)
        total = max(1, measured["total"])
        spent = {name: (machine.cpu_seconds(pid) - before[name]) / total * 1e6 for name, pid in pids.items()}
        # souk_direct and the load generator count their own.
        if "cpu_seconds" in measured:
            spent["generator"] = measured["cpu_seconds"] / max(1, measured["operations"]) * 1e6
        measured["cpu_us"] = {name: round(us, 2) for name, us in spent.items()}
        measured["postgres"] = statements.since(total)
        if measured["failures"] or measured.get("unfinished"):
            print(f"      {measured['failures']} failures: {measured.get('reasons')}", flush=True)
        return measured

    def round(self, pair):
        shop = self.observed(pair.shop)
        limit = self.observed(pair.limit)
        pair.rounds.append((shop, limit))


class StatementCounts:
    """Statements, transactions that wrote, and bytes of WAL, from now on."""

    _STATEMENTS = """
        SELECT d.datname, sum(s.calls)::bigint AS calls FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
        WHERE d.datname <> 'postgres' GROUP BY 1"""
    _BOOKS = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xid, pg_current_wal_lsn() - '0/0' AS wal"

    def __init__(self, platform):
        self._platform = platform
        platform.sql("postgres", "SELECT pg_stat_statements_reset()")
        (self._books,) = platform.sql("postgres", self._BOOKS)

    def since(self, operations):
        calls = {row["datname"]: row["calls"] for row in self._platform.sql("postgres", self._STATEMENTS)}
        (now,) = self._platform.sql("postgres", self._BOOKS)
        return {
            "statements": round(sum(calls.values()) / operations, 3),
            "statements_by_database": {name: round(count / operations, 3) for name, count in sorted(calls.items())},
            "writing_transactions": round((now["xid"] - self._books["xid"]) / operations, 3),
            "wal_bytes": round(float(now["wal"] - self._books["wal"]) / operations, 1),
        }


def simulate(seconds):
    """Schedules of the saga's simulation in one thread; others than in the last run, and none may be broken."""
    done = subprocess.run([ROOT / "build/release/bin/souk_simulate", "--seconds", str(seconds), "--from",
                           str(time.time_ns())], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the simulation found a broken promise:\n{done.stderr}")
    return json.loads(done.stdout)


def all_pairs(bench):
    """In the order in which a round runs them."""
    files = bench.wishes.files
    set_rate = [30_000.0]  # of Redis; the first guess, then what the last round gave

    def redis():
        measured = bench.from_redis(set_rate[0])
        set_rate[0] = measured["rate"]
        return measured

    def reads(name):
        return lambda: bench.from_shop("get", "--paths", files[name])

    def buys(name):
        return lambda: bench.from_shop("checkout", "--articles", files[name])

    product, page = (f"{bench.wishes.bytes[name]:,.0f} bytes" for name in ("product", "list"))
    return [
        Pair("product", f"product read, {product}", reads("product"),
             lambda: bench.from_nginx("product"), "nginx, same bytes", 0.8),
        Pair("list", f"list page of 20, {page}", reads("list"),
             lambda: bench.from_nginx("list"), "nginx, same bytes", 0.4),
        Pair("search", f"search, {len(bench.wishes.queries)} queries", reads("search"),
             lambda: bench.directly("search", "queries"), "the same call in process", 0.0),
        Pair("cart", "add to cart", lambda: bench.from_shop("add", "--articles", files["many"]),
             redis, "redis-benchmark SET -P 1", 0.4),
        Pair("checkout", f"guest checkout, {len(bench.wishes.articles):,} products", buys("many"),
             lambda: bench.from_sql("sql-checkout", "many"), "its least SQL", 1.0),
        Pair("hot", "guest checkout, one product", buys("one"),
             lambda: bench.from_sql("sql-checkout", "one"), "its least SQL, one product", 2.0),
        Pair("reserve", "reservation of one product", lambda: bench.directly("reserve", "reserved"),
             bench.from_pgbench, "pgbench, same row", 10.0),
    ]
