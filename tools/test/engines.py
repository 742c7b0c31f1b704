"""Throw-away PostgreSQL and Redis for test programs; no durability, for speed."""

import os
import pathlib
import queue
import re
import shutil
import subprocess
import tempfile

import tree

STARTER = tree.ROOT / "deploy/local/engines"
PREFIX = "souk-test-"

_started = []
_free = queue.SimpleQueue()


class Engines:
    """One server of each kind in a folder of its own."""

    def __init__(self):
        # The servers' users must be able to enter it, and its name tells whose it is.
        self.home = pathlib.Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self.home.chmod(0o755)
        started = subprocess.run([STARTER, "start", self.home, "--fast"], capture_output=True, text=True, check=False)
        if started.returncode != 0:
            raise RuntimeError(f"the scratch engines did not start: {started.stderr.strip()}")
        lines = subprocess.run([STARTER, "env", self.home], capture_output=True, text=True, check=True).stdout
        values = dict(line.split("=", 1) for line in lines.splitlines())
        self.environment = {
            "SOUK_TEST_POSTGRES_URL": values["SOUK_POSTGRES_URL"],
            "SOUK_TEST_REDIS_URL": values["SOUK_REDIS_URL"],
            "SOUK_SECRET_FILE": values["SOUK_SECRET_FILE"],
            "SOUK_TEST_HOME": str(self.home),
        }


def borrow():
    """Engines that no other test program uses now; started when none is free."""
    try:
        return _free.get_nowait()
    except queue.Empty:
        engines = Engines()
        _started.append(engines)
        return engines


def give_back(engines):
    _free.put(engines)


def stop_all():
    while _started:
        _remove(_started.pop().home)


def remove_leftovers():
    """Stops what a killed run left behind."""
    for folder in pathlib.Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = re.match(rf"{PREFIX}(\d+)-", folder.name)
        if owner and not pathlib.Path("/proc", owner.group(1)).exists():
            _remove(folder)


def _remove(home):
    subprocess.run([STARTER, "stop", home], capture_output=True, check=False)
    shutil.rmtree(home, ignore_errors=True)
