"""/metrics, and that the dashboard and the alerts ask only for what is there."""

import json
import pathlib
import re

import pytest

from support.platform import wait_for
from support.shop import Goods

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
LINE = re.compile(r'^([a-z_]+)(?:\{(.*)\})? (\S+)$')


class Metrics:
    """A scrape: `values[name]` lists (labels, value)."""

    def __init__(self, text):
        self.values = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            name, labels, value = LINE.match(line).groups()
            pairs = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))
            self.values.setdefault(name, []).append((pairs, float(value)))

    def labels(self, name):
        return {label for labels, _ in self.values[name] for label in labels}

    def total(self, name, **wanted):
        return sum(value for labels, value in self.values.get(name, ())
                   if wanted.items() <= labels.items())


@pytest.fixture(scope="module")
def scraped(platform):
    """The metrics after some of everything that customers do."""
    client = platform.client()
    client.register()
    client.get("/v1/search", params={"q": "lamp"})
    product = Goods(platform).product()["product_id"]
    client.product(product)
    platform.client().buy(product)

    def complete():  # sagas are counted now and then, and pages are kept once the catalog's feed was read to its end
        client.get("/v1/products")
        metrics = Metrics(platform.internal("/metrics").text)
        hits = metrics.total("souk_cache_lookups_total", cache="catalog.pages", result="hit")
        told = metrics.total("souk_mails_total", outcome="taken") > 0 and "souk_messages_pending" in metrics.values
        return metrics if "souk_checkout_sagas" in metrics.values and hits > 0 and told else None

    return wait_for(complete, 30, "the count of sagas, a page from the cache and a mail")


def dashboard_queries():
    dashboard = json.loads((DEPLOY / "grafana/souk.json").read_text())
    return [pytest.param(target["expr"], id=f"{panel['title']}-{target['refId']}")
            for panel in dashboard["panels"] for target in panel.get("targets", ())]


def alert_queries():
    names, expressions = [], []
    for line in (DEPLOY / "prometheus/alerts.yml").read_text().splitlines():
        if "- alert:" in line:
            names.append(line.partition("alert:")[2].strip())
        elif line.strip().startswith("expr:"):
            expressions.append(line.partition("expr:")[2].strip())
    assert len(names) == len(expressions) > 5
    return [pytest.param(expression, id=name) for name, expression in zip(names, expressions)]


def check(expression, metrics):
    """Every metric is there, with every label that it is chosen by; groups are of labels that some metric has."""
    asked = re.findall(r'\b((?:souk|process)_[a-z_]+)(?:\{([^}]*)\})?', expression)
    assert asked, f"no metric in {expression}"
    known = {"le"}
    for name, matchers in asked:
        assert name in metrics.values, f"{name} is not in /metrics"
        labels = metrics.labels(name)
        known |= labels
        for label in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)', matchers):
            assert label in labels, f"{name} has no label {label}, but {labels}"
    for group in re.findall(r'\bby \(([^)]*)\)', expression):
        for label in group.split(","):
            assert label.strip() in known, f"no metric of {expression} has the label {label.strip()}"


@pytest.mark.parametrize("expression", dashboard_queries())
def test_the_dashboard_asks_for_what_is_there(scraped, expression):
    check(expression, scraped)


@pytest.mark.parametrize("expression", alert_queries())
def test_the_alerts_ask_for_what_is_there(scraped, expression):
    check(expression, scraped)


def test_panels_do_not_overlap_and_have_a_description():
    panels = json.loads((DEPLOY / "grafana/souk.json").read_text())["panels"]
    places = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & places, panel["title"]
        places |= cells
        assert panel["type"] == "row" or panel["description"], panel["title"]


def test_metrics_say_what_happened(scraped):
    assert scraped.total("souk_http_requests_total", route="/v1/carts/{id}/checkout", status="201") >= 1
    assert scraped.total("souk_http_request_seconds_count", route="/v1/carts/{id}/checkout") >= 1
    assert scraped.total("souk_cache_lookups_total", cache="catalog.pages", result="hit") >= 1
    assert scraped.total("process_resident_memory_bytes") > 10e6
    assert scraped.total("process_cpu_seconds_total") > 0
    assert scraped.total("process_max_fds") > scraped.total("process_open_fds") > 10
    assert scraped.total("process_threads") >= 3
