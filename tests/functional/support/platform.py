"""One whole platform: its engines, its process, and ways to break and inspect it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time

import psycopg2
import psycopg2.extras
import redis
import requests

from . import scratch
from .client import Client

READY_S = 30
DRAIN_S = 45


def free_ports(count):
    """Loopback ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_for(condition, timeout_s=15.0, what="the condition"):
    """Waits until condition() is true and returns its value."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come true in {timeout_s} seconds")
        time.sleep(0.02)


class Platform:
    """Starts `souk serve` on the engines of `home`. `env` adds settings, such as SOUK_FAILPOINT. With `split` (or
    SOUK_TEST_SPLIT set) each service is a process of its own, and `process` is the one that watches over them."""

    def __init__(self, home, env=None, split=None):
        self.home = home
        self.split = bool(os.environ.get("SOUK_TEST_SPLIT")) if split is None else split
        self.env = dict(env or {})
        self.process = None
        self._connections = {}
        self._choose_ports()
        scratch.engines("start", home)
        self._engine_environment = scratch.engine_environment(home)

    # --- the process ----------------------------------------------------------------------

    def start(self, env=None):
        """Starts the platform and waits until it is ready; `env` replaces the extra settings."""
        if env is not None:
            self.env = dict(env)
        for attempt in range(3):
            self._spawn()
            if self._wait_ready():
                return self
            # Someone else may have taken a port between our look and the start.
            if attempt == 2 or "in use" not in self.log_text()[-4000:]:
                break
            self._choose_ports()
        raise RuntimeError(f"the platform did not start (exit code {self.process.poll()}):\n{self.log_text()[-4000:]}")

    def stop(self):
        """Drains the platform and returns its exit code."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DRAIN_S)

    def kill(self):
        """kill -9: what was not durable is gone."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def restart(self, env=None):
        """kill -9 and start again on the same data."""
        self.kill()
        return self.start(env)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def wait_exit(self, timeout_s=30):
        """Waits until the process ends by itself (a failpoint); returns the exit code."""
        return self.process.wait(timeout_s)

    def run(self, *words, env=None, timeout_s=300):
        """Runs one command of the binary, such as `import products FILE`, beside the platform."""
        return scratch.run_binary(self.home, *words, env={**self._ports, **(env or {})}, timeout_s=timeout_s)

    def _choose_ports(self):
        self.port, self.internal_port = free_ports(2)

    @property
    def _ports(self):
        return {"SOUK_PORT": str(self.port), "SOUK_INTERNAL_PORT": str(self.internal_port), "SOUK_BIND": "127.0.0.1"}

    def _spawn(self):
        environment = {**scratch.clean_environment(), **self._engine_environment, **self._ports, **self.env}
        with open(self.log_path, "ab") as log:
            words = ["serve", "--split"] if self.split else ["serve"]
            self.process = subprocess.Popen([scratch.BINARY, *words], env=environment, cwd=scratch.ROOT,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def _wait_ready(self):
        end = time.monotonic() + READY_S
        while self.alive() and time.monotonic() < end:
            try:
                if requests.get(f"{self.internal_url}/readyz", timeout=2).status_code == 200:
                    return True
            except requests.RequestException:
                pass
            time.sleep(0.02)
        return False

    def parts(self):
        """{name: id} of the processes of a split platform; 0 where one does not run now."""
        lines = (self.home / "run/processes").read_text().splitlines()
        return {name: int(pid) for name, pid, *_ in map(str.split, lines)}

    def part_ready(self, name, but=0):
        """The id of the named process once it is ready, if it is another than `but`; otherwise 0."""
        for line in (self.home / "run/processes").read_text().splitlines():
            part, pid, _, state, _ = line.split()
            if part == name and state == "running" and int(pid) != but:
                return int(pid)
        return 0

    def kill_part(self, pid):
        """kill -9 of one process of a split platform."""
        os.kill(pid, signal.SIGKILL)

    # --- addresses, log ----------------------------------------------------------------------

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def internal_url(self):
        return f"http://127.0.0.1:{self.internal_port}"

    @property
    def log_path(self):
        return self.home / "log/souk.log"

    def log_text(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_lines(self):
        """The JSON lines of the log, decoded."""
        return [json.loads(line) for line in self.log_text().splitlines() if line.startswith("{")]

    def config(self):
        done = self.run("config", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def client(self):
        """A new client: no cookies, no token."""
        return Client(self.url)

    def admin_client(self):
        """A new client, logged in as a new administrator."""
        client = self.client()
        email = client.register()
        self.sql("user_db", "UPDATE users SET role = 'admin' WHERE email = %s", email)
        client.login(email)
        return client

    def internal(self, path, **options):
        """A request to the internal port, with the key that services use."""
        key = self._engine_environment["SOUK_INTERNAL_KEY"]
        headers = {"Authorization": f"Bearer {key}", **options.pop("headers", {})}
        return requests.request(options.pop("method", "GET"), self.internal_url + path,
                                headers=headers, timeout=30, **options)

    # --- engines -----------------------------------------------------------------------------

    def sql(self, database, query, *parameters):
        """Runs one statement as the owner of everything; returns its rows as dicts."""
        connection = self._connection(database)
        with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(query, parameters or None)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []

    def scalar(self, database, query, *parameters):
        """The first column of the only row."""
        (row,) = self.sql(database, query, *parameters)
        return next(iter(row.values()))

    def _connection(self, database):
        connection = self._connections.get(database)
        if connection is None or connection.closed:
            connection = psycopg2.connect(self._engine_environment["SOUK_POSTGRES_URL"], dbname=database)
            connection.autocommit = True
            self._connections[database] = connection
        return connection

    def _forget_connections(self):
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    @property
    def postgres_url(self):
        return self._engine_environment["SOUK_POSTGRES_URL"]

    @property
    def redis(self):
        return redis.Redis.from_url(self._engine_environment["SOUK_REDIS_URL"], decode_responses=True)

    def kill_engine(self, name):
        """kill -9 of `postgres` or `redis`."""
        self._forget_connections()
        pid = scratch.engine_pids(self.home)[name]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: scratch.engine_pids(self.home)[name] is None, 10, f"the end of {name}")

    def start_engines(self):
        """Starts whichever engine does not run."""
        self._forget_connections()
        scratch.engines("start", self.home)

    def close(self):
        """Ends everything and removes the data."""
        self.kill()
        self._forget_connections()
        scratch.engines("stop", self.home)
        shutil.rmtree(self.home, ignore_errors=True)
