"""pytest plugin: runs only what SOUK_TEST_NAME matches and writes each outcome to the runner's pipe."""

import json
import os
import signal

import pytest

LIMIT_S = int(os.environ.get("SOUK_TEST_LIMIT_S", "240"))
LONG_LIMIT_S = 3600
_events = os.fdopen(int(os.environ["SOUK_TEST_EVENTS_FD"]), "w", buffering=1)


def _emit(name, outcome, detail="", seconds=0.0):
    event = {"name": name, "outcome": outcome, "detail": detail, "seconds": seconds}
    _events.write(json.dumps(event) + "\n")


def _interrupt(_signal, _frame):
    raise KeyboardInterrupt


def pytest_configure():
    signal.signal(signal.SIGTERM, _interrupt)


def pytest_collection_modifyitems(config, items):
    name = os.environ.get("SOUK_TEST_NAME")
    if name:
        dropped = [item for item in items if name not in item.nodeid]
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if name in item.nodeid]
    if not os.environ.get("SOUK_TEST_LONG"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="long: ./souk test --long"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    limit_s = LONG_LIMIT_S if item.get_closest_marker("long") else LIMIT_S

    def out_of_time(_signal, _frame):
        raise TimeoutError(f"{item.nodeid} took longer than {limit_s} seconds")

    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(limit_s)
    yield
    signal.alarm(0)


def pytest_collectreport(report):
    if report.failed:
        _emit(f"{report.nodeid}::collection", "failed", report.longreprtext)


def pytest_runtest_logreport(report):
    _emit(report.nodeid, "ran", seconds=report.duration)
    if report.failed:
        where = report.nodeid if report.when == "call" else f"{report.nodeid} ({report.when})"
        sections = "".join(f"\n--- {title}\n{text}" for title, text in report.sections)
        _emit(where, "failed", report.longreprtext + sections)
    elif report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else getattr(report, "wasxfail", "")
        _emit(report.nodeid, "skipped", reason.removeprefix("Skipped: "))
    elif report.when == "call":
        _emit(report.nodeid, "passed")
