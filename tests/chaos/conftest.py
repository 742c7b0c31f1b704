"""The fixtures of tests/functional, and one platform that is killed again and again on the same data."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "functional"))

from support.fixtures import *  # noqa: E402,F401,F403
from support.fixtures import _close, _start, pytest_runtest_makereport  # noqa: E402,F401
from support.platform import wait_for  # noqa: E402
from support.shop import Goods, unique  # noqa: E402


@pytest.fixture(scope="module")
def shop(templates):
    """Engines and databases that outlive many kills of the platform; the test starts it."""
    platform = _start(templates, demo=False, env=None, start=False)
    yield platform
    _close(platform)


def _read_feeds(shop):
    """Waits until notifications have read what an import tells: a failpoint there is for the flows."""
    shop.restart({})

    def read():
        told = shop.scalar("inventory_db", "SELECT max(sequence) FROM outbox_events")
        cursor = shop.scalar("notification_db", "SELECT max(split_part(cursor, ':', 2)::bigint) FROM event_cursors"
                                                " WHERE consumer = 'notification.stock'")
        return (cursor or 0) >= (told or 0)

    wait_for(read, 60, "the feeds to be read")


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
            _read_feeds(shop)
            ready.extend(document["product_id"] for document in documents)
        taken, made[quantity] = ready[:count], ready[count:]
        return taken

    return take
