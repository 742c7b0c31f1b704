"""Runs GoogleTest programs and reads their results."""

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import engines
import tree
from report import Case

TIMEOUT_S = {"release": 300, "asan": 900, "tsan": 1200}
RUN = re.compile(r"^\[ RUN      \] (\S+)$")
END = re.compile(r"^\[  (?:     OK|SKIPPED|FAILED ) ?\] (\S+?)(?:,.*)? \(\d+ ms\)$")
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:abort_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}
# Their fixtures take SOUK_TEST_OVER_THE_WIRE (lib/rpc/over_the_wire_for_test.hpp).
OVER_THE_WIRE = ("cart_test", "inventory_test", "payment_test")
_running = set()


def run_all(preset, chosen, report, over_the_wire=False):
    """chosen: program name -> GoogleTest filter or None. One program a core at a time."""
    if not chosen:
        return
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        futures = [pool.submit(_run_reported, preset, name, pattern, report, over_the_wire)
                   for name, pattern in chosen.items()]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(_running):
                _kill(process)
            raise


def run_over_the_wire(report):
    """The tests of some services again, which then call their service as another process would."""
    run_all("release", dict.fromkeys(OVER_THE_WIRE), report, over_the_wire=True)


def _run_reported(preset, name, pattern, report, over_the_wire):
    title = name if preset == "release" else f"{name} ({preset})"
    environment = {}
    if over_the_wire:
        title = f"split: {name}"
        environment = {"SOUK_TEST_OVER_THE_WIRE": "1"}
    started = time.monotonic()
    borrowed = None
    try:
        borrowed = engines.borrow()
        cases = _run(preset, name, pattern, {**environment, **borrowed.environment}, title)
    except Exception as error:  # pylint: disable=broad-except; a broken environment is a failed case
        cases = [Case(title, "failed", f"{type(error).__name__}: {error}")]
    finally:
        if borrowed:
            engines.give_back(borrowed)
    if cases or pattern is None:
        cases = cases or [Case(title, "failed", "the program has no test")]
        report.program(title, cases, time.monotonic() - started)


def _run(preset, name, pattern, additions, title):
    with tempfile.NamedTemporaryFile(suffix=".json") as results:
        command = [tree.ROOT / "build" / preset / "bin" / name, f"--gtest_output=json:{results.name}",
                   "--gtest_color=no", "--gtest_brief=0"]
        if pattern:
            command.append(f"--gtest_filter={pattern}")
        environment = {**os.environ, **SANITIZER_OPTIONS, **additions}
        code, output = _execute(command, environment, TIMEOUT_S[preset])
        try:
            document = json.load(results)
        except ValueError:
            return _cases_of_crash(output, code, title)
    cases = _cases(document, output, title)
    if code != 0 and not any(case.outcome == "failed" for case in cases):
        cases.append(Case(f"{title}: exit", "failed", f"{_end_in_words(code)}\n{output[-20000:]}"))
    return cases


def _execute(command, environment, timeout_s):
    """Runs the program in a process group of its own; returns its exit code (None: out of time) and output."""
    process = subprocess.Popen(command, cwd=tree.ROOT, env=environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace", start_new_session=True)
    _running.add(process)
    code = None
    try:
        output, _ = process.communicate(timeout=timeout_s)
        code = process.returncode
    except subprocess.TimeoutExpired:
        _kill(process)
        output, _ = process.communicate()
    finally:
        _running.discard(process)
    return code, output


def _kill(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _cases(document, output, title):
    texts = output_by_test(output)
    cases = []
    for suite in document["testsuites"]:
        for test in suite["testsuite"]:
            name = f"{suite['name']}.{test['name']}"
            text = texts.get(name, "")
            if test.get("failures"):
                own = text or "\n".join(failure["failure"] for failure in test["failures"])
                cases.append(Case(f"{title} {name}", "failed", own))
            elif test["result"] == "SKIPPED":
                cases.append(Case(f"{title} {name}", "skipped", skip_reason(text)))
            elif test["status"] == "NOTRUN":
                cases.append(Case(f"{title} {name}", "skipped", "disabled"))
            else:
                cases.append(Case(f"{title} {name}", "passed"))
    return cases


def _cases_of_crash(output, code, title):
    """No results were written: what had ended counts, and the test that was running failed."""
    cases, current = [], None
    texts = output_by_test(output)
    for line in output.splitlines():
        if match := RUN.match(line):
            current = match.group(1)
        elif match := END.match(line):
            name = match.group(1)
            outcome = "failed" if "FAILED" in line else "skipped" if "SKIPPED" in line else "passed"
            detail = {"failed": texts.get(name, ""), "skipped": skip_reason(texts.get(name, ""))}.get(outcome, "")
            cases.append(Case(f"{title} {name}", outcome, detail))
            current = None
    where = f"{title} {current}" if current else f"{title}: start or exit"
    text = texts.get(current, output[-20000:])
    cases.append(Case(where, "failed", f"{_end_in_words(code)}; the tests after it were not run\n{text}"))
    return cases


def output_by_test(output):
    """The lines that each test printed."""
    texts, current = {}, None
    for line in output.splitlines():
        if match := RUN.match(line):
            current = match.group(1)
            texts[current] = []
        elif current:
            texts[current].append(line)
            if END.match(line):
                current = None
    return {name: "\n".join(lines) for name, lines in texts.items()}


def skip_reason(text):
    lines = [line for line in text.splitlines()
             if line.strip() and not line.startswith("[") and not re.search(r":\d+: Skipped$", line)]
    return " ".join(lines[-3:]) or "no reason given"


def _end_in_words(code):
    if code is None:
        return "ran out of time and was killed"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
