"""Traces: a checkout as one trace at an OpenTelemetry collector, its ids in the log, and a collector that is gone."""

import re
import time

import pytest

from support.client import checkout_body
from support.collector import Collector
from support.platform import free_ports, wait_for
from support.shop import Goods

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
SERVER, CLIENT = 2, 3


@pytest.fixture
def collector():
    with Collector() as running:
        yield running


def traced_checkout(platform, flags="01"):
    cart = platform.client().cart_with(Goods(platform).product()["product_id"])
    reply = platform.client().post(f"/v1/carts/{cart}/checkout", checkout_body(), headers={
        "Idempotency-Key": "traced", "traceparent": f"00-{TRACE}-{PARENT}-{flags}", "X-Request-Id": "traced-1"})
    assert reply.status_code == 201, reply.text


def test_a_checkout_is_one_trace_whose_spans_nest(fresh_platform, collector):
    platform = fresh_platform(demo=False, env={"SOUK_OTLP_ENDPOINT": collector.endpoint})
    traced_checkout(platform)
    spans = wait_for(lambda: (lambda found: found if any(s["kind"] == SERVER for s in found) else None)(
        collector.of_trace(TRACE)), what="the server's span")
    by_id = {span["spanId"]: span for span in spans}
    assert len(by_id) == len(spans), "two spans have one id"
    (server,) = [span for span in spans if span["kind"] == SERVER]
    assert server["parentSpanId"] == PARENT
    assert server["name"] == "POST /v1/carts/{id}/checkout"
    assert server["attributes"]["http.response.status_code"] == 201
    assert server["attributes"]["souk.request_id"] == "traced-1"
    assert server["resource"]["service.name"] == "souk"
    for span in spans:
        assert re.fullmatch("[0-9a-f]{16}", span["spanId"])
        start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
        assert start <= end
        assert abs(end / 1e9 - time.time()) < 60
        if span is server:
            continue
        parent = by_id[span["parentSpanId"]]  # nobody's parent is missing
        assert int(parent["startTimeUnixNano"]) <= start
    names = {span["name"] for span in spans}
    assert {"checkout reserve", "checkout charge"} <= names, names
    assert any(name.startswith("postgres ") for name in names), names
    assert any(name.startswith("redis ") for name in names), names
    assert all(span["kind"] == CLIENT for span in spans if span["name"].startswith(("postgres ", "redis ")))
    assert not collector.problems


def test_a_client_that_does_not_sample_is_obeyed(fresh_platform, collector):
    platform = fresh_platform(demo=False, env={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint + "/"})
    traced_checkout(platform, flags="00")
    platform.client().get("/v1/products")  # a trace that begins here
    wait_for(lambda: any(span["name"] == "GET /v1/products" for span in collector.spans), what="a span")
    assert platform.stop() == 0  # the last spans are sent at the end
    assert collector.of_trace(TRACE) == []
    (server,) = [span for span in collector.spans if span["name"] == "GET /v1/products"]
    assert "parentSpanId" not in server


def test_lines_of_the_log_have_the_trace_and_the_request(fresh_platform):
    platform = fresh_platform(demo=False, env={"SOUK_LOG_LEVEL": "debug"})  # tracing is off
    traced_checkout(platform)
    lines = [line for line in platform.log_lines() if line.get("request_id") == "traced-1"]
    assert any(line["msg"] == "request" and line["status"] == 201 for line in lines), lines
    assert {line.get("trace_id") for line in lines} == {TRACE}


@pytest.mark.parametrize("kind", ["gone", "refusing"])
def test_a_collector_that_takes_nothing_costs_spans_and_no_request(fresh_platform, collector, kind):
    (nobody,) = free_ports(1)
    collector.status = 503
    endpoint = f"http://127.0.0.1:{nobody}" if kind == "gone" else collector.endpoint
    platform = fresh_platform(demo=False, env={"SOUK_OTLP_ENDPOINT": endpoint})
    client = platform.client()
    for _ in range(20):
        assert client.get("/v1/products").status_code == 200

    def lost():
        found = re.search(r'souk_trace_spans_dropped_total\{reason="export_failed"\} (\S+)',
                          platform.internal("/metrics").text)
        return found and float(found[1]) >= 20

    wait_for(lost, what="the count of lost spans")
    warnings = [line for line in platform.log_lines() if line["msg"].startswith("traces cannot be exported")]
    assert len(warnings) == 1, "only the first of several failures is logged"
