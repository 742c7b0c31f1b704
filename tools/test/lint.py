"""The checks of the source: layout, shell, house rules, clang-tidy."""

import subprocess
import time
from dataclasses import dataclass
from typing import Callable

import house_rules
import tidy
import tree


@dataclass
class Check:
    name: str
    find: Callable[[], str]  # what is wrong, or ""

    def run(self, report):
        started = time.monotonic()
        wrong = self.find()
        seconds = time.monotonic() - started
        if wrong:
            report.failed(self.name, wrong, seconds)
        else:
            report.passed(self.name, seconds)


def names():
    return [check.name for check in (*CHECKS, *SLOW_CHECKS)]


def find_format():
    sources = tree.with_suffix(".cpp", ".hpp")
    if not sources:
        return ""
    result = subprocess.run(["clang-format-19", "--dry-run", "--Werror", *sources],
                            cwd=tree.ROOT, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return ""
    first = {}  # one place a file is enough
    for line in result.stderr.splitlines():
        if line.endswith("[-Wclang-format-violations]"):
            first.setdefault(line.split(":")[0], line)
    return "\n".join([*first.values(), f"clang-format-19 -i {' '.join(first)}"])


def find_shell():
    scripts = [name for name in tree.files()
               if name.endswith(".sh") or tree.text(name).startswith(("#!/usr/bin/env bash", "#!/bin/bash", "#!/bin/sh"))]
    # Sourced parts are checked through the scripts that source them.
    parts = [name for name in scripts if tree.text(name).startswith("# shellcheck shell=bash")]
    # SC2015: `a && b || fail` is this project's idiom, where b is a test and fail ends the program.
    result = subprocess.run(["shellcheck", "-x", "-a", "-e", "SC2015", *(set(scripts) - set(parts))],
                            cwd=tree.ROOT, capture_output=True, text=True, check=False)
    return "" if result.returncode == 0 else result.stdout + result.stderr


CHECKS = [
    Check("format", find_format),
    Check("shellcheck", find_shell),
    Check("house-rules", house_rules.find),
]
SLOW_CHECKS = [Check("tidy", tidy.find)]
