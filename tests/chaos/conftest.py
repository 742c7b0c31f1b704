"""The fixtures of tests/functional, and one platform that is killed again and again on the same data."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "functional"))

from support.fixtures import *  # noqa: E402,F401,F403
from support.fixtures import _close, _start, pytest_runtest_makereport  # noqa: E402,F401
from support.shop import Goods, unique  # noqa: E402


@pytest.fixture(scope="module")
def shop(templates):
    """Engines and databases that outlive many kills of the platform; the test starts it."""
    platform = _start(templates, demo=False, env=None, start=False)
    yield platform
    _close(platform)


@pytest.fixture(scope="module")
def stocked(shop):
    """stocked(count, quantity): ids of products that nobody has bought yet, made many at a time."""
    goods = Goods(shop)
    made = {}

    def take(count, quantity):
        ready = made.setdefault(quantity, [])
        if len(ready) < count:
            documents = [goods.document(unique("c"), quantity=quantity) for _ in range(50 * count)]
            goods.put(*documents)
            ready.extend(document["product_id"] for document in documents)
        taken, made[quantity] = ready[:count], ready[count:]
        return taken

    return take
