"""The auditor of the tests is the platform's own: `souk audit`."""

import json


def violations(platform):
    """Sentences about every row that should not be."""
    done = platform.run("audit", "--json")
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    told = [f"{rule['name']}: {row}" for rule in found["invariants"] for row in rule["rows"]]
    assert bool(told) == (done.returncode == 1) and found["invariants"], done.stdout
    return told + _reconciled(platform)


def _reconciled(platform):
    """What the platform's own comparison with the gateway's books says; it must see no less than the queries."""
    done = platform.run("reconcile", "--dry-run", "--json")
    assert done.returncode in (0, 1) and done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert (done.returncode == 0) == (report["remaining"] == 0), done.stdout
    return [f"souk reconcile: {each}" for each in report["differences"] + report["orphaned"]]
