"""The shop that is measured: private engines, the catalogue, the program; and what its customers ask for."""

import csv
import inspect
import itertools
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/functional"))

from support import scratch  # noqa: E402
from support.platform import Platform  # noqa: E402

import machine  # noqa: E402

STOCK = 100_000_000  # no measurement may end because a product is sold out
PRODUCTS = 1000
LIST_PAGES = 60
SHARED = pathlib.Path(os.environ.get("SOUK_SHARED") or ROOT.parent / "shared")
ELECTRONICS = SHARED / "data/electronics.jsonl.gz"
JUDGMENTS = SHARED / "data/electronics-judgments.csv"

SORTS = ("newest", "price_asc", "price_desc", "rating", "name")
DEMO_QUERIES = ("desk lamp", "lamp", "mug", "chair", "wooden table", "steel", "blue shirt", "kitchen knife", "bag",
                "cotton", "garden", "black", "small", "coffee", "jacket", "glass")


def can_split():
    return "split" in inspect.signature(Platform).parameters


class Shop:
    def __init__(self, split):
        self.home = scratch.new_folder()
        # Next to Souk's connections those of the comparison: 32 customers with three each.
        scratch.engines("start", self.home)
        self._more_connections()
        self.platform = Platform(self.home, split=True) if split else Platform(self.home)
        self.catalogue = ""
        self.ready_s = []

    def _more_connections(self):
        data = self.home
        if (self.home / "data-folder").exists():
            data = pathlib.Path((self.home / "data-folder").read_text().strip())
        scratch.engines("stop", self.home)
        (data / "postgres/local.conf").write_text("max_connections = 400\n")
        (data / "postgres/local.conf").chmod(0o644)
        scratch.engines("start", self.home)

    def fill(self):
        self._run("migrate")
        if ELECTRONICS.exists():
            self.catalogue = "electronics (19,406 real products)"
            # A few products have a price of 0 or clash with others: those are refused by name, which is not a failure.
            self._run("import", "products", str(ELECTRONICS), "--stock", str(STOCK), accept=(0, 1))
        else:
            self.catalogue = "the demo catalogue, because there is no ../shared/data/electronics.jsonl.gz"
            self._run("demo")
            self.platform.sql("inventory_db", "UPDATE inventory SET quantity = quantity + %s", STOCK)
        # What is full. Tables that are empty yet would only get plans for empty ones.
        for database in ("product_db", "inventory_db"):
            self.platform.sql(database, "ANALYZE")
        self.platform.sql("postgres", "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")

    def _run(self, *words, accept=(0,)):
        done = self.platform.run(*words, timeout_s=900)
        if done.returncode not in accept:
            raise RuntimeError(f"souk {' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")

    def start(self):
        """Starts the program; keeps how long it took until it was ready."""
        began = time.monotonic()
        self.platform.start()
        self.ready_s.append(time.monotonic() - began)

    def restart(self):
        self.platform.stop()
        self.start()

    def close(self):
        self.platform.close()

    # --- processes ------------------------------------------------------------------------------

    @property
    def pids(self):
        """Process ids by name; of a split platform the one that started the others."""
        engines = scratch.engine_pids(self.home)
        return {"souk": self.platform.process.pid, "postgres": engines["postgres"], "redis": engines["redis"]}

    @property
    def target(self):
        return f"127.0.0.1:{self.platform.port}"

    @property
    def environment(self):
        return {**scratch.clean_environment(), **scratch.engine_environment(self.home)}

    def connections(self):
        """Open connections of each service's role."""
        rows = self.platform.sql(
            "postgres", "SELECT usename, datname, count(*) AS n FROM pg_stat_activity"
            " WHERE usename LIKE 'souk\\_%%' GROUP BY 1, 2 ORDER BY 1, 2")
        return {f"{row['usename']}@{row['datname']}": row["n"] for row in rows}

    # --- what customers ask for ---------------------------------------------------------------

    def choose(self):
        """Looks around in the shop: what there is to read and to buy."""
        client = self.platform.client()
        articles, paths = [], []
        for product in self._products(client):
            article = _sellable(product)
            if article:
                articles.append(article)
                paths.append(f"/v1/products/{product['product_id']}")
            if len(articles) == PRODUCTS:
                break
        if not articles:
            raise RuntimeError("the shop has nothing to sell")
        lists = list(itertools.islice(self._list_paths(client), LIST_PAGES))
        return Wishes(client, articles, paths, lists, self._queries(), self.home / "bench")

    @staticmethod
    def _products(client):
        cursor = None
        while True:
            page = client.get("/v1/products", params={"limit": 100, **({"cursor": cursor} if cursor else {})}).json()
            yield from page["data"]
            if not page["has_more"]:
                return
            cursor = page["next_cursor"]

    @staticmethod
    def _list_paths(client):
        """Twenty products a page: first pages in every order, of every category, and the pages after them."""
        categories = [each["category_id"] for each in client.get("/v1/categories").json()["data"]]
        for filters in itertools.product([None, *categories[:11]], SORTS):
            query = {"limit": 20, "sort": filters[1], **({"category": filters[0]} if filters[0] else {})}
            path = "/v1/products?" + urllib.parse.urlencode(query)
            reply = client.get(path)
            if reply.status_code == 200 and len(reply.json()["data"]) == 20:
                yield path

    @staticmethod
    def _queries():
        if not (ELECTRONICS.exists() and JUDGMENTS.exists()):
            return list(DEMO_QUERIES)
        with JUDGMENTS.open(newline="") as file:
            return sorted({row["query"] for row in csv.DictReader(file)})


