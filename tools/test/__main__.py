"""Builds and tests Souk: ./souk test [NAME | --long]

Without NAME everything runs: lint, the build, every test program, the functional tests of
the real binary, those of the shop again with each service as a process of its own (split),
the kill-point tests, and the test programs again with ASan and UBSan.
NAME is one of those steps, or any part of the name of a test program, a GoogleTest or a
pytest; then only what matches is built and run. --long adds the long tests and TSan.

The last line is `N passed, N failed, N skipped`; exit code 0 only if something ran and
nothing failed.
"""

import os
import signal
import sys
import time

import build
import engines
import functional
import lint
import programs
from report import Report
from selection import Selection

USAGE_ERROR = 2


def lint_step(selection, report):
    for check in lint.CHECKS:
        if selection.wants_check(check.name):
            check.run(report)


def build_step(selection, report):
    """Returns whether what the later steps need is there."""
    targets = None if selection.everything or selection.step == "build" else selection.targets()
    if targets == []:
        return True
    return build.build("release", targets, report)


def unit_step(selection, report):
    programs.run_all("release", selection.programs(), report)


def sanitizer_step(preset, report):
    names = build.test_programs(preset)
    if build.build(preset, [f"bin/{name}" for name in names], report):
        programs.run_all(preset, {name: None for name in names}, report)


def run_steps(selection, report):
    if selection.wants_lint():
        lint_step(selection, report)
    if not selection.wants_binaries():
        return
    if not build.configure("release", report):
        return
    if selection.step != "lint" and not selection.step_is_sanitizer():
        if not build_step(selection, report):
            report.note("what needs the build was not run")
            return
        unit_step(selection, report)
        if selection.everything or selection.step == "split":
            programs.run_over_the_wire(report)
        for folder in functional.FOLDERS:
            if selection.wants_folder(folder):
                functional.run(folder, selection, report)
    for check in lint.SLOW_CHECKS:  # they need the precompiled header, hence after the build
        if selection.wants_check(check.name):
            check.run(report)
    for preset in selection.sanitizers():
        if build.configure(preset, report):
            sanitizer_step(preset, report)


def interrupt(_signal, _frame):
    raise KeyboardInterrupt


def main(arguments):
    if any(argument in ("-h", "--help") for argument in arguments):
        print(__doc__)
        return 0
    long = "--long" in arguments
    names = [argument for argument in arguments if argument != "--long"]
    if len(names) > 1 or any(name.startswith("-") for name in names):
        print("usage: ./souk test [NAME | --long]", file=sys.stderr)
        return USAGE_ERROR
    if long:
        os.environ["SOUK_TEST_LONG"] = "1"
    signal.signal(signal.SIGTERM, interrupt)
    started = time.monotonic()
    report = Report()
    engines.remove_leftovers()
    try:
        run_steps(Selection(names[0] if names else None, long), report)
    except KeyboardInterrupt:
        report.failed("interrupted", "the run was stopped before its end")
    finally:
        engines.stop_all()
    return report.close(time.monotonic() - started, names[0] if names else None)


sys.exit(main(sys.argv[1:]))
