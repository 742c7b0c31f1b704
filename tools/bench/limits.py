"""The machine's limits that the shop is compared with: nginx, redis-benchmark, pgbench, and plain SQL."""

import csv
import io
import pathlib
import subprocess
import time

from shop import ROOT, STOCK
from support import scratch
from support.platform import free_ports

PREFIX = "compared_"
DATABASES = ("inventory", "payment", "order")
PGBENCH = "/usr/lib/postgresql/15/bin/pgbench"

NGINX = """
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    default_type application/json;
    keepalive_requests 1000000000;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=4096 inactive=1h;
    open_file_cache_valid 1h;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


class Nginx:
    """A private nginx that serves the shop's replies as files."""

    def __init__(self, folder, root):
        (self.port,) = free_ports(1)
        self._folder = folder
        folder.mkdir(mode=0o755)
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=self.port, root=root))
        self._process = subprocess.Popen(["/usr/sbin/nginx", "-e", folder / "nginx.log", "-c", folder / "nginx.conf"],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait()

    def _wait(self):
        end = time.monotonic() + 10
        while not (self._folder / "nginx.pid").exists():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"nginx did not start: {(self._folder / 'nginx.log').read_text()[-1000:]}")
            time.sleep(0.02)

    @property
    def pid(self):
        return self._process.pid

    @property
    def target(self):
        return f"127.0.0.1:{self.port}"

    def close(self):
        self._process.terminate()
        self._process.wait(10)


def create_databases(platform, sellable_ids):
    """The spec's own tables with all their indexes, in databases of their own beside the shop's."""
    for name in DATABASES:
        database = PREFIX + name
        platform.sql("postgres", f"CREATE DATABASE {database}")
        (ddl,) = (ROOT / "services" / name / "migrations").glob("0001*.sql")
        platform.sql(database, ddl.read_text())
    platform.sql(PREFIX + "inventory",
                 "INSERT INTO inventory (product_id, sku, quantity) SELECT id, 'SKU-' || id, %s FROM unnest(%s) AS id",
                 STOCK, list(sellable_ids))
    platform.sql(PREFIX + "inventory", "VACUUM ANALYZE inventory")


def conninfo(home):
    """Where the server's socket is, for libpq: the owner may come in."""
    return f"host={socket_folder(home)} port=5432 user=souk"


def socket_folder(home):
    url = scratch.engine_environment(home)["SOUK_POSTGRES_URL"]
    return url.partition("host=")[2].partition("&")[0]


def redis_set(home, clients, rate, seconds):
    """redis-benchmark -P 1 -t set over the socket that the shop uses too; returns sets a second."""
    socket = scratch.engine_environment(home)["SOUK_REDIS_URL"].removeprefix("unix://")
    requests = max(10_000, int(rate * seconds))
    done = subprocess.run(["redis-benchmark", "-s", socket, "-P", "1", "-c", str(clients), "-n", str(requests),
                           "-t", "set", "--csv"], capture_output=True, text=True, timeout=600, check=True)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    (row,) = [each for each in rows if each["test"] == "SET"]
    return {"rate": float(row["rps"]), "operations": requests, "total": requests, "failures": 0,
            "latency_us": {"p50": float(row["p50_latency_ms"]) * 1000, "p99": float(row["p99_latency_ms"]) * 1000}}


def pgbench_reserve(home, product, clients, seconds):
    """pgbench's hot row: every client reserves one piece of the same product."""
    script = pathlib.Path(__file__).parent / "sql/reserve_hot.sql"
    done = subprocess.run([PGBENCH, "-n", "-M", "prepared", "-h", socket_folder(home), "-p", "5432", "-U", "souk",
                           "-c", str(clients), "-j", "1", "-T", str(max(1, round(seconds))), "-D", f"product={product}",
                           "-f", script, PREFIX + "inventory"], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"pgbench: {done.stderr.strip()[-1000:]}")
    words = {line.partition(" = ")[0]: line.partition(" = ")[2] for line in done.stdout.splitlines() if " = " in line}
    total = int(next(line.rpartition(": ")[2].partition("/")[0] for line in done.stdout.splitlines()
                     if line.startswith("number of transactions actually processed")))
    return {"rate": float(words["tps"].partition(" ")[0]), "operations": total, "total": total, "failures": 0,
            "latency_us": {"mean": float(words["latency average"].partition(" ")[0]) * 1000}}