def _sellable(product):
    """(product id, variant id or "") of what can be bought; None where nothing can."""
    if product.get("status") != "active" or not product["price"]["regular"]:
        return None
    variants = product.get("variants") or []
    if not variants:
        return product["product_id"], ""
    return next(((product["product_id"], each["variant_id"]) for each in variants if each.get("available")), None)


class Wishes:
    """Files for the load generator: paths to read, articles to buy, queries; and the bodies for nginx."""

    def __init__(self, client, articles, product_paths, list_paths, queries, folder):
        self.folder = folder
        self.articles = articles
        self.queries = queries
        folder.mkdir()
        self.search_paths = ["/v1/search?" + urllib.parse.urlencode({"q": query, "limit": 20}) for query in queries]
        self._client = client
        self.files = {}
        self.bytes = {}
        for name, paths in (("product", product_paths), ("list", list_paths)):
            self._write_lines(name, paths)
            self._write_bodies(name, paths)
        self._write_lines("search", self.search_paths)
        self._write_lines("queries", queries)
        self._write_lines("many", ["\t".join(filter(None, each)) for each in articles])
        self._write_lines("one", ["\t".join(filter(None, articles[0]))])
        self._write_lines("reserved", ["\t".join(filter(None, articles[-1]))])

    @property
    def static_root(self):
        return self.folder / "static"

    def sellable_ids(self):
        return [variant or product for product, variant in self.articles]

    def _write_lines(self, name, lines):
        self.files[name] = self.folder / f"{name}.txt"
        self.files[name].write_text("".join(f"{line}\n" for line in lines))

    def _write_bodies(self, name, paths):
        """The same bytes as files, which nginx serves; their paths in `static-NAME`."""
        folder = self.static_root / name
        folder.mkdir(parents=True)
        sizes = []
        for number, path in enumerate(paths):
            reply = self._client.get(path, headers={"Accept-Encoding": "identity"})
            reply.raise_for_status()
            (folder / str(number)).write_bytes(reply.content)
            sizes.append(len(reply.content))
        self.bytes[name] = sum(sizes) / len(sizes)
        self._write_lines(f"static-{name}", [f"/{name}/{number}" for number in range(len(paths))])


def load(*words):
    """Runs the load generator and returns what it prints."""
    return _json_of([ROOT / "build/release/bin/souk_load", *map(str, words)], None)


def direct(shop, *words):
    """Runs calls without HTTP on the shop's engines."""
    return _json_of([ROOT / "build/release/bin/souk_direct", *map(str, words)], shop.environment)


def _json_of(command, environment):
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{pathlib.Path(command[0]).name} {command[1]}: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout)


def quiet(shop):
    return machine.wait_until_quiet(list(shop.pids.values()))
