"""A merchant's system that is told of events by webhooks. It checks signatures by itself, as standardwebhooks.com has
it: nothing here knows how Souk makes them."""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time

from .platform import free_ports, wait_for


class Forged(Exception):
    """A request that the receiver must not believe."""


def verify(secret, headers, body, now=None):
    """Raises Forged unless one of the signatures is by this secret, over this body and a time that is near."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs((now or time.time()) - int(timestamp)) > 300:
        raise Forged("the time is not near")
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    if not any(hmac.compare_digest(expected, each) for each in headers["webhook-signature"].split(" ")):
        raise Forged("no signature is right")


class Told:
    """A request as it came."""

    def __init__(self, headers, body):
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body
        self.event = json.loads(body)

    @property
    def id(self):
        return self.headers["webhook-id"]

    @property
    def type(self):
        return self.event["type"]

    def verify(self, secret):
        verify(secret, self.headers, self.body)


class Receiver:
    """Listens until closed. What it answers: `status`, `headers`, `reply`, after `delay_s`."""

    def __init__(self, port=None, context=None):
        self.port = port or free_ports(1)[0]
        self.scheme = "https" if context else "http"
        self.told = []
        self.status = 204
        self.headers = {}
        self.reply = b""
        self.delay_s = 0
        self._release = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                receiver._take(self)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self):
        self._release.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}/hook"

    def of(self, subject, kind=None):
        """What was told of an order, oldest first."""
        return [each for each in list(self.told) if each.event["data"].get("order_id") == subject
                and kind in (None, each.type)]

    def wait(self, subject, kind, count=1, timeout_s=20):
        def come():
            found = self.of(subject, kind)
            return found if len(found) >= count else None

        return wait_for(come, timeout_s, f"{count} webhooks {kind}")

    def _take(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        assert handler.headers["Content-Type"] == "application/json"
        self.told.append(Told(handler.headers, body))
        status, headers, reply = self.status, dict(self.headers), self.reply
        self._release.wait(self.delay_s)
        try:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            if status != 204:
                handler.send_header("Content-Length", str(len(reply)))
            handler.end_headers()
            if status != 204:
                handler.wfile.write(reply)
        except OSError:
            pass  # who asked has gone
