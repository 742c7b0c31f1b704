"""The benchmark's own arithmetic, and what it says to wrong options. No measuring here: that is ./souk bench."""

import importlib.util
import subprocess

import pytest

from support.scratch import ROOT

FOLDER = ROOT / "tools/bench"


def module(name):
    spec = importlib.util.spec_from_file_location(f"bench_{name}", FOLDER / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def server(capacity):
    """A shop that serves so many a second and makes others wait."""
    asked = []

    def run(rate):
        asked.append(rate)
        late = rate > capacity
        return {"rate": min(rate, capacity), "failures": 0, "unfinished": 100 if late else 0,
                "latency_us": {"p50": 1000, "p99": 900_000 if late else 5_000}}
    run.asked = asked
    return run


@pytest.mark.parametrize("capacity", [60, 100, 140, 333])
def test_the_knee_is_found_from_below(capacity):
    run = server(capacity)
    found, tried = module("open_loop").knee(run, start=50, bound_ms=100)
    assert found <= capacity
    assert found >= 0.85 * capacity, f"{found} of {capacity}: {run.asked}"
    assert [each["wanted"] for each in tried] == run.asked


def test_a_rate_that_fails_late_or_in_error_is_not_served():
    is_served = module("open_loop").is_served
    good = {"rate": 100, "failures": 0, "unfinished": 0, "latency_us": {"p99": 99_000}}
    assert is_served(good, 100, bound_ms=100)
    for wrong in ({"rate": 90}, {"failures": 1}, {"unfinished": 1}, {"latency_us": {"p99": 101_000}}):
        assert not is_served({**good, **wrong}, 100, bound_ms=100), wrong


@pytest.mark.parametrize("words, told", [
    (["--only", "everything"], "there is product, list"),
    (["--rounds", "0"], "--rounds must be at least 1"),
    (["--open-loop", "reserve"], "invalid choice"),
    (["--seconds", "many"], "invalid float"),
])
def test_wrong_options_are_refused_before_anything_starts(words, told):
    done = subprocess.run(["/usr/bin/python3", FOLDER, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert told in done.stderr, done.stderr


def test_the_load_generator_refuses_what_it_does_not_know():
    program = ROOT / "build/release/bin/souk_load"
    if not program.exists():
        pytest.skip("souk_load is not built")
    for words, told in ((["dance"], "what is dance?"), (["get", "--paths", "/nonexistent", "--target", "127.0.0.1:1"],
                        "cannot be read"), (["dance", "--seconds", "-1"], "must be a number from")):
        done = subprocess.run([program, *words], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode in (1, 2), words
        assert told in done.stderr, done.stderr
