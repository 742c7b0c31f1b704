"""The fixtures of tests/functional and tests/chaos."""

import pytest

from . import scratch
from .platform import Platform
from .shop import Goods

USES_A_PLATFORM = {"platform", "http", "fresh_platform"}

_running = []  # platforms whose logs explain a failure


def pytest_configure(config):
    # Here, so that pytest knows it without the runner's plugin as well.
    config.addinivalue_line("markers", "long: runs only with ./souk test --long")


@pytest.fixture(scope="session")
def templates():
    assert scratch.BINARY.exists(), f"{scratch.BINARY} is missing: tools/build release souk"
    prepared = scratch.Templates()
    yield prepared
    prepared.remove()


@pytest.fixture(scope="session")
def platform(templates):
    """One platform with the demo catalogue for the whole session. Tests that break it, or count
    on being alone, take `fresh_platform`."""
    running = _start(templates, demo=True, env=None)
    yield running
    _close(running)


@pytest.fixture
def fresh_platform(templates):
    """fresh_platform(demo=True, env=None, start=True, split=None): a platform with databases of its own."""
    made = []

    def make(demo=True, env=None, start=True, split=None):
        made.append(_start(templates, demo, env, start, split))
        return made[-1]

    yield make
    for each in made:
        _close(each)


@pytest.fixture
def http(platform):
    """A new client of the session's platform."""
    return platform.client()


@pytest.fixture
def admin(platform):
    """A new administrator's client of the session's platform."""
    return platform.admin_client()


@pytest.fixture
def goods(platform):
    """Products of the test's own on the session's platform."""
    return Goods(platform)


def _start(templates, demo, env, start=True, split=None):
    platform = Platform(templates.copy(demo), env, split)
    _running.append(platform)
    try:
        return platform.start() if start else platform
    except BaseException:
        _close(platform)
        raise


def _close(platform):
    _running.remove(platform)
    platform.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed and USES_A_PLATFORM.intersection(item.fixturenames):
        for number, platform in enumerate(_running):
            tail = "\n".join(platform.log_text().splitlines()[-30:])
            report.sections.append((f"log of platform {number} on port {platform.port}, last lines", tail))
