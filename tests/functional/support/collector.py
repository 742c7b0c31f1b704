"""A small OpenTelemetry collector: takes traces as OTLP over HTTP, JSON-encoded, and keeps their spans."""

import http.server
import json
import threading


class Collector:
    """`status` is what it answers with. `spans` are as in the export, with `resource` and flat `attributes`."""

    def __init__(self):
        self.spans = []
        self.problems = []
        self.status = 200
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector._take(self.path, self.headers["Content-Type"], body)
                reply = b"{}"
                self.send_response(collector.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def of_trace(self, trace_id):
        return [span for span in list(self.spans) if span["traceId"] == trace_id]

    def _take(self, path, content_type, body):
        if path != "/v1/traces" or content_type != "application/json":
            self.problems.append(f"{path} with {content_type}")
            return
        for resource in json.loads(body)["resourceSpans"]:
            about = _flat(resource["resource"]["attributes"])
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    self.spans.append({**span, "attributes": _flat(span["attributes"]), "resource": about})


def _flat(attributes):
    def value(of):
        return int(of["intValue"]) if "intValue" in of else of["stringValue"]
    return {each["key"]: value(each["value"]) for each in attributes}
