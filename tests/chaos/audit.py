"""The auditor of the tests is the platform's own: `souk audit`."""

import json


def violations(platform):
    """Sentences about every row that should not be."""
    done = platform.run("audit", "--json")
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    told = [f"{rule['name']}: {row}" for rule in found["invariants"] for row in rule["rows"]]
    assert bool(told) == (done.returncode == 1) and found["invariants"], done.stdout
    return told
