"""What the gateways of the tests have in common: durable books, idempotency keys, faults, signed webhooks.

A gateway is a program of its own: `python3 tests/gateways/stripe.py --books FILE` prints its port and serves until its
standard input is closed. Beside the gateway's own API there is /_test/…, by which a test sets faults and reads the books.
"""

import argparse
import contextlib
import http.server
import json
import pathlib
import sqlite3
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

HANG_S = 30  # longer than anybody waits

FAULTS = ("error_before", "error_after", "hang_before", "hang_after", "drop_after")

_TABLES = """
    CREATE TABLE IF NOT EXISTS objects (id TEXT PRIMARY KEY, kind TEXT NOT NULL, document TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS movements (number INTEGER PRIMARY KEY, payment TEXT NOT NULL, order_id TEXT,
                                          kind TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER, body TEXT);
    CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, document TEXT NOT NULL, delivered INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE IF NOT EXISTS met (what TEXT PRIMARY KEY);
"""


class Refused(Exception):
    """An answer that is an error of the gateway's."""

    def __init__(self, status, body):
        super().__init__(body)
        self.status, self.body = status, body


class Books:
    """The gateway's ledger: survives the end of its process. `movements` is the judge of what money was moved."""

    def __init__(self, path):
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + _TABLES)

    @contextlib.contextmanager
    def transaction(self):
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise

    def rows(self, query, *parameters):
        with self._lock:
            cursor = self._db.execute(query, parameters)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def change(self, query, *parameters):
        with self._lock:
            return self._db.execute(query, parameters).rowcount

    def get(self, kind, name):
        found = self.rows("SELECT document FROM objects WHERE id = ? AND kind = ?", name, kind)
        return json.loads(found[0]["document"]) if found else None

    def put(self, kind, document):
        self.change("INSERT INTO objects VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET document = excluded.document",
                    document["id"], kind, json.dumps(document))

    def every(self, kind):
        rows = self.rows("SELECT document FROM objects WHERE kind = ? ORDER BY rowid", kind)
        return [json.loads(row["document"]) for row in rows]

    def move(self, payment, order_id, kind, amount, currency):
        self.change("INSERT INTO movements (payment, order_id, kind, amount, currency) VALUES (?, ?, ?, ?, ?)",
                    payment, order_id, kind, amount, currency)

    def first_time(self, what):
        return self.change("INSERT INTO met VALUES (?) ON CONFLICT DO NOTHING", what) == 1


class Dialect:
    """One gateway's API. Subclasses answer `respond(method, path, fields, headers)` with (status, document)."""

    def __init__(self, books):
        self.books = books
        self.faults = []  # [call, fault, how often yet]
        self.webhooks = {"url": None, "secret": None, "mode": "on"}
        self.calls = []  # "POST /v1/…", oldest first
        self._lock = threading.Lock()

    def sign(self, body, secret):
        """The headers of a webhook with this body."""
        raise NotImplementedError

    def fault_of(self, call):
        """The fault that a test has set for this call, if any is left."""
        with self._lock:
            for each in self.faults:
                if each[0] == call and each[2] > 0:
                    each[2] -= 1
                    return each[1]
        return None

    # --- webhooks ---------------------------------------------------------------------------------

    def emit(self, event):
        """Notes an event; it is delivered as the mode says: on, off (kept for /_test/deliver), twice, before."""
        self.books.change("INSERT INTO events (id, document) VALUES (?, ?)", event["id"], json.dumps(event))
        mode = self.webhooks["mode"]
        if self.webhooks["url"] and mode != "off":
            thread = threading.Thread(target=self.deliver, args=([event] * (2 if mode == "twice" else 1),), daemon=True)
            # After this request's own transaction; with `before` the reply waits until the shop has heard.
            self.later().append((thread, mode == "before"))

    def later(self):
        return self._threads.__dict__.setdefault("list", [])

    _threads = threading.local()

    def deliver_later(self):
        waiting, self._threads.list = self.later(), []
        for thread, _ in waiting:
            thread.start()
        for thread, before in waiting:
            if before:
                thread.join(5)

    def deliver(self, events):
        return [self.send(json.dumps(event).encode(), event["id"]) for event in events]

    def send(self, body, event_id=None):
        request = urllib.request.Request(self.webhooks["url"], body, {"Content-Type": "application/json"}, method="POST")
        for name, value in self.sign(body, self.webhooks["secret"]).items():
            request.add_header(name, value)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as reply:
                status = reply.status
        except urllib.error.HTTPError as error:
            status = error.code
        except OSError:
            status = 0
        if event_id and status // 100 == 2:
            self.books.change("UPDATE events SET delivered = delivered + 1 WHERE id = ?", event_id)
        return status

    # --- what tests ask ---------------------------------------------------------------------------

    def test(self, method, name, body):
        if name == "books":
            return {"movements": self.books.rows("SELECT * FROM movements ORDER BY number"), "calls": list(self.calls)}
        if name == "events":
            rows = self.books.rows("SELECT document, delivered FROM events ORDER BY rowid")
            return [{**json.loads(row["document"]), "delivered": row["delivered"]} for row in rows]
        if name == "faults":
            assert body["fault"] in FAULTS, body
            with self._lock:
                self.faults.append([body["call"], body["fault"], body.get("times", 1)])
            return {}
        if name == "webhooks":
            self.webhooks.update(body)
            return {}
        if name == "deliver":  # {"events": […]} as they are, or {"body": "…"} byte for byte
            if "body" in body:
                return [self.send(body["body"].encode())]
            return self.deliver(body["events"])
        raise Refused(404, {})


def _handler(dialect):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self._serve("GET")

        def do_POST(self):
            self._serve("POST")

        def _serve(self, method):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = urllib.parse.urlparse(self.path)
            if url.path.startswith("/_test/"):
                return self._answer(200, dialect.test(method, url.path[7:], json.loads(body or b"{}")))
            dialect.calls.append(f"{method} {url.path}")
            try:
                status, document, fault = dialect.respond(method, url, body, self.headers)
            except Refused as refused:
                status, document, fault = refused.status, refused.body, None
            dialect.deliver_later()
            if fault and fault.startswith(("hang", "drop")):
                if fault.startswith("hang"):
                    self._hang()
                self.close_connection = True
                return None
            return self._answer(status, document)

        def _hang(self):
            end = time.monotonic() + HANG_S
            self.connection.settimeout(0.1)
            while time.monotonic() < end:
                with contextlib.suppress(TimeoutError, BlockingIOError):
                    if not self.connection.recv(1):
                        return

        def _answer(self, status, document):
            location = document.pop("_location", None) if isinstance(document, dict) else None
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if location:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main(make):
    """Serves the dialect that `make(books, port)` gives on a port of loopback."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--books", help="file of the ledger; none: one that ends with the program")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(("127.0.0.1", options.port), http.server.BaseHTTPRequestHandler)
        port = server.server_address[1]
        server.RequestHandlerClass = _handler(make(Books(options.books or pathlib.Path(folder) / "books"), port))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(port, flush=True)
        sys.stdin.read()
        server.shutdown()
