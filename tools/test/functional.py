"""Runs the pytest folders against the real binary and reads what happens, test by test."""

import json
import os
import re
import signal
import subprocess
import tempfile
import threading

import tree
from report import Case

# Step name -> folder.
FOLDERS = {"functional": "tests/functional", "split": "tests/functional", "chaos": "tests/chaos"}
# What runs a second time with each service as a process of its own: the tests of the shop's API.
SPLIT = ("test_admin_payments.py", "test_auth.py", "test_bad_input.py", "test_browse.py", "test_cart.py", "test_checkout.py",
         "test_coupons.py", "test_inventory.py", "test_openapi.py", "test_orders.py", "test_payment_methods.py")
TIMEOUT_S = 2400
LONG_TIMEOUT_S = 7200
HERE = tree.ROOT / "tools/test"


def test_files(folder):
    return [name for name in tree.with_suffix(".py")
            if name.startswith(FOLDERS[folder] + "/") and name.rpartition("/")[2].startswith("test_")
            and (folder != "split" or name.endswith(SPLIT))]


def node_ids(name):
    """The file's name and its tests' names as pytest writes them, without running Python."""
    functions = re.findall(r"^\s*def (test_\w+)", tree.text(name), re.MULTILINE)
    return [name, *(f"{name}::{function}" for function in functions)]


def run(folder, selection, report):
    files = selection.pytest_files(folder)
    if not files:
        return
    environment = dict(os.environ, PYTHONPATH=str(HERE), PYTHONNOUSERSITE="1", PYTHONDONTWRITEBYTECODE="1")
    if not selection.everything and selection.step != folder:
        environment["SOUK_TEST_NAME"] = selection.name
    if folder == "split":
        environment["SOUK_TEST_SPLIT"] = "1"
    reader, writer = os.pipe()
    environment["SOUK_TEST_EVENTS_FD"] = str(writer)
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "souk_plugin", "-p", "no:cacheprovider",
             "--continue-on-collection-errors", *files],
            cwd=tree.ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            pass_fds=[writer], start_new_session=True)
        os.close(writer)
        try:
            cases = _follow(process, reader, report, "split: " if folder == "split" else "")
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)  # the fixtures stop what they started
            raise
        if process.returncode not in (0, 1, 5) or (process.returncode == 1 and cases == 0):
            output.seek(0)
            report.failed(f"{folder}: pytest", f"exit code {process.returncode}\n{output.read()[-20000:]}")


def _follow(process, reader, report, prefix):
    """Reports a line a file as the events come in; returns the number of cases."""
    timer = threading.Timer(LONG_TIMEOUT_S if os.environ.get("SOUK_TEST_LONG") else TIMEOUT_S, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    total, current, cases, seconds = 0, None, [], 0.0
    with os.fdopen(reader) as events:
        for line in events:
            event = json.loads(line)
            file = event["name"].partition("::")[0]
            if file != current and cases:
                report.program(prefix + current, cases, seconds)
                cases, seconds = [], 0.0
            current = file
            seconds += event["seconds"]
            if event["outcome"] != "ran":  # the time that one phase of a test took
                cases.append(Case(event["name"], event["outcome"], event["detail"]))
                total += 1
    if cases:
        report.program(prefix + current, cases, seconds)
    process.wait()
    timer.cancel()
    return total
